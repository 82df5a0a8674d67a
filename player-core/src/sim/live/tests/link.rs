//! The service behind the virtual link: the times at which bytes arrive.

use std::sync::Arc;

use abr::link::{Link, Trace};

use super::super::super::{FaultPlan, Network};
use super::*;
use crate::container::{DemuxOutput, DemuxSetup};
use crate::engine::io::{FetchError, FetchId, FetchKind, FetchOutcome, FetchRequest, Ingest, Input};
use crate::model::{ContainerFormat, Protocol};

/// Half a round trip is 20 ms; a chunk of half a second at 3 Mbit/s takes 1.5 ms.
fn network(film: LiveFilm) -> Network {
    let link = Link::new(Trace::constant(1_000_000, ms(40)));
    let mut network = Network::new(link, Vec::new(), FaultPlan::new(Vec::new()));
    network.add_live("h", Arc::new(LiveOrigin::new(film)));
    network
}

fn request(address: &str) -> FetchRequest {
    FetchRequest {
        id: FetchId(1),
        kind: FetchKind::Segment,
        url: base().join(address).unwrap(),
        range: None,
        ingest: Ingest::Media(DemuxSetup::new(ContainerFormat::Fmp4, None)),
        cipher: None,
        headers: Vec::new(),
        post: None,
        key_ids: Vec::new(),
        resume: None,
        is_head: false,
        max_bytes: 1 << 30,
        first_byte_timeout: Duration::from_secs(8),
        stall_timeout: Duration::from_secs(8),
    }
}

/// Returns everything that a request is answered with, each with its time in milliseconds.
fn answers(network: &mut Network, request: &FetchRequest, millis: u64) -> Vec<(u64, Input)> {
    network.start(request, at(millis));
    let mut inputs = Vec::new();
    while let Some(next) = network.next() {
        while let Some(input) = network.poll(next) {
            inputs.push((next.as_nanos() / 1_000_000, input));
        }
    }
    inputs
}

/// Returns the times at which media arrived, the head first and the end last.
fn times(inputs: &[(u64, Input)]) -> Vec<u64> {
    let is_event = |input: &Input| match input {
        Input::FetchMedia { output, .. } => matches!(output, DemuxOutput::Fragment(_)),
        Input::FetchStarted { .. } | Input::FetchEnded { .. } => true,
        _ => false,
    };
    inputs.iter().filter(|(_, input)| is_event(input)).map(|(at, _)| *at).collect()
}

#[test]
fn chunks_arrive_as_they_are_produced() {
    let film = LiveFilm::new(Protocol::Dash).low_latency(ms(500));
    let inputs = answers(&mut network(film.clone()), &request("v/720p/p0-0/1801.m4s"), 700);
    // Asked at 700, the request arrives at 720; the chunks are complete at 500, 1000, 1500 and 2000.
    assert_eq!(times(&inputs), [740, 741, 1021, 1521, 2021, 2021]);
    let Input::FetchStarted { head, .. } = &inputs[0].1 else { panic!("{inputs:?}") };
    assert_eq!((head.status, head.content_length), (200, None));
    let late = answers(&mut network(film), &request("v/720p/p0-0/1801.m4s"), 5000);
    let Input::FetchStarted { head, .. } = &late[0].1 else { panic!("{late:?}") };
    assert_eq!((times(&late)[0], head.content_length), (5040, Some(750_000)));
}

#[test]
fn answers_that_are_held_arrive_half_a_round_trip_after_they_are_ready() {
    let film = LiveFilm::new(Protocol::Hls).low_latency(ms(500));
    let part = answers(&mut network(film.clone()), &request("v/720p/1800.1.m4s"), 600);
    assert_eq!(times(&part), [1020, 1021, 1021]);
    let reload = FetchRequest { ingest: Ingest::Body, ..request("v/720p/index.m3u8?_HLS_msn=1801&_HLS_part=1") };
    assert_eq!(times(&answers(&mut network(film.clone()), &reload, 600))[0], 1020);
    let impatient = FetchRequest { first_byte_timeout: ms(300), ..reload };
    let inputs = answers(&mut network(film), &impatient, 600);
    let Input::FetchEnded { outcome: FetchOutcome::Failed { error, .. }, .. } = &inputs[0].1 else {
        panic!("{inputs:?}")
    };
    assert_eq!((inputs[0].0, error), (900, &FetchError::Timeout { started: false }));
}

