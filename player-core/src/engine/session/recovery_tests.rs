//! Recovery of streams from failed requests, missing keys and servers that are gone.
#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;

use super::outcome::StreamOutcome;
use super::tests::{add, add_of, chosen, context, described, events, ms, of, play_at, rep, segment, session_of, set};
use super::*;
use crate::container::{
    CodecConfig, DemuxOutput, Fragment, InitSegment, MediaClock, Payload, Sample, SegmentTail, TrackInit,
};
use crate::drm::KeyId;
use crate::engine::buffer::Departure;
use crate::engine::download::{Activity, KeptState, NextSegment, SegmentDownload};
use crate::engine::io::{FetchError, FetchKind, FetchOutcome, Ingest, Output};
use crate::engine::licence::KeyState;
use crate::engine::requests::Purpose;
use crate::engine::source::{Candidate, ServiceLocation};
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::model::{ContentSteering, Period, Representation, Resource, SegmentId};
use crate::snapshot::State;

const SEPARATE: [(StreamId, Option<(bool, bool)>); 2] =
    [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];

fn somewhere() -> Resource {
    Resource::new("http://h/part".parse().unwrap())
}

fn error(code: ErrorCode) -> PlayerError {
    PlayerError::fatal(code, "it fails")
}

fn fetch(cx: &mut Context, session: &mut Session, id: StreamId, plan: SegmentPlan) {
    let job = cx.jobs.add(cx.now, Purpose::Media(id), FetchKind::Segment, somewhere(), Ingest::Body);
    let begin = plan.segment.start;
    session.stream_mut(id).unwrap().start_download(SegmentDownload::new(job, plan, None, begin));
}

#[test]
fn a_steering_server_that_is_gone_is_never_asked_again() {
    for (status, again) in [(410, None), (404, Some(300)), (500, Some(300))] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &SEPARATE);
        let steering = ContentSteering { server: somewhere(), pathway: None };
        session.source.set_presentation(Presentation { steering: Some(steering), ..described(Vec::new()) }.into());
        session.source.begin_steering(cx.now);
        cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
        let job = cx.jobs.add(cx.now, Purpose::Steering, FetchKind::Manifest, somewhere(), Ingest::Body);
        let cause = FetchError::Status { status, retry_after: None };
        session.on_steering_failed(&mut cx, job, Some(&cause), error(ErrorCode::HttpStatus));
        let due = again.map(|seconds| cx.now + Duration::from_secs(seconds));
        assert_eq!((session.next_steering(&cx), cx.jobs.ids().len()), (due, 0), "{status}");
    }
}

/// Video of the second audio group, and audio of both.
fn groups() -> (Session, [RepKey; 3]) {
    let grouped = |id: &str, group: &str| Representation { audio_group: Some(group.into()), ..rep(id, 1) };
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let sets = vec![
        set("v", MediaKind::Video, vec![grouped("v", "second")]),
        set("a", MediaKind::Audio, vec![grouped("a", "first"), grouped("b", "second")]),
    ];
    session.source.set_presentation(described(sets).into());
    let reps: Vec<RepKey> = session.presentation().all_reps().collect();
    (session, [reps[0], reps[1], reps[2]])
}

#[test]
fn an_index_of_audio_that_does_not_go_with_the_video_is_not_waited_for() {
    for (waits_for, goes_on) in [(1, false), (2, true)] {
        let mut cx = context();
        let (mut session, reps) = groups();
        session.stream_mut(StreamId::Audio).unwrap().await_index(reps[waits_for]);
        session.drop_unpaired_sound(&mut cx, reps[0], ms(4000));
        let waits = matches!(session.stream(StreamId::Audio).unwrap().activity(), Activity::Index(_));
        assert_eq!(waits, goes_on, "{waits_for}");
    }
}

#[test]
fn audio_that_does_not_go_with_the_video_is_dropped_from_its_begin_on() {
    for (group, from, kept) in
        [(1, 3900, 4000), (1, 4000, 4000), (1, 4100, 4000), (1, 4101, 8000), (2, 3900, 8000), (1, 0, 0)]
    {
        let mut cx = context();
        let (mut session, reps) = groups();
        session.audio.restart(ms(0), Departure::Void);
        for number in 0..2 {
            let begin = number as i64 * 4000;
            let part = PartOf { rep: reps[group], ..PartOf::for_tests(0, number) };
            add_of(&mut session.audio, part, begin, begin + 4000, None);
            session.audio.complete();
        }
        session.stream_mut(StreamId::Audio).unwrap().rewind_to(NextSegment::End);
        session.drop_unpaired_sound(&mut cx, reps[0], ms(from));
        let after = NextSegment::After { rep: reps[1], segment: SegmentId::Sequence(0), end: ms(4000) };
        let place = match kept {
            0 => NextSegment::At { period: PeriodKey::FIRST, time: ms(0) },
            4000 => after,
            _ => NextSegment::End,
        };
        assert_eq!(session.stream(StreamId::Audio).unwrap().place(), place, "{group} {from}");
        assert_eq!(session.audio.end().unwrap_or(ms(0)), ms(kept), "{group} {from}");
    }
}

