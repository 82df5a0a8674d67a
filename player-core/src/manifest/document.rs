//! From bytes to text, and the kind of document. This file knows no more than the first line of a format.

use std::borrow::Cow;

use super::{ManifestError, ManifestWarning};

/// More bytes than this are no manifest: a day of one-second segments with long addresses is a fifth of it.
pub(super) const MAX_BYTES: usize = 32 << 20;

/// More warnings than this say nothing new.
const MAX_WARNINGS: usize = 100;

/// Collects warnings, and stops collecting when a hostile document would fill the memory with them.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    list: Vec<ManifestWarning>,
    more: usize,
}

impl Warnings {
    pub(super) fn push(&mut self, line: impl Into<Option<u32>>, message: impl Into<String>) {
        if self.list.len() < MAX_WARNINGS {
            self.list.push(ManifestWarning { line: line.into(), message: message.into() });
        } else {
            self.more += 1;
        }
    }

    /// Adds the warnings of another reading.
    pub(super) fn append(&mut self, other: Self) {
        for warning in other.list {
            self.push(warning.line, warning.message);
        }
        self.more += other.more;
    }

    pub(super) fn into_list(mut self) -> Vec<ManifestWarning> {
        if self.more > 0 {
            self.list.push(ManifestWarning { line: None, message: format!("and {} more warnings", self.more) });
        }
        self.list
    }
}

/// Kind of a document, by its beginning.
#[derive(Debug)]
pub(super) enum Document<'a> {
    /// An HLS playlist of either kind.
    Hls(Cow<'a, str>),
    /// XML whose root element is `MPD`.
    Dash(Cow<'a, str>),
}

/// Makes text of the bytes (byte order marks, UTF-16, damaged UTF-8) and recognises the format.
///
/// [`ManifestError::TooLarge`], or [`ManifestError::NotAManifest`] with the kind of document that it resembles.
pub(super) fn recognise<'a>(bytes: &'a [u8], warnings: &mut Warnings) -> Result<Document<'a>, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(ManifestError::TooLarge { what: "the manifest".to_owned(), limit: MAX_BYTES as u64 });
    }
    let not = |found: &str| Err(ManifestError::NotAManifest { found: found.to_owned() });
    if let Some(found) = binary(bytes) {
        return not(found);
    }
    let text = decode(bytes, warnings);
    let start = text.trim_start();
    if start.is_empty() {
        return not("an empty file");
    }
    if start.starts_with("#EXTM3U") {
        return Ok(Document::Hls(text));
    }
    if start.starts_with('<') {
        let root = root_element(start).unwrap_or_default().to_owned();
        return match root.as_str() {
            "MPD" => Ok(Document::Dash(text)),
            "Patch" => Err(ManifestError::Unsupported { feature: "MPD Patch as a manifest".to_owned() }),
            "" => not("broken XML"),
            "SmoothStreamingMedia" => not("a Smooth Streaming manifest"),
            html if html.eq_ignore_ascii_case("html") => not("an HTML page"),
            other => not(&format!("XML with the root element {}", clip(other))),
        };
    }
    if text.lines().any(|line| line.starts_with("#EXTM3U")) {
        warnings.push(1, "the playlist does not begin with #EXTM3U");
        return Ok(Document::Hls(text));
    }
    if start.starts_with("WEBVTT") {
        return not("a WebVTT file");
    }
    if start.starts_with(['{', '[']) {
        return not("a JSON document");
    }
    if start.lines().any(|line| line.starts_with("#EXT")) {
        return not("a playlist without #EXTM3U");
    }
    not(if text.contains('\0') { "binary data" } else { "text of another kind" })
}

/// Makes text of a patch of an MPD (ISO/IEC 23009-1 §5.15).
///
/// [`ManifestError::TooLarge`], or [`ManifestError::NotAManifest`] if it is something else.
pub(super) fn patch_text<'a>(bytes: &'a [u8], warnings: &mut Warnings) -> Result<Cow<'a, str>, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(ManifestError::TooLarge { what: "the patch".to_owned(), limit: MAX_BYTES as u64 });
    }
    let text = decode(bytes, warnings);
    let root = root_element(text.trim_start()).filter(|_| text.trim_start().starts_with('<'));
    match root {
        Some("Patch") => Ok(text),
        root => {
            let found = format!("no patch of one, but {}", root.map_or_else(|| "no XML".to_owned(), clip));
            Err(ManifestError::NotAManifest { found })
        }
    }
}

/// Names a file that is no text by its first bytes.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    if at(0, &[0x1F, 0x8B]) {
        return Some("a gzip file");
    }
    if [&b"ftyp"[..], b"styp", b"moof", b"moov", b"sidx"].iter().any(|kind| at(4, kind)) {
        return Some("an MP4 file");
    }
    if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
        return Some("a WebM file");
    }
    if at(0, &[0x47]) && (at(188, &[0x47]) || bytes.len() == 188) {
        return Some("an MPEG transport stream");
    }
    None
}

