//! Playback: leave to play, signs of life, the end.

use std::sync::{PoisonError, RwLock};

use kinora_api::{
    ErrorCode, Heartbeat, HeartbeatReply, PlaybackGrant, PlaybackPhase, PlaybackRequest, PlaybackSource, Profile,
    Protocol, paths,
};
use sha2::{Digest as _, Sha256};
use sqlx::SqlitePool;
use url::Url;
use uuid::Uuid;

use super::catalogue::Entry;
use super::journal::{Entry as JournalEntry, Journal};
use super::positions::{self, Position};
use crate::edge::signature::{EdgeSecret, sign, signed_path};
use crate::http::problem::Problem;

/// Heartbeats that may be missing before a playback no longer counts.
const MISSING_HEARTBEATS: i64 = 3;
/// Positions before this are not worth coming back to, and a player that fails at the start reports 0: they do not replace an
/// earlier position.
const WORTH_KEEPING_MS: u64 = 1_000;

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
    pool: SqlitePool,
    journal: Journal,
    secret: EdgeSecret,
    terms: Terms,
    edges: RwLock<Vec<Url>>,
}

/// A playback that runs.
struct Session {
    id: String,
    profile: String,
    title: String,
    duration_ms: u64,
    expires_at: i64,
}

impl Playback {
    /// Playbacks kept in `pool`, signed with `secret` for `edges`.
    pub fn new(pool: SqlitePool, journal: Journal, secret: EdgeSecret, terms: Terms, edges: Vec<Url>) -> Self {
        Self { pool, journal, secret, terms, edges: RwLock::new(edges) }
    }

    /// Replaces the list of edges; grants from now on name the new ones.
    pub fn set_edges(&self, edges: Vec<Url>) {
        *self.edges.write().unwrap_or_else(PoisonError::into_inner) = edges;
    }

    /// What edges show to be let into the origin is checked against this.
    pub fn secret(&self) -> &EdgeSecret {
        &self.secret
    }

    /// Grants leave to play a title.
    ///
    /// # Errors
    /// 7005 when the account plays on as many devices as it may, 7013 when no wanted protocol is there, 7018 without edges.
    pub async fn grant(
        &self,
        account: (&str, u32),
        profile: &Profile,
        entry: &Entry,
        request: &PlaybackRequest,
        now_ms: i64,
    ) -> Result<PlaybackGrant, Problem> {
        let session = Session {
            id: Uuid::now_v7().simple().to_string(),
            profile: profile.id.as_str().to_owned(),
            title: entry.id.clone(),
            duration_ms: entry.duration_ms(),
            expires_at: now_ms + self.terms.grant_ms,
        };
        // Before the session exists, so that a request that cannot be granted takes no place.
        let grant = self.write_grant(&session, entry, &request.protocols, now_ms).await?;
        self.take_place(account, &session, now_ms).await?;
        Ok(grant)
    }

    /// The title that a running playback plays.
    ///
    /// # Errors
    /// 7010 when the account has no such playback.
    pub async fn title_of(&self, account: &str, id: &str) -> Result<String, Problem> {
        Ok(self.session(account, id).await?.title)
    }

    /// The same grant with fresh addresses. `entry` is the playback's title.
    ///
    /// # Errors
    /// 7010 when the account has no such playback.
    pub async fn renew(&self, account: &str, id: &str, entry: &Entry, now_ms: i64) -> Result<PlaybackGrant, Problem> {
        let session = self.session(account, id).await?;
        let grant = self.write_grant(&session, entry, &[], now_ms).await?;
        sqlx::query("UPDATE playback_sessions SET expires_at = $1 WHERE id = $2")
            .bind(grant.expires_at)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(grant)
    }

    /// Writes down a sign of life, and the position with it.
    ///
    /// # Errors
    /// 7010 when the account has no such playback.
    pub async fn heartbeat(
        &self,
        account: &str,
        id: &str,
        heartbeat: &Heartbeat,
        now_ms: i64,
    ) -> Result<HeartbeatReply, Problem> {
        let session = self.session(account, id).await?;
        let position_ms = match heartbeat.phase {
            PlaybackPhase::Ended => session.duration_ms,
            _ => heartbeat.position_ms,
        };
        let mut entries = vec![JournalEntry::Seen {
            session: session.id,
            at: now_ms,
            phase: heartbeat.phase,
            position_ms: heartbeat.position_ms,
        }];
        if position_ms >= WORTH_KEEPING_MS {
            let position = Position::new(&session.profile, &session.title, position_ms, session.duration_ms, now_ms);
            entries.push(JournalEntry::Position(position));
        }
        self.journal.add(entries).await?;
        Ok(HeartbeatReply {
            expires_at: session.expires_at,
            expires_in_ms: millis(session.expires_at - now_ms),
            heartbeat_interval_ms: millis(self.terms.heartbeat_ms),
        })
    }

