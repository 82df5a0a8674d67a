//! Playbacks: granted, renewed, alive, ended.

use kinora_api::internal::{NeededVersion, Viewer};
use kinora_api::{ErrorCode, Heartbeat, PlaybackPhase};
use kinora_kit::http::problem::Problem;
use kinora_store::connection::On;
use kinora_store::{Connection, Error, Outcome, Store, problem, query};
use uuid::Uuid;

use super::revocation::{check_sign_in, end_session};
use super::{log, now, positions};
use crate::domain::{
    EndReason, NEVER_SEEN, Position, Terms, WORTH_KEEPING_MS, displaced, full, millis, phase_name, places_to_clear,
};
use crate::viewing::{Played, Report};

/// Milliseconds after the expiry of its addresses for which a playback still counts, so that a wall clock that is a day ahead
/// takes nothing from those who play.
const GRACE_MS: i64 = 86_400_000;

/// A playback that has not ended.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Id of the profile.
    pub profile: String,
    /// Id of the title.
    pub title: String,
    /// Name of the title.
    pub title_name: String,
    /// Version of the title that it plays; 0 for the one that is current.
    pub version: i64,
    /// Duration of the title in milliseconds.
    pub duration_ms: u64,
    /// Expiry of its latest addresses, milliseconds since the Unix epoch.
    pub expires_at: i64,
    /// Filter of its manifests, as [`kinora_kit::filter::ManifestFilter::text`] writes it; empty for none.
    pub filter: String,
}

impl Session {
    /// Returns the playback as its events name it.
    pub(crate) fn played(&self) -> Played {
        Played { title: self.title.clone(), playback: self.id.clone(), duration_ms: self.duration_ms }
    }
}

/// A row of `playback_sessions`: profile, title, its name, its version, duration, expiry, last sign of life, time of the end, reason for it,
/// filter of its manifests, time from which its viewer counted as gone.
type SessionRow = (String, String, String, i64, i64, i64, i64, Option<i64>, Option<String>, String, Option<i64>);

/// A playback as the database has it.
enum Found {
    /// It has not ended. `seen` is the time of its last sign of life; `is_left` is true if its viewer counts as gone since.
    Running { session: Session, seen: i64, is_left: bool },
    /// Another device took its place, at `at`.
    Displaced { session: Session, at: i64 },
}

/// Manner in which a playback begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// In a free place.
    Now,
    /// Before the viewer presses "Play": without a place.
    Ahead,
    /// In the place of another playback of the account, which ends.
    InPlaceOf(String),
    /// Where another playback of the account is, which ends; its position is recorded with this logical time.
    TakingOver(String, i64),
}

/// Records a playback of a sign-in, and returns the position at which one that takes another over goes on.
///
/// # Errors
/// 7003 when the sign-in was revoked, 7005 when no place is free, 7010 when the account does not have the playback that is to end.
pub async fn begin(
    store: &Store,
    who: &Viewer,
    session: Session,
    (terms, entry): (&Terms, Entry),
    now_ms: i64,
) -> Result<Option<u64>, Problem> {
    let state = (who.clone(), session, terms.clone(), entry, now_ms);
    store
        .write(state, |connection, (who, session, terms, entry, now_ms)| {
            Box::pin(async move {
                let mut position_ms = None;
                match entry {
                    Entry::Ahead => {
                        keep_ahead(connection, who, session, *now_ms).await?;
                        return Ok(None);
                    }
                    Entry::Now => {}
                    Entry::InPlaceOf(other) => end_other(connection, who, other, *now_ms).await?,
                    Entry::TakingOver(other, ordered_at) => {
                        let times = (*now_ms, *ordered_at);
                        position_ms = Some(hand_over(connection, (who, terms), other, session, times).await?);
                    }
                }
                take_place(connection, who, session, terms, *now_ms).await?;
                let begins_at = match position_ms {
                    Some(position_ms) => position_ms,
                    None => log::resume(connection, &session.profile, &session.title).await?,
                };
                let owner = (Some(who.account.as_str()), session.profile.as_str());
                log::log(connection, owner, *now_ms, session.played().play(begins_at)).await?;
                Ok(position_ms)
            })
        })
        .await
}

