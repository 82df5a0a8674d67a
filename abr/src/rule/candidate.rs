//! Arithmetic that several rules share: the link left for this ladder, what it sustains, and the caps.

use crate::{Context, Decision, Reason, estimator::Bandwidth};

/// What the network offers this ladder, in bits per second of *media time*: reserved bandwidth is subtracted, and the
/// rest is divided by the playback rate, because media at rate 2 must arrive twice as fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link {
    /// The rate to expect.
    pub likely: f64,
    /// The rate to rely upon; never above `likely`.
    pub safe: f64,
    /// Usual time to first byte in seconds.
    pub ttfb: f64,
}

impl Link {
    /// `None` until something was learned.
    pub fn new(bandwidth: &Bandwidth, context: &Context<'_>) -> Option<Self> {
        let speed = playback_rate(context);
        let share = |rate: f64| ((rate - context.reserved_bps as f64).max(1.0)) / speed;
        Some(Self {
            likely: share(bandwidth.likely()?),
            safe: share(bandwidth.safe()?),
            ttfb: bandwidth.ttfb().as_secs_f64() * speed,
        })
    }

    /// Seconds of playback that pass until `bytes` have arrived at the safe rate, the wait for the first included.
    pub fn seconds(&self, bytes: u64) -> f64 {
        self.ttfb + bytes as f64 * 8.0 / self.safe
    }

    /// Seconds by which one average segment of `rung` shortens the buffer at the safe rate; negative if it grows.
    pub fn drain(&self, context: &Context<'_>, rung: usize) -> f64 {
        self.seconds(context.nominal_bytes(rung)) - context.segment_duration.as_secs_f64()
    }
}

/// The playback rate as a positive number; a paused or absurd rate counts as 1.
pub(crate) fn playback_rate(context: &Context<'_>) -> f64 {
    let rate = f64::from(context.rate).abs();
    if rate.is_finite() && rate > 0.0 { rate.clamp(0.25, 16.0) } else { 1.0 }
}

/// The highest rung whose declared rate is at most `rate`, caps aside; 0 if none is.
pub(crate) fn sustainable(context: &Context<'_>, rate: f64) -> usize {
    context.rungs.iter().rposition(|rung| rung.bitrate_bps as f64 <= rate).unwrap_or(0)
}

/// Applies the caps to `wanted` and says so if they changed it.
pub(crate) fn within_caps(context: &Context<'_>, wanted: usize, reason: Reason) -> Decision {
    let rung = context.clamp(wanted);
    Decision::new(rung, if rung == wanted { reason } else { Reason::Capped })
}
