//! What the edge's cache does under stress: spellings, absent names, clocks that jump, origins that hang, large objects, restarts.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use kinora_edge_server::cache::Patience;
use kinora_edge_server::{self as edge, Access};
use kinora_kit::clock::Clock;
use kinora_kit::http::range::{self, RangeRequest};
use kinora_kit::http::server::{Limits, Running, listen};
use tokio::sync::Notify;
use url::Url;

use kinora_stage::{NOON, PATIENCE, client};

const MIB: usize = 1024 * 1024;

/// How an origin behaves at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    Hangs,
    Fails,
    Absent,
}

/// An origin that counts its requests, and gives for each path bytes that depend on it.
struct Origin {
    state: Arc<OriginState>,
    server: Running,
}

struct OriginState {
    mood: Mutex<Mood>,
    requests: Mutex<HashMap<String, usize>>,
    changed: Notify,
    bodies: Mutex<HashMap<String, Bytes>>,
    size: usize,
    takes_ranges: bool,
    says_length: bool,
    cache_control: &'static str,
}

impl Origin {
    async fn start(size: usize) -> Self {
        Self::with(size, |_| {}).await
    }

    async fn with(size: usize, change: impl FnOnce(&mut OriginState)) -> Self {
        let mut state = OriginState {
            mood: Mutex::new(Mood::Well),
            requests: Mutex::default(),
            changed: Notify::new(),
            bodies: Mutex::default(),
            size,
            takes_ranges: false,
            says_length: true,
            cache_control: "max-age=3600",
        };
        change(&mut state);
        let state = Arc::new(state);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = listen(address, router, Limits::default(), async {}).await.unwrap();
        Self { state, server }
    }

    fn set(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
        self.state.changed.notify_waiters();
    }

    fn count(&self) -> usize {
        self.state.requests.lock().unwrap().values().sum()
    }

    fn was_asked(&self, name: &str) -> bool {
        self.state.requests.lock().unwrap().keys().any(|path| path.contains(name))
    }

    fn config(&self) -> edge::Config {
        // A busy machine is not a hanging origin.
        let patience = Patience { first_byte: PATIENCE, probe: PATIENCE, ..Patience::default() };
        edge::Config { patience, ..edge::Config::new(Url::parse(&self.server.url()).unwrap(), Access::Open) }
    }
}

/// The bytes under a path: a block of a prime length again and again, so that no two slices are alike.
fn bytes_of(path: &str, size: usize) -> Vec<u8> {
    let seed = path.bytes().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let block = (0..65_521_u32).map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 24) as u8);
    let mut bytes: Vec<u8> = block.collect();
    while bytes.len() < size {
        bytes.extend_from_within(..65_521);
    }
    bytes.truncate(size);
    bytes
}