/// Ends another playback of the account. One that has ended already is no error.
async fn end_other(connection: &mut Connection, who: &Viewer, id: &str, now_ms: i64) -> Outcome<()> {
    let known: Option<String> = query("SELECT id FROM playback_sessions WHERE id = $1 AND account_id = $2")
        .bind(id)
        .bind(&who.account)
        .scalar(&mut *connection)
        .await?;
    known.ok_or_else(|| Problem::new(ErrorCode::PlaybackSessionNotFound, "there is no such playback to end"))?;
    Ok(end_session(connection, id, EndReason::Displaced, now_ms).await?)
}

/// Ends a playback that runs and records its position now, which is returned.
async fn hand_over(
    connection: &mut Connection,
    (who, terms): (&Viewer, &Terms),
    other: &str,
    session: &Session,
    (now_ms, ordered_at): (i64, i64),
) -> Outcome<u64> {
    let playing = now::list(connection, who, &session.profile, terms, now_ms).await?;
    let playing =
        playing.into_iter().find(|(owner, playing)| playing.playback_id.as_str() == other && *owner == session.profile);
    let gone = || Problem::new(ErrorCode::PlaybackSessionNotFound, "the playback does not run in this profile");
    let (_, playing) = playing.ok_or_else(gone)?;
    end_session(connection, other, EndReason::TakenOver, now_ms).await?;
    if playing.position_ms >= WORTH_KEEPING_MS {
        let position = Position::new(&session.profile, &session.title, playing.position_ms, playing.duration_ms);
        positions::put(connection, &position.at(now_ms, ordered_at)).await?;
    }
    Ok(playing.position_ms)
}

/// Returns a playback that has not ended.
///
/// # Errors
/// 7010 when the account has no such playback, 7005 when another device took its place.
pub async fn running(store: &Store, account: &str, id: &str) -> Result<Session, Problem> {
    Ok(find(store.reads(), account, id).await?.running()?.0)
}

/// Gives a playback fresh addresses, which is a sign of life.
///
/// # Errors
/// 7010 when the account has no such playback, 7005 when other devices took its place.
pub async fn renew(
    store: &Store,
    who: &Viewer,
    id: &str,
    (terms, expires_at): (&Terms, i64),
    now_ms: i64,
) -> Result<Session, Problem> {
    let state = (who.clone(), id.to_owned(), terms.clone(), expires_at, now_ms);
    store
        .write(state, |connection, (who, id, terms, expires_at, now_ms)| {
            Box::pin(async move {
                let session = retake_place(connection, who, id, terms, *now_ms).await?;
                // Never earlier: addresses that were given out before stay on the list of the edges until they expire.
                query(
                    "UPDATE playback_sessions
                     SET expires_at = CASE WHEN expires_at > $1 THEN expires_at ELSE $1 END WHERE id = $2",
                )
                .bind(*expires_at)
                .bind(id)
                .execute(connection)
                .await?;
                Ok(session)
            })
        })
        .await
}

/// Records a heartbeat and returns the expiry of the playback's addresses. A playback that has no place is refused, and its
/// position is kept.
///
/// # Errors
/// 7010 when the account has no such playback, 7005 when other devices took its place.
pub async fn heartbeat(store: &Store, beat: Beat) -> Result<i64, Problem> {
    // The inner result is committed either way.
    store.write(beat, |connection, beat| Box::pin(record_beat(connection, beat))).await?
}

