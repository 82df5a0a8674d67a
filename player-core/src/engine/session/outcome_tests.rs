//! What follows from a seek, a failure, a refresh and a change of tracks: what is announced, counted, fetched and kept.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::outcome::StreamOutcome;
use super::tests::{add, add_of, chosen, context, described, events, finish, ms, play_at, rep, session_of, set};
use super::*;
use crate::command::SeekMode;
use crate::engine::download::NextSegment;
use crate::engine::io::Output;
use crate::engine::item::Item;
use crate::engine::playback::{FIRST_PICTURE, Seeking};
use crate::engine::timer::Timers;
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::model::{MetadataBody, MetadataSource, TimedMetadata};
use crate::render::{FrameCounts, RenderCommand, RenderEvent};
use crate::snapshot::{BufferingReason, State};

const SEPARATE: [(StreamId, Option<(bool, bool)>); 2] =
    [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];

fn separate() -> Session {
    session_of(ItemId::default(), &SEPARATE)
}

fn seek(cx: &mut Context, session: &mut Session, to: i64) {
    cx.pending.seek_mut().put(Seeking { to: ms(to), mode: SeekMode::Exact, since: cx.now });
    session.carry_out_pending(cx);
}

#[test]
fn a_seek_that_another_overtakes_is_reported_without_a_latency() {
    let mut cx = context();
    let mut session = separate();
    play_at(&mut cx, &BUFFERED, 0);
    for to in [5000, 9000] {
        seek(&mut cx, &mut session, to);
        cx.now = cx.now + Duration::from_secs(2);
    }
    let seeks = cx.ledger.stats(cx.now, Duration::ZERO, None).seeks;
    assert_eq!(seeks.iter().map(|seek| (seek.to, seek.latency)).collect::<Vec<_>>(), [(ms(5000), None)]);
}

#[test]
fn subtitles_are_fetched_again_from_the_target_of_a_seek() {
    let mut cx = context();
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Text, None)];
    let mut session = session_of(ItemId::default(), &streams);
    add(&mut session.video, 0, 0, 60_000, None);
    for id in [StreamId::Main, StreamId::Text] {
        finish(&mut session, id);
    }
    play_at(&mut cx, &[MediaKind::Video], 0);
    seek(&mut cx, &mut session, 9000);
    let place = |id| session.stream(id).unwrap().place();
    assert_eq!(place(StreamId::Text), NextSegment::At { period: PeriodKey::FIRST, time: ms(9000) });
    assert_eq!(place(StreamId::Main), NextSegment::End, "its video is here");
}

#[test]
fn after_a_failure_nothing_is_fetched_any_more() {
    let mut cx = context();
    let mut session = separate();
    play_at(&mut cx, &BUFFERED, 0);
    let error = || PlayerError::fatal(ErrorCode::MediaUnavailable, "it is gone");
    assert!(!session.carry_out(&mut cx, StreamOutcome::Failed(error())));
    assert_eq!((session.streams.len(), cx.playback.state()), (0, State::Failed));
    session.carry_out(&mut cx, StreamOutcome::Failed(error()));
    let failures = events(&mut cx).into_iter().filter(|event| matches!(event, Event::Failed { .. })).count();
    assert_eq!(failures, 1);
}

#[test]
fn an_exclusion_changes_the_qualities_once() {
    let mut cx = context();
    let mut session = separate();
    let sets = vec![set("v", MediaKind::Video, vec![rep("v", 1), rep("w", 2)])];
    session.source.set_presentation(described(sets).into());
    session.list_choices(cx.now);
    let last = session.presentation().all_reps().last().unwrap();
    for announced in [1, 0] {
        session.exclude(&mut cx, last, Duration::from_secs(60));
        let found = events(&mut cx).into_iter().filter(|event| *event == Event::TracksChanged).count();
        assert_eq!(found, announced);
    }
}

#[test]
fn a_segment_that_brought_nothing_tells_nothing_of_what_is_missing() {
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
    add(&mut session.video, 0, 0, 4000, None);
    add(&mut session.audio, 0, 0, 3000, None);
    session.complete_segment(StreamId::Main, &chosen(1, 4000, 8000));
    assert_eq!((session.video.end(), session.audio.end()), (Some(ms(4000)), Some(ms(3000))));
}

