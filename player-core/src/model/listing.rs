//! Segments that are written out one by one, kept small: a day of two-second segments must cost megabytes, not
//! hundreds of them. Addresses stay relative until a segment is asked for. No rule-made segments here.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{ByteRange, Resource, SegmentRef, TimestampMapping};
use crate::time::{MediaTime, WallClock};

/// What a reader tells about one segment.
#[derive(Clone, Debug)]
pub struct ListedSegment<'a> {
    /// Where it begins on the presentation timeline; not before its predecessor.
    pub start: MediaTime,
    /// Its announced length.
    pub duration: Duration,
    /// Its address, relative to the bases of the listing; empty names the base itself.
    pub uri: &'a str,
    /// The part of the file.
    pub range: Option<ByteRange>,
    /// Index of its initialisation data, as [`SegmentListing::add_init`] gave it.
    pub init: Option<u32>,
    /// How its timestamps become presentation time.
    pub mapping: TimestampMapping,
    /// Announced as missing.
    pub gap: bool,
    /// How it is encrypted as a whole.
    pub encryption: Option<&'a str>,
    /// Wall-clock time of its beginning.
    pub program_date_time: Option<WallClock>,
    /// Announced bits per second: gives an estimate of its size where no range tells it.
    pub bitrate_bps: Option<u64>,
}

/// One segment: indices into the listing instead of copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    start: MediaTime,
    duration: Duration,
    /// Begin of its address in `text`; it ends at `uri_end`.
    uri_start: u32,
    uri_end: u32,
    range: Option<ByteRange>,
    init: Option<u32>,
    encryption: Option<u32>,
    mapping: TimestampMapping,
    gap: bool,
    program_date_time: Option<WallClock>,
    /// Kilobits per second; zero when not told.
    bitrate_kbps: u32,
}

impl Entry {
    fn size(&self) -> Option<u64> {
        self.range.and_then(|range| range.length).or_else(|| {
            let bits = u128::from(self.bitrate_kbps) * self.duration.as_millis();
            (bits > 0).then(|| u64::try_from(bits / 8).unwrap_or(u64::MAX))
        })
    }
}

/// A list of segments with shared addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentListing {
    /// Base addresses, best first; at least one.
    bases: Vec<Url>,
    /// All relative addresses, one after the other.
    text: String,
    inits: Vec<Resource>,
    methods: Vec<String>,
    entries: Vec<Entry>,
}

impl SegmentListing {
    /// An empty list. `bases` holds at least one address; each segment's address is resolved against all of them.
    pub fn new(bases: Vec<Url>) -> Self {
        Self { bases, text: String::new(), inits: Vec::new(), methods: Vec::new(), entries: Vec::new() }
    }

