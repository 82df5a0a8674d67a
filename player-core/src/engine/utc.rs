//! Coordinated universal time as a function of the host's monotonic clock: by the sources that the manifest names, else
//! by the `Date` of answers, else by the host's own wall clock (ISO/IEC 23009-1 §5.8.4.11; RFC 9110 §6.6.1).

use std::time::Duration;

use crate::telemetry::ClockSource;
use crate::time::{Now, WallClock, WallClockMapping};

/// Drift between two clocks, in parts per million: an estimate is that much less certain the older it is.
const DRIFT_PPM: i128 = 100;
/// Accuracy that the host's wall clock is taken to have if nothing confirms it.
const HOST_ERROR: Duration = Duration::from_secs(1);
/// `Date` has whole seconds.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// Bounds of the difference between universal time and the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    low: i128,
    high: i128,
    /// Time of the last answer that narrowed them.
    at: Now,
}

impl Bounds {
    /// Bounds from one answer, which was written between two instants and shows `utc`, rounded down to `resolution`.
    fn of(utc: WallClock, resolution: Duration, sent: Now, received: Now) -> Self {
        let utc = i128::from(utc.as_unix_nanos());
        let resolution = i128::try_from(resolution.as_nanos()).unwrap_or(i128::MAX / 4);
        Self {
            low: utc - i128::from(received.as_nanos()),
            high: utc + resolution - i128::from(sent.as_nanos()),
            at: received,
        }
    }

    /// These bounds, less certain by the drift since.
    fn at(self, now: Now) -> Self {
        let slack = i128::from(now.since(self.at).as_nanos() as u64) * DRIFT_PPM / 1_000_000;
        Self { low: self.low - slack, high: self.high + slack, at: now }
    }

    /// Returns the bounds that both allow; the newer ones alone if they contradict, because a clock was set.
    fn narrowed(before: Option<Self>, newer: Self) -> Self {
        let Some(before) = before.map(|before| before.at(newer.at)) else { return newer };
        let both = Self { low: before.low.max(newer.low), high: before.high.min(newer.high), at: newer.at };
        if both.low <= both.high { both } else { newer }
    }

    const fn middle(self) -> i128 {
        (self.low + self.high) / 2
    }

    fn holds(self, offset: i128) -> bool {
        self.low <= offset && offset <= self.high
    }
}

/// Clock of a player.
#[derive(Clone, Debug, Default)]
pub(super) struct UtcClock {
    host: Option<WallClockMapping>,
    dates: Option<Bounds>,
    timed: Option<Bounds>,
}

impl UtcClock {
    /// Takes a reading of the host's clocks. What answers showed counts on, because the monotonic clock was not set.
    pub(super) const fn note_host(&mut self, now: Now, utc: WallClock) {
        self.host = Some(WallClockMapping::new(now, utc));
    }

    /// Takes the `Date` of an answer to a request.
    pub(super) fn note_date(&mut self, date: WallClock, sent: Now, received: Now) {
        self.dates = Some(Bounds::narrowed(self.dates, Bounds::of(date, DATE_RESOLUTION, sent, received)));
    }

    /// Takes the time that a source of the manifest gave, rounded down to `resolution`.
    pub(super) fn note_timing(&mut self, utc: WallClock, resolution: Duration, sent: Now, received: Now) {
        self.timed = Some(Bounds::narrowed(self.timed, Bounds::of(utc, resolution, sent, received)));
    }

    /// Forgets what the sources of an item gave.
    pub(super) const fn forget(&mut self) {
        (self.dates, self.timed) = (None, None);
    }

    /// Returns true if an answer confirms or corrects the host's clock.
    pub(super) const fn is_confirmed(&self) -> bool {
        self.dates.is_some() || self.timed.is_some()
    }

    /// Returns true if a source of the manifest has given the time.
    pub(super) const fn is_timed(&self) -> bool {
        self.timed.is_some()
    }

    /// Returns the source that counts; `None` without any.
    pub(super) fn source(&self) -> Option<ClockSource> {
        if self.timed.is_some() {
            return Some(ClockSource::UtcTiming);
        }
        if self.dates.is_some() { Some(ClockSource::Date) } else { self.host.map(|_| ClockSource::Host) }
    }

