//! The request log: one line of JSON (NDJSON) for each request, written when its last byte was handed over or given up.
//!
//! Lines go through a bounded channel to a thread of their own. When that is full, lines are dropped and counted, and the next
//! line that fits says how many: a slow disk never slows a viewer down.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Instant;

use serde::Serialize;

use super::cache::Outcome;

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
    /// Without token and query: `title/…`.
    pub path: String,
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
    /// Opens the log and starts its thread.
    ///
    /// # Errors
    /// When the file cannot be opened or the thread not started.
    pub fn open(destination: &Destination) -> io::Result<Self> {
        let dropped = Arc::new(AtomicU64::new(0));
        let writer: Box<dyn Write + Send> = match destination {
            Destination::Off => return Ok(Self { lines: None, dropped }),
            Destination::Stdout => Box::new(io::stdout()),
            Destination::File(path) => Box::new(append(path)?),
        };
        let (lines, receiver) = sync_channel(WAITING);
        let counter = Arc::clone(&dropped);
        thread::Builder::new()
            .name("edge-log".to_owned())
            .spawn(move || write(receiver, BufWriter::new(writer), &counter))?;
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

fn append(path: &Path) -> io::Result<std::fs::File> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

fn write(lines: Receiver<Line>, mut writer: BufWriter<Box<dyn Write + Send>>, dropped: &AtomicU64) {
    while let Ok(line) = lines.recv() {
        let mut next = Some(line);
        while let Some(line) = next {
            if let Err(error) = write_line(&mut writer, line, dropped) {
                tracing::error!(%error, "the request log ends here");
                return;
            }
            next = lines.try_recv().ok();
        }
        // Nothing waits: whoever reads the file sees every finished request.
        if let Err(error) = writer.flush() {
            tracing::error!(%error, "the request log ends here");
            return;
        }
    }
}

fn write_line(writer: &mut impl Write, line: Line, dropped: &AtomicU64) -> io::Result<()> {
    let lost = dropped.swap(0, Ordering::Relaxed);
    if lost > 0 {
        writeln!(writer, "{{\"dropped\":{lost}}}")?;
    }
    match line {
        Line::Record(record) => {
            serde_json::to_writer(&mut *writer, &record)?;
            writer.write_all(b"\n")
        }
        Line::Flush(done) => {
            writer.flush()?;
            // Whoever waited may have stopped waiting.
            let _ = done.try_send(());
            Ok(())
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
    use super::{Destination, Log, OpenRecord};

    #[tokio::test]
    async fn a_record_becomes_a_line() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("logs/edge.ndjson");
        let log = Log::open(&Destination::File(path.clone())).expect("it opens");
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
}
