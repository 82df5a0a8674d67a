//! Records: results of tests that are pinned in committed files. With `KINORA_RECORD=1` in the environment the tests
//! write them anew, to be read as a diff.

use std::fmt::{Debug, Write as _};
use std::path::Path;

/// FNV-1a over everything that a value shows. Names outside of quotes are left out, so that a type or a field can be
/// renamed.
#[derive(Clone, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Adds a value by its `Debug` text.
    pub fn add(&mut self, value: &dyn Debug) {
        self.add_line(&format!("{value:?}"));
    }

    /// Adds a line of text.
    pub fn add_line(&mut self, line: &str) {
        let (mut quoted, mut escaped) = (false, false);
        for byte in line.bytes().chain([b'\n']) {
            if byte == b'"' && !escaped {
                quoted = !quoted;
            }
            escaped = byte == b'\\' && !escaped;
            if quoted || !(byte.is_ascii_alphabetic() || byte == b'_') {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
    }

    /// Returns the digest of what was added.
    pub const fn value(&self) -> u64 {
        self.0
    }
}

/// Compares lines with the record in a file.
///
/// # Panics
/// At the first line that differs, or when the file cannot be written anew.
#[track_caller]
pub fn compare(path: &Path, found: &str) {
    if std::env::var_os("KINORA_RECORD").is_some() {
        std::fs::write(path, found).expect("the record can be written");
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines = found.lines().zip(expected.lines()).enumerate();
    if let Some((number, (found, expected))) = lines.find(|(_, (found, expected))| found != expected) {
        panic!("{}, line {}:\n{found}\nin place of\n{expected}", path.display(), number + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "lines of {}", path.display());
}

/// Returns a text with one thing changed, many times over: a line missing or twice, the rest missing, a number replaced,
/// a word missing, in the other case or doubled, a mark missing or replaced. At most `most` places of each kind are
/// changed, evenly over the text.
pub fn variants(text: &str, most: usize) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut change = |kind, (from, to): (usize, usize), by: &str| {
        let mut changed = String::with_capacity(text.len() + by.len());
        changed.push_str(&text[..from]);
        changed.push_str(by);
        changed.push_str(&text[to..]);
        out.push((kind, changed));
    };
    let lines = spans(text, |_| true, |before, _| before != '\n');
    for &(from, to) in evenly(&lines, most) {
        change("line missing", (from, to), "");
        change("line twice", (from, from), &text[from..to]);
        change(
            "the rest missing",
            (from + (to - from) / 2..=to)
                .find(|at| text.is_char_boundary(*at))
                .map_or((to, text.len()), |at| (at, text.len())),
            "",
        );
    }
    let numbers = spans(text, |c| c.is_ascii_digit(), |_, c| c.is_ascii_digit());
    for &(from, to) in evenly(&numbers, most) {
        for by in ["", "0", "1", "-2", "7", "40", "100", "4294967296", "99999999999999999999", "2.5", "x"] {
            change("number", (from, to), by);
        }
    }
    let words = spans(text, |c| c.is_ascii_alphabetic(), |_, c| c.is_ascii_alphabetic());
    for &(from, to) in evenly(&words, most) {
        let word = &text[from..to];
        change("word missing", (from, to), "");
        change("word doubled", (from, from), word);
        let other =
            word.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
        change("word in the other case", (from, to), &other.collect::<String>());
    }
    let marks = spans(text, |c| !c.is_alphanumeric(), |_, _| false);
    for &(from, to) in evenly(&marks, most) {
        for by in ["", " ", "\n", "-", "\"", "<", "%"] {
            change("mark", (from, to), by);
        }
    }
    out
}

/// Returns runs of characters: where one begins and how it goes on, given the character before.
fn spans(text: &str, begins: impl Fn(char) -> bool, goes_on: impl Fn(char, char) -> bool) -> Vec<(usize, usize)> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut last = None;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match spans.last_mut() {
            Some(span) if span.1 == at && last.is_some_and(|last| goes_on(last, c)) => {
                span.1 = end;
            }
            _ if begins(c) => spans.push((at, end)),
            _ => {}
        }
        last = Some(c);
    }
    spans
}

