//! From what a viewer does, through the log of events, to the home screen.

use std::time::{Duration, Instant};

use kinora_api::events::{PutRating, Rating};
use kinora_api::{ErrorCode, Home, ReasonKind, Row, RowKind, TitleDetail, paths};
use kinora_stage::{PATIENCE, Stage, TITLE, Viewer, error, write_title_as};

async fn for_you(viewer: &Viewer) -> Option<Row> {
    let home: Home = viewer.read(&paths::home(None)).await;
    assert!(!home.is_impersonal, "recommendations answer");
    home.rows.into_iter().find(|row| row.kind == RowKind::ForYou)
}

/// Waits until the row holds what is expected of it, and returns it.
async fn until(viewer: &Viewer, what: &str, holds: impl Fn(&Row) -> bool) -> Row {
    let begun = Instant::now();
    loop {
        if let Some(row) = for_you(viewer).await.filter(&holds) {
            return row;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_film_that_was_watched_changes_the_home_screen_and_so_does_an_opinion() {
    let (stage, _edge, _) = Stage::playing().await;
    for n in 0..8 {
        write_title_as(stage.dir.path(), &format!("film-{n}"), &[if n < 4 { "Drama" } else { "Nature" }]);
    }
    let viewer = stage.viewer().await;
    let begun = Instant::now();
    while viewer.get(&paths::title(&"film-7".into(), None)).await.status() != 200 {
        assert!(begun.elapsed() < PATIENCE, "the catalogue does not see new titles");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(viewer.put("/v1/positions/film-1/watched", &()).await.status(), 200);
    let has = |row: &Row, id: &str| row.titles.iter().any(|card| card.id.as_str() == id);
    let row = until(&viewer, "what was watched changes nothing", |row| {
        has(row, "film-2") && row.titles.iter().any(|card| card.reason.is_some())
    })
    .await;
    assert!(!has(&row, "film-1"), "it was watched");
    let first = &row.titles[0];
    assert!(["film-0", "film-2", "film-3"].contains(&first.id.as_str()), "{row:?}");
    let reason = first.reason.as_ref().unwrap();
    assert_eq!(reason.kind, ReasonKind::Genre { genre: "Drama".to_owned() });
    assert_eq!(reason.text, "Drama, which you like to watch");

    let begun = Instant::now();
    let shown = r#""event":"impression","row":"for-you""#;
    while !super::events::has(stage.dir.path(), shown) {
        assert!(begun.elapsed() < PATIENCE, "what was shown is not in the log");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let rating = paths::rating(&"film-2".into(), None);
    assert_eq!(viewer.put(&rating, &PutRating { rating: Rating::NotInterested }).await.status(), 204);
    let detail: TitleDetail = viewer.read(&paths::title(&"film-2".into(), None)).await;
    assert_eq!(detail.my_rating, Some(Rating::NotInterested));
    until(&viewer, "what is not wanted stays", |row| !has(row, "film-2")).await;
    assert_eq!(viewer.delete(&rating).await.status(), 204);
    until(&viewer, "an opinion cannot be taken back", |row| has(row, "film-2")).await;

    let unknown = viewer.put(&paths::rating(&"no-such-film".into(), None), &PutRating { rating: Rating::Up }).await;
    assert_eq!(error(unknown).await.1.kind(), Some(ErrorCode::TitleNotFound));
    let wrong = viewer.put(&rating, &serde_json::json!({ "rating": "splendid" })).await;
    assert_eq!(error(wrong).await.0, 400);
}

#[tokio::test]
async fn a_home_screen_says_that_events_wait_for_the_log() {
    // A file where the folder of the log should be: nothing takes the events.
    let stage = Stage::with(|config| std::fs::write(config.data.join("events"), b"").unwrap()).await;
    let viewer = stage.viewer().await;
    let home: Home = viewer.read(&paths::home(None)).await;
    assert!(!home.is_behind);
    assert_eq!(viewer.put(&paths::my_list_title(&TITLE.into(), None), &()).await.status(), 200);
    let home: Home = viewer.read(&paths::home(None)).await;
    assert!(!home.is_behind, "what waits for a moment is not said");
    stage.clock.advance_ms(10_000);
    let home: Home = viewer.read(&paths::home(None)).await;
    assert!(home.is_behind);
}
