//! Pauses before restarts: a pure count of failures.

use std::time::Duration;

use crate::topology::RestartPolicy;

/// Failures in a row, and the pauses that follow from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    policy: RestartPolicy,
    failures: u32,
}

impl Backoff {
    /// Begins without failures.
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// Counts a failure of a process that had been ready without interruption for a time until then, and returns the pause before
    /// the next start: none after the first failure, then `first`, doubled each time, up to `cap`.
    pub fn failed(&mut self, ready_for: Duration) -> Duration {
        if ready_for >= self.policy.quiet {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        match self.failures.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => {
                let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
                self.policy.first.saturating_mul(factor).min(self.policy.cap)
            }
        }
    }

    /// Forgets all failures.
    pub fn forget(&mut self) {
        self.failures = 0;
    }

    /// Number of failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns true if the failures in a row are a crash loop.
    pub fn is_loop(&self) -> bool {
        self.failures >= self.policy.loop_after
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use crate::topology::RestartPolicy;
    use proptest::prelude::*;
    use std::time::Duration;

    fn policy(first_ms: u64, cap_ms: u64, quiet_ms: u64) -> RestartPolicy {
        let [first, cap, quiet] = [first_ms, cap_ms, quiet_ms].map(Duration::from_millis);
        RestartPolicy { first, cap, quiet, loop_after: 5 }
    }

    #[test]
    fn pauses_double_to_the_cap_and_a_quiet_time_forgets() {
        let mut backoff = Backoff::new(policy(250, 5_000, 60_000));
        let pauses: Vec<_> = (0..9).map(|_| backoff.failed(Duration::from_millis(59_999)).as_millis()).collect();
        assert_eq!(pauses, [0, 250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
        assert!(backoff.is_loop());
        assert_eq!(backoff.failed(Duration::from_secs(60)), Duration::ZERO);
        assert_eq!((backoff.failures(), backoff.is_loop()), (1, false));
    }

    #[test]
    fn a_thousand_failures_stay_at_the_cap() {
        let mut backoff = Backoff::new(policy(1, 3_600_000, 1_000));
        assert_eq!((0..1_000).map(|_| backoff.failed(Duration::ZERO)).max(), Some(Duration::from_secs(3_600)));
    }

    proptest! {
        #[test]
        fn starts_in_a_time_are_bounded(
            first in 1_u64..1_000, cap in 1_u64..10_000, quiet in 1_u64..20_000,
            lives in proptest::collection::vec(0_u64..25_000, 1..200),
        ) {
            let cap = cap.max(first);
            let mut backoff = Backoff::new(policy(first, cap, quiet));
            // The starts of the worst process: it dies at once unless `lives` keeps it ready.
            let (mut starts, mut time) = (1_u64, 0_u64);
            for lived in lives {
                time += lived + backoff.failed(Duration::from_millis(lived)).as_millis() as u64;
                starts += 1;
            }
            let doublings = u64::from((cap / first).ilog2()) + 1;
            let bound = 1 + time / cap + (1 + time / quiet) * (2 + doublings);
            prop_assert!(starts <= bound, "{starts} starts in {time} ms, at most {bound}");
        }
    }
}
