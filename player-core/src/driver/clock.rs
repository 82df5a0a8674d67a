//! The host's clocks: the only place in the crate that reads them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Now, WallClock};

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

    /// Nanoseconds since the Unix epoch by the host's wall clock, which may be set at any time.
    #[expect(clippy::disallowed_methods, reason = "this is the shell's clock, which everything else is told by")]
    pub fn utc() -> WallClock {
        let nanos = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        WallClock::from_unix_nanos(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => nanos(since),
            Err(before) => -nanos(before.duration()),
        })
    }

    /// Returns the time left until `deadline`; zero when it has passed.
    pub fn until(&self, deadline: Now) -> Duration {
        deadline.since(self.now())
    }
}
