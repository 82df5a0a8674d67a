//! Events for the event log: written in the transaction of the change that they report, and appended to the log afterwards, in
//! order, until it has taken them.

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_kit::http::problem::Problem;
use uuid::Uuid;

use super::connection::{Connection, Reads};
use super::failure::{WriteError, problem};
use super::open::Store;
use super::query::query;
use super::state::next_number;

/// Maximum number of events in one page.
const PAGE: i64 = 100;
/// Counter of the events of a store.
const COUNTER: &str = "logged_events";

/// An event that waits for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingEvent {
    /// Number in the order of commits.
    pub seq: i64,
    /// Identifier in the log.
    pub id: String,
    /// Key in the log.
    pub subject: String,
    /// Time of the change, milliseconds since the Unix epoch.
    pub at: i64,
    /// JSON of a [`LoggedEvent`].
    pub body: String,
    /// True if all earlier events of the subject are to be erased.
    pub erases: bool,
}

/// Writes an event for the log, as a part of the transaction of a job. One that concerns neither a profile nor an account is
/// passed over.
///
/// # Errors
/// Of the database.
pub async fn log(connection: &mut Connection, event: &LoggedEvent) -> Result<(), sqlx::Error> {
    let Some(subject) = event.key() else { return Ok(()) };
    let body = serde_json::to_string(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let erases = event.event == ViewerEvent::Forget;
    if erases {
        erase(connection, subject).await?;
    }
    let seq = next_number(connection, COUNTER).await?;
    query("INSERT INTO logged_events (seq, id, subject, at, body, erases) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(seq)
        .bind(Uuid::now_v7().simple().to_string())
        .bind(subject)
        .bind(event.at)
        .bind(body)
        .bind(i64::from(erases))
        .execute(connection)
        .await?;
    Ok(())
}

/// Erases the events of a subject that wait.
async fn erase(connection: &mut Connection, subject: &str) -> Result<(), sqlx::Error> {
    query("DELETE FROM logged_events WHERE subject = $1").bind(subject).execute(connection).await?;
    Ok(())
}

/// Returns the oldest events that wait, at most 100.
///
/// # Errors
/// Of the database.
pub async fn waiting(store: &Store) -> Result<Vec<WaitingEvent>, Problem> {
    let rows: Vec<(i64, String, String, i64, String, i64)> =
        query("SELECT seq, id, subject, at, body, erases FROM logged_events ORDER BY seq LIMIT $1")
            .bind(PAGE)
            .rows(store.reads())
            .await
            .map_err(problem)?;
    let event = |(seq, id, subject, at, body, erases)| WaitingEvent { seq, id, subject, at, body, erases: erases != 0 };
    Ok(rows.into_iter().map(event).collect())
}

/// Returns the time of the oldest event that waits, milliseconds since the Unix epoch.
///
/// # Errors
/// Of the database.
pub async fn waiting_since(reads: &Reads) -> Result<Option<i64>, Problem> {
    query("SELECT at FROM logged_events ORDER BY seq LIMIT 1").scalar(reads).await.map_err(problem)
}

/// Returns the number of events that wait.
///
/// # Errors
/// Of the database.
pub async fn count(store: &Store) -> Result<i64, Problem> {
    let count: Option<i64> =
        query("SELECT count(*) FROM logged_events").scalar(store.reads()).await.map_err(problem)?;
    Ok(count.unwrap_or(0))
}

/// Forgets events up to a number: the log has them.
///
/// # Errors
/// 7018 when the storage cannot write.
pub async fn forget(store: &Store, up_to: i64) -> Result<(), Problem> {
    store
        .write(up_to, |connection, up_to| {
            Box::pin(async move {
                query("DELETE FROM logged_events WHERE seq <= $1").bind(*up_to).execute(connection).await?;
                Ok::<_, WriteError>(())
            })
        })
        .await
}
