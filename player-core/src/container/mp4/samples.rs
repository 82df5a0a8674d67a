//! One row per sample: what fragments and sample tables come to, before the bytes are there.

use std::sync::Arc;

use super::track::Track;
use crate::container::{Payload, Sample, SampleCrypto};
use crate::time::duration_from_ticks;

/// A sample whose position and times are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// First byte, in the file.
    pub offset: u64,
    /// Decoding time in ticks of the track, edits not applied.
    pub dts: i64,
    /// Composition time in ticks of the track, edits not applied.
    pub cts: i64,
    /// Duration in ticks of the track's timescale.
    pub duration: u32,
    /// Size in bytes.
    pub size: u32,
    /// Index of the track in the movie.
    pub track: u16,
    /// Index of the sample entry in the track.
    pub entry: u16,
    /// Decoding can begin here.
    pub key: bool,
    /// Encryption, if it is encrypted.
    pub crypto: Option<Arc<SampleCrypto>>,
}

impl Row {
    /// First byte after it.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.size))
    }

    /// True when it belongs to media data that ends at `end`; an empty sample may stand at the very end.
    pub fn lies_before(&self, end: u64) -> bool {
        self.offset < end || self.offset == end && self.size == 0
    }

    /// The sample on the media's presentation timeline.
    pub fn into_sample(self, track: &Track, payload: Payload) -> Sample {
        let timescale = track.init.timescale;
        Sample {
            pts: track.edit.apply(self.cts, timescale),
            dts: track.edit.apply(self.dts, timescale),
            duration: duration_from_ticks(u64::from(self.duration), timescale),
            key: self.key,
            payload,
            crypto: self.crypto,
        }
    }
}

/// Flags of a sample (ISO/IEC 14496-12 §8.8.3.1): decoding can begin with it when it is a sync sample and does
/// not depend on others. Every frame of sound and every text sample stands alone; flags of such tracks are often
/// wrong.
pub(super) fn is_key(flags: u32) -> bool {
    const NON_SYNC: u32 = 1 << 16;
    const DEPENDS_ON_OTHERS: u32 = 1 << 24;
    flags & (NON_SYNC | DEPENDS_ON_OTHERS) == 0
}
