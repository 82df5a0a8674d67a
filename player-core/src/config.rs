//! Every number that a host may set. Defaults suit a desktop on a home network.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Configuration of a player. `Default` is that of the desktop app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayerConfig {
    /// Media to hold ahead of the playhead, the renderer's lead included.
    pub buffer_goal: Duration,
    /// Budget in bytes for media buffered and under way, the renderer's share included, and for metadata, segment lists
    /// and the manifest, which together count for half of it at most. Default 25 MB; decoded pictures and the images
    /// that a host loads are not part of it. Nothing more is fetched once it is used up, except what playback needs to
    /// go on, so that it may be exceeded by one segment. Media behind the playhead makes room first.
    pub buffer_bytes: u64,
    /// Media to keep behind the playhead for short steps back; less, but normally 2 s, where `buffer_bytes` is exceeded.
    /// Default 10 s.
    pub back_buffer: Duration,
    /// Media ahead of the playhead that is handed to the renderer.
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
    /// Data saver: the maximum average rate of video and audio together, in bits per second.
    pub max_bitrate_bps: Option<u64>,
    /// Copy protection of the output that the host vouches for. [`abr::Hdcp::None`] until it does: variants whose
    /// `HDCP-LEVEL` asks for more are then not loaded (RFC 8216bis §4.4.6.2).
    #[serde(default)]
    pub output_protection: abr::Hdcp,
    /// Time allowed until the first byte of an answer.
    pub first_byte_timeout: Duration,
    /// Time allowed without any further byte.
    pub stall_timeout: Duration,
    /// Total time that one request may cost, all retries and locations together, before it is given up. Default 30 s;
    /// [`RetryPolicies`] may set another for a kind of failure.
    pub retry_deadline: Duration,
    /// Retries by kind of failure.
    #[serde(default)]
    pub load_errors: RetryPolicies,
    /// Live playback.
    #[serde(default, skip_serializing_if = "LiveConfig::is_default")]
    pub live: LiveConfig,
    /// Seed of everything random (retry jitter), so that a session can be replayed.
    pub seed: u64,
}

/// Place at which playback goes on after its position has left the window of a live presentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BehindLive {
    /// At the live edge, with the wanted latency.
    #[default]
    LiveEdge,
    /// At the start of the window.
    WindowStart,
    /// Nowhere: playback fails with [`ErrorCode::BehindLiveWindow`](crate::ErrorCode::BehindLiveWindow).
    Error,
}

/// Live playback.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveConfig {
    /// Latency to hold; `None` is what the manifest asks for, or what its kind allows.
    pub latency: Option<Duration>,
    /// Least playback rate by which the latency is held. Default 0.95; a manifest may allow less of a change.
    pub min_rate: f64,
    /// Greatest playback rate by which the latency is held. Default 1.05; a manifest may allow less of a change.
    pub max_rate: f64,
    /// Place at which playback goes on after it has fallen behind the window.
    pub behind: BehindLive,
    /// Partial segments of HLS are used where they are offered. Default true.
    pub low_latency: bool,
}

impl LiveConfig {
    /// Recordings of presentations on demand leave it out.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self { latency: None, min_rate: 0.95, max_rate: 1.05, behind: BehindLive::default(), low_latency: true }
    }
}

/// Delays between the attempts at one request. They double from the first to the longest, never shrink, and the last
/// attempt begins at the deadline at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Delay after the first failure. Default 250 ms.
    pub first_delay: Duration,
    /// Bound of the doubling. The delay before the last attempt may be up to twice as long. Default 4 s.
    pub longest_delay: Duration,
    /// Total time from the first attempt to the last; `None` means [`PlayerConfig::retry_deadline`].
    pub deadline: Option<Duration>,
    /// Maximum number of retries; `None` means that only the deadline counts.
    pub most_retries: Option<u32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(4),
            deadline: None,
            most_retries: None,
        }
    }
}

/// Retries by kind of failure, used when no other location or representation can take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicies {
    /// Connection refused, no such host, no route or certificate refused, before the first picture of a load and by a
    /// location that no media has been loaded from. Default: 2 s in total, because such an address is wrong or its
    /// server is down.
    pub unreachable_at_start: RetryPolicy,
    /// The same failures of a location that media has been loaded from, or after the first picture.
    pub unreachable: RetryPolicy,
    /// No answer in time, or a connection that breaks before the answer begins.
    pub silent: RetryPolicy,
    /// HTTP status 408, 425, 429 or 5xx. A `Retry-After` that is longer than the delay takes its place.
    pub busy: RetryPolicy,
    /// An answer that is incomplete or damaged. Default: one retry, whatever the time it took. An incomplete answer that
    /// went on where another broke off, and added a sixteenth of its segment or more, does not count.
    pub damaged: RetryPolicy,
}

impl Default for RetryPolicies {
    fn default() -> Self {
        let usual = RetryPolicy::default();
        Self {
            unreachable_at_start: RetryPolicy { deadline: Some(Duration::from_secs(2)), ..usual },
            unreachable: usual,
            silent: usual,
            busy: usual,
            damaged: RetryPolicy { most_retries: Some(1), ..usual },
        }
    }
}

impl Default for PlayerConfig {
    fn default() -> Self {
        Self {
            buffer_goal: Duration::from_secs(30),
            buffer_bytes: 25_000_000,
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
            load_errors: RetryPolicies::default(),
            live: LiveConfig::default(),
            seed: 0x4b69_6e6f_7261,
        }
    }
}
