//! The representation of the next segment, and the request that follows.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::rule::Selection;
use super::tests::{add, context, described, ms, rep, segment, session_of, set};
use super::*;
use crate::command::QualityChoice;
use crate::config::PlayerConfig;
use crate::engine::download::NextSegment;
use crate::engine::io::Ingest;
use crate::engine::requests::Job;
use crate::model::{Representation, SegmentIndex, SegmentList, SegmentRef, TimestampMapping};

const VIDEO: [(StreamId, Option<(bool, bool)>); 1] = [(StreamId::Main, Some((true, false)))];

/// Always chooses the rung of this number, and estimates this rate.
struct Always(usize, Option<u64>);

impl abr::Rule for Always {
    fn name(&self) -> &'static str {
        "always"
    }

    fn select(&mut self, _: &abr::Context<'_>) -> abr::Decision {
        abr::Decision::new(self.0, abr::Reason::Throughput)
    }

    fn on_transfer(&mut self, _: &abr::Transfer) {}

    fn on_progress(&mut self, _: &abr::InFlight, _: &abr::Context<'_>) -> abr::Verdict {
        abr::Verdict::Continue
    }

    fn on_seek(&mut self) {}

    fn estimate_bps(&self) -> Option<u64> {
        self.1
    }
}

fn always(rung: usize) -> Context {
    Context::new(PlayerConfig::default(), Box::new(Always(rung, None)))
}

fn listed(id: &str, bandwidth: u64, list: Vec<SegmentRef>) -> Representation {
    Representation { index: SegmentIndex::Known(SegmentList::Explicit(list)), ..rep(id, bandwidth) }
}

fn session(reps: Vec<Representation>) -> Session {
    let mut session = session_of(ItemId::default(), &VIDEO);
    session.source.set_presentation(described(vec![set("Main", MediaKind::Video, reps)]).into());
    session
}

fn key(rep: u32) -> RepKey {
    RepKey::for_tests(0, 0, rep)
}

#[test]
fn a_representation_that_is_not_aligned_takes_over_later() {
    for (border, chosen) in [(4000, (1, abr::Reason::Throughput)), (5000, (0, abr::Reason::Hold))] {
        let mut cx = always(1);
        let low = vec![segment(0, 0, 4000), segment(1, 4000, 8000)];
        let high = vec![segment(0, 0, border), segment(1, border, 8000)];
        let mut session = session(vec![listed("low", 1000, low.clone()), listed("high", 2000, high)]);
        session.stream_mut(StreamId::Main).unwrap().advance_past(key(0), &low[0]);
        let set = session.set_in(StreamId::Main, PeriodKey::FIRST).unwrap();
        let picked = session.pick(&mut cx, StreamId::Main, PeriodKey::FIRST, set).unwrap();
        assert_eq!((picked.rep.number(), picked.reason), chosen, "{border}");
        assert_eq!((picked.rung, picked.wait), (chosen.0 as usize, None), "{border}");
    }
}

#[test]
fn the_choice_of_a_quality_is_one_of_video() {
    let cx = context();
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
    let mut session = session_of(ItemId::default(), &streams);
    let sets = vec![
        set("v", MediaKind::Video, vec![rep("same", 1000), rep("v", 2000)]),
        set("a", MediaKind::Audio, vec![rep("same", 100), rep("a", 200)]),
    ];
    session.source.set_presentation(described(sets).into());
    session.selection.select_quality(QualityChoice::Representation("same".into()));
    let reps: Vec<RepKey> = session.presentation().all_reps().collect();
    assert_eq!(session.permitted(&cx, StreamId::Main, reps[0].set, None), [reps[0]]);
    assert_eq!(session.permitted(&cx, StreamId::Audio, reps[2].set, None), reps[2..]);
}

/// The plan for the first segment of these representations, if the rule chose the last one.
fn planned(reps: Vec<Representation>, prepare: impl Fn(&mut Session, &Context)) -> Option<(u64, abr::Reason)> {
    let mut cx = context();
    let mut session = session(reps);
    prepare(&mut session, &cx);
    let keys: Vec<RepKey> = session.presentation().all_reps().collect();
    let ladder = Arc::new(selection::ladder(session.presentation(), keys, abr::Hdcp::None));
    let rung = ladder.keys.len() - 1;
    let rep = ladder.keys[rung];
    let first = session.presentation().known_list(rep).and_then(|list| list.get(0)).unwrap();
    let picked = Selection { rep, reason: abr::Reason::Throughput, ladder, rung, wait: None };
    let _ = session.plan_segment(&mut cx, StreamId::Main, picked, first);
    let plan = session.main()?.pending()?;
    Some((plan.rep.number().into(), plan.reason))
}

