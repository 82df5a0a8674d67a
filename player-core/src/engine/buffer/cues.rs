//! The cues of the chosen text track, in presentation time. Cues whose offset is not known yet wait here.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::buffer::timeline::{Timeline, cue_shift};
use crate::model::TimestampMapping;
use crate::text::Cue;
use crate::text::webvtt::TimestampMap;
use crate::time::{MediaTime, TimeRanges};

/// More cues than this are not kept: the longest film has a few thousand.
const MOST_CUES: usize = 50_000;
/// Cues of one begin that a new one is compared with, so that a hostile file does not cost the square of its length.
const MOST_COMPARED: usize = 256;

/// Cues in the time of their file.
#[derive(Clone, Debug)]
struct Unplaced {
    cues: Vec<Cue>,
    map: Option<TimestampMap>,
    mapping: TimestampMapping,
    segment_start: MediaTime,
}

/// Cues of the subtitle track that is presented.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct TextStore {
    cues: Arc<Vec<Cue>>,
    unplaced: Vec<Unplaced>,
    loaded: TimeRanges,
}

impl TextStore {
    /// Takes the cues of a segment. True when the visible cues changed.
    pub(in crate::engine) fn insert(
        &mut self,
        cues: Vec<Cue>,
        map: Option<TimestampMap>,
        mapping: TimestampMapping,
        segment_start: MediaTime,
        timeline: &Timeline,
    ) -> bool {
        if cues.is_empty() {
            return false;
        }
        self.unplaced.push(Unplaced { cues, map, mapping, segment_start });
        self.place(timeline)
    }

    /// Places what became placeable. True when the visible cues changed.
    pub(in crate::engine) fn place(&mut self, timeline: &Timeline) -> bool {
        if self.unplaced.is_empty() {
            return false;
        }
        let mut placed: Vec<Cue> = Vec::new();
        self.unplaced.retain_mut(|unplaced| {
            let Some(shift) = shift_of(unplaced, timeline) else { return true };
            placed.extend(unplaced.cues.drain(..).map(|cue| shifted(cue, shift)));
            false
        });
        let room = MOST_CUES.saturating_sub(self.cues.len());
        placed.truncate(room);
        placed.sort_by_key(|cue| cue.start);
        let mut all: Vec<Cue> = self.cues.as_ref().clone();
        for cue in placed {
            // A cue that spans segments comes with each of them (RFC 8216bis §3.1.4). Equal times keep file order.
            let from = all.partition_point(|known| known.start < cue.start);
            let to = all.partition_point(|known| known.start <= cue.start);
            let same = all.get(from..to).unwrap_or_default().iter().rev().take(MOST_COMPARED);
            if !same.into_iter().any(|known| *known == cue) {
                all.insert(to, cue);
            }
        }
        let changed = all.len() != self.cues.len();
        self.cues = Arc::new(all);
        changed
    }

    /// A segment was read: it is not fetched again.
    pub(in crate::engine) fn segment_loaded(&mut self, start: MediaTime, end: MediaTime) {
        self.loaded.insert(start, end, Duration::from_millis(1));
    }

    /// True when the segment that begins at `start` was read.
    pub(in crate::engine) fn has_segment(&self, start: MediaTime) -> bool {
        self.loaded.around(start).is_some()
    }

    /// Another track was chosen. True when there were cues.
    pub(in crate::engine) fn clear(&mut self) -> bool {
        let had = !self.cues.is_empty();
        *self = Self::default();
        had
    }

    /// All cues, ordered by begin.
    pub(in crate::engine) fn cues(&self) -> Arc<Vec<Cue>> {
        Arc::clone(&self.cues)
    }
}

fn shift_of(unplaced: &Unplaced, timeline: &Timeline) -> Option<i64> {
    match (unplaced.map, unplaced.mapping) {
        (Some(map), mapping) => timeline.known(mapping).map(|offset| cue_shift(map, offset, unplaced.segment_start)),
        (None, TimestampMapping::Offset(nanos)) => Some(nanos),
        (None, TimestampMapping::Discontinuity(_)) => Some(0),
    }
}