#[test]
fn a_transfer_of_audio_that_does_not_go_with_the_video_is_called_back() {
    for (group, start, goes_on) in [(1, 4000, false), (1, 0, true), (2, 4000, true)] {
        let mut cx = context();
        let (mut session, reps) = groups();
        let plan = SegmentPlan { rep: reps[group], ..chosen(1, start, start + 4000) };
        fetch(&mut cx, &mut session, StreamId::Audio, plan);
        session.drop_unpaired_sound(&mut cx, reps[0], ms(4000));
        assert_eq!(session.stream(StreamId::Audio).unwrap().download().is_some(), goes_on, "{group} {start}");
    }
}

#[test]
fn pictures_that_never_become_whole_are_lost_once() {
    for carries in [(true, false), (false, true)] {
        let mut cx = context();
        let id = if carries.0 { StreamId::Main } else { StreamId::Audio };
        let mut session = session_of(ItemId::default(), &[(id, Some(carries))]);
        let job = cx.jobs.add(cx.now, Purpose::Media(id), FetchKind::Segment, somewhere(), Ingest::Body);
        let mut download = SegmentDownload::new(job, chosen(0, 0, 4000), None, MediaTime::ZERO);
        let state = serde_json::from_str("0").unwrap();
        download.end_with(SegmentTail { outputs: Vec::new(), state, waiting: 3 });
        session.stream_mut(id).unwrap().keep(KeptState::of(&download));
        for _ in 0..2 {
            session.release_tail(&mut cx, id);
        }
        let counts = session.account().counts();
        let lost = if carries.0 { 3 } else { 0 };
        assert_eq!((counts.received, counts.lost.undecodable), (lost, lost), "{carries:?}");
    }
}

#[test]
fn samples_that_a_failed_attempt_gave_are_not_given_again_by_the_end_held_back() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    add(&mut session.video, 0, 0, 2000, None);
    let track = TrackInit {
        id: 1,
        kind: MediaKind::Video,
        timescale: 1000,
        language: None,
        config: Arc::new(CodecConfig::for_tests("")),
    };
    let init = InitSegment { tracks: vec![track], clock: MediaClock::Endless, first: None, source: Bytes::new() };
    let job = cx.jobs.add(cx.now, Purpose::Media(StreamId::Main), FetchKind::Segment, somewhere(), Ingest::Body);
    let mut download = SegmentDownload::new(job, chosen(0, 0, 4000), Some(Arc::new(init)), MediaTime::ZERO);
    // Media time lies ten seconds after presentation time.
    download.set_shift(-10_000_000_000);
    let sample = |at: i64| Sample {
        pts: ms(at),
        dts: ms(at),
        duration: Duration::from_millis(100),
        key: false,
        payload: Payload(vec![0; 10].into()),
        crypto: None,
    };
    let fragment = Fragment { track: 1, samples: [11_800, 11_900, 12_000].map(sample).to_vec() };
    let state = serde_json::from_str("0").unwrap();
    download.end_with(SegmentTail { outputs: vec![DemuxOutput::Fragment(fragment)], state, waiting: 0 });
    session.stream_mut(StreamId::Main).unwrap().keep(KeptState::of(&download));
    session.release_tail(&mut cx, StreamId::Main);
    assert_eq!((session.account().counts().received, session.video.end()), (21, Some(ms(2100))));
    assert!(session.stream(StreamId::Main).unwrap().is_idle() && session.video.back().unwrap().complete);
}

