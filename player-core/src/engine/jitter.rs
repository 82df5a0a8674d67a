//! Seeded randomness for retry delays and for the choice among equal locations. Nothing else in the engine is random.

use std::time::Duration;

/// A xorshift64* generator (Marsaglia, "Xorshift RNGs", 2003; Vigna, 2016): tiny, and the same on every machine.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    /// Any seed will do, zero too.
    pub(super) fn new(seed: u64) -> Self {
        // One round of SplitMix64 keeps the state away from zero and sets neighbouring seeds apart.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((state ^ (state >> 31)) | 1)
    }

    /// Returns sixteen random bits, evenly distributed.
    pub(super) fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 48
    }

    /// Returns `base` lengthened by up to a quarter, so that many players do not come back in step.
    pub(super) fn stretch(&mut self, base: Duration) -> Duration {
        let share = self.draw();
        base.saturating_add(base.saturating_mul(u32::try_from(share).unwrap_or_default()) / (4 << 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_in_their_quarter_and_repeat_with_the_seed() {
        let base = Duration::from_millis(1000);
        let draw = |seed| {
            let mut jitter = Jitter::new(seed);
            (0..50).map(|_| jitter.stretch(base)).collect::<Vec<_>>()
        };
        let first = draw(0);
        assert!(first.iter().all(|delay| *delay >= base && *delay < base * 5 / 4), "{first:?}");
        assert_eq!(first, draw(0));
        assert_ne!(first, draw(1));
    }

    #[test]
    fn a_seed_gives_the_same_numbers_on_every_machine() {
        let draw = |seed| {
            let mut jitter = Jitter::new(seed);
            [(); 4].map(|()| jitter.draw())
        };
        // xorshift64* from a seed that went through SplitMix64, the upper sixteen bits.
        assert_eq!(draw(0), [31676, 56959, 46022, 57459]);
        assert_eq!(draw(1), [19270, 55265, 24340, 15148]);
        assert_eq!(draw(7), [5354, 16925, 23205, 36265]);
        assert_eq!(draw(u64::MAX), [1269, 55157, 41953, 17553]);
        assert_eq!(Jitter::new(0).stretch(Duration::from_secs(1)), Duration::from_nanos(1120834350));
        assert_eq!(Jitter::new(0).stretch(Duration::MAX), Duration::MAX);
    }
}
