//! Requests and answers as services and clients see them, over sockets.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Version};
use axum::response::IntoResponse as _;
use axum::routing::get;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use kinora_api::{Heartbeat, Home, PlaybackPhase, paths};
use kinora_gateway::topology::Topology;
use kinora_gateway::transport::{in_process, over_http};
use kinora_gateway::{Config, Running, key_file, serve};
use kinora_kit::http::attested::GatewayKey;
use kinora_kit::http::server::{self, Limits, listen};
use kinora_kit::http::trace::TraceContext;
use kinora_stage::{Stage, client, error};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A gateway before one server that answers for all services.
pub async fn before(url: &str) -> (Running, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let replicas = over_http(&Topology::all_in_one(url).unwrap());
    (serve(Config::new(dir.path()), replicas).await.unwrap(), dir)
}

async fn server(router: Router) -> server::Running {
    listen("127.0.0.1:0".parse().unwrap(), router, Limits::default(), async {}).await.unwrap()
}

/// A server that keeps the head of the last request.
async fn recorder() -> (server::Running, Arc<Mutex<Option<(String, HeaderMap)>>>) {
    let last = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&last);
    let router = Router::new().fallback(async move |request: Request<Body>| {
        *seen.lock().unwrap() = Some((request.uri().to_string(), request.headers().clone()));
        let headers = [("connection", "x-inner"), ("x-inner", "1"), ("x-outer", "1"), ("etag", "\"a\"")];
        (headers, "recorded").into_response()
    });
    (server(router).await, last)
}

#[tokio::test]
async fn a_viewer_signs_in_browses_and_plays_through_the_gateway() {
    let (stage, _edge, viewer) = Stage::playing().await;
    let (gateway, _dir) = before(&stage.backend.url()).await;
    let token = viewer.signed_in.tokens.access_token.expose();
    let at = |path: &str| format!("{}{path}", gateway.url());
    let home: Home = stage.client.get(at("/v1/home")).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    assert!(!home.rows.is_empty());
    let (status, problem) = error(stage.client.get(at("/v1/home")).send().await.unwrap()).await;
    assert_eq!((status, problem.name.as_str()), (401, "sign_in_expired"), "services verify tokens");
    let request = serde_json::json!({ "title_id": kinora_stage::TITLE, "protocols": ["hls"] });
    let granted = stage.client.post(at(paths::PLAYBACK)).bearer_auth(token).json(&request).send().await.unwrap();
    assert_eq!(granted.status(), 200);
    let grant: kinora_api::PlaybackGrant = granted.json().await.unwrap();
    let beat = Heartbeat { position_ms: 7_000, phase: PlaybackPhase::Playing };
    let sent = stage.client.post(at(&grant.stop_path)).bearer_auth(token).json(&beat).send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let position = format!("/v1/positions/{}", kinora_stage::TITLE);
    let position = stage.client.get(at(&position)).bearer_auth(token).send().await.unwrap();
    assert_eq!(position.json::<serde_json::Value>().await.unwrap()["position_ms"], 7_000);
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_service_sees_the_clients_address_the_id_and_the_trace() {
    let (service, last) = recorder().await;
    let (gateway, dir) = before(&service.url()).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = client()
        .get(format!("{}/v1/search?q=a%20b&limit=3", gateway.url()))
        .header("traceparent", parent)
        .header("tracestate", "vendor=1")
        .header("x-request-id", "app-7")
        .header("kinora-client", "192.0.2.1")
        .header("kinora-gateway-key", "guess")
        .header("connection", "x-mine")
        .header("x-mine", "1")
        .header("accept-language", "de");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "app-7");
    assert_eq!(
        (&response.headers()["x-outer"], &response.headers()["etag"]),
        (&"1".parse().unwrap(), &"\"a\"".parse().unwrap())
    );
    assert!(!response.headers().contains_key("x-inner"));
    assert_eq!(response.text().await.unwrap(), "recorded");
    let (uri, headers) = last.lock().unwrap().take().unwrap();
    assert_eq!(uri, "/v1/search?q=a%20b&limit=3");
    assert_eq!(
        (&headers["x-request-id"], &headers["tracestate"]),
        (&"app-7".parse().unwrap(), &"vendor=1".parse().unwrap())
    );
    assert_eq!(
        (&headers["via"], &headers["accept-language"]),
        (&"1.1 kinora".parse().unwrap(), &"de".parse().unwrap())
    );
    assert!(!headers.contains_key("x-mine"));
    let continued = headers["traceparent"].to_str().unwrap();
    assert!(continued.starts_with(&parent[..36]) && continued.ends_with("-01") && continued != parent, "{continued}");
    // The address that was claimed is replaced by the one that was seen, under the installation's key.
    let key = GatewayKey::load_or_create(&key_file(dir.path())).unwrap();
    let elsewhere = "203.0.113.9".parse().unwrap();
    assert_eq!(key.client(&headers, elsewhere), std::net::IpAddr::from([127, 0, 0, 1]));
    // `HEAD` is asked as such, and has no body.
    let head = client().head(format!("{}/v1/home", gateway.url())).send().await.unwrap();
    assert_eq!(head.headers()["etag"], "\"a\"");
    assert_eq!(head.text().await.unwrap(), "");
    // What is missing is made.
    let response = client().get(format!("{}/v1/home", gateway.url())).send().await.unwrap();
    let id = response.headers()["x-request-id"].clone();
    let (_, headers) = last.lock().unwrap().take().unwrap();
    assert_eq!(headers["x-request-id"], id);
    assert!(TraceContext::parse(headers["traceparent"].to_str().unwrap()).is_some());
}

