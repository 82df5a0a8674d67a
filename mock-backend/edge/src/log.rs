//! The request log: one line of JSON (NDJSON) for each request, written when its last byte was handed over or given up.
//!
//! Lines go through a bounded channel to a thread of their own. When that is full, or the disk is, lines are dropped and counted,
//! and the next line that fits says how many: a slow or full disk never slows a viewer down, and once it has room again the log
//! goes on. How the file is written, put aside and opened again is in [`super::log_file`].

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Instant;

use serde::Serialize;

pub use super::log_file::Rotation;
use super::log_file::{LineWriter, LogFile};
use super::object::Outcome;

/// Lines that may wait for the disk.
const WAITING: usize = 8192;

/// Where the log goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere.
    #[default]
    Off,
    /// To the standard output.
    Stdout,
    /// To the end of this file.
    File(PathBuf),
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// When it came, RFC 3339, UTC.
    pub time: String,
    /// The same in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The edge's name.
    pub edge: Arc<str>,
    /// The playback session, or the peer's address where paths are not signed; empty when the token was refused.
    pub session: String,
    /// `GET`, `HEAD`, `OPTIONS`.
    pub method: String,
    /// Without token, version and query: `title/…`.
    pub path: String,
    /// Version of the title, where the address names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The HTTP status; 0 when the connection was cut before there was one.
    pub status: u16,
    /// The `Range` header as it came.
    pub range: Option<String>,
    /// Bytes of the body handed to the connection.
    pub bytes: u64,
    /// Whether that was all of it.
    pub complete: bool,
    /// From the request to the first byte of the answer.
    pub first_byte_ms: u64,
    /// From the request to the end of the answer.
    pub duration_ms: u64,
    /// How the cache answered.
    pub cache: Outcome,
    /// The name of the error, where the answer is one.
    pub error: Option<String>,
    /// The rules of the chaos plan that fired.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chaos: Vec<String>,
}

/// The log of one edge. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Log {
    lines: Option<SyncSender<Line>>,
    dropped: Arc<AtomicU64>,
}

enum Line {
    Record(Box<Record>),
    Flush(SyncSender<()>),
}

impl Log {
    /// Opens the log and starts its thread. `rotation` counts for files only.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not started.
    pub fn open(destination: &Destination, rotation: Rotation) -> io::Result<Self> {
        let dropped = Arc::new(AtomicU64::new(0));
        let writer: Box<dyn LineWriter> = match destination {
            Destination::Off => return Ok(Self { lines: None, dropped }),
            Destination::Stdout => Box::new(Stdout),
            Destination::File(path) => Box::new(LogFile::open(path, rotation)?),
        };
        let (lines, receiver) = sync_channel(WAITING);
        let counter = Arc::clone(&dropped);
        thread::Builder::new().name("edge-log".to_owned()).spawn(move || write(&receiver, writer, &counter))?;
        Ok(Self { lines: Some(lines), dropped })
    }

    /// Adds a line, or counts it as dropped.
    pub fn add(&self, record: Record) {
        if let Some(lines) = &self.lines
            && let Err(TrySendError::Full(_)) = lines.try_send(Line::Record(Box::new(record)))
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until every line so far has been written.
    pub async fn flush(&self) {
        let Some(lines) = self.lines.clone() else {
            return;
        };
        let written = tokio::task::spawn_blocking(move || {
            let (done, wait) = sync_channel(1);
            // The thread is gone only after an error that it has reported.
            lines.send(Line::Flush(done)).is_ok() && wait.recv().is_ok()
        });
        if !matches!(written.await, Ok(true)) {
            tracing::warn!("the request log is not complete");
        }
    }
}

struct Stdout;

impl LineWriter for Stdout {
    fn write_lines(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(lines)?;
        stdout.flush()
    }
}

/// Lines that are written in one piece at most.
const BATCH: usize = 256;

fn write(lines: &Receiver<Line>, mut writer: Box<dyn LineWriter>, dropped: &AtomicU64) {
    let mut is_failing = false;
    let mut text = Vec::new();
    while let Ok(line) = lines.recv() {
        let (mut next, mut count, mut waiting) = (Some(line), 0, Vec::new());
        text.clear();
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            text.extend_from_slice(format!("{{\"dropped\":{lost}}}\n").as_bytes());
        }
        // What waits already goes out in one piece; whoever reads the file sees every finished request all the same.
        while let Some(line) = next {
            match line {
                Line::Record(record) if serde_json::to_writer(&mut text, &record).is_ok() => {
                    text.push(b'\n');
                    count += 1;
                }
                Line::Record(_) => {}
                Line::Flush(done) => waiting.push(done),
            }
            next = if count < BATCH { lines.try_recv().ok() } else { None };
        }
        let written = if text.is_empty() { Ok(()) } else { writer.write_lines(&text) };
        if let Err(error) = &written {
            dropped.fetch_add(lost + count as u64, Ordering::Relaxed);
            // Once for each time that it begins to fail: the program's own log may lie on the same disk.
            if !is_failing {
                tracing::error!(%error, "the request log cannot be written: lines are counted until it can");
            }
        }
        is_failing = written.is_err();
        for done in waiting {
            // Whoever waited may have stopped waiting.
            let _ = done.try_send(());
        }
    }
}

