//! Periods, adaptation sets and representations.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Availability, BaseWeight, CaptionTrack, ContainerFormat, ContentSteering, LiveDescription, MuxedAudio, Pathway,
    Protection, Role, SegmentIndex, SessionData, TimedMetadata, TrackId,
};
use crate::time::{MediaTime, WallClock};

/// Protocol of the manifest; for reports only, no decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HLS by RFC 8216bis.
    Hls,
    /// DASH by ISO/IEC 23009-1.
    Dash,
}

/// Growth of a presentation.
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
    /// Protocol of the manifest, for reports.
    pub protocol: Protocol,
    /// Complete, or still growing.
    pub kind: PresentationKind,
    /// Its length; `None` when only segment indexes that are not fetched yet know it.
    pub duration: Option<Duration>,
    /// Start position that the author declares (`EXT-X-START`); negative values count from the end, `None` is the
    /// beginning.
    pub start: Option<MediaTime>,
    /// At least one, in order, not overlapping.
    pub periods: Vec<Period>,
    /// Wall-clock time of presentation time zero, when known.
    pub epoch: Option<WallClock>,
    /// Wall-clock time from which its segments can be fetched; `None` is now (ISO/IEC 23009-1 §5.3.1.2,
    /// `availabilityStartTime` of a static MPD).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<WallClock>,
    /// Metadata of the manifest itself, ordered by start.
    pub metadata: Vec<TimedMetadata>,
    /// Data for the host.
    pub session_data: Vec<SessionData>,
    /// Server that orders the pathways, if there is one.
    pub steering: Option<ContentSteering>,
    /// Pathways that serve the same media, best first; empty if there is only one place.
    pub pathways: Vec<Pathway>,
    /// Preferences among the places that serve it, if declared.
    pub weights: Vec<BaseWeight>,
    /// Declarations of a presentation that grows; `None` on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Box<LiveDescription>>,
}

/// A span of the presentation with one set of choices (DASH Period; an HLS presentation is one Period).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Period {
    /// Unique in the presentation.
    pub id: String,
    /// The manifest gives it no id, or one that another period has: `id` is made from its place in the document.
    #[serde(skip)]
    pub is_unnamed: bool,
    /// Start on the presentation timeline.
    pub start: MediaTime,
    /// Its length; `None` runs to the next period or is known by the segment indexes.
    pub duration: Option<Duration>,
    /// Sets of all kinds, of which playback presents at most one each.
    pub adaptation_sets: Vec<AdaptationSet>,
    /// Key frames only, for fast playback and scrubbing (HLS I-frame playlists, DASH trick-mode sets); never chosen
    /// for normal playback.
    pub trick_sets: Vec<AdaptationSet>,
    /// Pictures for the seek bar.
    pub thumbnails: Vec<ThumbnailTrack>,
    /// Captions inside the video.
    pub captions: Vec<CaptionTrack>,
    /// The manifest declares that there are no captions inside the video (HLS `CLOSED-CAPTIONS=NONE`): they are not
    /// searched for.
    #[serde(default)]
    pub no_captions: bool,
    /// Sound inside the files of the pictures, when it is one choice among others.
    pub muxed_audio: Option<MuxedAudio>,
}

impl Period {
    /// Creates a period with sets and nothing else.
    pub const fn new(
        id: String,
        start: MediaTime,
        duration: Option<Duration>,
        adaptation_sets: Vec<AdaptationSet>,
    ) -> Self {
        Self {
            id,
            is_unnamed: false,
            start,
            duration,
            adaptation_sets,
            trick_sets: Vec::new(),
            thumbnails: Vec::new(),
            captions: Vec::new(),
            no_captions: false,
            muxed_audio: None,
        }
    }
}

/// A track of thumbnails: pictures that hold `columns × rows` tiles each, read from left to right, then down
/// (DASH-IF IOP, thumbnail tiles; `http://dashif.org/guidelines/thumbnail_tile`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThumbnailTrack {
    /// Tiles side by side in one picture; never zero.
    pub columns: u32,
    /// Tiles above each other in one picture; never zero.
    pub rows: u32,
    /// The pictures; width and height are those of a whole picture.
    pub representation: Representation,
}

/// Kind of media, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Moving pictures, in any codec.
    Video,
    /// Audio, in any number of channels.
    Audio,
    /// Subtitles, or captions in separate files.
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

/// Kinds of media in a file. A muxed file has more than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentKinds {
    /// The file has video.
    pub video: bool,
    /// The file has audio.
    pub audio: bool,
    /// The file has text.
    pub text: bool,
}

