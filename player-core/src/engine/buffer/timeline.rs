//! Maps timestamps of the media to presentation time, and corrects those that make no sense.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::container::MediaClock;
use crate::model::TimestampMapping;
use crate::text::webvtt::TimestampMap;
use crate::time::MediaTime;

/// An offset smaller than this is rounding, not an offset: CMAF media usually carries presentation time already.
const SNAP: i64 = 250_000_000;
/// Announced durations are rounded, so the rounding may grow by a thousandth of the time before the segment.
const DRIFT: i64 = 1000;
/// A segment whose media lies further than this from its announced place is moved there.
pub(in crate::engine) const PLAUSIBLE: i64 = 10_000_000_000;
/// Two segments whose media is no further apart than this follow each other.
const JOINT: i64 = 1_000_000_000;
/// Offsets of more discontinuities than this are not kept, those of the latest ones: a live presentation has them without
/// end, and one that is played again is learned again.
const MOST_LEARNED: usize = 1024;
/// MPEG-2 time wraps at 33 bits of 90 kHz (ISO/IEC 13818-1 §2.4.3.7).
const WRAP: i128 = 1 << 33;

/// The offsets of a session.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Timeline {
    learned: BTreeMap<u64, i64>,
}

impl Timeline {
    /// Returns the offset of a segment that begins at `start` and whose first picture or sound is stamped `first`. The
    /// offset of a discontinuity is learned once and shared by all streams, so that audio and video stay together.
    /// `opening` is true for the first discontinuity of the presentation, where small offsets snap to zero.
    pub(in crate::engine) fn offset(
        &mut self,
        mapping: TimestampMapping,
        opening: bool,
        start: MediaTime,
        first: MediaTime,
    ) -> i64 {
        match mapping {
            TimestampMapping::Offset(nanos) => nanos,
            TimestampMapping::Discontinuity(number) => {
                let offset = *self.learned.entry(number).or_insert_with(|| {
                    let offset = start.nanos_from(first);
                    let slack = SNAP + start.as_nanos().max(0) / DRIFT;
                    if opening && offset.abs() < slack { 0 } else { offset }
                });
                if self.learned.len() > MOST_LEARNED {
                    self.learned.pop_first();
                }
                offset
            }
        }
    }

    /// The offset, when it is known without looking at media.
    pub(in crate::engine) fn known(&self, mapping: TimestampMapping) -> Option<i64> {
        match mapping {
            TimestampMapping::Offset(nanos) => Some(nanos),
            TimestampMapping::Discontinuity(number) => self.learned.get(&number).copied(),
        }
    }
}

/// Returns the offset that puts a time (already mapped) of a clock that wraps on the turn nearest to the declared start
/// of its segment.
pub(in crate::engine) fn turns(start: MediaTime, first: MediaTime) -> i64 {
    let turn = MediaClock::TURN;
    (start.nanos_from(first).saturating_add(turn / 2)).div_euclid(turn).saturating_mul(turn)
}

/// Returns the correction of a segment whose media begins at `first` (already mapped) though it was declared at
/// `start`, with a duration of `duration`: zero, or the offset to its declared place.
///
/// A wrong origin is the likeliest damage, and media that is played at its declared place is still the right film. If
/// the segment before it ended at `before`, media that continues there is right however far the declared durations have
/// drifted, and other media is trusted within half a segment; without a neighbour, within ten seconds.
pub(in crate::engine) fn correction(
    start: MediaTime,
    first: MediaTime,
    duration: Duration,
    before: Option<MediaTime>,
) -> i64 {
    let distance = start.nanos_from(first);
    let believed = match before {
        Some(end) if end.nanos_from(first).abs() <= JOINT => return 0,
        Some(_) => i64::try_from(duration.as_nanos() / 2).unwrap_or(PLAUSIBLE).clamp(JOINT, PLAUSIBLE),
        None => PLAUSIBLE,
    };
    if distance.abs() <= believed { 0 } else { distance }
}

