//! Waits of one stream for another, and of a session for media.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::mpsc::{SyncSender, sync_channel};

use super::outcome::StreamOutcome;
use super::tests::{add, chosen, described, finish, ms, rep, segment, session_of, set};
use super::*;
use crate::command::SeekMode;
use crate::config::PlayerConfig;
use crate::container::CaptionPacket;
use crate::engine::Engine;
use crate::engine::download::{NextSegment, SegmentDownload};
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::item::Item;
use crate::engine::playback::Seeking;
use crate::engine::requests::Purpose;
use crate::engine::selection::audio_pairing::AudioChoice;
use crate::engine::source::{Candidate, ServiceLocation};
use crate::engine::timer::Timers;
use crate::error::{ErrorCode, PlayerError};
use crate::model::{ContentSteering, MetadataBody, MetadataSource, Resource, SegmentRef, TimestampMapping};
use crate::render::{RenderEvent, Window};
use crate::snapshot::State;

const THIRD: TimestampMapping = TimestampMapping::Discontinuity(3);

fn place() -> Resource {
    Resource::new("http://h/part".parse().unwrap())
}

fn context() -> Context {
    let config = PlayerConfig::default();
    let rule = abr::rule(&config.abr_rule).unwrap();
    Context::new(config, rule)
}

#[test]
fn sound_may_be_ahead_of_the_pictures_by_what_is_rounding() {
    let cx = context();
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
    for (pictures, sound, waits) in [
        (4000, 3000, false),
        (4000, 4000, false),
        (4000, 4023, false),
        (4000, 4100, false),
        (4000, 4101, true),
        (4000, 8000, true),
    ] {
        let mut session = session_of(ItemId::default(), &streams);
        for (id, time) in [(StreamId::Main, pictures), (StreamId::Audio, sound)] {
            let place = NextSegment::At { period: PeriodKey::FIRST, time: ms(time) };
            session.stream_mut(id).unwrap().rewind_to(place);
        }
        let found = |id| session.waits_for_main(&cx, id, PeriodKey::FIRST);
        assert_eq!((found(StreamId::Main), found(StreamId::Audio)), (false, waits), "{pictures} {sound}");
    }
}

#[test]
fn a_manifest_is_not_fetched_again_while_it_or_a_part_of_it_is_under_way() {
    let reading =
        |purpose: Purpose, cx: &mut Context| cx.jobs.add(cx.now, purpose, FetchKind::Manifest, place(), Ingest::Body);
    let requests = |cx: &Context| cx.jobs.ids().len();
    for (under_way, expected) in
        [(None, 1), (Some(Purpose::Steering), 2), (Some(Purpose::Manifest), 1), (Some(Purpose::Remote), 1)]
    {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[]);
        session.refresh(&mut cx);
        assert_eq!(requests(&cx), 0, "nothing is loaded");
        cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
        let job = under_way.map(|purpose| reading(purpose, &mut cx));
        session.refresh(&mut cx);
        assert_eq!(requests(&cx), expected, "{under_way:?}");
        if let Some(job) = job.filter(|_| expected == 1) {
            cx.jobs.remove(job, cx.now);
            session.refresh(&mut cx);
            assert!(cx.jobs.of_purpose(Purpose::Manifest).is_some(), "{under_way:?}");
        }
    }
}

/// A download of the main stream in the third discontinuity, of which nothing has come.
fn download(cx: &mut Context) -> SegmentDownload {
    let job = cx.jobs.add(cx.now, Purpose::Media(StreamId::Main), FetchKind::Segment, place(), Ingest::Body);
    let plan = SegmentPlan { segment: SegmentRef { mapping: THIRD, ..segment(0, 0, 4000) }, ..chosen(0, 0, 4000) };
    SegmentDownload::new(job, plan, None, MediaTime::ZERO)
}

