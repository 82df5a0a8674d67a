//! The one writer of the database: a task that owns the only connection that writes, and commits jobs in groups.
//!
//! SQLite commits about 190 durable single writes a second and more than 90,000 when they are grouped. While one transaction is
//! being committed, jobs gather in a bounded queue; the next transaction takes them all. A caller is answered when its job is
//! durable. Each job runs in its own savepoint, so a job that fails undoes itself and the rest of its group is committed.
//!
//! A connection whose transaction failed is never used again: after a full disk or an I/O error SQLite may have rolled back by
//! itself, and a connection that believes otherwise refuses every later transaction. The next group opens a new connection, so
//! writing resumes as soon as the storage does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kinora_api::ErrorCode;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use kinora_kit::http::problem::Problem;

/// Maximum number of jobs in one transaction.
const GROUP: usize = 1024;

/// Work on the connection of the writer, within a transaction that the writer opens and commits.
pub type Work<T> = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, WriteError>> + Send>;

/// Reason why a job is undone.
#[derive(Debug)]
pub enum WriteError {
    /// The job refused the request; the client gets this answer.
    Refused(Problem),
    /// A statement failed.
    Storage(sqlx::Error),
}

impl From<Problem> for WriteError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused(problem) => problem,
            WriteError::Storage(error) if is_bad_row(&error) => Self::internal(&error),
            WriteError::Storage(error) => {
                tracing::error!(%error, "a write failed");
                not_written()
            }
        }
    }
}

/// Returns true if the fault lies in the row (a constraint, a type) and not in the storage.
fn is_bad_row(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => !matches!(error.kind(), sqlx::error::ErrorKind::Other),
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// 7018: the write is not durable and may be repeated.
pub fn not_written() -> Problem {
    Problem::new(ErrorCode::ServiceUnavailable, "the service cannot write at the moment").with_retry_after_ms(1000)
}

/// Result of a job, as far as the writer is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// Its changes are kept.
    Kept,
    /// It refused the request, or its row is bad: its changes are undone.
    Refused,
    /// The storage failed: its changes are undone.
    StorageFailed,
}

/// A job of any result type, as the writer sees it.
pub trait Job: Send {
    /// Runs the job.
    fn run<'j>(&'j mut self, connection: &'j mut SqliteConnection) -> BoxFuture<'j, Ran>;
    /// Answers the caller; `durable` says that the transaction was committed.
    fn finish(self: Box<Self>, durable: bool);
}

/// A job that answers its caller with a `T`.
pub struct Typed<T> {
    work: Option<Work<T>>,
    result: Option<Result<T, Problem>>,
    reply: oneshot::Sender<Result<T, Problem>>,
}

impl<T> Typed<T> {
    /// Wraps `work`; its result is sent to `reply` once it is durable.
    pub fn new(work: Work<T>, reply: oneshot::Sender<Result<T, Problem>>) -> Self {
        Self { work: Some(work), result: None, reply }
    }
}

impl<T: Send + 'static> Job for Typed<T> {
    fn run<'j>(&'j mut self, connection: &'j mut SqliteConnection) -> BoxFuture<'j, Ran> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ran::Refused };
            let (ran, result) = match AssertUnwindSafe(async { work(connection).await }).catch_unwind().await {
                Ok(Ok(value)) => (Ran::Kept, Ok(value)),
                Ok(Err(WriteError::Storage(error))) if !is_bad_row(&error) => {
                    (Ran::StorageFailed, Err(WriteError::Storage(error).into()))
                }
                Ok(Err(error)) => (Ran::Refused, Err(error.into())),
                Err(_) => (Ran::Refused, Err(Problem::internal(&"a job of the writer panicked"))),
            };
            self.result = Some(result);
            ran
        })
    }

    fn finish(self: Box<Self>, durable: bool) {
        let result = match self.result {
            Some(Ok(value)) if durable => Ok(value),
            Some(Err(problem)) => Err(problem),
            _ => Err(not_written()),
        };
        // The caller may have hung up.
        let _ = self.reply.send(result);
    }
}

/// The writer's task.
pub struct Writer {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    failing: Arc<AtomicBool>,
}

impl Writer {
    /// A writer over a connection that is open; later ones are opened with `options`. `failing` is true from a transaction that
    /// failed until the next one that did not.
    pub fn new(options: SqliteConnectOptions, connection: SqliteConnection, failing: Arc<AtomicBool>) -> Self {
        Self { options, connection: Some(connection), failing }
    }

    /// Runs jobs until the last sender is gone, then closes the connection.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while jobs.recv_many(&mut group, GROUP).await > 0 {
            let committed = self.commit(&mut group).await;
            let durable = committed.is_some();
            match committed {
                None | Some(Ran::StorageFailed) => self.failing.store(true, Ordering::Release),
                Some(Ran::Kept) => self.failing.store(false, Ordering::Release),
                // Nothing was written, so nothing is known of the storage.
                Some(Ran::Refused) => {}
            }
            for job in group.drain(..) {
                job.finish(durable);
            }
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::error!(%error, "the database was not closed in order");
        }
    }

    /// Runs a group in one transaction. Returns how its jobs fared, the worst for the storage first; `None` if nothing is durable.
    async fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Option<Ran> {
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.options.connect().await,
        };
        let mut connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(%error, jobs = group.len(), "the database cannot be opened for writing");
                return None;
            }
        };
        match transact(&mut connection, group).await {
            Ok(ran) => {
                self.connection = Some(connection);
                Some(ran)
            }
            Err(error) => {
                // Dropped and not closed in order: it may still be inside a transaction.
                tracing::error!(%error, jobs = group.len(), "a transaction failed; its connection is discarded");
                None
            }
        }
    }
}

/// The transaction of a group. An error means that nothing of it is durable and that the connection is in an unknown state.
async fn transact(connection: &mut SqliteConnection, group: &mut [Box<dyn Job>]) -> Result<Ran, sqlx::Error> {
    // Plain statements: the bookkeeping of sqlx's own transactions is what a failed COMMIT leaves wrong.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let (mut kept, mut failed) = (false, false);
    for job in group {
        sqlx::query("SAVEPOINT job").execute(&mut *connection).await?;
        let ran = job.run(connection).await;
        kept |= ran == Ran::Kept;
        failed |= ran == Ran::StorageFailed;
        if ran != Ran::Kept {
            // Fails when SQLite has ended the transaction by itself.
            sqlx::query("ROLLBACK TO job").execute(&mut *connection).await?;
        }
        sqlx::query("RELEASE job").execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    Ok(match (failed, kept) {
        (true, _) => Ran::StorageFailed,
        (false, true) => Ran::Kept,
        (false, false) => Ran::Refused,
    })
}
