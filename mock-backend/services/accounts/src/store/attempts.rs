//! Failed sign-ins, as they outlive the process.

use kinora_kit::http::problem::Problem;
use kinora_store::{Store, problem, query};

/// Maximum number of subjects that are read.
const MAX_READ: i64 = 10_000;

/// Returns subjects with their failures and the time of the latest, the latest first.
///
/// # Errors
/// Of the database.
pub async fn all(store: &Store) -> Result<Vec<(String, i64, i64)>, Problem> {
    let rows = query("SELECT subject, failures, last_at FROM sign_in_attempts ORDER BY last_at DESC LIMIT $1")
        .bind(MAX_READ)
        .rows(store.reads());
    rows.await.map_err(problem)
}

/// Stores the failures of subjects.
///
/// # Errors
/// 7018 when they cannot be stored.
pub async fn put(store: &Store, rows: Vec<(String, i64)>, now_ms: i64) -> Result<(), Problem> {
    store
        .write((rows, now_ms), |connection, (rows, now_ms)| {
            Box::pin(async move {
                for (subject, failures) in rows {
                    query(
                        "INSERT INTO sign_in_attempts (subject, failures, last_at) VALUES ($1, $2, $3)
                         ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at",
                    )
                    .bind(subject)
                    .bind(*failures)
                    .bind(*now_ms)
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        })
        .await
}
