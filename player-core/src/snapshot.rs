//! State that a host draws from. Replaced whole; never changed in place.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::command::{QualityChoice, TrackChoice};
use crate::error::{PlayerError, Stage};
use crate::model::{MediaKind, PresentationKind, Protocol, Role, Thumbnail, ThumbnailSpan, TimedMetadata, TrackId};
use crate::telemetry::{ClockSource, LiveDelivery, SessionStats};
use crate::text::Cue;
use crate::time::{MediaTime, Now, TimeRange, TimeRanges};

/// Reasons why the player waits for media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BufferingReason {
    /// Before the first picture.
    Starting,
    /// The network was slower than playback.
    NetworkTooSlow,
    /// A location failed and its replacement is being fetched from.
    Failover,
    /// Another track was chosen and its media is not here yet.
    TrackChange,
    /// Media is here and its key is not.
    WaitingForKey,
    /// Playback has reached the end of what a live presentation has produced.
    LiveEdge,
}

/// State of the player. It plays if it is `Ready` and `play_when_ready` is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No presentation is loaded.
    #[default]
    Idle,
    /// The manifest, the indexes or the first media are on their way.
    Loading,
    /// There is enough media.
    Ready,
    /// Playback waits for media.
    Buffering(BufferingReason),
    /// On the way to another time.
    Seeking,
    /// Everything has been presented.
    Ended,
    /// Playback ended by an error.
    Failed,
}

/// A track to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Its name for commands.
    pub id: TrackId,
    /// Kind of the track.
    pub kind: MediaKind,
    /// Language tag by BCP 47, if declared.
    pub language: Option<String>,
    /// Name for menus, if declared.
    pub label: Option<String>,
    /// Roles that the manifest declares.
    pub roles: Vec<Role>,
    /// Subtitles shown even when subtitles are off.
    pub forced: bool,
    /// True if it is presented now.
    pub selected: bool,
}

/// A video quality to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Identifier of the representation.
    pub id: String,
    /// Declared bitrate, in bits per second.
    pub bitrate: u64,
    /// Width in pixels, if declared.
    pub width: Option<u32>,
    /// Height in pixels, if declared.
    pub height: Option<u32>,
    /// Codec string by RFC 6381, if declared.
    pub codec: Option<String>,
    /// True if it is on screen now.
    pub shown: bool,
    /// Can be decoded here and is permitted.
    pub available: bool,
}

/// A request that failed and is made again. A host shows it to explain a wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRetry {
    /// Purpose of the request: manifest, index, initialisation data, segment, subtitles or key.
    pub stage: Stage,
    /// Scheme, host and port of the server that failed; no user information, path or query.
    pub host: String,
    /// Error of the latest attempt.
    pub error: PlayerError,
    /// Attempts that have failed so far, at least 1. The next attempt is `attempt + 1`.
    pub attempt: u32,
    /// Time of the next attempt on the clock of [`Snapshot::taken_at`]. A time in the past means that the attempt is
    /// running and has not been answered yet.
    pub next_attempt_at: Now,
    /// Time at which the player gives up if every attempt fails as the latest did. It moves on while playback
    /// continues from the buffer.
    pub gives_up_at: Now,
}

/// State of live playback.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveState {
    /// Range of times that can be played now.
    pub window: TimeRange,
    /// Presentation time that is live now.
    pub edge: MediaTime,
    /// Time from the production of the picture on screen to now, by universal time where the manifest declares dates,
    /// else the distance to the edge. Nanoseconds, so that a clock that is off can be seen.
    pub latency_nanos: i64,
    /// Latency that is held: that of the host, the manifest or its kind, raised where media comes too late for it.
    pub target: Duration,
    /// Playback holds its latency. False after the viewer went back or paused for long, until they return to the edge.
    pub is_following: bool,
    /// Playback rate by which the latency is held now; 1 is normal.
    pub rate: f64,
    /// Source of universal time; `None` without any.
    pub clock: Option<ClockSource>,
    /// Maximum error of that source.
    pub clock_error: Option<Duration>,
    /// Universal time of presentation time zero, in nanoseconds since 1970-01-01T00:00:00Z, if the manifest declares it.
    pub epoch_unix_nanos: Option<i64>,
    /// Units in which media is fetched.
    pub delivery: LiveDelivery,
}

