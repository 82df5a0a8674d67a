//! Rules that every log keeps, and the recovery of the embedded one after a crash.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use std::sync::Arc;

use kinora_eventlog::embedded::{Log, Settings};
use kinora_eventlog::on_demand::OnDemand;
use kinora_eventlog::remote::{self, Remote};
use kinora_eventlog::{Event, EventLog, LogError, Place, Record};
use kinora_kit::clock::Clock;
use kinora_kit::http::internal::{Caller, InternalKey, Peer};
use kinora_kit::http::server;

mod suite;

use suite::event;

/// Number of times that the process is killed.
const KILLS: usize = 60;
/// Folder of the log for the process that is killed.
const FOLDER: &str = "KINORA_TEST_EVENTLOG";

fn open(folder: &Path) -> Log {
    Log::open(folder, Settings::default(), Clock::manual(1_000).0).unwrap()
}

fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.event.id.as_str()).collect()
}

#[tokio::test]
async fn the_embedded_log_conforms() {
    let dir = tempfile::tempdir().unwrap();
    suite::conforms(&open(dir.path())).await;
}

#[tokio::test]
async fn a_log_that_is_opened_again_knows_all_of_it_and_cuts_off_a_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let places = log.append(vec![event("x", "1"), event("x", "2")]).await.unwrap();
    log.ack("a", places[0]).await.unwrap();
    assert!(matches!(Log::open(dir.path(), Settings::default(), Clock::system()), Err(LogError::InUse(_))));
    let file = newest(dir.path(), places[0].partition);
    drop(log);
    OpenOptions::new().append(true).open(&file).unwrap().write_all(b"\x40\0\0\0half of a record").unwrap();
    let log = reopen(dir.path()).await;
    assert_eq!(ids(&log.read("a", places[0].partition, None, 9).await.unwrap()), ["2"]);
    let again = log.append(vec![event("x", "3"), event("x", "1")]).await.unwrap();
    assert_eq!((again[0].offset, again[1]), (2, places[0]), "the window outlives the process");
    assert_eq!(ids(&log.read("b", places[0].partition, None, 9).await.unwrap()), ["1", "2", "3"]);
}

#[tokio::test]
async fn old_files_are_deleted_and_a_damaged_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { partitions: 1, segment_bytes: 1, keep_bytes: 100, ..Settings::default() };
    let log = Log::open(dir.path(), settings.clone(), Clock::manual(1_000).0).unwrap();
    for n in 0..9 {
        log.append(vec![event("x", &n.to_string())]).await.unwrap();
    }
    let left = log.read("a", 0, None, 99).await.unwrap();
    assert_eq!(ids(&left), ["6", "7", "8"], "31 bytes each");
    drop(log);
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir.path().join("0")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    fs::write(&files[0], b"something else").unwrap();
    let damaged = loop {
        match Log::open(dir.path(), settings.clone(), Clock::system()) {
            Err(LogError::InUse(_)) => tokio::task::yield_now().await,
            other => break other.err().unwrap(),
        }
    };
    assert!(matches!(damaged, LogError::Damaged { path, valid: 0 } if path == files[0]));
}

#[tokio::test]
async fn a_start_reads_the_newest_files_only_and_damage_is_found_by_who_reads() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { partitions: 1, segment_bytes: 1, window: 2, ..Settings::default() };
    let open = async || loop {
        match Log::open(dir.path(), settings.clone(), Clock::manual(1_000).0) {
            Err(LogError::InUse(_)) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    };
    let log = open().await;
    for n in 0..5 {
        log.append(vec![event("x", &n.to_string())]).await.unwrap();
    }
    drop(log);
    let oldest = dir.path().join("0").join(format!("{:020}.log", 0));
    fs::write(&oldest, b"something else").unwrap();
    let log = open().await;
    assert_eq!(ids(&log.read("a", 0, Some(1), 99).await.unwrap()), ["1", "2", "3", "4"]);
    assert_eq!(log.append(vec![event("x", "4")]).await.unwrap()[0].offset, 4, "it is remembered");
    let damaged = log.read("a", 0, None, 99).await.unwrap_err();
    assert!(matches!(damaged, LogError::Damaged { path, valid: 0 } if path == oldest));
}

