//! Ratio of real to declared segment sizes, learned where sizes are not announced before the fetch.

/// Share of a segment in the means once they are settled.
const GAIN: f32 = 0.05;
/// Segments that the prior is worth.
const PRIOR: f32 = 5.0;
/// Variance of the ratio that is assumed before anything was seen, and the share of it that the next segment inherits.
const PRIOR_VARIANCE: f32 = 0.06;
/// Share of a deviation that the next segment inherits, before any was seen.
const PRIOR_INHERITED: f32 = 0.5;
/// Ratios that are believed.
const BELIEVED: (f32, f32) = (0.1, 5.0);
/// Least and most of a deviation that the next segment inherits.
const INHERITED: (f32, f32) = (0.0, 0.95);

/// Learns the ratio of real to declared sizes of a session: a mean that each segment strays from, and how much of that the
/// next one inherits (scenes are longer than segments).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizes {
    mean: f32,
    variance: f32,
    covariance: f32,
    weight: f32,
    last: f32,
    /// Segments asked for since `last` was noted.
    age: i32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self::new()
    }
}

impl Sizes {
    /// Nothing learned: segments are as declared.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            mean: 1.0,
            variance: PRIOR_VARIANCE,
            covariance: PRIOR_VARIANCE * PRIOR_INHERITED,
            weight: PRIOR,
            last: 1.0,
            age: 0,
        }
    }

    /// Another segment is asked for.
    pub const fn advance(&mut self) {
        self.age = self.age.saturating_add(1);
    }

    /// Notes that the segment asked for last has `real` bits where `declared` were expected.
    pub fn observe(&mut self, real: f32, declared: f32) {
        let ratio = real / declared;
        if !ratio.is_finite() || ratio <= 0.0 {
            return;
        }
        let ratio = ratio.clamp(BELIEVED.0, BELIEVED.1);
        self.weight = (self.weight + 1.0).min(1.0 / GAIN);
        let gain = 1.0 / self.weight;
        let (before, now) = (self.last - self.mean, ratio - self.mean);
        self.variance += (now * now - self.variance) * gain;
        if self.age == 1 {
            self.covariance += (now * before - self.covariance) * gain;
        }
        self.mean += now * gain;
        (self.last, self.age) = (ratio, 0);
    }

    fn inherited(&self) -> f32 {
        (self.covariance / self.variance.max(1e-4)).clamp(INHERITED.0, INHERITED.1)
    }

    /// Ratio to expect of the segment `ahead` of the one that was asked for last.
    #[must_use]
    pub fn ratio(&self, ahead: usize) -> f32 {
        let steps = self.age.saturating_add(i32::try_from(ahead).unwrap_or(i32::MAX));
        (self.mean + (self.last - self.mean) * self.inherited().powi(steps)).max(BELIEVED.0)
    }

    /// Variance of the next segment around its expected size, as a share of the size.
    #[must_use]
    pub fn variance(&self) -> f32 {
        if self.age == 0 { 0.0 } else { self.variance * (1.0 - self.inherited().powi(2)) / self.mean.max(0.1).powi(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ratios: &[f32]) -> Sizes {
        let mut sizes = Sizes::new();
        for ratio in ratios.iter().cycle().take(60) {
            sizes.advance();
            sizes.observe(ratio * 1e6, 1e6);
        }
        sizes.advance();
        sizes
    }

    #[test]
    fn segments_as_declared_are_expected_as_declared() {
        let sizes = after(&[1.0]);
        assert!((sizes.ratio(0) - 1.0).abs() < 0.01 && sizes.variance() < 0.01, "{sizes:?}");
    }

    #[test]
    fn a_peak_rate_is_scaled_down() {
        assert!((after(&[0.6]).ratio(5) - 0.6).abs() < 0.05);
    }

    #[test]
    fn long_scenes_are_foretold_and_noise_is_not() {
        let scenes = after(&[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]);
        assert!(scenes.ratio(0) > 1.2, "{scenes:?}");
        assert!(scenes.ratio(9) < scenes.ratio(0));
        let noise = after(&[0.5, 1.5]);
        assert!((noise.ratio(0) - 1.0).abs() < 0.1, "{noise:?}");
        assert!(noise.variance() > scenes.variance());
    }

    #[test]
    fn nonsense_is_ignored() {
        let mut sizes = Sizes::new();
        for (real, declared) in [(0.0, 1.0), (1.0, 0.0), (f32::NAN, 1.0), (-1.0, 1.0)] {
            sizes.observe(real, declared);
        }
        assert_eq!(sizes, Sizes::new());
    }

    #[test]
    fn what_the_next_segment_inherits_is_arithmetic() {
        let near = |got: f32, wanted: f32| assert!((got - wanted).abs() < 1e-5, "{got} is not {wanted}");
        let mut sizes = Sizes::new();
        // Half of the assumed variance is inherited, and three quarters of it are news.
        near(sizes.ratio(0), 1.0);
        near(sizes.variance(), 0.0);
        sizes.advance();
        near(sizes.variance(), 0.06 * 0.75);
        sizes.observe(1.6e6, 1e6);
        // A sixth of the square and of the step; nothing was inherited from the segment before, which was as declared.
        let (mean, variance) = (1.1, 0.06 + (0.36 - 0.06) / 6.0);
        let (covariance, inherited) = (0.03 - 0.03 / 6.0, 0.025 / 0.11);
        near(sizes.mean, mean);
        near(sizes.covariance, covariance);
        near(sizes.ratio(0), 1.6);
        near(sizes.ratio(1), mean + 0.5 * inherited);
        near(sizes.variance(), 0.0);
        sizes.advance();
        near(sizes.ratio(0), mean + 0.5 * inherited);
        near(sizes.ratio(1), mean + 0.5 * inherited * inherited);
        near(sizes.variance(), variance * (1.0 - inherited * inherited) / (mean * mean));
        // One that was not seen: the covariance stays.
        sizes.advance();
        sizes.observe(0.6e6, 1e6);
        near(sizes.covariance, covariance);
        near(sizes.mean, mean - 0.5 / 7.0);
        sizes.advance();
        sizes.observe(1.0e6, 1e6);
        let before = mean - 0.5 / 7.0;
        near(sizes.covariance, covariance + ((1.0 - before) * (0.6 - before) - covariance) / 8.0);
    }

    #[test]
    fn ratios_beyond_belief_are_bounded() {
        let mut sizes = Sizes::new();
        sizes.advance();
        sizes.observe(9e6, 1e6);
        assert_eq!(sizes.ratio(0), 5.0);
        for _ in 0..100 {
            sizes.advance();
            sizes.observe(1.0, 1e6);
        }
        assert_eq!((sizes.ratio(0), sizes.ratio(usize::MAX)), (0.1, sizes.mean));
        assert_eq!(sizes.weight, 20.0);
    }
}
