//! Playback: permission to play, heartbeats, the end.
//!
//! An account has a number of places. A playback holds one from its grant until it ends; while its heartbeats stop coming it
//! may lose the place to another device, and has then ended: its next heartbeat is refused, and so are its addresses at the
//! edges. So the playbacks of an account that have not ended are never more than its places. A grant from before "Play" is
//! pressed is a playback that has been silent for ever ([`NEVER_SEEN`]): it does not count, and goes first.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use kinora_api::{
    ErrorCode, Heartbeat, HeartbeatReply, PlaybackGrant, PlaybackPhase, PlaybackRequest, PlaybackSource, Profile,
    Protocol, paths,
};
use sqlx::SqliteConnection;
use url::Url;
use uuid::Uuid;

use super::database::{self, Store};
use super::edges::Edges;
use super::entry::Entry;
use super::positions::{self, Position};
use super::revocation::{self, EndReason};
use super::tokens::Bearer;
use super::writer::WriteError;
use kinora_kit::address::version_name;
use kinora_kit::clock::LogicalClock;
use kinora_kit::http::problem::Problem;
use kinora_kit::signature::{EdgeSecret, sign, signed_path};

/// Heartbeats that may be missing before a playback no longer counts.
const MISSING_HEARTBEATS: i64 = 3;
/// Positions before this are not worth coming back to, and a player that fails at the start reports 0: they do not replace an
/// earlier position.
const WORTH_KEEPING_MS: u64 = 1_000;

/// Last sign of life of a playback that was granted ahead and has not begun.
const NEVER_SEEN: i64 = 0;

/// How playbacks are granted.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long signed addresses work.
    pub grant_ms: i64,
    /// Time between heartbeats.
    pub heartbeat_ms: i64,
}

/// The playbacks of the service.
pub struct Playback {
    store: Store,
    secret: EdgeSecret,
    terms: Terms,
    edges: Arc<Edges>,
}

/// A playback that has not ended.
struct Session {
    id: String,
    profile: String,
    title: String,
    /// Version of the title that it plays; 0 for the one that is current.
    version: i64,
    duration_ms: u64,
    expires_at: i64,
}

/// A row of `playback_sessions`: profile, title, its version, duration, expiry, last sign of life, time of the end, reason for it.
type SessionRow = (String, String, i64, i64, i64, i64, Option<i64>, Option<String>);

/// A playback as the database has it.
enum Found {
    /// It has not ended. `seen` is the time of its last sign of life.
    Running { session: Session, seen: i64 },
    /// Another device took its place, at `at`.
    Displaced { session: Session, at: i64 },
}

impl Playback {
    /// Playbacks kept in `store`, signed with `secret` for `edges`.
    pub fn new(store: Store, secret: EdgeSecret, terms: Terms, edges: Arc<Edges>) -> Self {
        Self { store, secret, terms, edges }
    }

    /// Replaces the list of edges; grants from now on name the new ones.
    pub fn set_edges(&self, edges: Vec<Url>) {
        self.edges.set(&edges);
    }

    /// What edges show to be let into the origin is checked against this.
    pub fn secret(&self) -> &EdgeSecret {
        &self.secret
    }

    /// Grants permission to play a title to a sign-in of an account with `places`.
    ///
    /// # Errors
    /// 7003 when the sign-in was revoked, 7005 when the account plays on as many devices as it may, 7013 when no wanted protocol
    /// is there, 7018 without edges.
    pub async fn grant(
        &self,
        (bearer, places): (&Bearer, u32),
        profile: &Profile,
        entry: &Entry,
        request: &PlaybackRequest,
        now_ms: i64,
    ) -> Result<PlaybackGrant, Problem> {
        let session = Session {
            id: Uuid::now_v7().simple().to_string(),
            profile: profile.id.as_str().to_owned(),
            title: entry.id.clone(),
            version: entry.added_at,
            duration_ms: entry.duration_ms(),
            expires_at: now_ms + self.terms.grant_ms,
        };
        // Before the session exists, so that a request that cannot be granted takes no place.
        let grant = self.write_grant(&session, entry, &request.protocols, now_ms).await?;
        let (bearer, terms, ahead) = (bearer.clone(), self.terms.clone(), request.ahead);
        self.store
            .write(move |connection| {
                Box::pin(async move {
                    if ahead {
                        return keep_ahead(connection, &bearer, places, &session, now_ms).await;
                    }
                    take_place(connection, bearer, places, session, terms, now_ms).await
                })
            })
            .await?;
        Ok(grant)
    }

