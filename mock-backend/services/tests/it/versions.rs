//! A title that is replaced while it is played: each address gives one version, at the edge as at the origin.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use kinora_api::{ErrorCode, Protocol, TitleDetail, paths};
use kinora_media as media;

use kinora_stage::{PATIENCE, SEGMENT, Stage, TITLE, beside, error, segment};

/// Replaces the title's directory as the packager does, with other bytes under the same names. Returns the directory of the
/// version that was replaced, whose time says that this was an hour ago.
fn replace(stage: &Stage, bytes: &str, created: &str) -> PathBuf {
    let media = media::media_dir(stage.dir.path());
    let (current, next) = (media.join(TITLE), media.join(".next"));
    fs::create_dir_all(next.join("video/240p")).unwrap();
    for file in ["master.m3u8", "poster.jpg"] {
        fs::write(next.join(file), bytes).unwrap();
    }
    fs::write(next.join(SEGMENT), bytes).unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(current.join("title.json")).unwrap()).unwrap();
    let replaced = stage.dir.path().join("media-replaced").join(format!("{TITLE}@{}", version(&record)));
    record["created"] = created.into();
    fs::write(next.join("title.json"), record.to_string()).unwrap();
    fs::create_dir_all(replaced.parent().unwrap()).unwrap();
    fs::rename(&current, &replaced).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(&replaced).unwrap().set_modified(hour_ago).unwrap();
    fs::rename(&next, &current).unwrap();
    replaced
}

fn version(record: &serde_json::Value) -> i64 {
    record["created"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[tokio::test]
async fn segments_of_one_version_never_follow_a_manifest_of_another() {
    let (stage, edge, viewer) = Stage::playing().await;
    let old = viewer.grant().await;
    let get = async |url: String| stage.client.get(url).send().await.unwrap();
    let first = get(beside(&old, SEGMENT)).await.bytes().await.unwrap();
    replace(&stage, "the second version", "2026-02-02T00:00:00Z");
    let begun = Instant::now();
    let new = loop {
        // The catalogue is read again when its directory has changed, at most once a second.
        let grant = viewer.grant().await;
        if grant.urls(Protocol::Hls)[0].rsplit('/').nth(1) != old.urls(Protocol::Hls)[0].rsplit('/').nth(1) {
            break grant;
        }
        assert!(begun.elapsed() < PATIENCE, "the new version is not granted");
        let body = serde_json::json!({ "position_ms": 0, "phase": "stopped" });
        viewer.post(&grant.stop_path, &body).await;
        tokio::task::yield_now().await;
    };
    for file in ["master.m3u8", SEGMENT] {
        assert_eq!(get(beside(&new, file)).await.text().await.unwrap(), "the second version", "{file}");
    }
    // The old address goes on giving the old bytes, or nothing: never the new ones.
    assert_eq!(get(beside(&old, SEGMENT)).await.bytes().await.unwrap(), first);
    assert_eq!(get(beside(&old, "poster.jpg")).await.text().await.unwrap(), "not really a jpeg", "not fetched before");
    let renewed = viewer.post(&old.renew_path, &serde_json::json!({})).await;
    let renewed: kinora_api::PlaybackGrant = renewed.json().await.unwrap();
    assert_eq!(get(beside(&renewed, SEGMENT)).await.bytes().await.unwrap(), first, "a playback keeps its version");
    // Without a version the current one is meant, and nothing old is kept under the name.
    let plain = |file: &str| {
        let url = beside(&new, file);
        let version = url.split('/').find(|name| name.starts_with('v') && name[1..].parse::<i64>().is_ok()).unwrap();
        url.replace(&format!("/{version}/"), "/")
    };
    assert_eq!(get(plain(SEGMENT)).await.text().await.unwrap(), "the second version");
    replace(&stage, "the third version", "2026-03-03T00:00:00Z");
    assert_eq!(get(plain(SEGMENT)).await.text().await.unwrap(), "the third version");
    edge.shutdown().await;
}

#[tokio::test]
async fn a_version_stays_for_as_long_as_a_playback_needs_it() {
    let (stage, edge, viewer) = Stage::playing().await;
    let played = viewer.grant().await;
    let get = async |url: String| stage.client.get(url).send().await.unwrap();
    let gone = async |directory: &Path| {
        let begun = Instant::now();
        while directory.exists() {
            assert!(begun.elapsed() < PATIENCE, "{} stays", directory.display());
            tokio::task::yield_now().await;
        }
    };
    let first = replace(&stage, "2", "2026-02-02T00:00:00Z");
    let second = replace(&stage, "3", "2026-03-03T00:00:00Z");
    for (bytes, created) in [("4", "2026-04-04T00:00:00Z"), ("5", "2026-05-05T00:00:00Z")] {
        replace(&stage, bytes, created);
    }
    // Two stay in any case; of the others the one that is played.
    gone(&second).await;
    assert_eq!(get(beside(&played, SEGMENT)).await.bytes().await.unwrap(), segment());
    let renewed = viewer.post(&played.renew_path, &serde_json::json!({})).await;
    let renewed: kinora_api::PlaybackGrant = renewed.json().await.unwrap();
    assert_eq!(get(beside(&renewed, "poster.jpg")).await.text().await.unwrap(), "not really a jpeg");

    // The need ends with the playback.
    let stopped = viewer.post(&played.stop_path, &serde_json::json!({ "position_ms": 0, "phase": "stopped" })).await;
    assert!(stopped.status().is_success());
    fs::File::open(&first).unwrap().set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    replace(&stage, "6", "2026-06-06T00:00:00Z");
    gone(&first).await;
    edge.shutdown().await;
}

#[tokio::test]
async fn a_renewal_never_names_a_version_that_is_gone() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let played = viewer.grant().await;
    let first = replace(&stage, "2", "2026-02-02T00:00:00Z");
    assert_eq!(viewer.post(&played.renew_path, &serde_json::json!({})).await.status(), 200);
    fs::remove_dir_all(first).unwrap();
    let begun = Instant::now();
    let (status, gone) = loop {
        // The catalogue may still hold the replaced version for a second.
        let answer = viewer.post(&played.renew_path, &serde_json::json!({})).await;
        if answer.status() != 200 {
            break error(answer).await;
        }
        assert!(begun.elapsed() < PATIENCE, "the version is named");
        tokio::task::yield_now().await;
    };
    assert_eq!((status, gone.kind()), (404, Some(ErrorCode::PlaybackSessionNotFound)));
}

#[tokio::test]
async fn a_record_that_is_changed_in_its_place_is_taken_over() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let detail: TitleDetail = viewer.read(&paths::title(&TITLE.into(), None)).await;
    assert_eq!(detail.card.name, "Small Film");
    let file = stage.dir.path().join("media").join(TITLE).join("title.json");
    let text = fs::read_to_string(&file).unwrap().replace("Small Film", "Other Name");
    fs::write(&file, text).unwrap();
    let begun = Instant::now();
    loop {
        let detail: TitleDetail = viewer.read(&paths::title(&TITLE.into(), None)).await;
        if detail.card.name == "Other Name" {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "the record is not read again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
