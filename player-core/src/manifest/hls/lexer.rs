//! Lines of a playlist with their numbers, and the variables in them (RFC 8216bis §4.1, §4.3). This file knows
//! `EXT-X-DEFINE` and no other tag.

use std::borrow::Cow;
use std::collections::BTreeMap;

use url::Url;

use super::attributes::Attributes;
use crate::manifest::ManifestError;
use crate::manifest::document::Warnings;

/// Values of `EXT-X-DEFINE` by name.
pub(super) type Variables = BTreeMap<String, String>;

/// Text made by substitution may not exceed this: a few definitions that double each other make gigabytes.
const MAX_SUBSTITUTED: usize = 8 << 20;

/// No line and no definition made by substitution may be longer; signed addresses have hundreds of characters.
const MAX_LINE: usize = 64 << 10;

/// No variable's name is longer.
const MAX_NAME: usize = 256;

/// A line that means something; blank lines and comments are passed over.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// Number of the line, counted from one.
    pub(super) number: u32,
    pub(super) content: Content<'a>,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    /// `#EXT…`: its name without `#`, and the text after the colon, variables replaced.
    Tag { name: &'a str, value: Cow<'a, str> },
    /// An address, variables replaced.
    Uri(Cow<'a, str>),
}

/// Reads lines in order. Definitions take effect from their line on.
pub(super) struct Lexer<'a> {
    rest: Option<&'a str>,
    separator: char,
    number: u32,
    variables: Variables,
    imported: &'a Variables,
    base: &'a Url,
    substituted: usize,
}

impl<'a> Lexer<'a> {
    /// `imported` holds the variables for `EXT-X-DEFINE:IMPORT`, `base` the query for `QUERYPARAM`.
    pub(super) fn new(text: &'a str, base: &'a Url, imported: &'a Variables) -> Self {
        // Files with bare carriage returns exist; when there is any line feed, they do not separate lines.
        let separator = if text.contains('\n') { '\n' } else { '\r' };
        Self { rest: Some(text), separator, number: 0, variables: Variables::new(), imported, base, substituted: 0 }
    }

    /// Returns the variables defined so far, for playlists that import them.
    pub(super) fn into_variables(self) -> Variables {
        self.variables
    }

    /// Returns true if any variable was defined so far.
    pub(super) fn has_variables(&self) -> bool {
        !self.variables.is_empty()
    }

    /// Goes on with `rest`, in front of which there are `lines` lines.
    pub(super) const fn jump(&mut self, rest: &'a str, lines: u32) {
        self.rest = Some(rest);
        self.number = lines;
    }

