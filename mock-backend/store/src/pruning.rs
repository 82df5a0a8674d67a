//! Pruning: rows that nothing refers to any more are deleted, a few at a time, so that no table only grows.

use super::failure::WriteError;
use super::open::Store;
use super::query::query;
use kinora_kit::http::problem::Problem;

/// Maximum number of rows in one transaction: the writer has others to serve.
const BATCH: i64 = 500;

/// Statement of a [`Rule`] that deletes rows of a table by the time in one of its columns: `expired!("table", "key", "column")`.
#[macro_export]
macro_rules! expired {
    ($table:literal, $key:literal, $column:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $column,
            " < $1 LIMIT $2)"
        )
    };
}

/// A table's rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Time for which a row is of use. At least a day, so that a wall clock that is a day ahead deletes nothing of use.
    pub keep_ms: i64,
    /// Statement that deletes up to `$2` rows that ceased to be of use before `$1`.
    pub delete: &'static str,
}

/// Deletes what is of no use any more and returns the number of rows.
///
/// # Errors
/// Of the database.
pub async fn prune(store: &Store, rules: &[Rule], now_ms: i64) -> Result<u64, Problem> {
    let mut total = 0;
    for &Rule { keep_ms, delete } in rules {
        loop {
            let deleted = store
                .write((delete, now_ms - keep_ms), |connection, &(delete, before)| {
                    Box::pin(async move {
                        Ok::<_, WriteError>(query(delete).bind(before).bind(BATCH).execute(connection).await?)
                    })
                })
                .await?;
            total += deleted;
            if deleted < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(total)
}