#[test]
fn a_kind_that_is_new_waits_for_the_answer_to_a_flush() {
    let mut cx = context();
    let mut session = separate();
    add(&mut session.video, 0, 0, 8000, None);
    add(&mut session.audio, 0, 0, 8000, None);
    play_at(&mut cx, &[MediaKind::Video], 0);
    cx.playback.send_flush(ItemId::default(), ms(0), &[MediaKind::Video], cx.now, &mut cx.effects);
    while cx.effects.take_next().is_some() {}
    let epoch = cx.playback.feed().epoch();
    let mut flushes = |cx: &mut Context| {
        session.present(cx);
        let outputs = std::iter::from_fn(|| cx.effects.take_next());
        outputs.filter(|output| matches!(output, Output::Render(RenderCommand::Flush { .. }))).count()
    };
    assert_eq!(flushes(&mut cx), 0);
    cx.playback.on_flushed(epoch);
    assert_eq!(flushes(&mut cx), 1);
}

#[test]
fn the_first_picture_of_an_epoch_is_waited_for_until_it_is_overdue() {
    let mut cx = context();
    let session = separate();
    cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
    cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, &BUFFERED, cx.now, &mut cx.effects);
    cx.playback.on_flushed(cx.playback.feed().epoch());
    cx.playback.set_state(State::Loading, cx.now, &mut cx.effects);
    let earliest = |cx: &Context| {
        let mut timers = Timers::default();
        session.arm_timers(cx, &mut timers);
        timers.earliest()
    };
    assert_eq!(earliest(&cx), Some(cx.now + FIRST_PICTURE));
    cx.playback.begin_presentation();
    assert_eq!(earliest(&cx), None);
}

#[test]
fn subtitles_need_no_room_for_bytes() {
    let mut cx = context();
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Text, None)];
    let mut session = session_of(ItemId::default(), &streams);
    add(&mut session.video, 0, 0, 8000, None);
    play_at(&mut cx, &[MediaKind::Video], 0);
    let after = NextSegment::At { period: PeriodKey::FIRST, time: ms(8000) };
    session.stream_mut(StreamId::Text).unwrap().rewind_to(after);
    let full = |cx: &Context| [StreamId::Main, StreamId::Text].map(|id| session.is_full(cx, id));
    assert_eq!(full(&cx), [false, false]);
    cx.config.buffer_bytes = 100;
    assert_eq!(full(&cx), [true, false]);
}

#[test]
fn timed_metadata_begins_with_the_first_picture_and_not_before_the_start() {
    let event = |start: i64| TimedMetadata {
        source: MetadataSource::Id3,
        scheme: "urn:x".into(),
        value: String::new(),
        id: start.to_string(),
        start: ms(start),
        duration: None,
        body: MetadataBody::Text(String::new()),
    };
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[]);
    let sets = vec![set("v", MediaKind::Video, vec![rep("v", 1)])];
    let known = Presentation { metadata: vec![event(1000), event(5000)], ..described(sets) };
    session.source.set_presentation(known.into());
    session.source.set_duration(Some(Duration::from_secs(60)));
    session.source.set_start(ms(5000));
    session.begin(&mut cx, Now::ZERO).unwrap();
    let started = |session: &mut Session, cx: &mut Context| {
        session.announce_metadata(cx);
        let found = events(cx).into_iter().filter_map(|event| match event {
            Event::MetadataStarted { metadata } => Some(metadata.start),
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(started(&mut session, &mut cx), []);
    cx.playback.begin_presentation();
    assert_eq!(started(&mut session, &mut cx), [ms(5000)]);
}

#[test]
fn media_older_than_the_back_buffer_is_dropped() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    for number in 0..10_u64 {
        let begin = number as i64 * 4000;
        add(&mut session.video, number, begin, begin + 4000, None);
        session.video.complete();
    }
    cx.config.back_buffer = Duration::from_secs(8);
    play_at(&mut cx, &[MediaKind::Video], 24_000);
    cx.config.renderer_lead = Duration::from_secs(1);
    session.present(&mut cx);
    session.evict_behind(&mut cx, ms(24_000));
    assert_eq!(session.video.parts().next().map(|part| part.first), Some(ms(16_000)));
    session.evict_behind(&mut cx, ms(23_999));
    assert_eq!(session.video.parts().next().map(|part| part.first), Some(ms(16_000)), "nothing more");
}

#[test]
fn what_is_missing_at_the_end_is_announced_and_counts_as_played() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    session.source.set_duration(Some(Duration::from_secs(60)));
    add(&mut session.video, 0, 0, 4000, None);
    session.video.complete();
    finish(&mut session, StreamId::Main);
    play_at(&mut cx, &[MediaKind::Video], 3900);
    let epoch = cx.playback.feed().epoch();
    session.on_render(&mut cx, RenderEvent::Ended { epoch });
    let found = events(&mut cx);
    assert!(found.contains(&Event::GapSkipped { from: ms(4000), to: ms(60_000) }), "{found:?}");
    assert_eq!(cx.playback.state(), State::Ended);
    assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).played, Duration::from_secs(56));
}

