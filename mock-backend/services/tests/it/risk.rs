//! Risk of sign-ins: strangers are asked for a mailed code, and honest people never are.

use std::net::Ipv4Addr;

use kinora_api::{DeviceInfo, ErrorCode, SignInRequest, SignInResponse, TokenPair, paths};
use kinora_kit::http::attested::GatewayKey;
use kinora_services::demo;
use kinora_stage::{Stage, error};

use crate::events::has;

const BERLIN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const TOKYO: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const NOWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const MINUTE_MS: i64 = 60_000;

/// A backend that knows where two networks are.
async fn stage() -> Stage {
    Stage::with(|config| {
        let places = "prefix,country,latitude,longitude\n192.0.2.0/24,DE,52.5,13.4\n203.0.113.0/24,JP,35.7,139.7\n";
        std::fs::write(config.data.join("places.csv"), places).unwrap();
    })
    .await
}

/// Sends a body from an address that a gateway attests.
async fn post_from(stage: &Stage, from: Ipv4Addr, path: &str, body: &impl serde::Serialize) -> reqwest::Response {
    let key = GatewayKey::load_or_create(&stage.dir.path().join("keys").join("gateway.key")).unwrap();
    let mut headers = reqwest::header::HeaderMap::new();
    key.attest(from.into(), &mut headers);
    stage.client.post(format!("{}{path}", stage.backend.url())).headers(headers).json(body).send().await.unwrap()
}

async fn try_from(
    stage: &Stage,
    (from, device): (Ipv4Addr, &str),
    (email, password): (&str, &str),
    code: Option<&str>,
) -> reqwest::Response {
    let device =
        DeviceInfo { id: device.into(), name: "d".to_owned(), platform: "tv".to_owned(), app_version: "1".to_owned() };
    let (email, password) = (email.to_owned(), password.into());
    let request = SignInRequest { email, password, device, code: code.map(Into::into) };
    post_from(stage, from, paths::SIGN_IN, &request).await
}

/// Signs the demo viewer in.
async fn sign_in(stage: &Stage, from: Ipv4Addr, device: &str) -> reqwest::Response {
    try_from(stage, (from, device), (demo::EMAIL, demo::PASSWORD), None).await
}

/// Texts of all mails, the oldest first.
fn mails(stage: &Stage) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(stage.dir.path().join("mailbox")) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Code of the last mail.
fn code(stage: &Stage) -> String {
    let mails = mails(stage);
    mails.last().unwrap().lines().find_map(|line| line.strip_prefix("    ")).unwrap().to_owned()
}

