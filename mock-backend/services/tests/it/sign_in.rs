//! Signing in, refreshing, signing out; and what happens to thieves.

use kinora_api::{Account, ErrorCode, RefreshRequest, Secret, SignOutRequest, TokenPair, paths};
use kinora_kit::http::attested::GatewayKey;
use kinora_services::{self as services, demo};

use kinora_stage::{Stage, error};

async fn refresh(stage: &Stage, token: &Secret) -> reqwest::Response {
    stage.post(paths::REFRESH, &RefreshRequest { refresh_token: token.clone() }).await
}

#[tokio::test]
async fn a_pair_is_good_for_its_time_and_can_be_traded_once() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let account: Account = viewer.read(paths::ACCOUNT).await;
    assert_eq!((account.email.as_str(), account.profiles.len()), (demo::EMAIL, 2));

    stage.clock.advance_ms(11 * 60_000);
    let (status, expired) = error(viewer.get(paths::ACCOUNT).await).await;
    assert_eq!((status, expired.kind()), (401, Some(ErrorCode::SignInExpired)));

    let first = &viewer.signed_in.tokens;
    let second: TokenPair = refresh(&stage, &first.refresh_token).await.json().await.unwrap();
    assert_ne!(second.refresh_token, first.refresh_token);
    let url = format!("{}{}", stage.backend.url(), paths::ACCOUNT);
    let answer = stage.client.get(&url).bearer_auth(second.access_token.expose()).send().await.unwrap();
    assert_eq!(answer.status(), 200);

    // The second use of the first token revokes what came of it.
    let (status, reused) = error(refresh(&stage, &first.refresh_token).await).await;
    assert_eq!((status, reused.kind()), (401, Some(ErrorCode::SignInRevoked)));
    let (_, revoked) = error(refresh(&stage, &second.refresh_token).await).await;
    assert_eq!(revoked.kind(), Some(ErrorCode::SignInRevoked));
}

#[tokio::test]
async fn of_two_simultaneous_uses_of_a_token_one_is_refused() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let token = &viewer.signed_in.tokens.refresh_token;
    let (a, b) = tokio::join!(refresh(&stage, token), refresh(&stage, token));
    let mut statuses = [a.status().as_u16(), b.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn who_signs_out_or_stays_away_has_to_sign_in_again() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let refresh_token = viewer.signed_in.tokens.refresh_token.clone();
    let out = SignOutRequest { refresh_token: refresh_token.clone() };
    assert_eq!(stage.post(paths::SIGN_OUT, &out).await.status(), 204);
    assert_eq!(stage.post(paths::SIGN_OUT, &out).await.status(), 204);
    assert_eq!(error(refresh(&stage, &refresh_token).await).await.1.kind(), Some(ErrorCode::SignInRevoked));

    let viewer = stage.viewer().await;
    stage.clock.advance_ms(61 * 86_400_000);
    let late = refresh(&stage, &viewer.signed_in.tokens.refresh_token).await;
    assert_eq!(error(late).await.1.kind(), Some(ErrorCode::SignInRevoked));
}

