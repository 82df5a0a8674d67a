//! The one writer of a store: a task that owns the only connection that writes, and commits jobs in groups.
//!
//! SQLite commits about 190 durable single writes a second and more than 90,000 when they are grouped. While one transaction is
//! being committed, jobs gather in a bounded queue; the next transaction takes them all. A caller is answered when its job is
//! durable. Each job runs in its own savepoint, so a job that fails undoes itself and the rest of its group is committed.
//!
//! A connection whose transaction failed is never used again: after a full disk or an I/O error SQLite may have rolled back by
//! itself, and a connection that believes otherwise refuses every later transaction. The next group opens a new connection, so
//! writing resumes as soon as the storage does. A group runs again if the database asks for that; hence a job is a function over
//! a state that it does not consume.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use kinora_kit::http::problem::Problem;

use super::connection::{Connection, Opener};
use super::dialect::{self, MAX_RUNS};
use super::failure::{WriteError, not_written};
use super::query::query;

/// Result of a job.
pub type Outcome<T> = Result<T, WriteError>;

/// Result of a job, as far as the writer is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// Its changes are kept.
    Kept,
    /// It refused the request, or its row is bad: its changes are undone.
    Refused,
    /// The storage failed: its changes are undone.
    StorageFailed,
    /// The database asks for another run of the whole group.
    Again,
}

/// A job of any result type, as the writer sees it.
pub(crate) trait Job: Send {
    /// Runs the job, the first time or again.
    fn run<'j>(&'j mut self, connection: &'j mut Connection) -> BoxFuture<'j, Ran>;
    /// Turns a job that ran into one that failed, because a statement of it had failed unnoticed.
    fn spoil(&mut self, error: sqlx::Error);
    /// Answers the caller; `durable` is true if the transaction was committed.
    fn finish(self: Box<Self>, durable: bool);
}

/// A job that answers its caller with a `T`.
pub(crate) struct Typed<S, F, T> {
    state: S,
    work: F,
    result: Option<Result<T, Problem>>,
    reply: oneshot::Sender<Result<T, Problem>>,
}

impl<S, F, T> Typed<S, F, T> {
    /// Wraps `work` over `state`; its result is sent to `reply` once it is durable.
    pub(crate) fn new(state: S, work: F, reply: oneshot::Sender<Result<T, Problem>>) -> Self {
        Self { state, work, result: None, reply }
    }
}

impl<S, F, T> Job for Typed<S, F, T>
where
    S: Send + Sync + 'static,
    F: for<'c> Fn(&'c mut Connection, &'c S) -> BoxFuture<'c, Outcome<T>> + Send + Sync + 'static,
    T: Send + 'static,
{
    fn run<'j>(&'j mut self, connection: &'j mut Connection) -> BoxFuture<'j, Ran> {
        Box::pin(async move {
            let run = AssertUnwindSafe(async { (self.work)(connection, &self.state).await });
            let (ran, result) = match run.catch_unwind().await {
                Ok(Ok(value)) => (Ran::Kept, Ok(value)),
                Ok(Err(WriteError::Storage(error))) if dialect::asks_for_another_run(&error) => {
                    (Ran::Again, Err(not_written()))
                }
                Ok(Err(WriteError::Storage(error))) if !dialect::is_bad_row(&error) => {
                    (Ran::StorageFailed, Err(WriteError::Storage(error).into()))
                }
                Ok(Err(error)) => (Ran::Refused, Err(error.into())),
                Err(_) => (Ran::Refused, Err(Problem::internal(&"a job of the writer panicked"))),
            };
            self.result = Some(result);
            ran
        })
    }

    fn spoil(&mut self, error: sqlx::Error) {
        self.result = Some(Err(Problem::internal(&error)));
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
pub(crate) struct Writer {
    opener: Opener,
    connection: Option<Connection>,
    failing: Arc<AtomicBool>,
}

impl Writer {
    /// A writer over a connection that is open; later ones are opened by `opener`. `failing` is true from a transaction that
    /// failed until the next one that did not.
    pub(crate) fn new(opener: Opener, connection: Connection, failing: Arc<AtomicBool>) -> Self {
        Self { opener, connection: Some(connection), failing }
    }

    /// Runs jobs until the last sender is gone, then closes the connection.
    pub(crate) async fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let most = dialect::group_of(&self.opener);
        let mut group = Vec::with_capacity(most);
        while jobs.recv_many(&mut group, most).await > 0 {
            let committed = self.commit(&mut group).await;
            let durable = committed.is_some();
            match committed {
                None | Some(Ran::StorageFailed | Ran::Again) => self.failing.store(true, Ordering::Release),
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

    /// Runs a group in one transaction, and again if the database asks for it. Returns how its jobs fared, the worst for the
    /// storage first; `None` if nothing is durable.
    async fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Option<Ran> {
        for run in 1..=MAX_RUNS {
            let connection = match self.connection.take() {
                Some(connection) => Ok(connection),
                None => self.opener.connect().await,
            };
            let mut connection = match connection {
                Ok(connection) => connection,
                Err(error) => {
                    tracing::error!(%error, jobs = group.len(), "the database cannot be opened for writing");
                    return None;
                }
            };
            match transact(&mut connection, group).await {
                Ok(Ran::Again) => {
                    self.connection = Some(connection);
                    tracing::warn!(run, jobs = group.len(), "the database asks for another run of a transaction");
                }
                Ok(ran) => {
                    self.connection = Some(connection);
                    return Some(ran);
                }
                Err(error) => {
                    // Dropped and not closed in order: it may still be inside a transaction.
                    tracing::error!(%error, jobs = group.len(), "a transaction failed; its connection is discarded");
                    return None;
                }
            }
        }
        None
    }
}

/// The transaction of a group. An error means that nothing of it is durable and that the connection is in an unknown state.
/// [`Ran::Again`] means that nothing of it is durable and that the connection is good.
async fn transact(connection: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<Ran, sqlx::Error> {
    dialect::begin(connection).await?;
    let (mut kept, mut failed) = (false, false);
    for job in group {
        query("SAVEPOINT job").execute(&mut *connection).await?;
        let mut ran = job.run(connection).await;
        if ran == Ran::Kept {
            // Fails in PostgreSQL if a statement failed and the job went on.
            match query("RELEASE job").execute(&mut *connection).await {
                Ok(_) => {}
                Err(error) => {
                    job.spoil(error);
                    ran = Ran::Refused;
                }
            }
        }
        match ran {
            Ran::Kept => kept = true,
            Ran::Again => {
                query("ROLLBACK").execute(connection).await?;
                return Ok(Ran::Again);
            }
            Ran::Refused | Ran::StorageFailed => {
                failed |= ran == Ran::StorageFailed;
                // Fails when SQLite has ended the transaction by itself.
                query("ROLLBACK TO job").execute(&mut *connection).await?;
                query("RELEASE job").execute(&mut *connection).await?;
            }
        }
    }
    match query("COMMIT").execute(&mut *connection).await {
        Ok(_) => {}
        Err(error) if dialect::asks_for_another_run(&error) => return Ok(Ran::Again),
        Err(error) => return Err(error),
    }
    Ok(match (failed, kept) {
        (true, _) => Ran::StorageFailed,
        (false, true) => Ran::Kept,
        (false, false) => Ran::Refused,
    })
}
