//! Where profiles left off.

use kinora_api::events::ViewerEvent;
use kinora_api::{ResumePosition, TitleId};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Reads, problem, query};

use super::log;
use crate::domain::Position;

/// Positions listed at most.
const MAX_LISTED: i64 = 500;
/// Titles in one statement, as many as it has parameters for.
const AT_ONCE: usize = 12;

/// Writes a position unless a later one is there.
///
/// # Errors
/// Of the database.
pub async fn put(connection: &mut Connection, position: &Position) -> Result<(), Error> {
    query(
        "INSERT INTO positions (profile_id, title_id, position_ms, duration_ms, finished, recorded_at, ordered_at, is_removed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
         ON CONFLICT (profile_id, title_id) DO UPDATE SET
             position_ms = excluded.position_ms, duration_ms = excluded.duration_ms, finished = excluded.finished,
             recorded_at = excluded.recorded_at, ordered_at = excluded.ordered_at, is_removed = 0
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

/// Writes the position of a title that is marked as watched.
///
/// # Errors
/// Of the database.
pub async fn mark_watched(connection: &mut Connection, position: &Position) -> Result<(), Error> {
    put(connection, position).await?;
    let finished = ViewerEvent::Finish { title: position.title.as_str().into(), playback: None };
    log::log(connection, (None, &position.profile), position.recorded_at, finished).await
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

/// Returns the positions of a profile in some titles, in any order.
///
/// # Errors
/// Of the database.
pub async fn of(reads: &Reads, profile: &str, titles: &[TitleId]) -> Result<Vec<ResumePosition>, Problem> {
    let mut positions = Vec::new();
    for titles in titles.chunks(AT_ONCE) {
        let mut question = query(
            "SELECT title_id, position_ms, duration_ms, finished, recorded_at FROM positions
             WHERE profile_id = $1 AND title_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(profile);
        for at in 0..AT_ONCE {
            // No title has an empty id.
            question = question.bind(titles.get(at).map_or("", TitleId::as_str));
        }
        let rows: Vec<Row> = question.rows(reads).await.map_err(problem)?;
        positions.extend(rows.into_iter().map(resume_position));
    }
    Ok(positions)
}

/// Writes the position of a title that was never begun; one that is there stays.
///
/// # Errors
/// Of the database.
pub async fn add(connection: &mut Connection, position: &Position) -> Result<(), Error> {
    query(
        "INSERT INTO positions (profile_id, title_id, position_ms, duration_ms, finished, recorded_at, ordered_at, is_removed)
         VALUES ($1, $2, 0, 0, 0, $3, $4, 0) ON CONFLICT (profile_id, title_id) DO NOTHING",
    )
    .bind(&position.profile)
    .bind(&position.title)
    .bind(position.recorded_at)
    .bind(position.ordered_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a title from those to continue, until a position is reported that is later than this one.
///
/// # Errors
/// Of the database.
pub async fn remove(connection: &mut Connection, position: &Position) -> Result<(), Error> {
    query(
        "UPDATE positions SET is_removed = 1, ordered_at = CASE WHEN ordered_at > $1 THEN ordered_at ELSE $1 END
         WHERE profile_id = $2 AND title_id = $3",
    )
    .bind(position.ordered_at)
    .bind(&position.profile)
    .bind(&position.title)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes a title one that was never begun. The row stays, so that an older report that arrives later is refused.
///
/// # Errors
/// Of the database.
pub async fn forget(connection: &mut Connection, profile: &str, title: &str, ordered_at: i64) -> Result<(), Error> {
    query(
        "UPDATE positions SET position_ms = 0, finished = 0, is_removed = 1, ordered_at = $1
         WHERE profile_id = $2 AND title_id = $3 AND ordered_at <= $1",
    )
    .bind(ordered_at)
    .bind(profile)
    .bind(title)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the positions of a profile, the latest first, and the titles of them that were removed from those to continue.
///
/// # Errors
/// Of the database.
pub async fn list(reads: &Reads, profile: &str) -> Result<(Vec<ResumePosition>, Vec<TitleId>), Problem> {
    let rows: Vec<(String, i64, i64, i64, i64, i64)> = query(
        "SELECT title_id, position_ms, duration_ms, finished, recorded_at, is_removed FROM positions
         WHERE profile_id = $1 ORDER BY ordered_at DESC, title_id LIMIT $2",
    )
    .bind(profile)
    .bind(MAX_LISTED)
    .rows(reads)
    .await
    .map_err(problem)?;
    let removed = rows.iter().filter(|row| row.5 != 0).map(|row| TitleId::new(row.0.as_str())).collect();
    let positions = rows.into_iter().map(|(title, position_ms, duration_ms, finished, updated_at, _)| {
        resume_position((title, position_ms, duration_ms, finished, updated_at))
    });
    Ok((positions.collect(), removed))
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
