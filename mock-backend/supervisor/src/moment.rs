//! Time as the pure parts know it: since the supervisor began, given from outside.

use std::time::Duration;

/// A moment, as the monotonic time that has passed since the supervisor began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment after a time from the beginning.
    pub fn new(since_begin: Duration) -> Self {
        Self(since_begin)
    }

    /// Time since the beginning in whole milliseconds.
    pub fn as_ms(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment that lies a time later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }

    /// Time since an earlier moment, zero for a later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
