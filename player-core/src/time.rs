//! The three kinds of time, never mixed: [`MediaTime`] on the presentation timeline, [`Now`] on the host's
//! monotonic clock, [`WallClock`] in UTC (live only). All are integers; conversion from ticks happens once.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant on the presentation timeline, in nanoseconds; it may be negative (before the presentation's zero).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The beginning of the presentation.
    pub const ZERO: Self = Self(0);
    /// Later than every sample.
    pub const MAX: Self = Self(i64::MAX);

    /// Returns the time of this number of nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the time of this number of milliseconds, saturating.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds; `NaN` becomes zero and values out of range saturate.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * 1e9).round() as i64)
    }

    /// From ticks of a timescale (ticks per second), rounded to the nearest nanosecond, saturating.
    /// A timescale of zero counts as one.
    pub fn from_ticks(ticks: i64, timescale: u32) -> Self {
        let scale = i128::from(timescale.max(1));
        let scaled = i128::from(ticks) * 1_000_000_000;
        let half = scale / 2;
        let rounded = if scaled >= 0 { (scaled + half) / scale } else { (scaled - half) / scale };
        Self(rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Nanoseconds since the presentation's zero.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the presentation's zero.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Returns the time from `earlier` to `self`; zero if `self` is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// `self - other` in nanoseconds, saturating.
    pub const fn nanos_from(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Shifted by a signed number of nanoseconds, saturating.
    pub const fn shifted(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl Add<Duration> for MediaTime {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

impl Sub<Duration> for MediaTime {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }
}

impl fmt::Debug for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.as_secs_f64())
    }
}

/// A span of `ticks` of a timescale, rounded to the nearest nanosecond, saturating.
pub fn duration_from_ticks(ticks: u64, timescale: u32) -> Duration {
    let scale = u128::from(timescale.max(1));
    let nanos = (u128::from(ticks) * 1_000_000_000 + scale / 2) / scale;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// The host's monotonic clock, in nanoseconds since an origin of the host's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Now(u64);

impl Now {
    /// The origin of the clock.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds since the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since the origin.
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Returns the time from `earlier` to `self`; zero if `self` is not later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Now {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Coordinated universal time, in nanoseconds since 1970-01-01T00:00:00Z. Only live presentations and dated
/// metadata use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WallClock(i64);

impl WallClock {
    /// From nanoseconds since the Unix epoch.
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_unix_nanos(self) -> i64 {
        self.0
    }
}

/// Coordinated universal time as a function of the host's monotonic clock, from one reading of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallClockMapping {
    now: Now,
    utc: WallClock,
}

impl WallClockMapping {
    /// Both clocks, read together.
    pub const fn new(now: Now, utc: WallClock) -> Self {
        Self { now, utc }
    }

    /// Returns the wall-clock time at an instant of the monotonic clock, saturating.
    pub fn utc_at(self, now: Now) -> WallClock {
        let elapsed = i128::from(now.as_nanos()) - i128::from(self.now.as_nanos());
        let utc = i128::from(self.utc.as_unix_nanos()) + elapsed;
        WallClock(utc.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Returns the instant of the monotonic clock at a wall-clock time; its origin for times before that.
    pub fn now_at(self, utc: WallClock) -> Now {
        let ahead = i128::from(utc.as_unix_nanos()) - i128::from(self.utc.as_unix_nanos());
        let nanos = i128::from(self.now.as_nanos()) + ahead;
        Now(nanos.clamp(0, i128::from(u64::MAX)) as u64)
    }
}

/// A half-open range `[start, end)` of presentation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRange {
    /// First instant of the range.
    pub start: MediaTime,
    /// First instant after the range.
    pub end: MediaTime,
}

impl TimeRange {
    /// True when `time` lies inside.
    pub fn contains(&self, time: MediaTime) -> bool {
        self.start <= time && time < self.end
    }
}

/// Disjoint, ordered ranges of presentation time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRanges(Vec<TimeRange>);

impl TimeRanges {
    /// No range at all.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds `[start, end)`, merging ranges that overlap or lie within `tolerance`. An empty range changes nothing.
    pub fn insert(&mut self, start: MediaTime, end: MediaTime, tolerance: Duration) {
        if end <= start {
            return;
        }
        let mut merged = TimeRange { start, end };
        self.0.retain(|range| {
            let apart = range.end + tolerance < merged.start || merged.end + tolerance < range.start;
            if !apart {
                merged.start = merged.start.min(range.start);
                merged.end = merged.end.max(range.end);
            }
            apart
        });
        let at = self.0.partition_point(|range| range.start < merged.start);
        self.0.insert(at, merged);
    }

    /// The range that holds `time`, if any.
    pub fn around(&self, time: MediaTime) -> Option<TimeRange> {
        self.0.iter().copied().find(|range| range.contains(time))
    }

    /// The ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = TimeRange> + '_ {
        self.0.iter().copied()
    }

    /// True without any range.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts that both hold.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut a, mut b) = (0, 0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            let start = x.start.max(y.start);
            let end = x.end.min(y.end);
            if start < end {
                out.push(TimeRange { start, end });
            }
            if x.end < y.end {
                a += 1;
            } else {
                b += 1;
            }
        }
        Self(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: i64) -> MediaTime {
        MediaTime::from_millis(value)
    }

    #[test]
    fn ticks_round_to_the_nearest_nanosecond_on_both_sides_of_zero() {
        assert_eq!(MediaTime::from_ticks(1, 3).as_nanos(), 333_333_333);
        assert_eq!(MediaTime::from_ticks(2, 3).as_nanos(), 666_666_667);
        assert_eq!(MediaTime::from_ticks(-2, 3).as_nanos(), -666_666_667);
        assert_eq!(MediaTime::from_ticks(i64::MAX, 1), MediaTime::MAX);
        assert_eq!(MediaTime::from_ticks(5, 0), MediaTime::from_millis(5000));
        assert_eq!(duration_from_ticks(1024, 48_000).as_nanos(), 21_333_333);
    }

    #[test]
    fn both_clocks_run_alike_and_saturate() {
        let at = |seconds: u64| Now::ZERO + Duration::from_secs(seconds);
        let utc = |seconds: i64| WallClock::from_unix_nanos(seconds * 1_000_000_000);
        let map = WallClockMapping::new(at(100), utc(1_000_000));
        assert_eq!([0, 100, 160].map(|now| map.utc_at(at(now))), [utc(999_900), utc(1_000_000), utc(1_000_060)]);
        assert_eq!([999_900, 1_000_060].map(|time| map.now_at(utc(time))), [at(0), at(160)]);
        assert_eq!(map.now_at(utc(999_899)), Now::ZERO);
        let late = WallClockMapping::new(Now::from_nanos(u64::MAX), WallClock::from_unix_nanos(i64::MIN));
        assert_eq!(late.now_at(WallClock::from_unix_nanos(i64::MAX)), Now::from_nanos(u64::MAX));
        assert_eq!(late.utc_at(Now::ZERO), WallClock::from_unix_nanos(i64::MIN));
    }

    #[test]
    fn ranges_merge_what_touches_and_keep_what_does_not() {
        let mut ranges = TimeRanges::new();
        ranges.insert(ms(4000), ms(6000), Duration::ZERO);
        ranges.insert(ms(0), ms(1000), Duration::ZERO);
        ranges.insert(ms(9), ms(3), Duration::ZERO);
        assert_eq!(ranges.iter().count(), 2);
        ranges.insert(ms(1010), ms(3990), Duration::from_millis(20));
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [TimeRange { start: ms(0), end: ms(6000) }]);
        assert_eq!(ranges.around(ms(6000)), None);
    }

    #[test]
    fn intersection_keeps_common_parts_in_order() {
        let (mut a, mut b) = (TimeRanges::new(), TimeRanges::new());
        a.insert(ms(0), ms(10), Duration::ZERO);
        a.insert(ms(20), ms(30), Duration::ZERO);
        b.insert(ms(5), ms(25), Duration::ZERO);
        let common: Vec<_> = a.intersection(&b).iter().collect();
        assert_eq!(common, [TimeRange { start: ms(5), end: ms(10) }, TimeRange { start: ms(20), end: ms(25) }]);
    }
}
