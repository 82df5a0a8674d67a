//! Media files, read as bytes arrive. Pure: bytes in; initialisation data, samples and cues out.
//!
//! `mp4`, `ts` and `audio` are the formats; `text` reads subtitle files; `sniff` distinguishes them.
//!
//! Times leave here in the media's own timeline (edit lists, priming and composition offsets applied, once);
//! the engine maps them to presentation time.

mod audio;
mod bits;
pub mod captions;
mod carry;
mod codec;
mod demux;
mod elementary;
#[cfg(test)]
mod for_tests;
pub mod mp4;
mod picture;
#[cfg(test)]
mod records;
mod sample;
mod sniff;
mod sniffing;
mod text;
mod ts;

#[cfg(test)]
pub(crate) use ts::testmux;

pub use crate::drm::{SampleCrypto, Subsample};
pub use carry::{CarriedState, DemuxerState, SegmentTail};
pub use codec::{Codec, CodecConfig, PixelAspect};
pub use demux::{
    CaptionPacket, DemuxError, DemuxOutput, DemuxSetup, Demuxer, InitSegment, MediaClock, ProtectionInfo, SampleKey,
    TrackDamage, TrackInit,
};
pub use sample::{Fragment, Payload, Sample};

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

/// A demuxer for one segment. The first bytes tell what [`ContainerFormat::Unknown`] is, after a picture in front of
/// them; they also overrule transport streams and packed audio, which manifests know by the names of files only.
///
/// # Errors
/// [`DemuxError::Unsupported`] for formats that are not built.
pub fn open(setup: &DemuxSetup) -> Result<Box<dyn Demuxer>, DemuxError> {
    match setup.format {
        ContainerFormat::Unknown | ContainerFormat::MpegTs | ContainerFormat::PackedAudio => {
            Ok(Box::new(sniffing::SniffingDemuxer::new(setup.clone())))
        }
        ContainerFormat::Fmp4
        | ContainerFormat::WebM
        | ContainerFormat::Image
        | ContainerFormat::WebVtt
        | ContainerFormat::Ttml => reader(setup),
    }
}

/// A demuxer for data that is known to be of the format.
fn reader(setup: &DemuxSetup) -> Result<Box<dyn Demuxer>, DemuxError> {
    match setup.format {
        ContainerFormat::Fmp4 => {
            Ok(Box::new(mp4::Mp4Demuxer::new(setup.init.as_deref())?.with_captions(setup.captions)))
        }
        ContainerFormat::WebVtt => Ok(Box::new(text::TextDemuxer::new("WebVTT text"))),
        ContainerFormat::MpegTs => Ok(Box::new(ts::TsDemuxer::new(setup)?)),
        ContainerFormat::PackedAudio => Ok(Box::new(audio::PackedDemuxer::new(setup))),
        ContainerFormat::WebM => Err(sniff::unsupported("WebM")),
        ContainerFormat::Ttml => Ok(Box::new(text::TextDemuxer::new("TTML"))),
        ContainerFormat::Image => Err(sniff::unsupported("still pictures")),
        ContainerFormat::Unknown => Err(sniff::unsupported("data of an unknown kind")),
    }
}

/// Reads initialisation data.
///
/// # Errors
/// When it is damaged, or names nothing that can be read.
pub fn read_init(source: Bytes) -> Result<InitSegment, DemuxError> {
    let source = after_pictures(source);
    match sniff::recognise(&source) {
        sniff::Signature::MpegTs => ts::read_init(source),
        _ => mp4::read_init(source),
    }
}

/// The part of a whole file that follows the pictures in front of it; the file itself when nothing follows.
fn after_pictures(source: Bytes) -> Bytes {
    let mut media = source.clone();
    while sniff::recognise(&media) == sniff::Signature::Image
        && let picture::PictureExtent::Ends(end) = picture::extent(&media)
        && end < media.len()
    {
        media = media.split_off(end);
    }
    if media.is_empty() { source } else { media }
}

/// Returns the keys of the samples as initialisation data declares them; `None` if it is clear, or cannot be read.
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
        sniff::Signature::MpegTs => ts::describe(bytes),
        sniff::Signature::PackedAudio => audio::describe(bytes),
        other => Err(other.refuse("a media file")),
    }
}
