//! Copying the stores of a backend from SQLite into PostgreSQL: everything or nothing, with counts and checksums of both sides.

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::sqlite::SqliteRow;
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection,
};

use super::location::Location;
use super::open::open;
use super::query::Value;
use super::schema::{Schema, StoreError};

/// Maximum number of rows in one statement; PostgreSQL takes 65,535 parameters.
const BATCH: usize = 500;
/// Tables that every store has, beside those of its service.
const OWN_TABLES: [&str; 3] = ["store_state", "outbox", "logged_events"];

/// Reason why nothing was copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// A store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source is no SQLite, or the target is no PostgreSQL.
    #[error("stores are copied from files of SQLite into PostgreSQL")]
    Direction,
    /// The target holds something.
    #[error("the target is not empty: {0} has rows")]
    NotEmpty(String),
    /// A table that no list names, and that would be left behind.
    #[error("the source has a table {0} that is not known")]
    UnknownTable(String),
    /// A statement failed.
    #[error("copying {table} failed: {source}")]
    Statement {
        /// The table.
        table: String,
        /// Cause.
        source: sqlx::Error,
    },
}

/// Number of rows of a table, and the sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Number of texts with U+0000, which PostgreSQL cannot hold, and which was replaced by U+FFFD; only in a source.
    pub replaced: u64,
    /// Number of rows.
    pub rows: u64,
    /// Sum of the SHA-256 of the rows, which does not depend on their order.
    pub checksum: [u64; 4],
}

/// A table on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableReport {
    /// Service and table.
    pub table: String,
    /// In SQLite.
    pub source: Side,
    /// In PostgreSQL.
    pub target: Side,
}

/// Kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Int,
}

/// Columns of a table.
struct Columns {
    names: Vec<String>,
    kinds: Vec<Kind>,
}

/// Copies the tables of services and returns what both sides have. They are kept only if both sides agree; whoever writes to the
/// source meanwhile waits.
///
/// # Errors
/// When the target is not empty, or something failed; nothing is kept then.
pub async fn copy(from: &Location, to: &Location, schemas: &[Schema]) -> Result<Vec<TableReport>, CopyError> {
    let (Location::File(source), Location::Postgres(target)) = (from, to) else { return Err(CopyError::Direction) };
    for schema in schemas {
        for location in [from, to] {
            // Tables of today on both sides.
            let (store, writer) = open(location, schema).await?;
            store.reads().close().await;
            drop(store);
            writer.await.map_err(|error| StoreError::Open(sqlx::Error::Io(std::io::Error::other(error))))?;
        }
    }
    let failed = |table: &str| {
        let table = table.to_owned();
        move |source| CopyError::Statement { table, source }
    };
    let mut target = PgConnectOptions::clone(target).connect().await.map_err(StoreError::Open)?;
    execute(&mut target, "BEGIN").await.map_err(failed("the target"))?;
    let mut reports = Vec::new();
    for schema in schemas {
        let path = from.path(schema).unwrap_or_default();
        let mut source = source.as_ref().clone().filename(path).connect().await.map_err(StoreError::Open)?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut source).await.map_err(failed(schema.name))?;
        check_tables(&mut source, schema).await?;
        for table in schema.tables.iter().chain(&OWN_TABLES) {
            let place = format!("{}.{table}", schema.name);
            let columns = columns(&mut source, table).await.map_err(failed(&place))?;
            if sum_target(&mut target, &place, &columns).await.map_err(failed(&place))?.rows > 0 {
                return Err(CopyError::NotEmpty(place));
            }
            let read = copy_table(&mut source, &mut target, (table, &place), &columns).await.map_err(failed(&place))?;
            let written = sum_target(&mut target, &place, &columns).await.map_err(failed(&place))?;
            reports.push(TableReport { table: place, source: read, target: written });
        }
        source.close().await.map_err(failed(schema.name))?;
    }
    let agrees = reports.iter().all(|report| report.source == report.target);
    execute(&mut target, if agrees { "COMMIT" } else { "ROLLBACK" }).await.map_err(failed("the target"))?;
    target.close().await.map_err(failed("the target"))?;
    Ok(reports)
}

async fn execute(connection: &mut PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(connection).await.map(drop)
}

/// Refuses a source with a table that would be left behind.
async fn check_tables(source: &mut SqliteConnection, schema: &Schema) -> Result<(), CopyError> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name NOT IN ('_sqlx_migrations', '_store_migrations') ORDER BY name",
    )
    .fetch_all(source)
    .await
    .map_err(StoreError::Open)?;
    let is_known = |table: &&String| schema.tables.contains(&table.as_str()) || OWN_TABLES.contains(&table.as_str());
    match tables.iter().find(|table| !is_known(table)) {
        None => Ok(()),
        Some(table) => Err(CopyError::UnknownTable(format!("{}.{table}", schema.name))),
    }
}

async fn columns(source: &mut SqliteConnection, table: &str) -> Result<Columns, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
        .bind(table)
        .fetch_all(source)
        .await?;
    let kind = |kind: &str| if kind == "TEXT" { Kind::Text } else { Kind::Int };
    let kinds = rows.iter().map(|(_, declared)| kind(declared)).collect();
    Ok(Columns { names: rows.into_iter().map(|(name, _)| name).collect(), kinds })
}

