//! Timed metadata of a session: what is known, and what the playhead enters and leaves. Plain state;
//! `session::timed_metadata` fills it and announces the passages.

use std::sync::Arc;

use crate::model::{MetadataSource, TimedMetadata};
use crate::time::MediaTime;

/// More entries than this are not kept: an advertisement break every ten seconds for half a day.
const MOST_ENTRIES: usize = 4096;
/// More bytes than this are not kept.
const MOST_BYTES: usize = 8 << 20;
/// Equal ids are the same event when they begin this close to each other. Some packagers number every event zero.
const SAME_START: i64 = 1_000_000_000;

/// A date range whose begin moves by less stays where it is.
const SAME_PLACE: i64 = 100_000_000;

/// Passage of the playhead into or out of one piece of metadata.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) enum Passage {
    /// The playhead enters it.
    Started(Arc<TimedMetadata>),
    /// It is left. Never for what has no known length.
    Ended(Arc<TimedMetadata>),
}

/// Result of the insertion of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Taken {
    /// It is new, or extends what was known.
    Changed,
    /// It was known already.
    Known,
    /// There is no room for it.
    Refused,
}

#[derive(Clone, Debug)]
struct Entry {
    metadata: Arc<TimedMetadata>,
    /// It was announced, and the playhead has not been seen to leave it: what has no known length is never left.
    active: bool,
}

/// The metadata of a session, ordered by begin.
#[derive(Clone, Debug)]
pub(in crate::engine) struct MetadataStore {
    entries: Vec<Entry>,
    list: Arc<Vec<Arc<TimedMetadata>>>,
    bytes: usize,
    /// Entries that begin before this time have been passed.
    from: MediaTime,
    /// The next instant at which something begins or ends, as far as is known; `None` when that must be found out.
    next: Option<MediaTime>,
    /// The end of the presentation has been announced.
    finished: bool,
    /// There was more than is kept, and a warning was given.
    is_refusal_noted: bool,
}

impl Default for MetadataStore {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            list: Arc::default(),
            bytes: 0,
            from: MediaTime::ZERO,
            next: None,
            finished: false,
            is_refusal_noted: false,
        }
    }
}

impl MetadataStore {
    /// Notes that metadata was refused. Returns true the first time.
    pub(in crate::engine) const fn note_refusal(&mut self) -> bool {
        !std::mem::replace(&mut self.is_refusal_noted, true)
    }

    /// Takes one piece, in presentation time. If the same event is declared again, it replaces the known one: a date
    /// range may get its duration later (RFC 8216bis §4.4.5.1), and repeated event messages are equal.
    pub(in crate::engine) fn insert(&mut self, metadata: TimedMetadata) -> Taken {
        let same = self.entries.iter().position(|known| is_same(&known.metadata, &metadata));
        if let Some(at) = same {
            return self.update(at, metadata);
        }
        while self.entries.len() >= MOST_ENTRIES || self.bytes.saturating_add(metadata.size()) > MOST_BYTES {
            // What has been passed makes room; nothing else does.
            let passed = |entry: &Entry| match entry.metadata.end() {
                Some(end) => !entry.active && end < self.from,
                None => entry.metadata.start < self.from,
            };
            let Some(oldest) = self.entries.iter().position(passed) else { return Taken::Refused };
            self.remove(oldest);
        }
        self.place(metadata, false);
        Taken::Changed
    }

    /// Removes date ranges that have not begun yet; those that the playhead has entered or passed are history. Returns
    /// true if there were any.
    pub(in crate::engine) fn remove_date_ranges(&mut self, ids: &[String]) -> bool {
        let before = self.entries.len();
        for id in ids {
            let is_meant = |entry: &Entry| {
                let metadata = &entry.metadata;
                metadata.source == MetadataSource::DateRange
                    && metadata.id == *id
                    && metadata.start >= self.from
                    && !entry.active
            };
            if let Some(at) = self.entries.iter().position(is_meant) {
                self.remove(at);
                self.next = None;
            }
        }
        self.entries.len() != before
    }

