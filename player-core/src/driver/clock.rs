//! The host's monotonic clock: the only place in the crate that reads one.

use std::time::{Duration, Instant};

use crate::time::Now;

/// Counts from its creation.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin: Instant,
}

impl MonotonicClock {
    /// Returns a clock that starts at zero.
    #[expect(clippy::disallowed_methods, reason = "this is the shell's clock, which everything else is told by")]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Nanoseconds since the start.
    #[expect(clippy::disallowed_methods, reason = "this is the shell's clock, which everything else is told by")]
    pub fn now(&self) -> Now {
        Now::from_nanos(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Returns the time left until `deadline`; zero when it has passed.
    pub fn until(&self, deadline: Now) -> Duration {
        deadline.since(self.now())
    }
}
