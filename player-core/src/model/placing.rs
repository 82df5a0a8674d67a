//! Places a live playlist that is read for the first time on the timeline of one that is known: the two begin anywhere.

use super::listing::Alignment;
use super::{SegmentId, SegmentList, TimestampMapping};
use crate::time::{MediaTime, WallClock};

impl SegmentList {
    /// Moves this list of relative times to where `known` has the same content. `dates` are the wall-clock times of the
    /// beginning of this list, and of presentation time zero, if both are declared: they decide. Else equal media
    /// sequence numbers name the same content, as encoders of variants count alike; else both lists end at the same time.
    ///
    /// Discontinuities are numbered as those of `known` at the same time.
    pub fn place_like(&mut self, known: &Self, dates: Option<(WallClock, WallClock)>) {
        let (Some(start), Some(end)) = (self.start(), self.end()) else { return };
        let Some(known_end) = known.end() else { return };
        let by_dates = dates.map(|(own, epoch)| own.as_unix_nanos().saturating_sub(epoch.as_unix_nanos()));
        let by_dates = by_dates.map(|at| at.saturating_sub(start.as_nanos()));
        let by_number = || {
            let SegmentId::Sequence(first) = self.id(0)? else { return None };
            let SegmentId::Sequence(known_first) = known.id(0)? else { return None };
            let common = first.max(known_first);
            let at = |list: &Self, from: u64| list.span(common - from).map(|(start, _)| start);
            Some(at(known, known_first)?.nanos_from(at(self, first)?))
        };
        let start = by_dates.or_else(by_number).unwrap_or_else(|| known_end.nanos_from(end));
        self.shift(Alignment { start, ..Alignment::default() });
        let Some(shared) = self.shared_time(known) else { return };
        let number = |list: &Self| {
            let segment = list.at(shared).and_then(|at| list.get(at))?;
            match segment.mapping {
                TimestampMapping::Discontinuity(number) => Some(number),
                TimestampMapping::Offset(_) => None,
            }
        };
        if let (Some(known), Some(own)) = (number(known), number(self)) {
            self.shift(Alignment { discontinuity: known.wrapping_sub(own), ..Alignment::default() });
        }
    }

    /// Returns a time in the middle of the last segment that begins before the end of both lists.
    fn shared_time(&self, other: &Self) -> Option<MediaTime> {
        let end = self.end()?.min(other.end()?);
        let before = end.shifted(-1);
        let (start, duration) = self.span(self.at(before)?)?;
        let time = start + duration / 2;
        (time >= other.start()? && time < end).then_some(time).or_else(|| (before >= other.start()?).then_some(before))
    }

    /// Returns the last segment's start with a declared date, and that date.
    pub fn last_date(&self) -> Option<(MediaTime, WallClock)> {
        (0..self.len()).rev().take(1000).find_map(|at| {
            let date = match self {
                Self::Listed(listing) => listing.date_at(at),
                Self::Explicit(_) | Self::Template(_) => self.get(at)?.program_date_time,
            };
            Some((self.span(at)?.0, date?))
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use super::*;
    use crate::model::{ListedSegment, SegmentListing};

    /// Segments of `millis` each, numbered from `first`, with a discontinuity before the one at `boundary`.
    fn list(first: u64, millis: i64, count: u64, boundary: u64, discontinuity: u64) -> SegmentList {
        let mut listing = SegmentListing::new(vec!["http://h/".parse().unwrap()]).numbered_from(first);
        for at in 0..count {
            listing.push(&ListedSegment {
                start: MediaTime::from_millis(at as i64 * millis),
                duration: Duration::from_millis(millis as u64),
                uri: "s",
                range: None,
                init: None,
                mapping: TimestampMapping::Discontinuity(discontinuity + u64::from(at >= boundary)),
                gap: false,
                encryption: None,
                program_date_time: (at == 1).then_some(WallClock::from_unix_nanos(5_000_000_000)),
                bitrate_bps: None,
            });
        }
        SegmentList::Listed(Box::new(listing))
    }

    fn placed(mut list: SegmentList, known: &SegmentList, dates: Option<(i64, i64)>) -> (i64, u64) {
        let utc = |millis: i64| WallClock::from_unix_nanos(millis * 1_000_000);
        list.place_like(known, dates.map(|(own, epoch)| (utc(own), utc(epoch))));
        let last = list.get(list.len() - 1).unwrap();
        let TimestampMapping::Discontinuity(number) = last.mapping else { unreachable!("what `list` makes") };
        (list.start().unwrap().as_nanos() / 1_000_000, number)
    }

    #[test]
    fn dates_decide_then_numbers_then_the_end() {
        let known = list(100, 2000, 6, 3, 7);
        assert_eq!(placed(list(102, 2000, 4, 9, 0), &known, Some((3500, 0))), (3500, 8), "3.5 s after the known start");
        assert_eq!(placed(list(102, 2000, 5, 9, 0), &known, None), (4000, 8), "number 102");
        assert_eq!(placed(list(98, 2000, 6, 9, 3), &known, None), (-4000, 8), "it began two segments before");
        assert_eq!(placed(list(5000, 1000, 4, 9, 0), &known, None), (8000, 8), "they end together");
        assert_eq!(placed(list(100, 2000, 3, 9, 7), &known, None), (0, 7));
    }

    #[test]
    fn the_last_date_is_found_with_its_segment() {
        let found = list(0, 2000, 4, 9, 0).last_date();
        assert_eq!(found, Some((MediaTime::from_millis(2000), WallClock::from_unix_nanos(5_000_000_000))));
    }
}
