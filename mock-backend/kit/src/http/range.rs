//! Byte ranges (RFC 9110 §14): from a header and a length to spans. Pure.

/// How many ranges one request may name; beyond that the header is ignored, as RFC 9110 §14.2 allows a server to defend itself.
const MAX_RANGES: usize = 16;

/// Bytes `first..=last` of a representation; `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte, included.
    pub last: u64,
}

impl ByteRange {
    /// The whole of a representation; `None` when it is empty.
    pub fn whole(length: u64) -> Option<Self> {
        length.checked_sub(1).map(|last| Self { first: 0, last })
    }

    /// The number of bytes, at least one.
    pub fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// What a `Range` header asks of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// No range, a unit that is not bytes, or a header that does not parse: the whole is sent (RFC 9110 §14.2).
    Whole,
    /// These spans, at least one, in the order asked for; no two of them overlap or touch.
    Spans(Vec<ByteRange>),
    /// Well-formed, but nothing of it lies within the representation: 416.
    Unsatisfiable,
}

/// Reads a `Range` header against a representation of `length` bytes.
pub fn parse(header: Option<&str>, length: u64) -> RangeRequest {
    let Some(set) = header.and_then(byte_set) else {
        return RangeRequest::Whole;
    };
    let mut spans = Vec::new();
    let mut named = 0;
    for spec in set.split(',').map(str::trim).filter(|spec| !spec.is_empty()) {
        named += 1;
        if named > MAX_RANGES {
            return RangeRequest::Whole;
        }
        match span(spec, length) {
            Some(Some(range)) => spans.push(range),
            Some(None) => {}
            None => return RangeRequest::Whole,
        }
    }
    match (named, spans.is_empty()) {
        (0, _) => RangeRequest::Whole,
        (_, true) => RangeRequest::Unsatisfiable,
        (_, false) => RangeRequest::Spans(merged(spans)),
    }
}

/// Joins spans that overlap or touch, as RFC 9110 §15.3.7.2 allows, so that no byte is sent twice. A joined span stands where
/// the first of its parts stood.
fn merged(spans: Vec<ByteRange>) -> Vec<ByteRange> {
    let mut apart: Vec<ByteRange> = Vec::with_capacity(spans.len());
    for mut span in spans {
        let mut place = apart.len();
        // A span that grows may reach another one, so the search begins again; there are at most MAX_RANGES.
        while let Some(index) = apart.iter().position(|other| touch(*other, span)) {
            let other = apart.remove(index);
            span = ByteRange { first: span.first.min(other.first), last: span.last.max(other.last) };
            place = place.min(index);
        }
        apart.insert(place.min(apart.len()), span);
    }
    apart
}

fn touch(a: ByteRange, b: ByteRange) -> bool {
    a.first <= b.last.saturating_add(1) && b.first <= a.last.saturating_add(1)
}

fn byte_set(header: &str) -> Option<&str> {
    let (unit, set) = header.split_once('=')?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some(set)
}

/// `None`: not a range. `Some(None)`: a range outside the representation.
fn span(spec: &str, length: u64) -> Option<Option<ByteRange>> {
    let (first, last) = spec.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let suffix = number(last)?;
        let range = (suffix > 0 && length > 0)
            .then(|| ByteRange { first: length.saturating_sub(suffix), last: length.saturating_sub(1) });
        return Some(range);
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some((first < length).then(|| ByteRange { first, last: last.min(length.saturating_sub(1)) }))
}