fn decode<'a>(bytes: &'a [u8], warnings: &mut Warnings) -> Cow<'a, str> {
    if let Some(rest) = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
        warnings.push(1, "begins with a byte order mark");
        return decode(rest, warnings);
    }
    if let Some(text) = utf16(bytes) {
        warnings.push(1, "is UTF-16, not UTF-8");
        return Cow::Owned(text);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            warnings.push(line_at(bytes, error.valid_up_to()), "holds bytes that are not UTF-8");
            String::from_utf8_lossy(bytes)
        }
    }
}

fn utf16(bytes: &[u8]) -> Option<String> {
    type Wide = fn([u8; 2]) -> u16;
    let (rest, wide): (&[u8], Wide) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => (rest, u16::from_be_bytes),
        [b'<', 0, b'?', 0, ..] => (bytes, u16::from_le_bytes),
        [0, b'<', 0, b'?', ..] => (bytes, u16::from_be_bytes),
        _ => return None,
    };
    let units = rest.as_chunks::<2>().0.iter().map(|pair| wide(*pair));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

fn line_at(bytes: &[u8], offset: usize) -> u32 {
    let breaks = bytes.iter().take(offset).filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}

/// The local name of the first element, after declarations, comments and the document type.
fn root_element(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.get(rest.find('<')?..)?;
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.get(comment.find("-->")? + 3..)?;
        } else if rest.starts_with("<!") && rest.get(2..9).is_some_and(|word| word.eq_ignore_ascii_case("doctype")) {
            if rest.get(9..)?.trim_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("html")) {
                return Some("html");
            }
            rest = match (rest.find('['), rest.find('>')) {
                (Some(open), Some(close)) if open < close => rest.get(rest.find("]>")? + 2..)?,
                (_, close) => rest.get(close? + 1..)?,
            };
        } else if rest.starts_with("<?") {
            rest = rest.get(rest.find("?>")? + 2..)?;
        } else {
            let name = rest.get(1..)?;
            let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(name.len());
            let name = name.get(..end)?;
            return Some(name.rsplit(':').next().unwrap_or(name));
        }
    }
}

/// At most forty characters of something that a stranger wrote.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> String {
        match recognise(bytes, &mut Warnings::default()) {
            Ok(Document::Hls(_)) => "HLS".to_owned(),
            Ok(Document::Dash(_)) => "DASH".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn documents_are_told_apart_by_content() {
        assert_eq!(found(b"\xEF\xBB\xBF\r\n#EXTM3U\n"), "HLS");
        assert_eq!(found(b"# a comment\n#EXTM3U\n"), "HLS");
        assert_eq!(found(b"<?xml version='1.0'?><!-- <x> --><!DOCTYPE m [<!ENTITY a 'b'>]><x:MPD/>"), "DASH");
        assert_eq!(found(b"<!-- a<b--><MPD/>"), "DASH", "an angle at the end of a comment");
        assert_eq!(found(b"<!DOCTYPE m><MPD a='[x]>'/>"), "DASH", "a bracket after the document type");
        assert_eq!(found(b"\xFF\xFE<\0M\0P\0D\0/\0>\0"), "DASH");
        for (bytes, what) in [
            (&b""[..], "an empty file"),
            (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
            (b"<html>", "an HTML page"),
            (b"<!-- open", "broken XML"),
            (b"<SmoothStreamingMedia/>", "a Smooth Streaming manifest"),
            (b"\0\0\0\x18ftypisom", "an MP4 file"),
            (b"{\"error\":1}", "a JSON document"),
            (b"WEBVTT\n", "a WebVTT file"),
            (b"#EXTINF:4,\na.ts\n", "a playlist without #EXTM3U"),
        ] {
            assert_eq!(found(bytes), format!("expected an HLS playlist or a DASH manifest, found {what}"));
        }
        assert_eq!(found(&vec![b'#'; MAX_BYTES + 1]), format!("the manifest exceeds {MAX_BYTES}"));
    }

    #[test]
    fn bytes_that_are_not_text_are_warned_of_with_their_line() {
        for (bytes, line) in
            [(&b"# \xff\n#EXTM3U\n"[..], 1), (b"#EXTM3U\n\xff\n", 2), (b"#EXTM3U\n\n\n# \xff\n\n\xfe", 4)]
        {
            let mut warnings = Warnings::default();
            assert!(recognise(bytes, &mut warnings).is_ok());
            let all = warnings.into_list();
            let text = all.iter().filter(|warning| warning.message.contains("not UTF-8"));
            let lines: Vec<_> = text.map(|warning| warning.line).collect();
            assert_eq!(lines, [Some(line)], "{bytes:?}");
        }
    }
}
