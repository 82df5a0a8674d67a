//! Opening the database and bringing its tables up to date. What is in the tables is the affair of the services.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::http::problem::Problem;

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
    /// It could not be opened.
    #[error("the database cannot be opened: {0}")]
    Open(#[source] sqlx::Error),
    /// Its tables are of another version, or could not be made.
    #[error("the database's tables cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// Opens the database at `url`, or `kinora.db` in the data directory, and brings it up to date.
///
/// # Errors
/// When that cannot be done. A `postgres:` URL is [`DatabaseError::Unsupported`].
pub async fn open(url: Option<&str>, data: &Path) -> Result<SqlitePool, DatabaseError> {
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
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .journal_mode(if in_memory { SqliteJournalMode::Memory } else { SqliteJournalMode::Wal })
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new();
    // A database in memory lives as long as its only connection does.
    let pool = if in_memory {
        pool.min_connections(1).max_connections(1).idle_timeout(None).max_lifetime(None)
    } else {
        pool.max_connections(8)
    };
    let pool = pool.connect_with(options).await.map_err(DatabaseError::Open)?;
    sqlx::migrate!("./migrations").run(&pool).await?;
    Ok(pool)
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Problem::internal(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseError, open};
    use std::path::Path;

    #[tokio::test]
    async fn other_databases_are_named_and_not_guessed() {
        let error = open(Some("postgres://u:p@db/kinora"), Path::new(".")).await.expect_err("not built");
        assert!(matches!(error, DatabaseError::Unsupported { .. }));
        assert!(error.to_string().contains("PostgreSQL"));
        let error = open(Some("mysql://u:secret@db/x"), Path::new(".")).await.expect_err("not known").to_string();
        assert!(error.starts_with("mysql is not") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_file_is_opened_twice() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for _ in 0..2 {
            let pool = open(None, dir.path()).await.expect("it opens");
            let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'positions'")
                .fetch_one(&pool)
                .await
                .expect("it answers");
            assert_eq!(tables, 1);
            pool.close().await;
        }
    }
}
