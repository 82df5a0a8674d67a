//! A list that is read again is merged with what was known: segments keep their names, and what has changed is
//! counted. Pure; when a list is read again is decided elsewhere.

use std::time::Duration;

use super::index::SAME_TIME;
use super::listing::Alignment;
use super::{SegmentId, SegmentIndex, SegmentList, TimestampMapping};
use crate::time::MediaTime;

/// More pairs of segments than this are not compared.
const MOST_COMPARED: u64 = 100_000;

/// Dates of two states of a list that are further apart are not both right.
const FARTHEST_DATE: Duration = Duration::from_secs(48 * 3600);

/// Evidence by which segments of two lists are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agreement {
    /// Nothing was known before.
    #[default]
    First,
    /// By their names: media sequence numbers, or times.
    Names,
    /// By their addresses: the server counts media sequence numbers anew.
    Addresses,
    /// Not at all: the lists have no segment in common.
    Nothing,
    /// The newer list is an older state, as caches keep them: it was passed over.
    Older,
    /// The newer list leaves out segments that are not known: it was passed over.
    Misfit,
}

impl Agreement {
    /// Returns true if what was known stays as it was.
    pub const fn is_refused(self) -> bool {
        matches!(self, Self::Older | Self::Misfit)
    }
}

/// Differences of a list from the one that was known before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Evidence for the segments in common.
    pub agreement: Agreement,
    /// Segments that are new: after those known before, or in front of them.
    pub added: u64,
    /// Segments that are no longer listed, in front of the others.
    pub removed_in_front: u64,
    /// Segments that are no longer listed, at the end.
    pub removed_at_end: u64,
    /// Segments in both lists, or in the span of both, that differ in time, length, address or mark as missing.
    pub changed: u64,
    /// Segments in both lists that were not compared, because there are too many.
    pub not_compared: u64,
}

impl Changes {
    /// Returns true if the lists contradict each other.
    pub const fn disagree(&self) -> bool {
        self.changed > 0 || matches!(self.agreement, Agreement::Addresses | Agreement::Nothing)
    }
}

impl SegmentIndex {
    /// Takes a newer state of the same index. Segments of both keep their names, and segments of a list whose times are
    /// relative (HLS) their places on the timeline, whatever was removed in front of them. An index that must be fetched
    /// first takes nothing away from one that is known.
    ///
    /// Work is bounded by the number of segments that are written out, whatever number a rule makes; nothing is
    /// allocated for a segment.
    pub fn merge(&mut self, update: Self) -> Changes {
        match (&mut *self, update) {
            (Self::Known(known), Self::Known(update)) => known.merge(update),
            (Self::Known(_), Self::External(_)) => Changes { agreement: Agreement::Names, ..Changes::default() },
            (Self::External(_), mut update) => {
                if let Self::Known(SegmentList::Listed(listing)) = &mut update {
                    listing.forget_skipped();
                }
                let added = match &update {
                    Self::Known(list) => list.len(),
                    Self::External(_) => 0,
                };
                *self = update;
                Changes { added, ..Changes::default() }
            }
        }
    }
}

/// Segments that two lists have in common, as positions in each; one more than the last.
#[derive(Clone, Copy, Debug)]
struct Overlap {
    known: (u64, u64),
    update: (u64, u64),
}

impl SegmentList {
    /// Replaces the list with a newer state of it, aligned with what was known.
    fn merge(&mut self, mut update: Self) -> Changes {
        if let (Self::Listed(known), Self::Listed(listing)) = (&mut *self, &update)
            && listing.skipped().is_some()
        {
            let misfit = Changes { agreement: Agreement::Misfit, ..Changes::default() };
            return known.splice(listing).unwrap_or(misfit);
        }
        if self.is_open() && update.is_open() && update.is_empty() && !self.is_empty() {
            return Changes { agreement: Agreement::Older, ..Changes::default() };
        }
        if self.is_empty() || update.is_empty() {
            if let (Self::Listed(known), Self::Listed(listing)) = (&*self, &mut update) {
                listing.move_like(known);
            }
            let changes = Changes { added: update.len(), removed_in_front: self.len(), ..Changes::default() };
            *self = update;
            return changes;
        }
        let (agreement, overlap) = match (self.is_relative(), update.is_relative()) {
            (true, true) => self.align(&mut update),
            (false, false) => match self.overlap_in_time(&update) {
                // The window has slid past all that was known: that contradicts nothing.
                (_, None) if update.start().zip(self.end()).is_some_and(|(start, end)| start + SAME_TIME >= end) => {
                    (Agreement::Names, None)
                }
                found => found,
            },
            // Another kind of list has no names in common.
            (true, false) | (false, true) => (Agreement::Nothing, None),
        };
        if self.is_newer_than(&update, overlap) {
            return Changes { agreement: Agreement::Older, ..Changes::default() };
        }
        let changes = match overlap {
            Some(overlap) => self.compare(&update, overlap, agreement),
            None => Changes { agreement, added: update.len(), removed_in_front: self.len(), ..Changes::default() },
        };
        *self = update;
        changes
    }