#[test]
fn a_gap_is_filled_from_the_next_lower_representation_that_can_be_had() {
    let gap = || vec![SegmentRef { gap: true, ..segment(0, 0, 4000) }];
    let whole = || vec![segment(0, 0, 4000)];
    let reps = |middle: Vec<SegmentRef>| {
        vec![listed("low", 1000, whole()), listed("middle", 2000, middle), listed("high", 3000, gap())]
    };
    let nothing = |_: &mut Session, _: &Context| {};
    assert_eq!(planned(reps(whole()), nothing), Some((1, abr::Reason::Hold)));
    assert_eq!(planned(reps(gap()), nothing), Some((0, abr::Reason::Hold)), "the next lower one has a gap too");
    let exclude = |session: &mut Session, cx: &Context| {
        session.selection.exclude(key(1), Duration::from_secs(5), cx.now);
    };
    assert_eq!(planned(reps(whole()), exclude), Some((0, abr::Reason::Hold)));
    let all = vec![listed("low", 1000, gap()), listed("high", 3000, gap())];
    assert_eq!(planned(all, nothing), None, "nobody has it");
}

#[test]
fn a_gap_is_not_filled_by_what_begins_elsewhere() {
    let first = segment(0, 0, 4000);
    let after = |session: &mut Session, _: &Context| {
        session.stream_mut(StreamId::Main).unwrap().advance_past(key(1), &segment(0, 0, 4000));
    };
    let high = || vec![segment(0, 0, 4000), SegmentRef { gap: true, ..segment(1, 4000, 8000) }];
    for (border, found) in [(4000, true), (5000, false)] {
        let low = vec![segment(0, 0, border), segment(1, border, 8000)];
        let mut cx = context();
        let mut session = session(vec![listed("low", 1000, low), listed("high", 2000, high())]);
        after(&mut session, &cx);
        let keys: Vec<RepKey> = session.presentation().all_reps().collect();
        let ladder = Arc::new(selection::ladder(session.presentation(), keys, abr::Hdcp::None));
        let picked = Selection { rep: key(1), reason: abr::Reason::Throughput, ladder, rung: 1, wait: None };
        let _ = session.plan_segment(&mut cx, StreamId::Main, picked, high().remove(1));
        assert_eq!(session.main().unwrap().pending().is_some(), found, "{border}");
    }
    assert_eq!(first.end(), ms(4000));
}

fn request(session: &Session, cx: &Context) -> Job {
    cx.jobs.get(session.main().unwrap().download().unwrap().job()).unwrap().clone()
}

#[test]
fn a_segment_that_is_requested_again_is_a_retry_whichever_quality_it_has() {
    let mut cx = context();
    let list = || vec![segment(0, 0, 4000), segment(1, 4000, 8000)];
    let mut session = session(vec![listed("low", 1000, list()), listed("high", 2000, list())]);
    let keys: Vec<RepKey> = session.presentation().all_reps().collect();
    let ladder = Arc::new(selection::ladder(session.presentation(), keys, abr::Hdcp::None));
    let mut plan = |session: &mut Session, rung: u32, number: usize| {
        let ladder = Arc::clone(&ladder);
        let picked =
            Selection { rep: key(rung), reason: abr::Reason::Throughput, ladder, rung: rung as usize, wait: None };
        let _ = session.plan_segment(&mut cx, StreamId::Main, picked, list().remove(number));
        let is_retry = request(session, &cx).is_retry;
        session.cancel_stream(&mut cx, StreamId::Main);
        is_retry
    };
    assert_eq!([plan(&mut session, 0, 0), plan(&mut session, 0, 0), plan(&mut session, 1, 0)], [false, true, true]);
    let stream = session.stream_mut(StreamId::Main).unwrap();
    stream.enter_period(NextSegment::At { period: PeriodKey::FIRST, time: ms(4000) });
    assert!(!plan(&mut session, 0, 1), "another segment");
}

