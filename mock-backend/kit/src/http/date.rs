//! HTTP dates in their three forms (RFC 9110 §5.6.7): IMF-fixdate, and the obsolete forms of RFC 850 and of C's `asctime`,
//! which a recipient has to read. Pure.

use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Longest text that is read, in bytes.
const MAX_DATE: usize = 64;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Returns the seconds since the Unix epoch of an HTTP date in any of its forms; `None` when it is none.
///
/// The two digits of an RFC 850 year are read against the machine's clock: see [`parse_http_date_at`].
pub fn parse_http_date(text: &str) -> Option<i64> {
    parse_http_date_at(text, Timestamp::now().as_second())
}

/// Returns the seconds since the Unix epoch of an HTTP date, read at `now` (seconds since the Unix epoch): a date with a year of
/// two digits that would lie more than 50 years ahead is one of the century before (RFC 9110 §5.6.7).
pub fn parse_http_date_at(text: &str, now: i64) -> Option<i64> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let text = text.trim();
    if text.len() > MAX_DATE {
        return None;
    }
    let fixdate = PARSER.parse_timestamp(text).ok().map(Timestamp::as_second);
    fixdate.or_else(|| rfc850(text, now)).or_else(|| asctime(text))
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc850(text: &str, now: i64) -> Option<i64> {
    let (day_name, rest) = text.split_once(", ")?;
    if !DAYS.contains(&day_name) {
        return None;
    }
    let (date, rest) = rest.split_once(' ')?;
    let clock = rest.strip_suffix(" GMT")?;
    let mut fields = date.split('-');
    let (day, month, year) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let this_year = i64::from(Timestamp::from_second(now).ok()?.to_zoned(TimeZone::UTC).year());
    let mut year = this_year / 100 * 100 + i64::from(digits(year, 2)?);
    let seconds = |year: i64| at(year, month_of(month)?, digits(day, 2)?, time_of_day(clock)?);
    // The nearest century that does not lie more than 50 years ahead.
    while year > this_year + 50 {
        year -= 100;
    }
    while year + 100 <= this_year + 50 {
        year += 100;
    }
    match seconds(year) {
        Some(then) if year == this_year + 50 && then > fifty_years_after(now)? => seconds(year - 100),
        then => then,
    }
}

fn fifty_years_after(now: i64) -> Option<i64> {
    let then = Timestamp::from_second(now).ok()?.to_zoned(TimeZone::UTC);
    then.checked_add(jiff::Span::new().years(50)).ok().map(|then| then.timestamp().as_second())
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<i64> {
    let (day_name, rest) = text.split_once(' ')?;
    if !DAYS.iter().any(|day| day.get(..3) == Some(day_name)) {
        return None;
    }
    let (month, rest) = rest.split_once(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let (clock, year) = rest.strip_prefix(' ')?.split_once(' ')?;
    // A day of one digit has a blank before it.
    let day = match day.strip_prefix(' ') {
        Some(day) => digits(day, 1)?,
        None => digits(day, 2)?,
    };
    at(i64::from(digits(year, 4)?), month_of(month)?, day, time_of_day(clock)?)
}

fn at(year: i64, month: u16, day: u16, time: civil::Time) -> Option<i64> {
    let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let zoned = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second())
}

fn month_of(name: &str) -> Option<u16> {
    MONTHS.iter().position(|month| *month == name).and_then(|index| u16::try_from(index + 1).ok())
}

/// `08:49:37`; a leap second is read as the second before it.
fn time_of_day(text: &str) -> Option<civil::Time> {
    let mut fields = text.split(':');
    let (hour, minute, second) = (digits(fields.next()?, 2)?, digits(fields.next()?, 2)?, digits(fields.next()?, 2)?);
    if fields.next().is_some() || second > 60 {
        return None;
    }
    let narrow = |value: u16| i8::try_from(value).ok();
    civil::Time::new(narrow(hour)?, narrow(minute)?, narrow(second.min(59))?, 0).ok()
}

/// Exactly `count` decimal digits.
fn digits(text: &str, count: usize) -> Option<u16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{parse_http_date, parse_http_date_at};
    use crate::http::conditional::format_http_date;
    use proptest::prelude::*;

    const NOW: i64 = 1_764_000_000; // November 2025

    #[test]
    fn the_three_forms_of_the_standard_are_one_instant() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse_http_date_at(text, NOW), Some(784_111_777), "{text}");
        }
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date_at("Wed Nov 16 08:49:37 1994", NOW), Some(784_975_777));
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        let year = |text: &str| {
            let seconds = parse_http_date_at(text, NOW).expect("a date");
            format_http_date(seconds).expect("a date")[12..16].to_owned()
        };
        assert_eq!(year("Sunday, 06-Nov-94 08:49:37 GMT"), "1994");
        assert_eq!(year("Sunday, 06-Nov-24 08:49:37 GMT"), "2024");
        assert_eq!(year("Sunday, 06-Nov-74 08:49:37 GMT"), "2074");
        assert_eq!(year("Sunday, 06-Nov-76 08:49:37 GMT"), "1976");
        // 50 years from November 24, 2025 on, a day more or less decides.
        assert_eq!(year("Sunday, 23-Nov-75 08:49:37 GMT"), "2075");
        assert_eq!(year("Sunday, 25-Nov-75 08:49:37 GMT"), "1975");
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Someday, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37",
            "Sunday, 31-Feb-94 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 25:49:37 1994",
            "Sun Nov  6 08:49:61 1994",
            "Sun Nox  6 08:49:37 1994",
            "é Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_http_date_at(text, NOW), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_reads_back_in_every_form(seconds in 0_i64..4_000_000_000) {
            let fixdate = format_http_date(seconds).expect("before the year 9999");
            prop_assert_eq!(parse_http_date_at(&fixdate, seconds), Some(seconds));
            let stamp = jiff::Timestamp::from_second(seconds).expect("in range").to_zoned(jiff::tz::TimeZone::UTC);
            let day = super::DAYS[usize::try_from(stamp.weekday().to_monday_zero_offset()).expect("small")];
            let month = super::MONTHS[usize::try_from(stamp.month() - 1).expect("small")];
            let clock = &fixdate[17..25];
            let rfc850 = format!("{day}, {:02}-{month}-{:02} {clock} GMT", stamp.day(), stamp.year() % 100);
            prop_assert_eq!(parse_http_date_at(&rfc850, seconds), Some(seconds), "{}", rfc850);
            let asctime = format!("{} {month} {:>2} {clock} {:04}", &day[..3], stamp.day(), stamp.year());
            prop_assert_eq!(parse_http_date_at(&asctime, seconds), Some(seconds), "{}", asctime);
        }

        #[test]
        fn no_text_is_a_panic(text in ".{0,70}|[A-Za-z]{3,9},? [0-9 -]{0,4}[A-Za-z]{3}[ -][0-9: ]{0,20}( GMT)?") {
            parse_http_date_at(&text, NOW);
        }
    }
}
