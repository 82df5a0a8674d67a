//! Tests of the virtual network: it obeys a plan of a file as the edge does.

use std::time::Duration;

use abr::link::{Link, Trace};
use player_core::engine::io::{FetchError, FetchId, FetchKind, FetchOutcome, FetchReport, FetchRequest, Ingest, Input};
use player_core::model::{ByteRange, Protocol};
use player_core::sim::{Effect, Fault, FaultPlan, Film, Network, Outcome};
use player_core::time::Now;
use url::Url;

use crate::support::{BOTH, MINUTE, fast, play, world};

/// Time limit of a request between two bytes.
const STALL: Duration = Duration::from_secs(10);

fn request(kind: FetchKind, path: &str, range: Option<ByteRange>) -> FetchRequest {
    FetchRequest {
        id: FetchId(1),
        kind,
        url: Url::parse(&format!("http://one/{path}")).unwrap(),
        range,
        ingest: Ingest::Body,
        cipher: None,
        headers: Vec::new(),
        post: None,
        key_ids: Vec::new(),
        resume: None,
        is_head: false,
        max_bytes: 1 << 20,
        first_byte_timeout: Duration::from_secs(20),
        stall_timeout: STALL,
    }
}

/// Fetches the playlist of a film, under a fault, and returns its size, the bytes that arrived, the time that it took beyond a
/// fetch without a fault, and its end.
fn fetch(effect: Effect, range: Option<ByteRange>) -> (Vec<u8>, Duration, FetchOutcome) {
    let film = Film::plain(Protocol::Hls, Duration::from_secs(24));
    let path = film.manifest_path().trim_start_matches('/').to_owned();
    let link = Link::new(Trace::constant(8000, Duration::from_millis(40)));
    let run = |faults| {
        let mut network = Network::new(link.clone(), vec![("one".to_owned(), film.clone())], FaultPlan::new(faults));
        network.start(&request(FetchKind::Manifest, &path, range), Now::ZERO);
        loop {
            let now = network.next().unwrap();
            if let Some(Input::FetchEnded { outcome, .. }) = network.poll(now) {
                return (now.as_duration(), outcome);
            }
        }
    };
    let (usual, FetchOutcome::Complete { body, .. }) = run(Vec::new()) else { panic!("it arrives") };
    let (time, outcome) = run(vec![Fault::new("", effect)]);
    (body.to_vec(), time.saturating_sub(usual), outcome)
}

fn body(outcome: FetchOutcome) -> Vec<u8> {
    let FetchOutcome::Complete { bytes, body } = outcome else { panic!("{outcome:?}") };
    assert_eq!(bytes, body.len() as u64);
    body.to_vec()
}

#[test]
fn bodies_are_cut_and_changed_at_their_bytes() {
    let (usual, _, outcome) = fetch(Effect::Shorten { after_bytes: 20 }, None);
    assert_eq!(body(outcome), usual[..20]);
    let (usual, _, outcome) = fetch(Effect::Shorten { after_bytes: 1 << 20 }, None);
    assert_eq!(body(outcome), usual);
    let (usual, _, outcome) = fetch(Effect::ResetAt { after_bytes: 20 }, None);
    let error = FetchError::Truncated { received: 20, expected: Some(usual.len() as u64) };
    assert_eq!(outcome, FetchOutcome::Failed { bytes: 20, error });
    for offset in [0, 3, 4, 11] {
        let range = (offset > 0).then_some(ByteRange { offset, length: None });
        let (usual, _, outcome) = fetch(Effect::CorruptAt { from: 4, every: 7 }, range);
        let is_changed = |at: u64| at >= 4 && (at - 4).is_multiple_of(7);
        let expected: Vec<u8> =
            (offset..).zip(&usual).map(|(at, byte)| if is_changed(at) { byte ^ 0xa5 } else { *byte }).collect();
        assert_eq!(body(outcome), expected, "from {offset}");
    }
}

#[test]
fn a_body_pauses_or_the_host_gives_up() {
    let pause = Duration::from_secs(3);
    let (usual, late, outcome) = fetch(Effect::StallAt { after_bytes: 20, pause: Some(pause) }, None);
    assert_eq!((body(outcome), late), (usual, pause));
    for pause in [Some(STALL), None] {
        let (_, late, outcome) = fetch(Effect::StallAt { after_bytes: 20, pause }, None);
        let error = FetchError::Timeout { started: true };
        assert_eq!(outcome, FetchOutcome::Failed { bytes: 20, error });
        assert!(late < STALL && late > STALL - Duration::from_millis(100), "{late:?}");
    }
}