    fn update(&mut self, at: usize, metadata: TimedMetadata) -> Taken {
        let Some(known) = self.entries.get(at) else { return Taken::Known };
        let date_range = metadata.source == MetadataSource::DateRange;
        // Playlists of one presentation place the same date some milliseconds apart: the first place counts.
        let moved = metadata.start.nanos_from(known.metadata.start);
        let metadata = match moved.abs() < SAME_PLACE {
            true => TimedMetadata { start: known.metadata.start, ..metadata },
            false => metadata,
        };
        if *known.metadata == metadata || !date_range {
            return Taken::Known;
        }
        if self.bytes.saturating_add(metadata.size()) > MOST_BYTES {
            return Taken::Refused;
        }
        let active = known.active;
        self.remove(at);
        self.place(metadata, active);
        Taken::Changed
    }

    fn place(&mut self, metadata: TimedMetadata, active: bool) {
        self.bytes = self.bytes.saturating_add(metadata.size());
        let at = self.entries.partition_point(|known| known.metadata.start <= metadata.start);
        let metadata = Arc::new(metadata);
        self.entries.insert(at, Entry { metadata: Arc::clone(&metadata), active });
        Arc::make_mut(&mut self.list).insert(at, metadata);
        self.next = None;
    }

    fn remove(&mut self, at: usize) {
        let gone = self.entries.remove(at);
        Arc::make_mut(&mut self.list).remove(at);
        self.bytes = self.bytes.saturating_sub(gone.metadata.size());
    }

    /// Returns the size of all metadata held, in bytes.
    pub(in crate::engine) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Everything known, ordered by begin.
    pub(in crate::engine) fn list(&self) -> Arc<Vec<Arc<TimedMetadata>>> {
        Arc::clone(&self.list)
    }

    /// Playback goes on from another time: what begins there and after is passed anew.
    pub(in crate::engine) fn seek(&mut self, to: MediaTime) {
        self.from = to;
        self.next = None;
        self.finished = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.metadata.end().is_none()) {
            entry.active = false;
        }
    }

    /// Moves the playhead to `position`, and returns what begins and ends on the way, in the order of the timeline. A
    /// position that trembles backwards counts as standing still.
    ///
    /// An entry is announced once for each pass: as the playhead enters its span, also by a seek into the middle, or
    /// passes its start if its length is not known (RFC 8216bis §4.4.5.1; ISO/IEC 23009-1 §5.10.3.3). One that lies
    /// between two positions begins and ends in the same call; otherwise short events would be lost at a high rate of
    /// playback. Most calls return at once, because `next` is the nearest boundary: the renderer reports a position
    /// many times a second.
    pub(in crate::engine) fn advance(&mut self, position: MediaTime) -> Vec<Passage> {
        let position = position.max(self.from.shifted(-1));
        if self.finished || self.next.is_some_and(|next| position < next) {
            self.from = self.from.max(position.shifted(1));
            return Vec::new();
        }
        let mut passages: Vec<(MediaTime, u8, Passage)> = Vec::new();
        for entry in &mut self.entries {
            let (start, end) = (entry.metadata.start, entry.metadata.end());
            let inside = end.is_some_and(|end| start <= position && position < end);
            let passed = self.from <= start && start <= position;
            if !entry.active && (inside || passed) {
                passages.push((start, 1, Passage::Started(Arc::clone(&entry.metadata))));
            }
            if let Some(end) = end
                && !inside
                && (entry.active || passed)
            {
                passages.push((end, 0, Passage::Ended(Arc::clone(&entry.metadata))));
            }
            entry.active = if end.is_some() { inside } else { entry.active || passed };
        }
        self.from = position.shifted(1);
        self.next = Some(self.boundary_after(position));
        // In the order of the timeline; what ends makes way for what begins at the same instant.
        passages.sort_by_key(|(time, order, _)| (*time, *order));
        passages.into_iter().map(|(_, _, passage)| passage).collect()
    }

    /// The presentation has ended at `position`: everything is left.
    pub(in crate::engine) fn finish(&mut self, position: MediaTime) -> Vec<Passage> {
        if self.finished {
            return Vec::new();
        }
        let mut passages = self.advance(position);
        for entry in self.entries.iter_mut().filter(|entry| entry.active && entry.metadata.end().is_some()) {
            entry.active = false;
            passages.push(Passage::Ended(Arc::clone(&entry.metadata)));
        }
        self.finished = true;
        passages
    }

    /// Returns the next time at which something begins or ends; `None` if nothing does.
    pub(in crate::engine) fn next(&self) -> Option<MediaTime> {
        self.next.filter(|next| *next != MediaTime::MAX)
    }

    fn boundary_after(&self, position: MediaTime) -> MediaTime {
        let first = self.entries.partition_point(|entry| entry.metadata.start <= position);
        let begins = self.entries.get(first).map(|entry| entry.metadata.start);
        let ends = self.entries.iter().filter(|entry| entry.active).filter_map(|entry| entry.metadata.end());
        begins.into_iter().chain(ends).min().unwrap_or(MediaTime::MAX)
    }
}

