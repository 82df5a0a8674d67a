//! Segments that are written out one by one, kept small: a day of two-second segments must cost megabytes, not
//! hundreds of them. Addresses stay relative until a segment is asked for. No rule-made segments here.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

pub use super::part_entry::ListedPart;
use super::part_entry::PartEntry;
pub use super::skipped::{INHERITED, INHERITED_OFFSET, Skipped};
use super::{ByteRange, Resource, SegmentEncryption, SegmentId, SegmentKeys, SegmentRef, TimestampMapping};
use crate::time::{MediaTime, WallClock};

/// Input for one segment of a listing.
#[derive(Clone, Debug)]
pub struct ListedSegment<'a> {
    /// Start on the presentation timeline; not before that of its predecessor.
    pub start: MediaTime,
    /// Duration as declared, which may be rounded.
    pub duration: Duration,
    /// Its address, relative to the bases of the listing; empty names the base itself.
    pub uri: &'a str,
    /// The part of the file.
    pub range: Option<ByteRange>,
    /// Index of its initialisation data, as [`SegmentListing::add_init`] gave it.
    pub init: Option<u32>,
    /// Mapping of its timestamps to presentation time.
    pub mapping: TimestampMapping,
    /// Declared as a gap (`EXT-X-GAP`).
    pub gap: bool,
    /// Index of its keys, as [`SegmentListing::add_keys`] gave it; `None` for clear media.
    pub encryption: Option<u32>,
    /// Wall-clock time of its beginning.
    pub program_date_time: Option<WallClock>,
    /// Declared bits per second, from which the size is estimated without a range.
    pub bitrate_bps: Option<u64>,
}

/// One segment: indices into the listing instead of copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) start: MediaTime,
    pub(super) duration: Duration,
    /// Begin of its address in `text`; it ends at `uri_end`.
    pub(super) uri_start: u32,
    pub(super) uri_end: u32,
    pub(super) range: Option<ByteRange>,
    pub(super) init: Option<u32>,
    pub(super) keys: Option<u32>,
    pub(super) mapping: TimestampMapping,
    pub(super) gap: bool,
    pub(super) program_date_time: Option<WallClock>,
    /// Declared kilobits per second; 0 if there are none.
    pub(super) bitrate_kbps: u32,
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
    pub(super) bases: Vec<Url>,
    /// All relative addresses, one after the other: those of segments, then those of parts.
    pub(super) text: String,
    /// Initialisation data, and the index of its keys.
    pub(super) inits: Vec<(Resource, Option<u32>)>,
    pub(super) keys: Vec<SegmentKeys>,
    /// Media sequence number of the first segment.
    pub(super) first_sequence: u64,
    pub(super) entries: VecDeque<Entry>,
    /// Partial segments in order; those of whole segments first, then those of the segment that is being written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<PartEntry>,
    /// Segments will be added.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_open: bool,
    /// Segments of the state before that the list goes on from; `None` for a whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) skipped: Option<Skipped>,
    /// Set by a merge with the list that was known before.
    #[serde(default, skip_serializing_if = "Alignment::is_none")]
    pub(super) alignment: Alignment,
}

/// Differences of a list from the one that was known before it: what is added to each of its segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alignment {
    /// Nanoseconds added to starts.
    pub(super) start: i64,
    /// Added to discontinuity numbers; wraps.
    pub(super) discontinuity: u64,
    /// Added to the media sequence numbers of names, for a server that counts anew; wraps.
    pub(super) sequence: u64,
}

impl Alignment {
    /// True if nothing is added.
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns what a segment of the list as it was read is called after the move.
    fn moved(self, id: SegmentId) -> SegmentId {
        match id {
            SegmentId::Sequence(number) => SegmentId::Sequence(number.wrapping_add(self.sequence)),
            SegmentId::Time(time) => SegmentId::Time(time.shifted(self.start)),
            SegmentId::Part { sequence, part } => {
                SegmentId::Part { sequence: sequence.wrapping_add(self.sequence), part }
            }
        }
    }

    /// Adds to a segment that is written out.
    pub(super) fn apply(self, segment: &mut SegmentRef) {
        segment.id = self.moved(segment.id);
        segment.previous = segment.previous.map(|id| self.moved(id));
        segment.start = segment.start.shifted(self.start);
        if let TimestampMapping::Discontinuity(number) = &mut segment.mapping {
            *number = number.wrapping_add(self.discontinuity);
        }
    }
}

