//! The edge's cache: hit, miss, collapse, revalidation, a dead origin, objects that are too large; and its disk.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use kinora_edge_server::{self as edge, Access};
use kinora_kit::http::server::{Limits, Running, listen};
use tokio::sync::Semaphore;
use url::Url;

use kinora_stage::{SEGMENT, Stage, TITLE, beside, client, segment};

#[tokio::test]
async fn the_second_request_is_a_hit() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let url = beside(&stage.viewer().await.grant().await, SEGMENT);
    for _ in 0..2 {
        assert_eq!(stage.client.get(&url).send().await.unwrap().bytes().await.unwrap(), segment());
    }
    let log = stage.log("a", 2).await;
    assert_eq!([&log[0]["cache"], &log[1]["cache"]], ["miss", "hit"]);
    assert!(log.iter().all(|line| line["complete"] == true && line["bytes"] == 700_001));
    edge.shutdown().await;
}

#[tokio::test]
async fn manifests_are_revalidated_and_changes_are_seen() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    let url = beside(&stage.viewer().await.grant().await, "master.m3u8");
    let fetch = async || stage.client.get(&url).send().await.unwrap().text().await.unwrap();
    let before = fetch().await;
    stage.clock.advance_ms(1_500);
    assert_eq!(fetch().await, before);
    fs::write(stage.dir.path().join("media").join(TITLE).join("master.m3u8"), "#EXTM3U\n# changed\n").unwrap();
    assert_eq!(fetch().await, before, "a second has not passed");
    stage.clock.advance_ms(1_500);
    assert_eq!(fetch().await, "#EXTM3U\n# changed\n");
    let log = stage.log("a", 4).await;
    let outcomes: Vec<&str> = log.iter().map(|line| line["cache"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["miss", "revalidated", "hit", "miss"]);
}

#[tokio::test]
async fn what_is_cached_outlives_the_origin() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let grant = stage.viewer().await.grant().await;
    let fetch = async |file: &str| stage.client.get(beside(&grant, file)).send().await.unwrap();
    for file in [SEGMENT, "master.m3u8"] {
        assert!(fetch(file).await.bytes().await.is_ok());
    }
    let (client, clock, log) = (stage.client.clone(), stage.clock.clone(), stage.log_of("a"));
    stage.backend.kill().await;
    clock.advance_ms(60_000);
    let segment_again = client.get(beside(&grant, SEGMENT)).send().await.unwrap();
    assert_eq!(segment_again.bytes().await.unwrap(), segment());
    let manifest = client.get(beside(&grant, "master.m3u8")).send().await.unwrap();
    assert_eq!(manifest.status(), 200, "an old manifest is better than none");
    let unknown = client.get(beside(&grant, "video/240p/seg-00002.m4s")).send().await.unwrap();
    assert_eq!(unknown.status(), 502);
    edge.shutdown().await;
    let text = fs::read_to_string(log).unwrap();
    let outcomes: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["cache"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes, ["miss", "miss", "hit", "stale", "none"]);
}

/// An origin that counts, and gives the second half of its body when it is let.
struct SlowOrigin {
    requests: AtomicUsize,
    second_half: Semaphore,
}

async fn slow_origin() -> (Arc<SlowOrigin>, Running) {
    let origin = Arc::new(SlowOrigin { requests: AtomicUsize::new(0), second_half: Semaphore::new(0) });
    let router = Router::new().route("/{*path}", get(slow_answer)).with_state(Arc::clone(&origin));
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = listen(address, router, Limits::default(), async {}).await.unwrap();
    (origin, running)
}

async fn slow_answer(State(origin): State<Arc<SlowOrigin>>) -> Response {
    origin.requests.fetch_add(1, Ordering::SeqCst);
    let body = stream::unfold(0, move |step| {
        let origin = Arc::clone(&origin);
        async move {
            match step {
                0 => Some((Ok::<_, std::io::Error>(Bytes::from_static(b"first")), 1)),
                1 => {
                    origin.second_half.acquire().await.unwrap().forget();
                    Some((Ok(Bytes::from_static(b"second")), 2))
                }
                _ => None,
            }
        }
    });
    ([("content-length", "11")], Body::from_stream(body)).into_response()
}