async fn until_logged(stage: &Stage, text: &str) {
    let begun = std::time::Instant::now();
    while !has(stage.dir.path(), text) {
        assert!(begun.elapsed() < kinora_stage::PATIENCE, "{text} is not logged");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn who_is_in_berlin_and_tokyo_within_an_hour_shows_a_mailed_code() {
    let stage = stage().await;
    assert_eq!(sign_in(&stage, BERLIN, "tv").await.status(), 200);
    stage.clock.advance_ms(60 * MINUTE_MS);
    let (status, refused) = error(sign_in(&stage, TOKYO, "stranger").await).await;
    assert_eq!((status, refused.kind()), (403, Some(ErrorCode::StepUpRequired)));
    assert!(mails(&stage)[0].contains(&format!("To: {}", demo::EMAIL)));
    let (_, unproved) = error(sign_in(&stage, TOKYO, "stranger").await).await;
    assert_eq!(unproved.kind(), Some(ErrorCode::StepUpRequired), "the password alone does not help");
    let credentials = (demo::EMAIL, demo::PASSWORD);
    let (status, wrong) = error(try_from(&stage, (TOKYO, "stranger"), credentials, Some("BCDF-GHJK")).await).await;
    assert_eq!((status, wrong.kind()), (400, Some(ErrorCode::CodeInvalid)));
    let right = code(&stage);
    let (_, guessed) = error(try_from(&stage, (TOKYO, "stranger"), (demo::EMAIL, "wrong"), Some(&right)).await).await;
    assert_eq!(guessed.kind(), Some(ErrorCode::InvalidCredentials), "nor does the code alone");
    let answer = try_from(&stage, (TOKYO, "stranger"), credentials, Some(&right)).await;
    assert_eq!(answer.status(), 200);
    let signed_in: SignInResponse = answer.json().await.unwrap();
    assert_eq!(signed_in.account.email, demo::EMAIL);
    until_logged(&stage, r#""action":"step_up","reasons":["impossible_travel""#).await;
    // The device is one of the account's from now on, and a code works once.
    assert_eq!(sign_in(&stage, BERLIN, "stranger").await.status(), 200);
    let (_, used) = error(try_from(&stage, (TOKYO, "another"), credentials, Some(&right)).await).await;
    assert_eq!(used.kind(), Some(ErrorCode::CodeInvalid));
}

#[tokio::test]
async fn who_guesses_right_at_last_shows_a_mailed_code_and_the_owner_does_not() {
    let stage = stage().await;
    assert_eq!(sign_in(&stage, BERLIN, "tv").await.status(), 200);
    // From a network and a device each, so that no count of one of them is full.
    for n in 0..8 {
        let from = Ipv4Addr::new(198, 51, n, 7);
        let wrong = try_from(&stage, (from, &format!("x{n}")), (demo::EMAIL, "wrong"), None).await;
        assert_eq!(wrong.status(), 401, "{n}");
        stage.clock.advance_ms(MINUTE_MS);
    }
    for wait in [0, 60] {
        stage.clock.advance_ms(wait * MINUTE_MS);
        let (_, refused) = error(sign_in(&stage, NOWHERE, "y").await).await;
        assert_eq!(refused.kind(), Some(ErrorCode::StepUpRequired), "after {wait} minutes");
    }
    assert_eq!(sign_in(&stage, NOWHERE, "tv").await.status(), 200, "a device of the account");
    until_logged(&stage, r#""guessing""#).await;
}

#[tokio::test]
async fn a_network_that_tries_a_list_of_accounts_has_to_wait_and_others_do_not() {
    let stage = stage().await;
    assert_eq!(sign_in(&stage, BERLIN, "tv").await.status(), 200);
    for n in 0..25 {
        let email = format!("leaked{n}@kinora.example");
        let wrong = try_from(&stage, (TOKYO, &format!("x{n}")), (&email, "wrong"), None).await;
        assert_eq!(wrong.status(), 401, "{n}");
        stage.clock.advance_ms(MINUTE_MS / 2);
    }
    let try_next = async || try_from(&stage, (TOKYO, "next"), ("next@kinora.example", "wrong"), None).await;
    assert_eq!(try_next().await.status(), 401, "it has waited");
    let (status, limited) = error(try_next().await).await;
    assert_eq!((status, limited.kind()), (429, Some(ErrorCode::TooManyAttempts)));
    assert!(limited.retry_after_ms.is_some_and(|wait| (1..=30_000).contains(&wait)), "{limited:?}");
    assert_eq!(sign_in(&stage, TOKYO, "tv").await.status(), 200, "a device of the account");
    let elsewhere = try_from(&stage, (NOWHERE, "z"), ("next@kinora.example", "wrong"), None).await;
    assert_eq!(elsewhere.status(), 401, "another network");
}

#[tokio::test]
async fn honest_people_are_never_asked_for_more() {
    let stage = stage().await;
    // A family signs in at home and on the way, some of it after typing errors.
    for (device, from) in
        [("tv", BERLIN), ("phone1", NOWHERE), ("phone2", Ipv4Addr::new(198, 51, 7, 1)), ("tablet", BERLIN)]
    {
        for _ in 0..3 {
            let wrong = try_from(&stage, (from, device), (demo::EMAIL, "wrong"), None).await;
            assert_eq!(wrong.status(), 401);
        }
        assert_eq!(sign_in(&stage, from, device).await.status(), 200, "{device}");
        stage.clock.advance_ms(10 * MINUTE_MS);
    }
    // A holiday with a new device, after a flight.
    stage.clock.advance_ms(13 * 60 * MINUTE_MS);
    let answer = sign_in(&stage, TOKYO, "laptop").await;
    assert_eq!(answer.status(), 200);
    // The same device through a relay at home, and its refresh from there.
    let signed_in: SignInResponse = answer.json().await.unwrap();
    let refresh = kinora_api::RefreshRequest { refresh_token: signed_in.tokens.refresh_token };
    let refreshed = post_from(&stage, BERLIN, paths::REFRESH, &refresh).await;
    assert_eq!(refreshed.status(), 200);
    let _: TokenPair = refreshed.json().await.unwrap();
    assert_eq!(sign_in(&stage, BERLIN, "laptop").await.status(), 200);
    // Nine neighbours behind one address, and new devices of the family there.
    for n in 0..9 {
        assert_eq!(sign_in(&stage, Ipv4Addr::new(198, 51, 100, 9), &format!("device{n}")).await.status(), 200);
    }
    assert_eq!(mails(&stage), Vec::<String>::new());
}

#[tokio::test]
async fn places_that_cannot_be_read_end_the_start_with_the_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("places.csv"), "192.0.2.0/24,DE,,\nhere,DE,,\n").unwrap();
    let mut config = kinora_services::Config::new(dir.path());
    config.database = Some("sqlite::memory:".to_owned());
    let refused = kinora_services::serve(config).await.err().unwrap().to_string();
    assert!(refused.contains("line 2: a prefix is ADDRESS/LENGTH"), "{refused}");
}
