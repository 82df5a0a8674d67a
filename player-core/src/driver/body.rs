//! Which bytes of a body are wanted. Pure: decides from the request and the answer's head, touches no socket.

use bytes::Bytes;

use crate::engine::io::FetchError;
use crate::model::ByteRange;

/// The largest prefix of an ignored range that is read and thrown away.
pub const MAX_SKIP: u64 = 256 << 20;

/// What to keep of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Bytes to throw away first.
    skip: u64,
    /// Bytes to keep after them; `None` keeps all.
    keep: Option<u64>,
    /// Bytes that must come for the answer to be complete, after slicing, when known.
    pub expected: Option<u64>,
    /// Bytes that the server has of the wanted part, when known.
    available: Option<u64>,
    /// The server answered with the whole file although a part was asked for.
    pub range_ignored: bool,
}

impl Window {
    /// Decides from the status, `Content-Range` and `Content-Length` (RFC 9110 §14.4, §15.3.7).
    ///
    /// # Errors
    /// `RangeIgnored` when the wanted part cannot be cut out, `TooLarge` when more than `max_bytes` are announced.
    pub fn of(
        range: Option<ByteRange>,
        status: u16,
        content_range: Option<&str>,
        content_length: Option<u64>,
        max_bytes: u64,
    ) -> Result<Self, FetchError> {
        let window = match (range, status) {
            (None, _) => Self { skip: 0, keep: None, expected: content_length, available: None, range_ignored: false },
            (Some(range), 206) => partial(range, content_range, content_length)?,
            (Some(range), _) => whole(range, content_length)?,
        };
        match window.expected {
            Some(expected) if expected > max_bytes => Err(FetchError::TooLarge { limit: max_bytes }),
            _ => Ok(window),
        }
    }

    /// The same for a part of which nobody knows where it ends: a file that ends earlier is complete.
    #[must_use]
    pub fn open_ended(mut self) -> Self {
        if let (Some(expected), Some(available)) = (self.expected, self.available) {
            self.expected = Some(expected.min(available));
        }
        self
    }

    /// The part of the next chunk that is wanted; the window moves on.
    pub fn cut(&mut self, mut chunk: Bytes) -> Bytes {
        let skipped = self.skip.min(chunk.len() as u64);
        self.skip -= skipped;
        // Both lengths are bounded by the chunk's own, which fits.
        let mut chunk = chunk.split_off(usize::try_from(skipped).unwrap_or(chunk.len()));
        if let Some(keep) = &mut self.keep {
            let taken = (*keep).min(chunk.len() as u64);
            *keep -= taken;
            chunk.truncate(usize::try_from(taken).unwrap_or(usize::MAX));
        }
        chunk
    }

    /// True when nothing more of the body is wanted.
    pub fn is_done(&self) -> bool {
        self.keep == Some(0)
    }
}

fn partial(range: ByteRange, content_range: Option<&str>, length: Option<u64>) -> Result<Window, FetchError> {
    let text = content_range
        .ok_or_else(|| FetchError::RangeIgnored("a partial answer does not say which part it is".to_owned()))?;
    let (first, last) = parse_content_range(text)
        .ok_or_else(|| FetchError::RangeIgnored(format!("unreadable Content-Range {text:?}")))?;
    if first > range.offset || last < range.offset {
        return Err(FetchError::RangeIgnored(format!("asked for bytes from {}, got {first}-{last}", range.offset)));
    }
    let skip = range.offset - first;
    let available = last - range.offset + 1;
    // Fewer bytes than asked for means that the file is shorter than the manifest says.
    let expected = range.length.unwrap_or(available);
    let exact = skip == 0 && length == range.length;
    let keep = if exact { None } else { Some(expected) };
    Ok(Window { skip, keep, expected: Some(expected), available: Some(available), range_ignored: false })
}

fn whole(range: ByteRange, length: Option<u64>) -> Result<Window, FetchError> {
    if range.offset > MAX_SKIP {
        let message = format!("the server sends whole files, and the part begins at byte {}", range.offset);
        return Err(FetchError::RangeIgnored(message));
    }
    if length.is_some_and(|length| length <= range.offset) {
        return Err(FetchError::RangeIgnored(format!("the file ends before byte {}", range.offset)));
    }
    let available = length.map(|length| length - range.offset);
    let expected = range.length.or(available);
    Ok(Window { skip: range.offset, keep: range.length, expected, available, range_ignored: true })
}

fn parse_content_range(text: &str) -> Option<(u64, u64)> {
    let (span, _complete) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn range(offset: u64, length: Option<u64>) -> Option<ByteRange> {
        Some(ByteRange { offset, length })
    }

    #[test]
    fn a_whole_file_is_sliced_when_the_range_is_ignored() {
        let mut window = Window::of(range(3, Some(4)), 200, None, Some(10), 100).unwrap();
        assert!(window.range_ignored);
        assert_eq!(window.expected, Some(4));
        assert_eq!(window.cut(Bytes::from_static(b"01")), "");
        assert_eq!(window.cut(Bytes::from_static(b"2345")), "345");
        assert!(!window.is_done());
        assert_eq!(window.cut(Bytes::from_static(b"6789")), "6");
        assert!(window.is_done());
    }

    #[test]
    fn a_partial_answer_is_taken_as_it_is_or_cut() {
        let mut exact = Window::of(range(3, Some(4)), 206, Some("bytes 3-6/10"), Some(4), 100).unwrap();
        assert_eq!((exact.cut(Bytes::from_static(b"3456")), exact.expected), (Bytes::from_static(b"3456"), Some(4)));
        let mut wide = Window::of(range(3, Some(2)), 206, Some("bytes 0-9/10"), Some(10), 100).unwrap();
        assert_eq!(wide.cut(Bytes::from_static(b"0123456789")), "34");
        let open = Window::of(range(3, None), 206, Some("bytes 3-9/10"), Some(7), 100).unwrap();
        assert_eq!(open.expected, Some(7));
    }

    #[test]
    fn a_part_without_a_known_end_may_be_shorter() {
        let partial = Window::of(range(3, Some(100)), 206, Some("bytes 3-9/10"), Some(7), 100).unwrap();
        assert_eq!((partial.expected, partial.open_ended().expected), (Some(100), Some(7)));
        let whole = Window::of(range(3, Some(100)), 200, None, Some(10), 100).unwrap();
        assert_eq!((whole.expected, whole.open_ended().expected), (Some(100), Some(7)));
    }

    #[test]
    fn wrong_parts_and_sizes_are_typed_errors() {
        let wrong = [
            Window::of(range(3, Some(4)), 206, Some("bytes 7-9/10"), Some(3), 100),
            Window::of(range(3, Some(4)), 206, Some("rubbish"), Some(3), 100),
            Window::of(range(3, Some(4)), 206, None, Some(3), 100),
            Window::of(range(30, Some(4)), 200, None, Some(10), 100),
            Window::of(range(MAX_SKIP + 1, Some(4)), 200, None, None, 100),
        ];
        assert!(wrong.iter().all(|result| matches!(result, Err(FetchError::RangeIgnored(_)))), "{wrong:?}");
        assert_eq!(Window::of(None, 200, None, Some(101), 100), Err(FetchError::TooLarge { limit: 100 }));
    }
}
