//! Set-up of the library, once in a process.

use std::sync::{Mutex, PoisonError};

use player_core::render::FrameSlot;
use player_core::{Player, PlayerConfig};

use crate::boundary::guarded;
use crate::config::{Config, kinora_audio_output, kinora_video_output};
use crate::player::renderer;

/// Sets up what the first player of the process needs: GStreamer with its registry of plugins, which is read from a
/// cache or made by a scan (up to a second on a machine without the cache), TLS, and the I/O threads. Optional:
/// kinora_player_create() does it otherwise. Call it on a thread that may wait. Later calls return at once; after a
/// failure the next call tries again.
///
/// Thread-safety: any thread; a call during the first one waits for it.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_init() -> u32 {
    static DONE: Mutex<bool> = Mutex::new(false);
    guarded(|| {
        let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
        if !*done {
            // A player that shows nothing and opens no device; all that stays of it belongs to the process.
            let (video, audio) = (kinora_video_output::Count, kinora_audio_output::Silent);
            let config = Config { player: PlayerConfig::default(), video, audio };
            let renderer = renderer(&config, &FrameSlot::new())?;
            drop(Player::new(config.player, renderer)?);
            *done = true;
        }
        Ok(())
    })
}
