//! Attempts that are counted in the store, so that several processes share the count.

use kinora_api::ErrorCode;
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Outcome, Store, query};

use crate::domain::attempts::Subject;
use crate::domain::pace::Pace;

/// Counts an attempt, as a part of the transaction of a job.
///
/// # Errors
/// 7004 when it has to wait; of the database.
pub async fn take_in(connection: &mut Connection, subject: &Subject, pace: Pace, now_ms: i64) -> Outcome<()> {
    let row: Option<(i64, i64)> = query("SELECT count, last_at FROM paced_attempts WHERE subject = $1")
        .bind(subject.name())
        .row(&mut *connection)
        .await?;
    let (count, last_at) = row.unwrap_or((0, now_ms));
    let count = pace.next(count, last_at, now_ms).map_err(|wait_ms| {
        let message = format!("too many attempts: wait {} s", (wait_ms + 999) / 1000);
        Problem::new(ErrorCode::TooManyAttempts, message).with_retry_after_ms(u64::try_from(wait_ms).unwrap_or(0))
    })?;
    query(
        "INSERT INTO paced_attempts (subject, count, last_at) VALUES ($1, $2, $3)
         ON CONFLICT (subject) DO UPDATE SET count = excluded.count, last_at = excluded.last_at",
    )
    .bind(subject.name())
    .bind(count)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts an attempt.
///
/// # Errors
/// 7004 when it has to wait; of the database.
pub async fn take(store: &Store, subject: Subject, pace: Pace, now_ms: i64) -> Result<(), Problem> {
    store
        .write((subject, pace, now_ms), |connection, (subject, pace, now_ms)| {
            Box::pin(async move { take_in(connection, subject, *pace, *now_ms).await })
        })
        .await
}

/// Forgets the attempts of a subject.
///
/// # Errors
/// Of the database.
pub async fn forget(store: &Store, subject: Subject) -> Result<(), Problem> {
    store.write(subject, |connection, subject| Box::pin(async move { Ok(forget_in(connection, subject).await?) })).await
}

/// Forgets the attempts of a subject, as a part of the transaction of a job.
///
/// # Errors
/// Of the database.
pub async fn forget_in(connection: &mut Connection, subject: &Subject) -> Result<(), Error> {
    query("DELETE FROM paced_attempts WHERE subject = $1").bind(subject.name()).execute(connection).await?;
    Ok(())
}
