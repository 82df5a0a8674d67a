//! Forecast of the link: a likely level, the home level it returns to, and its deviations downward and upward.

use std::time::Duration;

use crate::{
    History, Transfer,
    estimator::{Ewma, RegimeTuning, Regimes, Rise},
};

/// Shortest time that a body is taken to need; below it the reader's timer is measured, not the link.
const SHORTEST: f64 = 0.001;
/// Transfers in parallel that are believed.
const MOST_CONCURRENT: u32 = 4;
/// Largest surprise that is counted, as a logarithm: an outage is a factor of twenty, whatever it was.
const MOST_ERROR: f64 = 3.0;
/// Longest time between two transfers that counts as watched, in seconds.
const MOST_GAP: f64 = 20.0;
/// Share of the other direction's variance in each direction's.
const SHARED: f64 = 0.15;

/// Means that compete: from the last sample alone to nearly all of them.
const EXPERTS: usize = 4;

/// Constants of a [`Forecast`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForecastTuning {
    /// Share of a full sample in the mean of each expert once it is settled; the last one is the home level.
    pub gains: [f64; EXPERTS],
    /// Exponent of the trust in better experts: the weight of each is its mean square error to minus this.
    pub trust: f64,
    /// Share of a full sample in the mean square errors of the experts.
    pub error_gain: f64,
    /// Least mean square error of an expert.
    pub error_floor: f64,
    /// Share of a full sample in the variances.
    pub variance_gain: f64,
    /// Deviation that is assumed before anything was seen, and how many samples that is worth.
    pub prior_deviation: f64,
    /// Weight of `prior_deviation`, in observations.
    pub prior_weight: f64,
    /// Bytes from which a transfer is a full sample: what fits the initial congestion window shows the sender's burst …
    pub full_bytes: f64,
    /// … unless it took this many seconds.
    pub full_seconds: f64,
    /// Share of the measured deviation that is planned with. Surprises of one transfer partly cancel in the next, and a
    /// plan that can change its mind needs less caution than a promise.
    pub caution: f64,
    /// Seconds of watching after which the home level is half known.
    pub settle_seconds: f64,
    /// Constants of the levels that the link stays at.
    pub regime: RegimeTuning,
}

impl ForecastTuning {
    /// Constants of the product.
    pub const DEFAULT: Self = Self {
        gains: [1.0, 0.5, 0.2, 0.05],
        trust: 2.0,
        error_gain: 0.1,
        error_floor: 0.01,
        variance_gain: 0.1,
        prior_deviation: 0.4,
        prior_weight: 3.0,
        full_bytes: 65_536.0,
        full_seconds: 1.0,
        caution: 0.45,
        settle_seconds: 5.0,
        regime: RegimeTuning::DEFAULT,
    };
}

/// Learns from transfers, in logarithms throughout: a link that halves strays as far as one that doubles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    tuning: ForecastTuning,
    experts: [Ewma; EXPERTS],
    errors: [f64; EXPERTS],
    scored: f64,
    ttfb: Ewma,
    regimes: Regimes,
    /// Mean squares of surprises downward and upward, each doubled so that a symmetric link has its variance in both.
    down: f64,
    up: f64,
    weight: f64,
    samples: u32,
    /// Time at which the last transfer ended, and seconds over which transfers were seen.
    at: Duration,
    span: f64,
}

/// The rate of the next transfer: a two-piece normal distribution of the natural logarithm of bits per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// The most likely value.
    pub level: f64,
    /// Level that later transfers return to.
    pub home: f64,
    /// Deviation below the level.
    pub down: f64,
    /// Deviation above the level.
    pub up: f64,
    /// Usual time to first byte in seconds.
    pub ttfb: f64,
    /// Certainty of the home level, from 0 to 1.
    pub settled: f64,
    /// A lasting rise that may come.
    pub rise: Rise,
}

impl Forecast {
    /// Returns a forecast that has learned nothing yet.
    #[must_use]
    pub const fn new(tuning: ForecastTuning) -> Self {
        let variance = tuning.prior_deviation * tuning.prior_deviation;
        Self {
            tuning,
            experts: [
                Ewma::new(tuning.gains[0]),
                Ewma::new(tuning.gains[1]),
                Ewma::new(tuning.gains[2]),
                Ewma::new(tuning.gains[3]),
            ],
            errors: [variance; EXPERTS],
            scored: tuning.prior_weight,
            ttfb: Ewma::new(0.25),
            regimes: Regimes::new(tuning.regime),
            down: variance,
            up: variance,
            weight: tuning.prior_weight,
            samples: 0,
            at: Duration::ZERO,
            span: 0.0,
        }
    }

