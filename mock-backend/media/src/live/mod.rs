//! Live channels: titles that loop for ever, as HLS and DASH, as a pure function of the record of a channel and the time.
//!
//! Nothing is written and nothing runs: what a channel has at a time is computed from its epoch ([`LiveChannel::answer`]). So any
//! process gives the same bytes for the same address, before and after a restart, and a test asks for any time that it likes.
//!
//! * [`record`] — what a channel says about itself; `stock` — the stored media of its titles; `timeline` — what is on the air when;
//! * `media` — the bytes of parts; `playlists`, `mpd`, `steering` — manifests; `asked`, `answer` — from an address to what there is at a time.
//!
//! # A channel by its addresses
//!
//! ```text
//! <id>/v<n>/
//!   master.m3u8  manifest.mpd  patch-<from>.mpp  steering.json  time
//!   video/<rung>/{init-0.mp4…, playlist.m3u8, seg-<number>.m4s, seg-<number>.<part>.m4s}
//!   audio/<language>/…
//! ```

mod answer;
mod asked;
mod channel;
mod manifests;
mod media;
mod mpd;
mod playlists;
pub mod record;
mod steering;
mod stock;
#[cfg(test)]
mod tests;
mod timeline;

pub use asked::{Answer, Asked, Piece};
pub use channel::{LiveChannel, Programmed};
pub use record::{ChannelRecord, channels};
pub use timeline::TrackId;

use super::IngestError;

/// Reason why a channel cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// It has no titles.
    #[error("the channel has no titles")]
    Empty,
    /// A title is not there.
    #[error("there is no title {0}")]
    NoTitle(String),
    /// A title cannot be played by this channel.
    #[error("title {title} cannot be played: {reason}")]
    Unfit {
        /// Id of the title.
        title: String,
        /// Reason, in words.
        reason: String,
    },
    /// A stored segment cannot be read.
    #[error(transparent)]
    Media(#[from] IngestError),
}
