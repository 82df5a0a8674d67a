//! Where events and the report go.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use player_core::driver::MemoryStore;
use player_core::error::Stage;
use player_core::telemetry::SessionReport;
use player_core::{Event, MediaTime, Now, PendingRetry};
use serde::Serialize;

use crate::cli::PlayOptions;

/// The event stream and the place for the report.
pub struct Outputs {
    events: Option<Box<dyn Write>>,
    report: Option<Box<dyn Write>>,
}

#[derive(Serialize)]
struct Stamped<'a> {
    t_ms: f64,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Serialize)]
struct OnScreen<'a> {
    t_ms: f64,
    event: &'static str,
    at_s: f64,
    text: &'a [String],
}

/// A failed request that is made again; times are on the clock of `t_ms`.
#[derive(Serialize)]
struct Retrying<'a> {
    t_ms: f64,
    event: &'static str,
    stage: Stage,
    host: &'a str,
    error: &'static str,
    code: u16,
    message: &'a str,
    attempt: u32,
    next_attempt_ms: f64,
    gives_up_ms: f64,
}

#[derive(Serialize)]
struct RetryEnded {
    t_ms: f64,
    event: &'static str,
}

/// The session report, and the use of the media cache if there was one.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    session: &'a SessionReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_cache: Option<CacheUse>,
}

/// Use of the media cache.
#[derive(Serialize)]
struct CacheUse {
    hits: u64,
    misses: u64,
    served_bytes: u64,
    /// Bytes kept at the end.
    kept_bytes: u64,
}

impl CacheUse {
    fn of(cache: &MemoryStore) -> Self {
        let counts = cache.counts();
        let (hits, misses, served_bytes) = (counts.hits, counts.misses, counts.served_bytes);
        Self { hits, misses, served_bytes, kept_bytes: cache.bytes() }
    }
}

fn milliseconds(now: Now) -> f64 {
    now.as_nanos() as f64 / 1e6
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

impl Outputs {
    /// Opens the files before anything is played, so that a wrong path is a usage error.
    ///
    /// # Errors
    /// When a file cannot be created.
    pub fn open(options: &PlayOptions) -> anyhow::Result<Self> {
        let events_on_stdout = options.events.as_deref() == Some(Path::new("-"));
        let report = match &options.report {
            Some(path) => Some(open(path)?),
            None if events_on_stdout => None,
            None => Some(Box::new(io::stdout()) as Box<dyn Write>),
        };
        Ok(Self { events: options.events.as_deref().map(open).transpose()?, report })
    }

    /// Writes an event.
    pub fn event(&mut self, now: Now, event: &Event) {
        self.line(&Stamped { t_ms: milliseconds(now), event });
    }

    /// Writes what text is on screen from now on, cue by cue.
    pub fn cues(&mut self, now: Now, at: MediaTime, text: &[String]) {
        self.line(&OnScreen { t_ms: milliseconds(now), event: "cues_shown", at_s: at.as_secs_f64(), text });
    }

    /// Writes that a failed request is made again, as the snapshot describes it; `None` says that it no longer is.
    pub fn retry(&mut self, now: Now, retry: Option<&PendingRetry>) {
        let Some(retry) = retry else {
            return self.line(&RetryEnded { t_ms: milliseconds(now), event: "retry_ended" });
        };
        self.line(&Retrying {
            t_ms: milliseconds(now),
            event: "retrying",
            stage: retry.stage,
            host: &retry.host,
            error: retry.error.code.name(),
            code: retry.error.code.number(),
            message: &retry.error.message,
            attempt: retry.attempt,
            next_attempt_ms: milliseconds(retry.next_attempt_at),
            gives_up_ms: milliseconds(retry.gives_up_at),
        });
    }

    /// Writes a line; a reader that has gone away ends the stream, not the session.
    fn line(&mut self, line: &impl Serialize) {
        let Some(target) = &mut self.events else { return };
        let written = serde_json::to_writer(&mut *target, line)
            .map_err(io::Error::from)
            .and_then(|()| target.write_all(b"\n"))
            .and_then(|()| target.flush());
        if let Err(error) = written {
            tracing::warn!(%error, "events are no longer written");
            self.events = None;
        }
    }

    /// Writes the report of a session, with the use of its media cache.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn report(&mut self, session: &SessionReport, cache: Option<&MemoryStore>) -> anyhow::Result<()> {
        if let Some(target) = &mut self.report {
            let report = Report { session, media_cache: cache.map(CacheUse::of) };
            serde_json::to_writer(&mut *target, &report)?;
            target.write_all(b"\n")?;
            target.flush()?;
        }
        Ok(())
    }
}
