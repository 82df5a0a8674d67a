//! Devices with limits: their manifests have no more than they play, and their media are those of everyone.

use std::fs;

use kinora_api::{Capabilities, ErrorCode, PlaybackGrant, PlaybackRequest, Protocol, TakeOver, paths};
use kinora_stage::{Stage, TITLE, Viewer, error};

const HLS: &str = "#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS=\"avc1.640015\",RESOLUTION=426x240
video/240p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS=\"avc1.64001f\",RESOLUTION=1280x720
video/720p/playlist.m3u8
";
const DASH: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet mimeType="video/mp4">
<Representation id="240p" codecs="avc1.640015" bandwidth="400000" height="240"/>
<Representation id="720p" codecs="avc1.64001f" bandwidth="3000000" height="720"/>
</AdaptationSet></Period></MPD>
"#;

/// Gives the title of the stage a second representation, before a backend reads it.
fn write_ladder(data: &std::path::Path) {
    let title = data.join("media").join(TITLE);
    fs::write(title.join("master.m3u8"), HLS).unwrap();
    fs::write(title.join("manifest.mpd"), DASH).unwrap();
    let text = fs::read_to_string(title.join("title.json")).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rung = |height: u32, bps: u64| {
        serde_json::json!({ "name": format!("{height}p"), "width": height * 16 / 9, "height": height,
                            "codec": "avc1.640015", "average_bps": bps, "peak_bps": bps })
    };
    record["rungs"] = serde_json::json!([rung(240, 400_000), rung(720, 3_000_000)]);
    fs::write(title.join("title.json"), record.to_string()).unwrap();
}

async fn ask(viewer: &Viewer, capabilities: Option<Capabilities>) -> reqwest::Response {
    let request = PlaybackRequest {
        title_id: TITLE.into(),
        profile_id: None,
        protocols: vec![],
        ahead: false,
        capabilities,
        stop: None,
    };
    viewer.post(paths::PLAYBACK, &request).await
}

fn lines(max_height: u32) -> Option<Capabilities> {
    Some(Capabilities { max_height: Some(max_height), ..Capabilities::default() })
}

/// File names of the manifests of a grant, HLS and DASH.
fn names(grant: &PlaybackGrant) -> [&str; 2] {
    [Protocol::Hls, Protocol::Dash].map(|protocol| grant.urls(protocol)[0].rsplit('/').next().unwrap())
}

#[tokio::test]
async fn a_device_with_limits_gets_manifests_within_them() {
    let stage = Stage::with(|config| write_ladder(&config.data)).await;
    let _edge = stage.edge().await;
    let viewer = stage.viewer().await;
    for full in [None, Some(Capabilities::default()), lines(720)] {
        let grant: PlaybackGrant = ask(&viewer, full).await.json().await.unwrap();
        assert_eq!(names(&grant), ["master.m3u8", "manifest.mpd"]);
    }
    let grant: PlaybackGrant = ask(&viewer, lines(480)).await.json().await.unwrap();
    assert_eq!(names(&grant), ["master.h480.m3u8", "manifest.h480.mpd"]);
    for (protocol, full, kind) in
        [(Protocol::Hls, HLS, "application/vnd.apple.mpegurl"), (Protocol::Dash, DASH, "application/dash+xml")]
    {
        let url = &grant.urls(protocol)[0];
        let answer = stage.client.get(url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, kind));
        let etag = answer.headers()["etag"].clone();
        let text = answer.text().await.unwrap();
        assert!(text.contains("240p") && !text.contains("720p") && text.len() < full.len(), "{text}");
        let part = stage.client.get(url).header("range", "bytes=1-3").send().await.unwrap();
        assert_eq!((part.status().as_u16(), part.text().await.unwrap().as_str()), (206, &text[1..4]));
        let known = stage.client.get(url).header("if-none-match", etag).send().await.unwrap();
        assert_eq!(known.status(), 304);
    }
    let manifest = &grant.urls(Protocol::Hls)[0];
    for absent in ["h481", "h0480", "x", "h144", "h480_b100", "cavc1_h480"] {
        let url = manifest.replace("h480", absent);
        let (status, error) = error(stage.client.get(&url).send().await.unwrap()).await;
        assert_eq!((status, error.kind()), (404, Some(ErrorCode::NotFound)), "{absent}");
    }
}

#[tokio::test]
async fn a_renewal_keeps_the_limits_and_another_device_has_its_own() {
    let stage = Stage::with(|config| write_ladder(&config.data)).await;
    let _edge = stage.edge().await;
    let (tv, phone) = (stage.viewer_on("tv").await, stage.viewer_on("phone").await);
    let grant: PlaybackGrant = ask(&phone, lines(300)).await.json().await.unwrap();
    assert_eq!(names(&grant)[0], "master.h240.m3u8");
    let renewed: PlaybackGrant = phone.post(&grant.renew_path, &()).await.json().await.unwrap();
    assert_eq!(names(&renewed), names(&grant));
    let path = format!("/v1/playback/{}/take-over", grant.session_id.as_str());
    let taken: PlaybackGrant = tv.post(&path, &TakeOver::default()).await.json().await.unwrap();
    assert_eq!(names(&taken), ["master.m3u8", "manifest.mpd"]);
    let back = TakeOver { capabilities: lines(300), ..TakeOver::default() };
    let path = format!("/v1/playback/{}/take-over", taken.session_id.as_str());
    let back: PlaybackGrant = phone.post(&path, &back).await.json().await.unwrap();
    assert_eq!(names(&back), names(&grant));
}

#[tokio::test]
async fn a_device_that_plays_nothing_is_told_why_and_takes_no_place() {
    let stage = Stage::with(|config| write_ladder(&config.data)).await;
    let _edge = stage.edge().await;
    let viewer = stage.viewer().await;
    stage.limit_streams(kinora_services::demo::EMAIL, 1).await;
    let only_hevc = Capabilities { codecs: vec!["hvc1".to_owned()], ..Capabilities::default() };
    for device in [lines(200).unwrap(), only_hevc] {
        let (status, error) = error(ask(&viewer, Some(device)).await).await;
        assert_eq!((status, error.kind()), (409, Some(ErrorCode::NothingPlayable)));
        assert!(error.message.starts_with("the title has no representation within the limits of the device: "));
    }
    assert_eq!(ask(&viewer, None).await.status(), 200);
}
