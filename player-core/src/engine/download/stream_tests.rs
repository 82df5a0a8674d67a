//! Verbs of a stream: what each of them changes, and what it leaves as it is.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::container::{DemuxerState, SegmentTail};
use crate::engine::requests::{JobId, Purpose};
use crate::engine::{effects::Effects, io};
use crate::error::ErrorCode;
use crate::model::TimestampMapping;
use crate::render::Window;

fn ms(value: i64) -> MediaTime {
    MediaTime::from_millis(value)
}

fn at(seconds: u64) -> Now {
    Now::ZERO + std::time::Duration::from_secs(seconds)
}

const REP: RepKey = RepKey::for_tests(0, 0, 0);
const OTHER: RepKey = RepKey::for_tests(0, 0, 1);

/// A segment of four seconds.
fn segment(number: u64) -> SegmentRef {
    SegmentRef {
        id: SegmentId::Sequence(number),
        previous: number.checked_sub(1).map(SegmentId::Sequence),
        start: ms(4000 * number as i64),
        duration: std::time::Duration::from_secs(4),
        resource: resource("x"),
        init: None,
        mapping: TimestampMapping::Offset(0),
        gap: false,
        size: None,
        encryption: None,
        program_date_time: None,
        part: None,
    }
}

fn resource(name: &str) -> Resource {
    Resource::new(format!("http://h/{name}").parse().unwrap())
}

fn plan(number: u64) -> SegmentPlan {
    SegmentPlan {
        rep: REP,
        segment: segment(number),
        reason: abr::Reason::Only,
        ladder: std::sync::Arc::default(),
        rung: 0,
        opening: true,
        window: Window::ALL,
    }
}

fn download(job: JobId, number: u64) -> SegmentDownload {
    SegmentDownload::new(job, plan(number), None, segment(number).start)
}

/// A stream before segment 1.
fn stream() -> Stream {
    Stream::new(StreamId::Main, TrackId("t".into()), NextSegment::after(REP, &segment(0)))
}

/// State that segment 0 left, with its demuxer's tables.
fn kept() -> Option<KeptState> {
    let mut download = download(JobId::for_tests(0), 0);
    let state: DemuxerState = serde_json::from_str("0").unwrap();
    download.end_with(SegmentTail { outputs: Vec::new(), state, waiting: 2 });
    KeptState::of(&download)
}

#[test]
fn a_seek_keeps_tables_and_forgets_what_was_wrong() {
    let mut stream = stream();
    stream.keep(kept());
    stream.finish(PlayerError::fatal(ErrorCode::KeyUnavailable, "gone"));
    assert!(stream.error().is_some() && stream.is_finished());
    stream.hold(at(9));
    stream.step_back_to(NextSegment::after(REP, &segment(0)), 3);
    stream.decide_on(REP, at(1));
    stream.start_download(download(JobId::for_tests(1), 1));
    assert!(stream.skip_download().is_some());
    stream.decide_on(REP, at(2));
    stream.restart_at(PeriodKey::FIRST, ms(4000));
    assert_eq!(stream.place(), NextSegment::At { period: PeriodKey::FIRST, time: ms(4000) });
    assert_eq!((stream.error().is_none(), stream.hold_until(), stream.stepped_back()), (true, None, 0));
    assert_eq!((stream.skipped(), stream.wanted_since(), stream.last()), (0, None, Some(REP)));
    let carried = stream.kept().and_then(|kept| kept.carried(&plan(1))).expect("tables and parameter sets stay");
    assert!(!carried.continues, "unfinished units do not");
    assert!(stream.kept().is_some_and(|kept| kept.carried_start(&plan(1)).is_none()));
}

#[test]
fn the_time_that_a_segment_may_cost_ends_with_it_and_with_its_period() {
    let mut stream = stream();
    assert!(!stream.count_request(), "nothing is wanted");
    stream.decide_on(REP, at(1));
    assert_eq!([stream.count_request(), stream.count_request()], [false, true]);
    stream.decide_on(OTHER, at(5));
    assert_eq!((stream.wanted_since(), stream.last()), (Some(at(1)), Some(OTHER)), "another representation of it");
    assert!(stream.count_request());
    stream.enter_period(NextSegment::At { period: PeriodKey::for_tests(1), time: ms(8000) });
    assert_eq!(stream.wanted_since(), None);
    stream.decide_on(REP, at(7));
    assert_eq!((stream.wanted_since(), stream.count_request()), (Some(at(7)), false));
}

#[test]
fn only_a_hold_until_that_time_moves_with_it() {
    let mut stream = stream();
    stream.move_hold(at(3), Some(at(4)));
    assert_eq!(stream.hold_until(), None);
    stream.hold(at(2));
    stream.move_hold(at(3), Some(at(4)));
    assert_eq!(stream.hold_until(), Some(at(2)), "the rule asked for it");
    stream.hold(at(3));
    stream.move_hold(at(3), Some(at(4)));
    assert_eq!(stream.hold_until(), Some(at(4)));
    stream.move_hold(at(4), None);
    assert_eq!(stream.hold_until(), None);
}

