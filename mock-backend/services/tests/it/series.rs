//! Series, episodes and trailers through the calls of viewers; titles that come and go with their windows.

use std::path::Path;
use std::time::{Duration, Instant};

use kinora_api::events::{PutRating, Rating};
use kinora_api::{
    ErrorCode, Heartbeat, Home, PlaybackGrant, PlaybackPhase, PutPosition, TitleDetail, TitleKind, paths,
};
use kinora_stage::{NOON, PATIENCE, Stage, Viewer, error, write_title_as};
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;

/// Writes a title with facts about it, and others of its fields.
pub(crate) fn write(data: &Path, id: &str, about: &Value, fields: &Value) {
    write_title_as(data, id, &["Drama"]);
    let file = data.join("media").join(id).join("title.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    record["about"] = about.clone();
    fields.as_object().unwrap().iter().for_each(|(key, value)| record[key] = value.clone());
    std::fs::write(file, record.to_string()).unwrap();
}

/// Writes a series of two seasons with two episodes each, and a trailer.
fn write_series(data: &Path) {
    for season in 1..=2 {
        for number in 1..=2 {
            let part = json!({ "title": "tide", "season": season, "number": number });
            let about = json!({ "kind": "episode", "part_of": part, "marks": { "intro": [1_000, 9_000] } });
            write(
                data,
                &format!("tide-{season}{number}"),
                &about,
                &json!({ "title": format!("Part {season}.{number}") }),
            );
        }
    }
    let trailer = json!({ "kind": "trailer", "part_of": { "title": "tide", "number": 1 } });
    write(data, "tide-trailer", &trailer, &json!({ "title": "Tide, the trailer" }));
    write(data, "tide", &json!({ "kind": "series" }), &json!({ "title": "Tide", "duration_ms": 0, "rungs": [] }));
}

/// Starts a stage with these titles.
pub(crate) async fn stage(write: impl FnOnce(&Path)) -> Stage {
    let mut write = Some(write);
    Stage::with(|config| {
        if let Some(write) = write.take() {
            write(&config.data)
        }
    })
    .await
}

async fn page(viewer: &Viewer, id: &str) -> TitleDetail {
    viewer.read(&paths::title(&id.into(), None)).await
}

async fn row(viewer: &Viewer, id: &str) -> Vec<String> {
    let home: Home = viewer.read(&paths::home(None)).await;
    let row = home.rows.into_iter().find(|row| row.id == id);
    row.map(|row| row.titles.into_iter().map(|card| card.id.into_string()).collect()).unwrap_or_default()
}

/// Waits until a call has a status: the catalogue looks at the clock once a second.
async fn until(viewer: &Viewer, path: &str, status: u16) {
    let begun = Instant::now();
    while viewer.get(path).await.status() != status {
        assert!(begun.elapsed() < PATIENCE, "{path} never answers {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_series_is_watched_episode_by_episode() {
    let stage = stage(write_series).await;
    let _edge = stage.edge().await;
    let viewer = stage.viewer().await;
    assert_eq!(row(&viewer, "series").await, ["tide"]);
    let begin = page(&viewer, "tide").await;
    assert_eq!((begin.card.kind, begin.card.duration_ms, begin.trailers.len()), (TitleKind::Series, 400_000, 1));
    assert_eq!(begin.up_next.unwrap().id.as_str(), "tide-11");

    let grant: PlaybackGrant = viewer.ask_for("tide-11").await.json().await.unwrap();
    let at = |position_ms, phase| Heartbeat { position_ms, phase };
    assert_eq!(viewer.post(&grant.heartbeat_path, &at(40_000, PlaybackPhase::Playing)).await.status(), 200);
    assert_eq!(row(&viewer, "continue").await, ["tide-11"]);
    let half = page(&viewer, "tide").await;
    assert_eq!(half.up_next.unwrap().resume.unwrap().position_ms, 40_000);
    assert_eq!(half.seasons[0].episodes[0].card.resume.as_ref().unwrap().position_ms, 40_000);
    let next = page(&viewer, "tide-11").await;
    assert_eq!(next.up_next.unwrap().id.as_str(), "tide-12");
    assert_eq!(next.marks.intro.unwrap().end_ms, 9_000);

    stage.clock.advance_ms(1_000);
    assert_eq!(viewer.put(&paths::watched(&"tide-11".into(), None), &()).await.status(), 200);
    stage.clock.advance_ms(1_000);
    assert_eq!(viewer.put(&paths::watched(&"tide-12".into(), None), &()).await.status(), 200);
    assert_eq!(row(&viewer, "continue").await, ["tide-21"], "the next one, over the end of the season");
    let watched = page(&viewer, "tide").await;
    let marks = watched.seasons.iter().flat_map(|season| &season.episodes).map(|episode| episode.is_watched);
    assert_eq!(marks.collect::<Vec<_>>(), [true, true, false, false]);

    // One that was not begun can be removed too, and comes back when it is watched.
    stage.clock.advance_ms(1_000);
    assert_eq!(viewer.delete(&paths::to_continue(&"tide-21".into(), None)).await.status(), 204);
    assert!(row(&viewer, "continue").await.is_empty());
    stage.clock.advance_ms(1_000);
    let grant: PlaybackGrant = viewer.ask_for("tide-21").await.json().await.unwrap();
    assert_eq!(viewer.post(&grant.heartbeat_path, &at(5_000, PlaybackPhase::Playing)).await.status(), 200);
    assert_eq!(row(&viewer, "continue").await, ["tide-21"]);
    assert_eq!(viewer.delete(&paths::to_continue(&"nowhere".into(), None)).await.status(), 204);
}

#[tokio::test]
async fn a_series_is_kept_and_rated_and_its_episodes_are_played() {
    let stage = stage(write_series).await;
    let _edge = stage.edge().await;
    let viewer = stage.viewer().await;
    let refused = error(viewer.ask_for("tide").await).await;
    assert_eq!((refused.0, refused.1.kind()), (409, Some(ErrorCode::NothingPlayable)));
    assert!(refused.1.message.contains("episodes"), "{}", refused.1.message);
    let position = PutPosition { position_ms: 5, profile_id: None, recorded_at: None };
    let refused = error(viewer.put(&paths::position(&"tide".into(), None), &position).await).await;
    assert_eq!(refused.1.kind(), Some(ErrorCode::NothingPlayable));
    assert_eq!(viewer.put(&paths::watched(&"tide".into(), None), &()).await.status(), 409);

    assert_eq!(viewer.put(&paths::my_list_title(&"tide".into(), None), &()).await.status(), 200);
    assert_eq!(row(&viewer, "my-list").await, ["tide"]);
    let rating = paths::rating(&"tide".into(), None);
    assert_eq!(viewer.put(&rating, &PutRating { rating: Rating::Up }).await.status(), 204);
    let page = page(&viewer, "tide").await;
    assert!(page.is_listed && page.my_rating == Some(Rating::Up));
    assert_eq!(viewer.ask_for("tide-trailer").await.status(), 200, "a trailer is played");
}

#[tokio::test]
async fn a_title_comes_and_goes_with_its_window_and_what_plays_goes_on() {
    let time = |at: i64| jiff::Timestamp::from_millisecond(at).unwrap().to_string();
    let window = json!([{ "from": time(NOON + HOUR), "until": time(NOON + 2 * HOUR) }]);
    let stage = stage(|data| write(data, "late", &json!({ "availability": window }), &json!({}))).await;
    let _edge = stage.edge().await;
    let viewer = stage.viewer().await;
    let path = paths::title(&"late".into(), None);
    let refused = error(viewer.get(&path).await).await;
    assert_eq!((refused.0, refused.1.kind()), (404, Some(ErrorCode::TitleNotFound)));
    assert!(!row(&viewer, "all").await.contains(&"late".to_owned()));
    assert_eq!(error(viewer.ask_for("late").await).await.1.kind(), Some(ErrorCode::TitleNotFound));

    stage.clock.step_wall_ms(HOUR);
    let viewer = stage.viewer().await;
    until(&viewer, &path, 200).await;
    assert!(row(&viewer, "all").await.contains(&"late".to_owned()));
    let late: TitleDetail = viewer.read(&path).await;
    assert_eq!(late.available_until, Some(NOON + 2 * HOUR));
    let grant: PlaybackGrant = viewer.ask_for("late").await.json().await.unwrap();

    stage.clock.step_wall_ms(HOUR);
    let viewer = stage.viewer().await;
    until(&viewer, &path, 404).await;
    assert_eq!(viewer.ask_for("late").await.status(), 404);
    let beat = Heartbeat { position_ms: 9_000, phase: PlaybackPhase::Playing };
    assert_eq!(viewer.post(&grant.heartbeat_path, &beat).await.status(), 200);
    assert!(row(&viewer, "continue").await.is_empty());
    assert_eq!(viewer.post(&paths::renew(&grant.session_id), &()).await.status(), 200);
}
