//! Faults of a plan over real sockets: each does what it is called, and the log says so.

use std::time::Duration;

use kinora_chaos::plan::Plan;
use kinora_edge_server as edge;
use kinora_kit::http::server::Running;
use url::Url;

use kinora_stage::{SEGMENT, Stage, beside, error, segment};

async fn stage_with(plan: &str) -> (Stage, Running, String) {
    let stage = Stage::new().await;
    let mut config = stage.edge_config("a");
    config.chaos = Some(Plan::parse(plan).unwrap());
    let edge = edge::serve(config).await.unwrap();
    stage.backend.set_edges(vec![Url::parse(&edge.url()).unwrap()]);
    let url = beside(&stage.viewer().await.grant().await, SEGMENT);
    (stage, edge, url)
}

fn rule(fault: &str) -> String {
    format!("[[rule]]\nname = \"fault\"\npath = 'm4s$'\ncount = 1\nfault = {fault}\n")
}

#[tokio::test]
async fn a_status_once_and_then_as_usual() {
    let (stage, _edge, url) = stage_with(&rule("{ type = \"status\", code = 503 }")).await;
    let (status, body) = error(stage.client.get(&url).send().await.unwrap()).await;
    assert_eq!((status, body.name.as_str()), (503, "injected_fault"));
    assert_eq!(stage.client.get(&url).send().await.unwrap().bytes().await.unwrap(), segment());
    let log = stage.log("a", 2).await;
    assert_eq!(log[0]["chaos"], serde_json::json!(["fault"]));
    assert_eq!(log[1].get("chaos"), None);
}

#[tokio::test]
async fn a_reset_in_the_middle_breaks_the_body() {
    let (stage, _edge, url) = stage_with(&rule("{ type = \"reset\", after_bytes = 300000 }")).await;
    let mut answer = stage.client.get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.content_length()), (200, Some(700_001)));
    let mut got = 0;
    let broken = loop {
        match answer.chunk().await {
            Ok(Some(bytes)) => got += bytes.len(),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken && got <= 300_000, "{got}");
    let log = stage.log("a", 1).await;
    assert_eq!((&log[0]["complete"], &log[0]["bytes"]), (&false.into(), &300_000.into()));
}

#[tokio::test]
async fn a_truncated_body_looks_complete() {
    let (stage, _edge, url) = stage_with(&rule("{ type = \"truncate\", after_bytes = 300000 }")).await;
    let body = stage.client.get(&url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(body, &segment()[..300_000]);
}

#[tokio::test]
async fn a_corrupted_body_has_its_length_and_the_wrong_bytes() {
    let (stage, _edge, url) = stage_with("[[rule]]\nfault = { type = \"corrupt\", from = 1000, every = 100000 }").await;
    let film = segment();
    let body = stage.client.get(&url).send().await.unwrap().bytes().await.unwrap();
    let wrong: Vec<usize> = (0..film.len()).filter(|&at| film[at] != body[at]).collect();
    assert_eq!(wrong, [1_000, 101_000, 201_000, 301_000, 401_000, 501_000, 601_000]);
    let part = stage.client.get(&url).header("range", "bytes=100999-101001").send().await.unwrap();
    assert_eq!(part.bytes().await.unwrap(), &body[100_999..101_002], "a range has the same wrong bytes");
}

#[tokio::test]
async fn a_stalled_body_gives_its_beginning_and_then_nothing() {
    let (stage, edge, url) = stage_with(&rule("{ type = \"stall\", after_bytes = 1000 }")).await;
    let mut answer = stage.client.get(&url).send().await.unwrap();
    let mut got = 0;
    while got < 1000 {
        got += answer.chunk().await.unwrap().unwrap().len();
    }
    assert_eq!(got, 1000);
    let silence = tokio::time::timeout(Duration::from_millis(50), answer.chunk()).await;
    assert!(silence.is_err(), "{silence:?}");
    drop(answer);
    assert_eq!(stage.log("a", 1).await[0]["bytes"], 1000, "the edge notices that the client has left");
    edge.kill().await;
}
