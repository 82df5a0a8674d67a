//! The rate inside transfers: how fast the one that runs will go on, and how often and for how long the link goes silent.
//!
//! Time here is busy time: seconds in which a body was arriving or was due, over all transfers, without the pauses.

use super::contest::{Contest, ContestTuning, PREDICTORS};

/// Seconds that each of them looks back.
const MEMORY: [f32; PREDICTORS] = [0.7, 2.0, 6.0, 18.0];
/// Spans ahead that they are judged over.
const SPANS: usize = 4;
/// Minimum rate between the ends of two spans, as a share of the rate before.
const LEAST_LATER: f32 = 0.05;
/// Largest error that is counted, as a logarithm.
const MOST_ERROR: f32 = 3.0;

/// Constants of a [`Pace`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceTuning {
    /// Seconds ahead that the means are judged over, ascending.
    pub spans: [f32; SPANS],
    /// Constants by which the means are judged.
    pub contest: ContestTuning,
    /// Share by which a new transfer draws the means to the rate expected of it.
    pub pull: f32,
    /// Share of the expected rate below which the link counts as silent …
    pub silent_share: f32,
    /// … and below this share of the lowest rung's rate: a link that still carries that is slow, not silent …
    pub silent_lowest: f32,
    /// … once it has been so for this many seconds.
    pub silent_seconds: f32,
    /// Prior of outages before any was seen, as this many of them …
    pub outages: f32,
    /// … one in this many seconds …
    pub outage_every: f32,
    /// … and each of this length in seconds.
    pub outage_length: f32,
}

impl PaceTuning {
    /// Constants of the product.
    pub const DEFAULT: Self = Self {
        spans: [2.0, 4.0, 8.0, 16.0],
        contest: ContestTuning::DEFAULT,
        pull: 0.5,
        silent_share: 0.15,
        silent_lowest: 1.0,
        silent_seconds: 1.0,
        outages: 2.0,
        outage_every: 150.0,
        outage_length: 4.0,
    };
}

/// Expected outages of the link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outages {
    /// Outages that begin in a second.
    pub per_second: f32,
    /// Mean duration of one, in seconds.
    pub length: f32,
}

/// Accuracy of the means at predicting what arrives in a span of time, one span after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Trial {
    contest: Contest,
    /// Seconds that are judged at once.
    span: f32,
    /// Each mean at the start of the current span, and the bits received since.
    predicted: [f32; PREDICTORS],
    seconds: f32,
    bits: f32,
}

impl Trial {
    const fn new(span: f32, tuning: ContestTuning) -> Self {
        Self { contest: Contest::new(tuning), span, predicted: [1.0; PREDICTORS], seconds: 0.0, bits: 0.0 }
    }

    fn observe(&mut self, seconds: f32, bits: f32, rates: &[f32; PREDICTORS]) {
        self.seconds += seconds;
        self.bits += bits;
        if self.seconds < self.span {
            return;
        }
        let came = (self.bits / self.seconds).max(1.0);
        self.contest.judge(self.predicted.map(|rate| f64::from((came / rate).ln().clamp(-MOST_ERROR, MOST_ERROR))));
        (self.predicted, self.seconds, self.bits) = (*rates, 0.0, 0.0);
    }

    /// The mean of `rates` by how far each is believed, at least 1.
    fn mean(&self, rates: &[f32; PREDICTORS]) -> f32 {
        let believed = rates.iter().zip(self.contest.beliefs());
        believed.map(|(rate, belief)| rate * *belief as f32).sum::<f32>().max(1.0)
    }
}

/// Learns from the progress of transfers.
///
/// The right memory depends on the network: on some the last second predicts the next ones, on others it is noise
/// around a mean. It also depends on the question: the last second predicts the next two better than the next sixteen.
/// So several means run side by side, and each counts by how well it predicted that far ahead in this session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    tuning: PaceTuning,
    rates: [f32; PREDICTORS],
    trials: [Trial; SPANS],
    /// Rate below which the link counts as silent.
    silence: f32,
    /// Seconds in which an outage would have been noticed, silent ones up to now without a break, outages and their
    /// seconds.
    watched: f32,
    silent: f32,
    outages: f32,
    outage_seconds: f32,
    known: bool,
}

