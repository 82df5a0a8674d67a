//! Commands to the renderer, and the states between a start, a stall and the end.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::tests::{
    add, add_groups, chosen, context, described, events, finish, ms, of, play_at, rep, session_of, set,
};
use super::*;
use crate::command::SeekMode;
use crate::container::CaptionPacket;
use crate::engine::buffer::{Departure, Loss};
use crate::engine::download::SegmentDownload;
use crate::engine::ids::SegmentKey;
use crate::engine::io::{FetchKind, Ingest, Output};
use crate::engine::requests::Purpose;
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::model::{Representation, Resource, SegmentId, TimestampMapping};
use crate::render::RenderCommand;
use crate::snapshot::{BufferingReason, State};

const SEPARATE: [(StreamId, Option<(bool, bool)>); 2] =
    [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];

fn separate() -> Session {
    session_of(ItemId::default(), &SEPARATE)
}

/// Commands to the renderer that it has not taken yet.
fn commands(cx: &mut Context) -> Vec<RenderCommand> {
    let outputs = std::iter::from_fn(|| cx.effects.take_next());
    outputs.filter_map(|output| if let Output::Render(command) = output { Some(command) } else { None }).collect()
}

#[test]
fn audio_that_was_chosen_takes_over_with_what_it_takes_to_begin_or_as_a_whole() {
    for (held, is_whole, takes_over) in [(399, false, false), (399, true, true), (400, false, true)] {
        let mut cx = context();
        let mut session = separate();
        add(&mut session.video, 0, 0, 8000, None);
        add(&mut session.audio, 0, 0, 400, None);
        session.selection.begin_audio_change(ms(3000));
        if is_whole {
            finish(&mut session, StreamId::Audio);
        }
        play_at(&mut cx, &BUFFERED, 400 - held);
        session.present(&mut cx);
        let restarts = commands(&mut cx)
            .iter()
            .filter(|command| matches!(command, RenderCommand::FlushTrack { track: MediaKind::Audio, .. }))
            .count();
        let found = (restarts, session.selection.audio_change().is_none());
        assert_eq!(found, (usize::from(takes_over), takes_over), "{held} {is_whole}");
    }
}

#[test]
fn a_kind_that_is_new_joins_once_it_has_what_it_takes_to_begin() {
    for (held, is_whole, joins) in [(300, false, false), (300, true, true), (400, false, true)] {
        let mut cx = context();
        let mut session = separate();
        add(&mut session.video, 0, 0, 8000, None);
        add(&mut session.audio, 0, 0, held, None);
        if is_whole {
            finish(&mut session, StreamId::Audio);
        }
        play_at(&mut cx, &[MediaKind::Video], 0);
        session.present(&mut cx);
        let flushes = commands(&mut cx).iter().filter(|command| matches!(command, RenderCommand::Flush { .. })).count();
        let kinds: KindList = cx.playback.feed().kinds().collect();
        assert_eq!((flushes, kinds.len()), (usize::from(joins), 1 + usize::from(joins)), "{held} {is_whole}");
    }
}

#[test]
fn another_flush_waits_for_the_answer_to_the_one_before() {
    let mut cx = context();
    let mut session = separate();
    add(&mut session.video, 0, 0, 8000, None);
    add(&mut session.audio, 0, 0, 8000, None);
    play_at(&mut cx, &BUFFERED, 0);
    let flushes = |session: &mut Session, cx: &mut Context| {
        session.present(cx);
        commands(cx).iter().filter(|command| matches!(command, RenderCommand::Flush { .. })).count()
    };
    session.flush_here(&mut cx);
    assert_eq!((flushes(&mut session, &mut cx), cx.playback.awaits_flush()), (1, true));
    let first = cx.playback.feed().epoch();
    session.flush_here(&mut cx);
    assert_eq!(flushes(&mut session, &mut cx), 0, "the first is not answered");
    cx.playback.on_flushed(crate::render::Epoch(first.0 - 1));
    assert_eq!(flushes(&mut session, &mut cx), 0, "an older one is");
    cx.playback.on_flushed(first);
    assert_eq!(flushes(&mut session, &mut cx), 1);
}

