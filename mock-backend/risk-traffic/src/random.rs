//! Seeded random numbers, and hashes for facts that must not depend on the order of questions.

/// SplitMix64. Its sequence is the same on every machine and with every version of a library.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// Mixes numbers into one that looks random: the same numbers in the same order give the same result.
pub(crate) fn hash(values: &[u64]) -> u64 {
    values.iter().fold(0x6b69_6e6f_7261, |state, value| mix(state ^ mix(value.wrapping_add(0x9e37_79b9_7f4a_7c15))))
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(hash(&[seed]))
    }

    /// Returns a generator for a part of the world: draws of one part do not move those of another.
    pub(crate) fn fork(&self, part: u64) -> Self {
        Self(hash(&[self.0, part]))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number from `low` to `high`, both included; `low` if `high` is less.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % ((high - low).max(0) as u64 + 1)) as i64
    }

    /// Returns a number from 0 up to `count`, which is excluded; 0 if `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// Returns true with the probability, from 0 to 1.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// Returns one of the items, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Returns text that names a device or a token: 12 hexadecimal digits.
    pub(crate) fn name(&mut self) -> String {
        format!("{:012x}", self.next() >> 16)
    }
}