impl Pace {
    /// Returns a pace that has learned nothing yet.
    #[must_use]
    pub fn new(tuning: PaceTuning) -> Self {
        Self {
            tuning,
            rates: [1.0; PREDICTORS],
            trials: tuning.spans.map(|span| Trial::new(span, tuning.contest)),
            silence: 0.0,
            watched: 0.0,
            silent: 0.0,
            outages: 0.0,
            outage_seconds: 0.0,
            known: false,
        }
    }

    /// A transfer begins, of which `rate` bits per second are expected; `lowest` is the rate of the lowest rung.
    pub fn begin(&mut self, rate: f32, lowest: f32) {
        let rate = if rate.is_finite() { rate.max(1.0) } else { 1.0 };
        self.silence = (self.tuning.silent_share * rate).min(self.tuning.silent_lowest * lowest);
        if self.known {
            for mean in &mut self.rates {
                *mean += (rate - *mean) * self.tuning.pull;
            }
        } else {
            self.known = true;
            self.rates = [rate; PREDICTORS];
            for trial in &mut self.trials {
                trial.predicted = self.rates;
            }
        }
    }

    /// Notes `seconds` in which nothing was asked for, shortly before a transfer that went on without an outage.
    pub fn pass_idle_time(&mut self, seconds: f32) {
        if seconds.is_finite() {
            self.watched += seconds.max(0.0);
        }
    }

    /// Adds `bits` received in the last `seconds`. Ignored before the first [`Pace::begin`].
    pub fn observe(&mut self, seconds: f32, bits: f32) {
        let rate = bits / seconds;
        if !self.known || seconds <= 0.0 || !rate.is_finite() {
            return;
        }
        for (mean, memory) in self.rates.iter_mut().zip(MEMORY) {
            let keep = (-seconds / memory).exp();
            *mean = (*mean * keep + rate * (1.0 - keep)).max(1.0);
        }
        self.watched += seconds;
        self.count_outages(seconds, rate);
        for trial in &mut self.trials {
            trial.observe(seconds, bits, &self.rates);
        }
    }

    /// Distinguishes silence from a slow second.
    fn count_outages(&mut self, seconds: f32, rate: f32) {
        if rate >= self.silence {
            self.silent = 0.0;
            return;
        }
        let before = self.silent;
        self.silent += seconds;
        if before >= self.tuning.silent_seconds {
            self.outage_seconds += seconds;
        } else if self.silent >= self.tuning.silent_seconds {
            self.outages += 1.0;
            self.outage_seconds += self.silent;
        }
    }

    /// Bits per second to expect of the `rest` of the transfer, in bits, on average; at least 1.
    ///
    /// The prediction for each span gives the bits received by its end; between the ends of two spans the link is taken
    /// as even. A link that is slow for twelve seconds and then fast carries much in sixteen, but not at once.
    #[must_use]
    pub fn rate(&self, rest: f32) -> f32 {
        let (mut at, mut came, mut pace) = (0.0, 0.0, 0.0_f32);
        for trial in &self.trials {
            let more = trial.mean(&self.rates) * trial.span - came;
            pace = (more / (trial.span - at)).max(pace * LEAST_LATER);
            let until = came + pace * (trial.span - at);
            if rest <= until {
                break;
            }
            (at, came) = (trial.span, until);
        }
        if at <= 0.0 {
            return pace.max(1.0);
        }
        (rest / (at + (rest - came) / pace)).max(1.0)
    }