#[test]
fn the_next_segment_goes_on_with_the_state_of_the_one_before_if_it_is_of_the_same_kind() {
    let cx = context();
    let mut next = [0; 5].map(|_| segment(1, 4000, 8000));
    next[1].gap = true;
    next[2].mapping = crate::model::TimestampMapping::Offset(5);
    next[3].init = Some(somewhere());
    next[4].previous = None;
    let continued = next.map(|next| {
        let mut session = session_of(ItemId::default(), &SEPARATE);
        let list = vec![segment(0, 0, 4000), next];
        let index = crate::model::SegmentIndex::Known(crate::model::SegmentList::Explicit(list));
        let reps = vec![Representation { index, ..rep("v", 1) }];
        session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
        session.is_continued(&cx, &chosen(0, 0, 4000))
    });
    assert_eq!(continued, [true, false, false, false, false]);
}

#[test]
fn a_segment_of_which_nothing_was_handed_out_can_be_given_up() {
    for (lead, at, committed) in [(3555, (1, 0), false), (3556, (1, 1), true)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
        fetch(&mut cx, &mut session, StreamId::Main, chosen(1, 4000, 8000));
        add(&mut session.video, 0, 0, 4000, None);
        session.video.complete();
        add(&mut session.video, 1, 4000, 4500, None);
        play_at(&mut cx, &[MediaKind::Video], 0);
        cx.config.renderer_lead = Duration::from_millis(lead);
        session.present(&mut cx);
        let found = session.committed(&cx, MediaKind::Video).map(|at| (at.seq, at.index));
        assert_eq!((found, session.is_committed(&cx, StreamId::Main)), (Some(at), committed), "{lead}");
    }
}

#[test]
fn streams_end_where_their_keys_do() {
    // Stream, milliseconds held → what becomes of it: lost, the period is passed, or it ends.
    let outcome = |id: StreamId, held: i64, streams: &[(StreamId, Option<(bool, bool)>)]| {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), streams);
        session.source.set_presentation(described(Vec::new()).into());
        if held > 0 {
            for kind in BUFFERED {
                add(session.buffer_mut(kind).unwrap(), 0, 0, held, None);
            }
        }
        play_at(&mut cx, &BUFFERED, 1000);
        let step = StreamOutcome::EndsHere { id, period: PeriodKey::FIRST, error: error(ErrorCode::KeyUnavailable) };
        session.carry_out(&mut cx, step);
        let warned = events(&mut cx).iter().any(|event| matches!(event, Event::Warning { .. }));
        let stream = session.stream(id);
        (stream.is_some(), stream.is_some_and(|stream| stream.error().is_some()), warned, cx.playback.state())
    };
    let passed = (true, false, true, State::Ready);
    assert_eq!(outcome(StreamId::Audio, 4000, &SEPARATE), passed, "video goes on");
    let ended = (true, true, false, State::Ready);
    assert_eq!(outcome(StreamId::Main, 4000, &SEPARATE), ended, "what is held is presented");
    assert_eq!(outcome(StreamId::Audio, 4000, &SEPARATE[1..]), ended);
    assert_eq!(outcome(StreamId::Main, 1000, &SEPARATE).3, State::Failed, "nothing is held");
    let gone = (false, false, true, State::Ready);
    assert_eq!(outcome(StreamId::Audio, 1000, &SEPARATE), gone);
    let text = [SEPARATE[0], (StreamId::Text, None)];
    assert_eq!(outcome(StreamId::Text, 4000, &text), gone);
}

#[test]
fn one_other_representation_is_enough_to_take_over() {
    for count in [1, 2] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
        let reps = (0..count).map(|number| rep(&number.to_string(), number + 1)).collect();
        session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
        let key = RepKey::for_tests(0, 0, 0);
        assert_eq!(session.others_left(&cx, key), count as usize - 1);
        let outcome = session.lock_out(&mut cx, StreamId::Main, key, Duration::MAX, error(ErrorCode::KeyUnavailable));
        assert_eq!(matches!(outcome, StreamOutcome::Advanced), count == 2);
    }
}

#[test]
fn representations_that_are_all_excluded_for_a_while_take_over_for_want_of_a_better_one_only() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    let reps = vec![rep("a", 1), rep("b", 2)];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    let keys: Vec<RepKey> = session.presentation().all_reps().collect();
    for (count, left) in [(0, 1), (1, 1), (2, 0)] {
        if count > 0 {
            session.selection.exclude(keys[count - 1], Duration::from_secs(20), cx.now);
        }
        assert_eq!(session.others_left(&cx, keys[0]), left, "{count}");
    }
    cx.now = cx.now + Duration::from_secs(20);
    assert_eq!(session.others_left(&cx, keys[0]), 1, "their time is over");
}

