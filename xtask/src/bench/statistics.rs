//! Medians, percentiles and ratios of interleaved rounds.

/// Returns the middle value, or the mean of the two middle ones; `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// Returns the smallest value that at least `percent` of all values do not exceed (nearest rank); `None` without values.
pub fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let sorted = sorted(values);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Returns the median of the ratios `ours / theirs` of the same rounds, which a change of the machine between rounds
/// does not move; `None` if no round has both.
pub fn paired_ratio(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<f64> {
    let pairs = ours.iter().zip(theirs).filter_map(|(ours, theirs)| Some(((*ours)?, (*theirs)?)));
    median(&pairs.filter(|(_, theirs)| *theirs > 0.0).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Numbers that look random and are the same in every run: SplitMix64 (Steele et al., 2014).
#[derive(Clone, Debug)]
pub struct Draws(pub u64);

impl Draws {
    /// Returns a number of `0.0..1.0`.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 53 bits, all of which a double holds.
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[9.0, 1.0, 5.0, 6.0]), Some(5.5));
    }

    #[test]
    fn percentiles_are_values_of_the_sample() {
        let values: Vec<f64> = (1..=40).rev().map(f64::from).collect();
        assert_eq!([0, 50, 95, 100].map(|percent| percentile(&values, percent)), [1.0, 20.0, 38.0, 40.0].map(Some));
        assert_eq!(percentile(&[7.0], 95), Some(7.0));
        assert_eq!(percentile(&[], 95), None);
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // The second round was on a machine half as fast: each ratio is 0.5, whatever the medians are.
        assert_eq!(paired_ratio(&[Some(1.0), Some(2.0)], &[Some(2.0), Some(4.0)]), Some(0.5));
        assert_eq!(paired_ratio(&[Some(1.0), None, Some(3.0)], &[Some(2.0), Some(1.0), None]), Some(0.5));
        assert_eq!(paired_ratio(&[Some(1.0)], &[Some(0.0)]), None);
        assert_eq!(paired_ratio(&[], &[]), None);
    }

    #[test]
    fn draws_are_in_range_and_the_same_again() {
        let draw = |seed| {
            let mut draws = Draws(seed);
            (0..100).map(|_| draws.next()).collect::<Vec<_>>()
        };
        assert!(draw(1).iter().all(|number| (0.0..1.0).contains(number)));
        assert!(draw(1).iter().sum::<f64>() / 100.0 > 0.4);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