#[test]
fn metadata_waits_for_the_place_of_its_segment_unless_nothing_else_comes() {
    let metadata = |at: i64| TimedMetadata {
        source: MetadataSource::Id3,
        scheme: "urn:x".into(),
        value: String::new(),
        id: at.to_string(),
        start: ms(at),
        duration: None,
        body: MetadataBody::Text(String::new()),
    };
    let starts = |session: &Session| session.metadata().iter().map(|found| found.start).collect::<Vec<_>>();
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, None)]);
    // A second of another segment of the discontinuity lay at its beginning.
    session.timeline.offset(THIRD, false, MediaTime::ZERO, ms(1000));
    let fetching = download(&mut cx);
    session.stream_mut(StreamId::Main).unwrap().start_download(fetching);
    session.on_media_metadata(&mut cx, StreamId::Main, vec![metadata(1500)]);
    assert!(starts(&session).is_empty(), "the media of the segment may tell another offset");
    session.stream_mut(StreamId::Main).unwrap().download_mut().unwrap().set_shift(7_000_000_000);
    session.on_media_metadata(&mut cx, StreamId::Main, vec![metadata(2500)]);
    assert_eq!(starts(&session), [ms(8500), ms(9500)]);
    let fetching = download(&mut cx);
    session.stream_mut(StreamId::Main).unwrap().start_download(fetching);
    session.on_media_metadata(&mut cx, StreamId::Main, vec![metadata(3000)]);
    session.place_metadata(&mut cx, StreamId::Main, true);
    assert_eq!(starts(&session), [ms(2000), ms(8500), ms(9500)], "no media came: the offset that is known");
}

#[test]
fn a_flush_may_be_wanted_of_what_is_fed_until_it_has_ended() {
    for (state, flushes) in [(State::Ready, true), (State::Seeking, true), (State::Ended, false)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
        let ask = |session: &mut Session, cx: &mut Context| {
            let before = cx.playback.feed().epoch();
            session.on_render(cx, RenderEvent::FlushWanted { reason: "another device".to_owned() });
            cx.playback.feed().epoch() != before
        };
        cx.playback.set_state(state, cx.now, &mut cx.effects);
        assert!(!ask(&mut session, &mut cx), "nothing is fed yet");
        cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, &[MediaKind::Video], cx.now, &mut cx.effects);
        assert_eq!(ask(&mut session, &mut cx), flushes, "{state:?}");
    }
}

/// Time of the next timer of a session that plays pictures of this many seconds, all of which are here, at three
/// seconds.
fn next_timer(seconds: i64, error: Option<PlayerError>) -> Option<Now> {
    next_timer_at(1.0, seconds, error)
}

/// The same at a rate of playback.
fn next_timer_at(rate: f64, seconds: i64, error: Option<PlayerError>) -> Option<Now> {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    add(&mut session.video, 0, 0, seconds * 1000, None);
    session.video.complete();
    finish(&mut session, StreamId::Main);
    if let Some(error) = error {
        session.stream_mut(StreamId::Main).unwrap().finish(error);
    }
    cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
    cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, &[MediaKind::Video], cx.now, &mut cx.effects);
    let epoch = cx.playback.feed().epoch();
    cx.playback.on_flushed(epoch);
    cx.playback.begin_presentation();
    cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
    cx.playback.set_renderer_playing(true, cx.now, &mut cx.effects);
    cx.now = Now::ZERO + Duration::from_secs(3);
    cx.playback.report(epoch, ms(3000), cx.now);
    cx.playback.set_rate(rate, cx.now, &mut cx.effects);
    let mut timers = Timers::default();
    session.arm_timers(&cx, &mut timers);
    timers.earliest()
}

#[test]
fn media_that_ends_for_want_of_a_key_is_watched_to_its_end() {
    let error = PlayerError::fatal(ErrorCode::KeyUnavailable, "no key");
    assert_eq!(next_timer(4, None), None);
    assert_eq!(next_timer(4, Some(error)), Some(Now::ZERO + Duration::from_millis(3920)));
}

#[test]
fn nothing_waits_for_room_when_all_is_here() {
    assert_eq!(next_timer(600, None), Some(Now::ZERO + Duration::from_millis(599_920)), "only the end is waited for");
    for (rate, millis) in [(0.5, 3000 + 2 * 597_000 - 80), (2.0, 3000 + 597_000 / 2 - 80)] {
        let end = Now::ZERO + Duration::from_millis(millis);
        assert_eq!(next_timer_at(rate, 600, None), Some(end), "{rate}: it ends sooner or later by the clock");
    }
}

