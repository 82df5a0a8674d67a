//! Differences between SQLite and PostgreSQL. Everything else is written once.

use sqlx::error::{DatabaseError, ErrorKind};

use super::connection::{Connection, Opener};
use super::query::{Unstorable, query};

/// Maximum number of jobs in one transaction of SQLite.
const SQLITE_GROUP: usize = 1024;
/// The same of PostgreSQL, which keeps 64 savepoints of a transaction in memory that all sessions see, and writes further ones to
/// disk.
const POSTGRES_GROUP: usize = 60;
/// Number of times that a group is run in all, if the database asks for another run.
pub(crate) const MAX_RUNS: u32 = 3;

/// Returns the maximum number of jobs in one transaction.
pub(crate) fn group_of(opener: &Opener) -> usize {
    match opener {
        Opener::Sqlite(_) => SQLITE_GROUP,
        Opener::Postgres(_) => POSTGRES_GROUP,
    }
}

/// Begins a transaction that has the store's writing to itself until it ends.
pub(crate) async fn begin(connection: &mut Connection) -> Result<(), sqlx::Error> {
    // Plain statements: the bookkeeping of sqlx's own transactions is what a failed COMMIT leaves wrong.
    match connection {
        Connection::Sqlite(_) => query("BEGIN IMMEDIATE").execute(connection).await?,
        Connection::Postgres(_) => {
            query("BEGIN").execute(&mut *connection).await?;
            // Held until the transaction ends. What the writer of another process committed before is seen from here on.
            query("SELECT pg_advisory_xact_lock(hashtextextended('kinora writer ' || current_schema(), 0))")
                .execute(connection)
                .await?
        }
    };
    Ok(())
}

/// Returns true if a transaction that failed so may succeed when it is run again: SQLSTATE class 40, a serialisation failure or a
/// deadlock.
pub(crate) fn asks_for_another_run(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| sqlstate(error).is_some_and(|state| state.starts_with("40")))
}

/// Returns true if the fault lies in the row or the statement and not in the storage.
pub(crate) fn is_bad_row(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => match sqlstate(error.as_ref()) {
            // A value that the type cannot hold; a statement that is wrong.
            Some(state) => {
                !matches!(error.kind(), ErrorKind::Other) || ["22", "42"].iter().any(|class| state.starts_with(class))
            }
            None => !matches!(error.kind(), ErrorKind::Other),
        },
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// Returns true if a statement failed because the database went away.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // SQLSTATE class 08: connection; 57P01 to 57P03: it shuts down, crashed, or starts.
        sqlx::Error::Database(error) => {
            sqlstate(error.as_ref()).is_some_and(|state| state.starts_with("08") || state.starts_with("57P0"))
        }
        _ => false,
    }
}

/// Returns true if the database cannot hold a text, as PostgreSQL cannot hold U+0000.
pub(crate) fn is_unstorable(error: &sqlx::Error) -> bool {
    if matches!(error, sqlx::Error::Encode(cause) if cause.is::<Unstorable>()) {
        return true;
    }
    error.as_database_error().and_then(sqlstate).is_some_and(|state| state == "22021" || state == "22P05")
}

/// SQLSTATE, which PostgreSQL gives; SQLite's codes are numbers of another kind.
fn sqlstate(error: &dyn DatabaseError) -> Option<String> {
    error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().map(|error| error.code().to_owned())
}
