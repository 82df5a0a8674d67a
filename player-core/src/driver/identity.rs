//! Identity of a file, by which the rest of it can be asked for after a break (`docs/adr/0022`). Pure.

use jiff::fmt::rfc2822::DateTimeParser;

/// Least time between the last change of a file and an answer, in seconds, with which the time of the change counts as a
/// strong validator. RFC 9110 §8.8.2.2 asks for one second on one clock; a minute also covers clocks that differ.
const STRONG_AFTER: i64 = 60;

/// Field of an answer that changes whenever the bytes of the file do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validator {
    /// A strong `ETag`, with its quotes (RFC 9110 §8.8.3).
    EntityTag(String),
    /// A `Last-Modified` that is a strong validator (RFC 9110 §8.8.2.2).
    LastModified(String),
}

impl Validator {
    /// Returns the value of the `If-Range` field (RFC 9110 §13.1.5) that asks for a part of this file only.
    pub fn as_str(&self) -> &str {
        match self {
            Self::EntityTag(value) | Self::LastModified(value) => value,
        }
    }
}

/// Means by which a file is recognised when it is asked for again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileIdentity {
    /// Strong validator, if the server sent one.
    pub validator: Option<Validator>,
    /// Length of the whole file in bytes, if it is known.
    pub length: Option<u64>,
}

impl FileIdentity {
    /// Reads the identity from the fields of an answer. A weak `ETag` and a recent `Last-Modified` are no validators.
    pub(super) fn of(etag: Option<&str>, last_modified: Option<&str>, date: Option<&str>, length: Option<u64>) -> Self {
        let tag = etag.map(str::trim).filter(|tag| tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'));
        let changed = last_modified.map(str::trim).filter(|changed| is_strong(changed, date));
        let tag = tag.map(|tag| Validator::EntityTag(tag.to_owned()));
        let validator = tag.or_else(|| changed.map(|changed| Validator::LastModified(changed.to_owned())));
        Self { validator, length }
    }

    /// Returns true if the file can be recognised.
    pub const fn is_known(&self) -> bool {
        self.validator.is_some() || self.length.is_some()
    }

    /// Returns what of the identity counts at another location: a time of change is a statement about one server's clock.
    pub(super) fn elsewhere(self) -> Self {
        Self { validator: self.validator.filter(|found| matches!(found, Validator::EntityTag(_))), ..self }
    }

    /// Returns true if `other`, of a part that was sent under the condition of the validator, is the same file. A part
    /// need not repeat the validator; without one at all the lengths have to be known and equal.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let same_length = match (self.length, other.length) {
            (Some(length), Some(found)) => length == found,
            _ => self.validator.is_some(),
        };
        let same_validator = match (&self.validator, &other.validator) {
            (Some(Validator::EntityTag(tag)), Some(Validator::EntityTag(found))) => tag == found,
            (Some(Validator::LastModified(changed)), Some(Validator::LastModified(found))) => changed == found,
            _ => true,
        };
        same_length && same_validator
    }
}

/// Returns true if a time of change lies so far before the time of its answer that no further change could share it.
fn is_strong(changed: &str, date: Option<&str>) -> bool {
    let second = |text: &str| Some(DateTimeParser::new().parse_timestamp(text.trim()).ok()?.as_second());
    let times = second(changed).zip(date.and_then(second));
    times.is_some_and(|(changed, answered)| answered.saturating_sub(changed) >= STRONG_AFTER)
}

/// The rest of a file that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Number of bytes received of the part that the request asks for.
    pub received: u64,
    /// File that they belong to.
    pub identity: FileIdentity,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGED: &str = "Sun, 29 Nov 2026 10:00:00 GMT";

    fn of(etag: Option<&str>, changed: Option<&str>, date: Option<&str>) -> Option<String> {
        FileIdentity::of(etag, changed, date, None).validator.map(|found| found.as_str().to_owned())
    }

    #[test]
    fn a_validator_is_strong_or_none() {
        assert_eq!(of(Some("\"a\""), Some(CHANGED), None).as_deref(), Some("\"a\""));
        for weak in ["W/\"a\"", "a", "\"", "\"\"", ""] {
            assert_eq!(of(Some(weak), None, None), None, "{weak}");
        }
        let minute = |date| of(Some("W/\"a\""), Some(CHANGED), date).is_some();
        assert!(minute(Some("Sun, 29 Nov 2026 10:01:00 GMT")));
        assert!(!minute(Some("Sun, 29 Nov 2026 10:00:59 GMT")));
        assert!(!minute(Some("Sun, 29 Nov 2026 09:00:00 GMT")), "before the change");
        assert!(!minute(Some("yesterday")) && !minute(None));
        assert_eq!(of(None, Some("yesterday"), Some(CHANGED)), None);
        let later = Some("Sun, 29 Nov 2026 10:01:00 GMT");
        assert_eq!(of(Some("\"a\""), Some(CHANGED), later).as_deref(), Some("\"a\""), "a tag before a time");
    }

    #[test]
    fn files_are_the_same_by_validator_and_length() {
        let tag = |tag: &str, length| FileIdentity::of(Some(tag), None, None, length);
        let changed = |changed: &str, length| {
            FileIdentity::of(None, Some(changed), Some("Sun, 29 Nov 2026 20:00:00 GMT"), length)
        };
        let plain = |length| FileIdentity::of(None, None, None, length);
        let table = [
            (tag("\"a\"", Some(9)), tag("\"a\"", Some(9)), true),
            (tag("\"a\"", Some(9)), tag("\"b\"", Some(9)), false),
            (tag("\"a\"", Some(9)), tag("\"a\"", Some(8)), false),
            (tag("\"a\"", Some(9)), plain(None), true),
            (tag("\"a\"", None), plain(Some(9)), true),
            (changed(CHANGED, Some(9)), changed(CHANGED, Some(9)), true),
            (changed(CHANGED, Some(9)), changed("Sun, 29 Nov 2026 10:00:01 GMT", Some(9)), false),
            (changed(CHANGED, Some(9)), tag("\"a\"", Some(9)), true),
            (plain(Some(9)), plain(Some(9)), true),
            (plain(Some(9)), tag("\"a\"", Some(9)), true),
            (plain(Some(9)), plain(Some(8)), false),
            (plain(Some(9)), plain(None), false),
            (plain(None), plain(None), false),
        ];
        for (before, after, expected) in table {
            assert_eq!(before.agrees(&after), expected, "{before:?} {after:?}");
        }
        assert_eq!(changed(CHANGED, Some(9)).elsewhere(), plain(Some(9)));
        assert_eq!(tag("\"a\"", None).elsewhere(), tag("\"a\"", None));
        assert!(!changed(CHANGED, None).elsewhere().is_known());
    }
}