#[tokio::test]
async fn simultaneous_requests_share_one_download_and_see_it_grow() {
    let (origin, origin_server) = slow_origin().await;
    let mut config = edge::Config::new(Url::parse(&origin_server.url()).unwrap(), Access::Open);
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    config.log = edge::log::Destination::File(log.clone());
    let edge = edge::serve(config).await.unwrap();
    let url = format!("{}/film/seg-1.m4s", edge.url());
    let client = client();

    let mut answers = Vec::new();
    for _ in 0..5 {
        let mut answer = client.get(&url).send().await.unwrap();
        // The first bytes are here while the origin still holds the rest back.
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "first");
        answers.push(answer);
    }
    assert_eq!(origin.requests.load(Ordering::SeqCst), 1);
    origin.second_half.add_permits(1);
    for answer in answers {
        assert_eq!(answer.bytes().await.unwrap(), "second");
    }
    edge.shutdown().await;
    let text = fs::read_to_string(log).unwrap();
    assert_eq!(text.matches("\"cache\":\"miss\"").count(), 1, "{text}");
    assert_eq!(text.matches("\"cache\":\"collapsed\"").count(), 4, "{text}");
}

#[tokio::test]
async fn an_origin_that_breaks_off_is_an_error_and_is_not_kept() {
    let broken = Router::new().route(
        "/{*path}",
        get(async |headers: HeaderMap| {
            assert!(!headers.contains_key("range"), "an edge fetches the whole");
            let pieces = [Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("broken"))];
            ([("content-length", "8")], Body::from_stream(stream::iter(pieces))).into_response()
        }),
    );
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let origin = listen(address, broken, Limits::default(), async {}).await.unwrap();
    let edge = edge::serve(edge::Config::new(Url::parse(&origin.url()).unwrap(), Access::Open)).await.unwrap();
    let client = client();
    for _ in 0..2 {
        // Whether the origin's headers left before it broke decides between an error and half a body; never is it a whole one.
        let failed = match client.get(format!("{}/x.m4s", edge.url())).send().await {
            Ok(answer) => answer.status() == 502 || answer.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(failed);
    }
}

#[tokio::test]
async fn what_is_too_large_for_the_cache_goes_past_it_in_ranges() {
    let large = Router::new().route(
        "/{*path}",
        get(async |headers: HeaderMap| match headers.get("range") {
            Some(range) => {
                assert_eq!(range, "bytes=5-8");
                let headers = [("content-range", "bytes 5-8/99999999"), ("content-type", "video/mp4")];
                (axum::http::StatusCode::PARTIAL_CONTENT, headers, "part").into_response()
            }
            None => ([("content-length", "99999999")], Body::from_stream(stream::pending::<std::io::Result<Bytes>>()))
                .into_response(),
        }),
    );
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let origin = listen(address, large, Limits::default(), async {}).await.unwrap();
    let edge = edge::serve(edge::Config::new(Url::parse(&origin.url()).unwrap(), Access::Open)).await.unwrap();
    let part = client().get(format!("{}/film.mp4", edge.url())).header("range", "bytes=5-8").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), part.headers()["content-range"].clone()),
        (206, "bytes 5-8/99999999".parse().unwrap())
    );
    assert_eq!(part.text().await.unwrap(), "part");
    edge.kill().await;
    origin.kill().await;
}

#[tokio::test]
async fn the_disk_remembers_across_a_restart() {
    let stage = Stage::new().await;
    let cache = stage.dir.path().join("cache");
    let config = || {
        let mut config = stage.edge_config("a");
        config.cache_dir = Some(cache.clone());
        config
    };
    let edge = edge::serve(config()).await.unwrap();
    stage.backend.set_edges(vec![Url::parse(&edge.url()).unwrap()]);
    let viewer = stage.viewer().await;
    let url = beside(&viewer.grant().await, SEGMENT);
    assert_eq!(stage.client.get(&url).send().await.unwrap().bytes().await.unwrap(), segment());
    edge.shutdown().await;

    let edge = edge::serve(config()).await.unwrap();
    stage.backend.set_edges(vec![Url::parse(&edge.url()).unwrap()]);
    let url = beside(&viewer.grant().await, SEGMENT);
    assert_eq!(stage.client.get(&url).send().await.unwrap().bytes().await.unwrap(), segment());
    let log = stage.log("a", 2).await;
    assert_eq!([&log[0]["cache"], &log[1]["cache"]], ["miss", "hit"]);
    edge.shutdown().await;
}
