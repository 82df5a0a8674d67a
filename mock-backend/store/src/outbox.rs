//! The outbox: events that are written in the transaction of the change that they report, and delivered afterwards, in order, until
//! the receiver has taken them. A receiver may see an event twice.

use super::connection::Connection;
use super::failure::{WriteError, problem};
use super::open::Store;
use super::query::query;
use super::state::next_number;
use kinora_kit::http::problem::Problem;

/// Maximum number of events in one page.
const PAGE: i64 = 100;

/// An event that waits for its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number in the order of commits.
    pub seq: i64,
    /// Time of the change, milliseconds since the Unix epoch.
    pub at: i64,
    /// Kind of event.
    pub topic: String,
    /// JSON.
    pub payload: String,
}

/// Appends an event, as a part of the transaction of a job.
///
/// # Errors
/// Of the database.
pub async fn append(
    connection: &mut Connection,
    topic: &'static str,
    payload: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let seq = next_number(connection, "outbox").await?;
    query("INSERT INTO outbox (seq, at, topic, payload) VALUES ($1, $2, $3, $4)")
        .bind(seq)
        .bind(now_ms)
        .bind(topic)
        .bind(payload)
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the oldest events that wait, at most 100.
///
/// # Errors
/// Of the database.
pub async fn waiting(store: &Store) -> Result<Vec<Event>, Problem> {
    let rows: Vec<(i64, i64, String, String)> =
        query("SELECT seq, at, topic, payload FROM outbox ORDER BY seq LIMIT $1")
            .bind(PAGE)
            .rows(store.reads())
            .await
            .map_err(problem)?;
    Ok(rows.into_iter().map(|(seq, at, topic, payload)| Event { seq, at, topic, payload }).collect())
}

/// Forgets events up to a number: they were taken.
///
/// # Errors
/// 7018 when the storage cannot write.
pub async fn forget(store: &Store, up_to: i64) -> Result<(), Problem> {
    store
        .write(up_to, |connection, up_to| {
            Box::pin(async move {
                query("DELETE FROM outbox WHERE seq <= $1").bind(*up_to).execute(connection).await?;
                Ok::<_, WriteError>(())
            })
        })
        .await
}