    /// Ends a playback and writes down where it was.
    ///
    /// # Errors
    /// 7010 when the account has no such playback.
    pub async fn stop(&self, account: &str, id: &str, last: &Heartbeat, now_ms: i64) -> Result<(), Problem> {
        // Two reports: an ended playback has its position at the end and is stopped all the same.
        if last.phase == PlaybackPhase::Ended {
            self.heartbeat(account, id, last, now_ms).await?;
        }
        let phase = PlaybackPhase::Stopped;
        let position_ms = if last.phase == PlaybackPhase::Ended { 0 } else { last.position_ms };
        self.heartbeat(account, id, &Heartbeat { position_ms, phase }, now_ms).await?;
        Ok(())
    }

    /// How many playbacks run in all.
    ///
    /// # Errors
    /// Of the database.
    pub async fn running(&self, now_ms: i64) -> Result<i64, Problem> {
        let count =
            sqlx::query_scalar("SELECT count(*) FROM playback_sessions WHERE stopped_at IS NULL AND last_seen_at > $1")
                .bind(self.alive_since(now_ms))
                .fetch_one(&self.pool)
                .await?;
        Ok(count)
    }

    async fn take_place(&self, (account, places): (&str, u32), session: &Session, now_ms: i64) -> Result<(), Problem> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let running: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM playback_sessions
             WHERE account_id = $1 AND stopped_at IS NULL AND last_seen_at > $2",
        )
        .bind(account)
        .bind(self.alive_since(now_ms))
        .fetch_one(&mut *transaction)
        .await?;
        if running >= i64::from(places) {
            let message = format!("the account plays on {running} devices already: stop one of them");
            return Err(Problem::new(ErrorCode::TooManyStreams, message));
        }
        sqlx::query(
            "INSERT INTO playback_sessions
                 (id, account_id, profile_id, title_id, duration_ms, started_at, expires_at, last_seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $6)",
        )
        .bind(&session.id)
        .bind(account)
        .bind(&session.profile)
        .bind(&session.title)
        .bind(i64::try_from(session.duration_ms).unwrap_or(i64::MAX))
        .bind(now_ms)
        .bind(session.expires_at)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn session(&self, account: &str, id: &str) -> Result<Session, Problem> {
        let row: Option<(String, String, i64, i64)> = sqlx::query_as(
            "SELECT profile_id, title_id, duration_ms, expires_at FROM playback_sessions
             WHERE id = $1 AND account_id = $2 AND stopped_at IS NULL",
        )
        .bind(id)
        .bind(account)
        .fetch_optional(&self.pool)
        .await?;
        let Some((profile, title, duration_ms, expires_at)) = row else {
            return Err(Problem::new(
                ErrorCode::PlaybackSessionNotFound,
                "there is no such playback, or it was stopped",
            ));
        };
        Ok(Session { id: id.to_owned(), profile, title, duration_ms: millis(duration_ms), expires_at })
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
        let edges = self.edges_for(&entry.id);
        if edges.is_empty() {
            return Err(Problem::new(ErrorCode::ServiceUnavailable, "no edge is known that could serve the title"));
        }
        let source = |(protocol, manifest): &(Protocol, String)| PlaybackSource {
            protocol: *protocol,
            urls: edges.iter().map(|edge| format!("{edge}{}", signed_path(&token, &entry.id, manifest))).collect(),
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
        let position = positions::get(&self.pool, &session.profile, &session.title).await?;
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

    /// The edges in the order to try them for a title: by rendezvous hashing (Thaler and Ravishankar, 1998), so that each title
    /// lives in the cache of one edge, and losing an edge moves only its titles.
    fn edges_for(&self, title: &str) -> Vec<String> {
        let edges = self.edges.read().unwrap_or_else(PoisonError::into_inner);
        let mut ranked: Vec<([u8; 32], String)> = edges
            .iter()
            .map(|edge| {
                let base = edge.as_str().trim_end_matches('/').to_owned();
                (Sha256::digest(format!("{base}\n{title}").as_bytes()).into(), base)
            })
            .collect();
        ranked.sort();
        ranked.into_iter().map(|(_, base)| base).collect()
    }

    fn alive_since(&self, now_ms: i64) -> i64 {
        now_ms - MISSING_HEARTBEATS * self.terms.heartbeat_ms
    }
}

fn millis(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}
