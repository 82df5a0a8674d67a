//! Words of live playback that counters and snapshots share.

use serde::{Deserialize, Serialize};

/// Source of universal time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// A source that the manifest names (`UTCTiming`).
    UtcTiming,
    /// The `Date` field of answers.
    Date,
    /// The host's wall clock, which nothing confirms.
    Host,
}

impl ClockSource {
    /// A short lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UtcTiming => "utc_timing",
            Self::Date => "date",
            Self::Host => "host",
        }
    }
}

/// Units in which live media is fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveDelivery {
    /// Whole segments.
    #[default]
    Segments,
    /// Partial segments of HLS (RFC 8216bis §4.4.4.9).
    Parts,
    /// Segments that are read while they are written (ISO/IEC 23009-1, `@availabilityTimeComplete`).
    Chunks,
}

impl LiveDelivery {
    /// A short lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::Parts => "parts",
            Self::Chunks => "chunks",
        }
    }
}