#[test]
fn a_cancelled_transfer_teaches_the_rule_what_came_of_it() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    fetch(&mut cx, &mut session, StreamId::Main, chosen(0, 0, 4000));
    let job = session.main().unwrap().download().unwrap().job();
    let url = somewhere().urls.remove(0);
    let candidate = Candidate { index: 0, place: ServiceLocation::Location(0), url: url.clone() };
    let request = cx.jobs.send(job, candidate, &cx.config, cx.now).unwrap();
    cx.now = cx.now + Duration::from_millis(100);
    cx.jobs.began(job, url, Some(1_000_000), cx.now);
    cx.now = cx.now + Duration::from_secs(2);
    cx.jobs.received(job, 500_000, cx.now);
    let before = cx.rule.estimate_bps();
    session.cancel_stream(&mut cx, StreamId::Main);
    assert!(cx.rule.estimate_bps().is_some() && cx.rule.estimate_bps() != before, "{before:?}");
    assert_eq!(cx.effects.take_next(), Some(Output::Cancel(request.id)));
    assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted, 500_000);
}

#[test]
fn bytes_that_the_renderer_has_are_not_wasted_by_a_failure() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    fetch(&mut cx, &mut session, StreamId::Main, chosen(0, 0, 4000));
    add(&mut session.video, 0, 0, 4000, None);
    play_at(&mut cx, &[MediaKind::Video], 0);
    session.present(&mut cx);
    // There are forty samples of ten bytes, and 50 bytes of headers; all samples of a part stay if one was handed out.
    session.drop_partial(&mut cx, StreamId::Main, 450);
    assert_eq!(session.video.bytes(), 400);
    assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted, 50);
}

#[test]
fn samples_that_were_refused_in_a_failed_attempt_are_not_counted() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    fetch(&mut cx, &mut session, StreamId::Main, chosen(0, 0, 4000));
    session.video.account_mut().refuse(crate::engine::buffer::Loss::Undecodable, 4);
    session.drop_partial(&mut cx, StreamId::Main, 10);
    let counts = session.account().counts();
    assert_eq!((counts.received, counts.lost.undecodable), (0, 0));
}

#[test]
fn the_end_of_a_period_is_settled_for_what_its_stream_brings() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let mut known = described(Vec::new());
    known.periods.push(Period::new("q".into(), ms(10_000), None, Vec::new()));
    session.source.set_presentation(known.into());
    add(&mut session.video, 0, 0, 8000, None);
    session.video.complete();
    let outcome = session.pass_period(&mut cx, StreamId::Main, PeriodKey::FIRST);
    assert!(matches!(outcome, StreamOutcome::Advanced));
    assert_eq!((session.video.end(), session.audio.end()), (Some(ms(10_000)), None));
    let place = NextSegment::At { period: PeriodKey::for_tests(1), time: ms(10_000) };
    assert_eq!(session.main().unwrap().place(), place);
    let _ = session.pass_period(&mut cx, StreamId::Main, PeriodKey::for_tests(1));
    assert!(session.main().unwrap().is_finished());
    assert_eq!(session.buffer(MediaKind::Video).unwrap().back().unwrap().of.rep.period, of(0).rep.period);
}

#[test]
fn a_representation_whose_key_is_gone_is_never_asked_again() {
    let key = [5; 16];
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    let reps = vec![rep("locked", 2), rep("clear", 1)];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    add(&mut session.video, 0, 0, 4000, None);
    session.video.complete();
    add(&mut session.video, 1, 4000, 8000, Some(key));
    session.video.complete();
    session.keys.set(KeyId(key), KeyState::Asked(crate::engine::requests::JobId::for_tests(1)));
    session.give_up_locked(&mut cx);
    assert_eq!(session.video.end(), Some(ms(8000)), "its key may come");
    session.keys.set(KeyId(key), KeyState::Gone(Box::new(error(ErrorCode::KeyUnavailable))));
    session.give_up_locked(&mut cx);
    assert_eq!(session.video.end(), Some(ms(4000)));
    assert!(session.selection.exclusions().is_final(RepKey::for_tests(0, 0, 0)));
    let place = NextSegment::At { period: PeriodKey::FIRST, time: ms(4000) };
    assert_eq!(session.main().unwrap().place(), place);
    assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted, 400);
}

