//! Outcomes of failed requests: streams that wait, go on or end, and what is counted.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::rule::Selection;
use super::super::tests::{add, chosen, context, described, events, ms, rep, session_of, set};
use super::*;
use crate::container::{DemuxError, SegmentTail};
use crate::engine::download::{KeptState, SegmentDownload, SegmentPlan};
use crate::engine::ids::ItemId;
use crate::engine::io::{FetchError, FetchKind, Ingest, Output};
use crate::engine::source::Candidate;
use crate::model::{IndexSource, MediaKind, Representation, SegmentIndex, SegmentList};
use crate::time::Now;

const SEPARATE: [(StreamId, Option<(bool, bool)>); 2] =
    [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];

fn error() -> PlayerError {
    PlayerError::fatal(ErrorCode::HttpStatus, "it is not there")
}

/// A session whose main stream fetches this segment, of which the request was sent.
fn fetching(cx: &mut Context, session: &mut Session, plan: SegmentPlan) -> JobId {
    let resource = Resource::new("http://h/part".parse().unwrap());
    let job = cx.jobs.add(cx.now, Purpose::Media(StreamId::Main), FetchKind::Segment, resource.clone(), Ingest::Body);
    let url = resource.urls[0].clone();
    let candidate = Candidate { index: 0, place: ServiceLocation::Location(0), url };
    cx.jobs.send(job, candidate, &cx.config, cx.now);
    let begin = plan.segment.start;
    session.stream_mut(StreamId::Main).unwrap().start_download(SegmentDownload::new(job, plan, None, begin));
    job
}

fn session() -> Session {
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let sets = vec![set("v", MediaKind::Video, vec![rep("v", 1)]), set("a", MediaKind::Audio, vec![rep("a", 1)])];
    session.source.set_presentation(described(sets).into());
    session
}