#[test]
fn a_stream_is_held_as_far_as_all_that_it_brings() {
    let held = |streams: &[(StreamId, Option<(bool, bool)>)], video: i64, audio: i64| {
        let mut session = session_of(ItemId::default(), streams);
        for (buffer, end) in [(&mut session.video, video), (&mut session.audio, audio)] {
            if end > 0 {
                add(buffer, 0, 0, end, None);
            }
        }
        streams.iter().map(|(id, _)| session.held_until(*id)).collect::<Vec<_>>()
    };
    let separate = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
    assert_eq!(held(&separate, 4000, 2000), [Some(ms(4000)), Some(ms(2000))]);
    let muxed = [(StreamId::Main, Some((true, true)))];
    assert_eq!(held(&muxed, 4000, 2000), [Some(ms(2000))]);
    assert_eq!(held(&muxed, 2000, 4000), [Some(ms(2000))]);
    assert_eq!(held(&muxed, 4000, 0), [None]);
    assert_eq!(held(&[(StreamId::Main, Some((true, false)))], 4000, 0), [Some(ms(4000))]);
}

#[test]
fn captions_lie_where_the_pictures_of_their_segment_do() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    session.timeline.offset(THIRD, false, MediaTime::ZERO, ms(1000));
    let mut fetching = download(&mut cx);
    fetching.set_shift(7_000_000_000);
    fetching.plan_mut().window = Window { from: MediaTime::ZERO, until: ms(10_000) };
    session.stream_mut(StreamId::Main).unwrap().start_download(fetching);
    // Pop-on captions begin, and a letter.
    let speak = |at| vec![CaptionPacket { pts: ms(at), triples: vec![0xfc, 0x94, 0x20, 0xfc, 0xc1, 0x80] }];
    session.on_captions(&mut cx, StreamId::Main, speak(5000));
    assert_eq!(session.caption_tracks().len(), 0, "behind the window");
    session.on_captions(&mut cx, StreamId::Main, speak(1000));
    assert_eq!(session.caption_tracks().len(), 1);
}

#[test]
fn captions_of_other_streams_than_the_main_one_are_not_read() {
    for (id, found) in [(StreamId::Main, 1), (StreamId::Audio, 0)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(id, Some((true, true)))]);
        let mut fetching = download(&mut cx);
        fetching.set_shift(0);
        session.stream_mut(id).unwrap().start_download(fetching);
        let packet = CaptionPacket { pts: ms(1000), triples: vec![0xfc, 0x94, 0x20, 0xfc, 0xc1, 0x80] };
        session.on_captions(&mut cx, id, vec![packet]);
        assert_eq!(session.caption_tracks().len(), found, "{id:?}");
    }
}

#[test]
fn a_steering_server_is_asked_while_something_is_left_to_fetch() {
    let told = ContentSteering { server: place(), pathway: None };
    for (state, left, asked) in [
        (State::Ready, true, true),
        (State::Seeking, true, true),
        (State::Ready, false, false),
        (State::Ended, true, false),
        (State::Failed, true, false),
    ] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, None), (StreamId::Audio, None)]);
        assert_eq!(session.next_steering(&cx), None);
        let steered = Presentation { steering: Some(told.clone()), ..described(Vec::new()) };
        session.source.set_presentation(steered.into());
        session.source.begin_steering(cx.now);
        cx.playback.set_state(state, cx.now, &mut cx.effects);
        finish(&mut session, StreamId::Main);
        if !left {
            finish(&mut session, StreamId::Audio);
        }
        assert_eq!(session.next_steering(&cx), asked.then_some(cx.now), "{state:?} {left}");
    }
}

#[test]
fn a_seek_keeps_the_transfer_that_brings_its_target_and_no_other() {
    for (to, kept) in [(0, true), (3999, true), (4000, false), (9000, false)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
        let fetching = download(&mut cx);
        session.stream_mut(StreamId::Main).unwrap().start_download(fetching);
        session.reposition(&mut cx, ms(to), SeekMode::Exact);
        let stream = session.stream(StreamId::Main).unwrap();
        assert_eq!((stream.download().is_some(), cx.jobs.ids().len()), (kept, usize::from(kept)), "{to}");
    }
}

#[test]
fn a_seek_keeps_what_is_held_if_each_kind_of_the_stream_is() {
    for (to, kept) in [(0, true), (1899, true), (2000, false), (3899, false), (4000, false)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
        add(&mut session.video, 0, 0, 4000, None);
        add(&mut session.audio, 0, 0, 2000, None);
        session.reposition(&mut cx, ms(to), SeekMode::Exact);
        let ends = if kept { (Some(ms(4000)), Some(ms(2000))) } else { (None, None) };
        assert_eq!((session.video.end(), session.audio.end()), ends, "{to}");
    }
}