/// A record that is written when it is dropped: at the end of the response, or when the client left.
#[derive(Debug)]
pub struct OpenRecord {
    log: Log,
    record: Record,
    began: Instant,
    expected: Option<u64>,
    ended: bool,
    started: bool,
}

impl OpenRecord {
    /// Begins the record of a request that has just come.
    pub fn begin(log: Log, edge: Arc<str>, now_ms: i64, method: String) -> Self {
        let time = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
        let record = Record {
            time: format!("{time:.3}"),
            time_ms: now_ms,
            edge,
            session: String::new(),
            method,
            path: String::new(),
            version: None,
            status: 0,
            range: None,
            bytes: 0,
            complete: false,
            first_byte_ms: 0,
            duration_ms: 0,
            cache: Outcome::None,
            error: None,
            chaos: Vec::new(),
        };
        Self { log, record, began: Instant::now(), expected: None, ended: false, started: false }
    }

    /// The record, to be filled in as facts become known.
    pub fn set(&mut self) -> &mut Record {
        &mut self.record
    }

    /// The answer's headers are on their way; `length` is what its body will have, when that is known.
    pub fn answered(&mut self, status: u16, length: Option<u64>) {
        self.record.status = status;
        self.expected = length;
        self.first_byte();
    }

    /// Bytes of the body were handed over.
    pub fn sent(&mut self, bytes: u64) {
        self.record.bytes += bytes;
        self.ended |= self.expected == Some(self.record.bytes);
    }

    /// The body came to its end.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    fn first_byte(&mut self) {
        if !self.started {
            self.started = true;
            self.record.first_byte_ms = millis(self.began);
        }
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        let mut record = self.record.clone();
        record.duration_ms = millis(self.began);
        record.complete = self.ended || self.expected == Some(record.bytes);
        self.log.add(record);
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Destination, Log, OpenRecord, Rotation};

    #[tokio::test]
    async fn a_record_becomes_a_line() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("logs/edge.ndjson");
        let log = Log::open(&Destination::File(path.clone()), Rotation::default()).expect("it opens");
        let mut record = OpenRecord::begin(log.clone(), "a".into(), 1_000, "GET".to_owned());
        record.set().path = "tears/x.m4s".to_owned();
        record.answered(200, Some(10));
        record.sent(4);
        drop(record);
        log.flush().await;
        let text = std::fs::read_to_string(path).expect("it was written");
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).expect("one line of JSON");
        assert_eq!(line["time"], "1970-01-01T00:00:01.000Z");
        assert_eq!((&line["bytes"], &line["complete"], &line["cache"]), (&4.into(), &false.into(), &"none".into()));
    }

    /// A record of a request, as one line.
    fn request(log: &Log, path: &str) {
        let mut record = OpenRecord::begin(log.clone(), "a".into(), 0, "GET".to_owned());
        record.set().path = path.to_owned();
        record.answered(200, Some(0));
    }

    #[tokio::test]
    async fn a_full_disk_costs_the_lines_of_its_time_only() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("edge.ndjson");
        // Every write to this device fails as on a full disk.
        std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
        let log = Log::open(&Destination::File(path.clone()), Rotation::default()).expect("it opens");
        for n in 0..3 {
            request(&log, &format!("lost-{n}"));
            log.flush().await;
        }
        std::fs::remove_file(&path).expect("the link goes");
        request(&log, "kept");
        log.flush().await;
        request(&log, "kept too");
        log.flush().await;
        let text = std::fs::read_to_string(&path).expect("the file is there again");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("whole lines of JSON")).collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(lines[0], serde_json::json!({ "dropped": 3 }));
        assert_eq!([&lines[1]["path"], &lines[2]["path"]], ["kept", "kept too"]);
    }
}
