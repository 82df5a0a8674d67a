//! Dates of both formats: `xs:dateTime` with a zone, which is also what ISO 8601 means in HLS.

use std::fmt;

/// A point in time, which is written as `2026-01-01T00:00:00Z` with as many decimals as are not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    unix_nanos: i64,
    offset_minutes: i16,
}

impl DateTime {
    /// Creates a time in UTC from nanoseconds since 1970: years 1677 to 2262.
    pub const fn from_unix_nanos(unix_nanos: i64) -> Self {
        Self { unix_nanos, offset_minutes: 0 }
    }

    /// Creates a time in UTC from milliseconds since 1970. Times outside of the years 1677 to 2262 become the nearest one.
    pub const fn from_unix_millis(unix_millis: i64) -> Self {
        Self::from_unix_nanos(unix_millis.saturating_mul(1_000_000))
    }

    /// Returns the same point in time, written in a zone so many minutes ahead of UTC; more than 14 hours are cut to that.
    #[must_use]
    pub fn in_zone(self, offset_minutes: i16) -> Self {
        Self { offset_minutes: offset_minutes.clamp(-840, 840), ..self }
    }

    /// Returns the nanoseconds since 1970.
    pub const fn unix_nanos(self) -> i64 {
        self.unix_nanos
    }
}

/// Returns year, month and day of a number of days since 1970, by the calendar that counts years from March on.
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) =
        if month < 10 { (year_of_era + era * 400, month + 3) } else { (year_of_era + era * 400 + 1, month - 9) };
    (year, month, day)
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.unix_nanos.div_euclid(1_000_000_000) + i64::from(self.offset_minutes) * 60;
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}", second % 60)?;
        let decimals = format!("{:09}", self.unix_nanos.rem_euclid(1_000_000_000));
        match decimals.trim_end_matches('0') {
            "" => {}
            decimals => write!(f, ".{decimals}")?,
        }
        match self.offset_minutes {
            0 => f.write_str("Z"),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let text = |nanos| DateTime::from_unix_nanos(nanos).to_string();
        assert_eq!(text(0), "1970-01-01T00:00:00Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(text(1_767_225_600_000_000_000), "2026-01-01T00:00:00Z");
        assert_eq!(text(1_767_225_600_250_000_000), "2026-01-01T00:00:00.25Z");
        assert_eq!(DateTime::from_unix_millis(951_782_400_000).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(DateTime::from_unix_millis(4_107_542_400_000).to_string(), "2100-03-01T00:00:00Z");
        assert_eq!(text(i64::MIN), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(text(i64::MAX), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(DateTime::from_unix_millis(i64::MAX), DateTime::from_unix_nanos(i64::MAX));
    }

    #[test]
    fn a_zone_changes_the_text_and_not_the_time() {
        let time = DateTime::from_unix_millis(1_767_225_600_000);
        assert_eq!(time.in_zone(120).to_string(), "2026-01-01T02:00:00+02:00");
        assert_eq!(time.in_zone(-570).to_string(), "2025-12-31T14:30:00-09:30");
        assert_eq!(time.in_zone(i16::MAX).to_string(), "2026-01-01T14:00:00+14:00");
        assert_eq!(time.in_zone(-570).unix_nanos(), time.unix_nanos());
    }
}
