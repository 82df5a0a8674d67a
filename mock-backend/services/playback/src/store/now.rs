//! Playbacks that run on the devices of an account.

use kinora_api::NowPlaying;
use kinora_api::internal::Viewer;
use kinora_store::connection::On;
use kinora_store::{Error, query};

use crate::domain::{Running, Terms};

/// Id, sign-in, profile, title, its name, device, beginning, duration.
type Row = (String, Option<String>, String, String, String, String, i64, i64);

/// Returns the playbacks of an account whose heartbeats come, the latest first, as `profile` may see them. `on` gives a
/// connection for each statement.
///
/// # Errors
/// Of the database.
pub async fn list<C>(
    on: &mut C,
    who: &Viewer,
    profile: &str,
    terms: &Terms,
    now_ms: i64,
) -> Result<Vec<(String, NowPlaying)>, Error>
where
    for<'c> On<'c>: From<&'c mut C>,
{
    let (since, until) = terms.alive(now_ms);
    let rows: Vec<Row> = query(
        "SELECT id, family_id, profile_id, title_id, title_name, device_name, started_at, duration_ms
         FROM playback_sessions
         WHERE account_id = $1 AND stopped_at IS NULL AND last_seen_at > $2 AND last_seen_at <= $3
         ORDER BY started_at DESC, id DESC",
    )
    .bind(&who.account)
    .bind(since)
    .bind(until)
    .rows(On::from(&mut *on))
    .await?;
    let mut playing = Vec::new();
    for (id, sign_in, owner, title, title_name, device_name, started_at, duration_ms) in rows {
        let latest: Option<(String, i64, i64)> = query(
            "SELECT phase, position_ms, at FROM playback_events WHERE session_id = $1 ORDER BY at DESC, id DESC LIMIT 1",
        )
        .bind(&id)
        .row(On::from(&mut *on))
        .await?;
        let position: Option<i64> =
            query("SELECT position_ms FROM positions WHERE profile_id = $1 AND title_id = $2 AND finished = 0")
                .bind(&owner)
                .bind(&title)
                .scalar(On::from(&mut *on))
                .await?;
        let is_this_device = sign_in.as_deref() == Some(who.sign_in.as_str());
        let running = Running { id, owner, title, title_name, device_name, started_at, duration_ms, latest, position };
        playing.push((running.owner.clone(), running.seen_by(who, profile, is_this_device, terms, now_ms)));
    }
    Ok(playing)
}
