//! Commands of a host to the player. Every command is answered by one [`crate::Event::Reply`] with its id.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::drm::DrmConfig;
use crate::model::TrackId;
use crate::time::{MediaTime, WallClock};

/// Names one command; replies carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommandId(pub u64);

/// Presentation to play and its addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadRequest {
    /// Addresses of the same manifest, best first: when one fails, the next takes over without a new load.
    pub locations: Vec<Url>,
    /// Position to start at; `None` starts at the presentation's own start.
    pub start: Option<MediaTime>,
    /// True to play as soon as possible.
    pub play_when_ready: bool,
    /// Languages of the audio, most wanted first (BCP 47).
    pub audio_languages: Vec<String>,
    /// Languages of the subtitles, most wanted first; empty shows none but forced ones.
    pub text_languages: Vec<String>,
    /// Keys, and who has more.
    #[serde(default)]
    pub drm: DrmConfig,
}

impl LoadRequest {
    /// Plays from the beginning, from one location.
    pub fn new(location: Url) -> Self {
        Self {
            locations: vec![location],
            start: None,
            play_when_ready: true,
            audio_languages: Vec::new(),
            text_languages: Vec::new(),
            drm: DrmConfig::default(),
        }
    }
}

/// Precision of a seek.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeekMode {
    /// The first picture shown is the one on screen at the target.
    Exact,
    /// The first picture shown is the key frame at or before the target: faster.
    Keyframe,
}

/// Choice of the track of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackChoice {
    /// By the languages of the load request and the presentation's defaults.
    Auto,
    /// None of this kind.
    Off,
    /// The track with this id.
    Track(TrackId),
}

/// Choice of the video quality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityChoice {
    /// The adaptive rule decides.
    Auto,
    /// Always this representation (its id), as long as it is available.
    Representation(String),
    /// The adaptive rule decides, up to this height in pixels.
    MaxHeight(u32),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// Ends the present presentation and loads this one.
    Load(LoadRequest),
    /// Play as soon as there is enough media.
    Play,
    /// Stops the clock and holds the picture.
    Pause,
    /// Seeks to a time on the presentation timeline, clamped to the seekable range.
    Seek {
        /// Target on the presentation timeline.
        to: MediaTime,
        /// Precision of the seek.
        mode: SeekMode,
    },
    /// Go by a signed number of milliseconds from where playback is (or is going).
    SeekBy {
        /// Milliseconds, negative for backwards.
        millis: i64,
        /// Precision of the seek.
        mode: SeekMode,
    },
    /// Seeks to a universal time of a presentation with dates, clamped to the seekable range.
    SeekToDate {
        /// Target in universal time.
        utc: WallClock,
        /// Precision of the seek.
        mode: SeekMode,
    },
    /// Goes to the live edge, with the wanted latency, and plays there.
    GoLive,
    /// Sets the latency of live playback, overriding the configuration; `None` is what the manifest asks for.
    SetLiveLatency(Option<Duration>),
    /// Playback speed, 0.25 to 4.0; pitch is kept.
    SetRate(f64),
    /// Loudness, 0.0 to 1.0 (cubic scale is the host's business).
    SetVolume(f64),
    /// Silence without changing the volume.
    SetMuted(bool),
    /// Selects the audio track.
    SelectAudio(TrackChoice),
    /// Selects the track of subtitles or captions.
    SelectText(TrackChoice),
    /// Choose the video quality.
    SelectQuality(QualityChoice),
    /// Sets the size in physical pixels at which video is shown; it caps the choice of the adaptive rule.
    SetViewport {
        /// Width in physical pixels.
        width: u32,
        /// Height in physical pixels.
        height: u32,
    },
    /// Sets the media to buffer ahead, overriding the configuration.
    SetBufferGoal(Duration),
    /// Sets the data saver: the maximum average rate of video and audio together, in bits per second, overriding the
    /// configuration; `None` lifts the limit.
    SetMaxBitrate(Option<u64>),
    /// A display was connected or disconnected: the copy protection that the host now vouches for, overriding the
    /// configuration. Media that may no longer be shown is dropped from the buffer but for a few seconds.
    SetOutputProtection(abr::Hdcp),
    /// End playback and forget the presentation.
    Stop,
}
