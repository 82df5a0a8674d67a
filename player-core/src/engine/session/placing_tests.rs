//! Samples that arrive: where they are placed, and what is done if that is not where they should be.
#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;

use super::tests::{add, chosen, context, described, events, ms, rep, segment, session_of, set};
use super::*;
use crate::command::SeekMode;
use crate::container::{
    CodecConfig, DemuxOutput, Fragment, InitSegment, MediaClock, Payload, Sample, SegmentTail, TrackDamage, TrackInit,
};
use crate::engine::download::{KeptState, NextSegment, SegmentDownload};
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::requests::Purpose;
use crate::event::Event;
use crate::model::{Representation, Resource, SegmentIndex, SegmentList, SegmentRef, TimestampMapping};

const BREAK: TimestampMapping = TimestampMapping::Discontinuity(3);

fn init(kinds: &[MediaKind], clock: MediaClock, first: Option<MediaTime>) -> InitSegment {
    let track = |(id, kind): (u32, &MediaKind)| TrackInit {
        id,
        kind: *kind,
        timescale: 1000,
        language: None,
        config: Arc::new(CodecConfig::for_tests("")),
    };
    InitSegment { tracks: (1..).zip(kinds).map(track).collect(), clock, first, source: Bytes::new() }
}

/// Three samples of 100 ms of a track.
fn fragment(track: u32, from: i64) -> DemuxOutput {
    let sample = |number: i64| Sample {
        pts: ms(from + number * 100),
        dts: ms(from + number * 100 - 40),
        duration: Duration::from_millis(100),
        key: number == 0,
        payload: Payload(vec![0; 10].into()),
        crypto: None,
    };
    DemuxOutput::Fragment(Fragment { track, samples: (0..3).map(sample).collect() })
}

/// A session whose stream fetches the second of two segments of 4 s, for a start at 4 s.
fn fetching(id: StreamId, carries: (bool, bool), init: InitSegment, mapping: TimestampMapping) -> (Session, Context) {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(id, Some(carries))]);
    let list: Vec<_> = (0..2)
        .map(|number| SegmentRef { mapping, ..segment(number, number as i64 * 4000, number as i64 * 4000 + 4000) })
        .collect();
    let index = SegmentIndex::Known(SegmentList::Explicit(list.clone()));
    let reps = vec![Representation { index, ..rep("v", 1) }];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    for kind in BUFFERED {
        session.buffer_mut(kind).unwrap().restart(ms(4000), crate::engine::buffer::Departure::Void);
    }
    cx.playback.begin_at(ms(4000), SeekMode::Exact, cx.now);
    let somewhere = Resource::new("http://h/part".parse().unwrap());
    let job = cx.jobs.add(cx.now, Purpose::Media(id), FetchKind::Segment, somewhere, Ingest::Body);
    let plan = SegmentPlan { segment: list[1].clone(), opening: false, ..chosen(1, 4000, 8000) };
    let stream = session.stream_mut(id).unwrap();
    stream.rewind_to(NextSegment::At { period: PeriodKey::FIRST, time: ms(4000) });
    stream.start_download(SegmentDownload::new(job, plan, Some(Arc::new(init)), ms(4000)));
    (session, cx)
}

fn spans(buffer: &TrackBuffer) -> Vec<(MediaTime, MediaTime)> {
    buffer.parts().map(|part| (part.first, part.last)).collect()
}

#[test]
fn video_that_begins_late_after_a_start_is_preceded_by_the_segment_before() {
    let zero = TimestampMapping::Offset(0);
    for (from, skipped, steps) in [(4000, 0, 0), (4050, 0, 0), (4051, 0, 1), (4051, 1, 0)] {
        let init = init(&[MediaKind::Video], MediaClock::Endless, None);
        let (mut session, mut cx) = fetching(StreamId::Main, (true, false), init, zero);
        if skipped > 0 {
            let stream = session.stream_mut(StreamId::Main).unwrap();
            let download = stream.download().unwrap().clone();
            stream.skip_download();
            stream.start_download(download);
        }
        session.on_media(&mut cx, StreamId::Main, fragment(1, from));
        let stream = session.stream(StreamId::Main).unwrap();
        assert_eq!((stream.stepped_back(), stream.is_idle()), (steps, steps > 0), "{from} {skipped}");
        if steps > 0 {
            let before = session.source.presentation().known_list(of_video()).unwrap().get(0).unwrap();
            assert_eq!(schedule::step(session.presentation(), stream.place(), of_video(), cx.now), step_to(before));
        }
    }
}

