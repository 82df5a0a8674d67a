//! Periods, adaptation sets and representations.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ContainerFormat, SegmentIndex};
use crate::time::{MediaTime, WallClock};

/// Where the presentation came from; for reports only, nothing decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// RFC 8216bis.
    Hls,
    /// ISO/IEC 23009-1.
    Dash,
}

/// Whether the presentation grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresentationKind {
    /// Complete: nothing will be added.
    OnDemand,
    /// More will come; the manifest must be fetched again.
    Live,
}

/// A stream, ready to be scheduled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Presentation {
    /// For reports.
    pub protocol: Protocol,
    /// Whether it grows.
    pub kind: PresentationKind,
    /// Its length; `None` when only segment indexes that are not fetched yet know it.
    pub duration: Option<Duration>,
    /// Where the author wants playback to begin (`EXT-X-START`); `None` is the beginning.
    pub start: Option<MediaTime>,
    /// At least one, in order, not overlapping.
    pub periods: Vec<Period>,
    /// Wall-clock time of presentation time zero, when known.
    pub epoch: Option<WallClock>,
}

/// A span of the presentation with one set of choices (DASH Period; an HLS presentation is one Period).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// Unique in the presentation.
    pub id: String,
    /// Where it begins on the presentation timeline.
    pub start: MediaTime,
    /// Its length; `None` runs to the next period or is known by the segment indexes.
    pub duration: Option<Duration>,
    /// The choices.
    pub adaptation_sets: Vec<AdaptationSet>,
}

/// What a piece of media is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles and captions.
    Text,
}

impl MediaKind {
    /// A short lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Text => "text",
        }
    }
}

/// Which kinds a file carries. More than one is set for muxed files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentKinds {
    /// Carries pictures.
    pub video: bool,
    /// Carries sound.
    pub audio: bool,
    /// Carries text.
    pub text: bool,
}

impl ContentKinds {
    /// Only this kind.
    pub const fn only(kind: MediaKind) -> Self {
        Self {
            video: matches!(kind, MediaKind::Video),
            audio: matches!(kind, MediaKind::Audio),
            text: matches!(kind, MediaKind::Text),
        }
    }

    /// True when `kind` is carried.
    pub const fn has(self, kind: MediaKind) -> bool {
        match kind {
            MediaKind::Video => self.video,
            MediaKind::Audio => self.audio,
            MediaKind::Text => self.text,
        }
    }
}

/// Names an adaptation set across all periods: equal ids are the same track to the viewer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrackId(pub String);

/// What a track is for (DASH role scheme `urn:mpeg:dash:role:2011`, HLS `CHARACTERISTICS`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The main content.
    Main,
    /// An alternative of the main content.
    Alternate,
    /// Describes the pictures for those who cannot see them.
    Description,
    /// Dialogue replaced by another language.
    Dub,
    /// Commentary.
    Commentary,
    /// Subtitles that are shown even when subtitles are off.
    ForcedSubtitle,
    /// Captions for those who cannot hear.
    Caption,
    /// Dialogue only.
    Subtitle,
    /// Something else, as written.
    Other(String),
}

/// Representations that are interchangeable: what a viewer picks as one track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptationSet {
    /// The same in every period for the same track.
    pub id: TrackId,
    /// What a viewer gets from it. A muxed set counts as video; a set that may turn out to hold only sound
    /// (a playlist that tells nothing) counts as video too until its initialisation is read.
    pub kind: MediaKind,
    /// BCP 47, when told.
    pub language: Option<String>,
    /// A name for menus, when told.
    pub label: Option<String>,
    /// What it is for; empty means main.
    pub roles: Vec<Role>,
    /// To be chosen when nobody chooses.
    pub default: bool,
    /// May be chosen without being asked for, when the language matches.
    pub autoselect: bool,
    /// Subtitles that are shown even when subtitles are off.
    pub forced: bool,
    /// At least one, ascending by bandwidth.
    pub representations: Vec<Representation>,
}

/// Frames per second as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRate {
    /// Frames.
    pub numerator: u32,
    /// In so many seconds; never zero.
    pub denominator: u32,
}

/// How content is protected, as the manifest tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// The system or method as written: a scheme URN, `AES-128`, `SAMPLE-AES`…
    pub system: String,
    /// The key id, lower-case hexadecimal without dashes, when told.
    pub key_id: Option<String>,
}

/// One encoding of an adaptation set: what the adaptive rule picks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Representation {
    /// Unique within its period.
    pub id: String,
    /// Peak bits per second; zero when unknown.
    pub bandwidth: u64,
    /// Mean bits per second, when told.
    pub average_bandwidth: Option<u64>,
    /// RFC 6381 codec strings; empty when not told.
    pub codecs: Vec<String>,
    /// What the file carries, when told.
    pub content: Option<ContentKinds>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames per second.
    pub frame_rate: Option<FrameRate>,
    /// Audio channels.
    pub channels: Option<u32>,
    /// Audio samples per second.
    pub sample_rate: Option<u32>,
    /// What kind of file carries it.
    pub format: ContainerFormat,
    /// Representations that must be presented together carry a common group name: an HLS variant and the
    /// renditions of its `AUDIO` group. `None` goes with everything.
    pub audio_group: Option<String>,
    /// Where its segments are.
    pub index: SegmentIndex,
    /// How it is protected; empty for clear media.
    pub protection: Vec<Protection>,
}