/// Returns the offset of a cue: presentation = cue − local + mpegts / 90000 + offset, with the 33-bit counter unrolled
/// to the turn nearest to the segment (RFC 8216bis §3.1.4).
pub(in crate::engine) fn cue_shift(map: TimestampMap, offset: i64, segment_start: MediaTime) -> i64 {
    let expected = i128::from(segment_start.as_nanos()) - i128::from(offset);
    let expected_ticks = expected * 90 / 1_000_000;
    let raw = i128::from(map.mpegts) % WRAP;
    let turns = (expected_ticks - raw + WRAP / 2).div_euclid(WRAP);
    let ticks = raw + turns * WRAP;
    let nanos = ticks * 100_000 / 9 - i128::from(map.local.as_nanos()) + i128::from(offset);
    nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn s(seconds: i64) -> MediaTime {
        MediaTime::from_nanos(seconds * SECOND)
    }

    #[test]
    fn a_discontinuity_is_learned_once_and_shared() {
        let mut timeline = Timeline::default();
        let mapping = TimestampMapping::Discontinuity(1);
        assert_eq!(timeline.known(mapping), None);
        assert_eq!(timeline.offset(mapping, false, s(20), s(3)), 17 * SECOND);
        assert_eq!(timeline.offset(mapping, false, s(24), s(9)), 17 * SECOND);
        assert_eq!(timeline.known(mapping), Some(17 * SECOND));
    }

    #[test]
    fn presentation_time_stays_exact_and_a_transport_stream_is_moved() {
        let first = TimestampMapping::Discontinuity(0);
        assert_eq!(Timeline::default().offset(first, true, s(0), MediaTime::from_millis(42)), 0);
        assert_eq!(Timeline::default().offset(first, true, s(600), MediaTime::from_millis(600_700)), 0);
        assert_eq!(Timeline::default().offset(first, true, s(0), MediaTime::from_millis(1400)), -1_400_000_000);
        assert_eq!(Timeline::default().offset(first, false, s(0), MediaTime::from_millis(42)), -42_000_000);
    }

    #[test]
    fn cues_follow_the_map_across_a_wrap() {
        let map = |mpegts, local| TimestampMap { mpegts, local };
        assert_eq!(cue_shift(map(900_000, s(0)), -10 * SECOND, s(0)), 0);
        assert_eq!(cue_shift(map(900_000, s(4)), 0, s(0)), 6 * SECOND);
        // The media clock is one turn (about 26.5 hours) ahead of the counter.
        let turn = (1_i64 << 33) * 100_000 / 9;
        assert_eq!(cue_shift(map(90_000, s(0)), 0, MediaTime::from_nanos(turn)), turn + SECOND);
    }

    #[test]
    fn media_is_on_the_turn_nearest_to_its_place() {
        let turn = MediaClock::TURN;
        assert_eq!(turns(s(12), s(11)), 0);
        assert_eq!(turns(s(12), s(12).shifted(-turn)), turn);
        assert_eq!(turns(s(12), s(14).shifted(turn)), -turn);
        assert_eq!(turns(s(200_000), s(9_100)), 2 * turn);
    }

    #[test]
    fn only_absurd_times_are_corrected() {
        let six = Duration::from_secs(6);
        assert_eq!(correction(s(100), s(92), six, None), 0);
        assert_eq!(correction(s(100), s(4000), six, None), -3900 * SECOND);
        // Drifted away from what was announced, but the film goes on.
        assert_eq!(correction(s(100), s(4000), six, Some(s(4000))), 0);
        // The same times again, though no discontinuity was announced.
        assert_eq!(correction(s(6), s(0), six, Some(s(6))), 6 * SECOND);
        assert_eq!(correction(s(6), s(8), six, Some(s(6))), 0);
    }

    #[test]
    fn an_offset_is_rounding_below_a_quarter_of_a_second_and_a_thousandth_of_the_time() {
        let first = TimestampMapping::Discontinuity(0);
        let learned = |start: i64, offset: i64| {
            Timeline::default().offset(first, true, MediaTime::from_nanos(start), MediaTime::from_nanos(start - offset))
        };
        assert_eq!((learned(0, SNAP - 1), learned(0, SNAP), learned(0, -SNAP)), (0, SNAP, -SNAP));
        let (late, more) = (1000 * SECOND, SNAP + SECOND);
        assert_eq!((learned(late, more - 1), learned(late, more)), (0, more));
        assert_eq!((learned(-late, SNAP - 1), learned(-late, SNAP)), (0, SNAP), "nothing lies before zero");
        let mut timeline = Timeline::default();
        assert_eq!(timeline.offset(TimestampMapping::Offset(7), true, s(0), s(9)), 7);
        assert_eq!(timeline.known(TimestampMapping::Offset(7)), Some(7));
        assert_eq!(timeline.known(first), None, "a declared offset teaches nothing");
    }

    #[test]
    fn media_is_believed_up_to_a_border_that_depends_on_its_neighbour() {
        let millis = MediaTime::from_millis;
        let moved = |off: i64, length: u64, before: Option<i64>| {
            let start = millis(100_000);
            correction(start, millis(100_000 + off), Duration::from_millis(length), before.map(millis)) / 1_000_000
        };
        assert_eq!([10_000, 10_001, -10_000, -10_001].map(|off| moved(off, 6000, None)), [0, -10_001, 0, 10_001]);
        let far = Some(50_000);
        assert_eq!([3000, 3001, -3001].map(|off| moved(off, 6000, far)), [0, -3001, 3001], "half of the segment");
        assert_eq!([1000, 1001].map(|off| moved(off, 500, far)), [0, -1001], "a second at least");
        assert_eq!([10_000, 10_001].map(|off| moved(off, 90_000, far)), [0, -10_001], "ten seconds at most");
        assert_eq!(
            [104_000, 103_999].map(|end| moved(5000, 6000, Some(end))),
            [0, -5000],
            "what goes on there is right"
        );
        assert_eq!([106_000, 106_001].map(|end| moved(5000, 6000, Some(end))), [0, -5000]);
    }

    #[test]
    fn a_time_lies_on_the_turn_that_is_nearest() {
        let turn = MediaClock::TURN;
        let half = turn / 2;
        let at = |first: i64| turns(s(0), MediaTime::from_nanos(first));
        assert_eq!((at(half), at(half + 1), at(1 - half), at(-half)), (0, -turn, 0, turn));
    }

    #[test]
    fn a_cue_is_placed_to_the_tick_and_on_the_turn_nearest_to_its_segment() {
        let map = |mpegts, local| TimestampMap { mpegts, local };
        assert_eq!(cue_shift(map(9, s(0)), 0, s(0)), 100_000);
        assert_eq!(cue_shift(map(9, s(1)), 5, s(0)), 100_000 - SECOND + 5);
        let turn = WRAP as i64 * 100_000 / 9;
        // The counter has wrapped since: half a turn decides.
        assert_eq!(cue_shift(map((1 << 33) - 90_000, s(0)), 0, s(0)), -SECOND);
        assert_eq!(cue_shift(map((1 << 33) + 90_000, s(0)), 0, s(0)), SECOND, "33 bits");
        assert_eq!(cue_shift(map(0, s(0)), 0, MediaTime::from_nanos(turn / 2 - SECOND)), 0);
        assert_eq!(cue_shift(map(0, s(0)), 0, MediaTime::from_nanos(turn / 2 + SECOND)), turn);
        assert_eq!(cue_shift(map(0, s(0)), -turn, s(0)), 0, "the offset counts before the turn is chosen");
    }
}
