//! Every number that a host may set. Defaults suit a desktop on a home network.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a player behaves. `Default` is what the desktop app ships.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayerConfig {
    /// How much media to hold ahead of the playhead, the renderer's lead included.
    pub buffer_goal: Duration,
    /// The same limit in bytes; whichever is reached first stops fetching.
    pub buffer_bytes: u64,
    /// How much media to keep behind the playhead for short steps back.
    pub back_buffer: Duration,
    /// How far ahead of the playhead samples are handed to the renderer.
    pub renderer_lead: Duration,
    /// Media ahead needed to start or to go on after a seek.
    pub start_threshold: Duration,
    /// Media ahead needed to go on after a stall.
    pub resume_threshold: Duration,
    /// The adaptive rule, by name (see `abr::rule`).
    pub abr_rule: String,
    /// Bandwidth remembered for this network, in bits per second.
    pub bandwidth_hint_bps: Option<u64>,
    /// Highest video to pick, in pixels of height.
    pub max_height: Option<u32>,
    /// Data saver: what pictures and sound together may take on average, in bits per second.
    pub max_bitrate_bps: Option<u64>,
    /// Copy protection of the output that the host vouches for. [`abr::Hdcp::None`] until it does: variants whose
    /// `HDCP-LEVEL` asks for more are then not loaded (RFC 8216bis §4.4.6.2).
    #[serde(default)]
    pub output_protection: abr::Hdcp,
    /// Time allowed until the first byte of an answer.
    pub first_byte_timeout: Duration,
    /// Time allowed without any further byte.
    pub stall_timeout: Duration,
    /// Total time that one segment may cost, all retries and locations together, before it is given up.
    pub retry_deadline: Duration,
    /// Seed of everything random (retry jitter), so that a session can be replayed.
    pub seed: u64,
}

impl Default for PlayerConfig {
    fn default() -> Self {
        Self {
            buffer_goal: Duration::from_secs(30),
            buffer_bytes: 64 << 20,
            back_buffer: Duration::from_secs(10),
            renderer_lead: Duration::from_secs(2),
            start_threshold: Duration::from_millis(400),
            resume_threshold: Duration::from_secs(2),
            abr_rule: "default".to_owned(),
            bandwidth_hint_bps: None,
            max_height: None,
            max_bitrate_bps: None,
            output_protection: abr::Hdcp::None,
            first_byte_timeout: Duration::from_secs(6),
            stall_timeout: Duration::from_secs(4),
            retry_deadline: Duration::from_secs(30),
            seed: 0x4b69_6e6f_7261,
        }
    }
}
