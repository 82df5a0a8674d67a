//! An update that leaves segments out is taken into the list that has them (RFC 8216bis §4.4.5.2): the list is shortened
//! in front and extended at its end in place, so that the work follows what changed and not what is listed.

use url::{Position, Url};

use super::listing::{Entry, SegmentListing};
use super::merge::{Agreement, Changes};
use super::part_entry::PartEntry;
use super::skipped::{INHERITED, INHERITED_OFFSET};
use super::{ByteRange, TimestampMapping};
use crate::time::{MediaTime, WallClock};

/// Text of segments that are gone is kept up to this, in bytes.
const MOST_DEAD_TEXT: usize = 4096;

/// Differences of the update's segments from those of the list.
#[derive(Clone, Copy, Debug)]
struct Shift {
    start: i64,
    discontinuity: u64,
    /// Properties of the last segment that was left out.
    init: Option<u32>,
    keys: Option<u32>,
    bitrate_kbps: u32,
    range_end: u64,
}

impl Shift {
    fn range(&self, range: Option<ByteRange>) -> Option<ByteRange> {
        range.map(|range| match range.offset.checked_sub(INHERITED_OFFSET) {
            Some(offset) => ByteRange { offset: offset.saturating_add(self.range_end), ..range },
            None => range,
        })
    }

    const fn mapping(&self, mapping: TimestampMapping) -> TimestampMapping {
        match mapping {
            TimestampMapping::Discontinuity(number) => {
                TimestampMapping::Discontinuity(number.wrapping_add(self.discontinuity))
            }
            offset @ TimestampMapping::Offset(_) => offset,
        }
    }
}

/// Places of an update in a list that has what the update leaves out.
#[derive(Clone, Copy, Debug)]
struct Fit {
    /// Segments of the list that are no longer listed.
    removed: usize,
    /// Position in the list, as it is, of the first segment after those that are left out.
    resumed: usize,
    /// Position in the update of the same segment.
    tail: usize,
}

impl SegmentListing {
    /// Returns true if the list has all that an update leaves out, and what both list is the same.
    pub fn fits(&self, update: &Self) -> bool {
        self.fit(update).is_some()
    }

    /// Takes the list as a whole one: what was left out is not known.
    pub(super) const fn forget_skipped(&mut self) {
        self.skipped = None;
    }

    /// Moves the list like one of the same server that had no segments, or had none any more.
    pub(super) fn move_like(&mut self, known: &Self) {
        self.alignment = known.alignment;
        // Its first part was placed when the segment was not complete.
        let first = known.parts.first().filter(|part| known.entries.is_empty() && part.sequence == self.first_sequence);
        if let (Some(part), Some(entry)) = (first, self.entries.front()) {
            self.alignment.start = self.alignment.start.saturating_add(part.start.nanos_from(entry.start));
        }
    }

    /// Moves all segments and parts in time, in nanoseconds.
    pub fn move_by(&mut self, nanos: i64) {
        self.alignment.start = self.alignment.start.saturating_add(nanos);
    }

    /// Returns the media sequence number of the first segment as the server counts.
    pub const fn raw_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// Returns the nanoseconds to add to times of the update that follow the segments it leaves out, alignment included;
    /// `None` if it does not fit.
    pub fn resumed_shift(&self, update: &Self) -> Option<i64> {
        let fit = self.fit(update)?;
        let end = self.entries.get(fit.resumed.checked_sub(1)?).map(|entry| entry.start + entry.duration)?;
        Some(end.shifted(self.alignment.start).nanos_from(update.skipped?.start))
    }

    /// Returns the last declared date at or before a time of the presentation, with the start of its segment.
    pub fn date_before(&self, time: MediaTime) -> Option<(MediaTime, WallClock)> {
        let time = time.shifted(self.alignment.start.saturating_neg());
        let end = self.entries.partition_point(|entry| entry.start <= time);
        let dated = self.entries.range(..end).rev().find_map(|entry| Some((entry.start, entry.program_date_time?)));
        dated.map(|(start, date)| (start.shifted(self.alignment.start), date))
    }

    /// Returns the places of what the update lists, if it fits.
    fn fit(&self, update: &Self) -> Option<Fit> {
        let skipped = update.skipped?;
        let size = |value: u64| usize::try_from(value).ok();
        let tail = size(skipped.head)?;
        // `first_sequence` of an update without a head is that of its first listed segment.
        let first = update.first_sequence.checked_sub(if tail == 0 { skipped.segments } else { 0 })?;
        let removed = size(first.checked_sub(self.first_sequence)?)?;
        let resumed = removed.checked_add(tail)?.checked_add(size(skipped.segments)?)?;
        let is_there = resumed > 0 && resumed <= self.entries.len() && tail <= update.entries.len();
        if !is_there || !self.is_at_same_place(update) {
            return None;
        }
        let same = |known: usize, found: usize| {
            let (known, found) = (self.entries.get(known)?, update.entries.get(found)?);
            let is_range_same =
                found.range.is_none_or(|range| range.offset >= INHERITED_OFFSET || known.range == found.range);
            Some(is_range_same && self.path(known) == update.path(found))
        };
        let head_is_same = (0..tail).all(|at| same(removed + at, at) == Some(true));
        // What is listed by both names the same segments: the server did not count anew.
        let tail_is_same = same(resumed, tail) != Some(false);
        (head_is_same && tail_is_same).then_some(Fit { removed, resumed, tail })
    }

