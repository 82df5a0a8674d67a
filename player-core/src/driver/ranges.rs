//! Bytes of a resource that one request still needs, over one or more answers. Pure: decides from each answer's head,
//! touches no socket.
//!
//! Servers break byte ranges (RFC 9110 §14) in many ways. A part that is shorter than the one asked for is continued
//! with another request; a whole file is sliced; an answer that does not say which part it is counts as the part that
//! was asked for, when its length allows that. Everything else is a typed error.

use bytes::Bytes;

use super::identity::FileIdentity;
use crate::engine::io::{FetchError, RangeNotice};
use crate::model::ByteRange;

/// Largest prefix of a whole file that is read and thrown away.
pub const MAX_SKIP: u64 = 256 << 20;
/// Most answers that one request is put together from.
pub const MAX_ANSWERS: u32 = 1024;

/// The fields of an answer's head that say which bytes follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerHead {
    /// HTTP status of success.
    pub status: u16,
    /// Value of `Content-Range`.
    pub content_range: Option<String>,
    /// Length of the body, when known.
    pub content_length: Option<u64>,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<String>,
}

/// Step after an answer that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Another request for the rest.
    Continue,
    /// Every byte has come that there is.
    Complete(Option<RangeNotice>),
}

/// Use of the answer to the request for the rest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestAnswer {
    /// It brings the rest of the same file.
    Continues,
    /// It is good for beginning anew.
    Anew,
    /// The beginning has to be asked for.
    Unusable,
}

/// Relation of an answer to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// A part of it; the rest needs another request.
    Part,
    /// The whole file, or its whole rest.
    Rest,
}

/// The window of the answer that is being read.
#[derive(Clone, Copy, Debug)]
struct Window {
    extent: Extent,
    /// Bytes to throw away first.
    skip: u64,
    /// Bytes to keep after them; `None` keeps all.
    keep: Option<u64>,
    /// Bytes that must come after the skipped ones, when known.
    promised: Option<u64>,
    /// Bytes kept so far.
    kept: u64,
}

/// Plan of one request.
#[derive(Clone, Debug)]
pub struct RangePlan {
    range: Option<ByteRange>,
    /// The length asked for is a guess: a file that ends earlier is no surprise.
    open_ended: bool,
    max_bytes: u64,
    /// Position in the file of the next byte that is wanted.
    next: u64,
    /// Position after the last wanted byte, when known.
    end: Option<u64>,
    /// Size of the file, when known.
    size: Option<u64>,
    answers: u32,
    /// The wanted end was moved to the end of the file.
    clamped: bool,
    window: Window,
}

impl RangePlan {
    /// A plan for `range`, or for the whole file. With `open_ended` the length of the range is a guess.
    pub fn new(range: Option<ByteRange>, open_ended: bool, max_bytes: u64) -> Self {
        let next = range.map_or(0, |range| range.offset);
        Self {
            range,
            open_ended,
            max_bytes,
            next,
            end: range.and_then(|range| Some(range.offset.saturating_add(range.length?))),
            size: None,
            answers: 0,
            clamped: false,
            window: Window { extent: Extent::Rest, skip: 0, keep: Some(0), promised: None, kept: 0 },
        }
    }

    /// The same plan for the rest of the part, after its first `received` bytes.
    pub const fn after(mut self, received: u64) -> Self {
        self.next = self.next.saturating_add(received);
        self
    }

    /// Takes the size of the file from an earlier answer.
    pub fn know_size(&mut self, size: Option<u64>) {
        self.size = self.size.or(size);
    }

    /// Returns the size of the file, when known.
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// Judges the answer to the request for such a rest, whose file was `asked`; `found` is the identity in the answer.
    /// `is_conditional` is true if the request had `If-Range`.
    ///
    /// A part of a file with status 200 is lenient elsewhere (see [`Self::begin_answer`]), but not here: what is wrong
    /// about an answer makes the bytes begin anew.
    pub fn judge_rest(
        &self,
        head: &AnswerHead,
        asked: &FileIdentity,
        found: &FileIdentity,
        is_conditional: bool,
    ) -> RestAnswer {
        let part = head.content_range.as_deref().map(parse_content_range);
        match (head.status, part) {
            (206, Some(ContentRange::Part { first, last, .. }))
                if (first..=last).contains(&self.next)
                    && head.content_length.is_none_or(|length| length == last - first + 1)
                    && asked.agrees(found) =>
            {
                RestAnswer::Continues
            }
            (206, _) | (_, Some(_)) => RestAnswer::Unusable,
            // The whole file was asked for only because it is another one now; a part of it is less.
            _ if is_conditional && self.range.is_some() => RestAnswer::Unusable,
            _ => RestAnswer::Anew,
        }
    }

    /// The value of the next request's `Range` field; `None` asks for the whole file.
    pub fn range_header(&self) -> Option<String> {
        self.asks_for_part().then(|| match self.end {
            Some(end) => format!("bytes={}-{}", self.next, end.saturating_sub(1).max(self.next)),
            None => format!("bytes={}-", self.next),
        })
    }

