//! Each service in a backend to itself, and calls between them over HTTP.

use std::collections::BTreeMap;
use std::process::Command;

use kinora_api::{
    ErrorCode, Heartbeat, Home, PlaybackGrant, PlaybackPhase, PlaybackRequest, PositionList, Protocol, SignInRequest,
    SignInResponse, SignOutRequest, TitleDetail, paths,
};
use kinora_kit::clock::Clock;
use kinora_kit::signature::EdgeSecret;
use kinora_services::members::Member;
use kinora_services::{self as services, BackendError, demo};
use kinora_stage::{NOON, OVER_HTTP, PATIENCE, TITLE, client, error, write_title};
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::apart::old_data;

#[test]
fn every_behaviour_is_the_same_over_http() {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--skip", "postgres::", "--skip", "apart::", "--skip", "migrate::", "--skip", "split::"]);
    let output = tests.env(OVER_HTTP, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok());
    assert!(passed.is_some_and(|passed: u32| passed >= 39), "too few tests ran: {said}");
}

/// A backend for each service, over one data directory.
struct Split {
    dir: TempDir,
    running: BTreeMap<Member, services::Running>,
    client: reqwest::Client,
}

async fn start(dir: &TempDir, member: Member) -> Result<services::Running, BackendError> {
    let (clock, _) = Clock::manual(NOON);
    let config = services::Config {
        clock,
        demo_viewer: true,
        members: [member].into(),
        edges: vec![Url::parse("http://127.0.0.1:9").unwrap()],
        ..services::Config::new(dir.path())
    };
    services::serve(config).await
}

