//! A process that is killed while viewers report: what was answered is in the event log, once.

use std::collections::HashMap;

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_eventlog::embedded::{Log, Settings};
use kinora_eventlog::{EventLog as _, LogError};
use kinora_kit::clock::Clock;
use kinora_services::{demo, events};
use kinora_stage::{TITLE, write_title};
use serde_json::{Value, json};

use super::binaries::{BACKEND, Program};

async fn post(client: &reqwest::Client, url: String, token: &str, body: &Value) -> reqwest::Result<Value> {
    let answer = client.post(url).bearer_auth(token).json(body).send().await?;
    answer.error_for_status()?.json().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_report_that_was_answered_is_lost_from_the_log_or_doubled() {
    let dir = tempfile::tempdir().unwrap();
    write_title(dir.path());
    let data = dir.path().to_str().unwrap();
    let client = kinora_stage::client();
    let mut answered: HashMap<String, Vec<u64>> = HashMap::new();
    for round in 0..4_u64 {
        let arguments = ["--data", data, "--demo", "--edge", "http://127.0.0.1:9"];
        let mut backend = Program::start(BACKEND, &arguments);
        let base = backend.url().as_str().trim_end_matches('/').to_owned();
        let device = json!({ "id": "tv", "name": "tv", "platform": "test", "app_version": "1" });
        let sign_in = json!({ "email": demo::EMAIL, "password": demo::PASSWORD, "device": device });
        let signed_in = post(&client, format!("{base}/v1/sign-in"), "", &sign_in).await.unwrap();
        let token = signed_in["tokens"]["access_token"].as_str().unwrap();
        let request = json!({ "title_id": TITLE, "protocols": ["hls"] });
        let grant = post(&client, format!("{base}/v1/playback"), token, &request).await.unwrap();
        let (session, path) = (grant["session_id"].as_str().unwrap(), grant["heartbeat_path"].as_str().unwrap());
        let resumed = grant["resume_position_ms"].as_u64().unwrap();
        // More in each round, so that the kill falls into different states of what moves events.
        for n in 1..=20 + round * 45 {
            let position_ms = resumed + n * 10;
            let beat = json!({ "position_ms": position_ms, "phase": "playing" });
            post(&client, format!("{base}{path}"), token, &beat).await.unwrap();
            answered.entry(session.to_owned()).or_default().push(position_ms);
        }
        if round == 3 {
            backend.signal("TERM");
            assert_eq!(backend.ended().code(), Some(0));
        } else {
            backend.signal("KILL");
            backend.ended();
        }
    }
    let log = loop {
        match Log::open(&events::folder(dir.path()), Settings::default(), Clock::system()) {
            Err(LogError::InUse(_)) => tokio::task::yield_now().await,
            opened => break opened.unwrap(),
        }
    };
    let (mut ids, mut stretches) = (Vec::new(), HashMap::<String, Vec<u64>>::new());
    for partition in 0..log.partitions() {
        for record in log.read("test", partition, Some(0), 1_000).await.unwrap() {
            ids.push(record.event.id.clone());
            let event: LoggedEvent = serde_json::from_slice(&record.event.body).unwrap();
            if let ViewerEvent::Watch { playback, to_ms, .. } = event.event {
                stretches.entry(playback).or_default().push(to_ms);
            }
        }
    }
    assert_eq!(stretches, answered, "each answered report once, in order");
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an identifier is there once");
}