    const fn asks_for_part(&self) -> bool {
        self.range.is_some() || self.answers > 0 || self.next > 0
    }

    /// Bytes that the whole request will bring, when known.
    pub fn expected(&self) -> Option<u64> {
        let end = match (self.end, self.size) {
            (Some(end), Some(size)) => Some(end.min(size)),
            (end, size) => end.or(size),
        };
        let promised = self.window.promised.filter(|_| self.window.extent == Extent::Rest);
        let begin = self.range.map_or(0, |range| range.offset);
        let rest = promised.map(|promised| (self.next - begin + promised).saturating_sub(self.window.kept));
        end.map(|end| end.saturating_sub(begin)).or(rest)
    }

    /// Bytes of that which are still to come.
    pub fn expected_rest(&self) -> Option<u64> {
        self.expected().map(|expected| expected.saturating_sub(self.received()))
    }

    /// Bytes received so far, those before a rest included.
    pub fn received(&self) -> u64 {
        self.next - self.range.map_or(0, |range| range.offset)
    }

    /// Begins to read an answer with a status of success.
    ///
    /// # Errors
    /// `RangeIgnored` when the wanted part cannot be cut out of it, `TooLarge` when more than the permitted bytes are
    /// announced.
    pub fn begin_answer(&mut self, head: &AnswerHead) -> Result<Option<RangeNotice>, FetchError> {
        let asked = self.asks_for_part();
        self.answers += 1;
        if head.content_type.as_deref() == Some("multipart/byteranges") {
            return Err(ignored("the server sends several parts in one answer"));
        }
        let part = head.content_range.as_deref().map(parse_content_range);
        let (window, notice) = match part {
            Some(ContentRange::Part { first, last, size })
                if head.status == 206 || asked && self.is_slice(head, first, last) =>
            {
                (self.labelled(first, last, size)?, None)
            }
            Some(ContentRange::Unsatisfied | ContentRange::Unreadable) if head.status == 206 && asked => {
                let text = head.content_range.as_deref().unwrap_or_default();
                return Err(ignored(format!("unreadable Content-Range {text:?}")));
            }
            _ if head.status == 206 && asked => (self.unlabelled(head)?, Some(RangeNotice::Unlabelled)),
            _ if asked => (self.whole(head)?, Some(RangeNotice::Ignored)),
            _ => {
                let promised = head.content_length;
                (Window { extent: Extent::Rest, skip: 0, keep: None, promised, kept: 0 }, None)
            }
        };
        self.window = window;
        match self.expected() {
            Some(expected) if expected > self.max_bytes => Err(FetchError::TooLarge { limit: self.max_bytes }),
            _ => Ok(notice),
        }
    }

    /// True for an answer with status 200 that is the wanted part nevertheless, by its length.
    fn is_slice(&self, head: &AnswerHead, first: u64, last: u64) -> bool {
        let length = last - first + 1;
        head.status == 200
            && (first..=last).contains(&self.next)
            && head.content_length.is_none_or(|found| found == length)
    }

    fn labelled(&mut self, first: u64, last: u64, size: Option<u64>) -> Result<Window, FetchError> {
        if first > self.next || last < self.next {
            return Err(ignored(format!("asked for bytes from {}, got {first}-{last}", self.next)));
        }
        if self.size.is_some() && size.is_some() && self.size != size {
            return Err(ignored("the size of the file has changed between two parts of it"));
        }
        self.size = self.size.or(size);
        let after = last.saturating_add(1);
        let keep = self.end.map_or(after, |end| end.min(after)).saturating_sub(self.next);
        Ok(Window { extent: Extent::Part, skip: self.next - first, keep: Some(keep), promised: Some(keep), kept: 0 })
    }

    fn unlabelled(&self, head: &AnswerHead) -> Result<Window, FetchError> {
        let wanted = self.end.map(|end| end - self.next);
        if let (Some(length), Some(wanted)) = (head.content_length, wanted)
            && length > wanted
            && self.next > 0
        {
            return Err(ignored(format!("a partial answer of {length} bytes in place of {wanted}, without a place")));
        }
        let promised = match (head.content_length, wanted) {
            (Some(length), Some(wanted)) => Some(length.min(wanted)),
            (length, _) => length,
        };
        // Without an end to compare with, what comes is all.
        let extent = if wanted.is_some() { Extent::Part } else { Extent::Rest };
        Ok(Window { extent, skip: 0, keep: wanted, promised, kept: 0 })
    }

    fn whole(&mut self, head: &AnswerHead) -> Result<Window, FetchError> {
        if self.next > MAX_SKIP {
            return Err(ignored(format!("the server sends whole files, and the part begins at byte {}", self.next)));
        }
        if head.content_length.is_some_and(|length| length <= self.next) {
            return Err(ignored(format!("the file ends before byte {}", self.next)));
        }
        self.size = head.content_length.or(self.size);
        let wanted = self.end.map(|end| end - self.next);
        let available = head.content_length.map(|length| length - self.next);
        let promised = match (wanted, available) {
            (Some(wanted), Some(available)) => Some(wanted.min(available)),
            (_, available) => available,
        };
        Ok(Window { extent: Extent::Rest, skip: self.next, keep: wanted, promised, kept: 0 })
    }

