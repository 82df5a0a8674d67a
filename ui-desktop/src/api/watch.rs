//! Keeps one playback alive at the service: heartbeats with the position at the service's own interval, and a last
//! one at the end. The interface may be hidden meanwhile, so this does not depend on frames being drawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kinora_api::{ErrorCode, Heartbeat, HeartbeatReply, PlaybackGrant, PlaybackPhase};
use reqwest::Method;
use tokio::sync::oneshot;

use super::session::{Session, is_lost};
use super::{Failure, Probe};

/// Bounds on what the service may ask for.
const INTERVAL: (u64, u64) = (1_000, 120_000);

/// Pause between two looks at the player.
const LOOK: Duration = Duration::from_secs(1);
/// Milliseconds by which the position may differ from what the service reckons.
const TOLERANCE_MS: u64 = 1_500;

/// The latest heartbeat.
struct Told {
    beat: Heartbeat,
    at: Instant,
}

/// Returns true if the service reckons with another state or position than the player's: it adds the time since the latest
/// heartbeat while a film plays. Another device that takes the film over begins where the service thinks that it is.
fn is_news(told: &Heartbeat, silent: Duration, now: &Heartbeat) -> bool {
    let passed = match told.phase {
        PlaybackPhase::Playing => u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
        _ => 0,
    };
    let reckoned = told.position_ms.saturating_add(passed);
    told.phase != now.phase || reckoned.abs_diff(now.position_ms) > TOLERANCE_MS
}

/// Outcome of the report of a last position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The service has the position, or refuses it for good.
    Taken,
    /// The service was away, so that the position must be kept.
    Away,
    /// Another device had taken the playback's place. The service has the position.
    Displaced,
}

/// Sends heartbeats, at the service's interval and with news, until `ended` fires, which answers `None`; ends by itself only when the sign-in is lost or another
/// device took the playback's place.
///
/// It is never cancelled from outside: a token refresh that is cut off half-way would cost the whole session.
pub async fn keep_alive(
    session: Arc<Session>,
    grant: PlaybackGrant,
    probe: Probe,
    mut ended: oneshot::Receiver<()>,
) -> Option<Failure> {
    let mut interval = grant.heartbeat_interval_ms;
    let first = Heartbeat { position_ms: grant.resume_position_ms, phase: PlaybackPhase::Buffering };
    let mut told = Told { beat: first, at: Instant::now() };
    loop {
        if tokio::time::timeout(LOOK, &mut ended).await.is_ok() {
            return None;
        }
        let body = probe();
        let silent = told.at.elapsed();
        let is_due = silent >= Duration::from_millis(interval.clamp(INTERVAL.0, INTERVAL.1));
        if !is_due && !is_news(&told.beat, silent, &body) {
            continue;
        }
        told = Told { beat: body.clone(), at: Instant::now() };
        let answer: Result<HeartbeatReply, Failure> =
            session.call(Method::POST, &grant.heartbeat_path, Some(&body)).await;
        match answer {
            Ok(reply) => {
                interval = reply.heartbeat_interval_ms;
                if reply.expires_in_ms < interval.saturating_mul(3) {
                    renew(&session, &grant).await;
                }
            }
            Err(failure) if is_lost(&failure) || is_displaced(&failure) => return Some(failure),
            Err(failure) => tracing::debug!(error = %failure.error, "a heartbeat was not taken"),
        }
    }
}

fn is_displaced(failure: &Failure) -> bool {
    failure.wire() == Some(ErrorCode::TooManyStreams)
}

/// Reports the last position.
pub async fn stop(session: &Session, grant: &PlaybackGrant, last: Heartbeat) -> Farewell {
    let phase = if last.phase == PlaybackPhase::Ended { PlaybackPhase::Ended } else { PlaybackPhase::Stopped };
    let body = Heartbeat { phase, ..last };
    match session.tell(Method::POST, &grant.stop_path, Some(&body)).await {
        Ok(()) => Farewell::Taken,
        Err(failure) if is_displaced(&failure) => Farewell::Displaced,
        Err(failure) => {
            tracing::warn!(error = %failure.error, "the last position was not taken");
            if failure.is_outage() { Farewell::Away } else { Farewell::Taken }
        }
    }
}

/// Takes the account's place for a film that begins with permission that was fetched ahead. Position 0 is not recorded by
/// the service.
pub async fn claim(session: &Session, grant: &PlaybackGrant) -> Result<(), Failure> {
    let body = Heartbeat { position_ms: 0, phase: PlaybackPhase::Buffering };
    let reply: HeartbeatReply = session.call(Method::POST, &grant.heartbeat_path, Some(&body)).await?;
    tracing::debug!(expires_in_ms = reply.expires_in_ms, "a playback has begun with permission from before");
    Ok(())
}

/// Gives back permission that no film was played with. Position 0 is not recorded by the service: a film that was not played does not
/// move to the front of "Continue watching".
pub async fn give_back(session: &Session, grant: &PlaybackGrant) {
    let _ = stop(session, grant, Heartbeat { position_ms: 0, phase: PlaybackPhase::Stopped }).await;
}

/// Extends the leave; the signed prefix that the player already uses stays good where the service renews it in place,
/// and is asked for anew by the interface where not.
async fn renew(session: &Session, grant: &PlaybackGrant) {
    let answer: Result<PlaybackGrant, Failure> =
        session.call(Method::POST, &grant.renew_path, super::session::NOTHING).await;
    if let Err(failure) = answer {
        tracing::debug!(error = %failure.error, "the leave to play was not renewed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_told_what_it_cannot_reckon() {
        use PlaybackPhase::{Paused, Playing};
        let beat = |position_ms, phase| Heartbeat { position_ms, phase };
        let after = Duration::from_secs(4);
        let check = |told, now, want| assert_eq!(is_news(&told, after, &now), want, "{told:?} {now:?}");
        check(beat(10_000, Playing), beat(14_300, Playing), false);
        check(beat(10_000, Playing), beat(90_000, Playing), true);
        check(beat(10_000, Playing), beat(10_000, Playing), true);
        check(beat(10_000, Playing), beat(12_000, Paused), true);
        check(beat(10_000, Paused), beat(10_000, Paused), false);
        check(beat(10_000, Paused), beat(30_000, Paused), true);
        check(beat(u64::MAX, Playing), beat(0, Playing), true);
    }
}