#[test]
fn captions_are_looked_for_unless_the_author_declares_that_there_are_none() {
    for none in [false, true] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &VIDEO);
        let mut known = described(vec![set("Main", MediaKind::Video, vec![rep("v", 1)])]);
        known.periods[0].no_captions = none;
        session.source.set_presentation(known.into());
        let ladder = Arc::new(selection::ladder(session.presentation(), vec![key(0)], abr::Hdcp::None));
        let picked = Selection { rep: key(0), reason: abr::Reason::Only, ladder, rung: 0, wait: None };
        let _ = session.plan_segment(&mut cx, StreamId::Main, picked, segment(0, 0, 4000));
        let Ingest::Media(setup) = request(&session, &cx).ingest else { panic!("media") };
        assert_eq!((setup.captions, setup.keeps_tail), (!none, true));
    }
}

#[test]
fn only_the_first_discontinuity_or_the_begin_of_a_list_opens_a_presentation() {
    let opens = |mapping: TimestampMapping, first: TimestampMapping| {
        let mut cx = context();
        let with = |mapping, segment: SegmentRef| SegmentRef { mapping, ..segment };
        let list = vec![with(first, segment(0, 0, 4000)), with(mapping, segment(1, 4000, 8000))];
        let mut session = session(vec![listed("v", 1, list.clone())]);
        let ladder = Arc::new(selection::ladder(session.presentation(), vec![key(0)], abr::Hdcp::None));
        let picked = Selection { rep: key(0), reason: abr::Reason::Only, ladder, rung: 0, wait: None };
        let _ = session.plan_segment(&mut cx, StreamId::Main, picked, list[1].clone());
        session.main().unwrap().pending().unwrap().opening
    };
    let (break_of, offset) = (TimestampMapping::Discontinuity, TimestampMapping::Offset);
    assert!(opens(break_of(0), break_of(0)) && !opens(break_of(1), break_of(0)));
    assert!(!opens(break_of(3), break_of(3)), "a list whose begin was removed");
    assert!(opens(offset(5), offset(5)) && !opens(offset(6), offset(5)));
}

#[test]
fn audio_takes_no_risk_while_video_or_audio_has_less_than_five_seconds_ahead() {
    for (video, audio, chosen) in [(9000, 9000, 1), (4900, 9000, 0), (9000, 4900, 0), (5000, 5000, 1)] {
        let mut cx = Context::new(PlayerConfig::default(), Box::new(Always(1, Some(400_000))));
        let streams = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
        let mut session = session_of(ItemId::default(), &streams);
        let sets = vec![
            set("Main", MediaKind::Video, vec![rep("low", 200_000), rep("high", 1_000_000)]),
            set("Audio", MediaKind::Audio, vec![rep("a", 64_000), rep("b", 160_000)]),
        ];
        session.source.set_presentation(described(sets).into());
        let reps: Vec<RepKey> = session.presentation().all_reps().collect();
        for (id, rep, buffer, end) in [
            (StreamId::Main, reps[1], &mut session.video, video),
            (StreamId::Audio, reps[3], &mut session.audio, audio),
        ] {
            add(buffer, 0, 0, end, None);
            buffer.complete();
            session.streams.iter_mut().find(|stream| stream.id() == id).unwrap().decide_on(rep, Now::ZERO);
        }
        let plan = session.plan_sound(&mut cx, PeriodKey::FIRST).unwrap();
        assert_eq!(plan.choice.sound, chosen, "{video} {audio}");
    }
}

#[test]
fn every_stream_fetches_its_first_segment_at_once() {
    let mut cx = context();
    let streams = [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];
    let mut session = session_of(ItemId::default(), &streams);
    let sets = vec![
        set("Main", MediaKind::Video, vec![rep("v", 200_000)]),
        set("Audio", MediaKind::Audio, vec![rep("a", 64_000)]),
    ];
    session.source.set_presentation(described(sets).into());
    session.fetch(&mut cx);
    let is_fetching = |id| session.stream(id).is_some_and(|stream| stream.download().is_some());
    assert_eq!([StreamId::Main, StreamId::Audio].map(is_fetching), [true, true]);
    assert_eq!(cx.jobs.ids().len(), 2);
}
