//! Live channels through an edge: one request of the origin for all who wait for the same, media while it is written, and nothing
//! that is remembered too long.

use std::time::Duration;

use futures_util::StreamExt as _;
use kinora_api::{Home, PlaybackGrant, Protocol, RowKind, SearchResults, TitleDetail, TitleKind, paths};
use kinora_kit::clock::Clock;
use kinora_kit::http::server::Running;
use kinora_stage::live::{CHANNEL, LOOPED, SEGMENT_MS, write};
use kinora_stage::{NOON, Stage, error};
use reqwest::Response;
use serde_json::Value;
use url::Url;

/// Age of the channel when a stage begins: 50 segments.
const AGE_MS: i64 = 100_000;

/// A stage with a channel, an edge, and a grant.
async fn on_air() -> (Stage, Running, PlaybackGrant) {
    let stage = Stage::with(|config| write(&config.data, NOON - AGE_MS)).await;
    let edge = stage.edge().await;
    let granted = stage.viewer().await.ask_for(CHANNEL).await;
    assert_eq!(granted.status(), 200);
    (stage, edge, granted.json().await.unwrap())
}

fn address(grant: &PlaybackGrant, file: &str) -> String {
    let manifest = &grant.urls(Protocol::Hls)[0];
    let (directory, _) = manifest.rsplit_once('/').unwrap();
    format!("{directory}/{file}")
}

fn outcomes(log: &[Value], file: &str) -> Vec<String> {
    let own = log.iter().filter(|line| line["path"].as_str().unwrap().ends_with(file));
    own.map(|line| line["cache"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_home_screen_has_a_row_of_what_is_on_the_air() {
    let (stage, _edge, grant) = on_air().await;
    assert_eq!((grant.duration_ms, grant.resume_position_ms), (0, 0));
    let home: Home = stage.viewer().await.read(&paths::home(None)).await;
    let row = home.rows.iter().find(|row| row.kind == RowKind::Live).unwrap();
    let card = &row.titles[0];
    assert_eq!((card.id.as_str(), card.kind, card.name.as_str()), (CHANNEL, TitleKind::Live, "Small Channel"));
    let live = card.live.as_ref().unwrap();
    assert_eq!((live.now.title_id.as_str(), live.now.name.as_str()), (LOOPED, "Small Loop"));
    assert_eq!((live.now.started_at, live.now.ends_at, live.next.started_at), (NOON, NOON + 10_000, NOON + 10_000));
    let detail: TitleDetail = stage.viewer().await.read(&paths::title(&CHANNEL.into(), None)).await;
    assert_eq!(detail.card.live, card.live);
    let found: SearchResults = stage.viewer().await.read("/v1/search?q=small").await;
    assert!(found.titles.iter().all(|card| card.kind != TitleKind::Live), "searches find titles only");
    assert!(
        home.rows
            .iter()
            .filter(|row| row.kind != RowKind::Live)
            .all(|row| row.titles.iter().all(|card| card.live.is_none()))
    );
}

#[tokio::test]
async fn all_who_wait_for_a_playlist_cost_the_origin_one_request() {
    let (stage, _edge, grant) = on_air().await;
    let master = stage.client.get(address(&grant, "master.m3u8")).send().await.unwrap();
    assert!(master.text().await.unwrap().contains("video/240p/playlist.m3u8"));
    // Fifty segments are complete, and no part of the next.
    let spellings = ["_HLS_msn=50&_HLS_part=1", "_HLS_part=1&_HLS_msn=50", "CMCD=bl%3D7&_HLS_msn=050&_HLS_part=1"];
    let ask = |index: usize| {
        let url = address(&grant, &format!("video/240p/playlist.m3u8?{}", spellings[index % spellings.len()]));
        let client = stage.client.clone();
        tokio::spawn(async move { client.get(url).send().await.unwrap().text().await.unwrap() })
    };
    let mut first = ask(0);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut first).await.is_err(), "it is not there yet");
    let others: Vec<_> = (1..12).map(ask).collect();
    stage.clock.advance_ms(999);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut first).await.is_err(), "a millisecond is missing");
    stage.clock.advance_ms(1);
    let text = first.await.unwrap();
    assert!(text.contains("seg-50.1.m4s") && text.contains("TYPE=PART,URI=\"seg-50.2.m4s\""), "{text}");
    for other in others {
        assert_eq!(other.await.unwrap(), text);
    }
    let log = stage.log("a", 13).await;
    let found = outcomes(&log, "playlist.m3u8");
    assert_eq!(found.len(), 12);
    assert_eq!(found.iter().filter(|outcome| *outcome == "miss").count(), 1, "{found:?}");
}

