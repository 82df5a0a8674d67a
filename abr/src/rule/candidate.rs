//! Arithmetic that several rules share: the rate left for this ladder, the rung that it sustains, and the caps.

use crate::{Context, Decision, Reason, estimator::Bandwidth};

/// Rate that the network offers this ladder, in bits per second of *media time*: reserved bandwidth is subtracted, and
/// the rest is divided by the playback rate, because media at rate 2 must arrive twice as fast.
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
        let speed = context.playback_rate();
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

/// The highest rung whose declared rate is at most `rate`, caps aside; 0 if none is.
pub(crate) fn sustainable(context: &Context<'_>, rate: f64) -> usize {
    context.rungs.iter().rposition(|rung| rung.bitrate_bps as f64 <= rate).unwrap_or(0)
}

/// Applies the caps to `wanted` and gives [`Reason::Capped`] if they changed it.
pub(crate) fn within_caps(context: &Context<'_>, wanted: usize, reason: Reason) -> Decision {
    let rung = context.clamp(wanted);
    Decision::new(rung, if rung == wanted { reason } else { Reason::Capped })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{Caps, Rung, Transfer};
    use std::time::Duration;

    const LADDER: [Rung; 3] = [Rung::new(500_000), Rung::new(1_000_000), Rung::new(2_000_000)];

    #[test]
    fn a_rate_that_is_none_counts_as_one() {
        let rate = |rate| Context { rate, ..Context::new(&LADDER, Duration::from_secs(2)) }.playback_rate();
        assert_eq!([2.0, -2.0, 0.1, 99.0].map(rate), [2.0, 2.0, 0.25, 16.0]);
        assert_eq!([0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(rate), [1.0; 5]);
    }

    #[test]
    fn a_link_is_shared_and_counted_in_media_time() {
        let mut bandwidth = Bandwidth::new();
        let context = Context { rate: 2.0, reserved_bps: 1_000_000, ..Context::new(&LADDER, Duration::from_secs(2)) };
        assert_eq!(Link::new(&bandwidth, &context), None);
        bandwidth.observe(&Transfer {
            at: Duration::ZERO,
            bytes: 375_000,
            ttfb: Duration::from_millis(50),
            duration: Duration::from_secs(1),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        let link = Link::new(&bandwidth, &context).unwrap();
        assert_eq!(link, Link { likely: 1e6, safe: 1e6, ttfb: 0.1 });
        assert!((link.seconds(50_000) - 0.5).abs() < 1e-12);
        // Two megabit at twice the speed take 2.1 s of playback where a segment brings two.
        let drain = [0, 1, 2].map(|rung| link.drain(&context, rung));
        assert!(drain.iter().zip([-0.9, 0.1, 2.1]).all(|(got, wanted)| (got - wanted).abs() < 1e-12), "{drain:?}");
        let nothing = Context { reserved_bps: 9_000_000, ..context };
        assert_eq!(Link::new(&bandwidth, &nothing).map(|link| link.safe), Some(0.5));
    }

    #[test]
    fn what_is_sustained_and_what_is_permitted() {
        let context = Context::new(&LADDER, Duration::from_secs(2));
        assert_eq!([1.0, 999_999.0, 1e6, 9e9].map(|rate| sustainable(&context, rate)), [0, 0, 1, 2]);
        let capped = Context { caps: Caps { max_height: None, max_bitrate_bps: Some(1_000_000) }, ..context };
        assert_eq!(within_caps(&capped, 1, Reason::Hold), Decision::new(1, Reason::Hold));
        assert_eq!(within_caps(&capped, 2, Reason::Hold), Decision::new(1, Reason::Capped));
    }
}