    /// Returns the wanted part of the next chunk and moves on.
    pub fn cut(&mut self, mut chunk: Bytes) -> Bytes {
        let window = &mut self.window;
        let skipped = window.skip.min(chunk.len() as u64);
        window.skip -= skipped;
        // Both lengths are bounded by the chunk's own, which fits.
        let mut chunk = chunk.split_off(usize::try_from(skipped).unwrap_or(chunk.len()));
        if let Some(keep) = &mut window.keep {
            let taken = (*keep).min(chunk.len() as u64);
            *keep -= taken;
            chunk.truncate(usize::try_from(taken).unwrap_or(usize::MAX));
        }
        window.kept += chunk.len() as u64;
        self.next += chunk.len() as u64;
        chunk
    }

    /// True when nothing more of the answer is wanted.
    pub fn is_answer_done(&self) -> bool {
        self.window.keep == Some(0)
    }

    /// The answer has ended, as its head said or earlier.
    ///
    /// # Errors
    /// `Truncated` when it ended early, `RangeIgnored` when more requests would not bring the rest.
    pub fn end_answer(&mut self) -> Result<NextStep, FetchError> {
        let begin = self.range.map_or(0, |range| range.offset);
        let received = self.next - begin;
        if self.window.promised.is_some_and(|promised| self.window.kept < promised) {
            return Err(FetchError::Truncated { received, expected: self.expected() });
        }
        let missing = match (self.end, self.size) {
            (Some(end), _) => self.next < end,
            (None, Some(size)) => self.window.extent == Extent::Part && self.next < size,
            (None, None) => false,
        };
        if !missing {
            return Ok(NextStep::Complete(if self.clamped { self.past_end() } else { None }));
        }
        if self.window.extent == Extent::Rest || self.size.is_some_and(|size| self.next >= size) {
            return if received == 0 {
                Err(ignored(format!("the file ends before byte {begin}")))
            } else {
                Ok(NextStep::Complete(self.past_end()))
            };
        }
        if self.window.kept == 0 || self.answers >= MAX_ANSWERS {
            return Err(ignored(format!("only {received} bytes came in {} answers", self.answers)));
        }
        Ok(NextStep::Continue)
    }

    /// The server has no byte of the rest (status 416); `content_range` may say how long the file is. `None` when that
    /// is an error.
    pub fn unsatisfied(&mut self, content_range: Option<&str>) -> Option<NextStep> {
        let size = content_range.and_then(|text| text.trim().strip_prefix("bytes")?.trim_start().strip_prefix("*/"));
        let size: Option<u64> = size.and_then(|size| size.trim().parse().ok());
        let begin = self.range.map_or(0, |range| range.offset);
        if let (Some(size), Some(end)) = (size, self.end)
            && self.next < size
            && size < end
            && !self.clamped
        {
            // Some servers refuse a range that ends after the file; the part that exists is asked for once.
            self.size = Some(size);
            self.end = Some(size);
            self.clamped = true;
            return Some(NextStep::Continue);
        }
        let more = self.size.or(size).is_some_and(|size| self.next < size);
        (self.next > begin && !more).then(|| NextStep::Complete(self.past_end()))
    }

    fn past_end(&self) -> Option<RangeNotice> {
        (!self.open_ended).then_some(RangeNotice::PastEnd { received: self.next - self.range.map_or(0, |r| r.offset) })
    }
}

/// Returns the length of the whole file that an answer is of, if its head declares it.
pub fn file_length(head: &AnswerHead) -> Option<u64> {
    match head.content_range.as_deref().map(parse_content_range) {
        Some(ContentRange::Part { size, .. }) => size,
        Some(ContentRange::Unsatisfied | ContentRange::Unreadable) => None,
        None => head.content_length.filter(|_| head.status == 200),
    }
}

fn ignored(message: impl Into<String>) -> FetchError {
    FetchError::RangeIgnored(message.into())
}

/// A parsed `Content-Range` field (RFC 9110 §14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentRange {
    Part {
        first: u64,
        last: u64,
        size: Option<u64>,
    },
    /// `*/SIZE`: the answer holds no part.
    Unsatisfied,
    Unreadable,
}

/// Reads RFC 9110 §14.4, and the variants that servers write: no unit, `=` after the unit, no size.
fn parse_content_range(text: &str) -> ContentRange {
    let text = text.trim();
    let rest = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches([' ', '\t', '=', ':']));
    let (span, size) = rest.split_once('/').unwrap_or((rest, "*"));
    if span.trim() == "*" {
        return ContentRange::Unsatisfied;
    }
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let ends = span.split_once('-').and_then(|(first, last)| Some((number(first)?, number(last)?)));
    let size = number(size);
    match ends {
        Some((first, last)) if first <= last && size.is_none_or(|size| last < size) => {
            ContentRange::Part { first, last, size }
        }
        _ => ContentRange::Unreadable,
    }
}

#[cfg(test)]
#[path = "ranges_tests.rs"]
mod tests;