#[test]
fn a_segment_that_is_here_ends_a_failover_and_credits_its_location() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    fetch(&mut cx, &mut session, StreamId::Main, chosen(0, 0, 4000));
    let download = session.stream_mut(StreamId::Main).unwrap().download_mut().unwrap();
    download.count(5);
    let (job, url) = (download.job(), somewhere().urls.remove(0));
    let place = ServiceLocation::Location(0);
    cx.jobs.send(job, Candidate { index: 0, place: place.clone(), url: url.clone() }, &cx.config, cx.now);
    session.source.locations_mut().exclude(&place, Duration::from_secs(60), cx.now);
    let asked = |session: &Session, cx: &Context| {
        let locations = session.locations();
        (locations.is_failing_over(), locations.is_excluded(&place, cx.now), locations.has_loaded_media(&place))
    };
    assert_eq!(asked(&session, &cx), (true, true, false));
    cx.now = cx.now + Duration::from_secs(2);
    cx.jobs.began(job, url, Some(700), cx.now);
    let outcome = FetchOutcome::Complete { bytes: 700, body: Bytes::new() };
    session.on_fetch_ended(&mut cx, job, outcome, false);
    assert_eq!(asked(&session, &cx), (false, false, true));
    let loaded = events(&mut cx).into_iter().find_map(|event| match event {
        Event::SegmentLoaded { kind, start, bytes, elapsed, .. } => Some((kind, start, bytes, elapsed)),
        _ => None,
    });
    assert_eq!(loaded, Some((MediaKind::Video, ms(0), 700, Duration::from_secs(2))));
    assert!(session.main().unwrap().is_idle() && cx.jobs.ids().is_empty());
}

#[test]
fn audio_goes_with_the_video_at_its_place_and_not_with_the_newest() {
    let grouped = |id: &str, group: &str| Representation { audio_group: Some(group.into()), ..rep(id, 1) };
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let sets = vec![
        set("v", MediaKind::Video, vec![grouped("v", "first"), grouped("w", "second")]),
        set("a", MediaKind::Audio, vec![grouped("a", "first")]),
    ];
    session.source.set_presentation(described(sets).into());
    assert_eq!(session.audio_group(StreamId::Audio), None, "no video is decided on");
    session.stream_mut(StreamId::Main).unwrap().decide_on(RepKey::for_tests(0, 0, 1), Now::ZERO);
    assert_eq!(session.audio_group(StreamId::Audio), Some("second"));
    add_of(&mut session.video, PartOf::for_tests(0, 0), 0, 4000, None);
    for (time, group) in [(0, "first"), (3899, "first"), (3900, "second"), (4000, "second")] {
        let place = NextSegment::At { period: PeriodKey::FIRST, time: ms(time) };
        session.stream_mut(StreamId::Audio).unwrap().rewind_to(place);
        assert_eq!(session.audio_group(StreamId::Audio), Some(group), "{time}");
    }
    assert_eq!(session.audio_group(StreamId::Main), None);
}

#[test]
fn what_a_segment_left_open_is_presented_before_another_representation() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    add(&mut session.video, 0, 0, 2000, None);
    let track = TrackInit {
        id: 1,
        kind: MediaKind::Video,
        timescale: 1000,
        language: None,
        config: Arc::new(CodecConfig::for_tests("")),
    };
    let init = InitSegment { tracks: vec![track], clock: MediaClock::Endless, first: None, source: Bytes::new() };
    let job = cx.jobs.add(cx.now, Purpose::Media(StreamId::Main), FetchKind::Segment, somewhere(), Ingest::Body);
    let mut download = SegmentDownload::new(job, chosen(0, 0, 4000), Some(Arc::new(init)), MediaTime::ZERO);
    // Media time lies ten seconds after presentation time.
    download.set_shift(-10_000_000_000);
    let sample = |at: i64| Sample {
        pts: ms(at),
        dts: ms(at),
        duration: Duration::from_millis(100),
        key: false,
        payload: Payload(vec![0; 10].into()),
        crypto: None,
    };
    let fragment = Fragment { track: 1, samples: [11_800, 11_900, 12_000].map(sample).to_vec() };
    let state = serde_json::from_str("0").unwrap();
    download.end_with(SegmentTail { outputs: vec![DemuxOutput::Fragment(fragment)], state, waiting: 0 });
    session.stream_mut(StreamId::Main).unwrap().keep(KeptState::of(&download));
    let next = SegmentPlan { rep: RepKey::for_tests(0, 0, 1), ..chosen(1, 4000, 8000) };
    assert!(session.carried_state(&mut cx, StreamId::Main, &next).is_none());
    assert_eq!((session.account().counts().received, session.video.end()), (21, Some(ms(2100))));
    assert!(session.stream(StreamId::Main).unwrap().is_idle() && session.video.back().unwrap().complete);
}