/// Returns the number of playbacks that run in all.
///
/// # Errors
/// Of the database.
pub async fn count_running(store: &Store, terms: &Terms, now_ms: i64) -> Result<i64, Problem> {
    let (since, until) = terms.alive(now_ms);
    let count = query(
        "SELECT count(*) FROM playback_sessions
         WHERE stopped_at IS NULL AND last_seen_at > $1 AND last_seen_at <= $2",
    )
    .bind(since)
    .bind(until)
    .scalar(store.reads())
    .await
    .map_err(problem)?;
    Ok(count.unwrap_or(0))
}

/// Returns the versions, by title, of playbacks that have not ended and whose addresses have not expired for a day.
///
/// # Errors
/// Of the database.
pub async fn needed_versions(store: &Store, now_ms: i64) -> Result<Vec<NeededVersion>, Problem> {
    let rows: Vec<(String, i64)> = query(
        "SELECT DISTINCT title_id, title_version FROM playback_sessions WHERE stopped_at IS NULL AND expires_at > $1",
    )
    .bind(now_ms - GRACE_MS)
    .rows(store.reads())
    .await
    .map_err(problem)?;
    Ok(rows.into_iter().map(|(title, version)| NeededVersion { title, version }).collect())
}

async fn take_place(
    connection: &mut Connection,
    who: &Viewer,
    session: &Session,
    terms: &Terms,
    now_ms: i64,
) -> Outcome<()> {
    check_sign_in(connection, &who.sign_in).await?;
    let (since, until) = terms.alive(now_ms);
    let (alive, all) = count_places(connection, &who.account, "", since, until).await?;
    let Some(surplus) = places_to_clear(who.places, alive, all - alive) else {
        let playing = now::list(connection, who, &session.profile, terms, now_ms).await?;
        return Err(full(alive).with_playing(playing.into_iter().map(|(_, playing)| playing).collect()).into());
    };
    let displaced: Vec<String> = query(
        "SELECT id FROM playback_sessions
         WHERE account_id = $1 AND stopped_at IS NULL AND (last_seen_at <= $2 OR last_seen_at > $3)
         ORDER BY last_seen_at LIMIT $4",
    )
    .bind(&who.account)
    .bind(since)
    .bind(until)
    .bind(surplus)
    .scalars(&mut *connection)
    .await?;
    for id in displaced {
        end_session(connection, &id, EndReason::Displaced, now_ms).await?;
    }
    insert(connection, who, session, now_ms, now_ms).await
}

/// Records a playback that has not begun, in a place that no other has. It ends what the sign-in was granted ahead before,
/// and what was granted ahead and has expired, but never a playback that has begun.
///
/// # Errors
/// 7003 when the sign-in was revoked, 7005 when no place is free.
async fn keep_ahead(connection: &mut Connection, who: &Viewer, session: &Session, now_ms: i64) -> Outcome<()> {
    check_sign_in(connection, &who.sign_in).await?;
    let before: Vec<String> = query(
        "SELECT id FROM playback_sessions
         WHERE account_id = $1 AND stopped_at IS NULL AND last_seen_at = $2 AND (family_id = $3 OR expires_at <= $4)",
    )
    .bind(&who.account)
    .bind(NEVER_SEEN)
    .bind(&who.sign_in)
    .bind(now_ms)
    .scalars(&mut *connection)
    .await?;
    for id in before {
        end_session(connection, &id, EndReason::Displaced, now_ms).await?;
    }
    let (_, all) = count_places(connection, &who.account, "", now_ms, now_ms).await?;
    if all >= i64::from(who.places) {
        let message = "no place of the account is free: it is given when the viewer begins to play";
        return Err(Problem::new(ErrorCode::TooManyStreams, message).into());
    }
    insert(connection, who, session, now_ms, NEVER_SEEN).await
}

