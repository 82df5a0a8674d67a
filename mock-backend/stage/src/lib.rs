//! The stage: a catalogue of one small title written by hand, a backend, edges, a client. No encoder is needed.

#![expect(clippy::unwrap_used, reason = "tests")]

pub mod live;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use kinora_api::{
    ApiError, DeviceInfo, PlaybackGrant, PlaybackRequest, Protocol, SignInRequest, SignInResponse, paths,
};
use kinora_edge_server::cache::Patience;
use kinora_edge_server::log::Destination;
use kinora_edge_server::{self as edge, Access};
use kinora_kit::clock::{Clock, ManualClock};
use kinora_kit::http::server;
use kinora_kit::signature::EdgeSecret;
use kinora_services::members::Member;
use kinora_services::{self as services, demo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use url::Url;

/// The title on the stage.
pub const TITLE: &str = "small-film";
/// Its only segment, relative to its directory.
pub const SEGMENT: &str = "video/240p/seg-00001.m4s";
/// When the clocks of the stage begin: so far ahead that a program that reads the machine's clock takes the stage's tokens.
pub const NOON: i64 = 4_000_000_000_000;
/// No wait of a test is longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Variable of the environment that puts the stages of a process on PostgreSQL.
pub const ON_POSTGRES: &str = "KINORA_TEST_POSTGRES";

/// Variable of the environment that has the services of a stage ask one another over HTTP.
pub const OVER_HTTP: &str = "KINORA_TEST_OVER_HTTP";

/// A new, empty database: in memory, or on PostgreSQL if [`ON_POSTGRES`] is set.
fn database() -> String {
    if std::env::var_os(ON_POSTGRES).is_none() {
        return "sqlite::memory:".to_owned();
    }
    kinora_test_postgres::database("stage").unwrap()
}

/// The bytes of the segment: no two neighbouring ranges are alike.
pub fn segment() -> Vec<u8> {
    (0..700_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Everything that a test needs.
pub struct Stage {
    pub dir: TempDir,
    pub backend: services::Running,
    pub clock: ManualClock,
    pub time: Clock,
    pub client: reqwest::Client,
}

/// A client of the backend that has signed in.
pub struct Viewer {
    pub signed_in: SignInResponse,
    base: String,
    client: reqwest::Client,
}

impl Stage {
    /// A backend with one title and the demo viewer.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A backend with one title, its edge, and the demo viewer signed in.
    pub async fn playing() -> (Self, server::Running, Viewer) {
        let stage = Self::new().await;
        let edge = stage.edge().await;
        let viewer = stage.viewer().await;
        (stage, edge, viewer)
    }

    /// A backend with some of its set-up changed.
    pub async fn with(change: impl FnOnce(&mut services::Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_title(dir.path());
        let (time, clock) = Clock::manual(NOON);
        let mut config = services::Config::new(dir.path());
        config.database = Some(database());
        config.demo_viewer = true;
        config.clock = time.clone();
        change(&mut config);
        let is_over_http = std::env::var_os(OVER_HTTP).is_some();
        if is_over_http {
            // Until its address is known.
            let nowhere = Url::parse("http://127.0.0.1:9").unwrap();
            config.peers = Member::ALL.into_iter().map(|member| (member, nowhere.clone())).collect();
        }
        let backend = services::serve(config).await.unwrap();
        if is_over_http {
            let own = Url::parse(&backend.url()).unwrap();
            Member::ALL.into_iter().for_each(|member| backend.set_peer(member, &own));
        }
        Self { dir, backend, clock, time, client: client() }
    }

    /// An edge's set-up: behind the backend, with a log in the stage's directory.
    pub fn edge_config(&self, name: &str) -> edge::Config {
        let secret = EdgeSecret::load(&services::edge_secret_file(self.dir.path())).unwrap();
        let origin = Url::parse(&self.backend.origin_url()).unwrap();
        edge::Config {
            name: name.to_owned(),
            clock: self.time.clone(),
            log: Destination::File(self.log_of(name)),
            // A busy machine makes no old copy: what a test sees is what the origin has.
            patience: Patience { stale_after: PATIENCE, first_byte: PATIENCE, probe: PATIENCE },
            ..edge::Config::new(origin, Access::Signed(secret))
        }
    }

    /// Starts an edge and names it, alone, to the backend.
    pub async fn edge(&self) -> server::Running {
        let edge = edge::serve(self.edge_config("a")).await.unwrap();
        self.backend.set_edges(vec![Url::parse(&edge.url()).unwrap()]);
        edge
    }

    pub fn log_of(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(format!("{name}.ndjson"))
    }

    /// The edge's log once it has `lines` lines; a request's line is written a moment after its last byte.
    pub async fn log(&self, name: &str, lines: usize) -> Vec<serde_json::Value> {
        let begun = Instant::now();
        loop {
            let text = fs::read_to_string(self.log_of(name)).unwrap_or_default();
            let log: Vec<serde_json::Value> = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            if log.len() >= lines {
                return log;
            }
            assert!(begun.elapsed() < PATIENCE, "the log has {} of {lines} lines: {text}", log.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Signs the demo viewer in.
    pub async fn viewer(&self) -> Viewer {
        self.viewer_on("device-1").await
    }

    /// Signs the demo viewer in on a device.
    pub async fn viewer_on(&self, device: &str) -> Viewer {
        let response = self.sign_in_on(device, demo::EMAIL, demo::PASSWORD).await;
        assert_eq!(response.status(), 200);
        let signed_in = response.json().await.unwrap();
        Viewer { signed_in, base: self.backend.url(), client: self.client.clone() }
    }

    /// Sets how many playbacks an account may run.
    pub async fn limit_streams(&self, email: &str, max_streams: u32) {
        self.backend.set_max_streams(email, max_streams).await.unwrap();
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> reqwest::Response {
        self.sign_in_on("device-1", email, password).await
    }

    pub async fn sign_in_on(&self, device: &str, email: &str, password: &str) -> reqwest::Response {
        let device = DeviceInfo {
            id: device.into(),
            name: "test".to_owned(),
            platform: "linux".to_owned(),
            app_version: "0".to_owned(),
        };
        let request = SignInRequest { email: email.to_owned(), password: password.into(), device, code: None };
        self.post(paths::SIGN_IN, &request).await
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> reqwest::Response {
        self.client.post(format!("{}{path}", self.backend.url())).json(body).send().await.unwrap()
    }
}

impl Viewer {
    pub async fn get(&self, path: &str) -> reqwest::Response {
        let token = self.signed_in.tokens.access_token.expose();
        self.client.get(format!("{}{path}", self.base)).bearer_auth(token).send().await.unwrap()
    }

    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> reqwest::Response {
        let token = self.signed_in.tokens.access_token.expose();
        self.client.post(format!("{}{path}", self.base)).bearer_auth(token).json(body).send().await.unwrap()
    }

    pub async fn put(&self, path: &str, body: &impl Serialize) -> reqwest::Response {
        let token = self.signed_in.tokens.access_token.expose();
        self.client.put(format!("{}{path}", self.base)).bearer_auth(token).json(body).send().await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> reqwest::Response {
        let token = self.signed_in.tokens.access_token.expose();
        self.client.delete(format!("{}{path}", self.base)).bearer_auth(token).send().await.unwrap()
    }

    pub async fn ask_for(&self, title: &str) -> reqwest::Response {
        self.request_grant(title, false).await
    }

    pub async fn ask_ahead(&self) -> reqwest::Response {
        self.request_grant(TITLE, true).await
    }

    async fn request_grant(&self, title: &str, ahead: bool) -> reqwest::Response {
        let protocols = vec![Protocol::Hls];
        let request = PlaybackRequest {
            title_id: title.into(),
            profile_id: None,
            protocols,
            ahead,
            capabilities: None,
            stop: None,
        };
        self.post(paths::PLAYBACK, &request).await
    }

    pub async fn grant(&self) -> PlaybackGrant {
        let response = self.ask_for(TITLE).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

/// The address of a file beside a grant's manifest, on its first edge.
pub fn beside(grant: &PlaybackGrant, file: &str) -> String {
    let manifest = &grant.urls(Protocol::Hls)[0];
    let (directory, _) = manifest.rsplit_once('/').unwrap();
    format!("{directory}/{file}")
}

/// The error body of an answer, and that its header agrees.
pub async fn error(response: reqwest::Response) -> (u16, ApiError) {
    let status = response.status().as_u16();
    let name = response.headers().get("kinora-error").map(|value| value.to_str().unwrap().to_owned());
    let error: ApiError = response.json().await.unwrap();
    assert_eq!(name.as_deref(), Some(error.name.as_str()));
    (status, error)
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

/// Writes a title as the packager does, with bytes of no meaning in its segment.
pub fn write_title(data: &Path) {
    write_title_as(data, TITLE, &["Drama"]);
    fs::write(data.join("media").join(TITLE).join(SEGMENT), segment()).unwrap();
}

/// Writes a title of any id and genres, without its segment.
pub fn write_title_as(data: &Path, id: &str, genres: &[&str]) {
    let title = data.join("media").join(id);
    fs::create_dir_all(title.join("video/240p")).unwrap();
    fs::write(title.join("master.m3u8"), "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo/240p/playlist.m3u8\n").unwrap();
    fs::write(title.join("poster.jpg"), b"not really a jpeg").unwrap();
    let record = serde_json::json!({
        "id": id, "title": "Small Film", "description": "A film about little.", "year": 2026,
        "genres": genres, "duration_ms": 100_000, "frames": 2500, "frame_rate": { "num": 25, "den": 1 },
        "rungs": [{ "name": "240p", "width": 426, "height": 240, "codec": "avc1.42c015",
                    "average_bps": 1, "peak_bps": 1 }],
        "audio": [], "text": [], "files": kinora_media::Files::default(),
        "media_bytes": 700_001, "created": "2026-01-01T00:00:00Z",
    });
    fs::write(title.join("title.json"), record.to_string()).unwrap();
}
