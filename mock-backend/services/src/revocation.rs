//! Revocation: which sign-ins are over, and which playbacks lose their signed addresses before those expire.
//!
//! A revoked sign-in gets no further answer and no further grant; its playbacks end with it. A playback that ends goes on a
//! numbered list, which edges poll at `GET /origin/revoked?after=N`; they refuse the session until its addresses have expired.

use kinora_api::ErrorCode;
use serde::Serialize;
use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};

use super::database;
use kinora_kit::http::problem::Problem;

/// Maximum number of sessions in one answer to an edge.
const PAGE: i64 = 10_000;

/// Reason for the end of a playback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The player stopped it.
    Stopped,
    /// Another device of the account took its place.
    Displaced,
    /// Its sign-in was revoked.
    SignedOut,
}

impl EndReason {
    /// Name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Displaced => "displaced",
            Self::SignedOut => "signed_out",
        }
    }
}

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

/// Refuses an access token whose sign-in was revoked or is not known.
///
/// # Errors
/// 7003 when it was; of the database.
pub async fn check_family(executor: impl SqliteExecutor<'_>, family: &str) -> Result<(), Problem> {
    let live: Option<i64> = sqlx::query_scalar("SELECT 1 FROM token_families WHERE id = $1 AND revoked_at IS NULL")
        .bind(family)
        .fetch_optional(executor)
        .await
        .map_err(database::problem)?;
    live.map(drop).ok_or_else(|| Problem::new(ErrorCode::SignInRevoked, "the device was signed out"))
}

/// Revokes a sign-in and ends its playbacks.
///
/// # Errors
/// Of the database.
pub async fn revoke_family(connection: &mut SqliteConnection, family: &str, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE token_families SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
        .bind(now_ms)
        .bind(family)
        .execute(&mut *connection)
        .await?;
    let sessions: Vec<String> =
        sqlx::query_scalar("SELECT id FROM playback_sessions WHERE family_id = $1 AND stopped_at IS NULL")
            .bind(family)
            .fetch_all(&mut *connection)
            .await?;
    for session in sessions {
        end_session(connection, &session, EndReason::SignedOut, now_ms).await?;
    }
    Ok(())
}

/// Ends a playback that runs and puts it on the list of the edges. One that has ended already stays as it is.
///
/// # Errors
/// Of the database.
pub async fn end_session(
    connection: &mut SqliteConnection,
    session: &str,
    reason: EndReason,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let until: Option<i64> = sqlx::query_scalar(
        "UPDATE playback_sessions SET stopped_at = $1, end_reason = $2 WHERE id = $3 AND stopped_at IS NULL
         RETURNING expires_at",
    )
    .bind(now_ms)
    .bind(reason.name())
    .bind(session)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(until) = until else { return Ok(()) };
    // Counted apart from the rows, so that a number is not given twice when old rows have been pruned.
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO service_state (name, value) VALUES ('revoked_seq', 1)
         ON CONFLICT (name) DO UPDATE SET value = service_state.value + 1 RETURNING value",
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO revoked_sessions (seq, session_id, until) VALUES ($1, $2, $3)")
        .bind(seq)
        .bind(session)
        .bind(until)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// Returns the sessions that were revoked after number `after`. A number that was never given, as an edge has it whose backend
/// lost its database, counts as 0.
///
/// # Errors
/// Of the database.
pub async fn list(reads: &SqlitePool, after: i64) -> Result<RevokedPage, Problem> {
    let latest: Option<i64> = sqlx::query_scalar("SELECT value FROM service_state WHERE name = 'revoked_seq'")
        .fetch_optional(reads)
        .await
        .map_err(database::problem)?;
    let latest = latest.unwrap_or(0);
    if after == latest {
        // The usual answer, before every manifest.
        return Ok(RevokedPage { next: after, revoked: Vec::new(), more: false });
    }
    let after = if after > latest { 0 } else { after };
    let rows: Vec<(i64, String, i64)> =
        sqlx::query_as("SELECT seq, session_id, until FROM revoked_sessions WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(PAGE)
            .fetch_all(reads)
            .await
            .map_err(database::problem)?;
    let more = rows.len() as i64 == PAGE;
    let next = rows.last().map_or(after, |row| row.0);
    let revoked = rows.into_iter().map(|(_, session, until)| RevokedSession { session, until }).collect();
    Ok(RevokedPage { next, revoked, more })
}
