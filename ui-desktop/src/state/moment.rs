//! The time and the player at which something happened, as an argument of every change of the state.

use std::sync::Arc;

use kinora_api::UnixMillis;
use player_core::{MediaTime, Snapshot};

/// What the moment is at which something happened.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// Seconds of the interface's clock.
    pub now: f64,
    /// The player as it is; the default when there is none.
    pub snapshot: Arc<Snapshot>,
    /// Position of playback.
    pub position: MediaTime,
    /// The time of day, in milliseconds since 1970.
    pub wall_ms: UnixMillis,
}