    /// The next line that means something.
    ///
    /// # Errors
    /// When substitution makes more text than the limit allows.
    pub(super) fn next(&mut self, warnings: &mut Warnings) -> Result<Option<Line<'a>>, ManifestError> {
        while let Some(rest) = self.rest {
            let (line, rest) = match rest.split_once(self.separator) {
                Some((line, rest)) => (line, Some(rest)),
                None => (rest, None),
            };
            self.rest = rest;
            self.number = self.number.saturating_add(1);
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let Some(tag) = line.strip_prefix('#') else {
                let uri = self.substitute(line, warnings)?;
                return Ok(Some(Line { number: self.number, content: Content::Uri(uri) }));
            };
            if !tag.starts_with("EXT") {
                continue;
            }
            let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
            let value = if name == "EXTINF" { Cow::Borrowed(value) } else { self.substitute(value, warnings)? };
            if name == "EXT-X-DEFINE" {
                self.define(&value, warnings);
                continue;
            }
            return Ok(Some(Line { number: self.number, content: Content::Tag { name: name.trim_end(), value } }));
        }
        Ok(None)
    }

    /// Replaces `{$name}` (§4.3). A name that is not defined stays as it is, with a warning.
    fn substitute(&mut self, text: &'a str, warnings: &mut Warnings) -> Result<Cow<'a, str>, ManifestError> {
        // Most text has no brace at all, and looking for one byte costs least.
        if !text.as_bytes().contains(&b'{') || !text.contains("{$") {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{$") {
            out.push_str(before);
            let close = after.bytes().take(MAX_NAME).position(|c| c == b'}');
            let name =
                close.and_then(|at| Some((after.get(..at)?, after.get(at + 1..)?))).filter(|(name, _)| is_name(name));
            match name.and_then(|(name, tail)| self.variables.get(name).map(|value| (value, tail))) {
                Some((value, tail)) => {
                    out.push_str(value);
                    rest = tail;
                }
                None => {
                    if let Some((name, _)) = name {
                        warnings.push(self.number, format!("the variable {name} is not defined"));
                    }
                    out.push_str("{$");
                    rest = after;
                }
            }
            if out.len() > MAX_LINE {
                return Err(ManifestError::TooLarge {
                    what: format!("line {} with its variables replaced", self.number),
                    limit: MAX_LINE as u64,
                });
            }
        }
        out.push_str(rest);
        self.substituted = self.substituted.saturating_add(out.len());
        if self.substituted > MAX_SUBSTITUTED {
            return Err(ManifestError::TooLarge {
                what: format!("text made by variables up to line {}", self.number),
                limit: MAX_SUBSTITUTED as u64,
            });
        }
        Ok(Cow::Owned(out))
    }

    /// Adds the variable of an `EXT-X-DEFINE` tag (RFC 8216bis §4.4.2.3).
    fn define(&mut self, value: &str, warnings: &mut Warnings) {
        let attributes = Attributes::parse(value);
        let query = attributes.text("QUERYPARAM");
        let import = attributes.text("IMPORT");
        let (name, value) = if let Some(name) = attributes.text("NAME") {
            (name, Some(attributes.text("VALUE").unwrap_or_default().to_owned()))
        } else if let Some(name) = query {
            let found = self.base.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            (name, found)
        } else if let Some(name) = import {
            (name, self.imported.get(name).cloned())
        } else {
            warnings.push(self.number, "EXT-X-DEFINE without NAME, IMPORT or QUERYPARAM");
            return;
        };
        match value {
            _ if !is_name(name) => warnings.push(self.number, "EXT-X-DEFINE with a name that is not one"),
            None => warnings.push(self.number, format!("nothing gives the variable {name} a value")),
            Some(value) => {
                if self.variables.insert(name.to_owned(), value).is_some() {
                    warnings.push(self.number, format!("the variable {name} is defined twice"));
                }
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(text: &str, base: &str, imported: &Variables) -> Vec<(u32, String)> {
        let base: Url = base.parse().unwrap();
        let mut lexer = Lexer::new(text, &base, imported);
        let mut warnings = Warnings::default();
        let mut out = Vec::new();
        while let Some(line) = lexer.next(&mut warnings).unwrap() {
            out.push((
                line.number,
                match line.content {
                    Content::Tag { name, value } => format!("{name}|{value}"),
                    Content::Uri(uri) => uri.into_owned(),
                },
            ));
        }
        out.extend(warnings.into_list().into_iter().map(|w| (w.line.unwrap_or(0), format!("warning: {}", w.message))));
        out
    }

    #[test]
    fn lines_keep_their_numbers_whatever_ends_them() {
        let expected = [(1, "EXTM3U|".to_owned()), (4, "EXTINF|4,a, b".to_owned()), (5, "s.ts".to_owned())];
        for end in ["\n", "\r\n", "\r"] {
            let text = ["#EXTM3U", "", "# note", "#EXTINF:4,a, b", "  s.ts "].join(end);
            assert_eq!(read(&text, "http://h/", &Variables::new()), expected, "{end:?}");
        }
    }

    #[test]
    fn variables_come_from_values_queries_and_imports() {
        let imported = Variables::from([("cdn".to_owned(), "edge".to_owned())]);
        let text = "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x,y\"\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n\
                    #EXT-X-DEFINE:IMPORT=\"cdn\"\n#EXT-X-DEFINE:IMPORT=\"nil\"\n\
                    {$cdn}/{$a}?t={$t}&{$nil}{$bad name}\n#EXT-X-MAP:URI=\"{$a}\"";
        assert_eq!(
            read(text, "http://h/p?t=1%202", &imported),
            [
                (5, "edge/x,y?t=1 2&{$nil}{$bad name}".to_owned()),
                (6, "EXT-X-MAP|URI=\"x,y\"".to_owned()),
                (4, "warning: nothing gives the variable nil a value".to_owned()),
                (5, "warning: the variable nil is not defined".to_owned()),
            ]
        );
    }

    #[test]
    fn definitions_that_double_each_other_end_in_an_error() {
        let mut text = "#EXT-X-DEFINE:NAME=\"v0\",VALUE=\"0123456789\"\n".to_owned();
        for n in 1..60 {
            text.push_str(&format!("#EXT-X-DEFINE:NAME=\"v{n}\",VALUE=\"{{$v{0}}}{{$v{0}}}\"\n", n - 1));
        }
        let (base, imported) = ("http://h/".parse().unwrap(), Variables::new());
        let mut lexer = Lexer::new(&text, &base, &imported);
        let error = lexer.next(&mut Warnings::default()).unwrap_err();
        assert!(matches!(error, ManifestError::TooLarge { .. }), "{error}");
    }
}
