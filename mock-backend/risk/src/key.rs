//! Digests that stand for names.

use std::fmt;
use std::num::NonZeroU64;

use sha2::{Digest as _, Sha256};

/// Digest of a name: 64 bits of SHA-256. Two names of a million share one with a probability of 3 in 100 million.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(NonZeroU64);

impl Key {
    /// Digests a name. White space around it and case do not matter. Returns `None` for an empty one.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.trim();
        (!name.is_empty()).then(|| {
            let digest = Sha256::digest(name.to_lowercase().as_bytes());
            let bytes = digest.iter().take(8).fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            Self(NonZeroU64::new(bytes).unwrap_or(NonZeroU64::MIN))
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:016x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_name_is_one_whatever_its_case() {
        assert_eq!(Key::of(" Ann@Kinora.example"), Key::of("ann@kinora.example"));
        assert_ne!(Key::of("a"), Key::of("b"));
        assert_eq!(Key::of("  "), None);
    }
}