fn of_video() -> RepKey {
    RepKey::for_tests(0, 0, 0)
}

fn step_to(segment: SegmentRef) -> schedule::Step {
    schedule::Step::Segment(Box::new(segment))
}

#[test]
fn times_of_a_segment_are_shifted_by_its_first_media_which_its_head_declares() {
    for (first, begins) in [(None, 4000), (Some(ms(1000)), 4500)] {
        let init = init(&[MediaKind::Video], MediaClock::Endless, first);
        let (mut session, mut cx) = fetching(StreamId::Main, (true, false), init, BREAK);
        assert!(cx.playback.begin_presentation(), "a start would fetch the segment before");
        session.on_media(&mut cx, StreamId::Main, fragment(1, 1500));
        let part = session.video.parts().next().unwrap();
        assert_eq!((part.first, part.last), (ms(begins), ms(begins + 300)), "{first:?}");
        assert_eq!(part.samples[1].dts, ms(begins + 100 - 40), "decoding order lies on the same timeline");
    }
}

#[test]
fn a_clock_that_wraps_is_placed_on_the_turn_of_its_segment() {
    let turn = MediaClock::TURN;
    let init = init(&[MediaKind::Video], MediaClock::Mpeg, None);
    let (mut session, mut cx) = fetching(StreamId::Main, (true, false), init, BREAK);
    session.timeline.offset(BREAK, false, ms(0), ms(0).shifted(turn - 4_000_000_000));
    assert!(cx.playback.begin_presentation(), "a start would fetch the segment before");
    session.on_media(&mut cx, StreamId::Main, fragment(1, 200));
    assert_eq!(spans(&session.video), [(ms(4200), ms(4500))], "it begins as late as it says");
    assert_eq!(events(&mut cx), [], "nothing is wrong with its times");
}

#[test]
fn the_first_track_of_a_kind_is_presented() {
    let kinds = [MediaKind::Video, MediaKind::Video, MediaKind::Audio];
    let (mut session, mut cx) =
        fetching(StreamId::Main, (true, true), init(&kinds, MediaClock::Endless, None), TimestampMapping::Offset(0));
    for track in [2, 1, 3, 4] {
        session.on_media(&mut cx, StreamId::Main, fragment(track, 4000));
    }
    assert_eq!(session.account().counts().received, 3);
    assert_eq!((spans(&session.video).len(), spans(&session.audio).len()), (1, 1));
    assert_eq!(session.main().unwrap().download().unwrap().seen(), 12, "what came and is not wanted is no lack");
}

#[test]
fn times_far_outside_of_a_segment_are_reported_once() {
    let init = init(&[MediaKind::Video], MediaClock::Endless, None);
    let (mut session, mut cx) = fetching(StreamId::Main, (true, false), init, TimestampMapping::Offset(0));
    session.on_media(&mut cx, StreamId::Main, fragment(1, 4000));
    for from in [90_000, 95_000] {
        session.on_media(&mut cx, StreamId::Main, fragment(1, from));
    }
    let warnings = events(&mut cx).iter().filter(|event| matches!(event, Event::Warning { .. })).count();
    assert_eq!(warnings, 1);
    let counts = session.account().counts();
    assert_eq!((counts.received, counts.lost.outside_window), (9, 6));
}

