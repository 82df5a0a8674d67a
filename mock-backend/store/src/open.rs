//! Opening the store of a service: private files, tables brought up to date, readers, the writer.

use std::fs::File;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use kinora_kit::http::problem::Problem;

use super::connection::{Connection, Opener, Reads};
use super::failure::not_written;
use super::location::Location;
use super::query::query;
use super::schema::{Migration, Schema, StoreError};
use super::writer::{Job, Outcome, Typed, Writer};

/// Maximum number of jobs that wait for the writer; further callers wait for a place.
const WAITING: usize = 4096;
/// Maximum time that a caller waits for its write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum time for the write that proves readiness.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum time that a transaction waits for the writer of another process.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of tries to empty a log that others read, and the time between them.
const SCRUB_TRIES: u32 = 50;
const SCRUB_PAUSE: Duration = Duration::from_millis(100);
/// Maximum number of connections that read.
const READERS: u32 = 8;

/// Tables that every store has.
const OWN: [Migration; 2] = [
    Migration { version: 1, name: "state outbox", sql: include_str!("../migrations/0001_state_outbox.sql") },
    Migration { version: 2, name: "logged events", sql: include_str!("../migrations/0002_logged_events.sql") },
];
/// Table that counts the migrations of [`OWN`]; those of a service are in sqlx's own.
const OWN_HISTORY: &str = "_store_migrations";

/// The store of a service. Cloning is cheap; the writer ends when the last clone is gone.
#[derive(Clone)]
pub struct Store {
    reads: Reads,
    jobs: mpsc::Sender<Box<dyn Job>>,
    failing: Arc<AtomicBool>,
    /// File of SQLite.
    file: Option<SqliteConnectOptions>,
}

impl Store {
    /// Connections that read. They cannot write.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Runs `work` over `state` on the writer's connection and returns its result once it is durable. An error of `work` undoes
    /// what it wrote. It may run several times, each time from the same beginning.
    ///
    /// # Errors
    /// Those of `work`; 7018 when the storage cannot write, or not in time.
    pub async fn write<S, T, F>(&self, state: S, work: F) -> Result<T, Problem>
    where
        S: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Connection, &'c S) -> BoxFuture<'c, Outcome<T>> + Send + Sync + 'static,
    {
        let (reply, wait) = oneshot::channel();
        let written = async {
            self.jobs.send(Box::new(Typed::new(state, work, reply))).await.map_err(|_| not_written())?;
            wait.await.map_err(|_| not_written())?
        };
        tokio::time::timeout(WRITE_TIMEOUT, written).await.unwrap_or_else(|_| Err(not_written()))
    }

    /// Returns true if the latest transaction failed.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Writes the file of SQLite anew without what was deleted, and empties its log. Writers wait meanwhile. Does nothing for
    /// PostgreSQL, which reuses the space of deleted rows by itself.
    ///
    /// # Errors
    /// Of the database, which stays as it is then.
    pub async fn scrub(&self) -> Result<(), sqlx::Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut connection = file.connect().await?;
        connection.execute("VACUUM").await?;
        for _ in 0..SCRUB_TRIES {
            let (busy, _, _): (i64, i64, i64) =
                sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?;
            if busy == 0 {
                return connection.close().await;
            }
            tokio::time::sleep(SCRUB_PAUSE).await;
        }
        Err(sqlx::Error::Io(io::Error::other("the log of the database is being read all the time")))
    }

    /// Proves that the service can write, by writing.
    ///
    /// # Errors
    /// 7018 when it cannot, or not within two seconds.
    pub async fn prove_writable(&self, now_ms: i64) -> Result<(), Problem> {
        let written = self.write(now_ms, |connection, now_ms| {
            Box::pin(async move {
                query(
                    "INSERT INTO store_state (name, value) VALUES ('ready', $1)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )
                .bind(*now_ms)
                .execute(connection)
                .await?;
                Ok(())
            })
        });
        tokio::time::timeout(READY_TIMEOUT, written).await.unwrap_or_else(|_| Err(not_written()))
    }
}

