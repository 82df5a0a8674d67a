//! One partial segment as a listing holds it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ByteRange, PartTraits, TimestampMapping};
use crate::time::MediaTime;

/// Input for one partial segment of a listing.
#[derive(Clone, Debug)]
pub struct ListedPart<'a> {
    /// Media sequence number of its segment, as the server counts.
    pub sequence: u64,
    /// Its number in that segment, from 0.
    pub index: u32,
    /// Start on the presentation timeline.
    pub start: MediaTime,
    /// Duration as declared; of a hint the target duration of parts.
    pub duration: Duration,
    /// Its address, relative to the bases of the listing.
    pub uri: &'a str,
    /// The part of the file; without a length it goes on to the end of the segment.
    pub range: Option<ByteRange>,
    /// Index of its initialisation data, as [`SegmentListing::add_init`] gave it.
    pub init: Option<u32>,
    /// Mapping of its timestamps to presentation time.
    pub mapping: TimestampMapping,
    /// Declared as a gap (`GAP=YES`).
    pub gap: bool,
    /// Index of its keys, as [`SegmentListing::add_keys`] gave it; `None` for clear media.
    pub encryption: Option<u32>,
    /// Properties of the part.
    pub traits: PartTraits,
}

/// One partial segment: indices into the listing instead of copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PartEntry {
    pub(super) sequence: u64,
    pub(super) index: u32,
    pub(super) start: MediaTime,
    pub(super) duration: Duration,
    /// Begin of its address in the text of the listing; it ends at `uri_end`.
    pub(super) uri_start: u32,
    pub(super) uri_end: u32,
    pub(super) range: Option<ByteRange>,
    pub(super) init: Option<u32>,
    pub(super) keys: Option<u32>,
    pub(super) mapping: TimestampMapping,
    pub(super) gap: bool,
    pub(super) traits: PartTraits,
}

impl PartEntry {
    /// Returns the first instant after it.
    pub(super) fn end(&self) -> MediaTime {
        self.start + self.duration
    }
}
