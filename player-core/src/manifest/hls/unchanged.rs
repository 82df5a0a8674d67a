//! The part of a playlist's text that is the same as when it was read last: its segments are known, and are not read
//! again. Compares bytes; only the first segment and what follows the last equal one is looked at as lines.

use bytes::Bytes;

use super::media::Cut;

/// Bytes that are compared at once.
const BLOCK: usize = 4096;

/// Text of a media playlist that was read, and where its segments are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaylistText {
    body: Bytes,
    /// Media sequence number of the first segment.
    sequence: u64,
    /// Number of segments; each has one address line.
    segments: u64,
}

impl PlaylistText {
    /// Keeps the text of a playlist whose first segment has the media sequence number `sequence`.
    pub(super) const fn new(body: Bytes, sequence: u64, segments: u64) -> Self {
        Self { body, sequence, segments }
    }

    /// Returns true if these are the segments of the text.
    pub(super) const fn lists(&self, sequence: u64, segments: u64) -> bool {
        self.sequence == sequence && self.segments == segments
    }

    /// Returns the length of the text in bytes.
    pub const fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Returns the segments after the first one of `text` that this text has too; `None` if nothing is gained.
    pub(super) fn unchanged<'a>(&self, text: &'a str) -> Option<Cut<'a>> {
        let (old, new) = (&*self.body, text.as_bytes());
        let (sequence, first) = first_segment(new)?;
        let gone = sequence.checked_sub(self.sequence).filter(|gone| *gone < self.segments)?;
        let (_, mut known) = first_segment(old)?;
        for _ in 0..gone {
            known = next_address(old, known.end)?;
        }
        if trimmed(old.get(known.start..known.end)?) != trimmed(new.get(first.start..first.end)?) {
            return None;
        }
        let (old_rest, new_rest) = (old.get(known.end..)?, new.get(first.end..)?);
        let length = end_of_last_address(new_rest, equal_prefix(old_rest, new_rest))?;
        let (mut at, mut left) = (known.end + length, 0);
        while let Some(line) = next_address(old, at) {
            (at, left) = (line.end, left + 1);
        }
        let segments = self.segments.checked_sub(gone + 1)?.checked_sub(left).filter(|segments| *segments > 0)?;
        let at = first.end + length;
        let breaks = new.get(..at)?.iter().filter(|byte| **byte == b'\n').count();
        Some(Cut { segments, rest: text.get(at..)?, lines: u32::try_from(breaks).unwrap_or(u32::MAX) })
    }
}

/// Place of a line in a text, its end behind the line feed.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: usize,
    end: usize,
}

fn line_at(text: &[u8], start: usize) -> Option<Line> {
    let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
    Some(Line { start, end: start + length })
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

fn is_address(line: &[u8]) -> bool {
    trimmed(line).first().is_some_and(|byte| *byte != b'#')
}

fn next_address(text: &[u8], mut at: usize) -> Option<Line> {
    loop {
        let line = line_at(text, at)?;
        if is_address(text.get(line.start..line.end)?) {
            return Some(line);
        }
        at = line.end;
    }
}

/// Returns the media sequence number of a text and the address line of its first segment; `None` for an update that
/// leaves segments out, and for a text whose lines end otherwise.
fn first_segment(text: &[u8]) -> Option<(u64, Line)> {
    let (mut sequence, mut at) = (0, 0);
    loop {
        let line = line_at(text, at)?;
        let content = trimmed(text.get(line.start..line.end)?);
        if let Some(number) = content.strip_prefix(b"#EXT-X-MEDIA-SEQUENCE:") {
            sequence = std::str::from_utf8(number).ok()?.trim().parse().ok()?;
        } else if content.starts_with(b"#EXT-X-SKIP") || content.contains(&b'\r') {
            return None;
        } else if is_address(content) {
            return text.get(line.end - 1).is_some_and(|byte| *byte == b'\n').then_some((sequence, line));
        }
        at = line.end;
    }
}

/// Length of the beginning that two texts have in common.
fn equal_prefix(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.chunks(BLOCK).zip(other.chunks(BLOCK));
    let equal = blocks.take_while(|(one, other)| one == other).map(|(one, _)| one.len()).sum();
    let rest = one.iter().zip(other).skip(equal);
    equal + rest.take_while(|(one, other)| one == other).count()
}

/// Returns the end of the last address line that ends in the first `length` bytes.
fn end_of_last_address(text: &[u8], length: usize) -> Option<usize> {
    let mut end = text.get(..length)?.iter().rposition(|byte| *byte == b'\n')? + 1;
    loop {
        let before = text.get(..end - 1)?;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if is_address(text.get(start..end)?) {
            return Some(end);
        }
        end = Some(start).filter(|start| *start > 0)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(first: u64, last: u64, note: &str) -> String {
        let mut text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-MAP:URI=\"i\"\n");
        for number in first..=last {
            text.push_str(&format!("#EXTINF:2,\ns{number}.mp4\n"));
        }
        text + note
    }

    fn cut(before: &str, segments: u64, after: &str) -> Option<(u64, String, u32)> {
        let sequence = first_segment(before.as_bytes())?.0;
        let known = PlaylistText::new(Bytes::copy_from_slice(before.as_bytes()), sequence, segments);
        known.unchanged(after).map(|cut| (cut.segments, cut.rest.to_owned(), cut.lines))
    }

    #[test]
    fn segments_between_the_first_and_what_is_new_are_passed_over() {
        let after = text(12, 21, "");
        let rest = "#EXTINF:2,\ns20.mp4\n#EXTINF:2,\ns21.mp4\n".to_owned();
        assert_eq!(cut(&text(10, 19, ""), 10, &after), Some((7, rest, 4 + 16)));
        assert_eq!(
            cut(&text(10, 19, "#EXT-X-PART:1\n"), 10, &text(10, 19, "#EXT-X-PART:2\n")).unwrap_or_default().0,
            9
        );
        let changed = text(10, 21, "").replace("s15", "t15");
        assert_eq!(
            cut(&text(10, 19, ""), 10, &changed).unwrap_or_default().0,
            4,
            "10 is the first, 11 to 14 are equal"
        );
    }

    #[test]
    fn nothing_is_passed_over_that_is_not_known() {
        let before = text(10, 19, "");
        assert_eq!(cut(&before, 10, &text(9, 20, "")), None, "an older state");
        assert_eq!(cut(&before, 10, &text(20, 25, "")), None, "nothing in common");
        assert_eq!(cut(&before, 10, &text(11, 20, "").replace("s11.", "t11.")), None, "another first segment");
        assert_eq!(cut(&before, 10, &text(11, 20, "").replace("s12.", "t12.")), None, "another second segment");
        assert_eq!(cut(&before, 10, &text(11, 20, "").replace('\n', "\r")), None);
        assert_eq!(
            cut(&before, 10, &text(11, 20, "").replace("#EXT-X-MAP", "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#E")),
            None
        );
        assert_eq!(cut(&before, 10, ""), None);
    }
}
