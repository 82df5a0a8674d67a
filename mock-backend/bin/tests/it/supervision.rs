//! Edges that die or hang: started again under their address, and left out of grants meanwhile.

use std::process::Command;
use std::time::Instant;

use kinora_api::Protocol;
use kinora_backend::edges::{self, Setup};
use kinora_services as services;
use tokio_util::sync::CancellationToken;
use url::Url;

use kinora_stage::{PATIENCE, Stage};

fn setup(stage: &Stage, name: &str) -> Setup {
    Setup {
        program: env!("CARGO_BIN_EXE_kinora-edge").into(),
        name: name.to_owned(),
        host: "127.0.0.1".parse().unwrap(),
        port: 0,
        origin: stage.backend.origin_url(),
        secret_file: services::edge_secret_file(stage.dir.path()),
        log: stage.log_of(name),
        trace: None,
        chaos: None,
        drain: std::time::Duration::from_secs(1),
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap().success());
}

#[tokio::test]
async fn a_killed_edge_is_started_again_under_its_address() {
    let stage = Stage::new().await;
    let edge = edges::start(&setup(&stage, "a")).await.unwrap();
    let (url, pid) = (edge.about.url.clone(), edge.about.pid.unwrap());
    let end = CancellationToken::new();
    let kept = tokio::spawn(edges::keep(setup(&stage, "a"), edge, end.clone()));
    signal(pid, "KILL");
    let begun = Instant::now();
    let health = format!("{url}/healthz");
    // It may answer once more before it is gone, and is back under the same address afterwards.
    let mut was_gone = false;
    loop {
        match stage.client.get(&health).send().await {
            Ok(_) if was_gone => break,
            Ok(_) => {}
            Err(_) => was_gone = true,
        }
        assert!(begun.elapsed() < PATIENCE, "nobody starts it again");
        tokio::task::yield_now().await;
    }
    end.cancel();
    kept.await.unwrap();
    assert!(stage.client.get(&health).send().await.is_err(), "an edge that was to end is not started again");
}

#[tokio::test]
async fn an_edge_that_hangs_is_left_out_of_grants_until_it_answers() {
    let stage = Stage::new().await;
    let (a, b) = (edges::start(&setup(&stage, "a")).await.unwrap(), edges::start(&setup(&stage, "b")).await.unwrap());
    stage.backend.set_edges([&a, &b].map(|edge| Url::parse(&edge.about.url).unwrap()).to_vec());
    let viewer = stage.viewer().await;
    let named = async || {
        let grant = viewer.grant().await;
        let urls = grant.urls(Protocol::Hls).to_vec();
        let stopped = viewer.post(&grant.stop_path, &serde_json::json!({ "position_ms": 0, "phase": "stopped" })).await;
        assert!(stopped.status().is_success());
        urls
    };
    assert_eq!(named().await.len(), 2);
    let pid = a.about.pid.unwrap();
    signal(pid, "STOP");
    let begun = Instant::now();
    for wanted in [1, 2] {
        while named().await.len() != wanted {
            assert!(begun.elapsed() < 2 * PATIENCE, "{wanted} edges are not named");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        if wanted == 1 {
            assert!(named().await[0].starts_with(&b.about.url));
            signal(pid, "CONT");
        }
    }
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn an_edge_that_hangs_does_not_hold_up_the_end() {
    let stage = Stage::new().await;
    // Far longer than any test waits.
    let drain = std::time::Duration::from_secs(3600);
    for hangs in [true, false] {
        let edge = edges::start(&Setup { drain, ..setup(&stage, "a") }).await.unwrap();
        let pid = edge.about.pid.unwrap();
        if hangs {
            signal(pid, "STOP");
        }
        let ended = tokio::time::timeout(PATIENCE, edge.stop()).await;
        assert!(ended.is_ok(), "it is waited for (hangs: {hangs})");
    }
}