#[test]
fn playback_ends_where_video_or_audio_ends_for_want_of_a_key() {
    for (index, kind) in BUFFERED.into_iter().enumerate() {
        for (position, ends) in [(3900, false), (4000, true)] {
            let mut cx = context();
            let mut session = session_of(ItemId::default(), &SEPARATE[index..=index]);
            add(session.buffer_mut(kind).unwrap(), 0, 0, 4000, None);
            let error = PlayerError::fatal(ErrorCode::KeyUnavailable, "no key");
            session.stream_mut(StreamId::of(kind)).unwrap().finish(error);
            play_at(&mut cx, &[kind], position);
            assert_eq!(session.end_for_want_of_key(&cx).is_some(), ends, "{kind:?} {position}");
        }
    }
}

#[test]
fn pictures_dropped_while_playback_is_not_ready_or_fast_say_nothing_about_the_decoder() {
    for (state, rate, is_limited) in [
        (State::Ready, 1.0, true),
        (State::Ready, 1.5, false),
        (State::Seeking, 1.0, false),
        (State::Buffering(BufferingReason::Starting), 1.0, false),
    ] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
        let reps = vec![rep("low", 1_000_000), rep("high", 5_000_000)];
        session.source.set_presentation(described(vec![set("Main", MediaKind::Video, reps)]).into());
        add_of(&mut session.video, PartOf::for_tests(1, 0), 0, 20_000, None);
        session.video.complete();
        play_at(&mut cx, &[MediaKind::Video], 500);
        session.update_playhead(&mut cx);
        cx.settings.rate = rate;
        cx.playback.set_state(state, cx.now, &mut cx.effects);
        let mut item = Item::Open(Box::new(session));
        for second in 0..5 {
            let counts = FrameCounts { presented: second * 40, dropped: second * 20, ..FrameCounts::default() };
            item.on_render(&mut cx, RenderEvent::Frames(counts));
            cx.now = cx.now + Duration::from_secs(1);
        }
        let limit = cx.decoder.caps(cx.now.as_duration()).max_bitrate_bps;
        assert_eq!(limit.is_some_and(|limit| limit < 5_000_000), is_limited, "{state:?} {rate}");
    }
}

#[test]
fn a_declared_start_before_zero_counts_from_the_end() {
    for (declared, start) in [(0, 0), (1, 1), (-1000, 59_000), (-1, 59_900), (-60_000, 0), (-61_000, 0)] {
        let mut session = separate();
        assert_eq!(session.source.resolve_start(Some(ms(declared)), true), None, "the duration is not known");
        session.source.set_duration(Some(Duration::from_secs(60)));
        assert_eq!(session.source.resolve_start(Some(ms(declared)), false), None, "playback goes on elsewhere");
        assert_eq!(session.source.resolve_start(Some(ms(declared)), true), Some(ms(start)), "{declared}");
        assert_eq!(session.source.start(), Some(ms(start)));
        assert_eq!(session.source.resolve_start(Some(ms(9000)), true), None, "it is known");
    }
}