    fn host_offset(&self) -> Option<i128> {
        let host = self.host?;
        Some(i128::from(host.utc_at(Now::ZERO).as_unix_nanos()))
    }

    fn bounds(&self) -> Option<Bounds> {
        self.timed.or(self.dates)
    }

    /// Returns universal time by the source that counts. A host's clock that lies within what the answers allow is
    /// right, and finer than they are.
    pub(super) fn mapping(&self) -> Option<WallClockMapping> {
        let host = self.host_offset();
        let offset = match (self.bounds(), host) {
            (Some(bounds), Some(host)) if bounds.holds(host) => host,
            (Some(bounds), _) => bounds.middle(),
            (None, host) => host?,
        };
        let nanos = i64::try_from(offset.clamp(i128::from(i64::MIN), i128::from(i64::MAX))).unwrap_or(i64::MAX);
        Some(WallClockMapping::new(Now::ZERO, WallClock::from_unix_nanos(nanos)))
    }

    /// Returns the maximum error of [`Self::mapping`].
    pub(super) fn error(&self, now: Now) -> Option<Duration> {
        let Some(bounds) = self.bounds() else { return self.host.map(|_| HOST_ERROR) };
        let bounds = bounds.at(now);
        let host = self.host_offset().filter(|host| bounds.holds(*host));
        let at = host.unwrap_or(bounds.middle());
        let error = (at - bounds.low).max(bounds.high - at).clamp(0, i128::from(u64::MAX));
        Some(Duration::from_nanos(u64::try_from(error).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(millis: u64) -> Now {
        Now::from_nanos(millis * 1_000_000)
    }

    fn utc(millis: i64) -> WallClock {
        WallClock::from_unix_nanos(millis * 1_000_000)
    }

    fn shown(clock: &UtcClock, now: u64) -> i64 {
        clock.mapping().unwrap().utc_at(at(now)).as_unix_nanos() / 1_000_000
    }

    #[test]
    fn the_hosts_clock_counts_until_an_answer_contradicts_it() {
        let mut clock = UtcClock::default();
        assert_eq!((clock.mapping(), clock.source(), clock.error(at(0))), (None, None, None));
        clock.note_host(at(100), utc(10_100));
        assert_eq!((shown(&clock, 200), clock.source()), (10_200, Some(ClockSource::Host)));
        assert!(!clock.is_confirmed());
        clock.note_date(utc(10_000), at(400), at(500));
        assert_eq!(
            (shown(&clock, 600), clock.source()),
            (10_600, Some(ClockSource::Date)),
            "it lies within the second"
        );
        assert_eq!(clock.error(at(500)), Some(Duration::from_millis(600)), "10,400 to 11,100 are possible at 500");
    }

    #[test]
    fn dates_narrow_each_other_and_correct_a_host_that_is_off() {
        let mut clock = UtcClock::default();
        clock.note_host(at(0), utc(600_000));
        clock.note_date(utc(10_000), at(400), at(500));
        assert_eq!(shown(&clock, 0), 10_050, "between 9,500 and 10,600");
        clock.note_date(utc(11_000), at(800), at(850));
        assert_eq!(shown(&clock, 0), (10_150 + 10_600) / 2, "10,150 to 10,600");
        assert!(clock.error(at(850)).unwrap() < Duration::from_millis(226));
        clock.note_date(utc(99_000), at(900), at(900));
        assert_eq!(shown(&clock, 0), 98_600, "a clock was set: the older answers are void");
    }

    #[test]
    fn a_source_of_the_manifest_goes_before_dates_and_grows_old() {
        let mut clock = UtcClock::default();
        clock.note_date(utc(10_000), at(400), at(500));
        clock.note_timing(utc(20_000), Duration::from_millis(1), at(600), at(620));
        assert_eq!((shown(&clock, 620), clock.source()), (20_010, Some(ClockSource::UtcTiming)));
        assert!(clock.is_timed());
        let (fresh, old) = (clock.error(at(620)).unwrap(), clock.error(at(10_000_620)).unwrap());
        assert_eq!((fresh.as_micros(), old.as_millis()), (10_500, 1010), "a second in 10,000");
        clock.forget();
        assert!(clock.mapping().is_none());
    }
}