#[test]
fn the_end_of_a_track_is_not_announced_while_a_key_is_awaited() {
    const KEY: [u8; 16] = [9; 16];
    for (key, ends) in [(None, 1), (Some(KEY), 0)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
        add(&mut session.video, 0, 0, 500, None);
        session.video.complete();
        add(&mut session.video, 1, 500, 1000, key);
        session.video.complete();
        finish(&mut session, StreamId::Main);
        play_at(&mut cx, &[MediaKind::Video], 0);
        session.present(&mut cx);
        let found = commands(&mut cx);
        let ended = found.iter().filter(|command| matches!(command, RenderCommand::EndOfTrack { .. })).count();
        assert_eq!(ended, ends, "{found:?}");
    }
}

#[test]
fn a_seek_to_a_key_frame_begins_at_the_one_before_unless_there_is_no_picture() {
    let begins = |target: i64, prepare: fn(&mut Session)| {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
        add_groups(&mut session.video, of(0), (0, 4000, 1000), None);
        session.video.complete();
        add(&mut session.audio, 0, 0, 4000, None);
        session.audio.complete();
        prepare(&mut session);
        cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
        cx.playback.set_state(State::Seeking, cx.now, &mut cx.effects);
        cx.playback.begin_at(ms(target), SeekMode::Keyframe, cx.now);
        session.present(&mut cx);
        let found = commands(&mut cx).into_iter().find_map(|command| match command {
            RenderCommand::Flush { start, .. } => Some(start),
            _ => None,
        });
        (found, session.position(&cx))
    };
    assert_eq!(begins(3500, |_| {}), (Some(ms(3000)), ms(3000)));
    assert_eq!(begins(4500, |_| {}), (None, ms(4500)), "its key frame is not known yet");
    let gap = |session: &mut Session| session.video.insert_empty_range(of(1), ms(4000), ms(8000));
    assert_eq!(begins(4500, gap), (Some(ms(4500)), ms(4500)), "there is no picture at the target");
}

#[test]
fn audio_of_the_same_files_is_awaited_from_the_key_frame_on() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
    add_groups(&mut session.video, of(0), (4000, 8000, 4000), None);
    session.audio.restart(ms(6000), Departure::Void);
    add(&mut session.audio, 0, 6000, 8000, None);
    assert!(!session.audio.begins_by(ms(4000)));
    cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
    cx.playback.set_state(State::Seeking, cx.now, &mut cx.effects);
    cx.playback.begin_at(ms(6000), SeekMode::Keyframe, cx.now);
    session.present(&mut cx);
    assert_eq!(cx.playback.start().at, ms(4000));
    assert!(session.audio.begins_by(ms(4000)), "no earlier segment will bring it");
}

#[test]
fn captions_stay_as_long_as_the_video_that_they_lie_in() {
    let mut cx = context();
    cx.config.back_buffer = Duration::from_secs(1);
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    add(&mut session.video, 0, 0, 4000, None);
    session.video.complete();
    let key = SegmentKey { rep: of(0).rep, id: SegmentId::Sequence(0) };
    let packet = |at| CaptionPacket { pts: ms(at), triples: vec![0xfc, 0x94, 0x20, 0xfc, 0xc1, 0x80] };
    let mapping = TimestampMapping::Offset(0);
    session.captions.insert(key, mapping, vec![packet(0), packet(3000)]);
    play_at(&mut cx, &[MediaKind::Video], 3500);
    session.update_playhead(&mut cx);
    assert_eq!(session.video.parts().next().map(|part| part.first), Some(ms(0)), "the video is here");
    assert_eq!(session.captions.first(), Some(ms(0)));
}

/// Lets no stream look for its next segment, of which these sessions know nothing.
fn hold(session: &mut Session, cx: &Context) {
    session.streams.iter_mut().for_each(|stream| stream.hold(cx.now + Duration::from_secs(60)));
}

/// State after a step with this much media ahead, in milliseconds.
fn state_after(ahead: i64, rate: f64, plays: bool, prepare: impl Fn(&mut Session, &mut Context)) -> State {
    let mut cx = context();
    let mut session = separate();
    for kind in BUFFERED {
        add(session.buffer_mut(kind).unwrap(), 0, 0, 10_000, None);
    }
    play_at(&mut cx, &BUFFERED, 10_000 - ahead);
    cx.settings.rate = rate;
    cx.playback.set_rate(rate, cx.now, &mut cx.effects);
    cx.playback.set_play_when_ready(plays);
    hold(&mut session, &cx);
    prepare(&mut session, &mut cx);
    session.run_steps(&mut cx);
    cx.playback.state()
}

