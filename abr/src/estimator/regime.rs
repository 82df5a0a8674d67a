//! Levels that a link stays at: how often it rises to a higher one, as seen in this session.
//!
//! Some links change between two rates that each hold for a minute. On the lower one it matters whether a higher one is
//! known: segments fetched meanwhile cost their price, and time itself is worth something.

/// Constants of [`Regimes`], the same for every link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegimeTuning {
    /// Distance, as a natural logarithm, from which a sample is no longer of the level that holds.
    pub distance: f64,
    /// Samples beyond that, one after the other and on the same side, that make a new level.
    pub samples: f64,
    /// Share of a sample in the level that holds.
    pub gain: f64,
    /// Seconds without a rise that are assumed in addition to those seen.
    pub prior_seconds: f64,
    /// Most rises a second that are believed.
    pub most: f64,
}

impl RegimeTuning {
    /// Constants of the product.
    pub const DEFAULT: Self = Self { distance: 1.0, samples: 4.0, gain: 0.15, prior_seconds: 20.0, most: 0.05 };
}

/// A rise that may come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rise {
    /// Rises expected in a second; 0 if none was seen.
    pub per_second: f64,
    /// Natural logarithm of the bits per second that it leads to.
    pub to: f64,
}

/// The level that holds, and the rises to a higher one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regimes {
    tuning: RegimeTuning,
    level: Option<f64>,
    /// Weight of the samples beyond the level, negative below it, and their weighted sum.
    streak: f64,
    sum: f64,
    rises: f64,
    /// Higher level, as a natural logarithm.
    high: f64,
}

impl Regimes {
    /// Returns levels that have seen nothing yet.
    #[must_use]
    pub const fn new(tuning: RegimeTuning) -> Self {
        Self { tuning, level: None, streak: 0.0, sum: 0.0, rises: 0.0, high: 0.0 }
    }

    /// Learns from a sample of the logarithm of the rate with `weight` in (0, 1].
    pub fn observe(&mut self, rate: f64, weight: f64) {
        let Some(level) = self.level else {
            self.level = Some(rate);
            return;
        };
        let distance = rate - level;
        if distance.abs() <= self.tuning.distance {
            (self.streak, self.sum) = (0.0, 0.0);
            let level = level + self.tuning.gain * weight * distance;
            self.level = Some(level);
            self.high = self.high.max(level);
            return;
        }
        if self.streak * distance < 0.0 {
            (self.streak, self.sum) = (0.0, 0.0);
        }
        self.streak += weight * distance.signum();
        self.sum += weight * rate;
        if self.streak.abs() < self.tuning.samples {
            return;
        }
        let level = self.sum / self.streak.abs();
        if distance > 0.0 {
            self.high = if self.rises > 0.0 { 0.5 * (self.high + level) } else { level };
            self.rises += 1.0;
        }
        self.level = Some(level);
        (self.streak, self.sum) = (0.0, 0.0);
    }

    /// Returns the rise to expect in a session that was watched for `seconds`.
    #[must_use]
    pub fn rise(&self, seconds: f64) -> Rise {
        let per_second = (self.rises / (self.tuning.prior_seconds + seconds.max(0.0))).min(self.tuning.most);
        Rise { per_second, to: self.high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(rates: impl IntoIterator<Item = f64>) -> Rise {
        let mut regimes = Regimes::new(RegimeTuning::DEFAULT);
        for rate in rates {
            regimes.observe(rate.ln(), 1.0);
        }
        regimes.rise(100.0)
    }

    #[test]
    fn a_lasting_rise_is_seen_and_where_it_leads() {
        let low = std::iter::repeat_n(3e5, 20);
        let high = std::iter::repeat_n(9e6, 20);
        assert_eq!(watched(low.clone()).per_second, 0.0);
        let risen = watched(low.clone().chain(high.clone()));
        assert!((risen.per_second - 1.0 / 120.0).abs() < 1e-9 && (risen.to - 9e6_f64.ln()).abs() < 1e-9, "{risen:?}");
        let again = watched(low.clone().chain(high.clone()).chain(low).chain(high));
        assert!((again.per_second - 2.0 / 120.0).abs() < 1e-9, "{again:?}");
    }

    #[test]
    fn noise_and_single_peaks_are_no_rise() {
        let noisy = (0..200).map(|at| 1e6 * f64::from(1 + at * 7 % 5));
        assert_eq!(watched(noisy).per_second, 0.0);
        let peaks = (0..200).map(|at| if at % 10 < 2 { 2e7 } else { 1e6 });
        assert_eq!(watched(peaks).per_second, 0.0);
    }

    /// Regimes after samples of the logarithm of the rate, each of `weight`.
    fn after(samples: &[f64], weight: f64) -> Regimes {
        let mut regimes = Regimes::new(RegimeTuning::DEFAULT);
        samples.iter().for_each(|&sample| regimes.observe(sample, weight));
        regimes
    }

    #[test]
    fn levels_are_arithmetic() {
        let level = |samples: &[f64]| after(samples, 1.0).level.unwrap_or(f64::NAN);
        let near = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-12, "{got} is not {wanted}");
        near(level(&[10.0, 11.0]), 10.15);
        near(level(&[10.0, 9.0, 9.0]), 9.85 - 0.15 * 0.85);
        near(level(&[10.0, 11.5, 11.5, 11.5]), 10.0);
        near(level(&[10.0, 11.5, 12.0, 11.5, 12.0]), 11.75);
        near(level(&[10.0, 8.0, 8.0, 8.0, 7.0]), 7.75);
        near(level(&[10.0, 12.0, 12.0, 12.0, 10.0, 12.0]), 10.0);
        near(level(&[10.0, 12.0, 12.0, 12.0, 8.0, 12.0]), 10.0);
        near(level(&[10.0, 12.0, 12.0, 12.0, 8.0, 8.0, 8.0, 8.0]), 8.0);
        near(after(&[10.0, 12.0, 12.0, 12.0, 12.0], 0.5).level.unwrap_or(f64::NAN), 10.0);
        near(after(&[10.0, 12.0, 12.0, 12.0, 12.0, 13.0, 13.0, 13.0, 13.0], 0.5).level.unwrap_or(f64::NAN), 12.5);
        near(after(&[10.0, 11.0], 0.5).level.unwrap_or(f64::NAN), 10.075);
    }

    #[test]
    fn rises_are_counted_and_their_goals_averaged() {
        let (low, high) = ([5.0; 4], [9.0; 4]);
        let rise = |parts: &[[f64; 4]], seconds| after(&parts.concat(), 1.0).rise(seconds);
        assert_eq!(rise(&[low, high], 80.0), Rise { per_second: 0.01, to: 9.0 });
        assert_eq!(rise(&[low, high, low], 80.0), Rise { per_second: 0.01, to: 9.0 });
        assert_eq!(rise(&[low, high, low, [7.0; 4]], 80.0), Rise { per_second: 0.02, to: 8.0 });
        assert_eq!(rise(&[low, high], -9.0).per_second, 0.05);
        assert_eq!(rise(&[low, high], 0.0).per_second, 0.05);
        // The level that holds rises beyond it bit by bit: that is where a rise leads then.
        let crept = after(&[low, high, [9.8; 4]].concat(), 1.0);
        assert!(crept.rise(0.0).to > 9.3, "{crept:?}");
        assert_eq!(Some(crept.rise(0.0).to), crept.level);
    }
}