#[test]
fn each_segment_has_its_own_time_to_be_fetched_in() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    let stream = session.stream_mut(StreamId::Main).unwrap();
    let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
    for begin in [5, 50] {
        let fetching = download(&mut cx);
        stream.decide_on(fetching.plan().rep, at(begin));
        stream.start_download(fetching);
        assert!(!stream.count_request(), "the first request of a segment is no repetition");
        stream.decide_on(RepKey::for_tests(0, 0, 9), at(begin + 3));
        assert_eq!((stream.wanted_since(), stream.count_request()), (Some(at(begin)), true), "in another quality");
        stream.complete_download(true);
        assert_eq!(stream.wanted_since(), None);
    }
}

/// Reports the size of the transfer under way with which it is asked.
struct Sizes(SyncSender<Option<u64>>);

impl abr::Rule for Sizes {
    fn name(&self) -> &'static str {
        "sizes"
    }

    fn select(&mut self, _: &abr::Context<'_>) -> abr::Decision {
        abr::Decision::new(0, abr::Reason::Only)
    }

    fn on_transfer(&mut self, _: &abr::Transfer) {}

    fn on_progress(&mut self, in_flight: &abr::InFlight, _: &abr::Context<'_>) -> abr::Verdict {
        self.0.send(in_flight.size).unwrap();
        abr::Verdict::Continue
    }

    fn on_seek(&mut self) {}

    fn estimate_bps(&self) -> Option<u64> {
        None
    }
}

#[test]
fn the_server_knows_the_size_of_a_segment_better_than_the_manifest() {
    for (announced, declared, earlier, expected) in [
        (Some(2000), Some(1000), 0, Some(2000)),
        (Some(2000), None, 0, Some(2000)),
        (None, Some(1000), 0, Some(1000)),
        (None, None, 0, None),
        (Some(700), Some(1000), 300, Some(700)),
        (None, Some(1000), 300, Some(700)),
    ] {
        let (sender, sizes) = sync_channel(8);
        let mut cx = Context::new(PlayerConfig::default(), Box::new(Sizes(sender)));
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
        let mut fetching = download(&mut cx);
        fetching.plan_mut().segment.size = declared;
        if earlier > 0 {
            fetching.keep_earlier(earlier, cx.now);
        }
        let url = place().urls.remove(0);
        let candidate = Candidate { index: 0, place: ServiceLocation::Location(0), url: url.clone() };
        cx.jobs.send(fetching.job(), candidate, &cx.config, cx.now);
        cx.jobs.began(fetching.job(), url, announced, cx.now);
        session.stream_mut(StreamId::Main).unwrap().start_download(fetching);
        cx.now = Now::ZERO + Duration::from_millis(300);
        session.judge_running(&mut cx);
        assert_eq!(sizes.try_iter().collect::<Vec<_>>(), [expected], "{announced:?} {declared:?} {earlier}");
    }
}

#[test]
fn sound_is_done_without_unless_the_network_is_what_fails() {
    for (code, fails) in [
        (ErrorCode::NetworkUnreachable, true),
        (ErrorCode::NetworkTimeout, true),
        (ErrorCode::TlsFailed, true),
        (ErrorCode::HttpStatus, false),
        (ErrorCode::MediaUnavailable, false),
    ] {
        let lost = |id, streams: &[(StreamId, Option<(bool, bool)>)]| {
            let mut cx = context();
            let mut session = session_of(ItemId::default(), streams);
            cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
            session.carry_out(&mut cx, StreamOutcome::Lost { id, error: PlayerError::fatal(code, "it is lost") });
            (cx.playback.state() == State::Failed, !session.selection.has_audio())
        };
        let separate = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
        assert_eq!(lost(StreamId::Audio, &separate), (fails, !fails), "{code:?}");
        assert_eq!(lost(StreamId::Main, &separate), (true, false), "{code:?}");
        assert_eq!(lost(StreamId::Audio, &separate[1..]), (true, false), "{code:?}: there is nothing else");
    }
}