/// Digits only (`u64::from_str` would take a plus sign); numbers beyond 64 bits mean "to the end".
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{ByteRange, RangeRequest, parse};
    use proptest::prelude::*;

    fn spans(list: &[(u64, u64)]) -> RangeRequest {
        RangeRequest::Spans(list.iter().map(|&(first, last)| ByteRange { first, last }).collect())
    }

    #[test]
    fn ranges_of_the_standard() {
        let cases: &[(&str, u64, RangeRequest)] = &[
            ("bytes=0-499", 10_000, spans(&[(0, 499)])),
            ("bytes=500-999", 10_000, spans(&[(500, 999)])),
            ("bytes=-500", 10_000, spans(&[(9_500, 9_999)])),
            ("bytes=9500-", 10_000, spans(&[(9_500, 9_999)])),
            ("bytes=0-0,-1", 10_000, spans(&[(0, 0), (9_999, 9_999)])),
            ("bytes= 0-0 , ,5-6", 10_000, spans(&[(0, 0), (5, 6)])),
            ("Bytes=5-99999", 10, spans(&[(5, 9)])),
            ("bytes=-99999", 10, spans(&[(0, 9)])),
            ("bytes=0-99999999999999999999999", 10, spans(&[(0, 9)])),
            ("bytes=20-30,1-2", 10, spans(&[(1, 2)])),
            ("bytes=10-", 10, RangeRequest::Unsatisfiable),
            ("bytes=-0", 10, RangeRequest::Unsatisfiable),
            ("bytes=0-", 0, RangeRequest::Unsatisfiable),
            ("bytes=-5", 0, RangeRequest::Unsatisfiable),
            ("bytes=5-4", 10, RangeRequest::Whole),
            ("bytes=", 10, RangeRequest::Whole),
            ("bytes=a-b", 10, RangeRequest::Whole),
            ("bytes=+1-2", 10, RangeRequest::Whole),
            ("bytes=1-2,x", 10, RangeRequest::Whole),
            ("items=0-1", 10, RangeRequest::Whole),
            ("0-1", 10, RangeRequest::Whole),
        ];
        for (header, length, expected) in cases {
            assert_eq!(&parse(Some(header), *length), expected, "{header}");
        }
        assert_eq!(parse(None, 10), RangeRequest::Whole);
    }

    #[test]
    fn too_many_ranges_get_the_whole() {
        let header = format!("bytes={}", vec!["0-1"; 17].join(","));
        assert_eq!(parse(Some(&header), 10), RangeRequest::Whole);
    }

    #[test]
    fn overlapping_ranges_are_sent_once() {
        let cases: &[(&str, RangeRequest)] = &[
            ("bytes=0-99,0-99,0-99", spans(&[(0, 99)])),
            ("bytes=0-9,10-19", spans(&[(0, 19)])),
            ("bytes=50-60,0-9,5-20", spans(&[(50, 60), (0, 20)])),
            ("bytes=0-9,20-29,5-24", spans(&[(0, 29)])),
            ("bytes=90-,-20", spans(&[(80, 99)])),
        ];
        for (header, expected) in cases {
            assert_eq!(&parse(Some(header), 100), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn merging_keeps_every_byte_and_sends_none_twice(
            list in proptest::collection::vec((0_u64..60, 0_u64..20), 1..16)
        ) {
            let header = format!(
                "bytes={}",
                list.iter().map(|(first, more)| format!("{first}-{}", first + more)).collect::<Vec<_>>().join(",")
            );
            let asked = |byte: u64| list.iter().any(|(first, more)| (*first..=first + more).contains(&byte));
            let RangeRequest::Spans(spans) = parse(Some(&header), 100) else { return Err(TestCaseError::fail("spans")) };
            for byte in 0..100 {
                let sent = spans.iter().filter(|span| (span.first..=span.last).contains(&byte)).count();
                prop_assert_eq!(sent, usize::from(asked(byte)), "byte {}", byte);
            }
        }

        #[test]
        fn spans_lie_within(header in "bytes=[0-9, -]{0,30}", length in 0_u64..1000) {
            if let RangeRequest::Spans(list) = parse(Some(&header), length) {
                prop_assert!(!list.is_empty());
                for span in list {
                    prop_assert!(span.first <= span.last && span.last < length);
                }
            }
        }
    }
}
