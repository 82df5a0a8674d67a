//! Attribute lists (RFC 8216bis §4.2) and the values in them. This file knows no tag.

use std::time::Duration;

use crate::model::ByteRange;

/// An attribute's value as written, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) quoted: bool,
}

/// An attribute list. The first of two equal names counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes<'a> {
    entries: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Attributes<'a> {
    /// Reads all that is readable: a part without `=` is passed over, a missing closing quote ends at the line's end.
    pub(super) fn parse(text: &'a str) -> Self {
        let mut entries = Vec::new();
        let mut rest = text;
        while let Some((name, after)) = rest.split_once('=') {
            // A part without `=` before this one: its text ends at the last comma.
            let name = name.rsplit(',').next().unwrap_or(name).trim();
            let after = after.trim_start();
            let (value, tail) = match after.strip_prefix('"') {
                Some(open) => {
                    let (text, tail) = open.split_once('"').unwrap_or((open, ""));
                    (Value { text, quoted: true }, tail.split_once(',').map_or("", |(_, tail)| tail))
                }
                None => {
                    let (text, tail) = after.split_once(',').unwrap_or((after, ""));
                    (Value { text: text.trim_end(), quoted: false }, tail)
                }
            };
            if !name.is_empty() {
                entries.push((name, value));
            }
            rest = tail;
        }
        Self { entries }
    }

    pub(super) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.entries.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The value of a name, quoted or not: writers get this wrong in both directions.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).map(|value| value.text)
    }

    /// The value of a name, `None` when it is empty too.
    pub(super) fn filled(&self, name: &str) -> Option<&'a str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A decimal integer; a decimal fraction is cut, for some writers give one.
    pub(super) fn integer(&self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        text.split('.').next()?.parse().ok()
    }

    pub(super) fn float(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// Seconds as a duration.
    pub(super) fn seconds(&self, name: &str) -> Option<Duration> {
        nanos(self.text(name)?).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
    }

    /// An enumerated string that is `YES`.
    pub(super) fn yes(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("YES"))
    }

    pub(super) fn resolution(&self, name: &str) -> Option<(u32, u32)> {
        let (width, height) = self.text(name)?.split_once(['x', 'X'])?;
        Some((pixels(width)?, pixels(height)?))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + '_ {
        self.entries.iter().copied()
    }
}

fn pixels(text: &str) -> Option<u32> {
    text.trim().split('.').next()?.parse().ok()
}

/// A byte range, `n[@o]` (§4.4.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SubRange {
    pub(super) length: u64,
    pub(super) offset: Option<u64>,
}

impl SubRange {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let (length, offset) = match text.split_once('@') {
            Some((length, offset)) => (length, Some(offset.trim().parse().ok()?)),
            None => (text, None),
        };
        Some(Self { length: length.trim().parse().ok()?, offset })
    }

    /// With the offset filled in by `implicit`.
    pub(super) fn at(self, implicit: u64) -> ByteRange {
        ByteRange { offset: self.offset.unwrap_or(implicit), length: Some(self.length) }
    }
}

/// Decimal seconds as nanoseconds, exact to the ninth digit; `None` for text that is no number. Values beyond ±100
/// years count as no number.
pub(super) fn nanos(text: &str) -> Option<i64> {
    const LIMIT: i64 = 100 * 366 * 86_400;
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if digits.is_empty() || digits == "." || !plain(whole) || !plain(fraction) {
        // An exponent, `inf`, `NaN`, or no number at all.
        let value: f64 = text.parse().ok().filter(|value: &f64| value.abs() <= LIMIT as f64)?;
        return Some((value * 1e9).round() as i64);
    }
    let seconds: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    if seconds > LIMIT {
        return None;
    }
    let mut scale = 100_000_000;
    let mut value = seconds * 1_000_000_000;
    for digit in fraction.bytes().take(9) {
        value += i64::from(digit - b'0') * scale;
        scale /= 10;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_survive_commas_spaces_and_missing_quotes() {
        let list = Attributes::parse("BANDWIDTH=1280.5, CODECS=\"a,b\",junk,NAME=x,URI=\"open,A=1");
        assert_eq!(list.integer("BANDWIDTH"), Some(1280));
        assert_eq!(list.text("CODECS"), Some("a,b"));
        assert_eq!(list.get("NAME"), Some(Value { text: "x", quoted: false }));
        assert_eq!(list.text("URI"), Some("open,A=1"));
        assert_eq!(list.text("A"), None);
        assert_eq!(Attributes::parse("RESOLUTION=1920x1080").resolution("RESOLUTION"), Some((1920, 1080)));
    }

    #[test]
    fn seconds_are_exact_and_bounded() {
        assert_eq!(nanos("9.009"), Some(9_009_000_000));
        assert_eq!(nanos(".5"), Some(500_000_000));
        assert_eq!(nanos("-1.000000001"), Some(-1_000_000_001));
        assert_eq!(nanos("1e1"), Some(10_000_000_000));
        assert_eq!(nanos("3162240000"), Some(3_162_240_000_000_000_000), "a hundred years of 366 days");
        assert_eq!((nanos("3162240001"), nanos("-3162240000")), (None, Some(-3_162_240_000_000_000_000)));
        assert_eq!((nanos("+7.0000000019"), nanos("5.")), (Some(7_000_000_001), Some(5_000_000_000)));
        for text in ["", ".", "abc", "NaN", "inf", "1e300", "99999999999999999999", "--1"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_have_optional_offsets() {
        assert_eq!(SubRange::parse("75232@0"), Some(SubRange { length: 75_232, offset: Some(0) }));
        assert_eq!(
            SubRange::parse("82112").map(|range| range.at(7)),
            Some(ByteRange { offset: 7, length: Some(82_112) })
        );
        assert_eq!(SubRange::parse("x@1"), None);
    }
}