#[tokio::test]
async fn what_is_not_in_the_table_cannot_be_reached() {
    let (service, last) = recorder().await;
    let (gateway, _dir) = before(&service.url()).await;
    let client = client();
    for path in ["/origin/a/master.m3u8", "/origin/revoked", "/v2/home", "/", "/v1/internal"] {
        let (status, problem) = error(client.get(format!("{}{path}", gateway.url())).send().await.unwrap()).await;
        assert_eq!((status, problem.name.as_str()), (404, "not_found"), "{path}");
    }
    for target in ["/v1/images/../../origin/a", "/v1/images/a/%2e%2E/x", "/v1/images/%2e./x", "/v1/titles/.."] {
        let answer =
            raw(&gateway.url(), &format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{target}: {answer}");
    }
    let (status, _) = error(client.delete(format!("{}/v1/home", gateway.url())).send().await.unwrap()).await;
    assert_eq!(status, 405);
    for hosts in ["", "host: a\r\nhost: b\r\n", "host: a b\r\n"] {
        let answer = raw(&gateway.url(), &format!("GET /v1/home HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{hosts}: {answer}");
    }
    let large = client.post(format!("{}/v1/sign-in", gateway.url())).body(vec![b'x'; 64 * 1024 + 1]).send().await;
    assert_eq!(error(large.unwrap()).await.0, 413);
    let header = client.get(format!("{}/v1/home", gateway.url())).header("x-large", "x".repeat(20_000)).send().await;
    assert_eq!(header.unwrap().status(), 431);
    assert!(last.lock().unwrap().is_none(), "nothing of it reached a service");
}

async fn raw(url: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_answer_is_passed_on_while_it_comes() {
    let (go_on, wait) = oneshot::channel::<()>();
    let wait = Arc::new(Mutex::new(Some(wait)));
    let router = Router::new().route(
        "/v1/images/{*path}",
        get(async move || {
            let wait = wait.lock().unwrap().take().unwrap();
            let rest = stream::once(async move {
                wait.await.unwrap();
                Ok(Bytes::from(vec![b'b'; 1 << 20]))
            });
            Body::from_stream(stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]).chain(rest))
        }),
    );
    let service = server(router).await;
    let (gateway, _dir) = before(&service.url()).await;
    let mut response = client().get(format!("{}/v1/images/a/b.jpg", gateway.url())).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "first");
    go_on.send(()).unwrap();
    let mut rest = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        rest += chunk.len();
    }
    assert_eq!(rest, 1 << 20);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_a_whole_one() {
    let (breaks, wait) = oneshot::channel::<()>();
    let wait = Arc::new(Mutex::new(Some(wait)));
    let router = Router::new().route(
        "/v1/home",
        get(async move || {
            let wait = wait.lock().unwrap().take().unwrap();
            let broken = stream::once(async move {
                wait.await.unwrap();
                Err(std::io::Error::other("broken"))
            });
            Body::from_stream(stream::iter([Ok(Bytes::from_static(b"half"))]).chain(broken))
        }),
    );
    let service = server(router).await;
    let (gateway, _dir) = before(&service.url()).await;
    let mut response = client().get(format!("{}/v1/home", gateway.url())).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.chunk().await.unwrap().unwrap()),
        (200, Bytes::from_static(b"half"))
    );
    breaks.send(()).unwrap();
    assert!(response.chunk().await.is_err());
}

#[tokio::test]
async fn a_replica_may_speak_http2() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/home", get(async |version: Version| format!("{version:?}")));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(router.clone());
            let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
        }
    });
    let (gateway, _dir) = before(&format!("h2c://{address}")).await;
    let response = client().get(format!("{}/v1/home", gateway.url())).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "HTTP/2.0");
}

#[tokio::test]
async fn a_service_of_the_same_process_is_asked_without_a_socket() {
    let router = Router::new()
        .route("/v1/home", get(async |headers: HeaderMap| format!("{:?} {:?}", headers["host"], headers["via"])))
        .layer(axum::middleware::from_fn(kinora_kit::http::host::check));
    let dir = tempfile::tempdir().unwrap();
    let gateway = serve(Config::new(dir.path()), in_process(&router)).await.unwrap();
    let response = client().get(format!("{}/v1/home", gateway.url())).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "\"kinora\" \"1.1 kinora\"");
}
