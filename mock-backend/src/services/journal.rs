//! Grouped commits: what players report many times a second is written in as few transactions as the disk's pace allows.
//!
//! SQLite commits about 190 durable single writes a second and more than 90,000 when they are grouped. While one transaction is
//! being committed, reports gather in a bounded queue; the next transaction takes them all. Whoever reported is answered when
//! its report is on disk. A full queue makes the reporter wait: nothing is lost or invented.

use kinora_api::{ErrorCode, PlaybackPhase};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::positions::{self, Position};
use crate::http::problem::Problem;

/// Reports that may wait.
const WAITING: usize = 4096;
/// Reports in one transaction.
const GROUP: usize = 1024;

/// Something to be written down.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A playback gave a sign of life.
    Seen {
        /// The session.
        session: String,
        /// When.
        at: i64,
        /// What it was doing.
        phase: PlaybackPhase,
        /// Where it was.
        position_ms: u64,
    },
    /// A profile's position in a title.
    Position(Position),
}

struct Report {
    entries: Vec<Entry>,
    written: oneshot::Sender<bool>,
}

/// The journal's intake. Cloning is cheap; the writer ends when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Journal {
    reports: mpsc::Sender<Report>,
}

impl Journal {
    /// Starts the writer.
    pub fn start(pool: SqlitePool) -> (Self, JoinHandle<()>) {
        let (reports, receiver) = mpsc::channel(WAITING);
        (Self { reports }, tokio::spawn(write(pool, receiver)))
    }

    /// Writes entries in one transaction with whatever else is waiting, and returns when they are durable.
    ///
    /// # Errors
    /// 7018 when they could not be written; the log has the cause.
    pub async fn add(&self, entries: Vec<Entry>) -> Result<(), Problem> {
        let (written, wait) = oneshot::channel();
        let queued = self.reports.send(Report { entries, written }).await.is_ok();
        if queued && wait.await == Ok(true) {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::ServiceUnavailable, "the report could not be written down")
            .with_retry_after_ms(1000))
    }
}

async fn write(pool: SqlitePool, mut reports: mpsc::Receiver<Report>) {
    let mut group = Vec::with_capacity(GROUP);
    while reports.recv_many(&mut group, GROUP).await > 0 {
        let result = write_group(&pool, &group).await;
        if let Err(error) = &result {
            tracing::error!(%error, reports = group.len(), "reports could not be written down");
        }
        for report in group.drain(..) {
            // Whoever reported may have hung up.
            let _ = report.written.send(result.is_ok());
        }
    }
}

async fn write_group(pool: &SqlitePool, group: &[Report]) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    for entry in group.iter().flat_map(|report| &report.entries) {
        match entry {
            Entry::Seen { session, at, phase, position_ms } => {
                seen(&mut transaction, session, *at, *phase, *position_ms).await?;
            }
            Entry::Position(position) => positions::put(&mut transaction, position).await?,
        }
    }
    transaction.commit().await
}

async fn seen(
    transaction: &mut Transaction<'_, Sqlite>,
    session: &str,
    at: i64,
    phase: PlaybackPhase,
    position_ms: u64,
) -> Result<(), sqlx::Error> {
    let stopped = matches!(phase, PlaybackPhase::Stopped).then_some(at);
    sqlx::query(
        "UPDATE playback_sessions SET last_seen_at = CASE WHEN last_seen_at < $1 THEN $1 ELSE last_seen_at END, stopped_at = coalesce(stopped_at, $2)
         WHERE id = $3",
    )
    .bind(at)
    .bind(stopped)
    .bind(session)
    .execute(&mut **transaction)
    .await?;
    sqlx::query("INSERT INTO playback_events (session_id, at, phase, position_ms) VALUES ($1, $2, $3, $4)")
        .bind(session)
        .bind(at)
        .bind(phase_name(phase))
        .bind(i64::try_from(position_ms).unwrap_or(i64::MAX))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn phase_name(phase: PlaybackPhase) -> &'static str {
    match phase {
        PlaybackPhase::Playing => "playing",
        PlaybackPhase::Paused => "paused",
        PlaybackPhase::Buffering => "buffering",
        PlaybackPhase::Ended => "ended",
        PlaybackPhase::Stopped => "stopped",
        // `PlaybackPhase` may grow; what this service does not know it still keeps.
        _ => "other",
    }
}
