//! A bound on what a virtual world does without getting anywhere, so that a fault that makes the engine spin fails a
//! test instead of hanging it.

use crate::time::{MediaTime, Now};

/// Most steps at one instant of the virtual clock.
const MOST_AT_ONCE: u32 = 100_000;
/// Most steps between two signs of progress: hours of the shortest timer.
const MOST_STEPS: u32 = 2_000_000;
/// Most requests between two signs of progress. A request that fails is repeated a few dozen times at most.
const MOST_REQUESTS: u32 = 2_000;

/// Counts since the last sign of progress: the playhead moved, a transfer was completed, or an event was announced.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    at: Now,
    position: MediaTime,
    at_once: u32,
    steps: u32,
    requests: u32,
}

impl Watch {
    /// Counts a step.
    ///
    /// # Panics
    /// Panics if there were too many without progress.
    pub fn step(&mut self, now: Now, position: MediaTime) {
        if position != self.position {
            self.position = position;
            self.progress();
        }
        self.at_once = if now == self.at { self.at_once + 1 } else { 0 };
        self.at = now;
        self.steps += 1;
        assert!(self.at_once < MOST_AT_ONCE, "{MOST_AT_ONCE} steps at {now:?} without end");
        assert!(self.steps < MOST_STEPS, "{MOST_STEPS} steps without progress until {now:?}");
    }

    /// Counts a request.
    ///
    /// # Panics
    /// Panics if there were too many without progress.
    pub fn request(&mut self, now: Now) {
        self.requests += 1;
        assert!(self.requests < MOST_REQUESTS, "{MOST_REQUESTS} requests without progress until {now:?}");
    }

    /// Begins to count anew.
    pub const fn progress(&mut self) {
        (self.steps, self.requests) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Now {
        Now::from_nanos(nanos)
    }

    #[test]
    fn what_gets_somewhere_may_go_on_for_ever() {
        let mut watch = Watch::default();
        for turn in 0..3 * u64::from(MOST_STEPS) {
            watch.step(at(turn), MediaTime::from_nanos((turn / 1000) as i64));
        }
        for turn in 0..10 * MOST_REQUESTS {
            watch.request(at(0));
            if turn % 1000 == 0 {
                watch.progress();
            }
        }
    }

    #[test]
    #[should_panic(expected = "steps at")]
    fn steps_at_one_instant_are_bounded() {
        let mut watch = Watch::default();
        (0..=MOST_AT_ONCE).for_each(|turn| watch.step(at(5), MediaTime::from_nanos(i64::from(turn))));
    }

    #[test]
    #[should_panic(expected = "steps without progress")]
    fn steps_that_only_pass_time_are_bounded() {
        let mut watch = Watch::default();
        (0..=u64::from(MOST_STEPS)).for_each(|turn| watch.step(at(turn), MediaTime::ZERO));
    }
}