impl ContentKinds {
    /// Returns the content of a file that has `kind` alone.
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

/// Representations that are interchangeable: what a viewer picks as one track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptationSet {
    /// The same in every period for the same track.
    pub id: TrackId,
    /// Kind of media that the viewer gets. A muxed set counts as video; a set that may turn out to hold only audio (a
    /// playlist without `CODECS`) counts as video too until its initialisation data is read.
    pub kind: MediaKind,
    /// BCP 47 tag; `None` if the manifest declares none.
    pub language: Option<String>,
    /// Name for menus; `None` if the manifest declares none.
    pub label: Option<String>,
    /// Purposes of the track; empty means main.
    pub roles: Vec<Role>,
    /// Chosen if the viewer makes no choice.
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
    /// Number of frames in `denominator` seconds.
    pub numerator: u32,
    /// Number of seconds; never 0.
    pub denominator: u32,
}

/// One encoding of an adaptation set: what the adaptive rule picks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Representation {
    /// Unique within its period.
    pub id: String,
    /// Peak bits per second; zero when unknown.
    pub bandwidth: u64,
    /// Mean bits per second; `None` if not declared.
    pub average_bandwidth: Option<u64>,
    /// RFC 6381 codec strings; empty if not declared.
    pub codecs: Vec<String>,
    /// Content of the file; `None` if not declared.
    pub content: Option<ContentKinds>,
    /// Width in pixels; `None` if not declared.
    pub width: Option<u32>,
    /// Height in pixels; `None` if not declared.
    pub height: Option<u32>,
    /// Frames per second; `None` if not declared.
    pub frame_rate: Option<FrameRate>,
    /// Number of audio channels; `None` if not declared.
    pub channels: Option<u32>,
    /// Audio samples per second.
    pub sample_rate: Option<u32>,
    /// Container of its files.
    pub format: ContainerFormat,
    /// Representations that must be presented together carry a common group name: an HLS variant and the
    /// renditions of its `AUDIO` group. `None` goes with everything.
    pub audio_group: Option<String>,
    /// Segments, or the address of the index that lists them.
    pub index: SegmentIndex,
    /// Time at which its segments become available; `None` if they are as soon as they are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// Content protection; empty for clear media.
    pub protection: Vec<Arc<Protection>>,
    /// Properties that few manifests declare.
    pub traits: RepresentationTraits,
}

/// Dynamic range of video (RFC 8216bis §4.4.6.2, `VIDEO-RANGE`; ISO/IEC 23091-2 transfer characteristics).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoRange {
    /// Standard dynamic range (BT.709 and alike).
    #[default]
    Sdr,
    /// Hybrid log-gamma (ARIB STD-B67).
    Hlg,
    /// Perceptual quantiser (SMPTE ST 2084).
    Pq,
}

/// Properties of a representation that few manifests declare.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepresentationTraits {
    /// The author's measure of quality: higher is better (`SCORE`; `qualityRanking` is mapped to it).
    pub score: Option<f64>,
    /// Dynamic range of the video.
    pub video_range: VideoRange,
    /// Codecs that enhance the media for those who know them (`SUPPLEMENTAL-CODECS`, `scte214:supplementalCodecs`).
    pub supplemental_codecs: Vec<String>,
    /// `Representation@id` as written, which need not be unique.
    #[serde(skip)]
    pub written_id: Option<String>,
    /// `AdaptationSet@id` of the set that it is written in; sets that may be switched between are merged.
    #[serde(skip)]
    pub written_set: Option<String>,
    /// The same across reloads and pathways (`STABLE-VARIANT-ID`, `STABLE-RENDITION-ID`).
    pub stable_id: Option<String>,
    /// The pathway, or service location, that it belongs to (`PATHWAY-ID`, `serviceLocation`).
    pub pathway: Option<String>,
    /// Copy protection that the output must have (`HDCP-LEVEL`), as written.
    pub hdcp_level: Option<String>,
    /// Projection and layout that a display must support (`REQ-VIDEO-LAYOUT`), as written.
    pub video_layout: Option<String>,
    /// Robustness levels of key systems that may decrypt it (`ALLOWED-CPC`), as written.
    pub allowed_cpc: Option<String>,
    /// Representations with the same number lead to the same media, and differ in the sound that goes with it
    /// (`audio_group`).
    pub same_media: Option<u32>,
    /// A name for menus (`NAME` of a variant).
    pub name: Option<String>,
    /// A language that is used in addition to the main one (`ASSOC-LANGUAGE`).
    pub associated_language: Option<String>,
    /// Bits a sample of sound (`BIT-DEPTH`).
    pub bit_depth: Option<u32>,
}
