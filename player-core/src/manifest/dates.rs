//! Dates and spans as manifests write them. No clock is read.

/// An instant as ISO 8601 writes it, in nanoseconds since the Unix epoch; without a zone it counts as UTC.
pub(super) fn instant(text: &str) -> Option<i64> {
    let text = text.trim().trim_matches('"');
    if let Some(nanos) = plain_instant(text) {
        return Some(nanos);
    }
    let nanos = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.as_nanosecond(),
        Err(_) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond()
        }
    };
    i64::try_from(nanos).ok()
}

/// The form that nearly all manifests use, `2024-01-31T23:59:59.123Z`, without a general parser: a playlist may have one
/// for each segment. `None` for every other form, and for years that nanoseconds do not reach.
fn plain_instant(text: &str) -> Option<i64> {
    let (civil, rest) = text.as_bytes().split_at_checked(19)?;
    let number = |from: usize, to: usize| {
        let digits = civil.get(from..to)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|(at, mark)| civil.get(*at) == Some(mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let fraction = match rest.strip_suffix(b"Z")? {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) => {
            let scale = 10_i64.pow(9 - u32::try_from(digits.len()).ok()?);
            digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')) * scale
        }
        _ => return None,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..2262).contains(&year) || !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days in the proleptic Gregorian calendar, years beginning in March so that the leap day is the last.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// `xs:duration` (XML Schema Part 2 §3.2.6) in nanoseconds, saturating; a negative one counts as zero. A year has
/// 365 days and a month 30, for nothing better can be said without a calendar.
pub(super) fn span(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut rest = rest.strip_prefix('P')?;
    let mut time = false;
    let mut total: i128 = 0;
    let mut is_empty = true;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            time = true;
            rest = after;
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')?;
        let (number, unit) = rest.split_at(end);
        let unit = unit.chars().next()?;
        let seconds = match (unit, time) {
            ('Y', false) => 365 * 86_400,
            ('M', false) => 30 * 86_400,
            ('W', false) => 7 * 86_400,
            ('D', false) => 86_400,
            ('H', true) => 3600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        total = total.saturating_add(decimal(number)?.saturating_mul(seconds));
        is_empty = false;
        rest = rest.get(end + 1..)?;
    }
    if is_empty {
        return None;
    }
    let total = if negative { 0 } else { total };
    Some(i64::try_from(total).unwrap_or(i64::MAX))
}

/// A decimal number times 10⁹, exact to the ninth digit and saturating.
fn decimal(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if (whole.is_empty() && fraction.is_empty()) || !fraction.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let whole: i128 = match whole {
        "" => 0,
        digits if digits.bytes().all(|c| c.is_ascii_digit()) => digits.parse::<u64>().unwrap_or(u64::MAX).into(),
        _ => return None,
    };
    let mut nanos: i128 = 0;
    for at in 0..9 {
        nanos = nanos * 10 + i128::from(fraction.as_bytes().get(at).map_or(0, |digit| digit - b'0'));
    }
    Some(whole * 1_000_000_000 + nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_take_any_zone_or_none() {
        for text in
            ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+0100", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00.000"]
        {
            assert_eq!(instant(text), Some(1_577_836_800_000_000_000), "{text}");
        }
        assert_eq!(instant("yesterday"), None);
    }

    #[test]
    fn the_plain_form_is_read_as_the_general_parser_reads_it() {
        let general = |text: &str| text.parse::<jiff::Timestamp>().ok().map(|instant| instant.as_nanosecond());
        for day in 0..106_000 {
            let seconds = day * 86_400 + day * 977 % 86_400;
            let instant = jiff::Timestamp::new(seconds, i32::try_from(day * 7919 % 1_000_000_000).unwrap_or(0));
            let text = instant.map(|instant| instant.to_string()).unwrap_or_default();
            assert_eq!(plain_instant(&text).map(i128::from), general(&text), "{text}");
        }
        for text in ["2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-00-01T00:00:00Z", "2023-01-00T00:00:00Z"] {
            assert_eq!((plain_instant(text), instant(text)), (None, None), "{text}");
        }
        assert_eq!(plain_instant("2100-02-29T00:00:00Z"), None, "no leap year");
        assert!(plain_instant("2000-02-29T00:00:00Z").is_some());
        for text in
            ["1969-12-31T23:59:59Z", "2020-01-01T00:00:00+01:00", "2020-01-01 00:00:00Z", "2020-01-01T24:00:00Z"]
        {
            assert_eq!(plain_instant(text), None, "left to the general parser: {text}");
        }
    }

    #[test]
    fn spans_follow_xml_schema() {
        assert_eq!(span("PT0H10M54.00S"), Some(654_000_000_000));
        assert_eq!(span("P1DT1H"), Some(90_000_000_000_000));
        assert_eq!(span("PT1.5M"), Some(90_000_000_000));
        let days = |count: i64| Some(count * 86_400_000_000_000);
        assert_eq!((span("P1Y"), span("P1M"), span("P2W"), span("P3D")), (days(365), days(30), days(14), days(3)));
        assert_eq!(span("PT0.0010000001S"), Some(1_000_000));
        assert_eq!(span("-PT1S"), Some(0));
        assert_eq!(span("PT99999999999999999999999H"), Some(i64::MAX));
        assert_eq!(span("P9999999999Y"), Some(i64::MAX));
        for text in ["", "P", "PT", "1S", "PT1X", "PT1", "P1S", "PT.S", "PT+1S", "PT-1S", "PT1.+5S"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