/// Everything that a host needs to draw a player.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// State of the player.
    pub state: State,
    /// True if it plays as soon as it can.
    pub play_when_ready: bool,
    /// Position of playback at `taken_at`.
    pub position: MediaTime,
    /// Time of the snapshot; with `clock_rate` the position can be carried on.
    pub taken_at: Now,
    /// Presentation seconds a second right now: 0 when held, else the rate.
    pub clock_rate: f64,
    /// Playback rate that was chosen; 1 is normal.
    pub rate: f64,
    /// The presentation's length, when known.
    pub duration: Option<Duration>,
    /// Protocol of the manifest.
    pub protocol: Option<Protocol>,
    /// On demand or live.
    pub kind: Option<PresentationKind>,
    /// Range to which playback can seek; that of a live presentation moves on with time.
    pub seekable: Option<TimeRange>,
    /// State of live playback; `None` on demand, and until the live edge is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveState>,
    /// Ranges that are buffered for all selected tracks together.
    pub buffered: TimeRanges,
    /// Audio and text tracks to choose from.
    pub tracks: Arc<Vec<Track>>,
    /// Video qualities to choose from, ascending.
    pub qualities: Arc<Vec<Quality>>,
    /// Choice of the audio track.
    pub audio_choice: Option<TrackChoice>,
    /// Choice of the text track.
    pub text_choice: Option<TrackChoice>,
    /// Choice of the video quality.
    pub quality_choice: Option<QualityChoice>,
    /// Loudness from 0 to 1.
    pub volume: f64,
    /// True for no audible output.
    pub muted: bool,
    /// Cues of the chosen text track known so far, ordered by begin, in presentation time.
    pub cues: Arc<Vec<Cue>>,
    /// Timed metadata known so far, ordered by begin, in presentation time.
    pub metadata: Arc<Vec<Arc<TimedMetadata>>>,
    /// Pictures for the seek bar; see [`Snapshot::thumbnail_at`].
    pub thumbnails: Arc<Vec<ThumbnailSpan>>,
    /// Error that ended playback, if it failed.
    pub error: Option<PlayerError>,
    /// The failed request that playback depends on most, from its failure until an answer begins or the player gives
    /// up; `None` while nothing is being retried.
    #[serde(default)]
    pub pending_retry: Option<PendingRetry>,
    /// Counters of this session.
    pub stats: Arc<SessionStats>,
}

impl Snapshot {
    /// Returns the position of playback at `now`, carried on from the time of the snapshot and kept inside the
    /// presentation.
    pub fn position_at(&self, now: Now) -> MediaTime {
        let ahead = now.since(self.taken_at).mul_f64(self.clock_rate.clamp(0.0, 16.0));
        let position = self.position + ahead;
        self.duration.map_or(position, |duration| position.min((MediaTime::ZERO + duration).max(self.position)))
    }

    /// True while pictures move.
    pub fn is_playing(&self) -> bool {
        self.state == State::Ready && self.play_when_ready
    }

    /// The cues on screen at a time, in order.
    pub fn cues_at(&self, time: MediaTime) -> Vec<Cue> {
        self.cues.iter().filter(|cue| cue.start <= time && time < cue.end).cloned().collect()
    }

    /// The metadata that holds at a time, in order.
    pub fn metadata_at(&self, time: MediaTime) -> Vec<Arc<TimedMetadata>> {
        self.metadata.iter().filter(|metadata| metadata.holds_at(time)).cloned().collect()
    }

    /// The picture that stands for a time, at least `width` pixels wide when there is one, else the widest.
    pub fn thumbnail_at(&self, time: MediaTime, width: u32) -> Option<Thumbnail> {
        ThumbnailSpan::picture_at(&self.thumbnails, time, width)
    }
}
