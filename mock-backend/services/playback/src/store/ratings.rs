//! Opinions of profiles on titles.

use kinora_api::events::{Rating, ViewerEvent};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Outcome, Reads, problem, query};

use super::log;

/// Sets an opinion, or takes it back. One that is the same already is no event.
///
/// # Errors
/// Of the database.
pub async fn put(
    connection: &mut Connection,
    (profile, title): (&str, &str),
    rating: Option<Rating>,
    now_ms: i64,
) -> Outcome<()> {
    let statement = match rating {
        Some(_) => query(
            "INSERT INTO ratings (profile_id, title_id, rating, rated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (profile_id, title_id) DO UPDATE SET rating = excluded.rating, rated_at = excluded.rated_at
             WHERE ratings.rating <> excluded.rating",
        ),
        None => query("DELETE FROM ratings WHERE profile_id = $1 AND title_id = $2"),
    };
    let mut statement = statement.bind(profile).bind(title);
    if let Some(rating) = rating {
        statement = statement.bind(rating.name()).bind(now_ms);
    }
    if statement.execute(&mut *connection).await? > 0 {
        let event = ViewerEvent::Rating { title: title.into(), rating };
        log::log(connection, (None, profile), now_ms, event).await?;
    }
    Ok(())
}

/// Returns the opinion of a profile on a title; `None` if it gave none.
///
/// # Errors
/// Of the database.
pub async fn get(reads: &Reads, profile: &str, title: &str) -> Result<Option<Rating>, Problem> {
    let name: Option<String> = query("SELECT rating FROM ratings WHERE profile_id = $1 AND title_id = $2")
        .bind(profile)
        .bind(title)
        .scalar(reads)
        .await
        .map_err(problem)?;
    Ok(name.and_then(|name| Rating::named(&name)))
}