    /// Returns the title that a playback plays, and its version; 0 stands for the current one.
    ///
    /// # Errors
    /// 7010 when the account has no such playback, 7005 when another device took its place.
    pub async fn title_of(&self, account: &str, id: &str) -> Result<(String, i64), Problem> {
        let mut connection = self.store.reads().acquire().await.map_err(database::problem)?;
        let (session, _) = find(&mut connection, account, id).await?.running()?;
        Ok((session.title, session.version))
    }

    /// The same grant with fresh addresses. `entry` is the playback's title. A renewal is a sign of life.
    ///
    /// # Errors
    /// 7010 when the account has no such playback, 7005 when other devices took its place.
    pub async fn renew(
        &self,
        (account, places): (&str, u32),
        id: &str,
        entry: &Entry,
        now_ms: i64,
    ) -> Result<PlaybackGrant, Problem> {
        let expires_at = now_ms + self.terms.grant_ms;
        let (account, id, terms) = (account.to_owned(), id.to_owned(), self.terms.clone());
        let session = self
            .store
            .write(move |connection| {
                Box::pin(async move {
                    let session = retake_place(connection, (&account, places), &id, &terms, now_ms).await?;
                    // Never earlier: addresses that were given out before stay on the list of the edges until they expire.
                    sqlx::query("UPDATE playback_sessions SET expires_at = max(expires_at, $1) WHERE id = $2")
                        .bind(expires_at)
                        .bind(&id)
                        .execute(connection)
                        .await?;
                    Ok(session)
                })
            })
            .await?;
        self.write_grant(&session, entry, &[], now_ms).await
    }

    /// Records a heartbeat, and the position with it. A playback that was silent takes its place again. One whose place is taken
    /// is refused, and its position is recorded all the same, as of the moment in which it lost the place: a position that
    /// another device has reported since is later and stays.
    ///
    /// # Errors
    /// 7010 when the account has no such playback, 7005 when other devices took its place.
    pub async fn heartbeat(
        &self,
        account: (&str, u32),
        id: &str,
        heartbeat: &Heartbeat,
        now_ms: i64,
        order: &LogicalClock,
    ) -> Result<HeartbeatReply, Problem> {
        let beat = Beat {
            account: account.0.to_owned(),
            places: account.1,
            session: id.to_owned(),
            heartbeat: heartbeat.clone(),
            now_ms,
            ordered_at: order.stamp_ms(now_ms),
            terms: self.terms.clone(),
        };
        let expires_at = self.store.write(move |connection| record_beat(connection, beat)).await??;
        Ok(HeartbeatReply {
            expires_at,
            expires_in_ms: millis(expires_at - now_ms),
            heartbeat_interval_ms: millis(self.terms.heartbeat_ms),
        })
    }

    /// Ends a playback and records its position. Its addresses are refused by the edges from then on.
    ///
    /// # Errors
    /// 7010 when the account has no such playback.
    pub async fn stop(
        &self,
        account: (&str, u32),
        id: &str,
        last: &Heartbeat,
        now_ms: i64,
        order: &LogicalClock,
    ) -> Result<(), Problem> {
        // Two reports: an ended playback has its position at the end and is stopped all the same.
        if last.phase == PlaybackPhase::Ended {
            self.heartbeat(account, id, last, now_ms, order).await?;
        }
        let phase = PlaybackPhase::Stopped;
        let position_ms = if last.phase == PlaybackPhase::Ended { 0 } else { last.position_ms };
        self.heartbeat(account, id, &Heartbeat { position_ms, phase }, now_ms, order).await?;
        Ok(())
    }

    /// Number of playbacks that run in all.
    ///
    /// # Errors
    /// Of the database.
    pub async fn running(&self, now_ms: i64) -> Result<i64, Problem> {
        let (since, until) = self.terms.alive(now_ms);
        let count = sqlx::query_scalar(
            "SELECT count(*) FROM playback_sessions
             WHERE stopped_at IS NULL AND last_seen_at > $1 AND last_seen_at <= $2",
        )
        .bind(since)
        .bind(until)
        .fetch_one(self.store.reads())
        .await
        .map_err(database::problem)?;
        Ok(count)
    }