#[test]
fn delays_add_to_other_effects() {
    let film = Film::plain(Protocol::Hls, Duration::from_secs(24));
    let plan = FaultPlan::parse(
        r#"rule = [
            { fault = { type = "latency", delay_ms = 300 } },
            { fault = { type = "status", code = 503 } },
            { fault = { type = "latency", delay_ms = 20 } },
        ]"#,
    );
    let link = Link::new(Trace::constant(8000, Duration::from_millis(40)));
    let mut network = Network::new(link, vec![("one".to_owned(), film)], plan.unwrap());
    network.start(&request(FetchKind::Manifest, "film/master.m3u8", None), Now::ZERO);
    let at = network.next().unwrap();
    assert_eq!(at.as_duration(), Duration::from_millis(360));
    let error = FetchError::Status { status: 503, retry_after: None };
    let outcome = FetchOutcome::Failed { bytes: 0, error };
    let report = FetchReport::default();
    assert_eq!(network.poll(at), Some(Input::FetchEnded { id: FetchId(1), outcome, report }));
    assert_eq!(network.fault_plan().struck(), 1, "one request was struck");
    let fired: Vec<_> = network.faults_fired().iter().map(|fired| (fired.fault.as_str(), fired.request)).collect();
    assert_eq!(fired, ["#1", "#2", "#3"].map(|name| (name, FetchId(1))), "by each of them");
}

#[test]
fn the_report_of_a_transfer_has_its_first_and_last_byte() {
    let ms = Duration::from_millis;
    let film = Film::plain(Protocol::Hls, Duration::from_secs(24));
    let manifest = film.manifest_path().trim_start_matches('/').to_owned();
    let link = Link::new(Trace::constant(8000, ms(40)));
    let report = |effect: Option<Effect>| {
        let faults = effect.into_iter().map(|effect| Fault::new("", effect)).collect();
        let mut network = Network::new(link.clone(), vec![("one".to_owned(), film.clone())], FaultPlan::new(faults));
        let started = Now::ZERO + Duration::from_secs(7);
        network.start(&request(FetchKind::Manifest, &manifest, None), started);
        loop {
            let now = network.next().unwrap();
            if let Some(Input::FetchEnded { outcome, report, .. }) = network.poll(now) {
                assert_eq!((report.connect, report.from_cache), (None, false), "it has no connections and no cache");
                return (outcome, report.first_byte, report.last_byte, now.since(started));
            }
        }
    };
    let (outcome, first, last, ended) = report(None);
    let size = body(outcome).len() as u64;
    // 8 Mbit/s are 1 byte a microsecond.
    let carried = Duration::from_micros(size);
    assert_eq!((first, last), (Some(ms(40)), Some(ended)));
    assert!(ended.abs_diff(ms(40) + carried) <= Duration::from_micros(10), "{ended:?} for {size} bytes");
    let (_, first, last, _) = report(Some(Effect::Delay(ms(300))));
    assert_eq!(first, Some(ms(340)));
    assert!(last.unwrap().abs_diff(ms(340) + carried) <= Duration::from_micros(10));
    let (_, first, last, ended) = report(Some(Effect::ResetAt { after_bytes: 20 }));
    assert_eq!((first, last), (Some(ms(40)), None), "it did not end well");
    assert!(ended > ms(40));
    for effect in [Effect::Status(503), Effect::Refuse, Effect::Silence] {
        let (_, first, last, _) = report(Some(effect));
        assert_eq!((first, last), (None, None));
    }
}

/// Fetches a file under a delay and an effect; returns the time until the error, and the error.
fn failure(path: &str, delay: Duration, effect: Option<Effect>) -> (Duration, FetchError) {
    let film = Film::plain(Protocol::Hls, Duration::from_secs(24));
    let link = Link::new(Trace::constant(8000, Duration::from_millis(40)));
    let delay = format!("[[rule]]\nfault = {{ type = \"latency\", delay_ms = {} }}", delay.as_millis());
    let mut plan = FaultPlan::parse(&delay).unwrap();
    if let Some(effect) = effect {
        plan.add(Fault::new("", effect));
    }
    let mut network = Network::new(link, vec![("one".to_owned(), film)], plan);
    network.start(&request(FetchKind::Manifest, path, None), Now::ZERO);
    let at = network.next().unwrap();
    let Some(Input::FetchEnded { outcome, .. }) = network.poll(at) else { panic!("{path} has no answer") };
    let FetchOutcome::Failed { bytes: 0, error } = outcome else { panic!("{outcome:?}") };
    (at.as_duration(), error)
}

