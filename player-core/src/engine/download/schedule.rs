//! Chooses the stream to serve next, and finds the segment that it needs. Pure: the results depend only on the
//! presentation and the streams' places.

use std::time::Duration;

use crate::engine::download::demand::{Demand, DemandRefusal, Direction};
use crate::engine::download::{Activity, NextSegment, Stream};
use crate::engine::ids::{KeyedPresentation, PeriodKey, RepKey, SegmentKey, StreamId};
use crate::engine::selection::representation;
use crate::model::{IndexSource, SegmentId, SegmentIndex, SegmentList, SegmentRef, TimestampMapping};
use crate::time::{MediaTime, Now};

/// Announced times of different representations may differ by rounding: a segment is looked up this much after the
/// end of the one before it, or a quarter of a short segment.
pub(in crate::engine) const ROUNDING: Duration = Duration::from_millis(100);
/// A representation whose segment begins this much before the end of the last one is not aligned with it.
const MISALIGNED: Duration = Duration::from_millis(200);

/// Next need of a stream, given a representation.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) enum Step {
    /// The index of the representation.
    Index(Box<IndexSource>),
    /// The segment to fetch.
    Segment(Box<SegmentRef>),
    /// Nothing before this time: it is not available yet.
    WaitUntil(Now),
    /// Nothing before the list is read again: it grows, and what comes next is not listed yet.
    AwaitUpdate,
    /// The period has no more of it.
    Exhausted,
}

/// Returns the streams in the order in which they should be served: least media ahead first, and by the priority of their
/// demands where that is equal.
pub(in crate::engine) fn order<'a>(streams: impl Iterator<Item = &'a Stream>) -> Vec<StreamId> {
    let mut streams: Vec<_> = streams.collect();
    streams.sort_by_key(|stream| (stream.fetched_until(), stream.demand().priority));
    streams.into_iter().map(Stream::id).collect()
}

/// Refuses a demand that cannot be served. The segment after one is the later one ([`step`]), and the sets of key frames
/// that a manifest offers are not followed.
pub(in crate::engine) const fn check_demand(demand: Demand) -> Result<(), DemandRefusal> {
    match demand.direction {
        Direction::Backward => Err(DemandRefusal::Backward),
        Direction::Forward if demand.key_frames_only => Err(DemandRefusal::KeyFramesOnly),
        Direction::Forward => Ok(()),
    }
}

/// The period that holds a time; the last one for times after the end.
pub(in crate::engine) fn period_at(presentation: &KeyedPresentation, time: MediaTime) -> PeriodKey {
    let position = presentation.periods.iter().rposition(|period| period.start <= time).unwrap_or(0);
    presentation.period_key(position).unwrap_or(PeriodKey::FIRST)
}

/// The period of a place; `None` at the end.
pub(in crate::engine) fn period_of(place: NextSegment) -> Option<PeriodKey> {
    match place {
        NextSegment::At { period, .. } => Some(period),
        NextSegment::After { rep, .. } => Some(rep.period),
        NextSegment::End => None,
    }
}

/// The place at which the period after `period` begins.
pub(in crate::engine) fn next_period(presentation: &KeyedPresentation, period: PeriodKey) -> NextSegment {
    let next = presentation.period_position(period).map(|position| position + 1);
    let key = next.and_then(|next| presentation.period_key(next));
    match key.and_then(|key| Some((key, presentation.period(key)?))) {
        Some((key, next)) => NextSegment::At { period: key, time: next.start },
        None => NextSegment::End,
    }
}

/// True when a stream at `place` will still bring media of a discontinuity that begins no later than `start`.
pub(in crate::engine) fn comes_to(
    presentation: &KeyedPresentation,
    stream: &Stream,
    mapping: TimestampMapping,
    start: MediaTime,
) -> bool {
    if stream.is_finished() {
        return false;
    }
    let Some(rep) = stream.last() else {
        // Nothing was asked for so far: what will be is not known before its index is here.
        return matches!(stream.activity(), Activity::Index(_)) && stream.fetched_until() <= start + ROUNDING;
    };
    if stream.fetched_until() > start + ROUNDING && stream.download().is_none() {
        return false;
    }
    let Some(list) = presentation.known_list(rep) else { return false };
    let at = list.at(start + ROUNDING).and_then(|number| list.get(number));
    at.is_some_and(|segment| segment.mapping == mapping && !segment.gap)
}