    async fn write_grant(
        &self,
        session: &Session,
        entry: &Entry,
        wanted: &[Protocol],
        now_ms: i64,
    ) -> Result<PlaybackGrant, Problem> {
        let expires_at = now_ms + self.terms.grant_ms;
        let token = sign(&self.secret, &entry.id, &session.id, expires_at);
        let edges = self.edges.ranked(&entry.id);
        if edges.is_empty() {
            return Err(Problem::new(ErrorCode::ServiceUnavailable, "no edge is known that could serve the title"));
        }
        // The manifests' relative addresses inherit the version, as they do the signature.
        let version = version_name(if session.version == 0 { entry.added_at } else { session.version });
        let source = |(protocol, manifest): &(Protocol, String)| {
            let path = signed_path(&token, &entry.id, &format!("{version}/{manifest}"));
            PlaybackSource { protocol: *protocol, urls: edges.iter().map(|edge| format!("{edge}{path}")).collect() }
        };
        let mut sources: Vec<PlaybackSource> = entry.manifests.iter().map(source).collect();
        if !wanted.is_empty() {
            sources.retain(|source| wanted.contains(&source.protocol));
            sources.sort_by_key(|source| wanted.iter().position(|protocol| *protocol == source.protocol));
        }
        if sources.is_empty() {
            return Err(Problem::new(
                ErrorCode::InvalidRequest,
                "the title is not there in any of the wanted protocols",
            ));
        }
        let position = positions::get(self.store.reads(), &session.profile, &session.title).await?;
        let session_id = session.id.as_str().into();
        Ok(PlaybackGrant {
            renew_path: paths::renew(&session_id),
            heartbeat_path: paths::heartbeat(&session_id),
            stop_path: paths::stop(&session_id),
            session_id,
            title_id: entry.id.as_str().into(),
            sources,
            expires_at,
            expires_in_ms: millis(self.terms.grant_ms),
            heartbeat_interval_ms: millis(self.terms.heartbeat_ms),
            resume_position_ms: position
                .filter(|position| !position.finished)
                .map_or(0, |position| position.position_ms),
            duration_ms: session.duration_ms,
        })
    }
}

impl Terms {
    /// Signs of life after the first and up to the second time count. One from the future was stamped by a clock that has been
    /// set back since, and does not.
    fn alive(&self, now_ms: i64) -> (i64, i64) {
        let silence = MISSING_HEARTBEATS * self.heartbeat_ms;
        (now_ms - silence, now_ms + silence)
    }
}

/// Returns the number of silent playbacks that a new one has to end, in an account with `places`, `alive` playbacks whose
/// heartbeats come and `silent` ones whose do not; `None` if those alive take every place.
fn places_to_clear(places: u32, alive: i64, silent: i64) -> Option<i64> {
    let free = i64::from(places) - alive;
    (free > 0).then(|| (silent + 1 - free).max(0))
}

async fn take_place(
    connection: &mut SqliteConnection,
    bearer: Bearer,
    places: u32,
    session: Session,
    terms: Terms,
    now_ms: i64,
) -> Result<(), WriteError> {
    revocation::check_family(&mut *connection, &bearer.family).await?;
    let (since, until) = terms.alive(now_ms);
    let (alive, all) = count_places(connection, &bearer.account, "", since, until).await?;
    let Some(surplus) = places_to_clear(places, alive, all - alive) else {
        return Err(full(alive).into());
    };
    let displaced: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM playback_sessions
         WHERE account_id = $1 AND stopped_at IS NULL AND (last_seen_at <= $2 OR last_seen_at > $3)
         ORDER BY last_seen_at LIMIT $4",
    )
    .bind(&bearer.account)
    .bind(since)
    .bind(until)
    .bind(surplus)
    .fetch_all(&mut *connection)
    .await?;
    for id in displaced {
        revocation::end_session(connection, &id, EndReason::Displaced, now_ms).await?;
    }
    insert(connection, &bearer, &session, now_ms, now_ms).await
}

/// Records a playback that has not begun, in a place that no other has. It ends what the sign-in was granted ahead before,
/// and what was granted ahead and has expired, but never a playback that has begun.
///
/// # Errors
/// 7003 when the sign-in was revoked, 7005 when no place is free.
async fn keep_ahead(
    connection: &mut SqliteConnection,
    bearer: &Bearer,
    places: u32,
    session: &Session,
    now_ms: i64,
) -> Result<(), WriteError> {
    revocation::check_family(&mut *connection, &bearer.family).await?;
    let before: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM playback_sessions
         WHERE account_id = $1 AND stopped_at IS NULL AND last_seen_at = $2 AND (family_id = $3 OR expires_at <= $4)",
    )
    .bind(&bearer.account)
    .bind(NEVER_SEEN)
    .bind(&bearer.family)
    .bind(now_ms)
    .fetch_all(&mut *connection)
    .await?;
    for id in before {
        revocation::end_session(connection, &id, EndReason::Displaced, now_ms).await?;
    }
    let (_, all) = count_places(connection, &bearer.account, "", now_ms, now_ms).await?;
    if all >= i64::from(places) {
        let message = "no place of the account is free: it is given when the viewer begins to play";
        return Err(Problem::new(ErrorCode::TooManyStreams, message).into());
    }
    insert(connection, bearer, session, now_ms, NEVER_SEEN).await
}

