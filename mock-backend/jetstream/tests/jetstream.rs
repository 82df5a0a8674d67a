//! The rules of every log, held against a server of JetStream that the test starts.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kinora_eventlog::{Event, EventLog as _, LogError};
use kinora_jetstream::JetStream;

#[path = "../../eventlog/tests/suite/mod.rs"]
mod suite;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the server until the standard input ends, as it does when the test is killed, and kills it then.
const KEEPER: &str = "PATH=$PATH:/usr/sbin; nats-server \"$@\" >/dev/null 2>&1 & cat >/dev/null; kill -9 $!; wait";

/// A server on a port of its choice, which is killed with the test.
struct Server {
    keeper: Child,
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
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh", "-js", "-a", "127.0.0.1", "-p", "-1", "-sd"]).arg(folder.join("store"));
        command.arg("--ports_file_dir").arg(&ports).stdin(Stdio::piped());
        let mut server = Self { keeper: command.spawn().unwrap(), url: String::new() };
        let begun = Instant::now();
        while server.url.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "nats-server (package nats-server) does not say where it listens");
            std::thread::sleep(Duration::from_millis(20));
            let files = std::fs::read_dir(&ports).unwrap();
            let texts = files.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
            // {"nats":["nats://127.0.0.1:PORT"],…}
            let urls = texts.filter_map(|text| {
                let from = &text[text.find("nats://")?..];
                from.split_once('"').map(|(url, _)| url.to_owned())
            });
            server.url = urls.last().unwrap_or_default();
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
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