async fn insert(connection: &mut Connection, who: &Viewer, session: &Session, now_ms: i64, seen: i64) -> Outcome<()> {
    query(
        "INSERT INTO playback_sessions
             (id, account_id, profile_id, title_id, duration_ms, started_at, expires_at, last_seen_at, family_id, title_version,
              device_name, title_name, manifest_filter)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $10, $8, $9, $11, $12, $13)",
    )
    .bind(&session.id)
    .bind(&who.account)
    .bind(&session.profile)
    .bind(&session.title)
    .bind(i64::try_from(session.duration_ms).unwrap_or(i64::MAX))
    .bind(now_ms)
    .bind(session.expires_at)
    .bind(&who.sign_in)
    .bind(session.version)
    .bind(seen)
    .bind(&who.device_name)
    .bind(&session.title_name)
    .bind(&session.filter)
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts the playbacks of an account other than `except` that are alive, and all that have not ended.
async fn count_places(
    connection: &mut Connection,
    account: &str,
    except: &str,
    since: i64,
    until: i64,
) -> Result<(i64, i64), Error> {
    let counts = query(
        "SELECT count(*) FILTER (WHERE last_seen_at > $1 AND last_seen_at <= $2), count(*) FROM playback_sessions
         WHERE account_id = $3 AND stopped_at IS NULL AND id <> $4",
    )
    .bind(since)
    .bind(until)
    .bind(account)
    .bind(except)
    .row(connection)
    .await?;
    Ok(counts.unwrap_or_default())
}

/// Finds a playback of an account.
///
/// # Errors
/// 7010 when the account has none of this id, or it ended otherwise than by losing its place.
async fn find<'c>(on: impl Into<On<'c>>, account: &str, id: &str) -> Outcome<Found> {
    let row: Option<SessionRow> = query(
        "SELECT profile_id, title_id, title_name, title_version, duration_ms, expires_at, last_seen_at, stopped_at, end_reason,
                manifest_filter, left_at
         FROM playback_sessions WHERE id = $1 AND account_id = $2",
    )
    .bind(id)
    .bind(account)
    .row(on)
    .await?;
    let gone = || Problem::new(ErrorCode::PlaybackSessionNotFound, "there is no such playback, or it was stopped");
    let (profile, title, title_name, version, duration_ms, expires_at, seen, stopped_at, reason, filter, left_at) =
        row.ok_or_else(gone)?;
    let duration_ms = millis(duration_ms);
    let session = Session { id: id.to_owned(), profile, title, title_name, version, duration_ms, expires_at, filter };
    match stopped_at {
        None => Ok(Found::Running { session, seen, is_left: left_at.is_some() }),
        Some(at) if reason.as_deref() == Some(EndReason::Displaced.name()) => Ok(Found::Displaced { session, at }),
        Some(_) => Err(gone().into()),
    }
}

impl Found {
    /// Returns the playback with the time of its last sign of life.
    ///
    /// # Errors
    /// 7005 when another device took its place.
    fn running(self) -> Result<(Session, i64), Problem> {
        match self {
            Self::Running { session, seen, .. } => Ok((session, seen)),
            Self::Displaced { .. } => Err(displaced()),
        }
    }
}

/// Finds a playback and records a sign of life of it. One that was silent needs a free place for that.
async fn retake_place(
    connection: &mut Connection,
    who: &Viewer,
    id: &str,
    terms: &Terms,
    now_ms: i64,
) -> Outcome<Session> {
    let (session, seen) = find(&mut *connection, &who.account, id).await?.running()?;
    if let Some(refusal) = check_place(connection, who, (id, seen), terms, now_ms).await? {
        return Err(refusal.into());
    }
    record_sign_of_life(connection, id, now_ms).await?;
    Ok(session)
}

/// Returns 7005 unless a playback that was last `seen` at a time has its place, or may take it again.
async fn check_place(
    connection: &mut Connection,
    who: &Viewer,
    (id, seen): (&str, i64),
    terms: &Terms,
    now_ms: i64,
) -> Result<Option<Problem>, Error> {
    let (since, until) = terms.alive(now_ms);
    if seen > since && seen <= until {
        return Ok(None);
    }
    let (alive, _) = count_places(connection, &who.account, id, since, until).await?;
    Ok((alive >= i64::from(who.places)).then(|| full(alive)))
}

