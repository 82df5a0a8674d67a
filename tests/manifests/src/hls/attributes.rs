//! Attribute lists (RFC 8216bis §4.2). This file knows no tag.

use std::time::Duration;

use crate::error::{check_characters, check_not_empty};
use crate::uri::check_uri;
use crate::{Layout, ManifestError};

/// A tag with an attribute list, as it grows.
#[derive(Debug)]
pub(super) struct TagWriter {
    text: String,
    separator: char,
}

impl TagWriter {
    /// Begins a tag; `name` is without the number sign.
    pub(super) fn new(name: &str) -> Self {
        Self { text: format!("#{name}"), separator: ':' }
    }

    fn push(&mut self, name: &str, value: &str) {
        self.text.push(self.separator);
        self.text.push_str(name);
        self.text.push('=');
        self.text.push_str(value);
        self.separator = ',';
    }

    /// Adds a quoted-string. There is no way to escape in it, so quotation marks and control characters are errors.
    pub(super) fn quoted(&mut self, name: &'static str, value: &str) -> Result<(), ManifestError> {
        self.named_text(name, name, value)
    }

    /// Adds a quoted-string with a name that is not known in advance; `place` stands for it in errors.
    pub(super) fn named_text(&mut self, place: &'static str, name: &str, value: &str) -> Result<(), ManifestError> {
        check_not_empty(place, value)?;
        check_text(place, value, |_| true)?;
        self.push(name, &format!("\"{value}\""));
        Ok(())
    }

    /// Adds a quoted-string of items without the separator; it may be empty.
    pub(super) fn quoted_list(
        &mut self,
        name: &'static str,
        items: &[String],
        separator: char,
    ) -> Result<(), ManifestError> {
        for item in items {
            check_not_empty(name, item)?;
            check_text(name, item, |character| character != separator)?;
        }
        let list = items.join(separator.encode_utf8(&mut [0; 4]));
        self.push(name, &format!("\"{list}\""));
        Ok(())
    }

    /// Adds a quoted-string that is an address.
    pub(super) fn uri(&mut self, name: &'static str, value: &str) -> Result<(), ManifestError> {
        check_uri(name, value)?;
        self.quoted(name, value)
    }

    /// Adds an enumerated-string.
    pub(super) fn enumerated(&mut self, name: &'static str, value: &str) -> Result<(), ManifestError> {
        check_not_empty(name, value)?;
        check_characters(name, value, |character| character.is_ascii_graphic() && !"\",".contains(character))?;
        self.push(name, value);
        Ok(())
    }

    /// Adds `YES` or `NO`.
    pub(super) fn yes_or_no(&mut self, name: &'static str, value: bool) {
        self.push(name, if value { "YES" } else { "NO" });
    }

    /// Adds a decimal-integer.
    pub(super) fn integer(&mut self, name: &'static str, value: u64) {
        self.push(name, &value.to_string());
    }

    /// Adds a hexadecimal-sequence.
    pub(super) fn hexadecimal(&mut self, name: &str, value: &[u8]) {
        let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        self.push(name, &format!("0x{digits}"));
    }

    /// Adds a decimal-floating-point of three decimals.
    pub(super) fn decimal(&mut self, name: &'static str, value: f64) -> Result<(), ManifestError> {
        self.named_decimal(name, name, value)
    }

    /// Adds a decimal-floating-point with a name that is not known in advance; `place` stands for it in errors.
    pub(super) fn named_decimal(&mut self, place: &'static str, name: &str, value: f64) -> Result<(), ManifestError> {
        crate::error::check_range(place, value, value.is_finite() && value >= 0.0)?;
        self.push(name, &format!("{value:.3}"));
        Ok(())
    }

    /// Adds a decimal-floating-point of seconds, exact to the nanosecond.
    pub(super) fn seconds(&mut self, name: &'static str, value: Duration, layout: Layout) {
        self.push(name, &layout.extinf(value));
    }

    /// Adds a decimal-resolution.
    pub(super) fn resolution(&mut self, name: &'static str, (width, height): (u32, u32)) {
        self.push(name, &format!("{width}x{height}"));
    }

    /// Ends the tag's line.
    pub(super) fn finish(self) -> String {
        self.text + "\n"
    }
}

/// Returns an error for a text that no quoted-string can hold, or that has a character which is not allowed.
fn check_text(place: &'static str, text: &str, is_allowed: impl Fn(char) -> bool) -> Result<(), ManifestError> {
    check_characters(place, text, |character| character != '"' && !character.is_control() && is_allowed(character))?;
    match variable_reference(text) {
        Some(reference) => Err(ManifestError::VariableReference { place, reference: reference.to_owned() }),
        None => Ok(()),
    }
}

/// Returns the first variable reference in a text (§4.3): a name between `{$` and `}`.
fn variable_reference(text: &str) -> Option<&str> {
    text.match_indices("{$").find_map(|(start, _)| {
        let rest = text.get(start..)?;
        let end = rest.find('}')?;
        let name = rest.get(2..end)?;
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        (!name.is_empty() && is_name(name)).then(|| rest.get(..=end))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_value_has_its_notation() {
        let mut tag = TagWriter::new("EXT-X-TEST");
        tag.quoted("NAME", "a,b='c'; é {$} ${x}").expect("a name");
        tag.uri("URI", "a?b=c,d").expect("an address");
        tag.enumerated("LEVEL", "TYPE-0").expect("an enumerated-string");
        tag.yes_or_no("DEFAULT", false);
        tag.integer("BANDWIDTH", u64::MAX);
        tag.hexadecimal("KEYID", &[0, 0xab]);
        tag.decimal("FRAME-RATE", 29.970_03).expect("a number");
        tag.resolution("RESOLUTION", (u32::MAX, 0));
        let expected = "#EXT-X-TEST:NAME=\"a,b='c'; é {$} ${x}\",URI=\"a?b=c,d\",LEVEL=TYPE-0,DEFAULT=NO,\
                        BANDWIDTH=18446744073709551615,KEYID=0x00ab,FRAME-RATE=29.970,RESOLUTION=4294967295x0\n";
        assert_eq!(tag.finish(), expected);
    }

    #[test]
    fn values_that_would_end_early_are_errors() {
        let quoted = |value: &str| TagWriter::new("T").quoted("NAME", value);
        for character in ['"', '\n', '\r', '\t', '\0', '\u{7f}', '\u{85}'] {
            let error = ManifestError::Character { place: "NAME", character };
            assert_eq!(quoted(&format!("a{character}b")), Err(error));
        }
        assert_eq!(quoted(""), Err(ManifestError::Empty { place: "NAME" }));
        for value in ["YES,NO", "\"", "a b", "é", "a\n"] {
            assert!(TagWriter::new("T").enumerated("LEVEL", value).is_err(), "{value:?}");
        }
        for value in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(TagWriter::new("T").decimal("FRAME-RATE", value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_name_is_no_reference_to_a_variable() {
        let references = |text| variable_reference(text).map(str::to_owned);
        assert_eq!(references("a {$b-C_1} d"), Some("{$b-C_1}".to_owned()));
        assert_eq!(references("{${$x}"), Some("{$x}".to_owned()), "the second of two beginnings");
        for text in ["{$}", "{$ x}", "{$x", "$x}", "{x}", "{$é}"] {
            assert_eq!(references(text), None, "{text}");
        }
        let error = TagWriter::new("T").quoted("NAME", "The {$title}");
        let reference = "{$title}".to_owned();
        assert_eq!(error, Err(ManifestError::VariableReference { place: "NAME", reference }));
    }
}