/// The segment with a key, when its list is known and holds it.
pub(in crate::engine) fn segment(presentation: &KeyedPresentation, key: SegmentKey) -> Option<SegmentRef> {
    let list = presentation.known_list(key.rep)?;
    list.get(list.position(key.id)?)
}

/// The place of the segment before this one, when there is one.
pub(in crate::engine) fn before(
    presentation: &KeyedPresentation,
    rep: RepKey,
    segment: SegmentId,
) -> Option<NextSegment> {
    let list = presentation.known_list(rep)?;
    let (start, _) = list.span(list.position(segment)?.checked_sub(1)?)?;
    Some(NextSegment::At { period: rep.period, time: start })
}

/// Returns the next need of a stream at `place` from a representation of the same period.
pub(in crate::engine) fn step(presentation: &KeyedPresentation, place: NextSegment, rep: RepKey, now: Now) -> Step {
    let found = representation(presentation, rep).map(|found| &found.index);
    if let (Some(_), Some(at)) = (found, presentation.available_at().filter(|at| *at > now)) {
        return Step::WaitUntil(at);
    }
    let list = match found {
        None => return Step::Exhausted,
        Some(SegmentIndex::External(source)) => return Step::Index(Box::new(source.clone())),
        Some(SegmentIndex::Known(list)) => list,
    };
    match next(list, place, rep) {
        Some(segment) => match presentation.segment_available_at(rep, &segment).filter(|at| *at > now) {
            Some(at) => Step::WaitUntil(at),
            None => Step::Segment(Box::new(segment)),
        },
        None if place != NextSegment::End && presentation.grows(rep) => Step::AwaitUpdate,
        None => Step::Exhausted,
    }
}

/// Segment or part of a list that comes next at a place: by name if the list is that of the last segment and still holds
/// it, else by time. A time that no whole segment holds is decoded from an independent part on.
fn next(list: &SegmentList, place: NextSegment, rep: RepKey) -> Option<SegmentRef> {
    match place {
        NextSegment::After { rep: last, segment, .. } if last == rep && list.holds(segment) => list.after(segment),
        NextSegment::At { time, .. } => {
            position(list, place, rep).and_then(|position| list.get(position)).or_else(|| list.part_at(time))
        }
        NextSegment::After { end, .. } => {
            let found = position(list, place, rep).and_then(|position| list.get(position));
            found.or_else(|| list.part_at(end + ROUNDING / 2))
        }
        NextSegment::End => None,
    }
}

/// True when a representation can take over at a place without overlapping what is there, as far as is known.
pub(in crate::engine) fn is_aligned(presentation: &KeyedPresentation, place: NextSegment, rep: RepKey) -> bool {
    let NextSegment::After { end, rep: last, .. } = place else { return true };
    if last == rep {
        return true;
    }
    let Some(list) = presentation.known_list(rep) else { return true };
    let start = position(list, place, rep).and_then(|position| list.span(position)).map(|(start, _)| start);
    start.is_none_or(|start| start + MISALIGNED >= end)
}

/// Returns true if a segment or part begins where a place is, and not before.
pub(in crate::engine) fn goes_on(place: NextSegment, segment: &SegmentRef) -> bool {
    match place {
        NextSegment::After { end, .. } => segment.start + MISALIGNED >= end,
        NextSegment::At { .. } | NextSegment::End => true,
    }
}