impl Split {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_title(dir.path());
        let mut split = Self { dir, running: BTreeMap::new(), client: client() };
        for member in Member::ALL {
            split.start(member).await;
        }
        split
    }

    async fn start(&mut self, member: Member) {
        self.running.insert(member, start(&self.dir, member).await.unwrap());
        for running in self.running.values() {
            for (peer, other) in &self.running {
                running.set_peer(*peer, &Url::parse(&other.url()).unwrap());
            }
        }
    }

    fn url(&self, member: Member, path: &str) -> String {
        format!("{}{path}", self.running[&member].url())
    }

    async fn post(&self, member: Member, path: &str, token: &str, body: &impl Serialize) -> reqwest::Response {
        self.client.post(self.url(member, path)).bearer_auth(token).json(body).send().await.unwrap()
    }

    async fn get(&self, member: Member, path: &str, token: &str) -> reqwest::Response {
        self.client.get(self.url(member, path)).bearer_auth(token).send().await.unwrap()
    }

    async fn sign_in(&self) -> SignInResponse {
        let request = serde_json::json!({
            "email": demo::EMAIL, "password": demo::PASSWORD,
            "device": { "id": "d", "name": "", "platform": "", "app_version": "" },
        });
        let request: SignInRequest = serde_json::from_value(request).unwrap();
        let answer = self.post(Member::Accounts, paths::SIGN_IN, "", &request).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn grant(&self, token: &str) -> reqwest::Response {
        let protocols = vec![Protocol::Hls];
        let request = PlaybackRequest {
            title_id: TITLE.into(),
            profile_id: None,
            protocols,
            ahead: false,
            capabilities: None,
            stop: None,
        };
        self.post(Member::Playback, paths::PLAYBACK, token, &request).await
    }

    /// The sessions that edges refuse.
    async fn revoked(&self) -> Vec<String> {
        let secret = EdgeSecret::load(&services::edge_secret_file(self.dir.path())).unwrap();
        let url = self.url(Member::Playback, "/origin/revoked?after=0");
        let answer = self.client.get(url).header("kinora-origin-key", secret.origin_key()).send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        let rows = page["revoked"].as_array().unwrap();
        rows.iter().map(|row| row["session"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_film_plays_over_three_services_and_a_sign_out_reaches_them_all() {
    let split = Split::new().await;
    let signed_in = split.sign_in().await;
    let token = signed_in.tokens.access_token.expose();
    let home: Home = split.get(Member::Catalogue, &paths::home(None), token).await.json().await.unwrap();
    assert_eq!(home.hero.unwrap().id.as_str(), TITLE);
    let grant: PlaybackGrant = split.grant(token).await.json().await.unwrap();
    let beat = Heartbeat { position_ms: 30_000, phase: PlaybackPhase::Playing };
    assert_eq!(split.post(Member::Playback, &grant.heartbeat_path, token, &beat).await.status(), 200);
    let renewed: PlaybackGrant =
        split.post(Member::Playback, &grant.renew_path, token, &()).await.json().await.unwrap();
    assert_eq!(renewed.resume_position_ms, 30_000);
    let detail = split.get(Member::Catalogue, &paths::title(&TITLE.into(), None), token).await;
    let detail: TitleDetail = detail.json().await.unwrap();
    assert_eq!(detail.card.resume.map(|resume| resume.position_ms), Some(30_000));

    // A service answers its own calls only, and those between services need their key.
    assert_eq!(split.get(Member::Accounts, &paths::home(None), token).await.status(), 404);
    let internal = "/internal/playback/viewing";
    for shown in ["", token] {
        let answer = split.post(Member::Playback, internal, shown, &signed_in.account.profiles[0].id).await;
        assert_eq!(answer.status(), 404);
    }

    let out = SignOutRequest { refresh_token: signed_in.tokens.refresh_token.clone() };
    assert_eq!(split.post(Member::Accounts, paths::SIGN_OUT, "", &out).await.status(), 204);
    assert_eq!(split.revoked().await, [grant.session_id.as_str()]);
    for answer in [split.get(Member::Catalogue, &paths::home(None), token).await, split.grant(token).await] {
        assert_eq!(error(answer).await.1.kind(), Some(ErrorCode::SignInRevoked));
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_missed_and_told_when_it_is_back() {
    let mut split = Split::new().await;
    let signed_in = split.sign_in().await;
    let token = signed_in.tokens.access_token.expose();
    let grant: PlaybackGrant = split.grant(token).await.json().await.unwrap();
    split.running.remove(&Member::Playback).unwrap().shutdown().await;

    let away = error(split.get(Member::Catalogue, &paths::home(None), token).await).await;
    assert_eq!((away.0, away.1.kind()), (503, Some(ErrorCode::ServiceUnavailable)));
    assert!(away.1.retry_after_ms.is_some());
    let out = SignOutRequest { refresh_token: signed_in.tokens.refresh_token.clone() };
    assert_eq!(
        split.post(Member::Accounts, paths::SIGN_OUT, "", &out).await.status(),
        204,
        "it needs no other service"
    );

    split.start(Member::Playback).await;
    let begun = std::time::Instant::now();
    while split.revoked().await != [grant.session_id.as_str()] {
        assert!(begun.elapsed() < PATIENCE, "playback is not told of the sign-out");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let again = split.sign_in().await;
    let list = split.get(Member::Playback, &paths::positions(None), again.tokens.access_token.expose()).await;
    let list: PositionList = list.json().await.unwrap();
    assert!(list.positions.is_empty());
}

#[tokio::test]
async fn a_playback_that_hangs_keeps_nobody_from_signing_in() {
    let split = Split::new().await;
    split.sign_in().await;
    // It takes connections and answers none.
    let hung = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}", hung.local_addr().unwrap())).unwrap();
    split.running[&Member::Accounts].set_peer(Member::Playback, &url);
    // Each replaces the sign-in before. One after the other, their deliveries would take longer than the client waits.
    futures_util::future::join_all((0..12).map(|_| split.sign_in())).await;
}

#[tokio::test]
async fn old_data_is_not_taken_apart_by_one_service() {
    let dir = old_data().await;
    for member in [Member::Accounts, Member::Playback] {
        let error = start(&dir, member).await.err().unwrap();
        assert!(matches!(error, BackendError::Together), "{error}");
    }
    assert!(!dir.path().join("kinora.playback.db").exists());
}
