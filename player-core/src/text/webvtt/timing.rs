//! Timestamps (W3C TR webvtt1 §6.3): `[hours:]minutes:seconds.milliseconds`.

use crate::time::MediaTime;

/// The first line of a cue.
pub(super) struct Timing {
    pub start: MediaTime,
    pub end: MediaTime,
    settings: String,
}

impl Timing {
    /// Returns the settings, which follow the times.
    pub fn settings(&self) -> &str {
        &self.settings
    }
}

/// White space of the syntax: space, tab, form feed; lines have no line breaks.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}' | '\n')
}

/// Reads `start --> end settings`; `None` when that is not what it is.
pub(super) fn line(line: &str) -> Option<Timing> {
    let mut rest = line.trim_start_matches(is_space);
    let start = collect(&mut rest)?;
    rest = rest.trim_start_matches(is_space).strip_prefix("-->")?.trim_start_matches(is_space);
    let end = collect(&mut rest)?;
    Some(Timing { start, end, settings: rest.to_owned() })
}

/// Reads a timestamp that is all of `text`.
pub(super) fn timestamp(text: &str) -> Option<MediaTime> {
    let mut rest = text;
    collect(&mut rest).filter(|_| rest.is_empty())
}

fn collect(rest: &mut &str) -> Option<MediaTime> {
    let (first, width) = digits(rest)?;
    let second = two_digits(rest)?;
    let (hours, minutes, seconds) = if width != 2 || first > 59 || rest.starts_with(':') {
        (first, second, two_digits(rest)?)
    } else {
        (0, first, second)
    };
    *rest = rest.strip_prefix('.')?;
    let (milliseconds, width) = digits(rest)?;
    if width != 3 || minutes > 59 || seconds > 59 {
        return None;
    }
    let whole = hours.saturating_mul(3600).saturating_add(minutes * 60 + seconds);
    let total = whole.saturating_mul(1000).saturating_add(milliseconds);
    Some(MediaTime::from_millis(i64::try_from(total).unwrap_or(i64::MAX)))
}

/// A colon and exactly two digits.
fn two_digits(rest: &mut &str) -> Option<u64> {
    *rest = rest.strip_prefix(':')?;
    digits(rest).filter(|&(_, width)| width == 2).map(|(value, _)| value)
}

/// At least one digit: the value, saturating, and how many there were.
fn digits(rest: &mut &str) -> Option<(u64, usize)> {
    let width = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, tail) = rest.split_at_checked(width)?;
    *rest = tail;
    let fold = |value: u64, digit: u8| value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    (width > 0).then(|| (number.bytes().fold(0, fold), width))
}
