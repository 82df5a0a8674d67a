//! Faults of a plan over real sockets: each does what it is called, and the log says so.

use std::time::Duration;

use kinora_edge_server::log::Destination;
use kinora_edge_server::{self as edge, Access};
use kinora_faults::FaultPlan;
use kinora_kit::http::server::{Limits, Running, listen};
use url::Url;

use kinora_stage::{SEGMENT, Stage, beside, error, segment};

async fn stage_with(plan: &str) -> (Stage, Running, String) {
    let stage = Stage::new().await;
    let mut config = stage.edge_config("a");
    config.chaos = Some(FaultPlan::parse(plan).unwrap());
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

#[tokio::test]
async fn pages_empty_bodies_and_redirects_stand_for_the_file() {
    let plan = format!(
        "{}{}{}{}",
        rule("{ type = \"html\" }"),
        rule("{ type = \"empty\" }"),
        rule("{ type = \"redirect\", host = \"two.invalid:81\" }"),
        rule("{ type = \"status\", code = 429, retry_after_ms = 1500 }")
    );
    let (stage, _edge, url) = stage_with(&plan).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let page = client.get(&url).send().await.unwrap();
    assert_eq!((page.status().as_u16(), &page.headers()["content-type"]), (200, &"text/html".parse().unwrap()));
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    let empty = client.get(&url).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!((empty.status().as_u16(), empty.content_length()), (200, Some(0)));
    assert_eq!(empty.bytes().await.unwrap().len(), 0);
    let elsewhere = client.get(&url).send().await.unwrap();
    let path = Url::parse(&url).unwrap().path().to_owned();
    assert_eq!(elsewhere.status(), 302);
    assert_eq!(elsewhere.headers()["location"].to_str().unwrap(), format!("http://two.invalid:81{path}"));
    let busy = client.get(&url).send().await.unwrap();
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (429, &"2".parse().unwrap()));
    assert_eq!(client.get(&url).send().await.unwrap().bytes().await.unwrap(), segment(), "and then as usual");
    assert_eq!(stage.log("a", 5).await[3]["chaos"], serde_json::json!(["fault"]));
}

#[tokio::test]
async fn ranges_are_answered_in_part_or_with_the_whole_file() {
    let plan = format!("{}{}", rule("{ type = \"parts\", count = 4 }"), rule("{ type = \"whole_file\" }"));
    let (stage, _edge, url) = stage_with(&plan).await;
    let film = segment();
    let ask = async || stage.client.get(&url).header("range", "bytes=1000-1999").send().await.unwrap();
    let part = ask().await;
    assert_eq!(
        (part.status().as_u16(), part.headers()["content-range"].to_str().unwrap()),
        (206, "bytes 1000-1249/700001")
    );
    assert_eq!(part.bytes().await.unwrap(), &film[1000..1250]);
    let whole = ask().await;
    assert_eq!((whole.status().as_u16(), whole.bytes().await.unwrap()), (200, film.clone().into()));
    assert_eq!(ask().await.bytes().await.unwrap(), &film[1000..2000]);
}

#[tokio::test]
async fn shares_are_of_the_answer() {
    let plan = format!(
        "{}{}",
        rule("{ type = \"reset\", after_permille = 500 }"),
        rule("{ type = \"corrupt\", from_permille = 500 }")
    );
    let (stage, _edge, url) = stage_with(&plan).await;
    let film = segment();
    let ask = async || stage.client.get(&url).header("range", "bytes=1000-1999").send().await;
    // A reset also drops what the client has not read yet, so that it may lose the head as well.
    let is_broken = match ask().await {
        Ok(answer) => answer.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(is_broken, "the body breaks off");
    assert_eq!(stage.log("a", 1).await[0]["bytes"], 500);
    let body = ask().await.unwrap().bytes().await.unwrap();
    let wrong: Vec<usize> = (0..1000).filter(|&at| body[at] != film[1000 + at]).collect();
    assert_eq!(wrong, (500..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn garbled_heads_refused_connections_and_silence_are_no_answers() {
    let plan = format!(
        "{}{}{}",
        rule("{ type = \"garbled\" }"),
        rule("{ type = \"refuse\" }"),
        rule("{ type = \"silence\" }")
    );
    let (stage, edge, url) = stage_with(&plan).await;
    let address = Url::parse(&url).unwrap();
    let mut stream = tokio::net::TcpStream::connect(edge.address()).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: {}\r\n\r\n", address.path(), edge.address());
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut head = [1; 8];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut head).await.unwrap();
    assert_eq!(head, [0; 8], "it is not HTTP");
    drop(stream);
    let refused = stage.client.get(&url).send().await;
    assert!(refused.is_err(), "{refused:?}");
    let silence = tokio::time::timeout(Duration::from_millis(50), stage.client.get(&url).send()).await;
    assert!(silence.is_err(), "{silence:?}");
    assert_eq!(stage.client.get(&url).send().await.unwrap().bytes().await.unwrap(), segment(), "and then as usual");
    edge.kill().await;
}

#[tokio::test]
async fn a_plan_that_no_server_can_obey_is_refused_at_the_start() {
    let stage = Stage::new().await;
    let mut config = stage.edge_config("a");
    config.chaos = Some(FaultPlan::parse(&rule("{ type = \"untrusted\" }")).unwrap());
    let refused = edge::serve(config).await.expect_err("refused").to_string();
    assert!(refused.contains("rule fault: a server cannot"), "{refused}");
}

/// A plan and a sequence of requests with recorded verdicts, which the pure plan and the virtual origin are held to as well.
#[tokio::test]
async fn the_recorded_verdicts_are_those_of_the_edge() {
    let recorded = include_str!("../../../../tests/faults/examples/verdicts.txt");
    let plan = FaultPlan::parse(include_str!("../../../../tests/faults/examples/plan.toml")).unwrap();
    let origin = axum::Router::new().fallback(async || "a file");
    let origin = listen("127.0.0.1:0".parse().unwrap(), origin, Limits::default(), async {}).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("edge.log");
    let mut config = edge::Config::new(Url::parse(&origin.url()).unwrap(), Access::Open);
    (config.chaos, config.log) = (Some(plan), Destination::File(log.clone()));
    let edge = edge::serve(config).await.unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for line in recorded.lines() {
        let path = line.split(' ').next().unwrap();
        drop(client.get(format!("{}/{path}", edge.url())).send().await.unwrap().bytes().await);
    }
    edge.shutdown().await;
    let mut verdicts = String::new();
    for line in std::fs::read_to_string(log).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let names: Vec<&str> =
            line["chaos"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
        let names = if names.is_empty() { "-".to_owned() } else { names.join("+") };
        verdicts += &format!("{} {}\n", line["path"].as_str().unwrap(), names);
    }
    assert_eq!(verdicts, recorded);
}