    /// True if addresses of both lists are relative to the same place.
    fn is_at_same_place(&self, update: &Self) -> bool {
        fn path(url: &Url) -> &str {
            &url[..Position::AfterPath]
        }
        self.bases.len() == update.bases.len()
            && self.bases.iter().zip(&update.bases).all(|(known, found)| path(known) == path(found))
    }

    /// Takes an update that leaves segments out. Segments keep their names, times and discontinuity numbers. `None`, and
    /// nothing happens, if the list does not have what is left out.
    ///
    /// An update that ends before the list does is an older state, as caches keep them: it is passed over.
    pub(super) fn splice(&mut self, update: &Self) -> Option<Changes> {
        let fit = self.fit(update)?;
        let skipped = update.skipped?;
        let known_len = self.entries.len();
        let tail_len = update.entries.len() - fit.tail;
        if update.is_open && (fit.resumed + tail_len < known_len || self.has_later_parts(update, fit)) {
            return Some(Changes { agreement: Agreement::Older, ..Changes::default() });
        }
        let mut changes = Changes {
            agreement: Agreement::Names,
            added: (fit.resumed + tail_len).saturating_sub(known_len) as u64,
            removed_in_front: fit.removed as u64,
            ..Changes::default()
        };
        for at in fit.resumed..known_len {
            let (known, found) = (self.entries.get(at)?, update.entries.get(fit.tail + at - fit.resumed)?);
            let differs = known.duration.abs_diff(found.duration) > super::index::SAME_TIME || known.gap != found.gap;
            changes.changed += u64::from(differs);
        }
        for at in 0..fit.tail {
            let date = update.entries.get(at).and_then(|entry| entry.program_date_time);
            if let Some(entry) = self.entries.get_mut(fit.removed + at).filter(|_| date.is_some()) {
                entry.program_date_time = date;
            }
        }
        let last = self.entries.get(fit.resumed.checked_sub(1)?)?;
        let number = |mapping| if let TimestampMapping::Discontinuity(number) = mapping { number } else { 0 };
        let shift = Shift {
            start: (last.start + last.duration).nanos_from(skipped.start),
            discontinuity: number(last.mapping).wrapping_sub(skipped.discontinuity),
            init: last.init,
            keys: last.keys,
            bitrate_kbps: last.bitrate_kbps,
            range_end: last.range.map_or(0, ByteRange::end),
        };
        let (kept, kept_text) = self.take_parts(skipped.keeps_parts, fit);
        self.entries.truncate(fit.resumed);
        self.text.truncate(self.entries.back().map_or(0, |entry| entry.uri_end as usize));
        let mut shared = Shared::default();
        for entry in update.entries.iter().skip(fit.tail) {
            let init = shared.init(self, update, entry.init, &shift);
            let keys = shared.keys(self, update, entry.keys, &shift);
            let Some((uri_start, uri_end)) = self.add_text(update.text_of(entry.uri_start, entry.uri_end)) else {
                break;
            };
            self.entries.push_back(Entry {
                start: entry.start.shifted(shift.start),
                uri_start,
                uri_end,
                range: shift.range(entry.range),
                init,
                keys,
                mapping: shift.mapping(entry.mapping),
                bitrate_kbps: if entry.bitrate_kbps == INHERITED { shift.bitrate_kbps } else { entry.bitrate_kbps },
                ..entry.clone()
            });
        }
        for part in kept {
            let uri = kept_text.get(part.uri_start as usize..part.uri_end as usize).unwrap_or_default();
            let Some((uri_start, uri_end)) = self.add_text(uri) else { break };
            self.parts.push(PartEntry { uri_start, uri_end, ..part });
        }
        for part in &update.parts {
            let init = shared.init(self, update, part.init, &shift);
            let keys = shared.keys(self, update, part.keys, &shift);
            let Some((uri_start, uri_end)) = self.add_text(update.text_of(part.uri_start, part.uri_end)) else { break };
            self.parts.push(PartEntry {
                start: part.start.shifted(shift.start),
                uri_start,
                uri_end,
                range: shift.range(part.range),
                init,
                keys,
                mapping: shift.mapping(part.mapping),
                ..part.clone()
            });
        }
        self.is_open = update.is_open;
        self.bases.clone_from(&update.bases);
        self.remove_front(fit.removed);
        Some(changes)
    }

    /// True if the list ends with a part that the update, which ends with the same segment, does not list.
    fn has_later_parts(&self, update: &Self, fit: Fit) -> bool {
        if fit.resumed + update.entries.len() - fit.tail > self.entries.len() {
            return false;
        }
        let last = |list: &Self| {
            let part = list.parts.iter().rev().find(|part| !part.traits.is_hinted);
            part.map(|part| (part.sequence, part.index))
        };
        last(update).is_some() && last(self) > last(update)
    }

