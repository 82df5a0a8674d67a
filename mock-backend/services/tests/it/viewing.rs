//! Lists, marks, titles to continue, a second device: what is kept for a profile, and who may begin where another plays.

use kinora_api::{
    ErrorCode, Heartbeat, Home, ListedTitle, MyList, NowPlayingList, PlaybackGrant, PlaybackPhase, PlaybackRequest,
    Protocol, ResumePosition, TakeOver, TitleDetail, paths,
};
use kinora_services::demo;
use kinora_stage::{Stage, TITLE, Viewer, error, write_title_as};

async fn beat(viewer: &Viewer, grant: &PlaybackGrant, position_ms: u64) -> reqwest::Response {
    viewer.post(&grant.heartbeat_path, &Heartbeat { position_ms, phase: PlaybackPhase::Playing }).await
}

async fn row(viewer: &Viewer, id: &str) -> Vec<String> {
    let home: Home = viewer.read(&paths::home(None)).await;
    let row = home.rows.into_iter().find(|row| row.id == id);
    row.map(|row| row.titles.into_iter().map(|card| card.id.into_string()).collect()).unwrap_or_default()
}

fn request(stop: Option<&PlaybackGrant>) -> PlaybackRequest {
    PlaybackRequest {
        title_id: TITLE.into(),
        profile_id: None,
        protocols: vec![Protocol::Hls],
        ahead: false,
        capabilities: None,
        stop: stop.map(|grant| grant.session_id.clone()),
    }
}

