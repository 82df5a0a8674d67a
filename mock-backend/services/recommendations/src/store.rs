//! The tables of recommendations, and every statement over them.

use kinora_api::{ProfileId, TitleId};
use kinora_kit::http::problem::Problem;
use kinora_store::{Migration, Reads, Schema, Store, problem, query};

use crate::domain::interest::Interest;

/// Tables of the service.
pub const SCHEMA: Schema = Schema {
    name: "recommendations",
    is_first: false,
    tables: &["interests", "progress"],
    migrations: &[Migration { version: 1, name: "interests", sql: include_str!("../migrations/0001_interests.sql") }],
};

/// Changes by a batch of events, written in one transaction with the place up to which the log was read: an event is counted
/// once, though the log may give it twice.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Interests as they are now.
    pub interests: Vec<(ProfileId, TitleId, Interest)>,
    /// Profiles of which nothing is known any more; what `interests` has of them came later.
    pub forgotten: Vec<ProfileId>,
    /// Partition of the log.
    pub partition: u32,
    /// Offset of its next event.
    pub next: u64,
}

/// Writes a batch.
///
/// # Errors
/// Of the database; nothing of the batch is written then.
pub async fn write(store: &Store, batch: Batch) -> Result<(), Problem> {
    let written = store.write(batch, |connection, batch| {
        Box::pin(async move {
            for profile in &batch.forgotten {
                query("DELETE FROM interests WHERE profile_id = $1")
                    .bind(profile.as_str())
                    .execute(&mut *connection)
                    .await?;
            }
            for (profile, title, interest) in &batch.interests {
                query(
                    "INSERT INTO interests (profile_id, title_id, interest) VALUES ($1, $2, $3)
                     ON CONFLICT (profile_id, title_id) DO UPDATE SET interest = excluded.interest",
                )
                .bind(profile.as_str())
                .bind(title.as_str())
                .bind(serde_json::to_string(interest).unwrap_or_default())
                .execute(&mut *connection)
                .await?;
            }
            query(
                "INSERT INTO progress (partition_number, next_offset) VALUES ($1, $2)
                 ON CONFLICT (partition_number) DO UPDATE SET next_offset = excluded.next_offset",
            )
            .bind(i64::from(batch.partition))
            .bind(i64::try_from(batch.next).unwrap_or(i64::MAX))
            .execute(connection)
            .await?;
            Ok(())
        })
    });
    written.await
}

/// Returns every interest. One that cannot be read is left out, with a warning.
///
/// # Errors
/// Of the database.
pub async fn interests(reads: &Reads) -> Result<Vec<(ProfileId, TitleId, Interest)>, Problem> {
    let sql = "SELECT profile_id, title_id, interest FROM interests ORDER BY profile_id, title_id";
    let rows: Vec<(String, String, String)> = query(sql).rows(reads).await.map_err(problem)?;
    let read = rows.into_iter().filter_map(|(profile, title, interest)| match serde_json::from_str(&interest) {
        Ok(interest) => Some((ProfileId::new(profile), TitleId::new(title), interest)),
        Err(error) => {
            tracing::warn!(%error, profile, title, "an interest cannot be read, and counts as none");
            None
        }
    });
    Ok(read.collect())
}

/// Returns partition and offset of the next event of each partition that was read.
///
/// # Errors
/// Of the database.
pub async fn progress(reads: &Reads) -> Result<Vec<(u32, u64)>, Problem> {
    let rows: Vec<(i64, i64)> =
        query("SELECT partition_number, next_offset FROM progress").rows(reads).await.map_err(problem)?;
    let places = rows
        .into_iter()
        .filter_map(|(partition, next)| Some((u32::try_from(partition).ok()?, u64::try_from(next).ok()?)));
    Ok(places.collect())
}