#[test]
fn audio_waits_for_the_video_of_its_file_and_of_no_other() {
    let kinds = [MediaKind::Video, MediaKind::Audio];
    let (mut session, mut cx) = fetching(StreamId::Main, (true, true), init(&kinds, MediaClock::Endless, None), BREAK);
    session.on_media(&mut cx, StreamId::Main, fragment(2, 900));
    assert!(spans(&session.audio).is_empty(), "where it belongs is not known");
    session.on_media(&mut cx, StreamId::Main, fragment(1, 1000));
    assert_eq!(
        (spans(&session.video), spans(&session.audio)),
        (vec![(ms(4000), ms(4300))], vec![(ms(3900), ms(4200))])
    );
    let only = init(&[MediaKind::Audio], MediaClock::Endless, None);
    let (mut session, mut cx) = fetching(StreamId::Main, (false, true), only, BREAK);
    session.on_media(&mut cx, StreamId::Main, fragment(1, 900));
    assert_eq!(spans(&session.audio), [(ms(4000), ms(4300))]);
    // Video that is not presented places nothing.
    let (mut session, mut cx) = fetching(StreamId::Main, (true, true), init(&kinds, MediaClock::Endless, None), BREAK);
    session.selection.give_up(MediaKind::Video);
    session.on_media(&mut cx, StreamId::Main, fragment(2, 900));
    assert_eq!(spans(&session.audio), [(ms(4000), ms(4300))]);
}

#[test]
fn audio_that_the_end_of_a_segment_holds_back_is_placed_with_the_end_if_no_video_came() {
    let kinds = [MediaKind::Video, MediaKind::Audio];
    let (mut session, mut cx) = fetching(StreamId::Main, (true, true), init(&kinds, MediaClock::Endless, None), BREAK);
    let stream = session.stream_mut(StreamId::Main).unwrap();
    let mut download = stream.download().unwrap().clone();
    let state = serde_json::from_str("0").unwrap();
    download.end_with(SegmentTail { outputs: vec![fragment(2, 900)], state, waiting: 0 });
    stream.stop();
    stream.keep(KeptState::of(&download));
    session.release_tail(&mut cx, StreamId::Main);
    assert_eq!(spans(&session.audio), [(ms(4000), ms(4300))]);
    assert!(session.main().unwrap().is_idle());
}

#[test]
fn damage_counts_for_tracks_that_are_wanted() {
    for (kind, warnings, incomplete) in [(MediaKind::Video, 1, 2), (MediaKind::Audio, 0, 0)] {
        let init = init(&[MediaKind::Video, MediaKind::Audio], MediaClock::Endless, None);
        let (mut session, mut cx) = fetching(StreamId::Main, (true, true), init, BREAK);
        session.selection.give_up(MediaKind::Audio);
        let damage = TrackDamage { kind, gaps: 3, undecodable: 1, incomplete: 2 };
        session.on_media(&mut cx, StreamId::Main, DemuxOutput::Damage(damage));
        let found = events(&mut cx).iter().filter(|event| matches!(event, Event::Warning { .. })).count();
        assert_eq!((found, session.account().counts().incomplete), (warnings, incomplete), "{kind:?}");
    }
}

#[test]
fn media_is_believed_less_far_from_its_place_if_the_segment_before_it_is_here() {
    let other = RepKey::for_tests(0, 0, 1);
    for (after, begins) in [(None, 10_000), (Some(of_video()), 4000), (Some(other), 10_000)] {
        let init = init(&[MediaKind::Video], MediaClock::Endless, None);
        let (mut session, mut cx) = fetching(StreamId::Main, (true, false), init, TimestampMapping::Offset(0));
        assert!(cx.playback.begin_presentation(), "a start would fetch the segment before");
        add(&mut session.video, 0, 0, 4000, None);
        session.video.complete();
        if let Some(rep) = after {
            let stream = session.stream_mut(StreamId::Main).unwrap();
            let download = stream.download().unwrap().clone();
            stream.rewind_to(NextSegment::after(rep, &segment(0, 0, 4000)));
            stream.start_download(download);
        }
        session.on_media(&mut cx, StreamId::Main, fragment(1, 10_000));
        assert_eq!(session.video.back().map(|part| part.first), Some(ms(begins)), "{after:?}");
    }
}