#[tokio::test]
async fn a_segment_is_read_while_it_is_written() {
    let (stage, _edge, grant) = on_air().await;
    stage.clock.advance_ms(500);
    let url = address(&grant, "video/240p/seg-50.m4s");
    let get = async || stage.client.get(&url).send().await.unwrap();
    let (first, second) = (get().await, get().await);
    assert_eq!((first.status(), first.content_length()), (reqwest::StatusCode::OK, None));
    let (mut first, mut second) = (first.bytes_stream(), second.bytes_stream());
    let mut begun = [first.next().await.unwrap().unwrap().to_vec(), second.next().await.unwrap().unwrap().to_vec()];
    assert_eq!(begun[0], begun[1]);
    let moofs = |bytes: &[u8]| bytes.windows(4).filter(|kind| kind == b"moof").count();
    assert_eq!(moofs(&begun[0]), 1, "one part of four has been written");
    assert!(tokio::time::timeout(Duration::from_millis(100), first.next()).await.is_err());
    stage.clock.advance_ms(SEGMENT_MS);
    for (stream, bytes) in [first, second].iter_mut().zip(&mut begun) {
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece.unwrap());
        }
    }
    assert_eq!(moofs(&begun[0]), 4);
    let whole: Response = get().await;
    assert_eq!(whole.content_length(), Some(begun[0].len() as u64));
    assert_eq!([whole.bytes().await.unwrap().to_vec(), begun[1].clone()], [begun[0].clone(), begun[0].clone()]);
    let log = stage.log("a", 3).await;
    let mut found = outcomes(&log, "seg-50.m4s");
    found.sort();
    assert_eq!(found, ["collapsed", "hit", "miss"]);
}

#[tokio::test]
async fn what_comes_too_early_is_asked_for_again() {
    let (stage, _edge, grant) = on_air().await;
    let get = async |file: &str| stage.client.get(address(&grant, file)).send().await.unwrap();
    // The next segment begins now, the one after it in two seconds, and one in four.
    let (status, problem) = error(get("video/240p/seg-52.m4s").await).await;
    assert_eq!((status, problem.name.as_str()), (425, "not_found"));
    let (status, _) = error(get("video/240p/playlist.m3u8?_HLS_msn=53").await).await;
    assert_eq!(status, 400);
    stage.clock.advance_ms(4_600);
    let mut part = get("video/240p/seg-52.m4s").await;
    assert_eq!(part.status(), 200);
    assert!(part.chunk().await.unwrap().is_some());
    drop(part);
    assert_eq!(error(get("video/240p/seg-1.m4s").await).await.0, 404, "it left the window");
    assert_eq!(error(get("video/240p/none.m4s").await).await.0, 404);
    let mpd = get("manifest.mpd").await.text().await.unwrap();
    assert!(mpd.contains("type=\"dynamic\""), "{mpd}");
    let time = get("time").await;
    assert_eq!(time.headers()["cache-control"], "no-store");
    assert_eq!(time.text().await.unwrap(), "2096-10-02T07:06:44.6Z");
    let filtered = get("master.h144.m3u8").await;
    assert_eq!(filtered.status(), 404, "the channel has no rung so low");
}

#[tokio::test]
async fn parts_come_one_after_another_by_the_clock_of_the_machine() {
    let clock = Clock::system();
    let own = clock.clone();
    let stage = Stage::with(|config| {
        config.clock = own;
        write(&config.data, Clock::system().now_ms() - AGE_MS);
    })
    .await;
    let mut config = stage.edge_config("a");
    config.clock = clock;
    let edge = kinora_edge_server::serve(config).await.unwrap();
    stage.backend.set_edges(vec![Url::parse(&edge.url()).unwrap()]);
    let grant: PlaybackGrant = stage.viewer().await.ask_for(CHANNEL).await.json().await.unwrap();
    let playlist = async |query: &str| {
        let url = address(&grant, &format!("video/240p/playlist.m3u8{query}"));
        let response = stage.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    };
    let hinted = |text: &str| {
        let (_, rest) = text.split_once("TYPE=PART,URI=\"seg-").unwrap();
        let (segment, rest) = rest.split_once('.').unwrap();
        let (part, _) = rest.split_once('.').unwrap();
        (segment.parse::<u64>().unwrap(), part.parse::<u64>().unwrap())
    };
    let mut text = playlist("").await;
    for _ in 0..4 {
        let (segment, part) = hinted(&text);
        let name = format!("seg-{segment}.{part}.m4s");
        // The part is asked for before it is there, beside the playlist that names it.
        let media = stage.client.get(address(&grant, &format!("video/240p/{name}"))).send();
        let query = format!("?_HLS_msn={segment}&_HLS_part={part}");
        let (next, media) = tokio::join!(playlist(&query), media);
        let media = media.unwrap();
        assert_eq!(media.status(), 200);
        assert!(media.bytes().await.unwrap().windows(4).any(|kind| kind == b"moof"));
        assert!(next.contains(&name), "{name} in {next}");
        assert!(hinted(&next) > (segment, part));
        text = next;
    }
    edge.shutdown().await;
}
