//! A segment: its name, its place in time, and its bytes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Resource, SegmentEncryption, SegmentKeys, TimestampMapping};
use crate::time::{MediaTime, WallClock};

/// Names a segment within its representation. The name stays when the list is read again and merged
/// ([`SegmentIndex::merge`]), whatever was added or removed in front of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentId {
    /// Its media sequence number (RFC 8216bis §4.4.3.2).
    Sequence(u64),
    /// Its start on the presentation timeline, where segments have absolute times (DASH).
    Time(MediaTime),
    /// Partial segment (RFC 8216bis §4.4.4.9).
    Part {
        /// Media sequence number of the segment that it is a part of.
        sequence: u64,
        /// Its number in that segment, from 0.
        part: u32,
    },
}

/// Properties of a partial segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartTraits {
    /// Decoding can begin with it (`INDEPENDENT=YES`).
    pub independent: bool,
    /// It is announced and not listed yet (`EXT-X-PRELOAD-HINT`): the answer begins once there is media, and the duration
    /// is the target duration of parts.
    pub is_hinted: bool,
    /// The answer goes on to the end of the segment: a hint without `BYTERANGE-LENGTH`.
    pub is_rest: bool,
}

/// One segment, ready to be fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// Its name in its representation.
    pub id: SegmentId,
    /// Name of the segment in front of it in its list; `None` for the first one, unless the name follows from its own.
    pub previous: Option<SegmentId>,
    /// Start on the presentation timeline.
    pub start: MediaTime,
    /// Duration as declared, which may be rounded.
    pub duration: Duration,
    /// Addresses and range of the media.
    pub resource: Resource,
    /// Initialisation data that must be read first, unless the segment carries its own.
    pub init: Option<Resource>,
    /// Mapping of its timestamps to presentation time.
    pub mapping: TimestampMapping,
    /// Announced as missing: skipped, never fetched.
    pub gap: bool,
    /// Size in bytes, declared or estimated from a declared rate.
    pub size: Option<u64>,
    /// Encryption, as far as the manifest declares keys for it.
    pub encryption: Option<SegmentEncryption>,
    /// Wall-clock time of the start, if declared.
    pub program_date_time: Option<WallClock>,
    /// Properties of a partial segment; `None` for whole segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartTraits>,
}

impl SegmentRef {
    /// First instant after it.
    pub fn end(&self) -> MediaTime {
        self.start + self.duration
    }

    /// Moves it on the presentation timeline, with the names that are times.
    pub fn move_by(&mut self, nanos: i64) {
        let moved = |id: SegmentId| match id {
            SegmentId::Time(time) => SegmentId::Time(time.shifted(nanos)),
            SegmentId::Sequence(_) | SegmentId::Part { .. } => id,
        };
        (self.id, self.previous) = (moved(self.id), self.previous.map(moved));
        self.start = self.start.shifted(nanos);
    }

    /// Returns the keys with which its initialisation data is encrypted.
    pub fn init_keys(&self) -> SegmentKeys {
        self.encryption.as_ref().map(|encryption| encryption.init.clone()).unwrap_or_default()
    }
}
