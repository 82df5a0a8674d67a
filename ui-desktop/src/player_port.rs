//! What the interface needs of a player, so that tests can put another in its place.

use std::sync::Arc;

use kinora_api::{Heartbeat, PlaybackPhase};
use player_core::render::FrameSlot;
use player_core::{Command, CommandId, Event, MediaTime, Now, PlayerError, Snapshot, State};

use crate::api::Wake;

/// A player, as the interface sees it. No method blocks.
pub trait PlayerPort: Send + Sync {
    /// Queues a command.
    ///
    /// # Errors
    /// The queue is full or the player is gone.
    fn send(&self, command: Command) -> Result<CommandId, PlayerError>;

    /// Everything to draw from.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// The player's clock.
    fn now(&self) -> Now;

    /// The next event, if one is waiting.
    fn try_event(&self) -> Option<Event>;
}

/// A player and the slot that its pictures arrive in.
#[derive(Clone)]
pub struct PlayerHandle {
    /// The player.
    pub port: Arc<dyn PlayerPort>,
    /// Its newest picture.
    pub frames: FrameSlot,
}

impl PlayerHandle {
    /// Where playback is right now.
    pub fn position(&self) -> MediaTime {
        self.port.snapshot().position_at(self.port.now())
    }

    /// The end of the film, as the service wants to know it: of a viewer who leaves in the credits it was seen.
    pub fn last_heartbeat(&self) -> Heartbeat {
        let duration = self.port.snapshot().duration;
        let now = self.heartbeat();
        let end = duration.and_then(|duration| u64::try_from(duration.as_millis()).ok());
        Heartbeat { position_ms: end.unwrap_or(now.position_ms), phase: PlaybackPhase::Ended }
    }

    /// Where playback is, as the service wants to know it.
    pub fn heartbeat(&self) -> Heartbeat {
        let snapshot = self.port.snapshot();
        let position = snapshot.position_at(self.port.now()).as_nanos().max(0) / 1_000_000;
        let phase = match snapshot.state {
            State::Ended => PlaybackPhase::Ended,
            State::Failed | State::Idle => PlaybackPhase::Stopped,
            State::Ready if snapshot.play_when_ready => PlaybackPhase::Playing,
            State::Ready => PlaybackPhase::Paused,
            State::Loading | State::Buffering(_) | State::Seeking => PlaybackPhase::Buffering,
        };
        Heartbeat { position_ms: position.unsigned_abs(), phase }
    }
}

/// Makes players.
pub trait PlayerFactory: Send {
    /// A new player that calls `wake` when it has something to say or to show.
    ///
    /// # Errors
    /// No renderer or no thread could be made.
    fn open(&self, wake: Wake) -> Result<PlayerHandle, PlayerError>;
}