#[tokio::test]
async fn wrong_passwords_are_slowed_down_and_tell_nothing() {
    let stage = Stage::new().await;
    let (_, unknown) = error(stage.sign_in("nobody@kinora.example", "x").await).await;
    for _ in 0..5 {
        let (status, wrong) = error(stage.sign_in(demo::EMAIL, "wrong").await).await;
        assert_eq!(status, 401);
        assert_eq!(wrong, unknown, "an address that exists cannot be told from one that does not");
    }
    let (status, limited) = error(stage.sign_in(demo::EMAIL, demo::PASSWORD).await).await;
    assert_eq!((status, limited.kind()), (429, Some(ErrorCode::TooManyAttempts)));
    // The wait is a duration: the wall clock neither ends nor prolongs it.
    stage.clock.step_wall_ms(-86_400_000);
    let (_, still) = error(stage.sign_in(demo::EMAIL, demo::PASSWORD).await).await;
    assert_eq!(still.retry_after_ms, limited.retry_after_ms);
    stage.clock.advance_ms(i64::try_from(limited.retry_after_ms.unwrap()).unwrap());
    assert_eq!(stage.sign_in(demo::EMAIL, demo::PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn of_two_hundred_simultaneous_guesses_five_are_checked() {
    let stage = Stage::new().await;
    let guesses = (0..200).map(|n| {
        let stage = &stage;
        async move { stage.sign_in("victim@kinora.example", &format!("guess {n}")).await.status().as_u16() }
    });
    let statuses = futures_util::future::join_all(guesses).await;
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(401), count(429)), (5, 195));
}

#[tokio::test]
async fn a_device_that_is_known_is_not_locked_out_by_a_stranger() {
    let stage = Stage::new().await;
    stage.viewer_on("owner").await;
    for _ in 0..6 {
        stage.sign_in_on("stranger", demo::EMAIL, "wrong").await;
    }
    assert_eq!(stage.sign_in_on("stranger", demo::EMAIL, demo::PASSWORD).await.status(), 429);
    assert_eq!(stage.sign_in_on("owner", demo::EMAIL, demo::PASSWORD).await.status(), 200);
    // Whoever learns the name of the device is limited as well.
    for _ in 0..5 {
        assert_eq!(stage.sign_in_on("owner", demo::EMAIL, "wrong").await.status(), 401);
    }
    assert_eq!(stage.sign_in_on("owner", demo::EMAIL, "wrong").await.status(), 429);
}

#[tokio::test]
async fn guesses_behind_a_gateway_count_against_the_client_that_it_attests() {
    let stage = Stage::new().await;
    let key = GatewayKey::load_or_create(&stage.dir.path().join("keys").join("gateway.key")).unwrap();
    let guess = async |client: [u8; 4], key: &GatewayKey, email: &str| {
        let mut headers = reqwest::header::HeaderMap::new();
        key.attest(client.into(), &mut headers);
        let device = serde_json::json!({ "id": email, "name": "d", "platform": "test", "app_version": "1" });
        let body = serde_json::json!({ "email": email, "password": "wrong", "device": device });
        let request = stage.client.post(format!("{}{}", stage.backend.url(), paths::SIGN_IN)).headers(headers);
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    let mut statuses = Vec::new();
    for n in 0..21 {
        statuses.push(guess([192, 0, 2, 1], &key, &format!("{n}@kinora.example")).await);
    }
    assert_eq!((statuses[19], statuses[20]), (401, 429), "{statuses:?}");
    assert_eq!(guess([192, 0, 2, 2], &key, "x@kinora.example").await, 401, "another client");
    let wrong = GatewayKey::new("0123456789abcdef").unwrap();
    let unattested = guess([192, 0, 2, 1], &wrong, "y@kinora.example").await;
    assert_eq!(unattested, 401, "an address without the key is not believed");
}

#[tokio::test]
async fn right_sign_ins_at_the_same_time_all_succeed() {
    let stage = Stage::new().await;
    let devices: Vec<String> = (0..12).map(|n| format!("device {n}")).collect();
    let sign_ins = devices.iter().map(|device| stage.sign_in_on(device, demo::EMAIL, demo::PASSWORD));
    let statuses: Vec<u16> =
        futures_util::future::join_all(sign_ins).await.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses, [200; 12]);
}

#[tokio::test]
async fn a_restart_forgets_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_owned();
    let on_disk = |config: &mut services::Config| {
        config.data.clone_from(&data);
        config.database = None;
    };
    let stage = Stage::with(on_disk).await;
    for _ in 0..6 {
        stage.sign_in(demo::EMAIL, "wrong").await;
    }
    stage.backend.kill().await;
    let stage = Stage::with(on_disk).await;
    let (status, limited) = error(stage.sign_in(demo::EMAIL, demo::PASSWORD).await).await;
    assert_eq!((status, limited.kind()), (429, Some(ErrorCode::TooManyAttempts)));
    assert!(limited.retry_after_ms.unwrap() <= 30_000);
}

#[tokio::test]
async fn malformed_requests_are_told_so_without_repeating_secrets() {
    let stage = Stage::new().await;
    for (body, code) in [
        (r#"{"email": "a@b", "password": 12345678, "device": {}}"#.to_owned(), ErrorCode::InvalidRequest),
        (r#"{"email": "a@b""#.to_owned(), ErrorCode::InvalidRequest),
        (format!(r#"{{"email": "{}"}}"#, "a".repeat(100_000)), ErrorCode::RequestTooLarge),
    ] {
        let url = format!("{}{}", stage.backend.url(), paths::SIGN_IN);
        let request = stage.client.post(url).header("content-type", "application/json").body(body);
        let (_, error) = error(request.send().await.unwrap()).await;
        assert_eq!(error.kind(), Some(code));
        assert!(!error.message.contains("12345678"), "{}", error.message);
    }
    let (status, error) = error(stage.client.get(stage.backend.url() + "/v1/sign-in").send().await.unwrap()).await;
    assert_eq!((status, error.kind()), (405, Some(ErrorCode::MethodNotAllowed)));
}

#[tokio::test]
async fn a_device_with_odd_texts_is_refused() {
    let stage = Stage::new().await;
    let device = |name: &str, id: &str| {
        serde_json::json!({ "email": demo::EMAIL, "password": demo::PASSWORD,
            "device": { "id": id, "name": name, "platform": "test", "app_version": "1" } })
    };
    let long = "n".repeat(201);
    for (name, id) in [("a\0b", "d"), ("a\nb", "d"), (long.as_str(), "d"), ("fine", "a\0b"), ("fine", "")] {
        let (status, problem) = error(stage.post(paths::SIGN_IN, &device(name, id)).await).await;
        assert_eq!((status, problem.kind()), (400, Some(ErrorCode::InvalidRequest)), "{name:?} {id:?}");
    }
    let fine = "Wohnzimmer 電視 📺".repeat(10);
    assert_eq!(stage.post(paths::SIGN_IN, &device(&fine, "d")).await.status(), 200);
}

#[tokio::test]
async fn tokens_are_kept_by_no_cache() {
    let stage = Stage::new().await;
    let answer = stage.sign_in(demo::EMAIL, demo::PASSWORD).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    let answer = stage.viewer().await.get(paths::ACCOUNT).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
}