async fn copy_table(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    (table, place): (&str, &str),
    columns: &Columns,
) -> Result<Side, sqlx::Error> {
    let names = columns.names.join(", ");
    let select = AssertSqlSafe(format!("SELECT {names} FROM {table}"));
    let mut side = Side::default();
    let mut batch = Vec::new();
    let mut rows = sqlx::query(select).fetch(source);
    while let Some(row) = rows.try_next().await? {
        let mut row = values_of_sqlite(&row, &columns.kinds)?;
        side.replaced += row.iter_mut().map(|value| u64::from(make_storable(value))).sum::<u64>();
        side.add(&row);
        batch.push(row);
        if batch.len() == BATCH {
            insert(target, (place, &names), &std::mem::take(&mut batch)).await?;
        }
    }
    if !batch.is_empty() {
        insert(target, (place, &names), &batch).await?;
    }
    Ok(side)
}

async fn insert(
    target: &mut PgConnection,
    (place, names): (&str, &str),
    rows: &[Vec<Value>],
) -> Result<(), sqlx::Error> {
    let mut arguments = PgArguments::default();
    let mut places = Vec::with_capacity(rows.len());
    let mut number = 0;
    for row in rows {
        let mut place = Vec::with_capacity(row.len());
        for value in row {
            let added = match value {
                Value::Text(text) => arguments.add(text.clone()),
                Value::Int(int) => arguments.add(*int),
            };
            added.map_err(sqlx::Error::Encode)?;
            number += 1;
            place.push(format!("${number}"));
        }
        places.push(format!("({})", place.join(", ")));
    }
    let sql = format!("INSERT INTO {place} ({names}) VALUES {}", places.join(", "));
    sqlx::query_with(AssertSqlSafe(sql), arguments).execute(target).await.map(drop)
}

async fn sum_target(target: &mut PgConnection, place: &str, columns: &Columns) -> Result<Side, sqlx::Error> {
    let select = AssertSqlSafe(format!("SELECT {} FROM {place}", columns.names.join(", ")));
    let mut side = Side::default();
    let mut rows = sqlx::query(select).fetch(target);
    while let Some(row) = rows.try_next().await? {
        side.add(&values_of_postgres(&row, &columns.kinds)?);
    }
    Ok(side)
}

fn values_of_sqlite(row: &SqliteRow, kinds: &[Kind]) -> Result<Vec<Value>, sqlx::Error> {
    let value = |(index, kind): (usize, &Kind)| match kind {
        Kind::Text => row.try_get(index).map(Value::Text),
        Kind::Int => row.try_get(index).map(Value::Int),
    };
    kinds.iter().enumerate().map(value).collect()
}

/// Replaces U+0000 in a text by U+FFFD. Returns true if there was one.
fn make_storable(value: &mut Value) -> bool {
    match value {
        Value::Text(Some(text)) if text.contains('\0') => {
            *text = text.replace('\0', "\u{fffd}");
            true
        }
        _ => false,
    }
}

fn values_of_postgres(row: &PgRow, kinds: &[Kind]) -> Result<Vec<Value>, sqlx::Error> {
    let value = |(index, kind): (usize, &Kind)| match kind {
        Kind::Text => row.try_get(index).map(Value::Text),
        Kind::Int => row.try_get(index).map(Value::Int),
    };
    kinds.iter().enumerate().map(value).collect()
}

impl Side {
    fn add(&mut self, row: &[Value]) {
        let mut hash = Sha256::new();
        for value in row {
            match value {
                Value::Text(None) | Value::Int(None) => hash.update([0]),
                Value::Text(Some(text)) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text);
                }
                Value::Int(Some(int)) => {
                    hash.update([2]);
                    hash.update(int.to_le_bytes());
                }
            }
        }
        self.rows += 1;
        let digest = hash.finalize();
        for (sum, part) in self.checksum.iter_mut().zip(digest.chunks_exact(8)) {
            let part = part.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            *sum = sum.wrapping_add(part);
        }
    }

    /// The checksum as text.
    pub fn checksum_text(&self) -> String {
        self.checksum.iter().map(|part| format!("{part:016x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Side, Value};

    fn sum(rows: &[&[Value]]) -> Side {
        let mut side = Side::default();
        rows.iter().for_each(|row| side.add(row));
        side
    }

    #[test]
    fn a_checksum_depends_on_every_value_and_not_on_the_order() {
        let (a, b) = (["a".into(), Value::Int(Some(1))], ["b".into(), Value::Int(None)]);
        assert_eq!(sum(&[&a, &b]), sum(&[&b, &a]));
        assert_ne!(sum(&[&a, &a]), sum(&[&b, &b]));
        let others: [[Value; 2]; 4] = [
            ["a".into(), Value::Int(Some(2))],
            ["a".into(), Value::Int(None)],
            [Value::Text(None), Value::Int(Some(1))],
            ["".into(), Value::Int(Some(1))],
        ];
        for other in &others {
            assert_ne!(sum(&[&a]).checksum, sum(&[other]).checksum, "{other:?}");
        }
        assert_ne!(sum(&[&["ab".into(), "c".into()]]), sum(&[&["a".into(), "bc".into()]]));
    }
}