#[tokio::test]
async fn an_erased_key_leaves_nothing_but_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { partitions: 1, segment_bytes: 60, ..Settings::default() };
    let log = Log::open(dir.path(), settings.clone(), Clock::manual(1_000).0).unwrap();
    let mut places = Vec::new();
    for n in 0..6 {
        let event = Event { body: format!("content-{n}").into(), ..event(["leaves", "stays"][n % 2], &n.to_string()) };
        places.extend(log.append(vec![event]).await.unwrap());
    }
    for _ in 0..2 {
        log.erase("leaves", places[4]).await.unwrap();
        assert_eq!(ids(&log.read("a", 0, Some(0), 99).await.unwrap()), ["1", "3", "4", "5"]);
    }
    let again = log.append(vec![event("leaves", "0"), event("leaves", "6")]).await.unwrap();
    assert_eq!(again, [places[0], Place { partition: 0, offset: 6 }], "its identifier is known, its numbers stay");
    assert!(matches!(log.append(vec![event("-erased-", "7")]).await, Err(LogError::Refused(_))));
    drop(log);
    let files = fs::read_dir(dir.path().join("0")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let bytes: Vec<u8> = files.flatten().collect();
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!has("content-0") && !has("content-2") && has("content-1") && has("content-4"));
    let log = loop {
        match Log::open(dir.path(), settings.clone(), Clock::manual(1_000).0) {
            Err(LogError::InUse(_)) => tokio::task::yield_now().await,
            other => break other.unwrap(),
        }
    };
    assert_eq!(ids(&log.read("a", 0, None, 99).await.unwrap()), ["1", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn who_reads_keeps_nobody_waiting_and_sees_whole_events() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { partitions: 1, segment_bytes: 200, keep_bytes: 2_000, ..Settings::default() };
    let log = Arc::new(Log::open(dir.path(), settings, Clock::manual(1_000).0).unwrap());
    let reading = Arc::clone(&log);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let reader = tokio::spawn(async move {
        let mut reads = 0;
        while !*stopped.borrow() {
            let records = reading.read("a", 0, Some(0), 1_000).await.unwrap();
            assert!(records.windows(2).all(|pair| pair[0].offset < pair[1].offset));
            assert!(records.iter().all(|record| record.event.body == record.event.id.as_bytes()));
            reads += 1;
        }
        reads
    });
    for n in 0..300 {
        let places = log.append(vec![event("x", &n.to_string())]).await.unwrap();
        if n % 50 == 49 {
            log.erase("x", Place { offset: places[0].offset - 20, ..places[0] }).await.unwrap();
        }
    }
    stop.send(true).unwrap();
    assert!(reader.await.unwrap() > 0);
}

#[tokio::test]
async fn a_log_is_opened_when_it_is_needed_and_free() {
    let dir = tempfile::tempdir().unwrap();
    let other = open(dir.path());
    let log = OnDemand::new(dir.path().to_owned(), Settings::default(), Clock::manual(1_000).0);
    assert!(matches!(log.append(vec![event("x", "1")]).await, Err(LogError::InUse(_))));
    drop(other);
    while matches!(log.append(vec![event("x", "1")]).await, Err(LogError::InUse(_))) {
        tokio::task::yield_now().await;
    }
    assert!(matches!(log.append(vec![event("", "2")]).await, Err(LogError::Refused(_))));
    assert_eq!(log.append(vec![event("x", "3")]).await.unwrap()[0].offset, 1);
}

#[tokio::test]
async fn the_log_of_another_process_is_used_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let log: Arc<dyn EventLog> = Arc::new(open(dir.path()));
    let key = InternalKey::new("a key of services");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let limits = server::Limits::default();
    let server = server::listen(address, remote::routes(log, key.clone()), limits, async {}).await.unwrap();
    let peer = Arc::new(Peer::new(Some(&server.url().parse().unwrap())));
    let log = Remote::new(Caller::new(Arc::clone(&peer), key).unwrap());
    let places = log.append(vec![Event { body: vec![0, 159, 146, 150], ..event("k", "bytes") }]).await.unwrap();
    let read = log.read("d", places[0].partition, None, 1).await.unwrap();
    assert_eq!(read[0].event.body, [0, 159, 146, 150]);
    let stranger = Remote::new(Caller::new(peer, InternalKey::new("another")).unwrap());
    assert!(matches!(stranger.append(vec![event("x", "1")]).await, Err(LogError::Away(_))));
    server.kill().await;
    assert!(matches!(log.append(vec![event("x", "1")]).await, Err(LogError::Away(_))));
}

fn newest(folder: &Path, partition: u32) -> PathBuf {
    let entries = fs::read_dir(folder.join(partition.to_string())).unwrap();
    entries.map(|entry| entry.unwrap().path()).max().unwrap()
}

/// Opens a log whose writer may be ending.
async fn reopen(folder: &Path) -> Log {
    loop {
        match Log::open(folder, Settings::default(), Clock::manual(1_000).0) {
            Err(LogError::InUse(_)) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    }
}

/// The process that is killed: says which events were acknowledged, for as long as it lives.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let log = reopen(Path::new(&folder)).await;
    for n in 0_u64.. {
        let id = format!("{}-{n}", std::process::id());
        log.append(vec![event(&(n % 5).to_string(), &id)]).await.unwrap();
        println!("\nacknowledged {id}");
    }
}

#[tokio::test]
async fn no_event_that_was_acknowledged_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).filter_map(|line| Some(line.strip_prefix("acknowledged ")?.to_owned()));
        for (n, id) in said.enumerate() {
            acknowledged.push(id);
            // What the pipe holds at that time is read to its end.
            if n == 20 + round % 10 * 7 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }
    assert!(acknowledged.len() > 20 * KILLS, "{}", acknowledged.len());
    let log = reopen(dir.path()).await;
    let mut there = std::collections::BTreeSet::new();
    for partition in 0..log.partitions() {
        let mut from = 0;
        loop {
            let page = log.read("a", partition, Some(from), 500).await.unwrap();
            let Some(last) = page.last() else { break };
            from = last.offset + 1;
            there.extend(page.into_iter().map(|record| record.event.id));
        }
    }
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !there.contains(*id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}