async fn insert(
    connection: &mut SqliteConnection,
    bearer: &Bearer,
    session: &Session,
    now_ms: i64,
    seen: i64,
) -> Result<(), WriteError> {
    sqlx::query(
        "INSERT INTO playback_sessions
             (id, account_id, profile_id, title_id, duration_ms, started_at, expires_at, last_seen_at, family_id, title_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $10, $8, $9)",
    )
    .bind(&session.id)
    .bind(&bearer.account)
    .bind(&session.profile)
    .bind(&session.title)
    .bind(i64::try_from(session.duration_ms).unwrap_or(i64::MAX))
    .bind(now_ms)
    .bind(session.expires_at)
    .bind(&bearer.family)
    .bind(session.version)
    .bind(seen)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts the playbacks of an account other than `except` that are alive, and all that have not ended.
async fn count_places(
    connection: &mut SqliteConnection,
    account: &str,
    except: &str,
    since: i64,
    until: i64,
) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE last_seen_at > $1 AND last_seen_at <= $2), count(*) FROM playback_sessions
         WHERE account_id = $3 AND stopped_at IS NULL AND id <> $4",
    )
    .bind(since)
    .bind(until)
    .bind(account)
    .bind(except)
    .fetch_one(connection)
    .await
}

/// Finds a playback of an account.
///
/// # Errors
/// 7010 when the account has none of this id, or it ended otherwise than by losing its place.
async fn find(connection: &mut SqliteConnection, account: &str, id: &str) -> Result<Found, Problem> {
    let row: Option<SessionRow> = sqlx::query_as(
        "SELECT profile_id, title_id, title_version, duration_ms, expires_at, last_seen_at, stopped_at, end_reason
         FROM playback_sessions WHERE id = $1 AND account_id = $2",
    )
    .bind(id)
    .bind(account)
    .fetch_optional(connection)
    .await
    .map_err(database::problem)?;
    let gone = || Problem::new(ErrorCode::PlaybackSessionNotFound, "there is no such playback, or it was stopped");
    let (profile, title, version, duration_ms, expires_at, seen, stopped_at, reason) = row.ok_or_else(gone)?;
    let duration_ms = millis(duration_ms);
    let session = Session { id: id.to_owned(), profile, title, version, duration_ms, expires_at };
    match stopped_at {
        None => Ok(Found::Running { session, seen }),
        Some(at) if reason.as_deref() == Some(EndReason::Displaced.name()) => Ok(Found::Displaced { session, at }),
        Some(_) => Err(gone()),
    }
}

impl Found {
    /// Returns the playback with the time of its last sign of life.
    ///
    /// # Errors
    /// 7005 when another device took its place.
    fn running(self) -> Result<(Session, i64), Problem> {
        match self {
            Self::Running { session, seen } => Ok((session, seen)),
            Self::Displaced { .. } => Err(displaced()),
        }
    }
}

/// Finds a playback and records a sign of life of it. One that was silent needs a free place for that.
async fn retake_place(
    connection: &mut SqliteConnection,
    (account, places): (&str, u32),
    id: &str,
    terms: &Terms,
    now_ms: i64,
) -> Result<Session, WriteError> {
    let (session, seen) = find(connection, account, id).await?.running()?;
    if let Some(refusal) = check_place(connection, (account, places), (id, seen), terms, now_ms).await? {
        return Err(refusal.into());
    }
    record_sign_of_life(connection, id, now_ms).await?;
    Ok(session)
}

/// Returns 7005 unless a playback that was last `seen` at a time has its place, or may take it again.
async fn check_place(
    connection: &mut SqliteConnection,
    (account, places): (&str, u32),
    (id, seen): (&str, i64),
    terms: &Terms,
    now_ms: i64,
) -> Result<Option<Problem>, sqlx::Error> {
    let (since, until) = terms.alive(now_ms);
    if seen > since && seen <= until {
        return Ok(None);
    }
    let (alive, _) = count_places(connection, account, id, since, until).await?;
    Ok((alive >= i64::from(places)).then(|| full(alive)))
}

