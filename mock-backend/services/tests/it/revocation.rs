//! Revocation ends access, grants, places, and the addresses at the edges.

use kinora_api::{
    ErrorCode, Heartbeat, PlaybackGrant, PlaybackPhase, RefreshRequest, ResumePosition, SignInResponse, SignOutRequest,
    paths,
};
use kinora_kit::signature::EdgeSecret;
use kinora_services::{self as services, demo};
use serde_json::Value;

use kinora_stage::{Stage, TITLE, Viewer, beside, error};

/// The page of the revocation list that edges read.
async fn revoked(stage: &Stage, after: i64) -> Value {
    let secret = EdgeSecret::load(&services::edge_secret_file(stage.dir.path())).unwrap();
    let url = format!("{}/revoked?after={after}", stage.backend.origin_url());
    let answer = stage.client.get(&url).header("kinora-origin-key", secret.origin_key()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    answer.json().await.unwrap()
}

fn sessions(page: &Value) -> Vec<&str> {
    page["revoked"].as_array().unwrap().iter().map(|row| row["session"].as_str().unwrap()).collect()
}

async fn assert_refused(viewer: &Viewer) {
    for answer in [viewer.get(paths::ACCOUNT).await, viewer.ask_for(TITLE).await, viewer.get(&paths::home(None)).await]
    {
        let (status, refused) = error(answer).await;
        assert_eq!((status, refused.kind()), (401, Some(ErrorCode::SignInRevoked)));
    }
}

#[tokio::test]
async fn signing_out_ends_access_and_what_plays() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let other = stage.viewer_on("device-2").await;
    let grant = viewer.grant().await;
    let kept = other.grant().await;
    let out = SignOutRequest { refresh_token: viewer.signed_in.tokens.refresh_token.clone() };
    assert_eq!(stage.post(paths::SIGN_OUT, &out).await.status(), 204);
    assert_refused(&viewer).await;
    let page = revoked(&stage, 0).await;
    assert_eq!(sessions(&page), [grant.session_id.as_str()]);
    assert_eq!(page["revoked"][0]["until"], grant.expires_at);
    let beat = Heartbeat { position_ms: 1, phase: PlaybackPhase::Playing };
    let (_, gone) = error(other.post(&grant.heartbeat_path, &beat).await).await;
    assert_eq!(gone.kind(), Some(ErrorCode::PlaybackSessionNotFound), "its account has another device");
    assert_eq!(other.post(&kept.heartbeat_path, &beat).await.status(), 200);
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_access_and_what_plays() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let grant = viewer.grant().await;
    let request = RefreshRequest { refresh_token: viewer.signed_in.tokens.refresh_token.clone() };
    assert_eq!(stage.post(paths::REFRESH, &request).await.status(), 200);
    assert_eq!(viewer.get(paths::ACCOUNT).await.status(), 200, "a refresh alone revokes nothing");
    assert_eq!(stage.post(paths::REFRESH, &request).await.status(), 401);
    assert_refused(&viewer).await;
    assert_eq!(sessions(&revoked(&stage, 0).await), [grant.session_id.as_str()]);
}

#[tokio::test]
async fn a_device_that_signs_in_again_plays_on() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    let before = stage.viewer().await;
    let grant = before.grant().await;
    let after = stage.viewer().await;
    assert_refused(&before).await;
    let beat = Heartbeat { position_ms: 2_000, phase: PlaybackPhase::Playing };
    assert_eq!(after.post(&grant.heartbeat_path, &beat).await.status(), 200);
    assert!(sessions(&revoked(&stage, 0).await).is_empty());
    // It belongs to the new sign-in, and ends with that.
    let out = SignOutRequest { refresh_token: after.signed_in.tokens.refresh_token.clone() };
    assert_eq!(stage.post(paths::SIGN_OUT, &out).await.status(), 204);
    assert_eq!(sessions(&revoked(&stage, 0).await), [grant.session_id.as_str()]);
}