#[tokio::test]
async fn a_list_has_the_latest_first_a_page_at_a_time() {
    let (stage, _edge, _) = Stage::playing().await;
    let ids: Vec<String> = (0..60).map(|n| format!("film-{n:02}")).collect();
    ids.iter().for_each(|id| write_title_as(stage.dir.path(), id, &["Drama"]));
    let viewer = stage.viewer().await;
    let begun = std::time::Instant::now();
    while viewer.get(&paths::title(&"film-59".into(), None)).await.status() != 200 {
        assert!(begun.elapsed() < kinora_stage::PATIENCE, "the catalogue does not see new titles");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for id in &ids {
        stage.clock.advance_ms(1);
        let answer = viewer.put(&paths::my_list_title(&id.as_str().into(), None), &()).await;
        assert_eq!(answer.json::<ListedTitle>().await.unwrap().title_id.as_str(), id);
    }
    // Once more: it keeps its place.
    viewer.put(&paths::my_list_title(&"film-00".into(), None), &()).await;
    let first: MyList = viewer.read(paths::MY_LIST).await;
    let second: MyList = viewer.read(first.next.as_deref().unwrap()).await;
    let listed: Vec<&str> = first.titles.iter().chain(&second.titles).map(|it| it.title_id.as_str()).collect();
    assert_eq!((first.titles.len(), second.next), (50, None));
    assert!(listed.iter().eq(ids.iter().rev()), "{listed:?}");
    assert_eq!(row(&viewer, "my-list").await[..2], ["film-59", "film-58"]);

    assert_eq!(viewer.delete(&paths::my_list_title(&"film-59".into(), None)).await.status(), 204);
    assert_eq!(row(&viewer, "my-list").await[0], "film-58");
    let detail: TitleDetail = viewer.read(&paths::title(&"film-58".into(), None)).await;
    assert!(detail.is_listed && !detail.is_watched);
    let absent = viewer.put(&paths::my_list_title(&"no-such-film".into(), None), &()).await;
    assert_eq!(error(absent).await.1.kind(), Some(ErrorCode::TitleNotFound));
}

#[tokio::test]
async fn a_title_that_is_removed_from_continue_comes_back_when_it_is_watched() {
    let (_stage, _edge, viewer) = Stage::playing().await;
    let grant = viewer.grant().await;
    assert_eq!(beat(&viewer, &grant, 20_000).await.status(), 200);
    assert_eq!(row(&viewer, "continue").await, [TITLE]);
    assert_eq!(viewer.delete(&paths::to_continue(&TITLE.into(), None)).await.status(), 204);
    assert!(row(&viewer, "continue").await.is_empty());
    let kept: ResumePosition = viewer.read(&paths::position(&TITLE.into(), None)).await;
    assert_eq!(kept.position_ms, 20_000, "the position stays");
    assert_eq!(beat(&viewer, &grant, 30_000).await.status(), 200);
    assert_eq!(row(&viewer, "continue").await, [TITLE]);

    let marked = viewer.put(&paths::watched(&TITLE.into(), None), &()).await;
    let marked: ResumePosition = marked.json().await.unwrap();
    assert_eq!((marked.finished, marked.position_ms), (true, marked.duration_ms));
    assert!(row(&viewer, "continue").await.is_empty());
    let detail: TitleDetail = viewer.read(&paths::title(&TITLE.into(), None)).await;
    assert!(detail.is_watched);
    assert_eq!(viewer.delete(&paths::watched(&TITLE.into(), None)).await.status(), 204);
    let detail: TitleDetail = viewer.read(&paths::title(&TITLE.into(), None)).await;
    assert!(!detail.is_watched && detail.card.resume.is_none());
}

#[tokio::test]
async fn a_full_account_is_offered_the_playback_to_stop() {
    let (stage, _edge, viewer) = Stage::playing().await;
    stage.limit_streams(demo::EMAIL, 1).await;
    let here = viewer.grant().await;
    assert_eq!(beat(&viewer, &here, 5_000).await.status(), 200);
    let other = stage.viewer_on("device-2").await;
    let refused = error(other.post(paths::PLAYBACK, &request(None)).await).await;
    assert_eq!((refused.0, refused.1.kind()), (409, Some(ErrorCode::TooManyStreams)));
    let [offer] = &refused.1.playing[..] else { panic!("{:?}", refused.1.playing) };
    assert_eq!(
        (&offer.playback_id, offer.device_name.as_str(), offer.is_this_device),
        (&here.session_id, "test", false)
    );
    assert_eq!(offer.title.as_ref().map(|title| title.name.as_str()), Some("Small Film"));

    let unknown = PlaybackRequest { stop: Some("another".into()), ..request(None) };
    let unknown = error(other.post(paths::PLAYBACK, &unknown).await).await;
    assert_eq!(unknown.1.kind(), Some(ErrorCode::PlaybackSessionNotFound));
    assert_eq!(beat(&viewer, &here, 6_000).await.status(), 200, "nothing was stopped");
    assert_eq!(other.post(paths::PLAYBACK, &request(Some(&here))).await.status(), 200);
    let stopped = error(beat(&viewer, &here, 7_000).await).await;
    assert_eq!(stopped.1.kind(), Some(ErrorCode::TooManyStreams));
}

#[tokio::test]
async fn a_film_goes_on_at_another_device_within_two_seconds_of_where_it_was() {
    let (stage, _edge, viewer) = Stage::playing().await;
    stage.limit_streams(demo::EMAIL, 1).await;
    let there = viewer.grant().await;
    assert_eq!(beat(&viewer, &there, 30_000).await.status(), 200);
    let other = stage.viewer_on("device-2").await;
    // Until the next heartbeat is due, the film is where the clock says.
    for real_ms in [30_000_u64, 33_000, 39_000] {
        let now: NowPlayingList = other.read(&paths::now(None)).await;
        assert!(now.playing[0].position_ms.abs_diff(real_ms) <= 2_000, "{now:?} at {real_ms}");
        stage.clock.advance_ms(if real_ms == 30_000 {
            3_000
        } else if real_ms == 33_000 {
            6_000
        } else {
            0
        });
    }
    let taken = other.post(&paths::take_over(&there.session_id), &TakeOver::default()).await;
    assert_eq!(taken.status(), 200);
    let taken: PlaybackGrant = taken.json().await.unwrap();
    assert!(taken.resume_position_ms.abs_diff(39_000) <= 2_000, "{}", taken.resume_position_ms);
    let kept: ResumePosition = other.read(&paths::position(&TITLE.into(), None)).await;
    assert_eq!(kept.position_ms, taken.resume_position_ms);
    let stopped = error(beat(&viewer, &there, 39_500).await).await;
    assert_eq!(stopped.1.kind(), Some(ErrorCode::TooManyStreams));
    let now: NowPlayingList = other.read(&paths::now(None)).await;
    assert_eq!(now.playing.iter().map(|it| &it.playback_id).collect::<Vec<_>>(), [&taken.session_id]);
}