#[test]
fn playback_stops_eighty_milliseconds_of_wall_time_before_its_media_ends() {
    let stalled = State::Buffering(BufferingReason::NetworkTooSlow);
    let nothing = |_: &mut Session, _: &mut Context| {};
    for (rate, ahead, expected) in [
        (1.0, 81, State::Ready),
        (1.0, 80, stalled),
        (2.0, 161, State::Ready),
        (2.0, 160, stalled),
        (0.5, 41, State::Ready),
        (0.5, 40, stalled),
    ] {
        assert_eq!(state_after(ahead, rate, true, nothing), expected, "{rate} {ahead}");
    }
    assert_eq!(state_after(40, 1.0, false, nothing), State::Ready, "nothing runs out while the host pauses");
}

#[test]
fn the_reason_of_a_stall_is_the_one_that_explains_most() {
    let reason = |changes: bool, fails_over: bool| {
        state_after(40, 1.0, true, |session, cx| {
            if changes {
                session.selection.begin_audio_change(session.position(cx));
            }
            if fails_over {
                let place = crate::engine::source::ServiceLocation::Location(0);
                session.source.locations_mut().exclude(&place, Duration::from_secs(60), cx.now);
            }
        })
    };
    assert_eq!(reason(false, false), State::Buffering(BufferingReason::NetworkTooSlow));
    assert_eq!(reason(false, true), State::Buffering(BufferingReason::Failover));
    assert_eq!(reason(true, true), State::Buffering(BufferingReason::TrackChange));
    assert_eq!(reason(true, false), State::Buffering(BufferingReason::TrackChange));
}

#[test]
fn a_start_takes_less_media_than_going_on_after_a_stall() {
    let suffices = |state, held| {
        let mut cx = context();
        let mut session = separate();
        add(&mut session.video, 0, 0, held, None);
        cx.playback.set_state(state, cx.now, &mut cx.effects);
        session.suffices(&cx, MediaKind::Video, ms(0))
    };
    let starting = State::Buffering(BufferingReason::Starting);
    for state in [State::Loading, State::Seeking, starting] {
        assert_eq!([300, 400].map(|held| suffices(state, held)), [false, true], "{state:?}");
    }
    for reason in [BufferingReason::NetworkTooSlow, BufferingReason::Failover, BufferingReason::WaitingForKey] {
        assert_eq!([1900, 2000].map(|held| suffices(State::Buffering(reason), held)), [false, true], "{reason:?}");
    }
}

#[test]
fn what_waits_for_the_flush_is_loading_and_then_starting() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    add(&mut session.video, 0, 0, 100, None);
    cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
    cx.playback.set_state(State::Loading, cx.now, &mut cx.effects);
    session.begin_at(&mut cx, ms(0), SeekMode::Exact);
    session.run_steps(&mut cx);
    let starting = State::Buffering(BufferingReason::Starting);
    assert_eq!(cx.playback.state(), starting);
    assert!(events(&mut cx).contains(&Event::StateChanged { state: starting }));
}

#[test]
fn streams_that_end_without_media_end_playback() {
    for ended in [false, true] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, None)]);
        cx.playback.set_state(State::Loading, cx.now, &mut cx.effects);
        hold(&mut session, &cx);
        if ended {
            finish(&mut session, StreamId::Main);
        }
        session.run_steps(&mut cx);
        assert_eq!(cx.playback.error().map(|error| error.code), ended.then_some(ErrorCode::MediaUnavailable));
    }
}

#[test]
fn what_lies_before_a_gap_that_all_have_is_presented_and_then_jumped_from() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    add(&mut session.video, 0, 0, 1000, None);
    session.video.complete();
    session.video.insert_empty_range(of(1), ms(1000), ms(5000));
    add(&mut session.video, 2, 5000, 9000, None);
    for (position, jumps) in [(999, false), (1000, true)] {
        play_at(&mut cx, &[MediaKind::Video], position);
        hold(&mut session, &cx);
        session.run_steps(&mut cx);
        let skipped = Event::GapSkipped { from: ms(1000), to: ms(5000) };
        assert_eq!(events(&mut cx).contains(&skipped), jumps, "{position}");
        assert_eq!(cx.playback.start().jumped, jumps, "{position}");
    }
    assert_eq!(session.position(&cx), ms(5000));
    let late = Departure::Lost(Loss::Late);
    assert_eq!(session.account().passed_over(), late, "what still comes for the time that was jumped over is late");
}

