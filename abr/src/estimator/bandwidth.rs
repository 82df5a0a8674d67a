//! The link as transfers show it: rate apart from time to first byte, cached transfers ignored, sharing undone.

use std::time::Duration;

use crate::{
    History, Transfer,
    estimator::{Downside, Ewma},
};

/// Bytes from which a transfer counts as a full sample. A body that fits the initial congestion window (RFC 6928, about
/// 14 kB) arrives with its first byte and shows the sender's burst, not the link.
const FULL_SAMPLE_BYTES: f64 = 64.0 * 1024.0;
/// Shortest time that a body is taken to need; below it the reader's timer is measured, not the link.
const SHORTEST: f64 = 0.001;
/// Transfers in parallel that are believed; beyond this the fair share is a guess that flatters the link.
const MOST_CONCURRENT: u32 = 4;
/// Position of the likely rate between the middle of the two means (0) and the lower of them (1).
const CAUTION: f64 = 0.25;
/// Share of recent predictions that the safe estimate accepts to have been too high.
const SAFE_SHARE: f64 = 0.15;
/// The safe estimate never falls below this share of the likely one: an outage in the window is not the rule.
const SAFE_FLOOR: f64 = 0.35;

/// An estimate of one network path.
///
/// Two means run side by side, a fast and a slow one, and the estimate leans to the lower of them. Caution about the
/// future is kept apart from the mean: [`Bandwidth::safe`] discounts it by how far recent predictions fell short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bandwidth {
    fast: Ewma,
    slow: Ewma,
    ttfb: Ewma,
    downside: Downside,
    samples: u32,
    last: Option<f64>,
}

impl Default for Bandwidth {
    fn default() -> Self {
        Self::new()
    }
}

