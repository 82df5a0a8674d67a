//! The player that films are really watched with: the engine of `player-core` with the GStreamer renderer.

use std::sync::Arc;

use player_core::player::Player;
use player_core::render::FrameSlot;
use player_core::render::gst::{AudioOutput, GstConfig, GstRenderer, VideoOutput};
use player_core::{Command, CommandId, Event, Now, PlayerConfig, PlayerError, Snapshot};

use crate::api::Wake;
use crate::networks::{self, Networks};
use crate::player_port::{PlayerFactory, PlayerHandle, PlayerPort};

/// A player, and the network that it teaches something about.
struct GstPlayer {
    player: Player,
    network: String,
    networks: Arc<Networks>,
}

impl PlayerPort for GstPlayer {
    fn send(&self, command: Command) -> Result<CommandId, PlayerError> {
        self.player.send(command)
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.player.snapshot()
    }

    fn now(&self) -> Now {
        self.player.now()
    }

    fn try_event(&self) -> Option<Event> {
        self.player.try_event()
    }
}

impl Drop for GstPlayer {
    fn drop(&mut self) {
        let stats = Arc::clone(&self.player.snapshot().stats);
        // A film that never began has taught little.
        if let Some(bandwidth) = stats.bandwidth_estimate.filter(|_| !stats.played.is_zero()) {
            self.networks.remember(&self.network, bandwidth);
        }
    }
}

/// Makes players with sound on the system's device and pictures in the window.
#[derive(Clone, Debug, Default)]
pub struct GstPlayers {
    /// How players behave; what is remembered of the network is added to it.
    pub config: PlayerConfig,
    /// What earlier players learned.
    pub networks: Arc<Networks>,
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
        let network = networks::current();
        let remembered = self.networks.recall(&network);
        let bandwidth_hint_bps = self.config.bandwidth_hint_bps.or(remembered);
        let player = Player::new(PlayerConfig { bandwidth_hint_bps, ..self.config.clone() }, Box::new(renderer))?;
        player.set_wakeup(move || wake());
        let player = GstPlayer { player, network, networks: Arc::clone(&self.networks) };
        Ok(PlayerHandle { port: Arc::new(player), frames })
    }
}
