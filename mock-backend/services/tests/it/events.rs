//! What services write to the event log, and what an erased account leaves there.

use std::fs;
use std::path::Path;

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_api::{Heartbeat, PlaybackGrant, PlaybackPhase, PlaybackRequest, ProfileRequest, paths};
use kinora_eventlog::EventLog as _;
use kinora_eventlog::embedded::{Log, Settings};
use kinora_kit::clock::Clock;
use kinora_services::{demo, events};
use kinora_stage::{Stage, TITLE, Viewer};
use serde_json::json;

/// Everything in the log of a backend that has ended, in order for each key.
async fn logged(data: &Path) -> Vec<(String, LoggedEvent)> {
    let log = loop {
        match Log::open(&events::folder(data), Settings::default(), Clock::system()) {
            Err(kinora_eventlog::LogError::InUse(_)) => tokio::task::yield_now().await,
            opened => break opened.unwrap(),
        }
    };
    let mut all = Vec::new();
    for partition in 0..log.partitions() {
        let records = log.read("test", partition, Some(0), 1_000).await.unwrap();
        all.extend(records.into_iter().map(|record| {
            (record.event.key.clone(), serde_json::from_slice::<LoggedEvent>(&record.event.body).unwrap())
        }));
    }
    all
}

/// Names of the events of a key.
fn names(all: &[(String, LoggedEvent)], key: &str) -> Vec<String> {
    let own = all.iter().filter(|(own, _)| own == key);
    own.map(|(_, event)| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned()).collect()
}

/// Returns true if a text stands in a file of the log.
pub fn has(data: &Path, text: &str) -> bool {
    let partitions = (0..8).filter_map(|n| fs::read_dir(events::folder(data).join(n.to_string())).ok());
    let files = partitions.flatten().map(|file| fs::read(file.unwrap().path()).unwrap_or_default());
    files.into_iter().any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

async fn until(is_true: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < kinora_stage::PATIENCE, "it does not become true");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn beat(stage: &Stage, viewer: &Viewer, grant: &PlaybackGrant, position_ms: u64, phase: PlaybackPhase) {
    stage.clock.advance_ms(5_000);
    let sent = viewer.post(&grant.heartbeat_path, &Heartbeat { position_ms, phase }).await;
    assert_eq!(sent.status(), 200);
}

#[tokio::test]
async fn what_viewers_do_is_in_the_log_under_their_profile() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let account = viewer.signed_in.account.id.as_str().to_owned();
    let profile = viewer.signed_in.account.profiles[0].id.as_str().to_owned();
    let grant = viewer.grant().await;
    for (position_ms, phase) in [
        (5_000, PlaybackPhase::Playing),
        (10_000, PlaybackPhase::Paused),
        (10_000, PlaybackPhase::Playing),
        (60_000, PlaybackPhase::Playing),
        (20_000, PlaybackPhase::Playing),
    ] {
        beat(&stage, &viewer, &grant, position_ms, phase).await;
    }
    let last = Heartbeat { position_ms: 21_000, phase: PlaybackPhase::Stopped };
    assert_eq!(viewer.post(&grant.stop_path, &last).await.status(), 204);
    assert_eq!(viewer.put(&paths::my_list_title(&TITLE.into(), None), &()).await.status(), 200);
    let ahead: PlaybackGrant = viewer.ask_ahead().await.json().await.unwrap();
    beat(&stage, &viewer, &ahead, 30_000, PlaybackPhase::Playing).await;
    // Another device takes the only place: the playback is left.
    stage.limit_streams(demo::EMAIL, 1).await;
    let request = PlaybackRequest {
        title_id: TITLE.into(),
        profile_id: None,
        protocols: vec![],
        ahead: false,
        capabilities: None,
        stop: Some(ahead.session_id.clone()),
    };
    assert_eq!(viewer.post(paths::PLAYBACK, &request).await.status(), 200);
    assert_eq!(stage.sign_in(demo::EMAIL, "wrong").await.status(), 401);
    // The refusal is logged after its answer.
    until(|| has(stage.dir.path(), "\"accepted\":false")).await;
    let Stage { dir, backend, .. } = stage;
    backend.shutdown().await;
    let all = logged(dir.path()).await;
    let expected =
        ["play", "watch", "watch", "pause", "seek", "rewind", "watch", "abandon", "listed", "play", "abandon", "play"];
    assert_eq!(names(&all, &profile), expected);
    assert_eq!(names(&all, &account), ["sign_in", "sign_in"]);
    let stretch = all.iter().find_map(|(_, event)| match &event.event {
        ViewerEvent::Watch { from_ms, to_ms, .. } => Some((*from_ms, *to_ms)),
        _ => None,
    });
    assert_eq!(stretch, Some((0, 5_000)));
}

#[tokio::test]
async fn an_erased_account_leaves_only_that_it_is_to_be_forgotten() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let account = viewer.signed_in.account.id.as_str().to_owned();
    let profile = viewer.signed_in.account.profiles[0].id.as_str().to_owned();
    let grant = viewer.grant().await;
    beat(&stage, &viewer, &grant, 5_000, PlaybackPhase::Playing).await;
    let made = ProfileRequest { name: "Third".to_owned(), ..ProfileRequest::default() };
    assert_eq!(viewer.post(paths::PROFILES, &made).await.status(), 200);
    // Some of it is in the log before, some is still on its way.
    let has = |text: &str| has(stage.dir.path(), text);
    until(|| has("\"play\"") && has("127.0.0.1") && has("profile_added")).await;
    beat(&stage, &viewer, &grant, 10_000, PlaybackPhase::Playing).await;
    let erase = json!({ "password": demo::PASSWORD });
    assert_eq!(viewer.post(paths::ERASE, &erase).await.status(), 204);
    until(|| !has("127.0.0.1") && !has(TITLE) && !has("profile_added")).await;
    let Stage { dir, backend, .. } = stage;
    backend.shutdown().await;
    let all = logged(dir.path()).await;
    assert!(all.iter().all(|(_, event)| event.event == ViewerEvent::Forget), "{all:?}");
    for key in [account, profile] {
        assert!(all.iter().any(|(own, _)| *own == key));
    }
}

#[tokio::test]
async fn what_was_searched_for_is_in_the_log_and_nothing_is_not() {
    let (stage, _edge, viewer) = Stage::playing().await;
    for query in ["%20", "small"] {
        viewer.read::<kinora_api::SearchResults>(&format!("/v1/search?q={query}")).await;
    }
    until(|| has(stage.dir.path(), r#""event":"search","query":"small","found":1"#)).await;
    assert!(!has(stage.dir.path(), r#""query":"""#));
}
