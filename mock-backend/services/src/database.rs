//! Opening the database, bringing its tables up to date, and the store that the services share: many readers, one writer.

use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::writer::{Job, Typed, WriteError, Writer, not_written};
use kinora_kit::http::problem::Problem;

/// Maximum number of jobs that wait for the writer; further callers wait for a place.
const WAITING: usize = 4096;
/// Maximum time that a caller waits for its write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum time for the write that proves readiness.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that read.
const READERS: u32 = 8;

/// Why there is no database to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The URL names a kind of database that is not built in.
    #[error("not built yet: {feature}")]
    Unsupported {
        /// What would be needed.
        feature: &'static str,
    },
    /// The URL is not one of a database.
    #[error("{0} is not the URL of a database (sqlite:FILE or sqlite::memory:)")]
    Url(String),
    /// Its file cannot be created, or cannot be made private.
    #[error("the database file {} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// It could not be opened.
    #[error("the database cannot be opened: {0}")]
    Open(#[source] sqlx::Error),
    /// Its tables are of another version, or could not be made.
    #[error("the database's tables cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// The database as the services see it. Cloning is cheap; the writer ends when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    reads: SqlitePool,
    jobs: mpsc::Sender<Box<dyn Job>>,
    failing: Arc<AtomicBool>,
}

impl Store {
    /// Connections that read. They cannot write.
    pub fn reads(&self) -> &SqlitePool {
        &self.reads
    }

    /// Runs `work` on the writer's connection and returns its result once it is durable. An error of `work` undoes what it wrote.
    ///
    /// # Errors
    /// Those of `work`; 7018 when the storage cannot write, or not in time.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, WriteError>> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, wait) = oneshot::channel();
        let written = async {
            self.jobs.send(Box::new(Typed::new(Box::new(work), reply))).await.map_err(|_| not_written())?;
            wait.await.map_err(|_| not_written())?
        };
        tokio::time::timeout(WRITE_TIMEOUT, written).await.unwrap_or_else(|_| Err(not_written()))
    }

    /// Returns true if the latest transaction failed.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Proves that the service can write, by writing.
    ///
    /// # Errors
    /// 7018 when it cannot, or not within two seconds.
    pub async fn prove_writable(&self, now_ms: i64) -> Result<(), Problem> {
        let written = self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO service_state (name, value) VALUES ('ready', $1)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )
                .bind(now_ms)
                .execute(connection)
                .await?;
                Ok(())
            })
        });
        tokio::time::timeout(READY_TIMEOUT, written).await.unwrap_or_else(|_| Err(not_written()))
    }
}

/// Opens the database at `url`, or `kinora.db` in the data directory, brings it up to date and starts its writer. The files of
/// a database on disk are readable by their owner only.
///
/// # Errors
/// When that cannot be done. A `postgres:` URL is [`DatabaseError::Unsupported`].
pub async fn open(url: Option<&str>, data: &Path) -> Result<(Store, JoinHandle<()>), DatabaseError> {
    let options = match url {
        None => SqliteConnectOptions::new().filename(data.join("kinora.db")),
        Some(url) if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
            return Err(DatabaseError::Unsupported { feature: "the PostgreSQL store (--db postgres://…)" });
        }
        Some(url) if url.starts_with("sqlite:") => SqliteConnectOptions::from_str(url).map_err(DatabaseError::Open)?,
        // The rest may hold a password: only the scheme is repeated.
        Some(url) => return Err(DatabaseError::Url(url.split(':').next().unwrap_or_default().to_owned())),
    };
    let in_memory = url.is_some_and(|url| url.contains(":memory:") || url.contains("mode=memory"));
    let options = if in_memory {
        // SQLite's own file system in memory: unlike a connection's private memory, several connections share it.
        let name = format!("/kinora-{}", uuid::Uuid::now_v7().simple());
        SqliteConnectOptions::new().filename(name).vfs("memdb")
    } else {
        make_private(options.get_filename())?;
        options
    };
    let options = options.create_if_missing(true).foreign_keys(true).busy_timeout(Duration::from_secs(10));
    let writing = options
        .clone()
        .journal_mode(if in_memory { SqliteJournalMode::Memory } else { SqliteJournalMode::Wal })
        .synchronous(SqliteSynchronous::Full);
    let mut connection = writing.connect().await.map_err(DatabaseError::Open)?;
    sqlx::migrate!("./migrations").run(&mut connection).await?;
    let reads = SqlitePoolOptions::new()
        // One stays open: with it the write-ahead log outlives a connection of the writer that had to be discarded.
        .min_connections(1)
        .max_connections(READERS)
        // A connection to a file does not go stale, and each question to it costs two switches of threads. It is tested when it is
        // given back.
        .test_before_acquire(false)
        .connect_with(options.read_only(true).create_if_missing(false))
        .await
        .map_err(DatabaseError::Open)?;
    let failing = Arc::new(AtomicBool::new(false));
    let (jobs, receiver) = mpsc::channel(WAITING);
    let writer = Writer::new(writing, connection, Arc::clone(&failing));
    Ok((Store { reads, jobs, failing }, tokio::spawn(writer.run(receiver))))
}

/// Creates the database file with mode 0600, and takes from others what they may do with a file that is there already.
fn make_private(path: &Path) -> Result<(), DatabaseError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| DatabaseError::File { path, source }
    };
    // SQLite gives its log and its shared memory the mode of the database.
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => drop(made.map_err(unusable(path))?),
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let file = PathBuf::from(name);
        match std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(unusable(&file))?,
        }
    }
    Ok(())
}

