//! Measurements of the engine during playback.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClockSource, LiveDelivery};
use crate::render::FrameCounts;
use crate::time::MediaTime;

/// One stop for want of media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// Position of playback.
    pub at: MediaTime,
    /// Duration; so far, if it has not ended.
    pub duration: Duration,
    /// Description of the missing media.
    pub reason: String,
}

/// One change of quality, as shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    /// Presentation time of the switch.
    pub at: MediaTime,
    /// Representation before the switch.
    pub from: String,
    /// Representation after the switch.
    pub to: String,
    /// Reason of the adaptive rule.
    pub reason: String,
}

/// A seek of the session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seek {
    /// The target after clamping.
    pub to: MediaTime,
    /// From the command to the first correct picture; absent when it was overtaken by another seek.
    pub latency: Option<Duration>,
    /// Distance of the first picture from the target, in nanoseconds.
    pub error_nanos: Option<i64>,
}

/// One location given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failover {
    /// Position of playback.
    pub at: MediaTime,
    /// Location that was excluded.
    pub from: String,
    /// The location that took over.
    pub to: String,
    /// Reason of the failover.
    pub reason: String,
}

/// Video samples that are never presented without an action of the user, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameLosses {
    /// No decoder makes a picture of them.
    pub undecodable: u64,
    /// Media of the same time was held already.
    pub overlapped: u64,
    /// They lie outside of their period.
    pub outside_window: u64,
    /// They arrived after their time: playback had jumped over a gap there. Pictures that were decoded too late are in
    /// [`FrameCounts::dropped`].
    pub late: u64,
}

/// Video samples that are never presented because of an action of the host, by action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameDiscards {
    /// Playback went elsewhere by a seek.
    pub seek: u64,
    /// Another track or quality was chosen.
    pub switch: u64,
    /// Other media took their place.
    pub replaced: u64,
    /// Playback was stopped by the host.
    pub stopped: u64,
}

/// Account of the video samples of a session. Those that the renderer presented or dropped are counted in
/// [`FrameCounts`]; samples in none of the counts are still held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameAccount {
    /// Samples received, each once: a sample that a repeated request gives again counts once, and a sample of a request
    /// that failed in the end does not count.
    pub received: u64,
    /// Presentations of samples that had been presented before: after a seek back into the buffer, or of a picture that
    /// was on screen when decoding began anew. [`FrameCounts::presented`] counts them too.
    #[serde(default)]
    pub repeated: u64,
    /// Samples handed to the decoder; those that are decoded again after a seek count again.
    pub decoder_input: u64,
    /// Samples received of which bytes are missing: packets were lost or damaged. They are decoded nevertheless.
    #[serde(default)]
    pub incomplete: u64,
    /// Samples lost, by reason.
    pub lost: FrameLosses,
    /// Samples discarded by actions of the host, by action.
    pub discarded: FrameDiscards,
}

/// Memory of a session in bytes, without that of decoders and of the process itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStats {
    /// Most bytes of all kinds together at one time.
    pub total_peak: u64,
    /// Most bytes of samples held at one time, the renderer's share included.
    pub media_peak: u64,
    /// Most bytes asked for and not buffered yet at one time: the rest of the segments under way, by their declared size
    /// or their bitrate, and what was received of other requests.
    pub in_flight_peak: u64,
    /// Bytes of the timed metadata that is held now.
    pub metadata: u64,
    /// Bytes of the segment lists that are known now, as [`Footprint`](crate::model::Footprint) counts them.
    pub indexes: u64,
    /// Bytes of the manifest's structures now, as [`Footprint`](crate::model::Footprint) counts them.
    pub manifest: u64,
}

/// Measurements of live playback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveStats {
    /// Time-weighted mean of the latency, from five seconds after the first picture on.
    pub latency_mean: Option<f64>,
    /// 95th percentile of the latency over the same time.
    pub latency_p95: Option<f64>,
    /// Latency that is held, in seconds.
    pub target: Option<f64>,
    /// Changes of the playback rate made to hold the latency.
    pub rate_changes: u64,
    /// Source of universal time.
    pub clock: Option<ClockSource>,
    /// Maximum error of that source.
    pub clock_error: Option<Duration>,
    /// Returns into the window, and jumps to the wanted latency.
    pub recoveries: u64,
    /// Units in which media is fetched.
    pub delivery: LiveDelivery,
}

/// Counters and measurements since `load`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionStats {
    /// From the load to the first video frame presented, or to the first audio where it is presented without video.
    pub startup: Option<Duration>,
    /// From the load to the tenth picture in a row on time.
    pub moving: Option<Duration>,
    /// From the load to the end of each phase: `manifest`, `index`, `init`, `first_media`, and `first_frame`
    /// or `first_audio` or both.
    pub startup_phases: BTreeMap<String, Duration>,
    /// Presentation time traversed at any rate: seeks excluded, jumped gaps included.
    pub played: Duration,
    /// Wall time during which pictures moved.
    pub played_wall: Duration,
    /// Start-up and seeks excluded.
    pub stalls: Vec<Stall>,
    /// Switches of representation as shown, in order.
    pub switches: Vec<Switch>,
    /// Seeks that were begun, in order.
    pub seeks: Vec<Seek>,
    /// Changes of location, in order.
    pub failovers: Vec<Failover>,
    /// Time-weighted mean of the declared bitrate of fetched segments, in bits per second.
    pub bitrate_fetched: Option<f64>,
    /// Time-weighted mean of the declared bitrate of the video shown, in bits per second.
    pub bitrate_shown: Option<f64>,
    /// Frame counts of the renderer.
    pub frames: FrameCounts,
    /// Account of the video samples.
    #[serde(default)]
    pub account: FrameAccount,
    /// Number of media bytes received.
    pub bytes_media: u64,
    /// Manifest, playlist and index bytes received.
    pub bytes_manifest: u64,
    /// Media bytes received and never presented: cancelled, replaced, or evicted unseen.
    pub bytes_wasted: u64,
    /// Memory, by kind.
    #[serde(default)]
    pub memory: MemoryStats,
    /// Requests made, retries included.
    pub requests: u64,
    /// Number of requests that were repeated.
    pub retries: u64,
    /// Number of times that the host was woken for a snapshot alone, without an event; absent where there is no host to
    /// wake, as in virtual sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_wakeups: Option<u64>,
    /// Samples of picture minus sound, nanoseconds; bounded to the last 4096.
    pub av_sync_nanos: Vec<i64>,
    /// Time-weighted mean of the media ahead while playing.
    pub buffer_mean: Option<Duration>,
    /// Least media ahead while playing.
    pub buffer_min: Option<Duration>,
    /// Media ahead right now.
    pub buffer_now: Duration,
    /// Live playback; `None` on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveStats>,
    /// Estimate of the network's rate by the adaptive rule, in bits per second.
    pub bandwidth_estimate: Option<u64>,
}