impl SegmentListing {
    /// An empty list. `bases` holds at least one address; each segment's address is resolved against all of them.
    pub fn new(bases: Vec<Url>) -> Self {
        Self {
            bases,
            text: String::new(),
            inits: Vec::new(),
            keys: Vec::new(),
            first_sequence: 0,
            entries: VecDeque::new(),
            parts: Vec::new(),
            is_open: false,
            skipped: None,
            alignment: Alignment::default(),
        }
    }

    /// The first segment has this media sequence number.
    #[must_use]
    pub const fn numbered_from(mut self, sequence: u64) -> Self {
        self.first_sequence = sequence;
        self
    }

    /// Segments will be added to the list.
    #[must_use]
    pub const fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Nothing will be added to the list.
    pub(super) const fn close(&mut self) {
        self.is_open = false;
    }

    /// Returns true if segments will be added to the list.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The list goes on from segments of the state before.
    #[must_use]
    pub const fn after_skipped(mut self, skipped: Skipped) -> Self {
        self.skipped = Some(skipped);
        self
    }

    /// Returns the segments of the state before that the list goes on from; `None` for a whole list.
    pub const fn skipped(&self) -> Option<Skipped> {
        self.skipped
    }

    /// Adds keys for [`ListedSegment::encryption`] and [`SegmentListing::add_encrypted_init`], and gives their index.
    pub fn add_keys(&mut self, keys: SegmentKeys) -> u32 {
        self.keys.push(keys);
        u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds initialisation data for [`ListedSegment::init`] and gives its index.
    pub fn add_init(&mut self, init: Resource) -> u32 {
        self.add_encrypted_init(init, None)
    }

    /// Adds initialisation data that is encrypted with these keys, and gives its index.
    pub fn add_encrypted_init(&mut self, init: Resource, keys: Option<u32>) -> u32 {
        self.inits.push((init, keys));
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
        // The start of a segment with an absolute time is its name: no two are equal.
        let after = self.entries.back().filter(|last| matches!(last.mapping, TimestampMapping::Offset(_)));
        let start = after.map_or(segment.start, |last| segment.start.max(last.start.shifted(1)));
        self.text.push_str(segment.uri);
        self.entries.push_back(Entry {
            start,
            duration: segment.duration,
            uri_start,
            uri_end,
            range: segment.range,
            init: segment.init,
            keys: segment.encryption,
            mapping: segment.mapping,
            gap: segment.gap,
            program_date_time: segment.program_date_time,
            bitrate_kbps: segment.bitrate_bps.map_or(0, |bits| u32::try_from(bits / 1000).unwrap_or(u32::MAX)),
        });
        true
    }

    /// Adds a partial segment after those added before. False, and nothing happens, when its address cannot be resolved
    /// or the list is full.
    pub fn push_part(&mut self, part: &ListedPart<'_>) -> bool {
        if !self.resolvable(part.uri) {
            return false;
        }
        let Ok(uri_start) = u32::try_from(self.text.len()) else { return false };
        let Ok(uri_end) = u32::try_from(self.text.len() + part.uri.len()) else { return false };
        self.text.push_str(part.uri);
        self.parts.push(PartEntry {
            sequence: part.sequence,
            index: part.index,
            start: part.start,
            duration: part.duration,
            uri_start,
            uri_end,
            range: part.range,
            init: part.init,
            keys: part.encryption,
            mapping: part.mapping,
            gap: part.gap,
            traits: part.traits,
        });
        true
    }

    /// Returns what a merge added to the media sequence numbers that the server gives; wraps.
    pub(super) const fn sequence_shift(&self) -> u64 {
        self.alignment.sequence
    }

    /// Returns what a merge added to the starts, in nanoseconds.
    pub(super) const fn start_shift(&self) -> i64 {
        self.alignment.start
    }

    /// Returns the partial segment at a place among the parts.
    pub(super) fn part(&self, at: usize) -> Option<SegmentRef> {
        let part = self.parts.get(at)?;
        let id = |part: &PartEntry| {
            // An answer that goes on to the end of the segment leaves nothing of it to fetch.
            self.alignment.moved(match part.traits.is_rest {
                true => SegmentId::Sequence(part.sequence),
                false => SegmentId::Part { sequence: part.sequence, part: part.index },
            })
        };
        let before = at.checked_sub(1).and_then(|before| self.parts.get(before));
        let follows = |before: &&PartEntry| match part.index.checked_sub(1) {
            Some(index) => (before.sequence, before.index) == (part.sequence, index),
            None => before.sequence.wrapping_add(1) == part.sequence,
        };
        let previous = before.filter(follows).map(id).or_else(|| {
            let sequence = part.sequence.checked_sub(1).filter(|_| part.index == 0)?;
            Some(self.alignment.moved(SegmentId::Sequence(sequence)))
        });
        let init = part.init.and_then(|init| self.inits.get(init as usize));
        Some(SegmentRef {
            id: id(part),
            previous,
            start: part.start.shifted(self.alignment.start),
            duration: part.duration,
            resource: Resource { urls: self.addresses(part.uri_start, part.uri_end)?, range: part.range },
            init: init.map(|(resource, _)| resource.clone()),
            mapping: self.moved_mapping(part.mapping),
            gap: part.gap,
            size: part.range.and_then(|range| range.length),
            encryption: self.encryption_of(part.sequence, part.keys, init.and_then(|(_, keys)| *keys)),
            program_date_time: None,
            part: Some(part.traits),
        })
    }

    /// Resolves an address of the text against each base.
    fn addresses(&self, start: u32, end: u32) -> Option<Vec<Url>> {
        let uri = self.text.get(start as usize..end as usize)?;
        let mut urls: Vec<Url> = Vec::with_capacity(self.bases.len());
        for url in
            self.bases.iter().filter_map(|base| if uri.is_empty() { Some(base.clone()) } else { base.join(uri).ok() })
        {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        Some(urls)
    }

    /// Only what may hold a scheme or an authority can fail to resolve (WHATWG URL, "relative state").
    fn resolvable(&self, uri: &str) -> bool {
        let plain = !uri.starts_with("//") && !uri.bytes().any(|byte| byte <= b' ' || matches!(byte, b':' | b'\\'));
        let base_is_plain = self.bases.first().is_some_and(|base| !base.cannot_be_a_base());
        (plain && base_is_plain) || self.bases.iter().any(|base| base.join(uri).is_ok())
    }

    /// Returns the number of segments.
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
        Some((entry.start.shifted(self.alignment.start), entry.duration))
    }

    /// Name of the segment at `index`: its media sequence number if its time is relative to its discontinuity, else
    /// its start.
    pub fn id(&self, index: u64) -> Option<SegmentId> {
        let entry = self.entries.get(usize::try_from(index).ok()?)?;
        Some(match entry.mapping {
            TimestampMapping::Discontinuity(_) => SegmentId::Sequence(self.sequence(index)),
            TimestampMapping::Offset(_) => SegmentId::Time(entry.start.shifted(self.alignment.start)),
        })
    }

    /// Adds to all segments.
    pub(super) const fn shift(&mut self, by: Alignment) {
        let Alignment { start, discontinuity, sequence } = self.alignment;
        self.alignment = Alignment {
            start: start.saturating_add(by.start),
            discontinuity: discontinuity.wrapping_add(by.discontinuity),
            sequence: sequence.wrapping_add(by.sequence),
        };
    }

    /// True if the segment at `index` is announced as missing.
    pub(super) fn is_gap(&self, index: u64) -> bool {
        self.entry(index).is_some_and(|entry| entry.gap)
    }

    /// Returns the declared wall-clock time of the segment at `index`.
    pub(super) fn date_at(&self, index: u64) -> Option<WallClock> {
        self.entry(index)?.program_date_time
    }

    pub(super) fn mapping_at(&self, index: u64) -> Option<TimestampMapping> {
        self.entry(index).map(|entry| self.mapping(entry))
    }

    /// True if two segments have the same address but for its query, which may hold a token, and the same range.
    /// Addresses are compared as written: bases may differ.
    pub(super) fn same_address(&self, index: u64, other: &Self, other_index: u64) -> bool {
        let (Some(own), Some(found)) = (self.entry(index), other.entry(other_index)) else { return false };
        own.range == found.range && self.path(own) == other.path(found)
    }

    /// Address of a segment as written, without its query.
    pub(super) fn path(&self, entry: &Entry) -> &str {
        let uri = self.text.get(entry.uri_start as usize..entry.uri_end as usize).unwrap_or_default();
        uri.split('?').next().unwrap_or_default()
    }

    pub(super) fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(index).ok()?)
    }

    fn sequence(&self, index: u64) -> u64 {
        self.first_sequence.wrapping_add(self.alignment.sequence).wrapping_add(index)
    }

    fn mapping(&self, entry: &Entry) -> TimestampMapping {
        self.moved_mapping(entry.mapping)
    }

    const fn moved_mapping(&self, mapping: TimestampMapping) -> TimestampMapping {
        match mapping {
            TimestampMapping::Discontinuity(number) => {
                TimestampMapping::Discontinuity(number.wrapping_add(self.alignment.discontinuity))
            }
            offset @ TimestampMapping::Offset(_) => offset,
        }
    }

    /// Returns the size of the segment at `index` in bytes, declared or estimated from its declared rate.
    pub fn size(&self, index: u64) -> Option<u64> {
        self.entries.get(usize::try_from(index).ok()?)?.size()
    }

    /// Estimates the memory of the list: its entries, the text of its addresses, and what the segments share.
    pub(crate) fn bytes(&self) -> u64 {
        let bases: usize = self.bases.iter().map(|base| size_of::<Url>() + base.as_str().len()).sum();
        let parts = self.parts.len() * size_of::<PartEntry>();
        let entries = self.entries.len() * size_of::<Entry>() + parts + self.text.len();
        (size_of::<Self>() + bases + entries + self.inits.len() * size_of::<(Resource, Option<u32>)>()) as u64
    }

    fn encryption(&self, index: u64, media: Option<u32>, init: Option<u32>) -> Option<SegmentEncryption> {
        self.encryption_of(self.first_sequence.saturating_add(index), media, init)
    }

    /// `sequence` is the media sequence number as the server counts: it may be the initialisation vector.
    fn encryption_of(&self, sequence: u64, media: Option<u32>, init: Option<u32>) -> Option<SegmentEncryption> {
        let keys = |keys: Option<u32>| keys.and_then(|at| self.keys.get(at as usize)).cloned().unwrap_or_default();
        let (media, init) = (keys(media), keys(init));
        let encrypted = !media.is_empty() || !init.is_empty();
        encrypted.then_some(SegmentEncryption { media, init, sequence })
    }

    /// The segment at `index`, counted from zero.
    pub fn get(&self, index: u64) -> Option<SegmentRef> {
        let entry = self.entries.get(usize::try_from(index).ok()?)?;
        let urls = self.addresses(entry.uri_start, entry.uri_end)?;
        let init = entry.init.and_then(|init| self.inits.get(init as usize));
        let previous = match (self.id(index)?, index.checked_sub(1)) {
            (SegmentId::Sequence(number), _) => number.checked_sub(1).map(SegmentId::Sequence),
            (SegmentId::Time(_) | SegmentId::Part { .. }, before) => before.and_then(|before| self.id(before)),
        };
        Some(SegmentRef {
            id: self.id(index)?,
            previous,
            start: entry.start.shifted(self.alignment.start),
            duration: entry.duration,
            resource: Resource { urls, range: entry.range },
            init: init.map(|(resource, _)| resource.clone()),
            mapping: self.mapping(entry),
            gap: entry.gap,
            size: entry.size(),
            encryption: self.encryption(index, entry.keys, init.and_then(|(_, keys)| *keys)),
            program_date_time: entry.program_date_time,
            part: None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::drm::{KeySystem, SegmentCipherMode};
    use crate::model::{EncryptionMethod, KeySource, SegmentKey};

    fn segment(uri: &str) -> ListedSegment<'_> {
        ListedSegment {
            start: MediaTime::ZERO,
            duration: Duration::from_secs(2),
            uri,
            range: None,
            init: None,
            mapping: TimestampMapping::Discontinuity(3),
            gap: false,
            encryption: None,
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
        assert_eq!(list.get(2), None);
    }

    #[test]
    fn keys_belong_to_segments_and_to_initialisation_data() {
        let key = SegmentKey {
            method: EncryptionMethod::Segment(SegmentCipherMode::Aes128Cbc),
            system: KeySystem::Identity,
            source: KeySource::Opaque,
            iv: None,
            key_id: None,
        };
        let mut list = SegmentListing::new(vec!["http://a/".parse().unwrap()]).numbered_from(7);
        let keys = list.add_keys(vec![key].into());
        let init = list.add_init(Resource::new("http://a/i".parse().unwrap()));
        let locked = list.add_encrypted_init(Resource::new("http://a/i".parse().unwrap()), Some(keys));
        list.push(&ListedSegment { init: Some(init), ..segment("0") });
        list.push(&ListedSegment { init: Some(init), encryption: Some(keys), ..segment("1") });
        list.push(&ListedSegment { init: Some(locked), ..segment("2") });
        assert_eq!(list.get(0).unwrap().encryption, None);
        let one = list.get(1).unwrap().encryption.unwrap();
        assert_eq!((one.media.len(), one.init.len(), one.sequence), (1, 0, 8));
        assert_eq!(one.media[0].vector(one.sequence)[15], 8);
        let two = list.get(2).unwrap().encryption.unwrap();
        assert_eq!((two.media.len(), two.init.len()), (0, 1));
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
        let mut list = SegmentListing::new(vec!["http://a/x/".parse().unwrap()]);
        let empty = list.bytes();
        assert!(list.push(&segment("s.ts")) && list.push(&segment("second.ts")));
        assert_eq!(list.bytes() - empty, (2 * size_of::<Entry>() + "s.tssecond.ts".len()) as u64);
    }
}
