//! An exponentially weighted mean whose samples may count for less than one.

/// A weighted mean in which the influence of a sample halves after `half_life` further samples of full weight.
///
/// Samples are weighted by count rather than by seconds of download: weighting by seconds makes the mean follow a fall
/// quickly and a rise slowly, because what arrives fast takes little time to arrive.
/// The first samples are averaged plainly, so that the mean does not lean towards its starting value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ewma {
    /// Weight of a full sample once the mean is settled.
    gain: f64,
    mean: f64,
    /// Total weight seen so far, saturating when the gain takes over.
    weight: f64,
}

impl Ewma {
    /// A mean with no samples; `gain` in (0, 1] is the share that a full-weight sample gets once the mean is settled.
    #[must_use]
    pub const fn new(gain: f64) -> Self {
        Self { gain, mean: 0.0, weight: 0.0 }
    }

    /// Adds `value` with `weight` in (0, 1]. Values that are not finite and weights that are not positive are ignored.
    pub fn add(&mut self, value: f64, weight: f64) {
        if !value.is_finite() || !weight.is_finite() || weight <= 0.0 {
            return;
        }
        let weight = weight.min(1.0);
        self.weight = (self.weight + weight).min(1.0 / self.gain);
        self.mean += (value - self.mean) * (weight / self.weight);
    }

    /// The mean, or `None` before the first sample.
    #[must_use]
    pub fn get(&self) -> Option<f64> {
        (self.weight > 0.0).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_as_a_plain_mean_and_then_forgets() {
        let mut mean = Ewma::new(0.25);
        assert_eq!(mean.get(), None);
        mean.add(10.0, 1.0);
        mean.add(20.0, 1.0);
        assert_eq!(mean.get(), Some(15.0));
        for _ in 0..40 {
            mean.add(100.0, 1.0);
        }
        assert!(mean.get().is_some_and(|mean| (99.0..=100.0).contains(&mean)));
    }

    #[test]
    fn a_light_sample_moves_it_less() {
        let settled = {
            let mut mean = Ewma::new(0.5);
            mean.add(10.0, 1.0);
            mean.add(10.0, 1.0);
            mean
        };
        let (mut light, mut full) = (settled, settled);
        light.add(20.0, 0.1);
        full.add(20.0, 1.0);
        assert!(light.get() < full.get());
    }

    #[test]
    fn ignores_what_is_not_a_number() {
        let mut mean = Ewma::new(0.5);
        mean.add(f64::NAN, 1.0);
        mean.add(1.0, 0.0);
        mean.add(1.0, f64::INFINITY);
        assert_eq!(mean.get(), None);
    }

    #[test]
    fn weights_and_the_gain_are_arithmetic() {
        let mut mean = Ewma::new(0.25);
        mean.add(7.0, 0.0);
        mean.add(8.0, -1.0);
        mean.add(10.0, 0.5);
        mean.add(20.0, 0.75);
        assert_eq!(mean.get(), Some(16.0));
        mean.add(32.0, 9.0);
        assert!(mean.get().is_some_and(|mean| (mean - (16.0 + 16.0 / 2.25)).abs() < 1e-12));
        (0..3).for_each(|_| mean.add(0.0, 1.0));
        let settled = mean.get().unwrap_or_default();
        mean.add(0.0, 1.0);
        assert_eq!(mean.get(), Some(settled * 0.75), "a quarter of it is new");
    }
}
