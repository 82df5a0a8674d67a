//! Data from before the services came apart, when `kinora.db` held the tables of all of them.
//!
//! At the first start a copy is kept as `kinora.before-services.db`; the tables of playback are copied into a file of their own,
//! which takes its name when it is complete; the accounts' next migration then takes them out of `kinora.db`. A start that ends in
//! between leaves `kinora.db` as it was, and the next one begins anew.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kinora_accounts::store as accounts;
use kinora_playback::store as playback;
use kinora_store::{Location, Schema, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

/// Copies the tables of playback from the database `old`.
const COPY: &str = "
    BEGIN;
    INSERT INTO playback_sessions (id, account_id, profile_id, title_id, title_version, duration_ms, started_at, expires_at,
                                   last_seen_at, family_id, stopped_at, end_reason)
        SELECT id, account_id, profile_id, title_id, title_version, duration_ms, started_at, expires_at,
               last_seen_at, family_id, stopped_at, end_reason FROM old.playback_sessions;
    INSERT INTO playback_events (id, session_id, at, phase, position_ms)
        SELECT 'before-' || rowid, session_id, at, phase, position_ms FROM old.playback_events;
    INSERT INTO positions (profile_id, title_id, position_ms, duration_ms, finished, recorded_at, ordered_at)
        SELECT profile_id, title_id, position_ms, duration_ms, finished, recorded_at, ordered_at FROM old.positions;
    INSERT INTO revoked_sessions (seq, session_id, until) SELECT seq, session_id, until FROM old.revoked_sessions;
    INSERT INTO store_state (name, value) SELECT name, value FROM old.service_state WHERE name = 'revoked_seq';
    INSERT INTO ended_sign_ins (family_id, at)
        SELECT id, revoked_at FROM old.token_families WHERE revoked_at IS NOT NULL;
    COMMIT;";

/// Returns true if the data is of a version that had the tables of all services in one place.
///
/// # Errors
/// When it cannot be read.
pub async fn is_together(location: &Location) -> Result<bool, StoreError> {
    let Some(old) = location.path(&accounts::SCHEMA) else { return Ok(false) };
    let version = version(&old).await.map_err(StoreError::Open)?;
    Ok(matches!(version, Some(1..=accounts::LAST_TOGETHER)))
}

/// Brings data from before the services came apart into today's files. Does nothing where there is none.
///
/// # Errors
/// When files cannot be read or written; `kinora.db` is as it was then.
pub async fn migrate(location: &Location) -> Result<(), StoreError> {
    let (Some(old), Some(target)) = (location.path(&accounts::SCHEMA), location.path(&playback::SCHEMA)) else {
        return Ok(());
    };
    if !is_together(location).await? {
        return Ok(());
    }
    let _lock = kinora_store::open::lock_beside(&old, ".apart.lock").await?;
    // Another process may have done it while this one waited.
    if !is_together(location).await? {
        return Ok(());
    }
    tracing::info!(database = %old.display(), "the services come apart; a copy of the database is kept");
    keep_copy(&old).await?;
    // Up to the last version that has all the tables.
    let together = accounts::MIGRATIONS.partition_point(|migration| migration.version <= accounts::LAST_TOGETHER);
    let together = Schema { migrations: &accounts::MIGRATIONS[..together], ..accounts::SCHEMA };
    bring_up_to_date(location, &together).await?;
    let part = named(&target, ".part");
    remove(&part)?;
    bring_up_to_date(&Location::file(&part), &Schema { is_first: true, ..playback::SCHEMA }).await?;
    copy_playback(&old, &part).await.map_err(StoreError::Open)?;
    rename(&part, &target)?;
    // Takes the tables of playback out of the old file, while others that start still wait.
    bring_up_to_date(location, &accounts::SCHEMA).await
}

/// Version of the tables of a database that is there; `None` if it has none.
async fn version(path: &Path) -> Result<Option<i64>, sqlx::Error> {
    if !path.exists() {
        return Ok(None);
    }
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut connection)
        .await?;
    let version = match tables {
        0 => None,
        _ => sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut connection).await?,
    };
    connection.close().await?;
    Ok(version)
}

/// File with the copy of a database from before the services came apart.
pub(crate) fn copy_of(old: &Path) -> PathBuf {
    let mut name = old.file_stem().unwrap_or_default().to_owned();
    name.push(".before-services");
    if let Some(extension) = old.extension() {
        name.push(".");
        name.push(extension);
    }
    old.with_file_name(name)
}

/// Keeps a copy of a database in one file, readable by its owner only.
async fn keep_copy(old: &Path) -> Result<(), StoreError> {
    let copy = copy_of(old);
    let part = named(&copy, ".part");
    remove(&part)?;
    // SQLite fills a file that is there and empty.
    kinora_store::open::make_private(&part)?;
    let copied = async {
        let mut connection = SqliteConnectOptions::new().filename(old).connect().await?;
        sqlx::query("VACUUM INTO $1").bind(part.to_string_lossy().into_owned()).execute(&mut connection).await?;
        connection.close().await
    };
    copied.await.map_err(StoreError::Open)?;
    rename(&part, &copy)
}

/// Opens a store, which brings its tables up to date, and closes it.
async fn bring_up_to_date(location: &Location, schema: &Schema) -> Result<(), StoreError> {
    let (store, writer) = kinora_store::open(location, schema).await?;
    store.reads().close().await;
    drop(store);
    writer.await.map_err(|error| StoreError::Open(sqlx::Error::Io(io::Error::other(error))))
}

async fn copy_playback(old: &Path, part: &Path) -> Result<(), sqlx::Error> {
    let mut connection = SqliteConnectOptions::new().filename(part).connect().await?;
    sqlx::query("ATTACH DATABASE $1 AS old").bind(old.to_string_lossy().into_owned()).execute(&mut connection).await?;
    connection.execute(sqlx::raw_sql(COPY)).await?;
    // The last connection to be closed takes the log into the file.
    connection.close().await
}

/// The name of a file with something at its end.
fn named(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// Removes a database that may be there, with its log.
fn remove(path: &Path) -> Result<(), StoreError> {
    for end in ["", "-wal", "-shm"] {
        let file = named(path, end);
        match fs::remove_file(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(|source| StoreError::File { path: file, source })?,
        }
    }
    Ok(())
}

/// Gives a complete database its name, durably.
fn rename(part: &Path, path: &Path) -> Result<(), StoreError> {
    remove(path)?;
    let renamed =
        fs::File::open(part).and_then(|file| file.sync_all()).and_then(|()| fs::rename(part, path)).and_then(|()| {
            fs::File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
                .sync_all()
        });
    renamed.map_err(|source| StoreError::File { path: path.to_owned(), source })
}