    /// Adds initialisation data for [`ListedSegment::init`] and gives its index.
    pub fn add_init(&mut self, init: Resource) -> u32 {
        self.inits.push(init);
        u32::try_from(self.inits.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds a segment. False, and nothing happens, when its address cannot be resolved or the list is full
    /// (4 GiB of addresses).
    pub fn push(&mut self, segment: &ListedSegment<'_>) -> bool {
        if !self.resolvable(segment.uri) {
            return false;
        }
        let Ok(uri_start) = u32::try_from(self.text.len()) else { return false };
        let Ok(uri_end) = u32::try_from(self.text.len() + segment.uri.len()) else { return false };
        self.text.push_str(segment.uri);
        let encryption = segment.encryption.map(|method| self.method(method));
        self.entries.push(Entry {
            start: segment.start,
            duration: segment.duration,
            uri_start,
            uri_end,
            range: segment.range,
            init: segment.init,
            encryption,
            mapping: segment.mapping,
            gap: segment.gap,
            program_date_time: segment.program_date_time,
            bitrate_kbps: segment.bitrate_bps.map_or(0, |bits| u32::try_from(bits / 1000).unwrap_or(u32::MAX)),
        });
        true
    }

    /// Only what may hold a scheme or an authority can fail to resolve (WHATWG URL, "relative state").
    fn resolvable(&self, uri: &str) -> bool {
        let plain = !uri.starts_with("//") && !uri.bytes().any(|byte| byte <= b' ' || matches!(byte, b':' | b'\\'));
        let base_is_plain = self.bases.first().is_some_and(|base| !base.cannot_be_a_base());
        (plain && base_is_plain) || self.bases.iter().any(|base| base.join(uri).is_ok())
    }

    /// The index of an encryption method; the last one first, for it seldom changes. There are four methods;
    /// beyond sixteen everything counts as the last one.
    fn method(&mut self, method: &str) -> u32 {
        let at = self.methods.iter().rposition(|known| known == method).unwrap_or_else(|| {
            if self.methods.len() < 16 {
                self.methods.push(method.to_owned());
            }
            self.methods.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// How many segments.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without any segment.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Begin and length of the segment at `index`.
    pub fn span(&self, index: u64) -> Option<(MediaTime, Duration)> {
        let entry = self.entries.get(usize::try_from(index).ok()?)?;
        Some((entry.start, entry.duration))
    }

    /// Size in bytes of the segment at `index`: told, or estimated from its announced rate.
    pub fn size(&self, index: u64) -> Option<u64> {
        self.entries.get(usize::try_from(index).ok()?)?.size()
    }

    /// The segment at `index`, counted from zero.
    pub fn get(&self, index: u64) -> Option<SegmentRef> {
        let entry = self.entries.get(usize::try_from(index).ok()?)?;
        let uri = self.text.get(entry.uri_start as usize..entry.uri_end as usize)?;
        let mut urls: Vec<Url> = Vec::with_capacity(self.bases.len());
        for url in
            self.bases.iter().filter_map(|base| if uri.is_empty() { Some(base.clone()) } else { base.join(uri).ok() })
        {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        Some(SegmentRef {
            number: index,
            start: entry.start,
            duration: entry.duration,
            resource: Resource { urls, range: entry.range },
            init: entry.init.and_then(|init| self.inits.get(init as usize)).cloned(),
            mapping: entry.mapping,
            gap: entry.gap,
            size: entry.size(),
            encryption: entry.encryption.and_then(|method| self.methods.get(method as usize)).cloned(),
            program_date_time: entry.program_date_time,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn segment(uri: &str) -> ListedSegment<'_> {
        ListedSegment {
            start: MediaTime::ZERO,
            duration: Duration::from_secs(2),
            uri,
            range: None,
            init: None,
            mapping: TimestampMapping::Discontinuity(3),
            gap: false,
            encryption: Some("AES-128"),
            program_date_time: None,
            bitrate_bps: None,
        }
    }

    #[test]
    fn an_announced_rate_gives_an_estimate_of_the_size() {
        let mut list = SegmentListing::new(vec!["http://a/x/".parse().unwrap()]);
        assert!(list.push(&ListedSegment { bitrate_bps: Some(900_000), ..segment("s.ts") }));
        let range = Some(ByteRange { offset: 0, length: Some(7) });
        assert!(list.push(&ListedSegment { bitrate_bps: Some(900_000), range, ..segment("s.ts") }));
        assert_eq!((list.size(0), list.size(1)), (Some(225_000), Some(7)));
    }

    #[test]
    fn addresses_are_resolved_against_every_base_and_duplicates_vanish() {
        let mut list = SegmentListing::new(vec!["http://a/x/".parse().unwrap(), "http://b/y/".parse().unwrap()]);
        assert!(list.push(&segment("s.ts?q=1")));
        assert!(list.push(&segment("http://c/s.ts")));
        let urls = |index| list.get(index).unwrap().resource.urls.iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(urls(0), ["http://a/x/s.ts?q=1", "http://b/y/s.ts?q=1"]);
        assert_eq!(urls(1), ["http://c/s.ts"]);
        assert_eq!(list.get(1).unwrap().encryption.as_deref(), Some("AES-128"));
        assert_eq!(list.get(2), None);
    }

    #[test]
    fn an_address_that_cannot_be_resolved_is_refused() {
        let mut list = SegmentListing::new(vec!["http://a/x/".parse().unwrap()]);
        assert!(!list.push(&segment("http://[bad/s.ts")));
        assert!(list.is_empty());
    }

    #[test]
    fn twenty_thousand_segments_stay_small() {
        assert!(size_of::<Entry>() <= 136, "an entry grew to {} bytes", size_of::<Entry>());
    }
}
