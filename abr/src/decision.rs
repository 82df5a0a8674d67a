//! Output of a rule: an index, a reason, and advice for a running transfer. Plain data, no policy.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Reason for the choice of a rung: for logs, reports and the statistics overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The first segments: what begins to play soonest.
    StartUp,
    /// The bandwidth estimate carries this rung and no higher one.
    Throughput,
    /// The buffer is short, so a lower rung than the estimate suggests.
    BufferLow,
    /// The buffer is long, so a higher rung than the estimate alone would allow.
    BufferHigh,
    /// A change was possible and was not worth it.
    Hold,
    /// A cap forbids the rung that would have been chosen.
    Capped,
    /// The ladder has one rung.
    Only,
    /// The previous transfer of this segment was given up.
    Abandoned,
    /// Playback is stalled or about to be: the rung that arrives soonest.
    Panic,
    /// The rule always chooses this rung.
    Fixed,
}

impl Reason {
    /// Short lower-case text, the same as [`Display`](fmt::Display) shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartUp => "start-up",
            Self::Throughput => "throughput",
            Self::BufferLow => "buffer low",
            Self::BufferHigh => "buffer high",
            Self::Hold => "hold",
            Self::Capped => "capped",
            Self::Only => "only rung",
            Self::Abandoned => "abandoned",
            Self::Panic => "panic",
            Self::Fixed => "fixed",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The answer to one [`Context`](crate::Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Index into [`Context::rungs`](crate::Context::rungs); always in range unless the ladder is empty (then 0).
    pub representation: usize,
    /// Reason for this rung.
    pub reason: Reason,
    /// Time by which the fetch may be put off without harm; `None` means fetch now.
    pub wait: Option<Duration>,
}

impl Decision {
    /// A decision to fetch `representation` now.
    #[must_use]
    pub const fn new(representation: usize, reason: Reason) -> Self {
        Self { representation, reason, wait: None }
    }
}

/// Most rungs of an [`Explanation`].
pub const EXPLAINED: usize = 12;

/// Weights behind the latest decision of a rule: for logs and for those who doubt it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Explanation {
    /// Rate that was expected of the next transfer, in bits per second.
    pub likely_bps: f64,
    /// Rate that later transfers were expected to return to.
    pub home_bps: f64,
    /// Factors between the likely rate and one deviation below and above it.
    pub down: f64,
    /// Upward deviation, like `down`.
    pub up: f64,
    /// Outages that were expected in a minute of transfers, and their length in seconds.
    pub outages_per_minute: f64,
    /// Expected duration of an outage, in seconds.
    pub outage_seconds: f64,
    /// Value of each rung less that of the best one, in seconds of stall: 0 for the choice, negative for the others.
    pub rungs: [Option<(usize, f64)>; EXPLAINED],
}

/// Advice for a transfer that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Let the transfer finish.
    Continue,
    /// Give it up and fetch the same segment at this rung; the bytes received so far are lost. The rung is lower,
    /// except when the first answer reveals a segment size that was not announced: then it may be higher.
    AbandonTo(usize),
}
