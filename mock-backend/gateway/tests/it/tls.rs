//! TLS: who is trusted, which versions and protocols are spoken, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Version;
use axum::routing::get;
use kinora_gateway::topology::Topology;
use kinora_gateway::transport::over_http;
use kinora_gateway::{Config, Running, Tls, pin_file, serve};
use kinora_kit::http::server::{self, Limits, listen};
use kinora_kit::http::tls::{KeyPin, client_config};
use kinora_stage::PATIENCE;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Barrier, Notify};
use tokio_rustls::TlsConnector;

/// Requests at the same time on one connection.
const MANY: usize = 40;

/// Bytes of a picture: more than a client's window and all buffers on the way.
const LARGE: usize = 64 << 20;

struct Scene {
    gateway: Running,
    dir: TempDir,
    entered: Arc<Notify>,
    leave: Arc<Notify>,
    _service: server::Running,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A gateway with TLS before a service whose home screen waits for [`MANY`] that ask for it, whose search waits for a sign, and whose
    /// pictures are large.
    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let together = Arc::new(Barrier::new(MANY));
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (enter, left) = (Arc::clone(&entered), Arc::clone(&leave));
        let router = Router::new()
            .route("/v1/home", get(async move || together.wait().await.is_leader().to_string()))
            .route("/v1/profiles", get(async || "profiles"))
            .route("/v1/images/{*path}", get(async || vec![0_u8; LARGE]))
            .route(
                "/v1/search",
                get(async move || {
                    enter.notify_one();
                    left.notified().await;
                    "found"
                }),
            );
        let service = listen("127.0.0.1:0".parse().unwrap(), router, Limits::default(), async {}).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let topology = Topology::all_in_one(&service.url()).unwrap();
        let mut config = Config::new(dir.path());
        config.tls = Tls::At("127.0.0.1:0".parse().unwrap());
        config.limits.drain = PATIENCE;
        change(&mut config);
        let gateway = serve(config, over_http(&topology)).await.unwrap();
        Self { gateway, dir, entered, leave, _service: service }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.tls().unwrap().0)
    }

    fn pin(&self) -> KeyPin {
        std::fs::read_to_string(pin_file(self.dir.path())).unwrap().parse().unwrap()
    }
}

fn client(pin: KeyPin) -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).tls_backend_preconfigured(client_config(pin).unwrap())
}

#[tokio::test]
async fn a_client_with_the_pin_speaks_http2_and_another_one_nothing() {
    let scene = Scene::new().await;
    assert_eq!(scene.gateway.tls().unwrap().1, scene.pin());
    let response = client(scene.pin()).build().unwrap().get(scene.at("/v1/profiles")).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.text().await.unwrap(), "profiles");
    let other: KeyPin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().unwrap();
    assert!(client(other).build().unwrap().get(scene.at("/v1/profiles")).send().await.unwrap_err().is_connect());
    let public = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    assert!(public.get(scene.at("/v1/profiles")).send().await.unwrap_err().is_connect(), "no authority signed it");
}

/// Shakes hands with these versions and protocols; returns the protocol that was agreed.
async fn shake_hands(
    scene: &Scene,
    versions: &[&'static rustls::SupportedProtocolVersion],
    protocols: &[&str],
) -> std::io::Result<Option<Vec<u8>>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    if versions.contains(&&rustls::version::TLS13) {
        let mut pinned = client_config(scene.pin()).unwrap();
        pinned.alpn_protocols = config.alpn_protocols;
        config = pinned;
    }
    let address = scene.at("").strip_prefix("https://").unwrap().to_owned();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
}