async fn record_sign_of_life(connection: &mut Connection, id: &str, now_ms: i64) -> Result<(), Error> {
    query("UPDATE playback_sessions SET last_seen_at = $1, left_at = NULL WHERE id = $2")
        .bind(now_ms)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// A heartbeat on its way to the writer.
#[derive(Clone, Debug)]
pub struct Beat {
    /// Who sends it.
    pub who: Viewer,
    /// Id of the playback.
    pub session: String,
    /// What the player reports.
    pub heartbeat: Heartbeat,
    /// Time of its arrival, milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Logical time of its arrival.
    pub ordered_at: i64,
    /// Terms of the service.
    pub terms: Terms,
}

/// Records a heartbeat. A playback that has no place is refused, and its position is kept: hence the second result, which undoes
/// nothing.
async fn record_beat(connection: &mut Connection, beat: &Beat) -> Outcome<Result<i64, Problem>> {
    let ends = beat.heartbeat.phase == PlaybackPhase::Stopped;
    let (session, seen, is_left) = match find(&mut *connection, &beat.who.account, &beat.session).await? {
        Found::Running { session, seen, is_left } => (session, seen, is_left),
        Found::Displaced { session, at } => {
            beat.record_position(connection, &session, at).await?;
            return Ok(Err(displaced()));
        }
    };
    // The end needs no place.
    if !ends {
        let place = check_place(connection, &beat.who, (&session.id, seen), &beat.terms, beat.now_ms).await?;
        if let Some(refusal) = place {
            beat.record_position(connection, &session, seen).await?;
            return Ok(Err(refusal));
        }
        record_sign_of_life(connection, &session.id, beat.now_ms).await?;
    }
    beat.log(connection, &session, (seen, is_left)).await?;
    query("INSERT INTO playback_events (id, session_id, at, phase, position_ms) VALUES ($1, $2, $3, $4, $5)")
        .bind(Uuid::now_v7().to_string())
        .bind(&session.id)
        .bind(beat.now_ms)
        .bind(phase_name(beat.heartbeat.phase))
        .bind(i64::try_from(beat.heartbeat.position_ms).unwrap_or(i64::MAX))
        .execute(&mut *connection)
        .await?;
    beat.record_position(connection, &session, beat.now_ms).await?;
    if ends {
        end_session(connection, &session.id, EndReason::Stopped, beat.now_ms).await?;
    }
    Ok(Ok(session.expires_at))
}

impl Beat {
    /// Logs what the viewer did since the report before: nothing, if a grant that was asked for ahead is given back unused, or if
    /// the end was logged already.
    async fn log(
        &self,
        connection: &mut Connection,
        session: &Session,
        (seen, is_left): (i64, bool),
    ) -> Result<(), Error> {
        let owner = (Some(self.who.account.as_str()), session.profile.as_str());
        let played = session.played();
        let Heartbeat { phase, position_ms } = self.heartbeat;
        let now = Report { phase, position_ms, at: self.now_ms };
        let mut events = Vec::new();
        let before = if seen == NEVER_SEEN {
            if phase == PlaybackPhase::Stopped {
                return Ok(());
            }
            events.push(played.play(position_ms));
            Report { phase: PlaybackPhase::Buffering, ..now }
        } else {
            let latest = log::latest(connection, (&session.id, &session.profile, &session.title), seen).await?;
            if is_left { Report { phase: PlaybackPhase::Stopped, ..latest } } else { latest }
        };
        events.extend(played.between(before, now));
        for event in events {
            log::log(connection, owner, self.now_ms, event).await?;
        }
        Ok(())
    }

    /// Records the position as of `at_ms`, if it is worth keeping.
    async fn record_position(&self, connection: &mut Connection, session: &Session, at_ms: i64) -> Result<(), Error> {
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
