//! Inputs of the rule, and transfers that it may give up.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::tests::{chosen, context, described, rep, segment, session_of, set};
use super::*;
use crate::engine::download::SegmentDownload;
use crate::engine::ids::ItemId;
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::requests::Purpose;
use crate::model::{RepresentationTraits, Resource, SegmentIndex, SegmentList, SegmentRef};
use crate::snapshot::BufferingReason;
use crate::time::MediaTime;

const VIDEO: [(StreamId, Option<(bool, bool)>); 1] = [(StreamId::Main, Some((true, false)))];

#[test]
fn the_phase_follows_from_the_state_and_from_what_it_takes_to_begin() {
    let stalled = State::Buffering(BufferingReason::NetworkTooSlow);
    let phase = |has_started: bool, state: State, ahead: u64| {
        let mut cx = context();
        if has_started {
            cx.ledger.first_frame(cx.now);
        }
        cx.playback.set_state(state, cx.now, &mut cx.effects);
        let session = session_of(ItemId::default(), &VIDEO);
        session.phase(&cx, MediaKind::Video, Duration::from_millis(ahead))
    };
    for state in [State::Loading, State::Buffering(BufferingReason::Starting), State::Ready] {
        assert_eq!(phase(false, state, 399), abr::Phase::StartUp, "{state:?}");
        assert_eq!(phase(false, state, 400), abr::Phase::Steady, "{state:?}");
    }
    assert_eq!([399, 400].map(|ahead| phase(true, stalled, ahead)), [abr::Phase::Rebuffering, abr::Phase::Steady]);
    assert_eq!([0, 400].map(|ahead| phase(true, State::Seeking, ahead)), [abr::Phase::AfterSeek; 2]);
    assert_eq!([0, 400].map(|ahead| phase(true, State::Ready, ahead)), [abr::Phase::Steady; 2]);
}

/// The representation on its way after a transfer of the second of two was given up for the first.
fn abandoned(low: Representation) -> Option<(u32, abr::Reason)> {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &VIDEO);
    let reps = vec![low, rep("high", 2000)];
    session.source.set_presentation(described(vec![set("Main", MediaKind::Video, reps)]).into());
    let keys: Vec<RepKey> = session.presentation().all_reps().collect();
    let ladder = Arc::new(selection::ladder(session.presentation(), keys.clone(), abr::Hdcp::None));
    let somewhere = Resource::new("http://h/part".parse().unwrap());
    let job = cx.jobs.add(cx.now, Purpose::Media(StreamId::Main), FetchKind::Segment, somewhere, Ingest::Body);
    let plan = SegmentPlan { rep: keys[1], ladder, rung: 1, ..chosen(0, 0, 4000) };
    let stream = session.stream_mut(StreamId::Main).unwrap();
    let place = stream.place();
    stream.start_download(SegmentDownload::new(job, plan.clone(), None, MediaTime::ZERO));
    session.abandon(&mut cx, StreamId::Main, place, &plan, 0);
    let plan = session.main()?.pending()?;
    Some((plan.rep.number(), plan.reason))
}

#[test]
fn a_transfer_is_given_up_for_what_can_be_shown_and_is_there() {
    let goes_on = Some((1, abr::Reason::Only));
    assert_eq!(abandoned(rep("low", 1000)), Some((0, abr::Reason::Abandoned)));
    let barred = RepresentationTraits { hdcp_level: Some("TYPE-1".into()), ..RepresentationTraits::default() };
    assert_eq!(abandoned(Representation { traits: barred, ..rep("low", 1000) }), goes_on);
    let gap = SegmentRef { gap: true, ..segment(0, 0, 4000) };
    let listed = |list| SegmentIndex::Known(SegmentList::Explicit(list));
    assert_eq!(abandoned(Representation { index: listed(vec![gap]), ..rep("low", 1000) }), goes_on);
    assert_eq!(abandoned(Representation { index: listed(Vec::new()), ..rep("low", 1000) }), goes_on);
}

#[test]
fn a_height_that_is_chosen_is_a_limit_and_a_representation_is_none() {
    let chosen = [QualityChoice::Auto, QualityChoice::MaxHeight(720), QualityChoice::Representation("v".into())];
    assert_eq!(chosen.map(|quality| chosen_height(&quality)), [None, Some(720), None]);
}

#[test]
fn the_error_says_why_nothing_is_left() {
    let left = |reps: Vec<Representation>| {
        let session = session_of(ItemId::default(), &VIDEO);
        nothing_left(Some(&reps), &session).code
    };
    let barred = || Representation {
        traits: RepresentationTraits { hdcp_level: Some("TYPE-1".into()), ..RepresentationTraits::default() },
        ..rep("barred", 1)
    };
    assert_eq!(left(vec![rep("v", 1)]), ErrorCode::MediaUnavailable);
    assert_eq!(left(vec![rep("v", 1), barred()]), ErrorCode::OutputUnprotected);
    assert_eq!(left(Vec::new()), ErrorCode::MediaUnavailable);
    let locked = super::super::tests::locked(rep("locked", 1));
    assert_ne!(left(vec![barred(), locked]), ErrorCode::OutputUnprotected, "a key that is missing comes first");
}
