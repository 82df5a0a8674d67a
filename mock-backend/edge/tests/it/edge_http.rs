//! The edge as an HTTP server and as a shared cache (RFC 9110, 9111, 9112, 9211), and sessions that were revoked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use kinora_edge_server::{self as edge, Access};
use kinora_kit::clock::Clock;
use kinora_kit::http::server::{Limits, Running, listen};
use kinora_kit::signature::{EdgeSecret, sign, signed_path};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use kinora_stage::{NOON, PATIENCE, client, error};

/// Sends a request as it stands, with `Connection: close` after it, and returns the answer as text.
pub async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn serve(router: Router) -> Running {
    listen(SocketAddr::from(([127, 0, 0, 1], 0)), router, Limits::default(), async {}).await.unwrap()
}

/// An edge for everyone, whose clock stands still.
async fn open_edge(origin: &Running) -> Running {
    let config = edge::Config::new(Url::parse(&origin.url()).unwrap(), Access::Open);
    edge::serve(edge::Config { clock: Clock::manual(NOON).0, ..config }).await.unwrap()
}

#[tokio::test]
async fn a_request_names_one_host() {
    let origin = serve(Router::new().fallback(get(async || "x"))).await;
    let edge = open_edge(&origin).await;
    for (head, status) in [
        ("GET /a.m4s HTTP/1.1\r\nHost: e\r\n", 200),
        ("GET /a.m4s HTTP/1.0\r\n", 200),
        ("GET /a.m4s HTTP/1.1\r\n", 400),
        ("GET /a.m4s HTTP/1.1\r\nHost: e\r\nHost: e\r\n", 400),
        ("GET /a.m4s HTTP/1.1\r\nHost: a b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n", 400),
    ] {
        let answer = raw(edge.address(), head).await;
        assert!(answer.contains(&format!(" {status} ")), "{head}: {answer}");
    }
}

/// Answers with a number that grows, under the header fields that the path stands for.
async fn numbered(count: Arc<AtomicUsize>, is_down: Arc<Mutex<bool>>, request: Request) -> Response {
    if *is_down.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let n = count.fetch_add(1, Ordering::SeqCst);
    let control = match request.uri().path() {
        "/no-store.m4s" => "no-store",
        "/private.m4s" => "private, max-age=60",
        "/must.m4s" => "max-age=0, must-revalidate",
        "/smax.m4s" => "s-maxage=0, max-age=600",
        "/zero.m4s" => "max-age=0",
        _ => "max-age=60",
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, control.parse().unwrap());
    headers.insert(header::ETAG, format!("\"{n}\"").parse().unwrap());
    headers.insert(header::SET_COOKIE, "a=b".parse().unwrap());
    if request.uri().path() == "/gzip.m4s" {
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    }
    if request.uri().path() == "/vary.m4s" {
        headers.insert(header::VARY, "User-Agent".parse().unwrap());
    }
    (headers, n.to_string()).into_response()
}

#[tokio::test]
async fn the_origins_directives_are_kept() {
    let (count, is_down) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(false)));
    let down = Arc::clone(&is_down);
    let origin =
        serve(Router::new().fallback(move |request: Request| numbered(Arc::clone(&count), Arc::clone(&down), request)))
            .await;
    let edge = open_edge(&origin).await;
    // Bytes as they are: no client of a test decodes what only claims to be compressed.
    let client = reqwest::Client::builder().no_proxy().no_gzip().timeout(PATIENCE).build().unwrap();
    let fetch = async |name: &str| client.get(format!("{}/{name}.m4s", edge.url())).send().await.unwrap();
    let text = async |name: &str| fetch(name).await.text().await.unwrap();
    for name in ["no-store", "private", "must", "smax", "vary", "zero"] {
        assert_ne!(text(name).await, text(name).await, "{name} is not answered from the cache");
    }
    let plain = fetch("plain").await;
    assert_eq!(plain.headers()["cache-status"], "\"edge\"; fwd=uri-miss; fwd-status=200; stored; ttl=60");
    assert!(!plain.headers().contains_key(header::SET_COOKIE) && !plain.headers().contains_key(header::AGE));
    let plain = (plain.text().await.unwrap(), fetch("plain").await);
    assert_eq!(plain.1.headers()[header::AGE], "0");
    assert!(plain.1.headers()["cache-status"].to_str().unwrap().starts_with("\"edge\"; hit; ttl="));
    assert_eq!(plain.0, plain.1.text().await.unwrap());
    for _ in 0..2 {
        let response = fetch("gzip").await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    }
    assert_eq!(fetch("vary").await.headers()[header::VARY], "User-Agent");
    *is_down.lock().unwrap() = true;
    for (name, status) in [("no-store", 502), ("must", 502), ("smax", 502), ("zero", 200), ("plain", 200)] {
        assert_eq!(fetch(name).await.status(), status, "{name} while the origin fails");
    }
}

