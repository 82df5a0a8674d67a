//! Rules of playback: places, signs of life, positions. Pure.
//!
//! An account has a number of places. A playback holds one from its grant until it ends; while its heartbeats stop coming it
//! may lose the place to another device, and has then ended: its next heartbeat is refused, and so are its addresses at the
//! edges. So the playbacks of an account that have not ended are never more than its places. A grant from before "Play" is
//! pressed is a playback that has been silent for ever ([`NEVER_SEEN`]): it does not count, and goes first.

use kinora_api::internal::Viewer;
use kinora_api::{ErrorCode, NowPlaying, PlaybackPhase, PlayingTitle};
use kinora_kit::http::problem::Problem;

/// Heartbeats that may be missing before a playback no longer counts.
const MISSING_HEARTBEATS: i64 = 3;
/// Positions before this are not worth coming back to, and a player that fails at the start reports 0: they do not replace an
/// earlier position.
pub(crate) const WORTH_KEEPING_MS: u64 = 1_000;

/// Last sign of life of a playback that was granted ahead and has not begun.
pub const NEVER_SEEN: i64 = 0;

/// How playbacks are granted.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long signed addresses work.
    pub grant_ms: i64,
    /// Time between heartbeats.
    pub heartbeat_ms: i64,
}

impl Terms {
    /// Signs of life after the first and up to the second time count. One from the future was stamped by a clock that has been
    /// set back since, and does not.
    pub(crate) fn alive(&self, now_ms: i64) -> (i64, i64) {
        let silence = MISSING_HEARTBEATS * self.heartbeat_ms;
        (now_ms - silence, now_ms + silence)
    }
}

/// Reason for the end of a playback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The player stopped it.
    Stopped,
    /// Another device of the account took its place.
    Displaced,
    /// Another device of the account goes on where it was.
    TakenOver,
    /// Its sign-in was revoked.
    SignedOut,
}

impl EndReason {
    /// Name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Displaced | Self::TakenOver => "displaced",
            Self::SignedOut => "signed_out",
        }
    }
}

/// A position to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub(crate) profile: String,
    pub(crate) title: String,
    pub(crate) position_ms: i64,
    pub(crate) duration_ms: i64,
    pub(crate) finished: bool,
    pub(crate) recorded_at: i64,
    pub(crate) ordered_at: i64,
}

impl Position {
    /// A position; beyond the end it is the end. A profile that has seen 95 % has finished: the rest are credits.
    pub fn new(profile: &str, title: &str, position_ms: u64, duration_ms: u64) -> Self {
        let position_ms = position_ms.min(duration_ms);
        let finished = duration_ms > 0 && u128::from(position_ms) * 100 >= u128::from(duration_ms) * 95;
        Self {
            profile: profile.to_owned(),
            title: title.to_owned(),
            position_ms: i64::try_from(position_ms).unwrap_or(i64::MAX),
            duration_ms: i64::try_from(duration_ms).unwrap_or(i64::MAX),
            finished,
            recorded_at: 0,
            ordered_at: 0,
        }
    }

    /// Returns the position of a title that is marked as watched.
    pub fn watched(profile: &str, title: &str, duration_ms: u64) -> Self {
        Self { finished: true, ..Self::new(profile, title, duration_ms, duration_ms) }
    }

    /// The same position, recorded at `recorded_at` by the wall clock. `ordered_at` is its logical time
    /// ([`kinora_kit::clock::LogicalClock`]), by which writes are ordered.
    pub fn at(self, recorded_at: i64, ordered_at: i64) -> Self {
        Self { recorded_at, ordered_at, ..self }
    }
}

/// A playback that runs, as the store has it.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) id: String,
    /// Id of its profile.
    pub(crate) owner: String,
    pub(crate) title: String,
    pub(crate) title_name: String,
    pub(crate) device_name: String,
    pub(crate) started_at: i64,
    pub(crate) duration_ms: i64,
    /// Phase, position and time of the latest heartbeat.
    pub(crate) latest: Option<(String, i64, i64)>,
    /// Position of the profile in the title.
    pub(crate) position: Option<i64>,
}

impl Running {
    /// Returns what `profile` of `who` may know of it. A profile with an age limit knows its own titles only: what another one
    /// plays may be above the limit.
    pub(crate) fn seen_by(
        self,
        who: &Viewer,
        profile: &str,
        is_this_device: bool,
        terms: &Terms,
        now_ms: i64,
    ) -> NowPlaying {
        let asker = who.profiles.iter().find(|other| other.id.as_str() == profile);
        let is_known = self.owner == profile || asker.is_some_and(|asker| asker.max_age.is_none());
        let title = is_known.then(|| PlayingTitle { id: self.title.into(), name: self.title_name });
        let (phase, position_ms) = match self.latest {
            None => (PlaybackPhase::Buffering, self.position.unwrap_or(0)),
            Some((phase, position_ms, at)) => {
                let phase = phase_of(&phase);
                (phase, extrapolated(phase, position_ms, now_ms - at, terms.heartbeat_ms))
            }
        };
        NowPlaying {
            playback_id: self.id.into(),
            device_name: self.device_name,
            is_this_device,
            title,
            started_at: self.started_at,
            position_ms: millis(position_ms.min(self.duration_ms)),
            duration_ms: millis(self.duration_ms),
            phase,
        }
    }
}

/// Returns the position `age_ms` after a heartbeat. One that plays goes on for an interval: then the next heartbeat was due, and a
/// player that does not send it does not play.
fn extrapolated(phase: PlaybackPhase, position_ms: i64, age_ms: i64, heartbeat_ms: i64) -> i64 {
    match phase {
        PlaybackPhase::Playing => position_ms.saturating_add(age_ms.clamp(0, heartbeat_ms)),
        _ => position_ms,
    }
}

/// Phase of a name in the store, as [`phase_name`] writes it.
pub(crate) fn phase_of(name: &str) -> PlaybackPhase {
    match name {
        "playing" => PlaybackPhase::Playing,
        "paused" => PlaybackPhase::Paused,
        "ended" => PlaybackPhase::Ended,
        "stopped" => PlaybackPhase::Stopped,
        _ => PlaybackPhase::Buffering,
    }
}

/// Returns the number of silent playbacks that a new one has to end, in an account with `places`, `alive` playbacks whose
/// heartbeats come and `silent` ones whose do not; `None` if those alive take every place.
pub(crate) fn places_to_clear(places: u32, alive: i64, silent: i64) -> Option<i64> {
    let free = i64::from(places) - alive;
    (free > 0).then(|| (silent + 1 - free).max(0))
}

/// 7005: a place was taken by another device.
pub(crate) fn displaced() -> Problem {
    Problem::new(ErrorCode::TooManyStreams, "another device of the account took the playback's place")
}

/// 7005: every place is taken.
pub(crate) fn full(alive: i64) -> Problem {
    let message = format!("the account plays on {alive} devices already: stop one of them");
    Problem::new(ErrorCode::TooManyStreams, message)
}

/// Name of a phase in the store.
pub(crate) fn phase_name(phase: PlaybackPhase) -> &'static str {
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

/// A duration that is never negative.
pub(crate) fn millis(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Position, places_to_clear};
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

    #[test]
    fn the_credits_count_as_the_end() {
        for (position_ms, finished) in [(0, false), (94_999, false), (95_000, true), (200_000, true)] {
            let position = Position::new("p", "t", position_ms, 100_000);
            assert_eq!(position.finished, finished, "{position_ms}");
            assert!(position.position_ms <= 100_000);
        }
        assert!(!Position::new("p", "t", 5, 0).finished);
    }
}
