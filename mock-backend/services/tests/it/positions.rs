//! Where viewers left off.

use kinora_api::{
    Heartbeat, Home, PlaybackPhase, PositionList, PutPosition, ResumePosition, RowKind, TitleDetail, paths,
};

use kinora_stage::{NOON, Stage, TITLE, Viewer};

async fn put(viewer: &Viewer, position_ms: u64, recorded_at: Option<i64>) -> ResumePosition {
    let request = PutPosition { profile_id: None, position_ms, recorded_at };
    viewer.put(&paths::position(&TITLE.into(), None), &request).await.json().await.unwrap()
}

#[tokio::test]
async fn a_position_is_kept_shown_and_offered() {
    let (_stage, _edge, viewer) = Stage::playing().await;
    assert_eq!(viewer.grant().await.resume_position_ms, 0);
    assert_eq!(put(&viewer, 42_000, None).await.position_ms, 42_000);
    assert_eq!(viewer.grant().await.resume_position_ms, 42_000);
    let list: PositionList = viewer.read(&paths::positions(None)).await;
    assert_eq!(list.positions.len(), 1);
    let home: Home = viewer.read(&paths::home(None)).await;
    assert_eq!(home.rows[0].kind, RowKind::ContinueWatching);
    assert_eq!(home.rows[0].titles[0].resume.as_ref().map(|resume| resume.position_ms), Some(42_000));

    let kids = viewer.signed_in.account.profiles[1].id.clone();
    let list: PositionList = viewer.read(&paths::positions(Some(&kids))).await;
    assert!(list.positions.is_empty(), "profiles do not share positions");
}

#[tokio::test]
async fn the_latest_report_wins_whenever_it_arrives() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    put(&viewer, 50_000, Some(NOON - 1_000)).await;
    assert_eq!(put(&viewer, 10_000, Some(NOON - 2_000)).await.position_ms, 50_000, "an older report comes too late");
    assert_eq!(put(&viewer, 60_000, Some(NOON + 99_000)).await.updated_at, NOON, "nobody reports from the future");
    let end = put(&viewer, 999_999, None).await;
    assert_eq!((end.position_ms, end.finished), (100_000, true));
    let detail: TitleDetail = viewer.read(&paths::title(&TITLE.into(), None)).await;
    assert_eq!(detail.card.resume, None, "what is finished is not resumed");
}

#[tokio::test]
async fn heartbeats_move_the_position_but_a_failed_start_does_not() {
    let (_stage, _edge, viewer) = Stage::playing().await;
    let grant = viewer.grant().await;
    let beat = |position_ms, phase| Heartbeat { position_ms, phase };
    assert_eq!(viewer.post(&grant.heartbeat_path, &beat(30_000, PlaybackPhase::Playing)).await.status(), 200);
    assert_eq!(viewer.post(&grant.stop_path, &beat(31_000, PlaybackPhase::Paused)).await.status(), 204);

    let again = viewer.grant().await;
    assert_eq!(again.resume_position_ms, 31_000);
    assert_eq!(viewer.post(&again.stop_path, &beat(0, PlaybackPhase::Stopped)).await.status(), 204);
    let third = viewer.grant().await;
    assert_eq!(third.resume_position_ms, 31_000);
    assert_eq!(viewer.post(&third.stop_path, &beat(99_000, PlaybackPhase::Ended)).await.status(), 204);
    assert_eq!(viewer.grant().await.resume_position_ms, 0, "what is finished begins at the beginning");
}

#[tokio::test]
async fn many_reports_at_once_are_all_written() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let path = paths::position(&TITLE.into(), None);
    let requests: Vec<PutPosition> = (0..200)
        .map(|n| PutPosition { profile_id: None, position_ms: n * 100, recorded_at: Some(NOON - 1_000 + n as i64) })
        .collect();
    let writes = requests.iter().map(|request| viewer.put(&path, request));
    let answers = futures_util::future::join_all(writes).await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let list: PositionList = viewer.read(&paths::positions(None)).await;
    assert_eq!(list.positions[0].position_ms, 19_900);
}

#[tokio::test]
async fn a_wall_clock_that_was_a_day_ahead_loses_no_position() {
    let (stage, _edge, viewer) = Stage::playing().await;
    put(&viewer, 10_000, None).await;
    stage.clock.step_wall_ms(86_400_000);
    let viewer = stage.viewer().await;
    put(&viewer, 20_000, None).await;
    stage.clock.step_wall_ms(-86_400_000);
    let viewer = stage.viewer().await;
    let written = put(&viewer, 30_000, None).await;
    assert_eq!((written.position_ms, written.updated_at), (30_000, NOON));
    // Reports of a device that was offline keep their order too.
    assert_eq!(put(&viewer, 5_000, Some(NOON - 60_000)).await.position_ms, 30_000);
    let grant = viewer.grant().await;
    let beat = Heartbeat { position_ms: 40_000, phase: PlaybackPhase::Playing };
    assert_eq!(viewer.post(&grant.heartbeat_path, &beat).await.status(), 200);
    let list: PositionList = viewer.read(&paths::positions(None)).await;
    assert_eq!(list.positions[0].position_ms, 40_000);
}
