//! Names that the origin does not have, remembered for seconds, so that asking for them costs it one request. Pure.

use std::collections::HashMap;

/// Milliseconds for which an absence is remembered: short, for what is being published appears soon.
const ABSENT_MS: i64 = 3_000;
/// Names that are remembered at the same time; beyond it the ones already out of date go, then all.
const MAX_NAMES: usize = 16_384;

/// The absent names of one origin. Times are milliseconds of a monotonic clock.
#[derive(Debug, Default)]
pub struct Absent {
    names: HashMap<String, (i64, u16)>,
}

impl Absent {
    /// Returns true for statuses that say something about the name and not about the moment (RFC 9110 §15.1).
    pub fn is_lasting(status: u16) -> bool {
        matches!(status, 404 | 405 | 410 | 414 | 501)
    }

    /// Returns the status that a name was refused with, while that is remembered.
    pub fn status(&self, name: &str, now_ms: i64) -> Option<u16> {
        self.names.get(name).filter(|(until, _)| is_current(*until, now_ms)).map(|(_, status)| *status)
    }

    /// Remembers a refusal from now on.
    pub fn add(&mut self, name: &str, status: u16, now_ms: i64) {
        if self.names.len() >= MAX_NAMES {
            self.names.retain(|_, (until, _)| is_current(*until, now_ms));
        }
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        self.names.insert(name.to_owned(), (now_ms.saturating_add(ABSENT_MS), status));
    }

    /// Forgets a name, which the origin has now.
    pub fn remove(&mut self, name: &str) {
        self.names.remove(name);
    }
}

/// A time further ahead than any that is ever set is left over from a clock that went back.
fn is_current(until_ms: i64, now_ms: i64) -> bool {
    now_ms < until_ms && until_ms - now_ms <= ABSENT_MS
}

#[cfg(test)]
mod tests {
    use super::{ABSENT_MS, Absent, MAX_NAMES};
    use proptest::prelude::*;

    #[test]
    fn the_memory_is_bounded() {
        let mut absent = Absent::default();
        for n in 0..2 * MAX_NAMES {
            absent.add(&n.to_string(), 404, 0);
        }
        assert!(absent.names.len() <= MAX_NAMES);
        assert_eq!(absent.status(&(2 * MAX_NAMES - 1).to_string(), 0), Some(404));
    }

    proptest! {
        #[test]
        fn a_refusal_is_remembered_for_its_time_only(now in -10_000_i64..10_000) {
            let mut absent = Absent::default();
            absent.add("x", 404, 0);
            prop_assert_eq!(absent.status("x", now), (0..ABSENT_MS).contains(&now).then_some(404));
            absent.remove("x");
            prop_assert_eq!(absent.status("x", 0), None);
        }
    }
}
