//! Dates and spans as manifests write them. No clock is read.

/// An instant as ISO 8601 writes it, in nanoseconds since the Unix epoch; without a zone it counts as UTC.
pub(super) fn instant(text: &str) -> Option<i64> {
    let text = text.trim().trim_matches('"');
    let nanos = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.as_nanosecond(),
        Err(_) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond()
        }
    };
    i64::try_from(nanos).ok()
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
    let mut fields = 0;
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
        fields += 1;
        rest = rest.get(end + 1..)?;
    }
    if fields == 0 {
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
    fn spans_follow_xml_schema() {
        assert_eq!(span("PT0H10M54.00S"), Some(654_000_000_000));
        assert_eq!(span("P1DT1H"), Some(90_000_000_000_000));
        assert_eq!(span("PT1.5M"), Some(90_000_000_000));
        assert_eq!(span("PT0.0010000001S"), Some(1_000_000));
        assert_eq!(span("-PT1S"), Some(0));
        assert_eq!(span("PT99999999999999999999999H"), Some(i64::MAX));
        assert_eq!(span("P9999999999Y"), Some(i64::MAX));
        for text in ["", "P", "PT", "1S", "PT1X", "PT1", "P1S", "PT.S"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