#[test]
fn a_stall_that_turns_out_to_wait_for_a_key_says_so_and_is_the_same_stall() {
    let mut cx = context();
    let mut session = separate();
    add(&mut session.video, 0, 0, 1000, Some([7; 16]));
    add(&mut session.audio, 0, 0, 8000, None);
    play_at(&mut cx, &BUFFERED, 500);
    let began = cx.now + Duration::from_secs(1);
    let Context { playback, ledger, effects, .. } = &mut cx;
    playback.start_stall(BufferingReason::NetworkTooSlow, began, ledger, effects);
    cx.now = began + Duration::from_secs(2);
    hold(&mut session, &cx);
    session.run_steps(&mut cx);
    assert_eq!(cx.playback.state(), State::Buffering(BufferingReason::WaitingForKey));
    assert_eq!(cx.playback.state_since(), began, "patience counts from the begin of the stall");
    let stalls = events(&mut cx).iter().filter(|event| matches!(event, Event::StallStarted { .. })).count();
    assert_eq!(stalls, 1);
}

#[test]
fn a_key_that_is_missing_elsewhere_is_no_reason_to_wait() {
    let mut cx = context();
    let mut session = separate();
    // Audio is complete but locked far ahead; video is what is short.
    add(&mut session.video, 0, 0, 1000, None);
    add(&mut session.audio, 0, 0, 8000, None);
    session.audio.complete();
    add(&mut session.audio, 1, 8000, 9000, Some([7; 16]));
    play_at(&mut cx, &BUFFERED, 500);
    let Context { playback, ledger, effects, now, .. } = &mut cx;
    playback.start_stall(BufferingReason::NetworkTooSlow, *now, ledger, effects);
    hold(&mut session, &cx);
    session.run_steps(&mut cx);
    assert_eq!(cx.playback.state(), State::Buffering(BufferingReason::NetworkTooSlow));
}

#[test]
fn memory_of_a_segment_under_way_is_what_is_still_to_come_at_its_mean_rate() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    let reps = vec![Representation { average_bandwidth: Some(8000), ..rep("v", 16_000) }];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    let somewhere = Resource::new("http://h/part".parse().unwrap());
    let job = cx.jobs.add(cx.now, Purpose::Media(StreamId::Main), FetchKind::Segment, somewhere, Ingest::Body);
    let download = SegmentDownload::new(job, chosen(0, 0, 4000), None, MediaTime::ZERO);
    session.stream_mut(StreamId::Main).unwrap().start_download(download);
    assert_eq!((session.memory_use(&cx).in_flight, session.memory_use(&cx).media), (4000, 0));
    add(&mut session.video, 0, 0, 1000, None);
    assert_eq!((session.memory_use(&cx).in_flight, session.memory_use(&cx).media), (3900, 100));
}

#[test]
fn over_the_budget_the_oldest_of_both_kinds_goes_first() {
    let mut cx = context();
    let mut session = separate();
    for number in 0..4 {
        let begin = number * 2000;
        for (kind, shift) in [(MediaKind::Video, 0), (MediaKind::Audio, 500)] {
            add(session.buffer_mut(kind).unwrap(), number as u64, begin + shift, begin + shift + 2000, None);
            session.buffer_mut(kind).unwrap().complete();
        }
    }
    play_at(&mut cx, &BUFFERED, 7000);
    session.present(&mut cx);
    // 1600 bytes are held; a segment of a kind has 200. Lists and the like count for half of the budget at most.
    let memory = session.memory_use(&cx);
    assert_eq!(memory.media, 1600);
    cx.config.buffer_bytes = 1300 + (memory.metadata + memory.indexes + memory.manifest).min(1300);
    session.update_playhead(&mut cx);
    let first = |session: &Session, kind| session.buffer(kind).unwrap().parts().next().map(|part| part.first);
    assert_eq!(first(&session, MediaKind::Video), Some(ms(2000)));
    assert_eq!(first(&session, MediaKind::Audio), Some(ms(2500)));
}

#[test]
fn playback_that_ends_for_want_of_a_key_presents_what_it_has() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    add(&mut session.video, 0, 0, 4000, None);
    session.stream_mut(StreamId::Main).unwrap().finish(PlayerError::fatal(ErrorCode::KeyUnavailable, "no key"));
    for (position, ends) in [(0, false), (3999, false), (4000, true)] {
        play_at(&mut cx, &[MediaKind::Video], position);
        assert_eq!(session.end_for_want_of_key(&cx).is_some(), ends, "{position}");
    }
}