#[tokio::test]
async fn only_tls_1_3_is_spoken_and_the_protocol_is_agreed() {
    let scene = Scene::new().await;
    let now = [&rustls::version::TLS13];
    assert_eq!(shake_hands(&scene, &now, &["http/1.1", "h2"]).await.unwrap().as_deref(), Some(&b"h2"[..]));
    assert_eq!(shake_hands(&scene, &now, &["http/1.1"]).await.unwrap().as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(shake_hands(&scene, &now, &[]).await.unwrap(), None);
    assert!(shake_hands(&scene, &now, &["h3"]).await.is_err(), "a protocol that we do not speak (RFC 7301 §3.2)");
    let refused = shake_hands(&scene, &[&rustls::version::TLS12], &["h2"]).await.unwrap_err().to_string();
    assert!(refused.contains("ProtocolVersion"), "{refused}");
    let mut config = client_config(scene.pin()).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let old = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(config).http1_only().build().unwrap();
    let response = old.get(scene.at("/v1/profiles")).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_11, 200));
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let scene = Scene::new().await;
    let client = client(scene.pin()).build().unwrap();
    // The first one opens the connection that the others use.
    assert_eq!(client.get(scene.at("/v1/profiles")).send().await.unwrap().status(), 200);
    let asking = (0..MANY).map(|_| client.get(scene.at("/v1/home")).send());
    let answers = futures_util::future::join_all(asking).await;
    let mut leaders = 0;
    for answer in answers {
        leaders += usize::from(answer.unwrap().text().await.unwrap() == "true");
    }
    assert_eq!(leaders, 1, "the service had all of them at once");
}

#[tokio::test]
async fn a_shutdown_lets_running_answers_finish() {
    let scene = Scene::new().await;
    let builder = client(scene.pin()).pool_idle_timeout(Duration::from_secs(1));
    let client = builder.build().unwrap();
    let (over_tls, plain) = (scene.at("/v1/search"), format!("{}/v1/search", scene.gateway.url()));
    let asking = [over_tls.clone(), plain].map(|url| tokio::spawn(client.get(url).send()));
    for _ in 0..2 {
        scene.entered.notified().await;
    }
    let ending = tokio::spawn(scene.gateway.shutdown());
    // No connection is accepted any more, and what runs goes on.
    while client_of(&scene.dir).get(&over_tls).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!ending.is_finished());
    for _ in 0..2 {
        scene.leave.notify_one();
        tokio::task::yield_now().await;
    }
    for asking in asking {
        let response = asking.await.unwrap().unwrap();
        assert_eq!(response.text().await.unwrap(), "found");
        scene.leave.notify_one();
    }
    ending.await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_its_stream_loses_its_connection() {
    let scene = Scene::with(|config| config.bounds.patience = Duration::from_millis(300)).await;
    let client = client(scene.pin()).build().unwrap();
    assert_eq!(client.get(scene.at("/v1/profiles")).send().await.unwrap().status(), 200);
    // On the same connection, and waiting for the service without an answer yet.
    let beside = tokio::spawn(client.get(scene.at("/v1/search")).send());
    scene.entered.notified().await;
    let unread = client.get(scene.at("/v1/images/a/b.jpg")).send().await.unwrap();
    assert_eq!(unread.status(), 200);
    assert!(beside.await.unwrap().is_err(), "the connection is closed");
    assert!(unread.bytes().await.is_err());
    assert_eq!(client.get(scene.at("/v1/profiles")).send().await.unwrap().status(), 200, "a new one is welcome");
}

/// A client without open connections.
fn client_of(dir: &TempDir) -> reqwest::Client {
    let pin = std::fs::read_to_string(pin_file(dir.path())).unwrap().parse().unwrap();
    client(pin).build().unwrap()
}

#[tokio::test]
async fn one_address_speaks_tls_and_plain_http() {
    let scene = Scene::with(|config| config.tls = Tls::BesidePlain).await;
    let address = scene.gateway.url().strip_prefix("http://").unwrap().to_owned();
    assert_eq!(scene.at(""), format!("https://{address}"));
    let secure = client(scene.pin()).build().unwrap();
    let plain = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    for _ in 0..3 {
        let response = secure.get(scene.at("/v1/profiles")).send().await.unwrap();
        assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
        let response = plain.get(format!("http://{address}/v1/profiles")).send().await.unwrap();
        assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_11, 200));
        assert_eq!(response.text().await.unwrap(), "profiles");
    }
    let old = shake_hands(&scene, &[&rustls::version::TLS12], &["h2"]).await.unwrap_err().to_string();
    assert!(old.contains("ProtocolVersion"), "{old}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_does_not_hold_up_the_others_or_the_end() {
    let scene = Scene::with(|config| config.tls = Tls::BesidePlain).await;
    let address = scene.gateway.url().strip_prefix("http://").unwrap().to_owned();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let plain = reqwest::Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(0).build().unwrap();
    let response = plain.get(format!("http://{address}/v1/profiles")).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "profiles");
    scene.gateway.shutdown().await;
    // Connections that are cut when the time of the drain is over end with RST.
    for mut stream in silent {
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "it is closed, not cut");
    }
}