#[test]
fn a_seek_that_waits_for_its_turn_is_shown_at_its_target_and_stands_still() {
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let cx = &mut engine.context;
    cx.playback.load(MediaTime::ZERO, true, cx.settings, cx.now);
    cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, &[MediaKind::Video], cx.now, &mut cx.effects);
    let epoch = cx.playback.feed().epoch();
    cx.playback.begin_presentation();
    cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
    cx.playback.set_renderer_playing(true, cx.now, &mut cx.effects);
    let now = Now::ZERO + Duration::from_secs(3);
    cx.playback.report(epoch, ms(3000), now);
    let shown = |engine: &Engine| {
        let snapshot = engine.snapshot(now);
        (snapshot.position, snapshot.clock_rate > 0.0)
    };
    assert_eq!(shown(&engine), (ms(3000), true));
    engine.context.pending.seek_mut().put(Seeking { to: ms(9000), mode: SeekMode::Exact, since: now });
    assert_eq!(shown(&engine), (ms(9000), false));
}

#[test]
fn an_attempt_that_is_repeated_counts_its_samples_anew() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    let stream = session.stream_mut(StreamId::Main).unwrap();
    stream.start_download(download(&mut cx));
    stream.download_mut().unwrap().count(5);
    stream.restart_download();
    assert_eq!(stream.download().unwrap().seen(), 0);
}

#[test]
fn a_kind_that_a_stream_carried_once_is_presented_to_its_end() {
    let kinds = |video, audio| ContentKinds { video, audio, text: false };
    for (first, second) in [(kinds(true, true), kinds(true, false)), (kinds(true, true), kinds(false, true))] {
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, None)]);
        let stream = session.stream_mut(StreamId::Main).unwrap();
        stream.note_carried(first);
        stream.note_carried(second);
        assert_eq!(stream.carries(), Some(kinds(true, true)));
    }
}

#[test]
fn commands_that_wait_for_their_turn_are_forgotten_with_a_failure() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, None)]);
    cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
    cx.pending.seek_mut().put(Seeking { to: ms(9000), mode: SeekMode::Exact, since: cx.now });
    cx.pending.rate_mut().put(2.0);
    session.fail(&mut cx, PlayerError::fatal(ErrorCode::MediaUnavailable, "it is gone"));
    assert_eq!(cx.playback.state(), State::Failed);
    assert!(cx.pending.seek().waiting().is_none() && cx.pending.rate_mut().waiting().is_none());
}

#[test]
fn streams_stand_in_their_order_whichever_is_added_last() {
    let mut session = session_of(ItemId::default(), &[]);
    let sets = [("v", MediaKind::Video), ("a", MediaKind::Audio), ("t", MediaKind::Text)];
    let sets = sets.map(|(id, kind)| set(id, kind, vec![rep(id, 1000)]));
    session.source.set_presentation(described(sets.to_vec()).into());
    session.selection.select_text(TrackChoice::Track(TrackId("t".into())));
    for id in [StreamId::Text, StreamId::Audio, StreamId::Main] {
        start::add_stream(&mut session, id, ms(0));
    }
    let order: Vec<_> = session.streams.iter().map(Stream::id).collect();
    assert_eq!(order, StreamId::ALL);
}

#[test]
fn audio_reserves_its_bandwidth_against_video_and_not_against_itself() {
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, None), (StreamId::Audio, None)]);
    let rates = [("v", MediaKind::Video, 1000), ("a", MediaKind::Audio, 64_000)];
    let sets = rates.map(|(id, kind, rate)| set(id, kind, vec![rep(id, rate)]));
    session.source.set_presentation(described(sets.to_vec()).into());
    assert_eq!(session.reserved_bps(StreamId::Main), 0, "nothing of it is decided on");
    let audio = session.source.presentation().all_reps().nth(1).unwrap();
    session.stream_mut(StreamId::Audio).unwrap().decide_on(audio, Now::ZERO);
    let reserved = [StreamId::Main, StreamId::Audio, StreamId::Text].map(|id| session.reserved_bps(id));
    assert_eq!(reserved, [64_000, 0, 64_000]);
}

#[test]
fn a_seek_ends_a_change_of_audio() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
    session.selection.begin_audio_change(ms(700));
    session.reposition(&mut cx, ms(5000), SeekMode::Exact);
    assert_eq!(session.selection.audio_change(), None);
}

