//! Places a live playlist that is read for the first time on the timeline of one that is known: the two begin anywhere.

use super::listing::Alignment;
use super::{SegmentList, TimestampMapping};
use crate::time::{MediaTime, WallClock};

/// A list that has just been read ends at most this many segments before another one that grows.
const MOST_BEHIND: u32 = 6;
/// Number of segments by which discontinuity numbers are compared.
const COMPARED: usize = 64;

impl SegmentList {
    /// Moves this list of relative times to where `known` has the same content. Dates that both declare decide, or the
    /// wall-clock times `dates` of the beginning of this list and of presentation time zero. Else equal media sequence
    /// numbers name the same content, as encoders of variants count alike; else both lists end at the same time. What
    /// would make the lists have no time in common is passed over for the next, as long as there is one.
    ///
    /// Discontinuities are numbered as those of `known` at the same time.
    pub fn place_like(&mut self, known: &Self, dates: Option<(WallClock, WallClock)>) {
        let (Some(start), Some(end)) = (self.start(), self.end()) else { return };
        let Some(known_end) = known.end() else { return };
        let by_dates = dates.map(|(own, epoch)| own.as_unix_nanos().saturating_sub(epoch.as_unix_nanos()));
        let by_dates = by_dates.map(|at| at.saturating_sub(start.as_nanos()));
        let ways = [self.apart_by_dates(known), by_dates, self.apart_by_numbers(known)];
        let overlaps = |by: &i64| {
            let (start, end) = (start.shifted(*by), end.shifted(*by));
            known.start().is_some_and(|known_start| start < known_end && end > known_start)
        };
        let first = ways.iter().flatten().copied().find(overlaps);
        let start = first.or_else(|| ways.into_iter().flatten().next()).unwrap_or_else(|| known_end.nanos_from(end));
        self.shift(Alignment { start, ..Alignment::default() });
        if let Some(discontinuity) = self.discontinuities_apart(known) {
            self.shift(Alignment { discontinuity, ..Alignment::default() });
        }
    }

    /// Nanoseconds to where `known` has the last date of this list, counted from its last date before.
    fn apart_by_dates(&self, known: &Self) -> Option<i64> {
        let (own, date) = self.last_date()?;
        let (time, before) = known.last_date_until(date).or_else(|| known.last_date())?;
        Some(time.shifted(date.as_unix_nanos().checked_sub(before.as_unix_nanos())?).nanos_from(own))
    }

    /// Nanoseconds to where `known` has the same media sequence number. Numbers that put the end of this list, which has
    /// just been read, far before that of `known` count something else.
    fn apart_by_numbers(&self, known: &Self) -> Option<i64> {
        let (first, known_first) = self.first_number().zip(known.first_number())?;
        let common = first.max(known_first);
        let at = |list: &Self, from: u64| list.span(common - from).map(|(start, _)| start);
        let apart = at(known, known_first)?.nanos_from(at(self, first)?);
        let (_, length) = self.span(self.len().checked_sub(1)?)?;
        let is_plausible = self.end()?.shifted(apart) + length * MOST_BEHIND >= known.end()?;
        is_plausible.then_some(apart)
    }

    /// Returns the difference of the discontinuity numbers of both lists at equal times: that of most segments, because
    /// boundaries of different media are not at the same instant. A list that shows no discontinuity may have none where
    /// the other does; what comes next counts then.
    fn discontinuities_apart(&self, known: &Self) -> Option<u64> {
        let number = |mapping| if let TimestampMapping::Discontinuity(number) = mapping { Some(number) } else { None };
        let (known_start, known_end) = known.start().zip(known.end())?;
        let mut found: Vec<(u64, u32)> = Vec::new();
        for at in (0..self.len()).rev().take(COMPARED) {
            let (start, length) = self.span(at)?;
            let (middle, last) = (start + length / 2, (start + length).min(known_end).shifted(-1));
            let time = if middle < known_end { middle } else { last };
            if time < known_start || time < start {
                continue;
            }
            let Some(other) = known.at(time).and_then(|at| known.mapping_at(at)).and_then(number) else { continue };
            let own = self.mapping_at(at).and_then(number)?;
            let apart = other.wrapping_sub(own);
            match found.iter_mut().find(|(known, _)| *known == apart) {
                Some((_, count)) => *count += 1,
                None => found.push((apart, 1)),
            }
        }
        let own = |at: Option<u64>| self.mapping_at(at?);
        if own(Some(0)) == own(self.len().checked_sub(1)) {
            return found.first().map(|(apart, _)| *apart);
        }
        // Of equal counts the one nearest to the end, which was found first.
        found.into_iter().rev().max_by_key(|(_, count)| *count).map(|(apart, _)| apart)
    }

