//! Where profiles left off.

use kinora_api::{ResumePosition, TitleId};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Reads, problem, query};

use crate::domain::Position;

/// Positions listed at most.
const MAX_LISTED: i64 = 500;

/// Writes a position unless a later one is there.
///
/// # Errors
/// Of the database.
pub async fn put(connection: &mut Connection, position: &Position) -> Result<(), Error> {
    query(
        "INSERT INTO positions (profile_id, title_id, position_ms, duration_ms, finished, recorded_at, ordered_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (profile_id, title_id) DO UPDATE SET
             position_ms = excluded.position_ms, duration_ms = excluded.duration_ms, finished = excluded.finished,
             recorded_at = excluded.recorded_at, ordered_at = excluded.ordered_at
         WHERE excluded.ordered_at >= positions.ordered_at",
    )
    .bind(&position.profile)
    .bind(&position.title)
    .bind(position.position_ms)
    .bind(position.duration_ms)
    .bind(i64::from(position.finished))
    .bind(position.recorded_at)
    .bind(position.ordered_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// The latest logical time of any position; `i64::MIN` when there is none.
///
/// # Errors
/// Of the database.
pub async fn latest_order(reads: &Reads) -> Result<i64, Problem> {
    let latest: Option<Option<i64>> =
        query("SELECT max(ordered_at) FROM positions").scalar(reads).await.map_err(problem)?;
    Ok(latest.flatten().unwrap_or(i64::MIN))
}

/// A profile's position in one title.
///
/// # Errors
/// Of the database.
pub async fn get(reads: &Reads, profile: &str, title: &str) -> Result<Option<ResumePosition>, Problem> {
    let row: Option<Row> = query(
        "SELECT title_id, position_ms, duration_ms, finished, recorded_at FROM positions
         WHERE profile_id = $1 AND title_id = $2",
    )
    .bind(profile)
    .bind(title)
    .row(reads)
    .await
    .map_err(problem)?;
    Ok(row.map(resume_position))
}

/// A profile's positions, the latest first.
///
/// # Errors
/// Of the database.
pub async fn list(reads: &Reads, profile: &str) -> Result<Vec<ResumePosition>, Problem> {
    let rows: Vec<Row> = query(
        "SELECT title_id, position_ms, duration_ms, finished, recorded_at FROM positions
         WHERE profile_id = $1 ORDER BY ordered_at DESC, title_id LIMIT $2",
    )
    .bind(profile)
    .bind(MAX_LISTED)
    .rows(reads)
    .await
    .map_err(problem)?;
    Ok(rows.into_iter().map(resume_position).collect())
}

type Row = (String, i64, i64, i64, i64);

fn resume_position((title, position_ms, duration_ms, finished, updated_at): Row) -> ResumePosition {
    ResumePosition {
        title_id: TitleId::new(title),
        position_ms: u64::try_from(position_ms).unwrap_or(0),
        duration_ms: u64::try_from(duration_ms).unwrap_or(0),
        finished: finished != 0,
        updated_at,
    }
}
