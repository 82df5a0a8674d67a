//! Titles that profiles keep.

use kinora_api::events::ViewerEvent;
use kinora_api::{ErrorCode, ListedTitle};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Outcome, Reads, problem, query};

use super::log;

/// Maximum number of titles on a list.
pub const MAX_LISTED: i64 = 500;

/// Puts a title on a list; one that is there keeps its place.
///
/// # Errors
/// 7031 when the list is full; of the database.
pub async fn put(
    connection: &mut Connection,
    (profile, title): (&str, &str),
    (added_at, ordered_at): (i64, i64),
) -> Outcome<()> {
    let others: Option<i64> = query("SELECT count(*) FROM my_list WHERE profile_id = $1 AND title_id <> $2")
        .bind(profile)
        .bind(title)
        .scalar(&mut *connection)
        .await?;
    if others.unwrap_or(0) >= MAX_LISTED {
        return Err(Problem::new(ErrorCode::ListFull, format!("a list has at most {MAX_LISTED} titles")).into());
    }
    let added = query(
        "INSERT INTO my_list (profile_id, title_id, added_at, ordered_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (profile_id, title_id) DO NOTHING",
    )
    .bind(profile)
    .bind(title)
    .bind(added_at)
    .bind(ordered_at)
    .execute(&mut *connection)
    .await?;
    if added > 0 {
        let event = ViewerEvent::Listed { title: title.into(), listed: true };
        log::log(connection, (None, profile), added_at, event).await?;
    }
    Ok(())
}

/// Takes a title off a list. One that is not there is no error.
///
/// # Errors
/// Of the database.
pub async fn remove(connection: &mut Connection, (profile, title): (&str, &str), now_ms: i64) -> Outcome<()> {
    let removed = query("DELETE FROM my_list WHERE profile_id = $1 AND title_id = $2")
        .bind(profile)
        .bind(title)
        .execute(&mut *connection)
        .await?;
    if removed > 0 {
        let event = ViewerEvent::Listed { title: title.into(), listed: false };
        log::log(connection, (None, profile), now_ms, event).await?;
    }
    Ok(())
}

/// Returns a title of a list; `None` if it is not there.
///
/// # Errors
/// Of the database.
pub async fn get(reads: &Reads, profile: &str, title: &str) -> Result<Option<ListedTitle>, Problem> {
    let row: Option<(String, i64)> =
        query("SELECT title_id, added_at FROM my_list WHERE profile_id = $1 AND title_id = $2")
            .bind(profile)
            .bind(title)
            .row(reads)
            .await
            .map_err(problem)?;
    Ok(row.map(listed))
}

/// Returns up to `count` titles of a list from number `from` on, the latest first.
///
/// # Errors
/// Of the database.
pub async fn titles(reads: &Reads, profile: &str, from: i64, count: i64) -> Result<Vec<ListedTitle>, Problem> {
    let rows: Vec<(String, i64)> = query(
        "SELECT title_id, added_at FROM my_list WHERE profile_id = $1
         ORDER BY ordered_at DESC, title_id LIMIT $2 OFFSET $3",
    )
    .bind(profile)
    .bind(count)
    .bind(from)
    .rows(reads)
    .await
    .map_err(problem)?;
    Ok(rows.into_iter().map(listed).collect())
}

/// Returns the latest logical time of any list; `i64::MIN` when there is none.
///
/// # Errors
/// Of the database.
pub async fn latest_order(reads: &Reads) -> Result<i64, Problem> {
    let latest: Option<Option<i64>> =
        query("SELECT max(ordered_at) FROM my_list").scalar(reads).await.map_err(problem)?;
    Ok(latest.flatten().unwrap_or(i64::MIN))
}

fn listed((title, added_at): (String, i64)) -> ListedTitle {
    ListedTitle { title_id: title.into(), added_at }
}
