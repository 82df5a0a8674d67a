//! Several predictors of one quantity, each believed as far as it was right in this session.
//!
//! Dynamic model averaging: Raftery, Kárný, Ettler: "Online Prediction Under Model Uncertainty via Dynamic Model
//! Averaging: Application to a Cold Rolling Mill", Technometrics 52(1), 2010, §2.3. Each belief is multiplied by the
//! likelihood of the observation, after a share of it has gone back to the common prior. As the likelihood has a heavy
//! tail, an observation that surprises all predictors alike favours none of them, and while they agree nothing is
//! forgotten.

/// Number of predictors that compete.
pub const PREDICTORS: usize = 4;
/// Judgements that the deviation assumed at first is worth.
const PRIOR_WEIGHT: f64 = 2.0;
/// Least likelihood: one judgement never settles a contest for good.
const LEAST_LIKELIHOOD: f64 = 1e-12;

/// Constants of a [`Contest`]. Deviations are of natural logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContestTuning {
    /// Share of each belief that returns to the common prior with a judgement.
    pub forget: f64,
    /// Probability of a surprise that no predictor could know of.
    pub wild: f64,
    /// Deviation of such a surprise.
    pub wild_deviation: f64,
    /// Share of a new error in the variances.
    pub gain: f64,
    /// Deviation that is assumed before anything was seen.
    pub prior_deviation: f64,
    /// Least deviation of a predictor.
    pub least_deviation: f64,
}

impl ContestTuning {
    /// Constants of the product.
    pub const DEFAULT: Self =
        Self { forget: 0.01, wild: 0.05, wild_deviation: 1.2, gain: 0.1, prior_deviation: 0.4, least_deviation: 0.05 };
}

/// Belief in each predictor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contest {
    tuning: ContestTuning,
    beliefs: [f64; PREDICTORS],
    variances: [f64; PREDICTORS],
    weight: f64,
}

impl Contest {
    /// All are believed alike.
    #[must_use]
    pub const fn new(tuning: ContestTuning) -> Self {
        let variance = tuning.prior_deviation * tuning.prior_deviation;
        Self {
            tuning,
            beliefs: [1.0 / PREDICTORS as f64; PREDICTORS],
            variances: [variance; PREDICTORS],
            weight: PRIOR_WEIGHT,
        }
    }

    /// Judges the predictors by their errors: the observation less the prediction, as natural logarithms. Errors that
    /// are not finite count as none.
    pub fn judge(&mut self, errors: [f64; PREDICTORS]) {
        let tuning = &self.tuning;
        self.weight = (self.weight + 1.0).min(1.0 / tuning.gain);
        let wild_variance = tuning.wild_deviation * tuning.wild_deviation;
        let mut total = 0.0;
        for ((belief, variance), error) in self.beliefs.iter_mut().zip(&mut self.variances).zip(errors) {
            let square = if error.is_finite() { error * error } else { 0.0 };
            let own = variance.max(tuning.least_deviation * tuning.least_deviation);
            // Densities without the factor that both have.
            let tame = (1.0 - tuning.wild) * (-0.5 * square / own).exp() / own.sqrt();
            let wild = tuning.wild * (-0.5 * square / wild_variance).exp() / tuning.wild_deviation;
            let likelihood = (tame + wild).max(LEAST_LIKELIHOOD);
            *variance += (square - *variance) * (tame / likelihood) / self.weight;
            *belief = (*belief * (1.0 - tuning.forget) + tuning.forget / PREDICTORS as f64) * likelihood;
            total += *belief;
        }
        for belief in &mut self.beliefs {
            *belief /= total;
        }
    }

    /// Returns the belief in each predictor; the sum is 1.
    #[must_use]
    pub const fn beliefs(&self) -> &[f64; PREDICTORS] {
        &self.beliefs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_right_is_believed_and_stays_so_while_all_agree() {
        let mut contest = Contest::new(ContestTuning::DEFAULT);
        for _ in 0..5 {
            contest.judge([0.02, 0.3, 0.6, 0.9]);
        }
        let learned = contest.beliefs()[0];
        assert!(learned > 0.9, "{contest:?}");
        for _ in 0..5 {
            contest.judge([0.01; PREDICTORS]);
        }
        assert!(contest.beliefs()[0] > 0.8, "{contest:?}");
    }

    #[test]
    fn what_surprises_all_alike_says_nothing() {
        let mut contest = Contest::new(ContestTuning::DEFAULT);
        for _ in 0..20 {
            contest.judge([0.02; PREDICTORS]);
        }
        contest.judge([-3.0, -3.1, -2.9, -3.0]);
        assert!(contest.beliefs().iter().all(|belief| (0.15..0.35).contains(belief)), "{contest:?}");
    }

    #[test]
    fn beliefs_add_up_to_one_whatever_comes() {
        let mut contest = Contest::new(ContestTuning::DEFAULT);
        for error in [0.0, 1e9, -1e9, f64::NAN, f64::INFINITY, 1e-300] {
            contest.judge([error, 0.0, -error, 1.0]);
            let total: f64 = contest.beliefs().iter().sum();
            assert!((total - 1.0).abs() < 1e-9, "{contest:?}");
        }
    }

    /// Worked out apart, in Python, from the formulas of the paper and the constants above.
    #[test]
    fn beliefs_and_variances_are_those_of_a_calculation_by_hand() {
        let mut contest = Contest::new(ContestTuning::DEFAULT);
        let near = |got: &[f64; PREDICTORS], wanted: [f64; PREDICTORS]| {
            let same = got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-9 * wanted.max(1e-3));
            assert!(same, "{got:?} is not {wanted:?}");
        };
        contest.judge([0.3, -0.6, 0.0, 0.1]);
        near(contest.beliefs(), [0.2476843934592534, 0.10914917027384316, 0.32652949776321827, 0.31663693850368524]);
        near(&contest.variances, [0.13718071134429233, 0.22363210533945888, 0.10758620689655171, 0.11088592077558973]);
        for errors in [[0.1, -0.2, 0.5, 0.0], [1.5, -0.1, 0.2, 0.0], [0.0, 0.1, -2.5, 0.02]] {
            contest.judge(errors);
        }
        near(contest.beliefs(), [0.005297805590302952, 0.09397152077530829, 0.0002672945690450012, 0.9004633790653438]);
        near(&contest.variances, [0.08984043572464037, 0.12339359515627946, 0.12177424257652705, 0.056075145913423254]);
    }

    #[test]
    fn a_memory_of_ten_judgements_and_a_least_deviation() {
        // A predictor that is always right ends at the least deviation; the weight of a judgement settles at a tenth.
        let mut contest = Contest::new(ContestTuning::DEFAULT);
        (0..300).for_each(|_| contest.judge([0.0; PREDICTORS]));
        assert!(contest.variances[0] < 1e-9 && (contest.weight - 10.0).abs() < 1e-12, "{contest:?}");
        contest.judge([0.05; PREDICTORS]);
        // 0.0025 of a square, at a tenth of its weight and the share of the tame density in all of it.
        let (tame, wild) = (0.95 * (-0.5_f64).exp() / 0.05, 0.05 * (-0.5_f64 * 0.0025 / 1.44).exp() / 1.2);
        let wanted = 0.0025 * (tame / (tame + wild)) / 10.0;
        assert!((contest.variances[0] - wanted).abs() < 1e-9, "{contest:?}");
    }
}
