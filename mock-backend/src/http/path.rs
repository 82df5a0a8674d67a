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
        (names.len() <= MAX_DEPTH).then(|| Self { names, text: encoded.to_owned() })
    }

    /// The decoded names, first to last; at least one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The path as it came, percent-encoded.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// The path as one of the file system, relative to whatever root it will be joined to.
    pub fn to_path_buf(&self) -> PathBuf {
        self.names.iter().collect()
    }
}

fn plain_name(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
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
    use super::SafePath;
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

    proptest! {
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
