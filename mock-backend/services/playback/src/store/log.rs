//! Events of playbacks for the event log.

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_api::{PlaybackPhase, ProfileId};
use kinora_store::{Connection, Error, events, query};

use crate::domain::{millis, phase_of};
use crate::viewing::Report;

/// Logs what a profile did.
pub(super) async fn log(
    connection: &mut Connection,
    (account, profile): (Option<&str>, &str),
    at: i64,
    event: ViewerEvent,
) -> Result<(), Error> {
    let (account, profile) = (account.map(str::to_owned), Some(ProfileId::from(profile)));
    events::log(connection, &LoggedEvent { account, profile, at, event }).await
}

/// Returns the latest report of a playback; if there is none, its beginning at `begun`, where the profile had left off.
pub(super) async fn latest(
    connection: &mut Connection,
    (session, profile, title): (&str, &str, &str),
    begun: i64,
) -> Result<Report, Error> {
    let latest: Option<(String, i64, i64)> = query(
        "SELECT phase, position_ms, at FROM playback_events WHERE session_id = $1 ORDER BY at DESC, id DESC LIMIT 1",
    )
    .bind(session)
    .row(&mut *connection)
    .await?;
    if let Some((phase, position_ms, at)) = latest {
        return Ok(Report { phase: phase_of(&phase), position_ms: millis(position_ms), at });
    }
    let position_ms = resume(connection, profile, title).await?;
    Ok(Report { phase: PlaybackPhase::Buffering, position_ms, at: begun })
}

/// Returns the position at which a profile goes on in a title.
pub(super) async fn resume(connection: &mut Connection, profile: &str, title: &str) -> Result<u64, Error> {
    let position: Option<i64> =
        query("SELECT position_ms FROM positions WHERE profile_id = $1 AND title_id = $2 AND finished = 0")
            .bind(profile)
            .bind(title)
            .scalar(connection)
            .await?;
    Ok(millis(position.unwrap_or(0)))
}
