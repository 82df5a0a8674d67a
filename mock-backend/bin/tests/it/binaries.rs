//! The programs themselves: what they print, how they end, and that an edge's death costs nobody the film.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use kinora_api::Protocol;
use kinora_kit::http::server;
use kinora_services as services;
use url::Url;

use kinora_stage::{PATIENCE, Stage, error, segment, write_title};

/// A program that is killed when the test is over.
pub(crate) struct Program {
    pub(crate) child: Child,
    lines: mpsc::Receiver<String>,
}

impl Program {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::sync_channel(100);
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn url(&self) -> Url {
        let line = self.line();
        let url = Url::parse(line.strip_prefix("listening on ").unwrap()).unwrap();
        assert_eq!(line, format!("listening on http://127.0.0.1:{}", url.port().unwrap()));
        url
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        // Its standard output closes when it ends.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end"),
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) const BACKEND: &str = env!("CARGO_BIN_EXE_kinora-backend");
const EDGE: &str = env!("CARGO_BIN_EXE_kinora-edge");

#[test]
fn both_say_where_they_listen_and_end_well_when_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    write_title(dir.path());
    let data = dir.path().to_str().unwrap();
    for signal in ["TERM", "INT"] {
        let mut backend = Program::start(BACKEND, &["--data", data, "--port", "0"]);
        let origin = format!("{}origin", backend.url());
        let secret = services::edge_secret_file(dir.path());
        let secret = secret.to_str().unwrap();
        let mut edge = Program::start(EDGE, &["--origin", &origin, "--port", "0", "--secret-file", secret]);
        edge.url();
        edge.signal(signal);
        assert_eq!(edge.ended().code(), Some(0));
        backend.signal(signal);
        assert_eq!(backend.ended().code(), Some(0));
    }
}

#[test]
fn an_edge_ends_when_the_one_who_started_it_is_gone() {
    let mut edge = Program::start(EDGE, &["--origin", "http://127.0.0.1:9", "--open", "--exit-with-stdin"]);
    edge.url();
    drop(edge.child.stdin.take());
    assert_eq!(edge.ended().code(), Some(0));
}