    /// True if times count from the beginning of the list, not of the presentation.
    fn is_relative(&self) -> bool {
        matches!(self.id(0), Some(SegmentId::Sequence(_)))
    }

    /// Finds what lists with media sequence numbers have in common, and moves the update to where the known list has it.
    fn align(&self, update: &mut Self) -> (Agreement, Option<Overlap>) {
        let by_names = self.first_number().zip(update.first_number());
        let by_names = by_names.map(|(known, update)| i128::from(update) - i128::from(known));
        let by_names = by_names.filter(|offset| self.overlap_at(update, *offset).is_some());
        let agrees =
            |offset: &i128| self.overlap_at(update, *offset).is_some_and(|overlap| self.is_same(update, overlap));
        let (agreement, offset) = match by_names.filter(agrees) {
            Some(offset) => (Agreement::Names, Some(offset)),
            None => match self.offset_by_address(update) {
                Some(offset) => (Agreement::Addresses, Some(offset)),
                // Numbers count where addresses say nothing, as after a move to another server.
                None => (Agreement::Names, by_names),
            },
        };
        let Some(offset) = offset else {
            if self.align_by_date(update) {
                return (Agreement::Names, None);
            }
            if !self.is_newer_than(update, None) {
                self.append(update);
            }
            return (Agreement::Nothing, None);
        };
        let Some(overlap) = self.overlap_at(update, offset) else { return (Agreement::Nothing, None) };
        let at = |list: &Self, position| {
            let id = list.id(position);
            let sequence = id.map_or(0, |id| if let SegmentId::Sequence(number) = id { number } else { 0 });
            (list.span(position).map_or(MediaTime::ZERO, |(start, _)| start), list.discontinuity(position), sequence)
        };
        let (known, found) = (at(self, overlap.known.0), at(update, overlap.update.0));
        update.shift(Alignment {
            start: known.0.nanos_from(found.0),
            discontinuity: known.1.wrapping_sub(found.1),
            sequence: known.2.wrapping_sub(found.2),
        });
        (agreement, Some(overlap))
    }

    /// Returns the media sequence number of the first segment, as the server counts.
    pub(super) fn first_number(&self) -> Option<u64> {
        match (self, self.id(0)?) {
            (Self::Listed(listing), SegmentId::Sequence(_)) => Some(listing.raw_sequence()),
            (_, SegmentId::Sequence(number)) => Some(number),
            (_, SegmentId::Time(_) | SegmentId::Part { .. }) => None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Listed(listing) if listing.is_open())
    }

    /// Returns true if an update of a list that grows is an older state of it, as caches keep them: it ends earlier.
    /// With nothing in common dates tell it from a server that counts anew.
    fn is_newer_than(&self, update: &Self, overlap: Option<Overlap>) -> bool {
        if !self.is_open() || !update.is_open() {
            return false;
        }
        match overlap {
            Some(overlap) => overlap.known.1 < self.len(),
            None => self.last_date().zip(update.last_date()).is_some_and(|((_, known), (_, found))| {
                found.as_unix_nanos() < known.as_unix_nanos() && self.first_number() > update.first_number()
            }),
        }
    }

