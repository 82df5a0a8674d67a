//! Connections of either database.

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool, SqliteConnection, SqlitePool};

/// A connection that writes, within the transaction of a job.
#[derive(Debug)]
pub enum Connection {
    /// To SQLite.
    Sqlite(SqliteConnection),
    /// To PostgreSQL.
    Postgres(PgConnection),
}

impl Connection {
    /// Closes the connection in order.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
    }
}

/// Connections that read. They cannot write. Cloning is cheap.
#[derive(Clone, Debug)]
pub enum Reads {
    /// To SQLite.
    Sqlite(SqlitePool),
    /// To PostgreSQL.
    Postgres(PgPool),
}

impl Reads {
    /// Closes all connections once the statements under way have ended.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Where a statement runs.
#[derive(Debug)]
pub enum On<'c> {
    /// The writer's connection.
    Sqlite(&'c mut SqliteConnection),
    /// The writer's connection.
    Postgres(&'c mut PgConnection),
    /// Readers.
    SqliteReads(&'c SqlitePool),
    /// Readers.
    PostgresReads(&'c PgPool),
}

impl<'c> From<&'c mut Connection> for On<'c> {
    fn from(connection: &'c mut Connection) -> Self {
        match connection {
            Connection::Sqlite(connection) => Self::Sqlite(connection),
            Connection::Postgres(connection) => Self::Postgres(connection),
        }
    }
}

impl<'c> From<&'c Reads> for On<'c> {
    fn from(reads: &'c Reads) -> Self {
        match reads {
            Reads::Sqlite(pool) => Self::SqliteReads(pool),
            Reads::Postgres(pool) => Self::PostgresReads(pool),
        }
    }
}

impl<'c> From<&'c mut Reads> for On<'c> {
    fn from(reads: &'c mut Reads) -> Self {
        Self::from(&*reads)
    }
}

/// Opens connections of the writer.
#[derive(Clone, Debug)]
pub(crate) enum Opener {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl Opener {
    pub(crate) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(options) => options.connect().await.map(Connection::Sqlite),
            Self::Postgres(options) => options.connect().await.map(Connection::Postgres),
        }
    }
}