#[tokio::test]
async fn overlapping_ranges_are_sent_once() {
    let origin = serve(Router::new().fallback(get(async || vec![b'x'; 100_000]))).await;
    let edge = open_edge(&origin).await;
    let ranges = format!("bytes={}", vec!["0-99999"; 16].join(","));
    let response = client().get(format!("{}/a.m4s", edge.url())).header("range", ranges).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.bytes().await.unwrap().len()), (206, 100_000));
}

#[tokio::test]
async fn a_revoked_session_is_refused_while_its_signature_is_good() {
    let secret = EdgeSecret::new("a secret of this test").unwrap();
    let key = secret.origin_key();
    let list = Arc::new(Mutex::new((1, Vec::<serde_json::Value>::new())));
    let asked = Arc::new(AtomicUsize::new(0));
    let (listed, counted) = (Arc::clone(&list), Arc::clone(&asked));
    let router = Router::new()
        .route(
            "/origin/revoked",
            get(move |headers: HeaderMap| {
                let (listed, counted, key) = (Arc::clone(&listed), Arc::clone(&counted), key.clone());
                async move {
                    assert_eq!(headers["kinora-origin-key"], key.as_str(), "an edge shows its key");
                    counted.fetch_add(1, Ordering::SeqCst);
                    let list = listed.lock().unwrap();
                    axum::Json(serde_json::json!({ "next": list.0, "revoked": list.1 }))
                }
            }),
        )
        .fallback(get(async || "x"));
    let origin = serve(router).await;
    let base = Url::parse(&format!("{}/origin", origin.url())).unwrap();
    let edge = edge::serve(edge::Config::new(base, Access::Signed(secret.clone()))).await.unwrap();
    let fetch = async |session: &str, file: &str| {
        let token = sign(&secret, "film", session, NOON);
        client().get(format!("{}{}", edge.url(), signed_path(&token, "film", file))).send().await.unwrap()
    };
    assert_eq!(fetch("ended", "a.m3u8").await.status(), 200);
    *list.lock().unwrap() = (2, vec![serde_json::json!({ "session": "ended", "until": NOON + 60_000 })]);
    // A manifest is asked about before it is given; what is known then counts for everything.
    assert_eq!(fetch("ended", "a.m3u8").await.status(), 403);
    assert_eq!(error(fetch("ended", "a.m4s").await).await.1.name, "grant_invalid");
    assert_eq!(fetch("other", "a.m4s").await.status(), 200);
    assert_eq!(fetch("other", "a.m3u8").await.status(), 200);
    // Without a manifest it becomes known within seconds.
    list.lock().unwrap().1.push(serde_json::json!({ "session": "silent", "until": NOON + 60_000 }));
    let begun = std::time::Instant::now();
    while fetch("silent", "a.m4s").await.status() != 403 {
        assert!(begun.elapsed() < PATIENCE, "asked {} times", asked.load(Ordering::SeqCst));
        tokio::task::yield_now().await;
    }
    edge.shutdown().await;
}