async fn answer(State(origin): State<Arc<OriginState>>, request: Request) -> Response {
    let path = request.uri().to_string();
    *origin.requests.lock().unwrap().entry(path.clone()).or_default() += 1;
    let mood = *origin.mood.lock().unwrap();
    match mood {
        Mood::Hangs => {
            origin.changed.notified().await;
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Mood::Fails => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Absent => return StatusCode::NOT_FOUND.into_response(),
        Mood::Well => {}
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, origin.cache_control.parse().unwrap());
    headers.insert(header::ETAG, "\"v1\"".parse().unwrap());
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known == "\"v1\"") {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let mut bodies = origin.bodies.lock().unwrap();
    let body = bodies.entry(path).or_insert_with_key(|path| Bytes::from(bytes_of(path, origin.size))).clone();
    drop(bodies);
    if !origin.says_length {
        let pieces: Vec<std::io::Result<Bytes>> = body.chunks(MIB).map(|piece| Ok(body.slice_ref(piece))).collect();
        return (headers, Body::from_stream(stream::iter(pieces))).into_response();
    }
    if !origin.takes_ranges {
        return (headers, body).into_response();
    }
    headers.insert(header::ACCEPT_RANGES, "bytes".parse().unwrap());
    let wanted = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    match range::parse(wanted, body.len() as u64) {
        RangeRequest::Spans(spans) => {
            let content_range = format!("bytes {}-{}/{}", spans[0].first, spans[0].last, body.len());
            headers.insert(header::CONTENT_RANGE, content_range.parse().unwrap());
            let part = body.slice(spans[0].first as usize..=spans[0].last as usize);
            (StatusCode::PARTIAL_CONTENT, headers, part).into_response()
        }
        _ => (headers, body).into_response(),
    }
}

async fn body(response: reqwest::Response) -> Vec<u8> {
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn every_spelling_of_a_name_is_one_object() {
    let origin = Origin::start(1000).await;
    let edge = edge::serve(origin.config()).await.unwrap();
    let address = edge.address();
    for spelling in 0..200_u32 {
        let name: String = "seg-00001"
            .chars()
            .enumerate()
            .map(|(n, c)| if spelling >> n & 1 == 1 { format!("%{:02x}", c as u32) } else { c.to_string() })
            .collect();
        // Written to the socket as it stands, so that no client makes it canonical.
        let answer = crate::edge_http::raw(address, &format!("GET /film/{name}.m4s HTTP/1.1\r\nHost: e\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    for query in ["?a=%41", "?a=A", "?%61=%41"] {
        let url = format!("{}/film/q.m4s{query}", edge.url());
        assert_eq!(client().get(url).send().await.unwrap().status(), 200);
    }
    assert_eq!(origin.count(), 2, "{:?}", origin.state.requests.lock().unwrap());
}

#[tokio::test]
async fn an_absent_name_is_asked_for_once_in_a_while() {
    let origin = Origin::start(1000).await;
    origin.set(Mood::Absent);
    let (time, clock) = Clock::manual(NOON);
    let edge = edge::serve(edge::Config { clock: time, ..origin.config() }).await.unwrap();
    let url = format!("{}/film/gone.m4s", edge.url());
    for _ in 0..50 {
        assert_eq!(client().get(&url).send().await.unwrap().status(), 404);
    }
    assert_eq!(origin.count(), 1);
    clock.advance_ms(10_000);
    origin.set(Mood::Well);
    assert_eq!(client().get(&url).send().await.unwrap().status(), 200, "it was published meanwhile");
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn a_wall_clock_that_jumps_freezes_no_manifest() {
    let origin = Origin::with(100, |state| state.cache_control = "max-age=1").await;
    for jump in [24 * 3_600_000, -24 * 3_600_000] {
        let (time, clock) = Clock::manual(NOON);
        let patience = Patience { stale_after: PATIENCE, first_byte: PATIENCE, probe: PATIENCE };
        let edge = edge::serve(edge::Config { clock: time, patience, ..origin.config() }).await.unwrap();
        let url = format!("{}/film/live.m3u8", edge.url());
        let before = origin.count();
        let fetch = async || {
            let response = client().get(&url).send().await.unwrap();
            let field = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            (field(header::CACHE_CONTROL), field(header::AGE))
        };
        fetch().await;
        clock.step_wall_ms(jump);
        assert_eq!(fetch().await, (Some("max-age=1".to_owned()), Some("0".to_owned())));
        assert_eq!(origin.count() - before, 1, "a jump alone makes nothing old");
        clock.advance_ms(1_100);
        fetch().await;
        assert_eq!(origin.count() - before, 2, "it is asked for again after its second");
        clock.step_wall_ms(-jump);
        clock.advance_ms(1_100);
        fetch().await;
        assert_eq!(origin.count() - before, 3);
    }
}

#[tokio::test]
async fn a_hanging_origin_holds_nobody_up() {
    let origin = Origin::with(100, |state| state.cache_control = "max-age=1").await;
    let (time, clock) = Clock::manual(NOON);
    // The origin would be waited for until the test gives up: only an old copy, given early, ends it in time.
    let patience = Patience { stale_after: Duration::from_millis(1), first_byte: 4 * PATIENCE, probe: 4 * PATIENCE };
    let edge = edge::serve(edge::Config { clock: time, patience, ..origin.config() }).await.unwrap();
    let url = format!("{}/film/live.m3u8", edge.url());
    assert_eq!(client().get(&url).send().await.unwrap().status(), 200);
    clock.advance_ms(5_000);
    origin.set(Mood::Hangs);
    for _ in 0..3 {
        let response = client().get(&url).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["age"].to_str().unwrap()), (200, "5"));
        assert_eq!(response.headers()["cache-status"], "\"edge\"; hit; ttl=-4");
    }
    assert_eq!(origin.count(), 2, "one request waits for all");
    origin.set(Mood::Well);
    edge.kill().await;
}

#[tokio::test]
async fn an_origin_that_does_not_answer_is_tried_by_one_request_at_a_time() {
    let origin = Origin::start(100).await;
    origin.set(Mood::Fails);
    let patience = Patience { first_byte: 4 * PATIENCE, probe: 4 * PATIENCE, ..Patience::default() };
    let edge = edge::serve(edge::Config { patience, ..origin.config() }).await.unwrap();
    let fetch = async |name: &str| client().get(format!("{}/film/{name}.m4s", edge.url())).send().await.unwrap();
    for n in 0..5 {
        assert_eq!(fetch(&format!("first-{n}")).await.status(), 502);
    }
    origin.set(Mood::Hangs);
    // The next one tries, for as long as it takes; all others are refused at once.
    let probe = tokio::spawn(client().get(format!("{}/film/probe.m4s", edge.url())).send());
    let begun = Instant::now();
    while !origin.was_asked("probe") {
        assert!(begun.elapsed() < PATIENCE, "nobody tries");
        tokio::task::yield_now().await;
    }
    for n in 0..5 {
        let response = fetch(&format!("other-{n}")).await;
        assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    }
    assert!(!origin.was_asked("other"));
    origin.set(Mood::Well);
    // The answer to the probe is a 500 and closes nothing; the one after it is good, and lets everyone through again.
    assert!(probe.await.unwrap().unwrap().status().is_server_error());
    for n in 0..5 {
        assert_eq!(fetch(&format!("last-{n}")).await.status(), 200);
    }
    edge.kill().await;
}

#[tokio::test]
async fn a_large_object_is_fetched_in_slices_once_for_all() {
    let size = 41 * MIB + 17;
    let origin = Origin::with(size, |state| state.takes_ranges = true).await;
    let edge = edge::serve(edge::Config { cache_mb: 128, ..origin.config() }).await.unwrap();
    let url = format!("{}/film/large.mp4", edge.url());
    let whole = bytes_of("/film/large.mp4", size);
    let fetch = async || body(client().get(&url).send().await.unwrap()).await == whole;
    assert_eq!(join_all((0..4).map(|_| fetch())).await, [true; 4]);
    // One request that shows that it is large, and one for each slice of 2 MiB.
    assert_eq!(origin.count(), 1 + 21);
    for (first, last) in [(0, 9), (2 * MIB - 5, 2 * MIB + 5), (size - 3, size - 1), (5 * MIB, 12 * MIB)] {
        let request = client().get(&url).header("range", format!("bytes={first}-{last}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 206);
        assert_eq!(body(response).await, whole[first..=last]);
    }
    assert_eq!(origin.count(), 22, "all of it is here");
    edge.kill().await;
}

#[tokio::test]
async fn a_part_of_a_large_object_costs_its_slices_only() {
    let size = 40 * MIB;
    let origin = Origin::with(size, |state| state.takes_ranges = true).await;
    let edge = edge::serve(edge::Config { cache_mb: 64, ..origin.config() }).await.unwrap();
    let url = format!("{}/film/large.mp4", edge.url());
    let response = client().get(&url).header("range", "bytes=-10").send().await.unwrap();
    assert_eq!(body(response).await, bytes_of("/film/large.mp4", size)[size - 10..]);
    assert_eq!(origin.count(), 2);
    edge.kill().await;
}

#[tokio::test]
async fn a_large_object_without_ranges_is_fetched_once_for_all() {
    for says_length in [true, false] {
        let size = 37 * MIB + 5;
        let origin = Origin::with(size, |state| state.says_length = says_length).await;
        let edge = edge::serve(edge::Config { cache_mb: 256, ..origin.config() }).await.unwrap();
        let url = format!("{}/film/large.mp4", edge.url());
        let whole = bytes_of("/film/large.mp4", size);
        let fetch = async || body(client().get(&url).send().await.unwrap()).await == whole;
        assert_eq!(join_all((0..4).map(|_| fetch())).await, [true; 4]);
        assert!(fetch().await, "a fifth finds it");
        assert_eq!(origin.count(), 1, "length given: {says_length}");
        let response = client().get(&url).header("range", "bytes=30000000-30000009").send().await.unwrap();
        assert_eq!(body(response).await, whole[30_000_000..30_000_010]);
        edge.kill().await;
    }
}

#[tokio::test]
async fn a_large_object_that_does_not_fit_is_given_whole_all_the_same() {
    for says_length in [true, false] {
        let size = 37 * MIB + 5;
        let origin = Origin::with(size, |state| state.says_length = says_length).await;
        let edge = edge::serve(edge::Config { cache_mb: 8, ..origin.config() }).await.unwrap();
        let url = format!("{}/film/large.mp4", edge.url());
        for _ in 0..2 {
            assert!(body(client().get(&url).send().await.unwrap()).await == bytes_of("/film/large.mp4", size));
        }
        edge.kill().await;
    }
}

async fn with_disk(origin: &Origin, directory: &Path) -> Running {
    let config = edge::Config { cache_dir: Some(directory.to_owned()), ..origin.config() };
    edge::serve(config).await.unwrap()
}

#[tokio::test]
async fn the_disk_has_everything_after_an_orderly_restart() {
    let size = 700_000;
    let origin = Origin::start(size).await;
    let dir = tempfile::tempdir().unwrap();
    let edge = with_disk(&origin, dir.path()).await;
    let fetch = async |edge: &Running, n: usize| {
        let path = format!("/film/seg-{n}.m4s");
        let response = client().get(format!("{}{path}", edge.url())).send().await.unwrap();
        assert!(body(response).await == bytes_of(&path, size), "{path}");
    };
    join_all((0..64).map(|n| fetch(&edge, n))).await;
    assert_eq!(origin.count(), 64);
    edge.shutdown().await;
    let edge = with_disk(&origin, dir.path()).await;
    for n in 0..64 {
        fetch(&edge, n).await;
    }
    assert_eq!(origin.count(), 64, "nothing is fetched again");
    edge.shutdown().await;
}

#[tokio::test]
async fn a_cache_directory_never_gives_another_origins_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Origin::start(1000).await, Origin::start(2000).await);
    for (origin, size) in [(&one, 1000), (&two, 2000), (&one, 1000)] {
        let edge = with_disk(origin, dir.path()).await;
        let response = client().get(format!("{}/film/seg.m4s", edge.url())).send().await.unwrap();
        assert!(body(response).await == bytes_of("/film/seg.m4s", size));
        edge.shutdown().await;
    }
    assert_eq!((one.count(), two.count()), (1, 1));
}