#[test]
fn a_stream_is_fetched_up_to_the_end_of_the_segment_on_its_way() {
    let mut stream = stream();
    assert_eq!(stream.fetched_until(), ms(4000));
    stream.await_init(plan(1), resource("init"));
    assert_eq!((stream.fetched_until(), stream.pending().map(|plan| plan.segment.id)), (ms(4000), Some(segment(1).id)));
    stream.start_download(download(JobId::for_tests(1), 1));
    assert_eq!(stream.fetched_until(), ms(8000));
    stream.complete_download(true);
    assert_eq!((stream.fetched_until(), stream.is_idle()), (ms(8000), true));
    stream.start_download(download(JobId::for_tests(2), 2));
    stream.enter_period(NextSegment::End);
    assert!(!stream.is_finished(), "its last segment is on its way");
    assert_eq!(stream.fetched_until(), ms(12_000));
    stream.stop();
    assert_eq!((stream.is_finished(), stream.fetched_until()), (true, MediaTime::MAX));
}

#[test]
fn a_segment_that_is_passed_counts_as_the_last_of_its_representation() {
    let mut stream = stream();
    stream.advance_past(OTHER, &segment(1));
    assert_eq!((stream.place(), stream.last()), (NextSegment::after(OTHER, &segment(1)), Some(OTHER)));
}

#[test]
fn each_initialisation_data_is_prefetched_once_in_a_row() {
    let mut stream = stream();
    let (one, two) = (resource("one"), resource("two"));
    assert_eq!(
        [&one, &one, &two, &two, &one].map(|init| stream.note_prefetched(init)),
        [true, false, true, false, true]
    );
}

#[test]
fn a_download_goes_on_although_its_representation_is_unusable_while_its_job_exists() {
    let mut jobs = Jobs::default();
    let (kind, ingest) = (io::FetchKind::Segment, io::Ingest::Body);
    let job = jobs.add(Now::ZERO, Purpose::Media(StreamId::Main), kind, resource("x"), ingest);
    let mut stream = stream();
    stream.start_download(download(job, 1));
    stream.leave_representations(|_| true, &jobs);
    assert!(!stream.is_idle());
    jobs.cancel(job, Now::ZERO, &mut Effects::default());
    stream.leave_representations(|rep| rep == OTHER, &jobs);
    assert!(!stream.is_idle(), "its representation is fine");
    stream.leave_representations(|rep| rep == REP, &jobs);
    assert!(stream.is_idle());
    stream.await_init(plan(1), resource("init"));
    stream.leave_representations(|rep| rep == OTHER, &jobs);
    assert!(!stream.is_idle());
    stream.leave_representations(|rep| rep == REP, &jobs);
    assert!(stream.is_idle(), "what comes before a download is waited for no more");
    stream.await_key(plan(1), KeyId([1; 16]));
    stream.leave_representations(|rep| rep == OTHER, &jobs);
    assert!(!stream.is_idle());
    stream.leave_representations(|rep| rep == REP, &jobs);
    assert!(stream.is_idle(), "nor is its key");
}

#[test]
fn a_period_that_is_listed_no_more_leaves_the_segment_on_its_way() {
    let mut stream = stream();
    stream.start_download(download(JobId::for_tests(1), 1));
    stream.go_on_at(PeriodKey::for_tests(2), ms(9000));
    assert!(stream.download().is_some());
    assert_eq!(stream.place(), NextSegment::At { period: PeriodKey::for_tests(2), time: ms(9000) });
}

#[test]
fn only_the_index_that_is_awaited_lets_a_stream_go_on() {
    let mut stream = stream();
    stream.await_index(REP);
    stream.on_index(OTHER);
    assert!(matches!(stream.activity(), Activity::Index(REP)));
    stream.on_index(REP);
    assert!(stream.is_idle());
    stream.start_download(download(JobId::for_tests(1), 1));
    stream.on_index(REP);
    assert!(stream.download().is_some(), "a download waits for none");
}

#[test]
fn a_segment_that_is_opened_again_interrupts_nothing() {
    let mut stream = stream();
    stream.await_index(OTHER);
    let interrupted = stream.open_again(download(JobId::for_tests(1), 0));
    assert_eq!(stream.download().map(|download| download.plan().segment.id), Some(segment(0).id));
    let closed = stream.close_again(interrupted);
    assert_eq!(closed.map(|download| download.job()), Some(JobId::for_tests(1)));
    assert!(matches!(stream.activity(), Activity::Index(OTHER)));
    assert_eq!(stream.place(), NextSegment::after(REP, &segment(0)), "nor does it move");
}