/// Position in a list of the segment that comes next at a place: by name if the list is that of the last segment and
/// still holds it, else by time.
pub(super) fn position(list: &SegmentList, place: NextSegment, rep: RepKey) -> Option<u64> {
    match place {
        NextSegment::At { time, .. } => list.at(time),
        NextSegment::After { rep: last, segment, end } => {
            let known = list.position(segment).filter(|_| last == rep);
            match known {
                Some(position) => Some(position + 1).filter(|next| *next < list.len()),
                None => {
                    let nominal = list.span(list.len().checked_sub(1)?)?.1;
                    list.at(end + ROUNDING.min(nominal / 4))
                }
            }
        }
        NextSegment::End => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::download::{segment_duration, segments_left, sizes_ahead, window};
    use crate::engine::source::duration;
    use crate::model::{AdaptationSet, MediaKind, Period, Presentation, Representation, Resource, TrackId};
    use crate::render::Window;
    use crate::time::{WallClock, WallClockMapping};

    fn ms(value: i64) -> MediaTime {
        MediaTime::from_millis(value)
    }

    fn list(spans: &[(i64, i64)]) -> SegmentIndex {
        let segment = |(number, (start, end)): (usize, &(i64, i64))| SegmentRef {
            id: SegmentId::Sequence(number as u64),
            previous: number.checked_sub(1).map(|before| SegmentId::Sequence(before as u64)),
            start: ms(*start),
            duration: ms(*end).since(ms(*start)),
            resource: Resource::new("http://h/x".parse().expect("a valid address")),
            init: None,
            mapping: TimestampMapping::Offset(0),
            gap: false,
            size: None,
            encryption: None,
            program_date_time: None,
            part: None,
        };
        SegmentIndex::Known(SegmentList::Explicit(spans.iter().enumerate().map(segment).collect()))
    }

    fn rep(id: &str, index: SegmentIndex) -> Representation {
        Representation { index, ..Representation::for_tests(id, 1) }
    }

    fn presentation(reps: Vec<Representation>) -> Presentation {
        let set = AdaptationSet::for_tests("v", MediaKind::Video, reps);
        let period = |id: &str, start| Period::new(id.into(), ms(start), None, vec![set.clone()]);
        Presentation::for_tests(vec![period("a", 0), period("b", 12_000)])
    }

    const fn key(rep: u32) -> RepKey {
        RepKey::for_tests(0, 0, rep)
    }

    const NEXT: PeriodKey = PeriodKey::for_tests(1);

    fn keyed(reps: Vec<Representation>) -> KeyedPresentation {
        presentation(reps).into()
    }

    const fn sequence(id: SegmentId) -> u64 {
        match id {
            SegmentId::Sequence(number) => number,
            SegmentId::Time(_) | SegmentId::Part { .. } => u64::MAX,
        }
    }

    fn after_segment(rep: u32, number: u64, end: i64) -> NextSegment {
        NextSegment::After { rep: key(rep), segment: SegmentId::Sequence(number), end: ms(end) }
    }

    fn number_of(step: Step) -> Option<u64> {
        match step {
            Step::Segment(segment) => Some(sequence(segment.id)),
            Step::Index(_) | Step::WaitUntil(_) | Step::AwaitUpdate | Step::Exhausted => None,
        }
    }

    #[test]
    fn the_next_segment_follows_by_number_in_one_list_and_by_time_in_another() {
        let even = [(0, 4000), (4000, 8000), (8000, 12_000)];
        let rounded = [(0, 4004), (4004, 8008), (8008, 12_012)];
        let known = keyed(vec![rep("a", list(&even)), rep("b", list(&rounded))]);
        let after = after_segment(0, 0, 4000);
        assert_eq!(number_of(step(&known, after, key(0), Now::ZERO)), Some(1));
        assert_eq!(number_of(step(&known, after, key(1), Now::ZERO)), Some(1), "rounding is not another segment");
        let last = after_segment(0, 2, 12_000);
        assert_eq!(step(&known, last, key(0), Now::ZERO), Step::Exhausted);
        assert_eq!(
            number_of(step(&known, NextSegment::At { period: PeriodKey::FIRST, time: ms(4001) }, key(0), Now::ZERO)),
            Some(1)
        );
        assert_eq!(segments_left(&known, after, key(0)), Some(2));
        assert_eq!(
            before(&known, key(0), SegmentId::Sequence(2)),
            Some(NextSegment::At { period: PeriodKey::FIRST, time: ms(4000) })
        );
        assert_eq!(before(&known, key(0), SegmentId::Sequence(0)), None);
    }

    #[test]
    fn representations_with_other_boundaries_are_told_apart() {
        let known =
            keyed(vec![rep("a", list(&[(0, 4000), (4000, 8000)])), rep("b", list(&[(0, 6000), (6000, 12_000)]))]);
        let after = after_segment(0, 0, 4000);
        assert!(is_aligned(&known, after, key(0)));
        assert!(!is_aligned(&known, after, key(1)), "its segment began two seconds before");
        let overlapping = keyed(vec![rep("a", list(&[(0, 4000), (3000, 7000)]))]);
        assert!(is_aligned(&overlapping, after, key(0)), "whatever its own list says");
    }

    #[test]
    fn periods_follow_each_other_and_the_length_is_the_latest_end() {
        let known = keyed(vec![rep("a", list(&[(0, 4000), (4000, 9500)]))]);
        assert_eq!(period_at(&known, ms(11_999)), PeriodKey::FIRST);
        assert_eq!(period_at(&known, ms(12_000)), NEXT);
        assert_eq!(next_period(&known, PeriodKey::FIRST), NextSegment::At { period: NEXT, time: ms(12_000) });
        assert_eq!(next_period(&known, NEXT), NextSegment::End);
        assert_eq!(duration(&known), Some(Duration::from_millis(9500)));
    }

    #[test]
    fn the_stream_with_least_media_ahead_comes_first() {
        let stream = |id, end| Stream::new(id, TrackId("t".into()), after_segment(0, 0, end));
        let streams = [stream(StreamId::Main, 8000), stream(StreamId::Audio, 4000), stream(StreamId::Text, 8000)];
        assert_eq!(order(streams.iter()), [StreamId::Audio, StreamId::Main, StreamId::Text]);
    }

    #[test]
    fn streams_that_are_fetched_equally_far_are_served_by_the_priority_of_their_demands() {
        let ids = [StreamId::Text, StreamId::Main, StreamId::Audio];
        let mut streams = ids.map(|id| Stream::new(id, TrackId("t".into()), after_segment(0, 0, 8000)));
        assert_eq!(order(streams.iter()), [StreamId::Main, StreamId::Audio, StreamId::Text]);
        streams[1].set_demand(Demand { priority: 9, ..streams[1].demand() });
        assert_eq!(order(streams.iter()), [StreamId::Audio, StreamId::Text, StreamId::Main]);
        streams[1].advance_past(key(0), &discontinuous_segment());
        assert_eq!(order(streams.iter()), [StreamId::Main, StreamId::Audio, StreamId::Text], "it has less now");
    }

    #[test]
    fn demands_that_nothing_serves_are_refused() {
        let check = |rate| check_demand(Demand::of(StreamId::Main, rate));
        assert_eq!([0.25, 1.0, 4.0].map(check), [Ok(()); 3]);
        assert_eq!([-0.5, -8.0].map(check), [Err(DemandRefusal::Backward); 2]);
        assert_eq!(check(4.1), Err(DemandRefusal::KeyFramesOnly));
    }

    /// The segment from 0 to 4 s.
    fn discontinuous_segment() -> SegmentRef {
        discontinuous(MediaKind::Video).known_list(ONLY).and_then(|list| list.get(0)).expect("a segment")
    }

    /// Three segments of four seconds, a discontinuity before the second.
    fn discontinuous(kind: MediaKind) -> KeyedPresentation {
        split(kind).into()
    }

    fn split(kind: MediaKind) -> Presentation {
        let SegmentIndex::Known(SegmentList::Explicit(segments)) = list(&[(0, 4000), (4000, 8000), (8000, 12_000)])
        else {
            unreachable!("what `list` makes")
        };
        let segments = segments.into_iter().map(|segment| SegmentRef {
            mapping: TimestampMapping::Discontinuity(u64::from(sequence(segment.id) > 0)),
            size: (sequence(segment.id) < 2).then_some(100 + sequence(segment.id)),
            ..segment
        });
        let index = SegmentIndex::Known(SegmentList::Explicit(segments.collect()));
        let mut presentation = presentation(vec![rep("a", index)]);
        presentation.periods.truncate(1);
        presentation.periods[0].adaptation_sets[0].kind = kind;
        presentation
    }

    const ONLY: RepKey = key(0);

    /// The segments of the first representation that [`list`] made.
    fn list_of(presentation: &mut Presentation) -> &mut Vec<SegmentRef> {
        match &mut presentation.periods[0].adaptation_sets[0].representations[0].index {
            SegmentIndex::Known(SegmentList::Explicit(list)) => list,
            _ => unreachable!("what `list` makes"),
        }
    }

    #[test]
    fn sound_ends_at_a_discontinuity_and_pictures_when_something_takes_their_place() {
        let until = |kind| {
            let presentation = discontinuous(kind);
            let list = presentation.known_list(ONLY).expect("a list");
            [0, 1].map(|number| window(&presentation, ONLY, &list.get(number).expect("a segment")).until)
        };
        assert_eq!(until(MediaKind::Audio), [ms(4000), Window::ALL.until]);
        assert_eq!(until(MediaKind::Video), [Window::ALL.until; 2]);
        let mut early = split(MediaKind::Audio);
        let segments = list_of(&mut early);
        segments[1].start = ms(3900);
        let early = KeyedPresentation::from(early);
        let first = early.known_list(ONLY).and_then(|list| list.get(0)).expect("a segment");
        assert_eq!(window(&early, ONLY, &first).until, ms(3900), "where the one after it begins");
        let presentation = discontinuous(MediaKind::Audio);
        let second = presentation.known_list(ONLY).and_then(|list| list.get(1)).expect("a segment");
        assert_eq!(window(&presentation, ONLY, &second).from, ms(4000));
    }

    #[test]
    fn pictures_whose_index_is_on_its_way_will_come() {
        let presentation = discontinuous(MediaKind::Video);
        let first = TimestampMapping::Discontinuity(0);
        let mut stream = Stream::new(
            StreamId::Main,
            TrackId("v".into()),
            NextSegment::At { period: PeriodKey::FIRST, time: MediaTime::ZERO },
        );
        assert!(!comes_to(&presentation, &stream, first, ms(0)), "nobody has asked for anything");
        stream.await_index(ONLY);
        assert!(comes_to(&presentation, &stream, first, ms(0)));
        stream.restart_at(PeriodKey::FIRST, ms(9000));
        stream.await_index(ONLY);
        assert!(!comes_to(&presentation, &stream, first, ms(0)), "they begin behind it");
    }

    #[test]
    fn sizes_are_told_as_far_as_all_are_known() {
        let presentation = discontinuous(MediaKind::Video);
        let place = |millis| NextSegment::At { period: PeriodKey::FIRST, time: ms(millis) };
        let sizes = |millis, most| sizes_ahead(&presentation, place(millis), &[ONLY], most);
        assert_eq!(sizes(0, 10), Some(vec![100, 101]));
        assert_eq!(sizes(0, 1), Some(vec![100]));
        assert_eq!((sizes(9000, 10), sizes_ahead(&presentation, place(0), &[], 10)), (None, None));
    }

    #[test]
    fn sizes_of_lists_that_begin_at_different_times_are_those_of_the_same_time() {
        let mut known = presentation(vec![rep("a", list(&[(0, 4000), (4000, 8000)])), rep("b", list(&[(4000, 8000)]))]);
        list_of(&mut known)[1].size = Some(11);
        known.periods[0].adaptation_sets[0].representations.swap(0, 1);
        list_of(&mut known)[0].size = Some(22);
        let known = KeyedPresentation::from(known);
        let place = NextSegment::At { period: PeriodKey::FIRST, time: ms(4000) };
        assert_eq!(sizes_ahead(&known, place, &[key(1), key(0)], 3), Some(vec![11, 22]));
    }

    #[test]
    fn nothing_is_fetched_before_the_presentation_is_available_not_even_an_index() {
        let resource = Resource::new("http://h/list".parse().expect("a valid address"));
        let index = SegmentIndex::External(IndexSource::playlist(resource));
        let mut known = presentation(vec![rep("a", list(&[(0, 4000)])), rep("b", index.clone())]);
        known.available_from = Some(WallClock::from_unix_nanos(5_000_000_000));
        let mut known = KeyedPresentation::from(known);
        known.place_availability(Some(WallClockMapping::new(Now::ZERO, WallClock::from_unix_nanos(0))));
        let place = NextSegment::At { period: PeriodKey::FIRST, time: ms(0) };
        let five = Now::ZERO + Duration::from_secs(5);
        let earlier = Now::from_nanos(4_999_999_999);
        assert_eq!([0, 1].map(|rep| step(&known, place, key(rep), earlier)), [0, 1].map(|_| Step::WaitUntil(five)));
        assert_eq!(number_of(step(&known, place, key(0), five)), Some(0));
        let SegmentIndex::External(source) = index else { unreachable!("what was made above") };
        assert_eq!(step(&known, place, key(1), five), Step::Index(Box::new(source)));
        assert_eq!(step(&known, place, key(7), earlier), Step::Exhausted, "there is no such representation");
    }

    #[test]
    fn the_last_period_ends_where_the_manifest_declares_it_and_not_where_lengths_add_up() {
        let segments = [(0, 4000), (4000, 8000)];
        let mut known = presentation(vec![rep("a", list(&segments))]);
        known.periods.truncate(1);
        let until = |known: &Presentation| {
            let known = KeyedPresentation::from(known.clone());
            let segment = known.known_list(ONLY).and_then(|list| list.get(1)).expect("two segments");
            window(&known, ONLY, &segment).until
        };
        assert_eq!(until(&known), MediaTime::MAX);
        known.duration = Some(Duration::from_secs(7));
        assert_eq!(until(&known), ms(7000));
        known.periods[0].duration = Some(Duration::from_secs(6));
        assert_eq!(until(&known), ms(6000), "the period ends before the presentation");
        known.periods[0].duration = Some(Duration::from_secs(9));
        assert_eq!(until(&known), ms(7000), "and never after it");
        list_of(&mut known).iter_mut().for_each(|segment| segment.mapping = TimestampMapping::Discontinuity(0));
        assert_eq!(until(&known), MediaTime::MAX, "announced lengths are rounded");
    }

    #[test]
    fn subtitles_never_make_a_presentation_longer() {
        let mut known = presentation(vec![rep("a", list(&[(0, 4000), (4000, 6000)]))]);
        known.periods.truncate(1);
        let mut text = known.periods[0].adaptation_sets[0].clone();
        text.kind = MediaKind::Text;
        text.representations = vec![rep("t", list(&[(0, 3_600_000)]))];
        known.periods[0].adaptation_sets.push(text);
        assert_eq!(duration(&known), Some(Duration::from_secs(6)));
        known.periods[0].adaptation_sets.remove(0);
        assert_eq!(duration(&known), Some(Duration::from_secs(3600)), "there is nothing else");
    }

    #[test]
    fn media_of_a_discontinuity_comes_as_long_as_its_segment_is_awaited() {
        let presentation = discontinuous(MediaKind::Video);
        let map = TimestampMapping::Discontinuity;
        let mut stream = Stream::new(
            StreamId::Main,
            TrackId("v".into()),
            NextSegment::At { period: PeriodKey::FIRST, time: ms(100) },
        );
        stream.await_index(ONLY);
        assert!(comes_to(&presentation, &stream, map(0), ms(0)), "up to the tolerance");
        stream.restart_at(PeriodKey::FIRST, ms(101));
        stream.await_index(ONLY);
        assert!(!comes_to(&presentation, &stream, map(0), ms(0)));
        stream.decide_on(ONLY, Now::ZERO);
        stream.rewind_to(after_segment(0, 0, 4000));
        let comes = |stream: &Stream, mapping, start| comes_to(&presentation, stream, map(mapping), ms(start));
        assert_eq!([3899, 3900, 4000].map(|start| comes(&stream, 1, start)), [false, true, true]);
        assert!(!comes(&stream, 0, 4000), "another discontinuity lies there");
        assert!(!comes(&stream, 0, 0), "it has passed");
        let list = presentation.known_list(ONLY).expect("a list");
        let plan = crate::engine::download::SegmentPlan {
            rep: ONLY,
            segment: list.get(0).expect("a segment"),
            reason: abr::Reason::Only,
            ladder: std::sync::Arc::default(),
            rung: 0,
            opening: true,
            window: Window::ALL,
        };
        let begins_at = plan.segment.start;
        let job = crate::engine::requests::JobId::for_tests(0);
        stream.start_download(crate::engine::download::SegmentDownload::new(job, plan, None, begins_at));
        assert!(comes(&stream, 0, 0), "it is on its way");
        stream.rewind_to(NextSegment::End);
        assert!(!comes(&stream, 1, 4000), "nothing comes any more");
        let mut missing = split(MediaKind::Video);
        list_of(&mut missing)[1].gap = true;
        stream.rewind_to(after_segment(0, 0, 4000));
        assert!(!comes_to(&missing.into(), &stream, map(1), ms(4000)), "it is announced as missing");
    }

    #[test]
    fn only_a_later_period_begins_at_its_declared_time() {
        let known = keyed(vec![rep("a", list(&[(0, 4000)]))]);
        let segment = known.known_list(ONLY).and_then(|list| list.get(0)).expect("a segment");
        let from = |period| {
            let mut rep = ONLY;
            rep.period = period;
            window(&known, rep, &segment).from
        };
        assert_eq!((from(PeriodKey::FIRST), from(NEXT)), (Window::ALL.from, ms(12_000)));
        assert_eq!(window(&known, ONLY, &segment).until, ms(12_000), "and the one before it ends there");
        let placed = SegmentRef { mapping: TimestampMapping::Discontinuity(0), ..segment };
        assert_eq!(window(&known, ONLY, &placed).until, ms(12_000), "also where media tells its own place");
    }

    #[test]
    fn the_tolerance_of_announced_times_is_exact_and_smaller_for_short_segments() {
        let known = keyed(vec![
            rep("a", list(&[(0, 4000), (4000, 8000)])),
            rep("b", list(&[(0, 200), (200, 400), (400, 600)])),
            rep("c", list(&[(0, 3800), (3800, 8000)])),
            rep("d", list(&[(0, 3799), (3799, 8000)])),
        ]);
        let after = after_segment;
        let next = |rep, end| number_of(step(&known, after(9, 0, end), key(rep), Now::ZERO));
        assert_eq!((next(0, 3899), next(0, 3900)), (Some(0), Some(1)));
        assert_eq!((next(1, 149), next(1, 150), next(1, 350)), (Some(0), Some(1), Some(2)));
        let ragged = keyed(vec![rep("a", list(&[(0, 4000), (4000, 4200)]))]);
        let next = |end| number_of(step(&ragged, after(9, 0, end), key(0), Now::ZERO));
        assert_eq!((next(3949), next(3950)), (Some(0), Some(1)), "the last segment is a short one");
        let aligned = |rep| is_aligned(&known, after(0, 0, 4000), key(rep));
        assert_eq!((aligned(2), aligned(3)), (true, false));
        assert!(
            is_aligned(&known, NextSegment::At { period: PeriodKey::FIRST, time: ms(4000) }, key(3)),
            "nothing comes before it"
        );
        assert_eq!(
            (segments_left(&known, after(1, 1, 400), key(1)), segments_left(&known, NextSegment::End, key(1))),
            (Some(1), Some(0))
        );
        let length = |place, rep| segment_duration(&known, place, key(rep)).map(|length| length.as_millis());
        assert_eq!(
            (length(after(2, 0, 3800), 2), length(NextSegment::End, 2)),
            (Some(4200), Some(4200)),
            "the last one's"
        );
        assert_eq!(length(NextSegment::At { period: PeriodKey::FIRST, time: ms(0) }, 2), Some(3800));
    }
}