#[test]
fn hosts_that_cannot_be_reached_and_files_that_are_missing_obey_delays() {
    let ms = Duration::from_millis;
    let manifest = "film/master.m3u8";
    let missing = FetchError::Status { status: 404, retry_after: None };
    assert_eq!(failure("film/none", ms(0), None), (ms(40), missing.clone()));
    assert_eq!(failure("film/none", ms(700), None), (ms(740), missing));
    let text = || "in the virtual network".to_owned();
    for (effect, error) in [
        (Effect::Refuse, FetchError::Refused(text())),
        (Effect::Unresolved, FetchError::UnknownHost(text())),
        (Effect::Reset, FetchError::Unreachable(text())),
        (Effect::Garbled, FetchError::MalformedHead(text())),
    ] {
        assert_eq!(failure(manifest, ms(0), Some(effect.clone())), (ms(5), error.clone()));
        assert_eq!(failure(manifest, ms(300), Some(effect)), (ms(305), error));
    }
    // A redirect takes another round trip, also one to a host that is not there.
    let redirect = || Some(Effect::Redirect("nowhere".to_owned()));
    assert_eq!(failure(manifest, ms(300), redirect()), (ms(345), FetchError::Refused(text())));
    // The host's own limit comes first.
    let timeout = FetchError::Timeout { started: false };
    for effect in [None, Some(Effect::Refuse), redirect()] {
        assert_eq!(failure(manifest, ms(20_000), effect), (ms(20_000), timeout.clone()));
    }
}

/// A file for the edge is one for the virtual world. Segments match by their place in the film as well as by their numbers.
#[test]
fn a_world_obeys_a_plan_of_a_file() {
    let plan = r#"
        [[rule]]
        name = "slow start"
        kind = "manifest"
        fault = { type = "latency", delay_ms = 400 }

        [[rule]]
        name = "busy once"
        path = '^film/v/'
        segments = { from = 3, to = 3 }
        kind = "segment"
        count = 1
        fault = { type = "status", code = 503 }

        [[rule]]
        name = "broken once"
        kind = "segment"
        from_ms = 5_000
        count = 1
        fault = { type = "reset", after_permille = 500 }
    "#;
    for protocol in BOTH {
        let mut world = world(&Film::new(protocol, MINUTE), fast(), Vec::new());
        world.set_fault_plan(FaultPlan::parse(plan).unwrap());
        assert_eq!(play(&mut world), Outcome::Ended);
        let fired: Vec<_> = world.faults_fired().iter().map(|fired| (fired.fault.as_str(), fired.kind)).collect();
        let expected = [
            ("slow start", FetchKind::Manifest),
            ("busy once", FetchKind::Segment),
            ("broken once", FetchKind::Segment),
        ];
        assert_eq!(fired, expected, "each fired once");
    }
}

/// The edge is held to the same record of a plan, a sequence of requests and their verdicts.
#[test]
fn the_recorded_verdicts_are_those_of_the_virtual_network() {
    let recorded = include_str!("../../../tests/faults/examples/verdicts.txt");
    let plan = FaultPlan::parse(include_str!("../../../tests/faults/examples/plan.toml")).unwrap();
    let mut network = Network::new(Link::new(Trace::constant(8000, Duration::ZERO)), Vec::new(), plan);
    let mut verdicts = String::new();
    for line in recorded.lines() {
        let path = line.split(' ').next().unwrap();
        let kind = match path.rsplit('/').next().unwrap() {
            "manifest.mpd" => FetchKind::Manifest,
            "init.mp4" => FetchKind::Init,
            name if name.ends_with(".vtt") => FetchKind::Text,
            _ => FetchKind::Segment,
        };
        let before = network.fault_plan().fired();
        network.start(&request(kind, path, None), Now::ZERO);
        network.cancel(FetchId(1), Now::ZERO);
        let after = network.fault_plan().fired();
        let fired = before.iter().zip(&after).filter(|(before, after)| before.1 < after.1);
        let names: Vec<&str> = fired.map(|(_, (name, _))| name.as_str()).collect();
        let names = if names.is_empty() { "-".to_owned() } else { names.join("+") };
        verdicts += &format!("{path} {names}\n");
    }
    assert_eq!(verdicts, recorded);
}
