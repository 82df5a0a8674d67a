//! The time of day as a viewer reads it on the wall.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kinora_api::UnixMillis;

/// Maximum bytes of a file of time zone data.
const MAX_ZONE: u64 = 1 << 20;

/// A clock with the viewer's time zone.
pub struct WallClock {
    now: Box<dyn Fn() -> UnixMillis + Send>,
    zone: TimeZone,
}

impl WallClock {
    /// Creates the system's clock. The time zone is that of `TZ`, else of `/etc/localtime`, else UTC.
    pub fn system() -> Self {
        let now = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
        };
        Self { now: Box::new(now), zone: local_zone(std::env::var("TZ").ok().as_deref()) }
    }

    /// Creates a clock whose time the caller sets, in UTC. For tests.
    pub fn set_by(now: impl Fn() -> UnixMillis + Send + 'static) -> Self {
        Self { now: Box::new(now), zone: TimeZone::UTC }
    }

    /// Returns the present time in milliseconds since 1970.
    pub fn now_ms(&self) -> UnixMillis {
        (self.now)()
    }

    /// Writes a time as `10:42`, with the date before it when it lies on another day than now: `27 Nov, 10:42`.
    pub fn time_of_day(&self, at: UnixMillis) -> String {
        self.written(at, false)
    }

    /// Writes a time to the second: `10:42:07`, or `27 Nov, 10:42:07`.
    pub fn time_to_the_second(&self, at: UnixMillis) -> String {
        self.written(at, true)
    }

    fn written(&self, at: UnixMillis, has_seconds: bool) -> String {
        let civil = |at: UnixMillis| {
            Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone()).datetime()
        };
        let (then, now) = (civil(at), civil(self.now_ms()));
        let seconds = if has_seconds { format!(":{:02}", then.second()) } else { String::new() };
        let clock = format!("{}:{:02}{seconds}", then.hour(), then.minute());
        if then.date() == now.date() {
            return clock;
        }
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = usize::try_from(then.month() - 1).ok().and_then(|index| MONTHS.get(index)).unwrap_or(&"");
        format!("{} {month}, {clock}", then.day())
    }
}

/// Returns the zone of `TZ` (POSIX.1-2017 §8.3: `:path`, a zone's name, or a rule), else of `/etc/localtime`, else UTC.
fn local_zone(variable: Option<&str>) -> TimeZone {
    let named = variable.map(|text| text.strip_prefix(':').unwrap_or(text)).filter(|text| !text.is_empty());
    let Some(name) = named else { return zone_file("/etc/localtime").unwrap_or(TimeZone::UTC) };
    if name.starts_with('/') {
        return zone_file(name).unwrap_or(TimeZone::UTC);
    }
    let is_name = !name.contains("..");
    let by_name = is_name.then(|| zone_file(&format!("/usr/share/zoneinfo/{name}"))).flatten();
    by_name.or_else(|| TimeZone::posix(name).ok()).unwrap_or(TimeZone::UTC)
}

fn zone_file(path: &str) -> Option<TimeZone> {
    let fits = fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_ZONE);
    let bytes = fits.then(|| fs::read(path).ok()).flatten()?;
    TimeZone::tzif("local", &bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27 10:42:30 UTC.
    const MORNING: UnixMillis = 1_795_776_150_000;

    #[test]
    fn today_is_a_time_and_another_day_has_its_date() {
        let clock = WallClock::set_by(|| MORNING + 3_600_000);
        assert_eq!(clock.time_of_day(MORNING), "10:42");
        assert_eq!(clock.time_of_day(MORNING - 86_400_000), "26 Nov, 10:42");
        assert_eq!(clock.time_to_the_second(MORNING), "10:42:30");
        assert_eq!(clock.time_to_the_second(MORNING - 86_400_000), "26 Nov, 10:42:30");
        assert_eq!(clock.time_of_day(UnixMillis::MAX), "1 Jan, 0:00", "nonsense is no panic");
    }

    #[test]
    fn the_zone_is_that_of_the_environment() {
        let offset = |zone: &TimeZone| {
            let at = Timestamp::from_millisecond(MORNING).expect("a time");
            zone.to_offset(at).seconds()
        };
        assert_eq!(offset(&local_zone(Some("CET-1CEST,M3.5.0,M10.5.0/3"))), 3600);
        assert_eq!(offset(&local_zone(Some("no zone/../at all"))), 0);
        assert_eq!(offset(&local_zone(Some(":/dev/null"))), 0);
    }
}
