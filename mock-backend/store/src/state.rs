//! Counters of a store, which outlive the rows that they number.

use super::connection::{Connection, On};
use super::query::query;

/// Returns the next number of a counter: 1, then one more each time. Numbers follow the order of commits and have no gaps, also
/// between processes, because a store's writers take turns.
///
/// # Errors
/// Of the database.
pub async fn next_number(connection: &mut Connection, counter: &str) -> Result<i64, sqlx::Error> {
    let number = query(
        "INSERT INTO store_state (name, value) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET value = store_state.value + 1 RETURNING value",
    )
    .bind(counter)
    .scalar(connection)
    .await?;
    number.ok_or(sqlx::Error::RowNotFound)
}

/// Returns the latest number of a counter; 0 when it gave none.
///
/// # Errors
/// Of the database.
pub async fn latest_number<'c>(on: impl Into<On<'c>>, counter: &str) -> Result<i64, sqlx::Error> {
    let latest = query("SELECT value FROM store_state WHERE name = $1").bind(counter).scalar(on).await?;
    Ok(latest.unwrap_or(0))
}
