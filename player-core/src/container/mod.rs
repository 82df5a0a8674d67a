//! Media files, read as bytes arrive. Pure: bytes in; initialisation data, samples and cues out.
//!
//! Times leave here in the media's own timeline (edit lists, priming and composition offsets applied, once);
//! the engine maps them to presentation time.

mod codec;
mod demux;
mod sample;

pub use codec::{Codec, CodecConfig, PixelAspect};
pub use demux::{DemuxError, DemuxOutput, Demuxer, InitSegment, TrackInit};
pub use sample::{Fragment, Payload, Sample, SampleCrypto, Subsample};

use bytes::Bytes;

use crate::model::ContainerFormat;

/// A demuxer for one segment. [`ContainerFormat::Unknown`] is recognised by its first bytes.
///
/// # Errors
/// [`DemuxError::Unsupported`] for formats that are not built.
pub fn demuxer(format: ContainerFormat, init: Option<&InitSegment>) -> Result<Box<dyn Demuxer>, DemuxError> {
    let _ = init;
    Err(DemuxError::Unsupported { feature: format!("{format:?}") })
}

/// Reads initialisation data.
///
/// # Errors
/// When it is damaged, or names nothing that can be read.
pub fn read_init(source: Bytes) -> Result<InitSegment, DemuxError> {
    let _ = source;
    Err(DemuxError::NoInit)
}
