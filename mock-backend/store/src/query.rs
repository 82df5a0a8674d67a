//! Statements, written once for both databases: parameters are `$1`, `$2`, …, identifiers TEXT, times and numbers BIGINT.

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, FromRow};

use super::connection::On;

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// TEXT.
    Text(Option<String>),
    /// BIGINT.
    Int(Option<i64>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

/// Reason why a text cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a text has the character U+0000")]
pub(crate) struct Unstorable;

/// A row as a tuple of `String`, `i64` and options of them.
pub trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}

impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}

/// A statement with its parameters.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is executed"]
pub struct Query {
    sql: &'static str,
    values: Vec<Value>,
}

/// Makes a statement.
pub fn query(sql: &'static str) -> Query {
    Query { sql, values: Vec::new() }
}

/// Runs a method of sqlx's statements on whichever database it is.
macro_rules! run {
    ($query:expr, $on:expr, $make:ident, $method:ident) => {
        match $on.into() {
            On::Sqlite(connection) => $make($query.sql, $query.for_sqlite()?).$method(connection).await,
            On::SqliteReads(pool) => $make($query.sql, $query.for_sqlite()?).$method(pool).await,
            On::Postgres(connection) => $make($query.sql, $query.for_postgres()?).$method(connection).await,
            On::PostgresReads(pool) => $make($query.sql, $query.for_postgres()?).$method(pool).await,
        }
    };
}

use sqlx::query_as_with;

impl Query {
    /// Binds the next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Executes the statement and returns the number of rows that it changed.
    ///
    /// # Errors
    /// Of the database.
    pub async fn execute<'c>(self, on: impl Into<On<'c>>) -> Result<u64, sqlx::Error> {
        Ok(match on.into() {
            On::Sqlite(connection) => {
                sqlx::query_with(self.sql, self.for_sqlite()?).execute(connection).await?.rows_affected()
            }
            On::SqliteReads(pool) => {
                sqlx::query_with(self.sql, self.for_sqlite()?).execute(pool).await?.rows_affected()
            }
            On::Postgres(connection) => {
                sqlx::query_with(self.sql, self.for_postgres()?).execute(connection).await?.rows_affected()
            }
            On::PostgresReads(pool) => {
                sqlx::query_with(self.sql, self.for_postgres()?).execute(pool).await?.rows_affected()
            }
        })
    }

    /// Returns all rows.
    ///
    /// # Errors
    /// Of the database.
    pub async fn rows<'c, T: Record>(self, on: impl Into<On<'c>>) -> Result<Vec<T>, sqlx::Error> {
        run!(self, on, query_as_with, fetch_all)
    }

    /// Returns the first row, if there is one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn row<'c, T: Record>(self, on: impl Into<On<'c>>) -> Result<Option<T>, sqlx::Error> {
        run!(self, on, query_as_with, fetch_optional)
    }

    /// Returns the first column of all rows.
    ///
    /// # Errors
    /// Of the database.
    pub async fn scalars<'c, T>(self, on: impl Into<On<'c>>) -> Result<Vec<T>, sqlx::Error>
    where
        (T,): Record,
    {
        Ok(self.rows::<(T,)>(on).await?.into_iter().map(|(value,)| value).collect())
    }

    /// Returns the first column of the first row, if there is one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn scalar<'c, T>(self, on: impl Into<On<'c>>) -> Result<Option<T>, sqlx::Error>
    where
        (T,): Record,
    {
        Ok(self.row::<(T,)>(on).await?.map(|(value,)| value))
    }

    fn for_sqlite(&self) -> Result<SqliteArguments, sqlx::Error> {
        let mut arguments = SqliteArguments::default();
        self.add(|value| match value {
            // PostgreSQL cannot hold it, and a store of SQLite is to be one that can be copied.
            Value::Text(Some(text)) if text.contains('\0') => Err(Unstorable.into()),
            Value::Text(text) => arguments.add(text),
            Value::Int(number) => arguments.add(number),
        })?;
        Ok(arguments)
    }

    fn for_postgres(&self) -> Result<PgArguments, sqlx::Error> {
        let mut arguments = PgArguments::default();
        self.add(|value| match value {
            Value::Text(text) => arguments.add(text),
            Value::Int(number) => arguments.add(number),
        })?;
        Ok(arguments)
    }

    fn add(&self, add: impl FnMut(Value) -> Result<(), BoxDynError>) -> Result<(), sqlx::Error> {
        self.values.iter().cloned().try_for_each(add).map_err(sqlx::Error::Encode)
    }
}
