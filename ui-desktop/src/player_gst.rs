//! The player that films are really watched with: the engine of `player-core` with the GStreamer renderer.

use std::sync::Arc;

use player_core::player::Player;
use player_core::render::FrameSlot;
use player_core::render::gst::{AudioOutput, GstConfig, GstRenderer, VideoOutput};
use player_core::{Command, CommandId, Event, Now, PlayerConfig, PlayerError, Snapshot};

use crate::api::Wake;
use crate::player_port::{PlayerFactory, PlayerHandle, PlayerPort};

impl PlayerPort for Player {
    fn send(&self, command: Command) -> Result<CommandId, PlayerError> {
        Self::send(self, command)
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Self::snapshot(self)
    }

    fn now(&self) -> Now {
        Self::now(self)
    }

    fn try_event(&self) -> Option<Event> {
        Self::try_event(self)
    }
}

/// Makes players with sound on the system's device and pictures in the window.
#[derive(Clone, Debug, Default)]
pub struct GstPlayers {
    /// How players behave.
    pub config: PlayerConfig,
}

impl PlayerFactory for GstPlayers {
    fn open(&self, wake: Wake) -> Result<PlayerHandle, PlayerError> {
        let frames = FrameSlot::new();
        let on_picture = Arc::clone(&wake);
        frames.set_wake(move || on_picture());
        let slot = frames.clone();
        let renderer = GstRenderer::new(GstConfig {
            video: VideoOutput::Frames(Arc::new(move |frame| slot.put(frame))),
            audio: AudioOutput::Device,
            drop_late: true,
        })?;
        let player = Player::new(self.config.clone(), Box::new(renderer))?;
        player.set_wakeup(move || wake());
        Ok(PlayerHandle { port: Arc::new(player), frames })
    }
}
