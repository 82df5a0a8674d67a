//! The part of a segment that is waited for, and who leaves the link to whom.
#![expect(clippy::unwrap_used, reason = "tests")]

use abr::Phase;

use super::super::tests::{add, chosen, described, ms, rep, session_of, set};
use super::*;
use crate::config::PlayerConfig;
use crate::engine::download::SegmentDownload;
use crate::engine::ids::{ItemId, PeriodKey};
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::requests::Purpose;
use crate::model::{IndexSource, MediaKind, Resource, SegmentIndex, SegmentList};
use crate::snapshot::BufferingReason;
use crate::time::MediaTime;

fn context(state: State) -> Context {
    let config = PlayerConfig::default();
    let rule = abr::rule(&config.abr_rule).unwrap();
    let mut cx = Context::new(config, rule);
    cx.playback.set_state(state, cx.now, &mut cx.effects);
    cx
}

fn place(millis: i64) -> NextSegment {
    NextSegment::At { period: PeriodKey::FIRST, time: ms(millis) }
}

fn somewhere() -> Resource {
    Resource::new("http://h/part".parse().unwrap())
}

/// Video whose one segment lies from 0 to 4 s, in three representations: one is ready, one lacks its initialisation
/// data, and of one nothing is read.
fn video() -> Session {
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    let mut reps = ["ready", "initialise", "index"].map(|id| rep(id, 1000));
    let SegmentIndex::Known(SegmentList::Explicit(list)) = &mut reps[1].index else { unreachable!("what `rep` makes") };
    list[0].init = Some(somewhere());
    reps[2].index = SegmentIndex::External(IndexSource::playlist(somewhere()));
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps.to_vec())]).into());
    session
}

#[test]
fn the_part_reaches_from_the_start_of_the_segment_to_what_playback_begins_with() {
    let mut cx = context(State::Seeking);
    let session = video();
    let ladder: Vec<_> = session.source.presentation().all_reps().collect();
    let part = |cx: &Context, phase| session.awaited_part(cx, phase, place(1500), ladder[0], &ladder);
    cx.playback.hold(ms(1500), cx.now);
    cx.now = cx.now + Duration::from_millis(70);
    let expected =
        AwaitedPart { media: Duration::from_millis(1900), waited: Duration::from_millis(70), requests: vec![0, 1, 2] };
    assert_eq!(part(&cx, Phase::AfterSeek), Some(expected.clone()));
    assert_eq!(part(&cx, Phase::StartUp), Some(expected));
    assert_eq!((part(&cx, Phase::Steady), part(&cx, Phase::Rebuffering)), (None, None));
    let media = |cx: &mut Context, at: i64| {
        cx.playback.hold(ms(at), cx.now);
        session.awaited_media(cx, Phase::AfterSeek, place(0), ladder[0]).map(|media| media.as_millis())
    };
    assert_eq!([-500, -400, -399, 0].map(|at| media(&mut cx, at)), [None, None, Some(1), Some(400)]);
    assert_eq!(session.awaited_media(&cx, Phase::AfterSeek, NextSegment::End, ladder[0]), None);
}

/// Separate video and audio that begin at 0 and are held up to these milliseconds; the transfers of `coming` are under
/// way.
fn both(cx: &mut Context, video: i64, audio: i64, coming: &[StreamId]) -> Session {
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
    let mut session = session_of(ItemId::default(), &streams);
    for (buffer, end) in [(&mut session.video, video), (&mut session.audio, audio)] {
        buffer.restart(MediaTime::ZERO, crate::engine::buffer::Departure::Void);
        add(buffer, 0, 0, end, None);
    }
    for id in coming {
        let job = cx.jobs.add(cx.now, Purpose::Media(*id), FetchKind::Segment, somewhere(), Ingest::Body);
        let download = SegmentDownload::new(job, chosen(0, 0, 4000), None, MediaTime::ZERO);
        session.stream_mut(*id).unwrap().start_download(download);
    }
    session
}

#[test]
fn who_has_enough_leaves_the_link_to_what_is_waited_for() {
    let yields = |state, video, audio, coming: &[StreamId]| {
        let mut cx = context(state);
        let session = both(&mut cx, video, audio, coming);
        [StreamId::Main, StreamId::Audio].map(|id| session.yields(&cx, id))
    };
    let all = [StreamId::Main, StreamId::Audio];
    assert_eq!(yields(State::Seeking, 300, 400, &all), [false, true]);
    assert_eq!(yields(State::Seeking, 400, 300, &all), [true, false]);
    assert_eq!(yields(State::Seeking, 300, 300, &all), [false, false], "both are waited for");
    assert_eq!(yields(State::Seeking, 400, 400, &all), [false, false], "none is");
    assert_eq!(yields(State::Seeking, 300, 400, &[StreamId::Audio]), [false, false], "no video is on its way");
    assert_eq!(yields(State::Seeking, 300, 400, &[StreamId::Main]), [false, true]);
    let starting = State::Buffering(BufferingReason::Starting);
    let stalled = State::Buffering(BufferingReason::NetworkTooSlow);
    assert_eq!([State::Loading, starting].map(|state| yields(state, 300, 400, &all)[1]), [true; 2]);
    assert_eq!([400, 1900, 2000].map(|audio| yields(stalled, 1000, audio, &all)[1]), [false, false, true]);
    for state in [State::Idle, State::Ready, State::Ended, State::Failed] {
        assert_eq!(yields(state, 300, 400, &all), [false, false], "{state:?}");
    }
}

#[test]
fn nothing_is_requested_while_the_first_picture_is_made() {
    let mut cx = context(State::Seeking);
    let session = both(&mut cx, 400, 400, &[]);
    let yields = |cx: &Context| StreamId::MEDIA.map(|id| session.yields(cx, id));
    session.note_supplied(&mut cx);
    assert_eq!(cx.playback.undisturbed_until(), None, "the renderer has nothing before the flush");
    cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, &[MediaKind::Video], cx.now, &mut cx.effects);
    session.note_supplied(&mut cx);
    assert_eq!(yields(&cx), [true; 2]);
    let until = cx.playback.undisturbed_until().unwrap();
    assert_eq!(until.since(cx.now), Duration::from_millis(100));
    cx.now = until;
    assert_eq!(yields(&cx), [false; 2], "a renderer that takes longer may need more");
}

#[test]
fn too_little_for_the_first_picture_goes_on_being_requested() {
    for (state, audio, undisturbed) in [
        (State::Seeking, 300, false),
        (State::Seeking, 400, true),
        (State::Loading, 400, false),
        (State::Ready, 400, false),
    ] {
        let mut cx = context(state);
        let session = both(&mut cx, 400, audio, &[]);
        let kinds = [MediaKind::Video, MediaKind::Audio];
        cx.playback.send_flush(ItemId::default(), MediaTime::ZERO, &kinds, cx.now, &mut cx.effects);
        session.note_supplied(&mut cx);
        assert_eq!(cx.playback.undisturbed_until().is_some(), undisturbed, "{state:?} {audio}");
    }
}