/// The same event: equal scheme, value and id (ISO/IEC 23009-1 §5.10.2.2), or equal altogether without an id.
fn is_same(known: &TimedMetadata, new: &TimedMetadata) -> bool {
    if known.scheme != new.scheme || known.value != new.value || known.id != new.id {
        return false;
    }
    if new.id.is_empty() {
        return known.start == new.start && known.duration == new.duration && known.body == new.body;
    }
    let near = known.start.nanos_from(new.start).unsigned_abs() <= SAME_START.unsigned_abs();
    known.source == new.source && (near || new.source == MetadataSource::DateRange)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetadataBody;
    use std::time::Duration;

    fn ms(value: i64) -> MediaTime {
        MediaTime::from_millis(value)
    }

    fn event(id: &str, start: i64, length: Option<u64>) -> TimedMetadata {
        TimedMetadata {
            source: MetadataSource::EventMessage,
            scheme: "urn:x".into(),
            value: String::new(),
            id: id.into(),
            start: ms(start),
            duration: length.map(Duration::from_millis),
            body: MetadataBody::Text(String::new()),
        }
    }

    fn words(passages: &[Passage]) -> String {
        let word = |passage: &Passage| match passage {
            Passage::Started(metadata) => format!("+{}", metadata.id),
            Passage::Ended(metadata) => format!("-{}", metadata.id),
        };
        passages.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn store(events: &[TimedMetadata]) -> MetadataStore {
        let mut store = MetadataStore::default();
        for event in events {
            assert_eq!(store.insert(event.clone()), Taken::Changed);
        }
        store
    }

    #[test]
    fn each_pass_announces_once_in_the_order_of_the_timeline() {
        let mut store = store(&[event("b", 2000, Some(500)), event("a", 0, Some(2000)), event("i", 2100, None)]);
        assert_eq!(words(&store.advance(ms(0))), "+a");
        assert_eq!(words(&store.advance(ms(0))), "");
        assert_eq!(store.next(), Some(ms(2000)));
        assert_eq!(words(&store.advance(ms(1999))), "");
        assert_eq!(words(&store.advance(ms(2600))), "-a +b +i -b");
        assert_eq!(words(&store.advance(ms(2590))), "", "a tremble is no second pass");
        assert_eq!(store.next(), None);
        store.seek(ms(2100));
        assert_eq!(words(&store.advance(ms(2100))), "+b +i");
        store.seek(ms(100));
        assert_eq!(words(&store.advance(ms(110))), "+a -b");
        store.seek(ms(9000));
        assert_eq!(words(&store.advance(ms(9000))), "-a", "what lies between is not passed by a seek");
    }

    #[test]
    fn what_comes_late_begins_late_and_the_end_leaves_everything() {
        let mut store = store(&[event("a", 1000, Some(60_000))]);
        assert_eq!(words(&store.advance(ms(5000))), "+a");
        assert_eq!(store.insert(event("b", 4000, Some(2000))), Taken::Changed);
        assert_eq!(store.insert(event("c", 3000, None)), Taken::Changed);
        assert_eq!(words(&store.advance(ms(5010))), "+b", "an instant that has passed is not announced");
        assert_eq!(words(&store.finish(ms(10_000))), "-b -a");
        assert_eq!(words(&store.finish(ms(10_000))), "");
        assert_eq!(store.insert(event("d", 2000, Some(60_000))), Taken::Changed);
        assert_eq!(words(&store.finish(ms(10_000))), "", "nothing begins after the end");
        assert_eq!(words(&store.advance(ms(10_010))), "");
        store.seek(ms(900));
        assert_eq!(words(&store.advance(ms(1500))), "+a");
    }

    #[test]
    fn the_same_event_is_kept_once_and_a_date_range_learns() {
        let mut store = store(&[event("1", 1000, Some(10)), event("", 5, None)]);
        assert_eq!(store.insert(event("1", 1000, Some(10))), Taken::Known);
        assert_eq!(store.insert(event("", 5, None)), Taken::Known);
        assert_eq!(store.insert(event("1", 9000, Some(10))), Taken::Changed, "an id used again is another event");
        let open = TimedMetadata { source: MetadataSource::DateRange, ..event("d", 2000, None) };
        assert_eq!(store.insert(open.clone()), Taken::Changed);
        assert_eq!(words(&store.advance(ms(2000))), "+ +1 -1 +d");
        let closed = TimedMetadata { duration: Some(Duration::from_secs(1)), ..open };
        assert_eq!(store.insert(closed), Taken::Changed);
        assert_eq!(words(&store.advance(ms(2500))), "", "it began before its length was known");
        assert_eq!(words(&store.advance(ms(3000))), "-d");
        assert_eq!(store.list().len(), 4);
    }

    #[test]
    fn a_flood_is_refused_but_what_has_passed_makes_room() {
        let mut store = MetadataStore::default();
        for at in 0..MOST_ENTRIES {
            store.insert(event(&at.to_string(), at as i64 * 2000, None));
        }
        assert_eq!(store.insert(event("more", 1, None)), Taken::Refused);
        store.advance(ms(10_000));
        assert_eq!(store.insert(event("more", 99_000_000, None)), Taken::Changed);
        assert_eq!(store.list().len(), MOST_ENTRIES);
        let mut huge = event("huge", 1, None);
        huge.body = MetadataBody::Text("x".repeat(MOST_BYTES + 1));
        assert_eq!(MetadataStore::default().insert(huge), Taken::Refused);
    }

    #[test]
    fn an_event_is_another_one_when_anything_that_names_it_differs() {
        let first = event("1", 5000, Some(10));
        let others = [
            TimedMetadata { scheme: "urn:y".into(), ..first.clone() },
            TimedMetadata { value: "v".into(), ..first.clone() },
            TimedMetadata { id: "2".into(), ..first.clone() },
            TimedMetadata { source: MetadataSource::DateRange, ..first.clone() },
            TimedMetadata { start: ms(6001), ..first.clone() },
            TimedMetadata { start: ms(3999), ..first.clone() },
        ];
        for other in others {
            let mut store = store(std::slice::from_ref(&first));
            assert_eq!((store.insert(other.clone()), store.list().len()), (Taken::Changed, 2), "{other:?}");
        }
        for start in [4000, 6000] {
            assert_eq!(
                store(std::slice::from_ref(&first)).insert(event("1", start, Some(99))),
                Taken::Known,
                "{start}"
            );
        }
        let nameless = event("", 5000, Some(10));
        for other in [
            event("", 5001, Some(10)),
            event("", 5000, Some(11)),
            TimedMetadata { body: MetadataBody::Text("x".into()), ..nameless.clone() },
        ] {
            assert_eq!(store(std::slice::from_ref(&nameless)).insert(other), Taken::Changed);
        }
        let range = TimedMetadata { source: MetadataSource::DateRange, ..event("d", 5000, None) };
        let mut ranges = store(std::slice::from_ref(&range));
        assert_eq!(ranges.insert(range.clone()), Taken::Known);
        assert_eq!(ranges.insert(TimedMetadata { start: ms(90_000), ..range }), Taken::Changed, "it is moved");
        assert_eq!(ranges.list().iter().map(|entry| entry.start).collect::<Vec<_>>(), [ms(90_000)]);
    }

    #[test]
    fn a_playhead_that_trembles_back_enters_nothing_again_and_what_it_passed_is_over() {
        let mut store = store(&[event("a", 0, Some(2000)), event("z", 9000, None)]);
        assert_eq!((words(&store.advance(ms(0))), words(&store.advance(ms(2000)))), ("+a".into(), "-a".into()));
        assert_eq!(store.insert(event("y", 8000, None)), Taken::Changed);
        assert_eq!(words(&store.advance(ms(1990))), "", "the end of a lies behind");
        assert_eq!(words(&store.advance(ms(5000))), "");
        assert_eq!(store.insert(event("c", 3000, None)), Taken::Changed);
        assert_eq!(words(&store.advance(ms(5010))), "", "its time has passed without a boundary");
    }

    #[test]
    fn what_is_on_at_a_seek_stays_until_it_is_announced_to_be_left() {
        let large = |id: &str, start, length| {
            let body = MetadataBody::Text("x".repeat(MOST_BYTES / 2 - 200));
            TimedMetadata { body, ..event(id, start, length) }
        };
        let mut store = store(&[large("a", 0, Some(1000)), large("b", 20_000, None)]);
        assert_eq!(words(&store.advance(ms(500))), "+a");
        store.seek(ms(5000));
        assert_eq!(store.insert(large("c", 30_000, None)), Taken::Refused);
        assert_eq!(words(&store.advance(ms(5000))), "-a");
        assert_eq!(store.insert(large("c", 30_000, None)), Taken::Changed);
    }

    #[test]
    fn room_is_made_by_what_was_left_and_its_bytes_are_free_again() {
        let large = |id: &str, start, length| {
            let body = MetadataBody::Text("x".repeat(MOST_BYTES / 2 - 200));
            TimedMetadata { body, ..event(id, start, length) }
        };
        let mut store = store(&[large("a", 1000, Some(1000)), large("b", 1500, Some(10_000))]);
        assert_eq!(store.insert(large("c", 9000, None)), Taken::Refused);
        store.advance(ms(1999));
        assert_eq!(store.insert(large("c", 9000, None)), Taken::Refused, "one is left at its end and not before");
        store.advance(ms(2000));
        assert_eq!(store.insert(large("c", 9000, None)), Taken::Changed);
        assert_eq!(store.list().iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(store.insert(large("d", 9000, None)), Taken::Refused, "the other is under way");
        store.advance(ms(9000));
        assert_eq!(store.insert(large("d", 9000, None)), Taken::Changed, "an instant that has passed makes room");
        let mut ranges = MetadataStore::default();
        let range = |length: u64, size: usize| TimedMetadata {
            source: MetadataSource::DateRange,
            body: MetadataBody::Text("x".repeat(size)),
            ..event("d", 0, Some(length))
        };
        assert_eq!(ranges.insert(range(1, 10)), Taken::Changed);
        assert_eq!(ranges.insert(range(2, MOST_BYTES)), Taken::Refused);
        assert_eq!(ranges.list()[0].duration, Some(Duration::from_millis(1)), "what was known stays");
    }

    #[test]
    fn what_ends_makes_way_for_what_begins_at_the_same_instant() {
        let mut store = store(&[event("a", 0, Some(1000)), event("b", 1000, Some(1000)), event("i", 1000, None)]);
        assert_eq!((store.next(), words(&store.advance(ms(0)))), (None, "+a".into()));
        assert_eq!(store.next(), Some(ms(1000)));
        assert_eq!(words(&store.advance(ms(1000))), "-a +b +i");
        assert_eq!(store.next(), Some(ms(2000)));
        store.seek(ms(1000));
        assert_eq!(words(&store.advance(ms(1000))), "+i", "an instant at the target is passed anew");
        assert_eq!(words(&store.finish(ms(1500))), "-b");
        assert_eq!(words(&store.advance(ms(1600))), "", "the end was announced");
        store.seek(ms(1500));
        assert_eq!(words(&store.advance(ms(1500))), "+b");
    }
}
