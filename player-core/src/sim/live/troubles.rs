//! Misbehaviour of a virtual live service. Times are those of the session.

use std::time::Duration;

/// Misbehaviour of a service; the default has none.
#[derive(Clone, Debug)]
pub struct Troubles {
    /// The encoder gives nothing from a time on, until it goes on.
    pub silences: Vec<(Duration, Duration, Resumption)>,
    /// The origin begins anew: it forgets all segments, and its numbers begin with the one given.
    pub restarts: Vec<(Duration, u64)>,
    /// Manifests no longer move from this time on; segments are still made.
    pub stops_moving_at: Option<Duration>,
    /// Manifests of a span are older than they should be by a time, as from a cache that was left behind.
    pub stale: Vec<(Duration, Duration, Duration)>,
    /// `EXT-X-MEDIA-SEQUENCE` is wrong from a time on, until another.
    pub sequences: Vec<(Duration, Duration, SequenceFault)>,
    /// Status for a segment that does not exist yet: 404 by default.
    pub too_early: u16,
    /// Status for a segment that is gone: 404 by default.
    pub too_late: u16,
    /// Time for which a request that comes too early is held, if that is enough.
    pub holds: Duration,
    /// Time by which files appear after they are announced: until then they answer as if it were too early.
    pub late_files: Duration,
    /// The `Date` header of all answers.
    pub date: DateHeader,
}

impl Default for Troubles {
    fn default() -> Self {
        Self {
            silences: Vec::new(),
            restarts: Vec::new(),
            stops_moving_at: None,
            stale: Vec::new(),
            sequences: Vec::new(),
            too_early: 404,
            too_late: 404,
            holds: Duration::ZERO,
            late_files: Duration::ZERO,
            date: DateHeader::Right,
        }
    }
}

/// Way in which an encoder goes on after a silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resumption {
    /// Behind a discontinuity, or in a new period; numbers go on.
    #[default]
    Discontinuity,
    /// At the next whole segment by the clock, without a word: times jump, and so do the numbers of DASH.
    Skipped,
}

/// Fault of `EXT-X-MEDIA-SEQUENCE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceFault {
    /// It is off by this.
    Off(i64),
    /// It stays, though segments go.
    Frozen,
    /// The tag is absent.
    Missing,
}

/// The `Date` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateHeader {
    /// The right time, in whole seconds.
    Right,
    /// There is none.
    Absent,
    /// Off by this number of nanoseconds.
    Off(i64),
}