    /// Starts from the remembered rate: it is worth half a sample, so that the first real one outweighs it.
    pub fn seed(&mut self, history: &History) {
        if self.samples == 0 && history.bandwidth_bps > 0 {
            let rate = (history.bandwidth_bps as f64).ln();
            for expert in &mut self.experts {
                expert.add(rate, 0.5);
            }
            self.ttfb.add(history.ttfb.as_secs_f64(), 0.5);
        }
    }

    /// Learns from a transfer, also one that was given up; cached and empty ones are ignored.
    pub fn observe(&mut self, transfer: &Transfer) {
        if transfer.cached || transfer.bytes == 0 {
            return;
        }
        self.ttfb.add(transfer.ttfb.as_secs_f64(), 1.0);
        let sharing = f64::from(transfer.concurrent.clamp(1, MOST_CONCURRENT));
        let seconds = transfer.duration.as_secs_f64().max(SHORTEST);
        let bytes = transfer.bytes as f64;
        let rate = (bytes * 8.0 * sharing / seconds).max(1.0).ln();
        let weight = (bytes / self.tuning.full_bytes).max(seconds / self.tuning.full_seconds).min(1.0);
        self.regimes.observe(rate, weight);
        if let Some(outlook) = self.outlook() {
            let error = (rate - outlook.level).clamp(-MOST_ERROR, MOST_ERROR);
            self.weight = (self.weight + weight).min(1.0 / self.tuning.variance_gain);
            let gain = weight / self.weight;
            self.down += (2.0 * error.min(0.0).powi(2) - self.down) * gain;
            self.up += (2.0 * error.max(0.0).powi(2) - self.up) * gain;
        }
        self.scored = (self.scored + weight).min(1.0 / self.tuning.error_gain);
        for (expert, mean_square) in self.experts.iter_mut().zip(&mut self.errors) {
            if let Some(expected) = expert.get() {
                let error = (rate - expected).clamp(-MOST_ERROR, MOST_ERROR);
                *mean_square += (error * error - *mean_square) * (weight / self.scored);
            }
            expert.add(rate, weight);
        }
        let since = transfer.at.saturating_sub(self.at).as_secs_f64();
        self.span += if self.samples == 0 { seconds } else { since.max(seconds) }.min(MOST_GAP);
        self.at = transfer.at;
        self.samples = self.samples.saturating_add(1);
    }