/// Returns the error body for a statement that failed: `ServiceUnavailable` if no connection was free, else `ServiceInternal`.
pub(crate) fn problem(error: sqlx::Error) -> Problem {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            Problem::new(kinora_api::ErrorCode::ServiceUnavailable, "the service is busy").with_retry_after_ms(1000)
        }
        error => Problem::internal(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseError, Store, open};
    use kinora_api::ErrorCode;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use tokio::sync::oneshot;

    async fn state(store: &Store, name: &str) -> Option<i64> {
        sqlx::query_scalar("SELECT value FROM service_state WHERE name = $1")
            .bind(name)
            .fetch_optional(store.reads())
            .await
            .expect("the table reads")
    }

    async fn put(store: &Store, name: &'static str) -> Result<(), kinora_kit::http::problem::Problem> {
        store
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO service_state (name, value) VALUES ($1, 1)")
                        .bind(name)
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    #[tokio::test]
    async fn other_databases_are_named_and_not_guessed() {
        let error = open(Some("postgres://u:p@db/kinora"), Path::new(".")).await.err().expect("not built");
        assert!(matches!(error, DatabaseError::Unsupported { .. }));
        assert!(error.to_string().contains("PostgreSQL"));
        let error = open(Some("mysql://u:secret@db/x"), Path::new(".")).await.err().expect("not known").to_string();
        assert!(error.starts_with("mysql is not") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_file_is_opened_twice_and_is_private() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("kinora.db");
        std::fs::write(&file, b"").expect("a file of an earlier version");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("readable by others");
        for round in 0..2 {
            let (store, writer) = open(None, dir.path()).await.expect("it opens");
            put(&store, ["first", "second"][round]).await.expect("it writes");
            for suffix in ["", "-wal", "-shm"] {
                let path = dir.path().join(format!("kinora.db{suffix}"));
                let mode = std::fs::metadata(&path).expect("the file exists").permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            }
            assert_eq!(state(&store, "first").await, Some(1));
            let reads = store.reads().clone();
            drop(store);
            writer.await.expect("the writer ends in order");
            reads.close().await;
        }
    }

    #[tokio::test]
    async fn one_bad_row_fails_itself_and_not_its_group() {
        let (store, _writer) = open(Some("sqlite::memory:"), Path::new(".")).await.expect("it opens");
        put(&store, "there").await.expect("written");
        // The writer is held, so that what follows gathers in one group.
        let (release, held) = oneshot::channel::<()>();
        let holding = store.write(move |_| {
            Box::pin(async move {
                let _ = held.await;
                Ok(())
            })
        });
        let others = async {
            let queued = async { tokio::join!(put(&store, "a"), put(&store, "there"), put(&store, "b")) };
            let (results, _) = tokio::join!(queued, async {
                tokio::task::yield_now().await;
                release.send(())
            });
            results
        };
        let (held, (a, bad, b)) = tokio::join!(holding, others);
        held.expect("the first job is durable");
        a.expect("a good row before the bad one");
        assert_eq!(bad.expect_err("a duplicate").error().kind(), Some(ErrorCode::ServiceInternal));
        b.expect("a good row after the bad one");
        assert_eq!((state(&store, "a").await, state(&store, "b").await), (Some(1), Some(1)));
        assert!(!store.is_failing());
    }

    #[tokio::test]
    async fn a_panic_of_a_job_ends_that_job_alone() {
        let (store, _writer) = open(Some("sqlite::memory:"), Path::new(".")).await.expect("it opens");
        let panicking = store.write::<()>(|_| Box::pin(async { panic!("a defect") })).await;
        assert_eq!(panicking.expect_err("undone").error().kind(), Some(ErrorCode::ServiceInternal));
        put(&store, "after").await.expect("the writer goes on");
    }

    #[tokio::test]
    async fn a_full_disk_ends_nothing_but_the_writes_meanwhile() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, _writer) = open(None, dir.path()).await.expect("it opens");
        for round in 0..3 {
            // A limit of pages stands for the end of the disk; it ends with its connection.
            let full = store.write(|connection| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO service_state (name, value) VALUES ('lost', 1)")
                        .execute(&mut *connection)
                        .await?;
                    sqlx::query("PRAGMA max_page_count = 1").execute(&mut *connection).await?;
                    sqlx::query(
                        "INSERT INTO sign_in_attempts (subject, failures, last_at) VALUES (hex(zeroblob(400000)), 1, 1)",
                    )
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            });
            let problem = full.await.expect_err("there is no space");
            assert_eq!(problem.error().kind(), Some(ErrorCode::ServiceUnavailable), "{round}");
            assert!(store.is_failing(), "{round}");
            assert_eq!(state(&store, "lost").await, None, "nothing of a failed write remains");
        }
        store.prove_writable(7).await.expect("writing works again");
        assert!(!store.is_failing());
        assert_eq!(state(&store, "ready").await, Some(7));
    }

    #[tokio::test]
    async fn a_transaction_that_ended_by_itself_costs_its_connection_only() {
        let (store, _writer) = open(Some("sqlite::memory:"), Path::new(".")).await.expect("it opens");
        for name in ["one", "two"] {
            // What SQLite does on its own after an I/O error.
            let ended = store.write(|connection| {
                Box::pin(async move {
                    sqlx::query("ROLLBACK").execute(connection).await?;
                    Ok(())
                })
            });
            assert_eq!(ended.await.expect_err("not durable").error().kind(), Some(ErrorCode::ServiceUnavailable));
            assert!(store.is_failing());
            put(&store, name).await.expect("the next transaction has another connection");
            assert!(!store.is_failing());
        }
    }
}