fn evenly<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    all.iter().step_by(all.len().div_ceil(most.max(1)).max(1))
}

/// Returns a line for each kind of variant of a text: how many there are, how many could be read, and a digest of what
/// `read` made of them all.
pub fn variants_record<T: Debug, E: Debug>(
    name: &str,
    text: &str,
    most: usize,
    read: impl Fn(&str) -> Result<T, E>,
) -> String {
    let mut kinds: Vec<(&'static str, u32, u32, Digest)> = Vec::new();
    for (kind, changed) in variants(text, most) {
        if kinds.iter().all(|(known, ..)| *known != kind) {
            kinds.push((kind, 0, 0, Digest::default()));
        }
        let Some((_, all, readable, digest)) = kinds.iter_mut().find(|(known, ..)| *known == kind) else { continue };
        let result = read(&changed);
        *all += 1;
        *readable += u32::from(result.is_ok());
        digest.add(&result);
    }
    let mut out = String::new();
    for (kind, all, readable, digest) in kinds {
        writeln!(out, "{name}, {kind}: {readable} of {all} read, {:016x}", digest.value())
            .expect("a String takes all text");
    }
    out
}

/// Returns a line for each sixteenth of some bytes: a digest of what `read` made of them with one byte changed, for six
/// values of at most `most` bytes, evenly over all.
pub fn bytes_record<T: Debug>(name: &str, bytes: &[u8], most: usize, read: impl Fn(&[u8]) -> T) -> String {
    let all: Vec<usize> = (0..bytes.len()).collect();
    let places: Vec<usize> = evenly(&all, most).copied().collect();
    let mut out = String::new();
    for (part, places) in places.chunks(places.len().div_ceil(16).max(1)).enumerate() {
        let mut digest = Digest::default();
        for &at in places {
            let byte = bytes[at];
            for value in [0x00, 0xff, byte ^ 0x80, byte.wrapping_add(1), byte.wrapping_sub(1), byte.rotate_left(3)] {
                let mut changed = bytes.to_vec();
                changed[at] = value;
                digest.add(&read(&changed));
            }
        }
        writeln!(out, "{name}, part {part}: {:016x}", digest.value()).expect("a String takes all text");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_differs_by_values_and_not_by_names() {
        #[derive(Debug)]
        struct One {
            _field: u32,
        }
        #[derive(Debug)]
        struct Other {
            _renamed: u32,
        }
        let of = |value: &dyn Debug| {
            let mut digest = Digest::default();
            digest.add(value);
            digest.value()
        };
        assert_eq!(of(&One { _field: 1 }), of(&Other { _renamed: 1 }));
        assert_ne!(of(&One { _field: 1 }), of(&One { _field: 2 }));
        assert_ne!(of(&"a \" b"), of(&"a \" c"));
    }

    #[test]
    fn variants_change_one_place_each() {
        let all = variants("ab 12\nc\n", 100);
        let of = |kind: &str| {
            all.iter().filter(|(known, _)| *known == kind).map(|(_, text)| text.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of("line missing"), ["c\n", "ab 12\n"]);
        assert_eq!(of("line twice"), ["ab 12\nab 12\nc\n", "ab 12\nc\nc\n"]);
        assert_eq!(of("the rest missing"), ["ab ", "ab 12\nc"]);
        assert_eq!(of("word missing"), [" 12\nc\n", "ab 12\n\n"]);
        assert_eq!(of("word in the other case"), ["AB 12\nc\n", "ab 12\nC\n"]);
        assert_eq!(of("number").len(), 11);
        assert_eq!(of("mark").len(), 21);
        assert_eq!(variants(&"1 ".repeat(50), 10).iter().filter(|(kind, _)| *kind == "number").count(), 110);
    }
}
