//! The rules of every log, held against a server of JetStream that the test starts.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kinora_eventlog::{Event, EventLog as _, LogError};
use kinora_jetstream::JetStream;

#[path = "../../eventlog/tests/suite.rs"]
mod suite;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of its choice, which is killed with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts a server on a folder. Fails when there is no `nats-server`, which is Debian's package of that name.
    fn start(folder: &Path) -> Self {
        let ports = folder.join("ports");
        std::fs::create_dir_all(&ports).unwrap();
        for old in std::fs::read_dir(&ports).unwrap() {
            std::fs::remove_file(old.unwrap().path()).unwrap();
        }
        let child = Command::new("nats-server")
            .args(["-js", "-a", "127.0.0.1", "-p", "-1", "-sd"])
            .arg(folder.join("store"))
            .arg("--ports_file_dir")
            .arg(&ports)
            .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("nats-server (package nats-server) cannot be started: {error}"));
        let begun = Instant::now();
        loop {
            let files =
                std::fs::read_dir(&ports).unwrap().filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
            // {"nats":["nats://127.0.0.1:PORT"],…}
            let url = files.filter_map(|text| {
                let at = text.find("nats://")?;
                text[at..].split('"').next().map(str::to_owned)
            });
            if let Some(url) = url.last() {
                return Self { child, url };
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not say where it listens");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn jetstream_conforms_and_knows_all_of_it_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let log = JetStream::connect(&server.url).await.unwrap();
    suite::conforms(&log).await;
    let event = Event { key: "x".into(), id: "before".into(), at_ms: 7, body: b"b".to_vec() };
    let place = log.append(vec![event.clone()]).await.unwrap()[0];
    log.ack("late", place).await.unwrap();
    drop(log);
    drop(server);

    let server = Server::start(folder.path());
    let log = JetStream::connect(&server.url).await.unwrap();
    let read = log.read("other", place.partition, Some(place.offset), 9).await.unwrap();
    assert_eq!(read.iter().map(|record| &record.event).collect::<Vec<_>>(), [&event]);
    assert!(log.read("late", place.partition, None, 9).await.unwrap().is_empty(), "the group's place is there too");
    drop(server);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_that_says_so() {
    let refused = JetStream::connect("nats://127.0.0.1:1").await.err();
    assert!(matches!(refused, Some(LogError::Away(_))), "{refused:?}");
}
