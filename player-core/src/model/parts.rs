//! Partial segments of a listing (RFC 8216bis §4.4.4.9): those of its last segments, those of the segment that is being
//! written, and the one that is announced next (§4.4.5.3).

use std::time::Duration;

use super::listing::SegmentListing;
use super::part_entry::PartEntry;
use super::{SegmentId, SegmentList, SegmentRef};
use crate::time::MediaTime;

impl SegmentListing {
    /// Position among the parts of the first one with this name or a later one.
    fn part_position(&self, sequence: u64, index: u32) -> usize {
        let shift = self.sequence_shift();
        self.parts.partition_point(|part| (part.sequence.wrapping_add(shift), part.index) < (sequence, index))
    }

    fn part_named(&self, sequence: u64, index: u32) -> Option<usize> {
        let at = self.part_position(sequence, index);
        let shift = self.sequence_shift();
        let part = self.parts.get(at)?;
        (part.sequence.wrapping_add(shift) == sequence && part.index == index).then_some(at)
    }

    /// Returns the first listed or announced part of a segment.
    fn first_part(&self, sequence: u64) -> Option<SegmentRef> {
        self.part_named(sequence, 0).and_then(|at| self.part(at))
    }

    /// Returns the segment after a partial one: the next part of the same segment, or what follows that segment.
    fn after_part(&self, sequence: u64, index: u32) -> Option<SegmentRef> {
        if let Some(next) = self.part_named(sequence, index + 1) {
            return self.part(next);
        }
        // The segment is complete, and that was its last part.
        let complete = self.segment_position(sequence)?;
        self.part_named(sequence, index)?;
        self.get(complete + 1).or_else(|| self.first_part(sequence.wrapping_add(1)))
    }

    /// Returns true for the segment that is being written.
    fn is_open_segment(&self, sequence: u64) -> bool {
        let SegmentId::Sequence(first) = self.id(0).unwrap_or(SegmentId::Sequence(u64::MAX)) else { return false };
        self.is_open() && sequence.wrapping_sub(first) == self.len() as u64
    }

    /// Returns what follows the last whole segment, `sequence`.
    fn after_last(&self, sequence: u64) -> Option<SegmentRef> {
        self.first_part(sequence.wrapping_add(1))
    }

    fn segment_position(&self, sequence: u64) -> Option<u64> {
        let SegmentId::Sequence(first) = self.id(0)? else { return None };
        Some(sequence.wrapping_sub(first)).filter(|position| *position < self.len() as u64)
    }

    /// Returns the part from which on `time` can be decoded: the last independent one that begins at or before it and
    /// is listed. Nothing is decoded across parts that are missing: the part that holds `time` is returned then, be it
    /// missing itself. `None` if `time` is not in the listed parts.
    fn part_holding(&self, time: MediaTime) -> Option<SegmentRef> {
        let time = time.shifted(self.start_shift().saturating_neg());
        let listed = self.parts.iter().filter(|part| !part.traits.is_hinted);
        let end = listed.clone().next_back()?.end();
        if time >= end || self.parts.first().is_none_or(|first| first.start > time) {
            return None;
        }
        let holding = self.parts.iter().rposition(|part| !part.traits.is_hinted && part.start <= time)?;
        let mut before = self.parts.iter().take(holding + 1);
        let at = before.rposition(|part| part.gap || (part.traits.independent && !part.traits.is_hinted))?;
        self.part(if self.parts.get(at)?.gap { holding } else { at })
    }

    /// End of the last listed part; `None` without any.
    fn parts_end(&self) -> Option<MediaTime> {
        let last = self.parts.iter().rev().find(|part| !part.traits.is_hinted)?;
        Some(last.end().shifted(self.start_shift()))
    }

    /// Maximum distance of the starts of independent parts, as far as they are listed.
    fn independent_span(&self) -> Option<Duration> {
        let mut starts = self.parts.iter().filter(|part| part.traits.independent).map(|part| part.start);
        let mut before = starts.next()?;
        let mut most = Duration::ZERO;
        for start in starts.chain(self.parts.last().map(PartEntry::end)) {
            most = most.max(start.since(before));
            before = start;
        }
        Some(most)
    }
}

impl SegmentList {
    /// Returns the segment or part after a named one of this list; `None` if the list does not hold that, or nothing
    /// follows it yet.
    pub fn after(&self, id: SegmentId) -> Option<SegmentRef> {
        match (self, id) {
            (Self::Listed(listing), SegmentId::Part { sequence, part }) => listing.after_part(sequence, part),
            (Self::Listed(listing), SegmentId::Sequence(sequence)) => {
                let next = self.position(id).and_then(|at| self.get(at + 1));
                next.or_else(|| listing.after_last(sequence))
            }
            _ => self.position(id).and_then(|at| self.get(at + 1)),
        }
    }

    /// Returns true if the list holds a segment or part with this name.
    pub fn holds(&self, id: SegmentId) -> bool {
        match (self, id) {
            (Self::Listed(listing), SegmentId::Part { sequence, part }) => listing.part_named(sequence, part).is_some(),
            (Self::Listed(listing), SegmentId::Sequence(sequence)) => {
                self.position(id).is_some() || listing.is_open_segment(sequence)
            }
            _ => self.position(id).is_some(),
        }
    }

