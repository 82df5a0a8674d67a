//! Media files, read as bytes arrive. Pure: bytes in; initialisation data, samples and cues out.
//!
//! Times leave here in the media's own timeline (edit lists, priming and composition offsets applied, once);
//! the engine maps them to presentation time.

mod codec;
mod demux;
pub mod mp4;
mod sample;
mod sniff;
mod sniffing;
mod text;

pub use codec::{Codec, CodecConfig, PixelAspect};
pub use demux::{
    CaptionPacket, DemuxError, DemuxOutput, DemuxSetup, Demuxer, InitSegment, ProtectionInfo, SampleKey, TrackInit,
};
pub use sample::{Fragment, Payload, Sample, SampleCrypto, Subsample};

use std::sync::Arc;

use bytes::Bytes;

use crate::model::ContainerFormat;

/// A demuxer for one segment of clear media, see [`open`].
///
/// # Errors
/// As [`open`].
pub fn demuxer(format: ContainerFormat, init: Option<&InitSegment>) -> Result<Box<dyn Demuxer>, DemuxError> {
    open(&DemuxSetup::new(format, init.cloned().map(Arc::new)))
}

/// A demuxer for one segment. [`ContainerFormat::Unknown`] is recognised by its first bytes.
///
/// # Errors
/// [`DemuxError::Unsupported`] for formats that are not built.
pub fn open(setup: &DemuxSetup) -> Result<Box<dyn Demuxer>, DemuxError> {
    let init = setup.init.as_deref();
    match setup.format {
        ContainerFormat::Fmp4 => Ok(Box::new(mp4::Mp4Demuxer::new(init)?)),
        ContainerFormat::WebVtt => Ok(Box::new(text::WebVttDemuxer::default())),
        ContainerFormat::Unknown => Ok(Box::new(sniffing::SniffingDemuxer::new(init)?)),
        ContainerFormat::MpegTs => Err(sniff::unsupported("MPEG-TS")),
        ContainerFormat::PackedAudio => Err(sniff::unsupported("packed audio")),
        ContainerFormat::WebM => Err(sniff::unsupported("WebM")),
        ContainerFormat::Ttml => Err(sniff::unsupported("TTML")),
        ContainerFormat::Image => Err(sniff::unsupported("still pictures")),
    }
}

/// Reads initialisation data.
///
/// # Errors
/// When it is damaged, or names nothing that can be read.
pub fn read_init(source: Bytes) -> Result<InitSegment, DemuxError> {
    mp4::read_init(source)
}

/// What initialisation data tells about the keys of its samples; `None` when it is clear, or cannot be read.
pub fn protection_of(source: &[u8]) -> Option<ProtectionInfo> {
    mp4::protection_of(source)
}

/// Describes the samples of a whole file, for reports: `{"protocol", "tracks": [{"id", "kind", "codec",
/// "timescale", "samples": [[time_us, is_key, size_bytes], …]}]}`. Times are presentation times; samples are in
/// decoding order.
///
/// # Errors
/// When the file is damaged beyond repair, or of a format that is not built.
pub fn describe_samples(bytes: &[u8]) -> Result<serde_json::Value, DemuxError> {
    match sniff::recognise(bytes) {
        sniff::Signature::Mp4 => mp4::describe(bytes),
        other => Err(other.refuse("a media file")),
    }
}
