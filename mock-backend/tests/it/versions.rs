//! A title that is replaced while it is played: each address gives one version, at the edge as at the origin.

use std::fs;

use kinora_api::Protocol;
use mock_backend::media;

use crate::stage::{SEGMENT, Stage, TITLE, beside};

/// Replaces the title's directory as the packager does, with other bytes under the same names.
fn replace(stage: &Stage, bytes: &str, created: &str) {
    let media = media::media_dir(stage.dir.path());
    let (current, next) = (media.join(TITLE), media.join(".next"));
    fs::create_dir_all(next.join("video/240p")).unwrap();
    for file in ["master.m3u8", "poster.jpg"] {
        fs::write(next.join(file), bytes).unwrap();
    }
    fs::write(next.join(SEGMENT), bytes).unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(current.join("title.json")).unwrap()).unwrap();
    record["created"] = created.into();
    fs::write(next.join("title.json"), record.to_string()).unwrap();
    fs::rename(&current, media.join(".gone")).unwrap();
    fs::rename(&next, &current).unwrap();
}

#[tokio::test]
async fn segments_of_one_version_never_follow_a_manifest_of_another() {
    let stage = Stage::new().await;
    let edge = stage.edge().await;
    let viewer = stage.viewer().await;
    let old = viewer.grant().await;
    let get = async |url: String| stage.client.get(url).send().await.unwrap();
    let first = get(beside(&old, SEGMENT)).await.bytes().await.unwrap();
    replace(&stage, "the second version", "2026-02-02T00:00:00Z");
    let begun = std::time::Instant::now();
    let new = loop {
        // The catalogue is read again when its directory has changed, at most once a second.
        let grant = viewer.grant().await;
        if grant.urls(Protocol::Hls)[0].rsplit('/').nth(1) != old.urls(Protocol::Hls)[0].rsplit('/').nth(1) {
            break grant;
        }
        assert!(begun.elapsed() < crate::stage::PATIENCE, "the new version is not granted");
        let body = serde_json::json!({ "position_ms": 0, "phase": "stopped" });
        viewer.post(&grant.stop_path, &body).await;
        tokio::task::yield_now().await;
    };
    for file in ["master.m3u8", SEGMENT] {
        assert_eq!(get(beside(&new, file)).await.text().await.unwrap(), "the second version", "{file}");
    }
    // The old address goes on giving the old bytes, or nothing: never the new ones.
    assert_eq!(get(beside(&old, SEGMENT)).await.bytes().await.unwrap(), first);
    assert_eq!(get(beside(&old, "poster.jpg")).await.status(), 404, "it was not fetched before");
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
    replace_again(&stage);
    assert_eq!(get(plain(SEGMENT)).await.text().await.unwrap(), "the third version");
    edge.shutdown().await;
}

fn replace_again(stage: &Stage) {
    fs::remove_dir_all(media::media_dir(stage.dir.path()).join(".gone")).unwrap();
    replace(stage, "the third version", "2026-03-03T00:00:00Z");
}
