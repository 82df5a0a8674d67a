//! The log read from its files, while a process has it open.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;

use kinora_eventlog::embedded::{Log, Settings};
use kinora_eventlog::files::Files;
use kinora_eventlog::{Event, EventLog, LogError, Place, Record};
use kinora_kit::clock::Clock;

fn event(number: u32) -> Event {
    Event { key: format!("k{}", number % 5), id: number.to_string(), at_ms: 1_000, body: vec![b'x'; 50] }
}

async fn all(log: &dyn EventLog) -> Vec<Vec<Record>> {
    let mut partitions = Vec::new();
    for partition in 0..log.partitions() {
        partitions.push(log.read("a", partition, Some(0), 1_000).await.unwrap());
    }
    partitions
}

#[tokio::test]
async fn files_give_what_the_log_gives_and_take_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    assert_eq!(Files::open(&path).unwrap().partitions(), 0, "there is no log yet");
    let settings = Settings { segment_bytes: 300, partitions: 3, ..Settings::default() };
    let (clock, _) = Clock::manual(1_000);
    let log = Log::open(&path, settings, clock).unwrap();
    let mut places = Vec::new();
    for number in 0..60 {
        places.extend(log.append(vec![event(number)]).await.unwrap());
    }
    let files = Files::open(&path).unwrap();
    assert_eq!(all(&files).await, all(&log).await);
    let place = places[0];
    let some = files.read("a", place.partition, Some(3), 2).await.unwrap();
    assert_eq!(some, log.read("a", place.partition, Some(3), 2).await.unwrap());
    log.erase("k0", *places.last().unwrap()).await.unwrap();
    log.erase("k0", Place { offset: 1 << 40, ..place }).await.unwrap();
    let left = all(&files).await;
    assert_eq!(left, all(&log).await);
    assert!(left.iter().flatten().all(|record| record.event.key != "k0"));
    for refused in [
        files.append(vec![event(99)]).await.err(),
        files.ack("a", place).await.err(),
        files.erase("k1", place).await.err(),
        files.read("a", 3, None, 1).await.err(),
        files.read("../a", 0, None, 1).await.err(),
    ] {
        assert!(matches!(refused, Some(LogError::Refused(_))), "{refused:?}");
    }

    // A record that is being written is not seen; damage in an older file is an error.
    let mut names: Vec<_> = std::fs::read_dir(path.join("0")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 2);
    let before = files.read("a", 0, Some(0), 1_000).await.unwrap();
    let append = |path: &std::path::Path| {
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"half a rec").unwrap();
    };
    append(names.last().unwrap());
    assert_eq!(files.read("a", 0, Some(0), 1_000).await.unwrap(), before);
    append(&names[0]);
    assert!(matches!(files.read("a", 0, Some(0), 1_000).await, Err(LogError::Damaged { .. })));
}
