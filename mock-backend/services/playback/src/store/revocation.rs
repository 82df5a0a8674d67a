//! Revocation: sign-ins that are over, and playbacks that lose their signed addresses before those expire.
//!
//! A revoked sign-in gets no further answer and no further grant; its playbacks end with it. A playback that ends goes on a
//! numbered list, which edges poll at `GET /origin/revoked?after=N`; they refuse the session until its addresses have expired.

use kinora_api::ErrorCode;
use kinora_api::events::ViewerEvent;
use kinora_api::internal::{ProfilesDeleted, SignInChange};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Outcome, Reads, problem, query, state};
use serde::Serialize;

use super::log;
use crate::domain::{EndReason, NEVER_SEEN, millis};
use crate::viewing::Played;

/// Row of a playback that ended: expiry, account, profile, title, duration, last sign of life, time from which its viewer
/// counted as gone.
type EndedRow = (i64, String, String, String, i64, i64, Option<i64>);

/// Counter of the list.
const COUNTER: &str = "revoked_seq";

/// Maximum number of sessions in one answer to an edge.
const PAGE: i64 = 10_000;

/// One page of the list of revoked sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokedPage {
    /// Number to ask after next time.
    pub next: i64,
    /// Sessions in the order of their revocation.
    pub revoked: Vec<RevokedSession>,
    /// True if further ones are there already.
    pub more: bool,
}

/// A session whose signed addresses are to be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokedSession {
    /// Id of the playback session, as it stands in the signed address.
    pub session: String,
    /// Expiry of its latest address, milliseconds since the Unix epoch: afterwards the address is refused anyway.
    pub until: i64,
}

/// Refuses a sign-in that ended.
///
/// # Errors
/// 7003 when it did; of the database.
pub async fn check_sign_in(connection: &mut Connection, sign_in: &str) -> Outcome<()> {
    let ended: Option<i64> =
        query("SELECT at FROM ended_sign_ins WHERE family_id = $1").bind(sign_in).scalar(connection).await?;
    match ended {
        None => Ok(()),
        Some(_) => Err(Problem::new(ErrorCode::SignInRevoked, "the device was signed out").into()),
    }
}

/// Takes note of a change of a sign-in: what one that was revoked plays ends, what one that was replaced plays goes on under the
/// new one, and neither begins anything further.
///
/// # Errors
/// Of the database.
pub async fn sign_in_changed(connection: &mut Connection, change: &SignInChange) -> Result<(), Error> {
    match change {
        SignInChange::Revoked { sign_in, at } => {
            end_sign_in(connection, sign_in, *at).await?;
            let sessions: Vec<String> =
                query("SELECT id FROM playback_sessions WHERE family_id = $1 AND stopped_at IS NULL")
                    .bind(sign_in)
                    .scalars(&mut *connection)
                    .await?;
            for session in sessions {
                end_session(connection, &session, EndReason::SignedOut, *at).await?;
            }
        }
        SignInChange::Replaced { sign_ins, by, at } => {
            for sign_in in sign_ins {
                end_sign_in(connection, sign_in, *at).await?;
                query("UPDATE playback_sessions SET family_id = $1 WHERE family_id = $2 AND stopped_at IS NULL")
                    .bind(by)
                    .bind(sign_in)
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
    Ok(())
}

/// Ends the playbacks of deleted profiles and deletes their positions; of erased ones, their playbacks and events, too.
///
/// # Errors
/// Of the database.
pub async fn profiles_deleted(connection: &mut Connection, deleted: &ProfilesDeleted) -> Result<(), Error> {
    for profile in &deleted.profiles {
        let sessions: Vec<String> =
            query("SELECT id FROM playback_sessions WHERE profile_id = $1 AND stopped_at IS NULL")
                .bind(profile.as_str())
                .scalars(&mut *connection)
                .await?;
        for session in sessions {
            end_session(connection, &session, EndReason::Stopped, deleted.at).await?;
        }
        for sql in [
            "DELETE FROM positions WHERE profile_id = $1",
            "DELETE FROM my_list WHERE profile_id = $1",
            "DELETE FROM ratings WHERE profile_id = $1",
        ] {
            query(sql).bind(profile.as_str()).execute(&mut *connection).await?;
        }
        log::log(connection, (None, profile.as_str()), deleted.at, ViewerEvent::Forget).await?;
        if deleted.erased {
            for sql in [
                "DELETE FROM playback_events WHERE session_id IN (SELECT id FROM playback_sessions WHERE profile_id = $1)",
                "DELETE FROM playback_sessions WHERE profile_id = $1",
            ] {
                query(sql).bind(profile.as_str()).execute(&mut *connection).await?;
            }
        }
    }
    Ok(())
}

async fn end_sign_in(connection: &mut Connection, sign_in: &str, at: i64) -> Result<(), Error> {
    query("INSERT INTO ended_sign_ins (family_id, at) VALUES ($1, $2) ON CONFLICT (family_id) DO NOTHING")
        .bind(sign_in)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a playback that runs and puts it on the list of the edges. One that has ended already stays as it is.
///
/// # Errors
/// Of the database.
pub async fn end_session(
    connection: &mut Connection,
    session: &str,
    reason: EndReason,
    now_ms: i64,
) -> Result<(), Error> {
    let ended: Option<EndedRow> = query(
        "UPDATE playback_sessions SET stopped_at = $1, end_reason = $2 WHERE id = $3 AND stopped_at IS NULL
         RETURNING expires_at, account_id, profile_id, title_id, duration_ms, last_seen_at, left_at",
    )
    .bind(now_ms)
    .bind(reason.name())
    .bind(session)
    .row(&mut *connection)
    .await?;
    let Some((until, account, profile, title, duration_ms, seen, left_at)) = ended else { return Ok(()) };
    // One that its player stopped was logged with its last report, one that was granted ahead never began, and the end of a
    // silent one was logged when its viewer counted as gone.
    if matches!(reason, EndReason::Displaced | EndReason::SignedOut) && seen != NEVER_SEEN && left_at.is_none() {
        let last = log::latest(connection, (session, &profile, &title), seen).await?;
        let played = Played { title, playback: session.to_owned(), duration_ms: millis(duration_ms) };
        if let Some(event) = played.left(last) {
            log::log(connection, (Some(&account), &profile), now_ms, event).await?;
        }
    }
    // Counted apart from the rows, so that a number is not given twice when old rows have been pruned.
    let seq = state::next_number(connection, COUNTER).await?;
    query("INSERT INTO revoked_sessions (seq, session_id, until) VALUES ($1, $2, $3)")
        .bind(seq)
        .bind(session)
        .bind(until)
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the sessions that were revoked after number `after`. A number that was never given, as an edge has it whose backend
/// lost its database, counts as 0.
///
/// # Errors
/// Of the database.
pub async fn list(reads: &Reads, after: i64) -> Result<RevokedPage, Problem> {
    let latest = state::latest_number(reads, COUNTER).await.map_err(problem)?;
    if after == latest {
        // The usual answer, before every manifest.
        return Ok(RevokedPage { next: after, revoked: Vec::new(), more: false });
    }
    let after = if after > latest { 0 } else { after };
    let rows: Vec<(i64, String, i64)> =
        query("SELECT seq, session_id, until FROM revoked_sessions WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(PAGE)
            .rows(reads)
            .await
            .map_err(problem)?;
    let more = rows.len() as i64 == PAGE;
    let next = rows.last().map_or(after, |row| row.0);
    let revoked = rows.into_iter().map(|(_, session, until)| RevokedSession { session, until }).collect();
    Ok(RevokedPage { next, revoked, more })
}