#[test]
fn too_much_metadata_is_reported_once() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[]);
    let large = |id: u32| TimedMetadata {
        source: MetadataSource::Id3,
        scheme: "urn:x".into(),
        value: String::new(),
        id: id.to_string(),
        start: ms(0),
        duration: None,
        body: MetadataBody::Text("x".repeat(1 << 20)),
    };
    for round in 0..3 {
        session.add_metadata(
            &mut cx,
            (0..100).map(|id| large(round * 100 + id)).collect(),
            crate::error::Stage::Segment,
        );
    }
    let outputs = std::iter::from_fn(|| cx.effects.take_next());
    let warnings = outputs
        .filter(|output| matches!(output, crate::engine::io::Output::Event(crate::event::Event::Warning { .. })));
    assert_eq!(warnings.count(), 1);
}

#[test]
fn what_has_ended_is_played_again_unless_a_seek_waits_for_its_turn() {
    for (waits, expected) in [(false, State::Seeking), (true, State::Ended)] {
        let mut cx = context();
        let session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, true)))]);
        cx.playback.set_state(State::Ended, cx.now, &mut cx.effects);
        if waits {
            cx.pending.seek_mut().put(Seeking { to: ms(9000), mode: SeekMode::Exact, since: cx.now });
        }
        let mut item = Item::Open(Box::new(session));
        item.play(&mut cx);
        assert!(cx.playback.plays_when_ready());
        assert_eq!(cx.playback.state(), expected, "the seek decides where playback goes on");
    }
}

#[test]
fn the_pause_that_ends_first_wakes_the_session() {
    let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
    let mut cx = context();
    cx.now = at(2);
    let mut session = session_of(ItemId::default(), &StreamId::ALL.map(|id| (id, None)));
    let earliest = |session: &Session| {
        let mut timers = Timers::default();
        session.arm_timers(&cx, &mut timers);
        timers.earliest()
    };
    for (id, until, expected) in
        [(StreamId::Text, 1, None), (StreamId::Main, 5, Some(5)), (StreamId::Audio, 3, Some(3))]
    {
        session.stream_mut(id).unwrap().hold(at(until));
        assert_eq!(earliest(&session), expected.map(at), "{id:?}");
    }
}

#[test]
fn a_representation_whose_next_segment_is_locked_comes_back_after_its_time() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    let ladder = vec![rep("m", 1), rep("n", 2)];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, ladder)]).into());
    let reps: Vec<RepKey> = session.presentation().all_reps().collect();
    let error = || PlayerError::fatal(ErrorCode::KeyUnavailable, "gone");
    let span = Duration::from_secs(20);
    let outcome = session.lock_out(&mut cx, StreamId::Main, reps[1], span, error());
    assert!(matches!(outcome, StreamOutcome::Advanced), "the other takes over");
    let held = |session: &Session, at| session.selection.exclusions().holds(reps[1], at);
    assert_eq!([cx.now, cx.now + span].map(|at| held(&session, at)), [true, false]);
    let outcome = session.lock_out(&mut cx, StreamId::Main, reps[0], span, error());
    assert!(matches!(outcome, StreamOutcome::EndsHere { .. }), "none is left");
    assert!(!session.selection.exclusions().holds(reps[0], cx.now), "the last one stays");
}

#[test]
fn the_bandwidth_for_audio_is_that_of_the_choice_before_that_of_the_last_segment() {
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
    let mut session = session_of(ItemId::default(), &streams);
    let mut rates = vec![rep("a", 100), rep("b", 200), rep("c", 300)];
    rates[1].average_bandwidth = Some(150);
    session.source.set_presentation(described(vec![set("s", MediaKind::Audio, rates)]).into());
    let reps: Vec<RepKey> = session.presentation().all_reps().collect();
    assert_eq!(session.reserved_bps(StreamId::Main), 0, "nothing is known");
    session.stream_mut(StreamId::Audio).unwrap().decide_on(reps[2], Now::ZERO);
    assert_eq!(session.reserved_bps(StreamId::Main), 300);
    session.selection.pair_audio(AudioChoice { wanted: Some(reps[1]), ..session.selection.audio() });
    assert_eq!(session.reserved_bps(StreamId::Main), 150, "its mean, if that is declared");
    assert_eq!(session.reserved_bps(StreamId::Audio), 0, "audio reserves nothing from itself");
}