    /// Takes the parts out, with their text. Returns those that stay: parts of segments that are left out.
    fn take_parts(&mut self, keeps: bool, fit: Fit) -> (Vec<PartEntry>, String) {
        let end = self.entries.back().map_or(0, |entry| entry.uri_end);
        let text = self.text.split_off((end as usize).min(self.text.len()));
        let mut parts = std::mem::take(&mut self.parts);
        let resumed = self.first_sequence.saturating_add(fit.resumed as u64);
        let first = self.first_sequence.saturating_add(fit.removed as u64);
        parts.retain(|part| {
            keeps && !part.traits.is_hinted && (first..resumed).contains(&part.sequence) && part.uri_start >= end
        });
        for part in &mut parts {
            part.uri_start -= end;
            part.uri_end -= end;
        }
        (parts, text)
    }

    fn text_of(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Adds an address and returns its place; `None` if the list is full.
    fn add_text(&mut self, uri: &str) -> Option<(u32, u32)> {
        let start = u32::try_from(self.text.len()).ok()?;
        let end = u32::try_from(self.text.len() + uri.len()).ok()?;
        self.text.push_str(uri);
        Some((start, end))
    }

    /// Removes segments from the front. Their text, and what only they used, go once that is half of it.
    fn remove_front(&mut self, count: usize) {
        self.entries.drain(..count);
        self.first_sequence = self.first_sequence.saturating_add(count as u64);
        let dead = self.entries.front().map_or(0, |entry| entry.uri_start);
        if (dead as usize) < MOST_DEAD_TEXT.max(self.text.len() / 2) || !self.text.is_char_boundary(dead as usize) {
            return;
        }
        self.text.drain(..dead as usize);
        let (mut inits, mut keys) = (vec![None; self.inits.len()], vec![None; self.keys.len()]);
        let (old_inits, old_keys) = (std::mem::take(&mut self.inits), std::mem::take(&mut self.keys));
        let mut key =
            |used: &mut Option<u32>, to: &mut Vec<_>| renumber(used, &mut keys, to, |at| old_keys.get(at).cloned());
        let uris = self
            .entries
            .iter_mut()
            .map(|entry| (&mut entry.uri_start, &mut entry.uri_end, &mut entry.init, &mut entry.keys));
        let parts =
            self.parts.iter_mut().map(|part| (&mut part.uri_start, &mut part.uri_end, &mut part.init, &mut part.keys));
        for (start, end, init, used) in uris.chain(parts) {
            *start = start.saturating_sub(dead);
            *end = end.saturating_sub(dead);
            key(used, &mut self.keys);
            renumber(init, &mut inits, &mut self.inits, |at| old_inits.get(at).cloned());
        }
        for (_, used) in &mut self.inits {
            key(used, &mut self.keys);
        }
    }
}

/// Gives an index the number that its value has in a list of used values.
fn renumber<T>(
    used: &mut Option<u32>,
    numbers: &mut [Option<u32>],
    to: &mut Vec<T>,
    value: impl Fn(usize) -> Option<T>,
) {
    let Some(at) = used.map(|at| at as usize) else { return };
    let Some(number) = numbers.get_mut(at) else { return };
    if number.is_none() {
        to.extend(value(at));
        *number = u32::try_from(to.len() - 1).ok();
    }
    *used = *number;
}

/// Numbers in the list of what the update refers to, as far as it was taken.
#[derive(Debug, Default)]
struct Shared {
    inits: Vec<(u32, u32)>,
    keys: Vec<(u32, u32)>,
}

impl Shared {
    /// Returns the number in the list of keys of the update. Equal keys that the list ends with are not added again.
    fn keys(&mut self, list: &mut SegmentListing, update: &SegmentListing, at: Option<u32>, by: &Shift) -> Option<u32> {
        let at = at?;
        if at == INHERITED {
            return by.keys;
        }
        if let Some((_, known)) = self.keys.iter().find(|(found, _)| *found == at) {
            return Some(*known);
        }
        let keys = update.keys.get(at as usize)?;
        let lately = list.keys.iter().rev().take(4).position(|known| known == keys);
        let number = match lately {
            Some(before) => u32::try_from(list.keys.len() - 1 - before).ok()?,
            None => list.add_keys(keys.clone()),
        };
        self.keys.push((at, number));
        Some(number)
    }

    /// Returns the number in the list of initialisation data of the update.
    fn init(&mut self, list: &mut SegmentListing, update: &SegmentListing, at: Option<u32>, by: &Shift) -> Option<u32> {
        let at = at?;
        if at == INHERITED {
            return by.init;
        }
        if let Some((_, known)) = self.inits.iter().find(|(found, _)| *found == at) {
            return Some(*known);
        }
        let (resource, keys) = update.inits.get(at as usize)?;
        let keys = self.keys(list, update, *keys, by);
        let lately = list.inits.iter().rev().take(4).position(|known| known.0 == *resource && known.1 == keys);
        let number = match lately {
            Some(before) => u32::try_from(list.inits.len() - 1 - before).ok()?,
            None => list.add_encrypted_init(resource.clone(), keys),
        };
        self.inits.push((at, number));
        Some(number)
    }
}