    /// Returns the forecast for the next transfer; `None` until something was learned.
    #[must_use]
    pub fn outlook(&self) -> Option<Outlook> {
        let home = self.experts[EXPERTS - 1].get()?;
        let (mut total, mut level) = (0.0, 0.0);
        for (expert, error) in self.experts.iter().zip(&self.errors) {
            let weight = error.max(self.tuning.error_floor).powf(-self.tuning.trust);
            total += weight;
            level += weight * expert.get()?;
        }
        let shared = SHARED * (self.down + self.up);
        let deviation = |own: f64| ((1.0 - 2.0 * SHARED) * own + shared).sqrt() * self.tuning.caution;
        Some(Outlook {
            level: level / total,
            home,
            down: deviation(self.down),
            up: deviation(self.up),
            ttfb: self.ttfb.get().unwrap_or(0.0).clamp(0.0, 60.0),
            rise: self.regimes.rise(self.span),
            settled: self.span / (self.span + self.tuning.settle_seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    fn transfer(kbps: u64) -> Transfer {
        Transfer {
            at: Duration::ZERO,
            bytes: kbps * 125,
            ttfb: Duration::from_millis(100),
            duration: Duration::from_secs(1),
            cached: false,
            concurrent: 1,
            others: 0,
        }
    }

    fn after(rates: &[u64]) -> Outlook {
        let mut forecast = Forecast::new(ForecastTuning::DEFAULT);
        for &rate in rates {
            forecast.observe(&transfer(rate));
        }
        forecast.outlook().unwrap()
    }

    #[test]
    fn nothing_is_expected_of_an_unknown_link() {
        let mut forecast = Forecast::new(ForecastTuning::DEFAULT);
        assert_eq!(forecast.outlook(), None);
        forecast.observe(&Transfer { cached: true, ..transfer(1000) });
        forecast.observe(&transfer(0));
        assert_eq!(forecast.outlook(), None);
        forecast.seed(&History { bandwidth_bps: 1_000_000, ttfb: Duration::from_millis(30) });
        let outlook = forecast.outlook().unwrap();
        assert!((outlook.level.exp() - 1e6).abs() < 1.0 && (outlook.ttfb - 0.03).abs() < 1e-9);
    }

    #[test]
    fn a_steady_link_is_trusted_more_and_more() {
        let steady = after(&[4000; 30]);
        assert!((steady.level.exp() - 4e6).abs() < 1e3 && (steady.ttfb - 0.1).abs() < 1e-9);
        assert!(steady.down < after(&[4000; 2]).down * 0.5);
    }

    #[test]
    fn surprises_are_told_apart_by_their_direction() {
        let falls: Vec<u64> = (0..40).map(|at| if at % 4 == 3 { 500 } else { 4000 }).collect();
        let rises: Vec<u64> = (0..40).map(|at| if at % 4 == 3 { 32_000 } else { 4000 }).collect();
        assert!(after(&falls).down > after(&falls).up);
        assert!(after(&rises).up > after(&rises).down);
    }

    #[test]
    fn after_a_fall_some_of_the_way_back_is_expected() {
        let fallen = after(&[4000, 4000, 4000, 4000, 1000]);
        assert!(fallen.level < fallen.home, "{fallen:?}");
        assert!(fallen.level.exp() > 1.0e6 && fallen.level.exp() < 2.5e6, "{}", fallen.level.exp());
    }

    #[test]
    fn extremes_stay_finite() {
        let mut forecast = Forecast::new(ForecastTuning::DEFAULT);
        let huge = Transfer { bytes: u64::MAX, duration: Duration::ZERO, ttfb: Duration::MAX, ..transfer(1) };
        for transfer in [huge, Transfer { duration: Duration::MAX, ..transfer(1) }, huge] {
            forecast.observe(&transfer);
            let outlook = forecast.outlook().unwrap();
            assert!(
                [outlook.level, outlook.home, outlook.down, outlook.up, outlook.ttfb].iter().all(|x| x.is_finite())
            );
        }
    }

    /// Worked out apart, in Python, from what the comments above say: level, home, deviations down and up, time to first
    /// byte, and how far the home level is known.
    #[test]
    fn an_outlook_is_that_of_a_calculation_by_hand() {
        // Milliseconds, bytes, time to first byte and duration in milliseconds, transfers at once.
        let transfers = [
            ((2000, 400_000, 50, 1000, 1), [14.978661368, 14.978661368, 0.18, 0.18, 0.05, 0.166666667]),
            ((4000, 200_000, 90, 800, 1), [14.684909099, 14.743659553, 0.208114151, 0.166297837, 0.07, 0.375]),
            // Small, concurrent with another, and after a pause that counts for twenty seconds.
            (
                (40_000, 20_000, 90, 50, 2),
                [14.870897085, 14.866534605, 0.210797416, 0.222400262, 0.076666667, 0.821428571],
            ),
            // Small, but long enough to count; of nine at once four are believed.
            (
                (41_000, 16_384, 300, 2000, 9),
                [13.621819873, 14.143461004, 0.638774989, 0.32523987, 0.1325, 0.833333333],
            ),
            ((41_500, 3000, 300, 100, 0), [0.0; 6]),
            (
                (43_000, 1_000_000, 50, 400, 1),
                [15.300034733, 14.709221662, 0.656883995, 0.756814290, 0.14328125, 0.84375],
            ),
        ];
        let mut forecast = Forecast::new(ForecastTuning::DEFAULT);
        for ((at, bytes, ttfb, duration, concurrent), wanted) in transfers {
            let ms = Duration::from_millis;
            forecast.observe(&Transfer {
                at: ms(at),
                bytes,
                ttfb: ms(ttfb),
                duration: ms(duration),
                cached: false,
                concurrent,
                others: 0,
            });
            let Outlook { level, home, down, up, ttfb, settled, .. } = forecast.outlook().unwrap();
            let got = [level, home, down, up, ttfb, settled];
            let same = got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-6);
            assert!(same || wanted[0] == 0.0, "{got:?} is not {wanted:?}");
        }
    }

    #[test]
    fn memory_is_for_a_network_that_was_not_measured_yet() {
        let history = |bandwidth_bps| History { bandwidth_bps, ttfb: Duration::from_millis(30) };
        let mut forecast = Forecast::new(ForecastTuning::DEFAULT);
        forecast.seed(&history(0));
        assert_eq!(forecast.outlook(), None, "a network of nothing is none");
        forecast.observe(&transfer(1000));
        let before = forecast;
        forecast.seed(&history(9_000_000));
        assert_eq!(forecast, before, "too late");
    }
}
