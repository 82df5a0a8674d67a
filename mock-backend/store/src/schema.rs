//! The tables of a service, as steps, and the reasons why there is no store to work with.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::{MigrateError, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

/// One step of a service's tables. A step that was released is never changed: its checksum is kept with the data.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Number; later steps have greater ones.
    pub version: i64,
    /// Name for people.
    pub name: &'static str,
    /// Statements that both databases take.
    pub sql: &'static str,
}

/// The tables of a service.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Name of the service: that of its schema on PostgreSQL, and in the name of its file on SQLite.
    pub name: &'static str,
    /// True for the service whose file has the plain name.
    pub is_first: bool,
    /// Today's tables, each after those that it refers to.
    pub tables: &'static [&'static str],
    /// Steps to today's tables.
    pub migrations: &'static [Migration],
}

/// Reason why there is no store to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL is not one of a database.
    #[error("{0} is not the URL of a database (sqlite:FILE, sqlite::memory: or postgres://USER@HOST/NAME)")]
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
    /// A later version of this program has been at work on it.
    #[error(
        "{place} was written by a newer version of Kinora (its tables have version {version}, this program knows {known}): \
         start that version, or use another data directory"
    )]
    Newer {
        /// File or schema.
        place: String,
        /// Version of its tables.
        version: i64,
        /// Latest version that this program knows.
        known: i64,
    },
    /// Its tables could not be brought up to date.
    #[error("the tables of {place} cannot be brought up to date: {source}")]
    Migrate {
        /// File or schema.
        place: String,
        /// Cause.
        source: MigrateError,
    },
}

impl Migration {
    pub(crate) fn for_sqlx(&self) -> sqlx::migrate::Migration {
        let sql = AssertSqlSafe(self.sql).into_sql_str();
        sqlx::migrate::Migration::new(self.version, self.name.into(), MigrationType::Simple, sql, false)
    }
}