#[tokio::test]
async fn edges_learn_of_each_revocation_once() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let last = Heartbeat { position_ms: 0, phase: PlaybackPhase::Stopped };
    assert_eq!(revoked(&stage, 0).await["next"], 0);
    let mut next = 0;
    for _ in 0..3 {
        let grant = viewer.grant().await;
        assert_eq!(viewer.post(&grant.stop_path, &last).await.status(), 204);
        let page = revoked(&stage, next).await;
        assert_eq!(sessions(&page), [grant.session_id.as_str()]);
        assert!(page["next"].as_i64().unwrap() > next);
        next = page["next"].as_i64().unwrap();
        assert!(sessions(&revoked(&stage, next).await).is_empty());
        assert_eq!(revoked(&stage, next).await["next"], next);
    }
    // An edge that knows a number of a database that is gone begins anew.
    assert_eq!(sessions(&revoked(&stage, next + 1).await).len(), 3);
    let open = stage.client.get(format!("{}/revoked?after=0", stage.backend.origin_url())).send().await.unwrap();
    assert_eq!(error(open).await.1.kind(), Some(ErrorCode::GrantInvalid), "the list is for edges only");
}

#[tokio::test]
async fn a_grant_from_before_play_costs_no_place() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    stage.limit_streams(demo::EMAIL, 1).await;
    let (shelf, sofa) = (stage.viewer().await, stage.viewer_on("device-2").await);
    let beat = Heartbeat { position_ms: 0, phase: PlaybackPhase::Buffering };
    let ahead = async || -> PlaybackGrant {
        let answer = shelf.ask_ahead().await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    };

    // One for a sign-in, and its addresses work.
    let (first, second) = (ahead().await, ahead().await);
    assert_eq!(sessions(&revoked(&stage, 0).await), [first.session_id.as_str()]);
    assert_eq!(stage.client.get(beside(&second, "master.m3u8")).send().await.unwrap().status(), 200);

    // Another device of the account plays at once; what was granted ahead has ended then.
    let playing = sofa.grant().await;
    let (status, displaced) = error(shelf.post(&second.heartbeat_path, &beat).await).await;
    assert_eq!((status, displaced.kind()), (409, Some(ErrorCode::TooManyStreams)));
    let (status, full) = error(shelf.ask_ahead().await).await;
    assert_eq!((status, full.kind()), (409, Some(ErrorCode::TooManyStreams)));
    // Not even a silent playback is ended for it.
    stage.clock.advance_ms(31_000);
    assert_eq!(shelf.ask_ahead().await.status(), 409);
    assert_eq!(sofa.post(&playing.heartbeat_path, &beat).await.status(), 200);
    assert_eq!(sofa.post(&playing.stop_path, &beat).await.status(), 204);

    // The first heartbeat takes the place.
    let third = ahead().await;
    assert_eq!(shelf.post(&third.heartbeat_path, &beat).await.status(), 200);
    assert_eq!(sofa.ask_for(TITLE).await.status(), 409);
    assert_eq!(shelf.post(&third.stop_path, &beat).await.status(), 204);

    // One that an app left behind goes when it has expired.
    let left = ahead().await;
    assert_eq!(sofa.ask_ahead().await.status(), 409);
    stage.clock.advance_ms(i64::try_from(left.expires_in_ms).unwrap());
    let (shelf, sofa) = (stage.viewer().await, stage.viewer_on("device-2").await);
    assert_eq!(sofa.ask_ahead().await.status(), 200);
    assert_eq!(shelf.ask_ahead().await.status(), 409);
}

#[tokio::test]
async fn a_silent_playback_loses_its_place_or_takes_it_again() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    stage.limit_streams(demo::EMAIL, 1).await;
    let viewer = stage.viewer().await;
    let first = viewer.grant().await;
    let (status, full) = error(viewer.ask_for(TITLE).await).await;
    assert_eq!((status, full.kind()), (409, Some(ErrorCode::TooManyStreams)));

    // Silent, and no other device wants the place: a heartbeat or a renewal takes it again.
    let beat = Heartbeat { position_ms: 5_000, phase: PlaybackPhase::Playing };
    for path in [&first.heartbeat_path, &first.renew_path] {
        stage.clock.advance_ms(31_000);
        assert_eq!(viewer.post(path, &beat).await.status(), 200, "{path}");
        assert_eq!(viewer.ask_for(TITLE).await.status(), 409, "{path}");
    }

    // Silent, and another device takes the place: the first is over everywhere.
    stage.clock.advance_ms(31_000);
    let second: PlaybackGrant = viewer.ask_for(TITLE).await.json().await.unwrap();
    for path in [&first.heartbeat_path, &first.renew_path] {
        let (status, displaced) = error(viewer.post(path, &beat).await).await;
        assert_eq!((status, displaced.kind()), (409, Some(ErrorCode::TooManyStreams)), "{path}");
    }
    assert_eq!(sessions(&revoked(&stage, 0).await), [first.session_id.as_str()]);
    assert_eq!(viewer.post(&second.heartbeat_path, &beat).await.status(), 200);
}

