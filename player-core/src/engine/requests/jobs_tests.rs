//! Jobs and their attempts: order, times, deadlines, and what a transfer shows of the link.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::engine::io::{ConnectTimes, Output};
use crate::engine::source::Locations;
use crate::error::{ErrorCode, Stage};

fn at(millis: u64) -> Now {
    Now::from_nanos(millis * 1_000_000)
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn config() -> PlayerConfig {
    PlayerConfig {
        first_byte_timeout: ms(6000),
        stall_timeout: ms(4000),
        retry_deadline: ms(30_000),
        ..PlayerConfig::default()
    }
}

fn add(jobs: &mut Jobs, purpose: Purpose, kind: FetchKind, now: u64) -> JobId {
    let resource = Resource::new(url("http://h/file"));
    jobs.add(at(now), purpose, kind, resource, Ingest::Body)
}

/// A job for a segment of a stream.
fn segment(jobs: &mut Jobs, id: StreamId, now: u64) -> JobId {
    add(jobs, Purpose::Media(id), FetchKind::Segment, now)
}

fn send(jobs: &mut Jobs, id: JobId, now: u64) -> FetchRequest {
    let candidate = Locations::new(&[url("http://h/manifest")]).manifest_candidates().remove(0);
    *jobs.send(id, candidate, &config(), at(now)).expect("the job is known")
}

fn begin(jobs: &mut Jobs, id: JobId, now: u64) {
    jobs.began(id, url("http://moved/file"), Some(1000), at(now));
}

/// Returns the requests that the host is asked to drop.
fn cancelled(effects: &mut Effects) -> Vec<FetchId> {
    let outputs = std::iter::from_fn(|| effects.take_next());
    outputs.filter_map(|output| if let Output::Cancel(fetch) = output { Some(fetch) } else { None }).collect()
}

fn retry(next: u64, gives_up: u64) -> RetryState {
    RetryState {
        host: "http://h".into(),
        error: PlayerError::warning(ErrorCode::HttpStatus, "503"),
        delay: ms(250),
        next_attempt_at: at(next),
        gives_up_at: at(gives_up),
    }
}

#[test]
fn a_job_is_due_at_once_and_after_a_failure_at_its_time() {
    let mut jobs = Jobs::default();
    assert_eq!((jobs.next_due(), jobs.due(at(9))), (None, Vec::new()));
    let main = segment(&mut jobs, StreamId::Main, 10);
    let audio = segment(&mut jobs, StreamId::Audio, 20);
    assert_ne!(main, audio);
    assert_eq!(jobs.ids(), [main, audio]);
    assert_eq!((jobs.next_due(), jobs.due(at(9)), jobs.due(at(10))), (Some(at(10)), Vec::new(), vec![main]));
    assert_eq!(jobs.due(at(20)), [main, audio]);
    assert_eq!(jobs.of_purpose(Purpose::Media(StreamId::Audio)), Some(audio));
    assert_eq!(jobs.of_purpose(Purpose::Media(StreamId::Text)), None);
    let first = send(&mut jobs, main, 30);
    let second = send(&mut jobs, audio, 30);
    assert_ne!(first.id, second.id);
    assert_eq!((jobs.of_fetch(first.id), jobs.of_fetch(second.id)), (Some(main), Some(audio)));
    assert_eq!(jobs.next_due(), None, "both are on their way");
    jobs.wait(main, at(500), at(40));
    assert_eq!((jobs.of_fetch(first.id), jobs.next_due()), (None, Some(at(500))));
    let third = send(&mut jobs, main, 500);
    assert_ne!(third.id, first.id, "each attempt is another request");
    assert!(jobs.remove(main, at(600)).unwrap().attempt().is_some());
    assert!(jobs.remove(main, at(600)).is_none() && jobs.get(main).is_none());
    let late = Locations::new(&[url("http://h/manifest")]).manifest_candidates().remove(0);
    assert!(jobs.send(main, late, &config(), at(700)).is_none());
}

#[test]
fn a_request_says_what_its_job_knows_and_how_long_it_may_be_silent() {
    let mut jobs = Jobs::default();
    let id = add(&mut jobs, Purpose::Key, FetchKind::Key, 0);
    let fields = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    jobs.set_licence_request(id, Bytes::from_static(b"{}"), &[KeyId([7; 16])]);
    let request = send(&mut jobs, id, 5);
    assert_eq!((request.url.as_str(), request.kind), ("http://h/manifest", FetchKind::Key));
    assert_eq!(request.post.as_deref(), Some(b"{}".as_slice()));
    assert_eq!((&request.headers, request.key_ids.as_slice()), (&fields, [KeyId([7; 16])].as_slice()));
    assert_eq!((request.first_byte_timeout, request.stall_timeout), (ms(6000), ms(4000)));
    let attempt = jobs.get(id).unwrap().attempt().unwrap();
    assert_eq!((attempt.sent, attempt.began, attempt.bytes), (at(5), None, 0));
    let most = [
        (FetchKind::Manifest, 16 << 20),
        (FetchKind::Index, 32 << 20),
        (FetchKind::Init, 4 << 20),
        (FetchKind::Segment, 256 << 20),
        (FetchKind::Text, 8 << 20),
        (FetchKind::Key, 64 << 10),
    ];
    for (kind, bytes) in most {
        let id = add(&mut jobs, Purpose::Manifest, kind, 0);
        assert_eq!(send(&mut jobs, id, 0).max_bytes, bytes, "{kind:?}");
    }
}

#[test]
fn an_answer_moves_the_address_and_counts_only_bytes_that_are_new() {
    let mut jobs = Jobs::default();
    let id = segment(&mut jobs, StreamId::Main, 0);
    assert_eq!(jobs.received(id, 10, at(0)), 0, "nothing is on its way");
    send(&mut jobs, id, 0);
    begin(&mut jobs, id, 100);
    assert_eq!([400, 400, 300, 1000].map(|bytes| jobs.received(id, bytes, at(200))), [400, 0, 0, 600]);
    let attempt = jobs.get(id).unwrap().attempt().unwrap();
    assert_eq!((attempt.url.as_str(), attempt.announced, attempt.bytes), ("http://moved/file", Some(1000), 1000));
    assert_eq!((attempt.began, attempt.last_activity), (Some(at(100)), at(200)));
    send(&mut jobs, id, 300);
    assert_eq!(jobs.get(id).unwrap().attempt().unwrap().bytes, 0, "the next attempt begins anew");
}

#[test]
fn silence_is_counted_from_the_request_then_from_the_last_byte_and_never_beyond_the_longest_attempt() {
    let (mut jobs, config) = (Jobs::default(), config());
    let id = segment(&mut jobs, StreamId::Main, 0);
    assert_eq!(jobs.next_silence(&config), None, "nothing was asked for");
    send(&mut jobs, id, 1000);
    let first = 1000 + 6000 + 2000;
    assert_eq!(jobs.next_silence(&config), Some(at(first)));
    assert_eq!((jobs.silent(&config, at(first - 1)), jobs.silent(&config, at(first))), (vec![], vec![(id, false)]));
    begin(&mut jobs, id, 3000);
    assert_eq!(jobs.next_silence(&config), Some(at(3000 + 4000 + 2000)));
    jobs.received(id, 1, at(5000));
    let next = 5000 + 4000 + 2000;
    assert_eq!((jobs.silent(&config, at(next - 1)), jobs.silent(&config, at(next))), (vec![], vec![(id, true)]));
    jobs.received(id, 2, at(120_000));
    assert_eq!(jobs.next_silence(&config), Some(at(1000 + 4 * 30_000)), "one that drips for ever is given up");
    let other = segment(&mut jobs, StreamId::Audio, 0);
    send(&mut jobs, other, 60_000);
    assert_eq!(jobs.next_silence(&config), Some(at(60_000 + 8000)), "the earliest of all");
}

#[test]
fn a_transfer_shows_its_wait_its_length_and_how_many_shared_the_link() {
    let mut jobs = Jobs::default();
    let (main, audio) = (segment(&mut jobs, StreamId::Main, 0), segment(&mut jobs, StreamId::Audio, 0));
    assert_eq!(jobs.measure(main, at(0)), None, "nothing is on its way");
    send(&mut jobs, main, 100);
    send(&mut jobs, audio, 100);
    assert_eq!(jobs.measure(main, at(150)), None, "its answer has not begun");
    begin(&mut jobs, main, 200);
    let alone = jobs.measure(main, at(1200)).unwrap();
    assert_eq!(
        alone,
        Measured { ttfb: ms(100), duration: ms(1000), concurrent: 1, others: 0, from_cache: false, bursts: None }
    );
    begin(&mut jobs, audio, 1200);
    // Alone for one second of two, two of them for the other: one and a half, rounded up.
    assert_eq!(jobs.measure(main, at(2199)).unwrap().concurrent, 1, "a little less is rounded down");
    assert_eq!(jobs.measure(main, at(2200)).unwrap().concurrent, 2);
    let both = jobs.measure(audio, at(2200)).unwrap();
    assert_eq!((both.ttfb, both.duration, both.concurrent), (ms(1100), ms(1000), 2));
    jobs.remove(main, at(2200));
    assert_eq!(jobs.measure(audio, at(4300)).unwrap().concurrent, 1, "one and a third");
    let brief = segment(&mut jobs, StreamId::Text, 4300);
    send(&mut jobs, brief, 4300);
    begin(&mut jobs, brief, 4300);
    assert_eq!(jobs.measure(brief, at(4300)).unwrap().concurrent, 1, "no time at all");
}

#[test]
fn what_others_bring_counts_from_the_first_byte_and_never_the_bytes_of_the_request_itself() {
    let mut jobs = Jobs::default();
    let (main, audio) = (segment(&mut jobs, StreamId::Main, 0), segment(&mut jobs, StreamId::Audio, 0));
    let others = |jobs: &Jobs, id| jobs.others_of(jobs.get(id).unwrap().attempt().unwrap());
    send(&mut jobs, main, 0);
    send(&mut jobs, audio, 0);
    begin(&mut jobs, audio, 50);
    jobs.received(audio, 300, at(60));
    assert_eq!(others(&jobs, main), 0, "its answer has not begun");
    begin(&mut jobs, main, 100);
    jobs.received(audio, 1000, at(200));
    jobs.received(main, 5000, at(200));
    jobs.received(main, 6000, at(300));
    assert_eq!((others(&jobs, main), others(&jobs, audio)), (700, 6000));
    assert_eq!(jobs.measure(audio, at(300)).unwrap().others, 6000);
    jobs.remove(audio, at(300));
    let next = segment(&mut jobs, StreamId::Audio, 300);
    send(&mut jobs, next, 300);
    begin(&mut jobs, next, 310);
    jobs.received(next, 40, at(320));
    assert_eq!((others(&jobs, main), others(&jobs, next)), (740, 0), "also of a request that began later");
}

#[test]
fn a_retry_is_shown_until_an_answer_begins_and_the_one_of_subtitles_last() {
    let mut jobs = Jobs::default();
    let text = add(&mut jobs, Purpose::Media(StreamId::Text), FetchKind::Text, 0);
    let (main, audio) = (segment(&mut jobs, StreamId::Main, 0), segment(&mut jobs, StreamId::Audio, 0));
    assert_eq!(jobs.pending_retry(), None);
    for (id, next) in [(text, 100), (audio, 300), (main, 400)] {
        send(&mut jobs, id, 0);
        (0..next).for_each(|_| jobs.count_failure(id, 0));
        jobs.schedule_retry(id, retry(next, 30_000 + next), at(10));
        assert_eq!(jobs.get(id).unwrap().last_delay, ms(250));
    }
    assert_eq!(jobs.next_due(), Some(at(100)));
    let shown = jobs.pending_retry().unwrap();
    assert_eq!(
        (shown.stage, shown.attempt, shown.host.as_str()),
        (Stage::Segment, 400, "http://h"),
        "the oldest first"
    );
    assert_eq!((shown.next_attempt_at, shown.gives_up_at), (at(400), at(30_400)));
    assert_eq!(shown.error.code, ErrorCode::HttpStatus);
    send(&mut jobs, main, 400);
    assert_eq!(jobs.pending_retry().unwrap().attempt, 400, "it lasts until an answer begins");
    begin(&mut jobs, main, 450);
    assert_eq!(jobs.pending_retry().unwrap().attempt, 300);
    jobs.wait(audio, at(500), at(460));
    assert_eq!(jobs.pending_retry().unwrap().stage, Stage::Text, "one that goes elsewhere at once waits for nothing");
}

#[test]
fn a_connection_is_ready_where_connecting_ends() {
    let mut jobs = Jobs::default();
    let id = segment(&mut jobs, StreamId::Main, 0);
    let connect = Some(ConnectTimes { start: ms(10), end: ms(35) });
    let report = FetchReport { connect, ..FetchReport::default() };
    assert_eq!(jobs.take_report(id, &report), None, "nothing was sent");
    send(&mut jobs, id, 500);
    assert_eq!(jobs.take_report(id, &report), Some(at(535)));
    assert_eq!(jobs.take_report(id, &FetchReport::default()), None, "the connection was open");
}

#[test]
fn a_transfer_that_breaks_off_or_ends_shared_the_link_up_to_then() {
    for ends in [true, false] {
        let mut jobs = Jobs::default();
        let (main, audio) = (segment(&mut jobs, StreamId::Main, 0), segment(&mut jobs, StreamId::Audio, 0));
        for id in [main, audio] {
            send(&mut jobs, id, 0);
            begin(&mut jobs, id, 0);
        }
        if ends {
            jobs.remove(audio, at(600));
        } else {
            jobs.wait(audio, at(9000), at(600));
        }
        assert_eq!(jobs.measure(main, at(1000)).unwrap().concurrent, 2, "for more than half of the time");
        assert_eq!(jobs.measure(main, at(1300)).unwrap().concurrent, 1);
    }
}

#[test]
fn bytes_under_way_for_anything_but_media_are_counted() {
    let mut jobs = Jobs::default();
    let index = add(&mut jobs, Purpose::Index(RepKey::for_tests(0, 0, 0)), FetchKind::Index, 0);
    let main = segment(&mut jobs, StreamId::Main, 0);
    for (id, bytes) in [(index, 30), (main, 500)] {
        send(&mut jobs, id, 0);
        begin(&mut jobs, id, 0);
        jobs.received(id, bytes, at(1));
    }
    assert_eq!(jobs.bytes_besides_media(), 30);
}

#[test]
fn an_interrupted_request_is_continued_after_all_of_its_bytes_or_forgotten_by_the_host() {
    let mut jobs = Jobs::default();
    let id = segment(&mut jobs, StreamId::Main, 0);
    jobs.continue_later(id, 7);
    assert_eq!(jobs.stop_continuing(id), None, "nothing was sent");
    let first = send(&mut jobs, id, 0);
    assert_eq!(first.resume, None);
    begin(&mut jobs, id, 10);
    jobs.received(id, 300, at(20));
    jobs.continue_later(id, 900);
    jobs.wait(id, at(30), at(20));
    assert_eq!(jobs.get(id).unwrap().fetches().collect::<Vec<_>>(), [first.id], "the host keeps it");
    let second = send(&mut jobs, id, 30);
    assert_eq!(second.resume, Some(Resume { fetch: first.id, received: 900 }));
    assert_eq!(jobs.get(id).unwrap().fetches().collect::<Vec<_>>(), [second.id], "it was continued");
    jobs.continue_later(id, 1000);
    jobs.wait(id, at(50), at(40));
    let mut effects = Effects::default();
    jobs.cancel(id, at(45), &mut effects);
    assert_eq!(cancelled(&mut effects), [second.id]);
    let other = segment(&mut jobs, StreamId::Main, 50);
    let sent = send(&mut jobs, other, 50);
    jobs.continue_later(other, 5);
    assert_eq!((jobs.stop_continuing(other), jobs.stop_continuing(other)), (Some(sent.id), None));
}

#[test]
fn progress_of_an_interrupted_segment_counts_failures_and_delays_anew() {
    let mut jobs = Jobs::default();
    let id = segment(&mut jobs, StreamId::Main, 0);
    send(&mut jobs, id, 0);
    jobs.count_failure(id, 0);
    jobs.count_failure(id, 0);
    jobs.schedule_retry(id, retry(100, 30_000), at(10));
    let state = |jobs: &Jobs| jobs.get(id).map(|job| (job.failures, job.last_delay, job.tried.clone())).unwrap();
    assert_eq!(state(&jobs), (2, ms(250), vec![0]));
    jobs.note_advance(id);
    assert_eq!(state(&jobs), (0, Duration::ZERO, vec![0]));
    jobs.count_failure(id, 3);
    jobs.forget_tried(id);
    assert_eq!(state(&jobs), (1, Duration::ZERO, vec![]), "locations may be tried again, failures still count");
}

#[test]
fn an_attempt_after_another_is_a_retry_and_one_that_is_sent_again_is_dropped_first() {
    let mut jobs = Jobs::default();
    let id = segment(&mut jobs, StreamId::Main, 0);
    assert!(!jobs.get(id).unwrap().is_retry);
    let mut effects = Effects::default();
    jobs.send_again(id, at(5), &mut effects);
    assert_eq!((jobs.next_due(), cancelled(&mut effects)), (Some(at(0)), vec![]), "nothing is on its way");
    let request = send(&mut jobs, id, 10);
    assert!(jobs.get(id).unwrap().is_retry, "from now on");
    jobs.send_again(id, at(20), &mut effects);
    assert_eq!((jobs.next_due(), cancelled(&mut effects)), (Some(at(20)), vec![request.id]));
    let repeated = segment(&mut jobs, StreamId::Audio, 0);
    jobs.repeat(repeated);
    assert!(jobs.get(repeated).unwrap().is_retry);
}

#[test]
fn bytes_that_the_host_had_kept_measure_no_link() {
    let mut jobs = Jobs::default();
    let id = segment(&mut jobs, StreamId::Main, 0);
    send(&mut jobs, id, 0);
    begin(&mut jobs, id, 1);
    jobs.take_report(id, &FetchReport { from_cache: true, ..FetchReport::default() });
    assert!(jobs.measure(id, at(2)).unwrap().from_cache);
}

#[test]
fn a_location_counts_as_one_of_media_only_once_media_has_come_from_it() {
    let mut jobs = Jobs::default();
    let id = segment(&mut jobs, StreamId::Main, 0);
    let mut locations = Locations::new(&[url("http://h/manifest")]);
    let place = crate::engine::source::ServiceLocation::Location(0);
    jobs.credit_location(id, &mut locations, at(0), true);
    assert!(!locations.has_loaded_media(&place), "nothing is on its way");
    send(&mut jobs, id, 0);
    assert!(locations.exclude(&place, ms(60_000), at(0)));
    jobs.credit_location(id, &mut locations, at(1), false);
    assert_eq!((locations.has_loaded_media(&place), locations.is_excluded(&place, at(1))), (false, false));
    jobs.credit_location(id, &mut locations, at(2), true);
    assert!(locations.has_loaded_media(&place));
}