    /// Returns the expected outages.
    #[must_use]
    pub fn outages(&self) -> Outages {
        let prior = self.tuning.outages;
        Outages {
            per_second: (prior + self.outages) / (prior * self.tuning.outage_every + self.watched),
            length: (prior * self.tuning.outage_length + self.outage_seconds) / (prior + self.outages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link that does `kbps` in turn, each for a second in four pieces.
    fn played(kbps: &[f32], rounds: usize) -> Pace {
        let mut pace = Pace::new(PaceTuning::DEFAULT);
        pace.begin(1e6, 1e6);
        for rate in kbps.iter().cycle().take(kbps.len() * rounds) {
            for _ in 0..4 {
                pace.observe(0.25, rate * 250.0);
            }
        }
        pace
    }

    #[test]
    fn on_a_link_that_moves_slowly_the_last_second_counts() {
        let mut steps: Vec<f32> = vec![4000.0; 30];
        steps.extend([500.0; 30]);
        let mut pace = played(&steps, 6);
        assert!((pace.rate(0.0) - 5e5).abs() < 1e5, "{}", pace.rate(0.0));
        for _ in 0..8 {
            pace.observe(0.25, 1e6);
        }
        assert!(pace.rate(0.0) > 2.2e6, "two seconds after the rise: {}", pace.rate(0.0));
    }

    #[test]
    fn a_return_that_is_due_later_does_not_come_at_once() {
        let slow = |seconds| [300.0].repeat(seconds);
        let round = [[4000.0].repeat(12), slow(12)].concat();
        let mut pace = played(&round, 8);
        let fast = [[4000.0].repeat(12), slow(3)].concat();
        for rate in fast {
            for _ in 0..4 {
                pace.observe(0.25, rate * 250.0);
            }
        }
        // Nine slow seconds are ahead: 2.7 Mbit, then a fast one that carries more than the rest.
        assert!(pace.rate(2e6) < 6e5, "{}", pace.rate(2e6));
        assert!(pace.rate(2e7) > 1e6, "{}", pace.rate(2e7));
        assert!(pace.rate(2e7) < 4e6, "{}", pace.rate(2e7));
    }

    #[test]
    fn more_takes_longer() {
        let pace = played(&[2500.0, 900.0, 1600.0, 3000.0, 40.0], 40);
        let seconds = |bits: f32| bits / pace.rate(bits);
        let ascending = (1..100_u16).map(|at| f32::from(at) * 5e5).collect::<Vec<_>>();
        assert!(ascending.windows(2).all(|pair| seconds(pair[0]) < seconds(pair[1])));
    }

    #[test]
    fn on_a_noisy_link_one_slow_second_is_not_the_end() {
        let pace = played(&[2500.0, 900.0, 1600.0, 3000.0, 400.0], 40);
        assert!(pace.rate(0.0) > 1.1e6, "after a second at 400 kbit/s of a mean of 1680: {}", pace.rate(0.0));
    }

    #[test]
    fn outages_are_counted_and_measured() {
        let calm = played(&[1000.0], 400).outages();
        assert!(
            calm.per_second < 0.5 / PaceTuning::DEFAULT.outage_every
                && calm.length == PaceTuning::DEFAULT.outage_length,
            "{calm:?}"
        );
        let mut rounds = vec![1000.0; 24];
        rounds.extend([0.0; 6]);
        let harsh = played(&rounds, 40).outages();
        assert!((25.0..40.0).contains(&(1.0 / harsh.per_second)), "{harsh:?}");
        assert!((5.5..6.5).contains(&harsh.length), "{harsh:?}");
    }

    #[test]
    fn nonsense_is_ignored() {
        let mut pace = Pace::new(PaceTuning::DEFAULT);
        pace.observe(1.0, 1e6);
        assert_eq!(pace, Pace::new(PaceTuning::DEFAULT), "nothing is learned before the first transfer");
        pace.begin(f32::NAN, f32::NAN);
        pace.observe(0.0, 5.0);
        pace.observe(f32::NAN, 5.0);
        pace.observe(1.0, f32::INFINITY);
        assert_eq!(pace.rate(0.0), 1.0);
    }

    fn near(got: f32, wanted: f64) {
        assert!((f64::from(got) - wanted).abs() < 1e-4 * wanted, "{got} is not {wanted}");
    }

    /// Worked out apart, in Python and double precision, from what the comments above say.
    #[test]
    fn rates_are_those_of_a_calculation_by_hand() {
        let mut pace = Pace::new(PaceTuning::DEFAULT);
        pace.begin(4e6, 3e5);
        near(pace.rate(1e6), 4e6);
        pace.observe(0.5, 1e6);
        near(pace.rate(1e6), 3_580_495.667);
        for kbps in [2000.0, 3000.0, 900.0, 900.0, 1000.0, 5000.0, 5000.0, 4000.0, 400.0, 500.0, 200.0, 100.0] {
            pace.observe(1.0, kbps * 1e3);
        }
        for (rate, wanted) in pace.rates.iter().zip([152_302.132, 709_298.629, 1_835_669.69, 2_904_001.277]) {
            near(*rate, wanted);
        }
        for (rest, wanted) in [(0.0, 234_146.38), (1e6, 467_158.528), (8e6, 2_004_192.58), (2e7, 1_400_317.932)] {
            near(pace.rate(rest), wanted);
        }
        pace.begin(2e6, 3e5);
        for (rate, wanted) in pace.rates.iter().zip([1_076_151.066, 1_354_649.314, 1_917_834.845, 2_452_000.639]) {
            near(*rate, wanted);
        }
    }

    #[test]
    fn silence_is_an_outage_from_its_second_second_on() {
        // Of the expected 1 Mbit/s a seventh is silence; so is less than the lowest rung of a slower film.
        let mut pace = Pace::new(PaceTuning::DEFAULT);
        pace.begin(1e6, 1e6);
        near(pace.silence, 150_000.0);
        let silent = |pace: &Pace| (pace.silent, pace.outages, pace.outage_seconds, pace.watched);
        pace.observe(0.5, 1e4);
        pace.observe(0.25, 1e4);
        assert_eq!(silent(&pace), (0.75, 0.0, 0.0, 0.75));
        pace.observe(0.25, 0.0);
        assert_eq!(silent(&pace), (1.0, 1.0, 1.0, 1.0), "a whole second of silence is an outage");
        pace.observe(0.5, 0.0);
        assert_eq!(silent(&pace), (1.5, 1.0, 1.5, 1.5));
        pace.observe(0.5, 75_000.0);
        assert_eq!(silent(&pace), (0.0, 1.0, 1.5, 2.0), "150 kbit/s are no silence");
        pace.observe(0.5, 0.0);
        pace.observe(0.25, 0.0);
        pace.observe(1.0, 1e6);
        assert_eq!(silent(&pace), (0.0, 1.0, 1.5, 3.75), "a short silence is none");
        pace.observe(1.0, 0.0);
        assert_eq!(silent(&pace), (1.0, 2.0, 2.5, 4.75));
        pace.pass_idle_time(2.25);
        pace.pass_idle_time(-5.0);
        pace.pass_idle_time(f32::NAN);
        let outages = pace.outages();
        near(outages.per_second, 4.0 / 307.0);
        near(outages.length, (8.0 + 2.5) / 4.0);

        let mut slow = Pace::new(PaceTuning::DEFAULT);
        slow.begin(1e6, 1e5);
        near(slow.silence, 100_000.0);
    }

    #[test]
    fn a_span_is_judged_when_it_is_over() {
        let mut pace = Pace::new(PaceTuning::DEFAULT);
        pace.begin(1e6, 1e5);
        let fresh = pace.trials[0].contest;
        pace.observe(1.75, 5e6);
        assert_eq!((pace.trials[0].contest, pace.trials[0].seconds, pace.trials[0].bits), (fresh, 1.75, 5e6));
        pace.observe(0.25, 5e6);
        // 10 Mbit in two seconds where 1 Mbit/s was predicted by all: the logarithm of five.
        let mut judged = fresh;
        judged.judge([5_f64.ln(); PREDICTORS]);
        for (got, wanted) in pace.trials[0].contest.beliefs().iter().zip(judged.beliefs()) {
            assert!((got - wanted).abs() < 1e-6);
        }
        assert_ne!(pace.trials[0].contest, fresh);
        assert_eq!((pace.trials[0].seconds, pace.trials[0].bits, pace.trials[0].predicted), (0.0, 0.0, pace.rates));
        assert_eq!((pace.trials[1].contest, pace.trials[1].seconds), (fresh, 2.0));
    }
}