fn shifted(mut cue: Cue, nanos: i64) -> Cue {
    cue.start = cue.start.shifted(nanos);
    if cue.end != MediaTime::MAX {
        cue.end = cue.end.shifted(nanos);
    }
    for span in &mut cue.spans {
        span.style.from = span.style.from.map(|from| from.shifted(nanos));
    }
    cue
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{CueLayout, CueSpan};

    fn cue(start: i64, end: i64, text: &str) -> Cue {
        Cue {
            id: None,
            start: MediaTime::from_millis(start),
            end: MediaTime::from_millis(end),
            spans: vec![CueSpan { text: text.to_owned(), ..CueSpan::default() }],
            layout: CueLayout::default(),
            forced: false,
        }
    }

    #[test]
    fn a_cue_that_comes_with_two_segments_is_kept_once() {
        let (mut store, timeline) = (TextStore::default(), Timeline::default());
        let mapping = TimestampMapping::Offset(0);
        assert!(store.insert(vec![cue(1000, 5000, "a")], None, mapping, MediaTime::ZERO, &timeline));
        assert!(!store.insert(vec![cue(1000, 5000, "a")], None, mapping, MediaTime::from_millis(4000), &timeline));
        assert_eq!(store.cues().len(), 1);
    }

    #[test]
    fn cues_wait_until_the_media_tells_the_offset() {
        let (mut store, mut timeline) = (TextStore::default(), Timeline::default());
        let mapping = TimestampMapping::Discontinuity(0);
        let map = Some(TimestampMap { mpegts: 900_000, local: MediaTime::ZERO });
        assert!(!store.insert(vec![cue(500, 700, "x")], map, mapping, MediaTime::ZERO, &timeline));
        assert!(store.cues().is_empty());
        timeline.offset(mapping, true, MediaTime::ZERO, MediaTime::from_millis(10_000));
        assert!(store.place(&timeline));
        assert_eq!(store.cues()[0].start, MediaTime::from_millis(500));
    }

    #[test]
    fn cues_are_ordered_and_move_with_all_their_times() {
        let (mut store, timeline) = (TextStore::default(), Timeline::default());
        let mut karaoke = cue(3000, 4000, "k");
        karaoke.spans[0].style.from = Some(MediaTime::from_millis(3500));
        let endless = Cue { end: MediaTime::MAX, ..cue(1000, 0, "e") };
        let mapping = TimestampMapping::Offset(500_000_000);
        assert!(store.insert(vec![karaoke, endless], None, mapping, MediaTime::ZERO, &timeline));
        assert!(store.insert(
            vec![cue(1000, 1200, "a"), cue(1000, 1200, "b")],
            None,
            mapping,
            MediaTime::ZERO,
            &timeline
        ));
        let cues = store.cues();
        assert_eq!(cues.iter().map(|cue| cue.spans[0].text.as_str()).collect::<Vec<_>>(), ["e", "a", "b", "k"]);
        assert_eq!((cues[0].end, cues[1].end), (MediaTime::MAX, MediaTime::from_millis(1700)));
        assert_eq!(cues[3].spans[0].style.from, Some(MediaTime::from_millis(4000)));
        let back = TimestampMapping::Offset(-500_000_000);
        let longer = Cue { end: MediaTime::MAX, ..cue(9000, 0, "m") };
        assert!(store.insert(vec![cue(9000, 9200, "m"), longer], None, back, MediaTime::ZERO, &timeline));
        let late: Vec<_> = store.cues().iter().skip(4).map(|cue| (cue.start, cue.end)).collect();
        let ms = MediaTime::from_millis;
        assert_eq!(late, [(ms(8500), ms(8700)), (ms(8500), MediaTime::MAX)], "two lengths are two cues");
        assert!(!store.insert(Vec::new(), None, mapping, MediaTime::ZERO, &timeline));
        assert!(!store.place(&timeline), "nothing waits");
        let unmapped = TimestampMapping::Discontinuity(3);
        assert!(store.insert(vec![cue(9000, 9500, "z")], None, unmapped, MediaTime::ZERO, &timeline), "in file time");
        assert!(store.clear() && store.cues().is_empty() && !store.clear());
    }

    #[test]
    fn a_segment_that_was_read_is_known_from_its_begin_up_to_its_end() {
        let ms = MediaTime::from_millis;
        let mut store = TextStore::default();
        store.segment_loaded(ms(4000), ms(8000));
        assert_eq!([3999, 4000, 7999, 8000].map(|at| store.has_segment(ms(at))), [false, true, true, false]);
        store.clear();
        assert!(!store.has_segment(ms(5000)));
    }

    #[test]
    fn no_more_cues_are_kept_than_the_longest_film_has() {
        let (mut store, timeline) = (TextStore::default(), Timeline::default());
        let many = (0..MOST_CUES as i64 + 5).map(|at| cue(at, at + 1, "x")).collect();
        assert!(store.insert(many, None, TimestampMapping::Offset(0), MediaTime::ZERO, &timeline));
        assert_eq!(store.cues().len(), MOST_CUES);
        assert!(!store.insert(vec![cue(0, 9, "y")], None, TimestampMapping::Offset(0), MediaTime::ZERO, &timeline));
    }
}
