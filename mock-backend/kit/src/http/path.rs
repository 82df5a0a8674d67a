//! Request paths that cannot leave their root.
//!
//! A path is parsed once into segments that are plain names; what touches the file system or another server takes the parsed
//! form and never the text of the request.

use std::path::PathBuf;

/// The longest path that is read.
const MAX_PATH: usize = 1024;
/// The longest name within it.
const MAX_NAME: usize = 255;
/// The deepest nesting.
const MAX_DEPTH: usize = 16;

/// A relative path of plain names: none is empty, `.` or `..`, begins with a dot, or holds a separator or control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SafePath {
    names: Vec<String>,
    text: String,
}

impl SafePath {
    /// Reads the percent-encoded path of a request, without its leading slash. `None` when any name is not plain.
    pub fn parse(encoded: &str) -> Option<Self> {
        if encoded.is_empty() || encoded.len() > MAX_PATH {
            return None;
        }
        let names: Vec<String> = encoded.split('/').map(plain_name).collect::<Option<_>>()?;
        if names.len() > MAX_DEPTH {
            return None;
        }
        let text = names.iter().map(|name| canonical(name)).collect::<Vec<_>>().join("/");
        Some(Self { names, text })
    }

    /// The decoded names, first to last; at least one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the path percent-encoded in its one canonical spelling, whatever the request's was: two spellings of the same
    /// names give the same text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// Returns the path with another last name; `None` if that is not plain.
    pub fn with_file_name(&self, name: &str) -> Option<Self> {
        let mut names = self.names.clone();
        *names.last_mut()? = plain_name(&canonical(name))?;
        let text = names.iter().map(|name| canonical(name)).collect::<Vec<_>>().join("/");
        Some(Self { names, text })
    }

    /// The path as one of the file system, relative to whatever root it will be joined to.
    pub fn to_path_buf(&self) -> PathBuf {
        self.names.iter().collect()
    }
}

/// Writes a name as one segment of a path (RFC 3986 §3.3): escapes, in upper case, what may not stand there plainly, and
/// nothing else.
fn canonical(name: &str) -> String {
    const PLAIN: &[u8] = b"-._~!$&'()*+,;=@";
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Returns a query with its escapes in one spelling (RFC 3986 §6.2.2): unreserved characters plain, hexadecimal digits in upper
/// case. Reserved characters stay as they came, for in a query their escaped form may mean something else. `None` for an empty
/// query.
pub fn canonical_query(query: &str) -> Option<String> {
    let mut text = String::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match escaped(rest) {
            Some((byte, after)) => (byte, after),
            // A percent sign that begins no escape stands for itself.
            None if first == b'%' => (first, after),
            None => {
                if first.is_ascii_graphic() {
                    text.push(char::from(first));
                } else {
                    text.push_str(&format!("%{first:02X}"));
                }
                rest = after;
                continue;
            }
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        rest = after;
    }
    (!text.is_empty()).then_some(text)
}

/// Reads the escape (`%2F`) that `text` begins with: its byte, and the rest.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = text.strip_prefix(b"%")?.split_at_checked(2)?;
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((u8::from_str_radix(digits, 16).ok()?, after))
}

fn plain_name(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (byte, after) = escaped(rest)?;
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    let plain = !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with('.')
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':' | '?' | '#'));
    plain.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{SafePath, canonical_query};
    use proptest::prelude::*;
    use std::path::Component;

    #[test]
    fn plain_paths_pass() {
        let path = SafePath::parse("tears/video/720p/seg-00001.m4s").expect("a plain path");
        assert_eq!(path.names().len(), 4);
        assert_eq!(path.file_name(), "seg-00001.m4s");
        assert_eq!(SafePath::parse("a%20b/c").expect("an encoded blank").names()[0], "a b");
    }

    #[test]
    fn no_path_climbs_or_hides() {
        for bad in [
            "", "/", "a//b", "..", "a/../b", "a/..", "%2e%2e/a", "a/%2E%2e", "a%2fb", "a%5cb", "a\\b", "a%00b",
            ".git/x", "a/%", "a/%4", "a/%zz", "a/%+1", "c:/x", "a%c0%afb", "a\u{7f}",
        ] {
            assert_eq!(SafePath::parse(bad), None, "{bad:?}");
        }
        assert_eq!(SafePath::parse(&"a/".repeat(40)), None);
        assert_eq!(SafePath::parse(&"a".repeat(2000)), None);
    }

    #[test]
    fn queries_have_one_spelling_and_keep_reserved_characters() {
        for (query, canonical) in [
            ("a=%61&b=%2f", Some("a=a&b=%2F")),
            ("a=%2F", Some("a=%2F")),
            ("a=/", Some("a=/")),
            ("a=%zz%4", Some("a=%25zz%254")),
            ("", None),
        ] {
            assert_eq!(canonical_query(query).as_deref(), canonical, "{query}");
        }
    }

    proptest! {
        /// Any choice of characters that are escaped, in either case of the digits, names the same file under the same text.
        #[test]
        fn every_spelling_of_a_name_is_the_same_path(
            name in "[a-z0-9 é+@_()-][a-z0-9 é+@_().-]{0,12}",
            escape in proptest::collection::vec(any::<bool>(), 40),
            upper in any::<bool>(),
        ) {
            let spell = |byte: u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
            let mut choices = escape.into_iter().cycle();
            let spelled: String = name
                .bytes()
                .map(|byte| if byte.is_ascii_alphanumeric() && !choices.next().unwrap_or(true) {
                    char::from(byte).to_string()
                } else {
                    spell(byte)
                })
                .collect();
            let (path, plain) = (SafePath::parse(&spelled), SafePath::parse(&format!("x/{name}")));
            let (path, plain) = (path.expect("a plain name"), plain.expect("a plain name"));
            prop_assert_eq!(&path.names()[0], &name);
            prop_assert_eq!(format!("x/{}", path.as_str()), plain.as_str());
            prop_assert_eq!(SafePath::parse(path.as_str()), Some(path), "the canonical text reads back");
        }

        #[test]
        fn canonical_queries_are_stable(query in ".{0,40}|[a-f0-9%&=/]{0,40}") {
            if let Some(canonical) = canonical_query(&query) {
                prop_assert_eq!(canonical_query(&canonical), Some(canonical.clone()));
            }
        }

        #[test]
        fn whatever_passes_stays_below_its_root(text in ".{0,60}|[./%a-f0-9\\\\]{0,40}") {
            if let Some(path) = SafePath::parse(&text) {
                let file = path.to_path_buf();
                prop_assert!(file.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(file.components().count(), path.names().len());
            }
        }
    }
}