#[test]
fn heads_have_dates_and_a_request_for_a_head_gets_no_body() {
    let film = LiveFilm::new(Protocol::Dash);
    let asked = FetchRequest { is_head: true, ingest: Ingest::Body, ..request("time/0") };
    for (request, size) in [(asked.clone(), 0), (FetchRequest { is_head: false, ..asked }, 23)] {
        let inputs = answers(&mut network(film.clone()), &request, 1500);
        let Input::FetchStarted { head, .. } = &inputs[0].1 else { panic!("{inputs:?}") };
        assert_eq!(head.date.map(|date| date.as_unix_nanos() - WORLD_BEGINS), Some(1_000_000_000));
        let Some((_, Input::FetchEnded { outcome: FetchOutcome::Complete { bytes, .. }, .. })) = inputs.last() else {
            panic!("{inputs:?}")
        };
        assert_eq!(*bytes, size, "a date with fractions of a second");
    }
}

#[test]
fn a_body_that_stops_for_too_long_is_given_up() {
    let film = LiveFilm { segment: 20 * SECOND, ..LiveFilm::new(Protocol::Dash).low_latency(10 * SECOND) };
    let patient = request("v/720p/p0-0/181.m4s");
    // Chunks are complete at 10 and 20 seconds.
    assert_eq!(times(&answers(&mut network(film.clone()), &patient, 13_000)).last(), Some(&20_050));
    let inputs = answers(&mut network(film), &FetchRequest { stall_timeout: 3 * SECOND, ..patient }, 13_000);
    let (end, Input::FetchEnded { outcome: FetchOutcome::Failed { bytes, error }, .. }) = inputs.last().unwrap() else {
        panic!("{inputs:?}")
    };
    assert_eq!((*end / 100, error), (160, &FetchError::Timeout { started: true }));
    assert_eq!(*bytes, 3_750_000, "the first chunk");
}

#[test]
fn refusals_take_the_way_there_and_back() {
    let mut film = LiveFilm::new(Protocol::Dash);
    film.troubles.too_early = 425;
    let mut network = network(film);
    let early = answers(&mut network, &request("v/720p/p0-0/1801.m4s"), 1900);
    let Input::FetchEnded { outcome: FetchOutcome::Failed { error, .. }, .. } = &early[0].1 else {
        panic!("{early:?}")
    };
    assert_eq!((early[0].0, error), (1940, &FetchError::Status { status: 425, retry_after: None }));
    assert_eq!(times(&answers(&mut network, &request("v/720p/p0-0/1801.m4s"), 1990))[0], 2030, "it arrives in time");
}

#[test]
fn a_suspended_client_loses_its_connections_and_time() {
    let film = LiveFilm::new(Protocol::Dash).low_latency(ms(500));
    let mut network = network(film);
    network.start(&request("v/720p/p0-0/1801.m4s"), at(700));
    while network.poll(at(1100)).is_some() {}
    network.suspend(3600 * SECOND, at(1100));
    let Some(Input::FetchEnded { outcome: FetchOutcome::Failed { bytes, .. }, .. }) = network.poll(at(1100)) else {
        panic!("it breaks")
    };
    assert!(bytes > 0);
    assert_eq!(network.utc(at(1100)).as_unix_nanos() - WORLD_BEGINS, 3_601_100_000_000);
    let gone = answers(&mut network, &FetchRequest { id: FetchId(2), ..request("v/720p/p0-0/1801.m4s") }, 1200);
    assert!(matches!(&gone[0].1, Input::FetchEnded { outcome: FetchOutcome::Failed { .. }, .. }), "{gone:?}");
    // One hour is 1800 segments.
    let now = answers(&mut network, &FetchRequest { id: FetchId(3), ..request("v/720p/p0-0/3600.m4s") }, 1300);
    assert_eq!(times(&now)[0], 1340);
}
