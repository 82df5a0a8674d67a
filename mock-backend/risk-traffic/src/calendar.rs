//! Units of time, and the days that a file covers.

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Time that a file covers, and what happens to the whole service in it. Times are in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) days: i64,
    pub(crate) update: i64,
    pub(crate) outage: i64,
}

impl Calendar {
    /// Returns the calendar of a file that starts on Monday, 2 March 2026.
    pub(crate) fn new(days: i64) -> Self {
        let start = 20_514 * DAY;
        let update = start + days / 3 * DAY + 18 * HOUR;
        let outage = start + days * 2 / 3 * DAY + 19 * HOUR + 30 * MINUTE;
        Self { start, end: start + days * DAY, days, update, outage }
    }

    pub(crate) fn contains(&self, time: i64) -> bool {
        (self.start..self.end).contains(&time)
    }
}