    /// Returns the part from which on `time` can be decoded, for a time that no whole segment of the list holds.
    pub fn part_at(&self, time: MediaTime) -> Option<SegmentRef> {
        match self {
            Self::Listed(listing) => listing.part_holding(time),
            Self::Explicit(_) | Self::Template(_) => None,
        }
    }

    /// Returns the end of what is listed, parts included and hints not.
    pub fn listed_end(&self) -> Option<MediaTime> {
        let parts = match self {
            Self::Listed(listing) => listing.parts_end(),
            Self::Explicit(_) | Self::Template(_) => None,
        };
        self.end().max(parts)
    }

    /// Returns true if the list has parts.
    pub fn has_parts(&self) -> bool {
        matches!(self, Self::Listed(listing) if !listing.parts.is_empty())
    }

    /// Returns the maximum distance between parts with which decoding can begin; `None` without any.
    pub fn independent_span(&self) -> Option<Duration> {
        match self {
            Self::Listed(listing) => listing.independent_span(),
            Self::Explicit(_) | Self::Template(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::{ListedPart, ListedSegment, PartTraits, TimestampMapping};

    fn ms(value: i64) -> MediaTime {
        MediaTime::from_millis(value)
    }

    /// Segments 10 and 11 of two seconds; parts of half a second for 11, two of 12, and the hint for its third.
    fn list() -> SegmentList {
        let mut listing = SegmentListing::new(vec!["http://h/".parse().unwrap()]).numbered_from(10);
        for at in 0..2 {
            listing.push(&ListedSegment {
                start: ms(at * 2000),
                duration: Duration::from_secs(2),
                uri: "s",
                range: None,
                init: None,
                mapping: TimestampMapping::Discontinuity(0),
                gap: false,
                encryption: None,
                program_date_time: None,
                bitrate_bps: None,
            });
        }
        for number in 0..7_u32 {
            let (sequence, index) = (11 + u64::from(number / 4), number % 4);
            listing.push_part(&ListedPart {
                sequence,
                index,
                start: ms(2000 + i64::from(number) * 500),
                duration: Duration::from_millis(500),
                uri: &format!("p{sequence}.{index}"),
                range: None,
                init: None,
                mapping: TimestampMapping::Discontinuity(0),
                gap: false,
                encryption: None,
                traits: PartTraits { independent: index == 0, is_hinted: number == 6, is_rest: false },
            });
        }
        SegmentList::Listed(Box::new(listing))
    }

    const fn part(sequence: u64, part: u32) -> SegmentId {
        SegmentId::Part { sequence, part }
    }

    #[test]
    fn parts_follow_whole_segments_and_each_other_up_to_the_hint() {
        let list = list();
        let after = |id| list.after(id).map(|segment| segment.id);
        assert_eq!(after(SegmentId::Sequence(10)), Some(SegmentId::Sequence(11)), "complete segments are taken whole");
        assert_eq!(after(SegmentId::Sequence(11)), Some(part(12, 0)));
        assert_eq!([after(part(11, 0)), after(part(11, 3))], [Some(part(11, 1)), Some(part(12, 0))]);
        assert_eq!([after(part(12, 1)), after(part(12, 2))], [Some(part(12, 2)), None]);
        assert_eq!(after(part(9, 0)), None);
        let hint = list.after(part(12, 1)).unwrap();
        assert!(hint.part.unwrap().is_hinted && !list.after(part(12, 0)).unwrap().part.unwrap().is_hinted);
        assert_eq!(hint.resource.urls[0].as_str(), "http://h/p12.2");
        assert_eq!((hint.start, hint.previous), (ms(5000), Some(part(12, 1))));
        assert_eq!(list.after(SegmentId::Sequence(11)).unwrap().previous, Some(part(11, 3)));
    }

    #[test]
    fn nothing_is_decoded_across_a_missing_part() {
        let SegmentList::Listed(mut listing) = list() else { unreachable!("what `list` makes") };
        listing.parts[1].gap = true;
        let list = SegmentList::Listed(listing);
        let holding = |time| list.part_at(ms(time)).map(|segment| (segment.id, segment.gap));
        assert_eq!(holding(2400), Some((part(11, 0), false)));
        assert_eq!(holding(2500), Some((part(11, 1), true)), "it is missing");
        assert_eq!(holding(3600), Some((part(11, 3), false)), "what goes on behind it");
        assert_eq!(holding(4600), Some((part(12, 0), false)));
    }

    #[test]
    fn a_time_at_the_end_is_decoded_from_an_independent_part() {
        let list = list();
        let holding = |time| list.part_at(ms(time)).map(|segment| segment.id);
        assert_eq!(
            [holding(4900), holding(4000), holding(3999)],
            [Some(part(12, 0)), Some(part(12, 0)), Some(part(11, 0))]
        );
        assert_eq!([holding(1999), holding(5000)], [None, None], "before the parts, and where only the hint is");
        assert_eq!((list.listed_end(), list.end()), (Some(ms(5000)), Some(ms(4000))));
        assert!(list.holds(part(12, 1)) && !list.holds(part(12, 3)) && list.holds(SegmentId::Sequence(10)));
        assert_eq!(list.independent_span(), Some(Duration::from_secs(2)));
    }
}