impl Bandwidth {
    /// Returns an estimate that has learned nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            fast: Ewma::new(0.5),
            slow: Ewma::new(0.15),
            ttfb: Ewma::new(0.25),
            downside: Downside::new(),
            samples: 0,
            last: None,
        }
    }

    /// Starts from the remembered rate: it is worth half a sample, so that the first real one outweighs it.
    pub fn seed(&mut self, history: &History) {
        if self.samples == 0 && history.bandwidth_bps > 0 {
            let rate = history.bandwidth_bps as f64;
            self.fast.add(rate, 0.5);
            self.slow.add(rate, 0.5);
            self.ttfb.add(history.ttfb.as_secs_f64(), 0.5);
        }
    }

    /// Learns from a transfer; cached and empty ones are ignored.
    pub fn observe(&mut self, transfer: &Transfer) {
        if transfer.cached || transfer.bytes == 0 {
            return;
        }
        self.ttfb.add(transfer.ttfb.as_secs_f64(), 1.0);
        let sharing = transfer.concurrent.clamp(1, MOST_CONCURRENT);
        let seconds = transfer.duration.as_secs_f64().max(SHORTEST);
        let rate = transfer.bytes as f64 * 8.0 * f64::from(sharing) / seconds;
        let weight = (transfer.bytes as f64 / FULL_SAMPLE_BYTES).min(1.0);
        if let Some(predicted) = self.likely()
            && weight >= 0.5
        {
            self.downside.observe(predicted, rate);
        }
        self.fast.add(rate, weight);
        self.slow.add(rate, weight);
        self.last = Some(rate);
        self.samples = self.samples.saturating_add(1);
    }

    /// The rate to expect in bits per second.
    #[must_use]
    pub fn likely(&self) -> Option<f64> {
        let (fast, slow) = (self.fast.get()?, self.slow.get()?);
        let middle = f64::midpoint(fast, slow);
        Some(middle + (fast.min(slow) - middle) * CAUTION)
    }

    /// The rate to rely upon in bits per second: the likely one, discounted by how far recent predictions fell short.
    #[must_use]
    pub fn safe(&self) -> Option<f64> {
        Some(self.likely()? * self.downside.factor(SAFE_SHARE).max(SAFE_FLOOR))
    }

    /// [`Bandwidth::safe`] in whole bits per second.
    #[must_use]
    pub fn safe_bps(&self) -> Option<u64> {
        self.safe().map(|rate| rate as u64)
    }

    /// The usual time to first byte; zero before the first transfer.
    #[must_use]
    pub fn ttfb(&self) -> Duration {
        Duration::try_from_secs_f64(self.ttfb.get().unwrap_or(0.0)).unwrap_or_default()
    }

    /// Rate of the latest transfer in bits per second.
    #[must_use]
    pub const fn last(&self) -> Option<f64> {
        self.last
    }

    /// Transfers that were counted.
    #[must_use]
    pub const fn samples(&self) -> u32 {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(bytes: u64, millis: u64) -> Transfer {
        Transfer {
            at: Duration::ZERO,
            bytes,
            ttfb: Duration::from_millis(100),
            duration: Duration::from_millis(millis),
            cached: false,
            concurrent: 1,
            others: 0,
        }
    }

    #[test]
    fn time_to_first_byte_is_not_in_the_rate() {
        let mut bandwidth = Bandwidth::new();
        bandwidth.observe(&transfer(125_000, 1000));
        assert_eq!(bandwidth.safe_bps(), Some(1_000_000));
        assert_eq!(bandwidth.ttfb(), Duration::from_millis(100));
    }

    #[test]
    fn cached_and_empty_transfers_teach_nothing() {
        let mut bandwidth = Bandwidth::new();
        bandwidth.observe(&Transfer { cached: true, ..transfer(1_000_000, 1) });
        bandwidth.observe(&transfer(0, 1000));
        assert_eq!(bandwidth, Bandwidth::new());
    }

    #[test]
    fn sharing_is_undone() {
        let mut bandwidth = Bandwidth::new();
        bandwidth.observe(&Transfer { concurrent: 2, ..transfer(125_000, 1000) });
        assert_eq!(bandwidth.safe_bps(), Some(2_000_000));
        bandwidth = Bandwidth::new();
        bandwidth.observe(&Transfer { concurrent: 0, ..transfer(125_000, 1000) });
        assert_eq!(bandwidth.safe_bps(), Some(1_000_000));
    }

    #[test]
    fn it_leans_to_the_lower_mean() {
        let mut bandwidth = Bandwidth::new();
        for _ in 0..20 {
            bandwidth.observe(&transfer(1_250_000, 1000));
        }
        let before = bandwidth.likely().unwrap_or_default();
        let mut risen = bandwidth;
        risen.observe(&transfer(2_500_000, 1000));
        bandwidth.observe(&transfer(625_000, 1000));
        let (up, down) = (risen.likely().unwrap_or_default(), bandwidth.likely().unwrap_or_default());
        assert!(up > before && up < before * 1.3, "a doubling is followed in part: {up}");
        assert!(down < before * 0.85, "a halving at once: {down}");
    }

    #[test]
    fn a_link_that_keeps_falling_short_is_trusted_less() {
        let mut steady = Bandwidth::new();
        let mut erratic = Bandwidth::new();
        for round in 0..20 {
            steady.observe(&transfer(1_250_000, 1000));
            erratic.observe(&transfer(if round % 2 == 0 { 2_250_000 } else { 250_000 }, 1000));
        }
        let share = |bandwidth: &Bandwidth| bandwidth.safe().unwrap_or_default() / bandwidth.likely().unwrap_or(1.0);
        assert_eq!(share(&steady), 1.0);
        assert!(share(&erratic) < 0.5 && share(&erratic) >= SAFE_FLOOR - 1e-9, "{}", share(&erratic));
    }

    #[test]
    fn the_first_real_sample_outweighs_a_remembered_one() {
        let mut bandwidth = Bandwidth::new();
        bandwidth.seed(&History { bandwidth_bps: 10_000_000, ttfb: Duration::from_millis(20) });
        assert_eq!(bandwidth.safe_bps(), Some(10_000_000));
        bandwidth.observe(&transfer(125_000, 1000));
        assert!(bandwidth.likely().is_some_and(|rate| rate < 5_000_000.0));
        bandwidth.seed(&History { bandwidth_bps: 90_000_000, ttfb: Duration::ZERO });
        assert!(bandwidth.likely().is_some_and(|rate| rate < 5_000_000.0), "too late to seed");
    }

    #[test]
    fn extremes_stay_finite() {
        let mut bandwidth = Bandwidth::new();
        bandwidth.observe(&Transfer {
            duration: Duration::ZERO,
            ttfb: Duration::MAX,
            bytes: u64::MAX,
            ..transfer(1, 1)
        });
        bandwidth.observe(&Transfer { duration: Duration::MAX, ..transfer(1, 1) });
        assert!(bandwidth.safe().is_some_and(f64::is_finite));
        let _ = bandwidth.ttfb();
    }

    #[test]
    fn means_are_arithmetic() {
        let near = |got: Option<f64>, wanted: f64| {
            assert!(got.is_some_and(|got| (got - wanted).abs() < wanted * 1e-9), "{got:?} is not {wanted}");
        };
        let mut bandwidth = Bandwidth::new();
        bandwidth.observe(&transfer(125_000, 1000));
        // 2 Mbit/s: both means at 1.5 then; 8 Mbit/s: halfway for the fast one, a third for the slow one.
        bandwidth.observe(&transfer(250_000, 1000));
        near(bandwidth.likely(), 1.5e6);
        bandwidth.observe(&transfer(1_000_000, 1000));
        let (fast, slow) = (4.75e6, 11e6 / 3.0);
        let middle = (fast + slow) / 2.0;
        near(bandwidth.likely(), middle - (middle - slow) / 4.0);
        near(bandwidth.safe(), bandwidth.likely().unwrap_or_default());
        near(bandwidth.last(), 8e6);
        assert_eq!((bandwidth.samples(), bandwidth.ttfb()), (3, Duration::from_millis(100)));
        // A quarter of what was predicted, 3.94 Mbit/s: of the ratios of two rises and this fall 15 % are below.
        let predicted = bandwidth.likely().unwrap_or_default();
        bandwidth.observe(&transfer(125_000, 1000));
        let ratio = 1e6 / predicted;
        let factor = ratio + (1.0 - ratio) * 0.3;
        near(bandwidth.safe(), bandwidth.likely().unwrap_or_default() * factor);
    }

    #[test]
    fn small_transfers_count_for_less_and_judge_nothing() {
        let after = |bytes: u64| {
            let mut bandwidth = Bandwidth::new();
            bandwidth.observe(&transfer(1_000_000, 1000));
            bandwidth.observe(&Transfer { bytes, ..transfer(1, 1000) });
            (bandwidth.fast.get().unwrap_or_default(), bandwidth.safe() < bandwidth.likely())
        };
        // 16 KiB are a quarter of a sample, 32 KiB half of one, which judges the prediction.
        let (quarter, half) = (8e6 - (8e6 - 131_072.0) / 5.0, 8e6 - (8e6 - 262_144.0) / 3.0);
        let near = |(got, judged): (f64, bool), wanted: f64| {
            assert!((got - wanted).abs() < 1.0, "{got} is not {wanted}");
            judged
        };
        assert!(!near(after(16 << 10), quarter));
        assert!(near(after(32 << 10), half));
        // No time is taken for a millisecond, and of nine transfers at once four are believed.
        let rate = |duration, concurrent| {
            let mut bandwidth = Bandwidth::new();
            bandwidth.observe(&Transfer { duration, concurrent, ..transfer(100_000, 1) });
            bandwidth.safe_bps()
        };
        assert_eq!(rate(Duration::ZERO, 1), Some(800_000_000));
        assert_eq!(rate(Duration::from_secs(1), 9), Some(3_200_000));
        let mut unknown = Bandwidth::new();
        unknown.seed(&History { bandwidth_bps: 0, ttfb: Duration::ZERO });
        assert_eq!(unknown, Bandwidth::new());
    }
}