/// Opens the store of a service, brings its tables up to date and starts its writer. The files of a database on disk are readable
/// by their owner only.
///
/// # Errors
/// When that cannot be done; nothing is changed in a store of a newer version.
pub async fn open(location: &Location, schema: &Schema) -> Result<(Store, JoinHandle<()>), StoreError> {
    let (opener, connection, reads) = match location {
        Location::Postgres(options) => open_postgres(options, schema).await?,
        Location::File(options) => {
            let path = location.path(schema).unwrap_or_default();
            make_private(&path)?;
            // SQLite's migrations take no lock of their own, and each step is a transaction.
            let _lock = lock_beside(&path, ".lock").await?;
            let place = path.display().to_string();
            let options = SqliteConnectOptions::clone(options).filename(path).create_if_missing(true);
            open_sqlite(options.journal_mode(SqliteJournalMode::Wal), schema, &place).await?
        }
        Location::Memory => {
            // SQLite's own file system in memory: unlike a connection's private memory, several connections share it.
            let name = format!("/kinora-{}", uuid::Uuid::now_v7().simple());
            let options = SqliteConnectOptions::new().filename(name).vfs("memdb").create_if_missing(true);
            open_sqlite(options.journal_mode(SqliteJournalMode::Memory), schema, "the database in memory").await?
        }
    };
    let failing = Arc::new(AtomicBool::new(false));
    let (jobs, receiver) = mpsc::channel(WAITING);
    let file = match (&opener, location) {
        (Opener::Sqlite(options), Location::File(_)) => Some(options.clone()),
        _ => None,
    };
    let writer = Writer::new(opener, connection, Arc::clone(&failing));
    Ok((Store { reads, jobs, failing, file }, tokio::spawn(writer.run(receiver))))
}

/// Waits until no other process, and no other part of this one, brings the tables of a file up to date. The lock ends with the file
/// that is returned; `end` is what its name has behind that of the database.
///
/// # Errors
/// When the file cannot be used.
pub async fn lock_beside(path: &Path, end: &str) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    let path = PathBuf::from(name);
    let locked = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let mut options = std::fs::OpenOptions::new();
            let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path)?;
            file.lock()?;
            Ok(file)
        }
    });
    let locked = locked.await.unwrap_or_else(|error| Err(io::Error::other(error)));
    locked.map_err(|source| StoreError::File { path, source })
}

async fn open_sqlite(
    options: SqliteConnectOptions,
    schema: &Schema,
    place: &str,
) -> Result<(Opener, Connection, Reads), StoreError> {
    let writing = options.foreign_keys(true).busy_timeout(LOCK_TIMEOUT).synchronous(SqliteSynchronous::Full);
    // What is deleted is overwritten, also within pages.
    let writing = writing.pragma("secure_delete", "ON");
    let mut connection = writing.connect().await.map_err(StoreError::Open)?;
    migrate(&mut connection, schema, place).await?;
    let reading = writing.clone().read_only(true).create_if_missing(false);
    // A reader leaves the journal as it is.
    let reads = SqlitePoolOptions::new()
        // One stays open: with it the write-ahead log outlives a connection of the writer that had to be discarded.
        .min_connections(1)
        .max_connections(READERS)
        // A connection to a file does not go stale, and each question to it costs two switches of threads. It is tested when it is
        // given back.
        .test_before_acquire(false)
        .connect_with(reading)
        .await
        .map_err(StoreError::Open)?;
    Ok((Opener::Sqlite(writing), Connection::Sqlite(connection), Reads::Sqlite(reads)))
}

async fn open_postgres(options: &PgConnectOptions, schema: &Schema) -> Result<(Opener, Connection, Reads), StoreError> {
    let lock_timeout = LOCK_TIMEOUT.as_millis().to_string();
    let writing = options.clone().application_name("kinora").options([
        ("search_path", schema.name),
        ("lock_timeout", lock_timeout.as_str()),
        ("synchronous_commit", "on"),
        ("default_transaction_isolation", "read committed"),
    ]);
    let mut connection = writing.connect().await.map_err(StoreError::Open)?;
    let create = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {}", schema.name));
    connection.execute(create).await.map_err(StoreError::Open)?;
    migrate(&mut connection, schema, &format!("the schema {} of PostgreSQL", schema.name)).await?;
    let reads = PgPoolOptions::new()
        .min_connections(1)
        .max_connections(READERS)
        .connect_with(writing.clone().options([("default_transaction_read_only", "on")]))
        .await
        .map_err(StoreError::Open)?;
    Ok((Opener::Postgres(writing), Connection::Postgres(connection), Reads::Postgres(reads)))
}

/// Brings the store's own tables and those of the service up to date.
async fn migrate<C: Migrate>(connection: &mut C, schema: &Schema, place: &str) -> Result<(), StoreError> {
    for (migrations, history) in [(OWN.as_slice(), Some(OWN_HISTORY)), (schema.migrations, None)] {
        let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
        let mut migrator = Migrator::with_migrations(migrations.iter().map(Migration::for_sqlx).collect());
        if let Some(history) = history {
            migrator.dangerous_set_table_name(history);
        }
        migrator.run_direct(None, connection, false).await.map_err(|source| match source {
            MigrateError::VersionMissing(version) if version > known => {
                StoreError::Newer { place: place.to_owned(), version, known }
            }
            source => StoreError::Migrate { place: place.to_owned(), source },
        })?;
    }
    Ok(())
}

/// Creates a database file with mode 0600, and takes from others what they may do with one that is there already.
///
/// # Errors
/// When that cannot be done.
pub fn make_private(path: &Path) -> Result<(), StoreError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::File { path, source }
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
