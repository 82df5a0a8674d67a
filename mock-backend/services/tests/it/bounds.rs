//! Crowds and slow peers: what they are refused, and that the others do not notice.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kinora_api::{ErrorCode, TitleDetail, paths};
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::stream::WritePace;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use kinora_stage::{PATIENCE, Stage, TITLE};

fn address(stage: &Stage) -> SocketAddr {
    stage.backend.url().strip_prefix("http://").unwrap().parse().unwrap()
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// The whole answer to a request on a connection of its own.
async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = send(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

const UNFINISHED: &str =
    "POST /v1/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{";

#[tokio::test]
async fn connections_that_ask_for_nothing_make_room() {
    let stage = Stage::with(|config| config.limits.max_connections = 8).await;
    let address = address(&stage);
    let mut crowd = Vec::new();
    for n in 0..100 {
        crowd.push(send(address, if n % 2 == 0 { "" } else { "GET / HTTP/1.1\r\nx-half-a-header: " }).await);
        if n % 10 == 0 {
            assert!(ask(address, paths::HEALTH).await.starts_with("HTTP/1.1 200 "), "{n}");
        }
    }
    assert!(ask(address, "/v1/account").await.starts_with("HTTP/1.1 401 "), "others are served");
    assert_eq!(stage.viewer().await.get(paths::ACCOUNT).await.status(), 200);
}

#[tokio::test]
async fn the_state_of_the_service_is_known_while_every_connection_is_busy() {
    let stage = Stage::with(|config| config.limits.max_connections = 8).await;
    let address = address(&stage);
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(send(address, UNFINISHED).await);
    }
    for path in [paths::HEALTH, paths::READY] {
        assert!(ask(address, path).await.starts_with("HTTP/1.1 200 "), "{path}");
    }
    let refused = ask(address, "/v1/account").await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 1\r\n"), "{refused}");
    drop(crowd);
    let begun = Instant::now();
    while !ask(address, "/v1/account").await.starts_with("HTTP/1.1 401 ") {
        assert!(begun.elapsed() < PATIENCE, "the seats are free again");
    }
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_ended() {
    let stage = Stage::with(|config| {
        config.body = BodyLimits { time: Duration::from_millis(100), ..config.body };
    })
    .await;
    let mut stream = send(address(&stage), UNFINISHED).await;
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(ErrorCode::InvalidRequest.name()), "{answer}");
}

#[tokio::test]
async fn a_reader_that_reads_nothing_is_ended() {
    let stage = Stage::with(|config| {
        config.limits.write_pace = WritePace { window: Duration::from_millis(100), least: 1 };
    })
    .await;
    let big = stage.dir.path().join("media").join(TITLE).join("thumbs");
    std::fs::create_dir_all(&big).unwrap();
    std::fs::write(big.join("sheet.jpg"), vec![7_u8; 32 << 20]).unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address(&stage)).await.unwrap();
    let detail: TitleDetail = stage.viewer().await.read(&paths::title(&TITLE.into(), None)).await;
    let sheet = detail.thumbnails.unwrap().path.replace("thumbs.vtt", "sheet.jpg");
    let request = format!("GET {sheet} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // The connection is reset, so that a write fails without a byte having been read.
    let begun = Instant::now();
    while stream.write_all(b"x").await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the reader is still connected");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(ask(address(&stage), paths::HEALTH).await.starts_with("HTTP/1.1 200 "));
}
