//! Where profiles left off.

use kinora_api::{ResumePosition, TitleId};
use sqlx::{SqliteConnection, SqlitePool};

use super::database;
use kinora_kit::http::problem::Problem;

/// Positions listed at most.
const MAX_LISTED: i64 = 500;

/// A position to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    profile: String,
    title: String,
    position_ms: i64,
    duration_ms: i64,
    finished: bool,
    recorded_at: i64,
    ordered_at: i64,
}

impl Position {
    /// A position; beyond the end it is the end. A profile that has seen 95 % has finished: the rest are credits.
    pub fn new(profile: &str, title: &str, position_ms: u64, duration_ms: u64) -> Self {
        let position_ms = position_ms.min(duration_ms);
        let finished = duration_ms > 0 && u128::from(position_ms) * 100 >= u128::from(duration_ms) * 95;
        Self {
            profile: profile.to_owned(),
            title: title.to_owned(),
            position_ms: i64::try_from(position_ms).unwrap_or(i64::MAX),
            duration_ms: i64::try_from(duration_ms).unwrap_or(i64::MAX),
            finished,
            recorded_at: 0,
            ordered_at: 0,
        }
    }

    /// The same position, recorded at `recorded_at` by the wall clock. `ordered_at` is its logical time
    /// ([`kinora_kit::clock::LogicalClock`]), by which writes are ordered.
    pub fn at(self, recorded_at: i64, ordered_at: i64) -> Self {
        Self { recorded_at, ordered_at, ..self }
    }
}

/// Writes a position unless a later one is there.
///
/// # Errors
/// Of the database.
pub async fn put(connection: &mut SqliteConnection, position: &Position) -> Result<(), sqlx::Error> {
    sqlx::query(
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
pub async fn latest_order(pool: &SqlitePool) -> Result<i64, Problem> {
    let latest: Option<i64> =
        sqlx::query_scalar("SELECT max(ordered_at) FROM positions").fetch_one(pool).await.map_err(database::problem)?;
    Ok(latest.unwrap_or(i64::MIN))
}

/// A profile's position in one title.
///
/// # Errors
/// Of the database.
pub async fn get(pool: &SqlitePool, profile: &str, title: &str) -> Result<Option<ResumePosition>, Problem> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT title_id, position_ms, duration_ms, finished, recorded_at FROM positions
         WHERE profile_id = $1 AND title_id = $2",
    )
    .bind(profile)
    .bind(title)
    .fetch_optional(pool)
    .await
    .map_err(database::problem)?;
    Ok(row.map(resume_position))
}

/// A profile's positions, the latest first.
///
/// # Errors
/// Of the database.
pub async fn list(pool: &SqlitePool, profile: &str) -> Result<Vec<ResumePosition>, Problem> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT title_id, position_ms, duration_ms, finished, recorded_at FROM positions
         WHERE profile_id = $1 ORDER BY ordered_at DESC, title_id LIMIT $2",
    )
    .bind(profile)
    .bind(MAX_LISTED)
    .fetch_all(pool)
    .await
    .map_err(database::problem)?;
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

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn the_credits_count_as_the_end() {
        for (position_ms, finished) in [(0, false), (94_999, false), (95_000, true), (200_000, true)] {
            let position = Position::new("p", "t", position_ms, 100_000);
            assert_eq!(position.finished, finished, "{position_ms}");
            assert!(position.position_ms <= 100_000);
        }
        assert!(!Position::new("p", "t", 5, 0).finished);
    }
}