#[test]
fn what_cannot_work_is_said_in_a_sentence() {
    for (program, arguments, expected) in [
        (EDGE, &["--origin", "http://127.0.0.1:9"][..], "--secret-file"),
        (EDGE, &["--origin", "ftp://127.0.0.1", "--open"][..], "http or https"),
        (BACKEND, &["--data", "/proc/no-such-place"][..], "data directory"),
        (BACKEND, &["ingest", "no-such-file.mp4", "--data", "/tmp"][..], "no-such-file.mp4"),
        (BACKEND, &["topology", "stop", "playback", "--data", "/tmp"][..], "no supervisor answers for /tmp"),
        (BACKEND, &["--service", "accounts", "--data", "/tmp"][..], "the service accounts needs playback"),
    ] {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{text}");
        assert!(text.contains(expected), "{text}");
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(BACKEND)
        .args(["--db", "postgres://x:secret@127.0.0.1:1/k", "--data"])
        .arg(dir.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(text.contains("the database cannot be opened") && !text.contains("secret"), "{text}");
}

#[test]
fn an_account_is_added_with_the_password_on_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    for (email, password, code) in
        [("a@kinora.example", "right\n", 0), ("nobody", "right\n", 1), ("b@kinora.example", "", 1)]
    {
        let mut child = Command::new(BACKEND)
            .args(["account", "add", "--email", email, "--data"])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{email}: {text}");
        assert!(!text.contains("right"), "{text}");
    }
}

#[tokio::test]
async fn when_an_edge_dies_the_other_has_the_same_film() {
    let stage = Stage::new().await;
    let origin = stage.backend.origin_url();
    let secret = services::edge_secret_file(stage.dir.path());
    let secret = secret.to_str().unwrap();
    let edges: Vec<Program> =
        (0..2).map(|_| Program::start(EDGE, &["--origin", &origin, "--secret-file", secret])).collect();
    let urls: Vec<Url> = edges.iter().map(Program::url).collect();
    stage.backend.set_edges(urls.clone());
    let viewer = stage.viewer().await;
    let grant = viewer.grant().await;
    let addresses: Vec<String> = grant
        .urls(Protocol::Hls)
        .iter()
        .map(|manifest| manifest.replace("master.m3u8", kinora_stage::SEGMENT))
        .collect();
    assert_eq!(addresses.len(), 2);
    let first = urls.iter().position(|url| addresses[0].starts_with(url.as_str())).unwrap();
    assert_eq!(stage.client.get(&addresses[0]).send().await.unwrap().bytes().await.unwrap(), segment());
    edges[first].signal("KILL");
    let begun = Instant::now();
    while stage.client.get(&addresses[0]).send().await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the edge is dead and answers");
    }
    assert_eq!(stage.client.get(&addresses[1]).send().await.unwrap().bytes().await.unwrap(), segment());
    let forged = addresses[1].replace("/t/", "/t/9");
    assert_eq!(error(stage.client.get(forged).send().await.unwrap()).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_under_way_get_the_time_that_was_asked_for() {
    // The origin begins its answer and never ends it.
    let endless = axum::Router::new().fallback(axum::routing::get(async || {
        let body = stream::once(async { Ok::<_, std::io::Error>("begin") }).chain(stream::pending());
        ([("content-length", "100")], axum::body::Body::from_stream(body))
    }));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let origin = server::listen(address, endless, server::Limits::default(), async {}).await.unwrap();
    for (seconds, signals) in [("0", 1), ("100000", 2)] {
        let mut edge = Program::start(EDGE, &["--origin", &origin.url(), "--open", "--drain-seconds", seconds]);
        let url = edge.url();
        let client = kinora_stage::client();
        let mut answer = client.get(url.join("film.m4s").unwrap()).send().await.unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "begin");
        for n in 1..=signals {
            edge.signal("TERM");
            // The second one counts once the first has been seen: the edge accepts nobody any more.
            let begun = Instant::now();
            while n < signals && client.get(url.join("healthz").unwrap()).send().await.is_ok() {
                assert!(begun.elapsed() < PATIENCE, "the edge does not drain");
            }
        }
        assert_eq!(edge.ended().code(), Some(0), "after {seconds} s and {signals} signals");
    }
    origin.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_takes_the_address_while_answers_are_under_way() {
    // The origin ends its answer when the test says so.
    let (end, ended) = tokio::sync::watch::channel(false);
    let slow = axum::Router::new().fallback(axum::routing::get(async move || {
        let mut ended = ended.clone();
        let rest =
            stream::once(
                async move { ended.wait_for(|ended| *ended).await.map(|_| "end").map_err(std::io::Error::other) },
            );
        let body = stream::once(async { Ok::<_, std::io::Error>("begin") }).chain(rest);
        ([("content-length", "8")], axum::body::Body::from_stream(body))
    }));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let origin = server::listen(address, slow, server::Limits::default(), async {}).await.unwrap();
    let arguments = ["--origin", &origin.url(), "--open", "--drain-seconds", "100000", "--port"];
    let mut old = Program::start(EDGE, &[&arguments[..], &["0"]].concat());
    let url = old.url();
    let port = url.port().unwrap().to_string();
    let client = kinora_stage::client();
    let mut answer = client.get(url.join("film.m4s").unwrap()).send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "begin");
    // It has asked nothing, so nothing is lost when it closes.
    let _idle = std::net::TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();

    old.signal("TERM");
    let begun = Instant::now();
    let health = url.join("healthz").unwrap();
    // One that still listens makes the successor end; whoever starts it tries again.
    let mut new = loop {
        let mut new = Program::start(EDGE, &[&arguments[..], &[&port]].concat());
        match new.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                assert_eq!(line, format!("listening on {}", url.as_str().trim_end_matches('/')));
                break new;
            }
            Err(_) => assert_eq!(new.ended().code(), Some(1)),
        }
        assert!(begun.elapsed() < PATIENCE, "the address does not become free");
    };
    // A request that was refused in between is answered when it is repeated.
    while !client.get(health.clone()).send().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(begun.elapsed() < PATIENCE, "the successor does not answer");
    }
    assert!(old.child.try_wait().unwrap().is_none(), "its answer is under way");
    end.send(true).unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "end");
    assert_eq!(old.ended().code(), Some(0));
    new.signal("TERM");
    assert_eq!(new.ended().code(), Some(0));
    origin.kill().await;
}

#[test]
fn a_prepared_directory_has_the_keys_that_are_served_later() {
    let data = tempfile::tempdir().unwrap();
    services::prepare_keys(data.path()).unwrap();
    let read = || {
        ["edge.secret", "keys/access.pem", "keys/metrics.token"].map(|name| fs::read(data.path().join(name)).unwrap())
    };
    let made = read();
    assert!(made.iter().all(|key| !key.is_empty()));
    services::prepare_keys(data.path()).unwrap();
    assert_eq!(read(), made, "keys are made once");
}