async fn record_sign_of_life(connection: &mut SqliteConnection, id: &str, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE playback_sessions SET last_seen_at = $1 WHERE id = $2")
        .bind(now_ms)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// A heartbeat on its way to the writer.
struct Beat {
    account: String,
    places: u32,
    session: String,
    heartbeat: Heartbeat,
    now_ms: i64,
    ordered_at: i64,
    terms: Terms,
}

/// Records a heartbeat and returns the expiry of the playback's addresses. A playback that has no place is refused, and its
/// position is kept: hence the second result, which undoes nothing.
fn record_beat(
    connection: &mut SqliteConnection,
    beat: Beat,
) -> BoxFuture<'_, Result<Result<i64, Problem>, WriteError>> {
    Box::pin(async move {
        let account = (beat.account.as_str(), beat.places);
        let ends = beat.heartbeat.phase == PlaybackPhase::Stopped;
        let (session, seen) = match find(connection, account.0, &beat.session).await? {
            Found::Running { session, seen } => (session, seen),
            Found::Displaced { session, at } => {
                beat.record_position(connection, &session, at).await?;
                return Ok(Err(displaced()));
            }
        };
        // The end needs no place.
        if !ends {
            let place = check_place(connection, account, (&session.id, seen), &beat.terms, beat.now_ms).await?;
            if let Some(refusal) = place {
                beat.record_position(connection, &session, seen).await?;
                return Ok(Err(refusal));
            }
            record_sign_of_life(connection, &session.id, beat.now_ms).await?;
        }
        sqlx::query("INSERT INTO playback_events (session_id, at, phase, position_ms) VALUES ($1, $2, $3, $4)")
            .bind(&session.id)
            .bind(beat.now_ms)
            .bind(phase_name(beat.heartbeat.phase))
            .bind(i64::try_from(beat.heartbeat.position_ms).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await?;
        beat.record_position(connection, &session, beat.now_ms).await?;
        if ends {
            revocation::end_session(connection, &session.id, EndReason::Stopped, beat.now_ms).await?;
        }
        Ok(Ok(session.expires_at))
    })
}

impl Beat {
    /// Records the position as of `at_ms`, if it is worth keeping.
    async fn record_position(
        &self,
        connection: &mut SqliteConnection,
        session: &Session,
        at_ms: i64,
    ) -> Result<(), sqlx::Error> {
        let position_ms = match self.heartbeat.phase {
            PlaybackPhase::Ended => session.duration_ms,
            _ => self.heartbeat.position_ms,
        };
        if position_ms < WORTH_KEEPING_MS {
            return Ok(());
        }
        let age_ms = self.now_ms.saturating_sub(at_ms).max(0);
        let position = Position::new(&session.profile, &session.title, position_ms, session.duration_ms)
            .at(self.now_ms.saturating_sub(age_ms), self.ordered_at.saturating_sub(age_ms));
        positions::put(connection, &position).await
    }
}

fn displaced() -> Problem {
    Problem::new(ErrorCode::TooManyStreams, "another device of the account took the playback's place")
}

fn full(alive: i64) -> Problem {
    let message = format!("the account plays on {alive} devices already: stop one of them");
    Problem::new(ErrorCode::TooManyStreams, message)
}

fn phase_name(phase: PlaybackPhase) -> &'static str {
    match phase {
        PlaybackPhase::Playing => "playing",
        PlaybackPhase::Paused => "paused",
        PlaybackPhase::Buffering => "buffering",
        PlaybackPhase::Ended => "ended",
        PlaybackPhase::Stopped => "stopped",
        // `PlaybackPhase` may grow; a phase that this service does not know is kept under one name.
        _ => "other",
    }
}

fn millis(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::places_to_clear;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_grant_never_leaves_more_playbacks_than_places(places in 0..20_u32, alive in 0..25_i64, silent in 0..25_i64) {
            match places_to_clear(places, alive, silent) {
                // The living are never ended for a newcomer.
                None => prop_assert!(alive >= i64::from(places)),
                Some(ended) => {
                    prop_assert!((0..=silent).contains(&ended));
                    prop_assert!(alive + silent - ended < i64::from(places));
                    // None is ended without need.
                    prop_assert!(ended == 0 || alive + silent - ended + 1 == i64::from(places));
                }
            }
        }
    }
}