    fn mapping_at(&self, at: u64) -> Option<TimestampMapping> {
        match self {
            Self::Listed(listing) => listing.mapping_at(at),
            Self::Explicit(_) | Self::Template(_) => self.get(at).map(|segment| segment.mapping),
        }
    }

    /// Returns the start of the last segment whose declared date is not after `date`, and its date.
    fn last_date_until(&self, date: WallClock) -> Option<(MediaTime, WallClock)> {
        let Self::Listed(listing) = self else { return None };
        (0..self.len()).rev().find_map(|at| {
            let found = listing.date_at(at).filter(|found| found.as_unix_nanos() <= date.as_unix_nanos())?;
            Some((self.span(at)?.0, found))
        })
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
                program_date_time: None,
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

    /// The same, whose segment at `dated` has a date.
    fn dated(list: SegmentList, dated: u64, millis: i64) -> SegmentList {
        let SegmentList::Listed(mut listing) = list else { unreachable!("what `list` makes") };
        let at = usize::try_from(dated).unwrap();
        listing.entries[at].program_date_time = Some(WallClock::from_unix_nanos(millis * 1_000_000));
        SegmentList::Listed(listing)
    }

    #[test]
    fn the_last_date_is_found_with_its_segment() {
        let found = dated(list(0, 2000, 4, 9, 0), 1, 5000).last_date();
        assert_eq!(found, Some((MediaTime::from_millis(2000), WallClock::from_unix_nanos(5_000_000_000))));
    }

    #[test]
    fn dates_of_both_lists_decide_whatever_their_numbers() {
        let known = dated(dated(list(100, 2000, 6, 3, 7), 1, 50_000), 4, 56_500);
        let audio = |date| dated(list(9, 1920, 4, 9, 0), 1, date);
        assert_eq!(placed(audio(53_000), &known, None), (5000 - 1920, 8), "3 s after the first date of the video");
        assert_eq!(
            placed(audio(57_500), &known, None),
            (9000 - 1920, 8),
            "the second date has a gap of 0.5 s before it"
        );
        assert_eq!(placed(audio(900_000), &known, None).0, 851_500 - 1920, "read a quarter of an hour later");
    }

    #[test]
    fn numbers_that_count_something_else_are_passed_over() {
        let known = list(1000, 2000, 30, 90, 3);
        assert_eq!(placed(list(1000, 2000, 4, 90, 0), &known, None), (60_000 - 8000, 3), "they would end 52 s apart");
        assert_eq!(placed(list(1024, 2000, 4, 90, 0), &known, None), (48_000, 3), "two segments behind");
    }

    #[test]
    fn discontinuities_get_the_number_of_most_segments() {
        let known = list(0, 2000, 10, 5, 40);
        // Segments of this audio begin 0.9 s later than those of the video, and so does its discontinuity.
        let mut audio = list(0, 2000, 10, 5, 0);
        audio.place_like(&known, Some((WallClock::from_unix_nanos(900_000_000), WallClock::from_unix_nanos(0))));
        let number = |list: &SegmentList, at| list.get(at).unwrap().mapping;
        for at in 0..10 {
            assert_eq!(number(&audio, at), number(&known, at), "{at}");
        }
    }
}