#[test]
fn a_stream_is_lost_with_the_fifth_segment_in_a_row_that_is_given_up() {
    let mut cx = context();
    let mut session = session();
    for number in 1..=5 {
        let begin = number * 4000;
        let job = fetching(&mut cx, &mut session, chosen(number as u64, begin, begin + 4000));
        let outcome = session.skip_segment(&mut cx, job, Purpose::Media(StreamId::Main), error());
        let warned = events(&mut cx).len();
        assert_eq!(session.video.end(), Some(ms(begin + 4000)), "nothing is waited for there");
        match outcome {
            StreamOutcome::Waiting => assert!(number < 5 && warned == 1, "{number}"),
            StreamOutcome::Lost { id: StreamId::Main, error } => {
                assert_eq!((number, warned, error.code), (5, 0, ErrorCode::MediaUnavailable));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_a_segment_held_back_is_presented_before_the_one_that_is_given_up() {
    let mut cx = context();
    let mut session = session();
    let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
    let mut before = session.stream(StreamId::Main).unwrap().download().unwrap().clone();
    let state = serde_json::from_str("0").unwrap();
    before.end_with(SegmentTail { outputs: Vec::new(), state, waiting: 3 });
    session.stream_mut(StreamId::Main).unwrap().keep(KeptState::of(&before));
    cx.jobs.remove(job, cx.now);
    let job = fetching(&mut cx, &mut session, chosen(1, 4000, 8000));
    let _ = session.skip_segment(&mut cx, job, Purpose::Media(StreamId::Main), error());
    assert_eq!(session.account().counts().lost.undecodable, 3);
}

#[test]
fn what_a_segment_held_back_is_presented_before_one_that_does_not_go_on_with_it() {
    for (number, lost) in [(1, 0), (2, 3)] {
        let mut cx = context();
        let mut session = session();
        let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
        let mut before = session.stream(StreamId::Main).unwrap().download().unwrap().clone();
        let state = serde_json::from_str("0").unwrap();
        before.end_with(SegmentTail { outputs: Vec::new(), state, waiting: 3 });
        session.stream_mut(StreamId::Main).unwrap().keep(KeptState::of(&before));
        cx.jobs.remove(job, cx.now);
        let begin = number as i64 * 4000;
        let carried = session.carried_state(&mut cx, StreamId::Main, &chosen(number, begin, begin + 4000)).unwrap();
        assert_eq!(carried.continues, lost == 0);
        assert_eq!(session.account().counts().lost.undecodable, lost, "{number}");
    }
}

#[test]
fn what_a_segment_held_back_is_presented_before_a_gap() {
    let mut cx = context();
    let mut session = session();
    let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
    let mut before = session.stream(StreamId::Main).unwrap().download().unwrap().clone();
    let state = serde_json::from_str("0").unwrap();
    before.end_with(SegmentTail { outputs: Vec::new(), state, waiting: 3 });
    session.stream_mut(StreamId::Main).unwrap().keep(KeptState::of(&before));
    cx.jobs.remove(job, cx.now);
    session.stream_mut(StreamId::Main).unwrap().stop();
    let keys: Vec<RepKey> = session.presentation().all_reps().take(1).collect();
    let ladder = selection::ladder(session.presentation(), keys.clone(), abr::Hdcp::None).into();
    let picked = Selection { rep: keys[0], reason: abr::Reason::Only, ladder, rung: 0, wait: None };
    let mut gap = chosen(1, 4000, 8000).segment;
    gap.gap = true;
    assert!(matches!(session.plan_segment(&mut cx, StreamId::Main, picked, gap), StreamOutcome::Advanced));
    assert_eq!(session.account().counts().lost.undecodable, 3);
    assert!(session.video.holds(ms(7999)), "nothing is waited for there");
}

#[test]
fn what_a_segment_held_back_is_presented_at_the_end_of_the_period() {
    let mut cx = context();
    let mut session = session();
    let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
    let mut before = session.stream(StreamId::Main).unwrap().download().unwrap().clone();
    let state = serde_json::from_str("0").unwrap();
    before.end_with(SegmentTail { outputs: Vec::new(), state, waiting: 3 });
    session.stream_mut(StreamId::Main).unwrap().keep(KeptState::of(&before));
    cx.jobs.remove(job, cx.now);
    session.stream_mut(StreamId::Main).unwrap().stop();
    let outcome = session.pass_period(&mut cx, StreamId::Main, chosen(0, 0, 4000).rep.period);
    assert!(matches!(outcome, StreamOutcome::Advanced));
    assert_eq!(session.account().counts().lost.undecodable, 3);
    assert!(session.stream(StreamId::Main).unwrap().is_finished(), "no period follows");
}

#[test]
fn what_came_of_a_segment_that_is_given_up_is_complete() {
    let mut cx = context();
    let mut session = session();
    let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
    add(&mut session.video, 0, 0, 4000, None);
    assert!(!session.video.back().unwrap().complete);
    let _ = session.skip_segment(&mut cx, job, Purpose::Media(StreamId::Main), error());
    assert!(session.video.back().unwrap().complete, "nothing more of it comes");
    assert_eq!((session.video.parts().count(), session.video.end()), (1, Some(ms(4000))));
}

#[test]
fn samples_of_an_interrupted_request_go_with_the_segment_that_is_cancelled() {
    for (sent, wasted) in [(false, 50), (true, 57)] {
        let mut cx = context();
        let mut session = session();
        let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
        session.stream_mut(StreamId::Main).unwrap().download_mut().unwrap().keep_earlier(50, cx.now);
        if sent {
            cx.jobs.received(job, 7, cx.now);
        } else {
            cx.jobs.wait(job, cx.now, cx.now);
        }
        session.cancel_stream(&mut cx, StreamId::Main);
        assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted, wasted, "{sent}");
    }
}

#[test]
fn what_the_last_segment_held_back_is_presented_with_it() {
    for (segments, lost) in [(2, 0), (1, 3)] {
        let mut cx = context();
        let mut session = session();
        let all = (0..segments).map(|number| chosen(number, number as i64 * 4000, number as i64 * 4000 + 4000).segment);
        let index = SegmentIndex::Known(SegmentList::Explicit(all.collect()));
        let video = Representation { index, ..rep("v", 1) };
        session.source.set_presentation(described(vec![set("v", MediaKind::Video, vec![video])]).into());
        let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
        let mut download = session.stream(StreamId::Main).unwrap().download().unwrap().clone();
        let state = serde_json::from_str("0").unwrap();
        download.end_with(SegmentTail { outputs: Vec::new(), state, waiting: 3 });
        cx.jobs.remove(job, cx.now);
        session.keep_tail(&mut cx, StreamId::Main, &download);
        assert_eq!(session.account().counts().lost.undecodable, lost, "{segments}");
    }
}

#[test]
fn a_representation_without_an_index_is_never_asked_again_and_ends_the_stream_of_its_kind() {
    let mut cx = context();
    let mut session = session();
    let reps: Vec<RepKey> = session.presentation().all_reps().collect();
    for (rep, expected) in reps.into_iter().zip([StreamId::Main, StreamId::Audio]) {
        let outcome = session.lost_representation(&mut cx, rep, error());
        let StreamOutcome::Lost { id, error } = outcome else { panic!("{outcome:?}") };
        assert_eq!((id, error.code), (expected, ErrorCode::HttpStatus));
        assert!(session.selection.exclusions().is_final(rep));
    }
}

#[test]
fn a_request_that_continues_a_good_part_of_a_segment_counts_its_failures_anew() {
    // Of 1600 bytes 1000 are here and 600 are missing: a sixteenth of the segment is 100.
    for (earlier, bytes, failures) in [(1000, 99, 2), (1000, 100, 1), (0, 600, 2)] {
        let mut cx = context();
        let mut session = session();
        let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
        cx.jobs.count_failure(job, 7);
        if earlier > 0 {
            session.stream_mut(StreamId::Main).unwrap().download_mut().unwrap().keep_earlier(earlier, cx.now);
        }
        let url = cx.jobs.get(job).unwrap().resource.urls[0].clone();
        cx.jobs.began(job, url, Some(600), cx.now);
        cx.jobs.received(job, bytes, cx.now);
        let cause = FetchError::Timeout { started: true };
        let _ = session.on_interruption(&mut cx, job, Cause::Fetch(&cause));
        assert_eq!(cx.jobs.get(job).unwrap().failures, failures, "{earlier} {bytes}");
        let download = session.stream(StreamId::Main).unwrap().download().unwrap();
        assert_eq!(download.earlier_bytes(), earlier + bytes);
    }
}

#[test]
fn only_what_the_transport_broke_is_continued() {
    let damage = FetchError::Demux(DemuxError::Malformed { what: "box".into(), offset: 4 });
    let broken = FetchError::Truncated { received: 50, expected: Some(600) };
    for (cause, continues) in [(damage, false), (broken, true)] {
        let mut cx = context();
        let mut session = session();
        let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
        let fetch = cx.jobs.get(job).unwrap().attempt().unwrap().fetch;
        let url = cx.jobs.get(job).unwrap().resource.urls[0].clone();
        cx.jobs.began(job, url, Some(600), cx.now);
        cx.jobs.received(job, 50, cx.now);
        let _ = session.on_interruption(&mut cx, job, Cause::Fetch(&cause));
        let outputs: Vec<_> = std::iter::from_fn(|| cx.effects.take_next()).collect();
        assert_eq!(outputs.contains(&Output::Cancel(fetch)), !continues, "{cause}");
        let wasted = cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted;
        let earlier = session.stream(StreamId::Main).unwrap().download().map_or(0, SegmentDownload::earlier_bytes);
        assert_eq!((wasted, earlier), if continues { (0, 50) } else { (50, 0) }, "{cause}");
    }
}

#[test]
fn samples_of_an_interrupted_request_go_when_its_bytes_begin_anew() {
    for (resumed, wasted) in [(true, 0), (false, 50)] {
        let mut cx = context();
        let mut session = session();
        let job = fetching(&mut cx, &mut session, chosen(0, 0, 4000));
        session.stream_mut(StreamId::Main).unwrap().download_mut().unwrap().keep_earlier(50, cx.now);
        session.on_fetch_started(&mut cx, job, resumed);
        assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted, wasted);
    }
}

#[test]
fn the_time_of_initialisation_data_is_that_of_the_segment_that_waits_longest() {
    let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
    let cx = context();
    let mut session = session();
    let reps: Vec<RepKey> = session.presentation().all_reps().collect();
    let init = Resource::new("http://h/init".parse().unwrap());
    for (id, since) in [(StreamId::Main, 5), (StreamId::Audio, 3)] {
        let stream = session.stream_mut(id).unwrap();
        stream.decide_on(reps[0], at(since));
        stream.await_init(SegmentPlan { rep: reps[0], ..chosen(0, 0, 4000) }, init.clone());
    }
    let since = |purpose| session.alternatives(&cx, purpose, &ServiceLocation::Location(0)).since;
    assert_eq!(since(Purpose::Init(reps[0])), Some(at(3)));
    assert_eq!(since(Purpose::Init(reps[1])), None, "nobody waits for that of another");
    assert_eq!((since(Purpose::Media(StreamId::Main)), since(Purpose::Index(reps[0]))), (Some(at(5)), None));
}

#[test]
fn other_sources_of_media_count_unless_it_is_the_index_itself_that_is_requested() {
    let cx = context();
    let mut session = session();
    let mut first = chosen(0, 0, 4000).segment;
    first.resource = Resource::new("http://a/x".parse().unwrap());
    let index = SegmentIndex::Known(SegmentList::Explicit(vec![first]));
    let video = Representation { index, ..rep("v", 1) };
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, vec![video])]).into());
    let rep = session.presentation().all_reps().next().unwrap();
    let urls = ["http://a/list", "http://b/list"].map(|url| url.parse().unwrap()).to_vec();
    let playlist = IndexSource::playlist(Resource { urls, range: None });
    let place = session.source.locations().candidates(&playlist.resource).remove(0);
    session.source.note_index(rep, playlist, place.clone(), &place.url);
    let sources = |purpose| session.alternatives(&cx, purpose, &place.place).sources_left;
    assert_eq!(sources(Purpose::Init(rep)), 1, "the playlist of the other location names it elsewhere");
    assert_eq!(sources(Purpose::Index(rep)), 0, "the other address is one of its own");
}