#[tokio::test]
async fn the_position_of_a_displaced_playback_is_kept_and_replaces_no_later_one() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    stage.limit_streams(demo::EMAIL, 1).await;
    let viewer = stage.viewer().await;
    let first = viewer.grant().await;
    let beat = |position_ms, phase| Heartbeat { position_ms, phase };
    let position = async || viewer.read::<ResumePosition>(&paths::position(&TITLE.into(), None)).await.position_ms;
    assert_eq!(viewer.post(&first.heartbeat_path, &beat(5_000, PlaybackPhase::Playing)).await.status(), 200);
    stage.clock.advance_ms(31_000);
    let second: PlaybackGrant = viewer.ask_for(TITLE).await.json().await.unwrap();
    stage.clock.advance_ms(1_000);

    // The other device has reported nothing yet: what the first has seen meanwhile is the latest there is.
    let paths = [&first.heartbeat_path, &first.stop_path];
    for (path, position_ms, phase) in
        [(paths[0], 36_000, PlaybackPhase::Playing), (paths[1], 37_000, PlaybackPhase::Stopped)]
    {
        let (status, displaced) = error(viewer.post(path, &beat(position_ms, phase)).await).await;
        assert_eq!((status, displaced.kind()), (409, Some(ErrorCode::TooManyStreams)), "{path}");
        assert_eq!(position().await, position_ms);
    }
    // From then on it is the other device that knows.
    assert_eq!(viewer.post(&second.heartbeat_path, &beat(60_000, PlaybackPhase::Playing)).await.status(), 200);
    stage.clock.advance_ms(5_000);
    assert_eq!(viewer.post(&first.stop_path, &beat(38_000, PlaybackPhase::Stopped)).await.status(), 409);
    assert_eq!(position().await, 60_000);
}

#[tokio::test]
async fn the_position_of_a_playback_without_a_place_is_kept() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    stage.limit_streams(demo::EMAIL, 2).await;
    let viewer = stage.viewer().await;
    let silent = viewer.grant().await;
    stage.clock.advance_ms(31_000);
    viewer.grant().await;
    // The account has fewer places from now on, and the other device has the only one.
    stage.limit_streams(demo::EMAIL, 1).await;
    let beat = Heartbeat { position_ms: 31_000, phase: PlaybackPhase::Playing };
    assert_eq!(viewer.post(&silent.heartbeat_path, &beat).await.status(), 409);
    let position: ResumePosition = viewer.read(&paths::position(&TITLE.into(), None)).await;
    assert_eq!(position.position_ms, 31_000);
}

#[tokio::test]
async fn a_clock_that_went_back_takes_no_place_for_a_day() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    stage.limit_streams(demo::EMAIL, 1).await;
    let day = 86_400_000;
    stage.clock.step_wall_ms(day);
    let ahead = stage.viewer().await;
    ahead.grant().await;
    stage.clock.step_wall_ms(-day);
    let viewer = stage.viewer().await;
    assert_eq!(viewer.ask_for(TITLE).await.status(), 200, "the playback of tomorrow is silent");
    assert_eq!(viewer.ask_for(TITLE).await.status(), 409, "the one of now is not");
}

#[tokio::test]
async fn a_token_of_an_unknown_sign_in_is_refused() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let elsewhere = Stage::with(|_| {}).await;
    let foreign: SignInResponse = elsewhere.viewer().await.signed_in;
    let url = format!("{}{}", stage.backend.url(), paths::ACCOUNT);
    let answer = stage.client.get(&url).bearer_auth(foreign.tokens.access_token.expose()).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(viewer.get(paths::ACCOUNT).await.status(), 200);
}