    /// Moves an update with other numbers to where the known list has the same dates: a redundant stream counts its segments
    /// from elsewhere (RFC 8216bis §7.1). Returns true if both declare dates and have time in common.
    fn align_by_date(&self, update: &mut Self) -> bool {
        let found = self.start_by_date(update).zip(update.start()).zip(self.start().zip(self.end()));
        let Some(((start, own), (known_start, known_end))) = found else { return false };
        let shift = start.nanos_from(own);
        let common = start.max(known_start);
        let half = update.span(0).map_or(Duration::ZERO, |(_, length)| length / 2);
        let probe = common + half;
        let places = self.at(probe).zip(update.at(probe.shifted(shift.saturating_neg())));
        let Some((at, other)) = places.filter(|_| probe < known_end) else { return false };
        let (Some(SegmentId::Sequence(known)), Some(SegmentId::Sequence(number))) = (self.id(at), update.id(other))
        else {
            return false;
        };
        update.shift(Alignment {
            start: shift,
            discontinuity: self.discontinuity(at).wrapping_sub(update.discontinuity(other)),
            sequence: known.wrapping_sub(number),
        });
        true
    }

    /// Moves an update that has nothing in common to the end of the known list, under numbers that were not used before.
    fn append(&self, update: &mut Self) {
        let last = self.len().saturating_sub(1);
        let (Some(SegmentId::Sequence(number)), Some(SegmentId::Sequence(first))) = (self.id(last), update.id(0))
        else {
            return;
        };
        let Some(known_first) = self.first_number() else { return };
        // Names of the known list may be others than the numbers of its server.
        let named = number.wrapping_sub(known_first.wrapping_add(last));
        let length = self.span(last).map_or(Duration::ZERO, |(_, length)| length);
        // What lies between is taken to be as long as the last segment.
        let missing = first.checked_sub(known_first.saturating_add(last)).and_then(|ahead| ahead.checked_sub(1));
        let between =
            missing.map_or(Duration::ZERO, |missing| length.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX)));
        let end = self.end().unwrap_or_default();
        let start = self.start_by_date(update).filter(|start| *start >= end).unwrap_or(end + between);
        update.shift(Alignment {
            start: start.nanos_from(update.start().unwrap_or_default()),
            discontinuity: self.discontinuity(last).wrapping_add(1).wrapping_sub(update.discontinuity(0)),
            // One number stays free: nothing of the update follows the known list for certain.
            sequence: if missing.is_some() { named } else { number.wrapping_add(2).wrapping_sub(first) },
        });
    }

    /// Returns the start of an update on the timeline of this list, if both declare dates that are not days apart.
    fn start_by_date(&self, update: &Self) -> Option<MediaTime> {
        let ((known, known_date), (found, date)) = self.last_date().zip(update.last_date())?;
        let apart = date.as_unix_nanos().checked_sub(known_date.as_unix_nanos())?;
        let is_near = i128::from(apart).unsigned_abs() < FARTHEST_DATE.as_nanos();
        let start = known.shifted(apart).shifted(update.start()?.nanos_from(found));
        is_near.then_some(start)
    }

    /// Returns the segments in common if the update begins `offset` segments after the known list.
    fn overlap_at(&self, update: &Self, offset: i128) -> Option<Overlap> {
        let (known, update) = (i128::from(self.len()), i128::from(update.len()));
        let (from, to) = (offset.max(0), known.min(offset + update));
        let position = |value: i128| u64::try_from(value).ok();
        let overlap = Overlap {
            known: (position(from)?, position(to)?),
            update: (position(from - offset)?, position(to - offset)?),
        };
        (from < to).then_some(overlap)
    }

    /// True if the first and the last segment in common have the same address in both.
    fn is_same(&self, update: &Self, overlap: Overlap) -> bool {
        self.same_address(overlap.known.0, update, overlap.update.0)
            && self.same_address(overlap.known.1 - 1, update, overlap.update.1 - 1)
    }

    /// Distance from the beginning of the known list to that of the update, by the addresses of segments.
    fn offset_by_address(&self, update: &Self) -> Option<i128> {
        let later = (0..self.len()).filter(|at| self.same_address(*at, update, 0)).map(i128::from);
        let earlier = (1..update.len()).filter(|at| self.same_address(0, update, *at)).map(|at| -i128::from(at));
        later
            .chain(earlier)
            .find(|offset| self.overlap_at(update, *offset).is_some_and(|found| self.is_same(update, found)))
    }

    fn same_address(&self, at: u64, other: &Self, other_at: u64) -> bool {
        match (self, other) {
            (Self::Listed(known), Self::Listed(update)) => known.same_address(at, update, other_at),
            // A rule gives the same media the same time, and its address may be numbered anew.
            (Self::Template(_), _) | (_, Self::Template(_)) => true,
            (Self::Explicit(_), _) | (_, Self::Explicit(_)) => {
                let resource = |list: &Self, at| list.get(at).map(|segment| segment.resource);
                resource(self, at) == resource(other, other_at)
            }
        }
    }

    fn overlap_in_time(&self, update: &Self) -> (Agreement, Option<Overlap>) {
        let span = |list: &Self| Some((list.start()?, list.end()?));
        let (Some((known, known_end)), Some((found, found_end))) = (span(self), span(update)) else {
            return (Agreement::Nothing, None);
        };
        let (from, to) = (known.max(found), known_end.min(found_end));
        let within = |list: &Self| {
            let first = list.partition(|start, _| start + SAME_TIME < from);
            let end = list.partition(|start, _| start + SAME_TIME < to);
            (first, end.max(first))
        };
        let overlap = Overlap { known: within(self), update: within(update) };
        if from + SAME_TIME < to { (Agreement::Names, Some(overlap)) } else { (Agreement::Nothing, None) }
    }

    /// Counts the differences of an update that is aligned.
    fn compare(&self, update: &Self, overlap: Overlap, agreement: Agreement) -> Changes {
        let Overlap { known, update: found } = overlap;
        let mut changes = Changes {
            agreement,
            added: found.0 + (update.len() - found.1),
            removed_in_front: known.0,
            removed_at_end: self.len() - known.1,
            ..Changes::default()
        };
        if self.is_same_rule(update) {
            return changes;
        }
        let (mut at, mut other) = (known.0, found.0);
        let mut compared = 0;
        while at < known.1 && other < found.1 {
            if compared == MOST_COMPARED {
                changes.not_compared = (known.1 - at).max(found.1 - other);
                return changes;
            }
            compared += 1;
            let (Some((start, length)), Some((begin, new_length))) = (self.span(at), update.span(other)) else { break };
            let apart = if agreement == Agreement::Names && !self.is_relative() { start.nanos_from(begin) } else { 0 };
            let tolerance = i64::try_from(SAME_TIME.as_nanos()).unwrap_or(i64::MAX);
            if apart.abs() > tolerance {
                changes.changed += 1;
                (at, other) = if apart < 0 { (at + 1, other) } else { (at, other + 1) };
                continue;
            }
            // The last segment of a period is cut off at its end, once that is known.
            let is_cut = at + 1 == self.len() && new_length < length && update.ends_at(begin + new_length);
            let differs = (length.abs_diff(new_length) > SAME_TIME && !is_cut)
                || self.is_gap(at) != update.is_gap(other)
                || !self.same_address(at, update, other);
            changes.changed += u64::from(differs);
            (at, other) = (at + 1, other + 1);
        }
        changes.changed += (known.1 - at).max(found.1 - other);
        changes
    }

    /// True if both make segments of equal length at the same places: nothing between them can differ, but for the last
    /// of a period whose end has become known.
    fn is_same_rule(&self, update: &Self) -> bool {
        let (Self::Template(known), Self::Template(update)) = (self, update) else { return false };
        known.timeline.is_empty()
            && update.timeline.is_empty()
            && u128::from(known.duration) * u128::from(update.timescale)
                == u128::from(update.duration) * u128::from(known.timescale)
            && known.period_start == update.period_start
    }

    /// True if the period of a template is known to end at this time.
    fn ends_at(&self, time: MediaTime) -> bool {
        matches!(self, Self::Template(template) if template.period_end == Some(time))
    }

    fn is_gap(&self, at: u64) -> bool {
        match self {
            Self::Explicit(_) => self.get(at).is_some_and(|segment| segment.gap),
            Self::Listed(listing) => listing.is_gap(at),
            Self::Template(_) => false,
        }
    }

    fn discontinuity(&self, at: u64) -> u64 {
        let mapping = match self {
            Self::Explicit(_) | Self::Template(_) => self.get(at).map(|segment| segment.mapping),
            Self::Listed(listing) => listing.mapping_at(at),
        };
        match mapping {
            Some(TimestampMapping::Discontinuity(number)) => number,
            Some(TimestampMapping::Offset(_)) | None => 0,
        }
    }

    pub(super) fn shift(&mut self, by: Alignment) {
        match self {
            Self::Explicit(segments) => segments.iter_mut().for_each(|segment| by.apply(segment)),
            Self::Listed(listing) => listing.shift(by),
            Self::Template(_) => {}
        }
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
