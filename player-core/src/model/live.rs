//! Declarations of a presentation that grows: its updates, its window, its clock and its latency. Plain data; what
//! follows from them is decided in the engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::time::WallClock;

/// Way in which a manifest is updated (ISO/IEC 23009-1 §5.3.1.2, `MPD@minimumUpdatePeriod`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestUpdates {
    /// The manifest does not change. That of HLS is a multivariant playlist, whose media playlists do.
    #[default]
    Never,
    /// It is valid for this long after a fetch.
    Every(Duration),
    /// It may change at any time: an event in the media announces it (`urn:mpeg:dash:event:2012`), and it is fetched
    /// when the next segment is not listed.
    OnEvent,
}

/// Source of synchronised time (ISO/IEC 23009-1 §5.8.4.11, `UTCTiming`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The manifest has the time at which it was sent (`direct`).
    Direct(WallClock),
    /// The `Date` field of the answer to a HEAD request (`http-head`), at each of these addresses in turn.
    Head(Vec<Url>),
    /// The body of the answer is a date by ISO 8601 (`http-iso`, `http-xsdate`), at each of these addresses in turn.
    Body(Vec<Url>),
}

/// Latency and playback rates that a service wants (ISO/IEC 23009-1 Annex K, `ServiceDescription`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceDescription {
    /// Latency to hold.
    pub target: Option<Duration>,
    /// Least latency; playback slows down below it.
    pub min: Option<Duration>,
    /// Greatest latency; playback jumps above it.
    pub max: Option<Duration>,
    /// Least playback rate.
    pub min_rate: Option<f64>,
    /// Greatest playback rate.
    pub max_rate: Option<f64>,
}

/// Address of a manifest's changes (ISO/IEC 23009-1 §5.15, `PatchLocation`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchLocation {
    /// Address of the patch.
    pub url: Url,
    /// Time after `published` for which the patch is available; `None` has no limit.
    pub ttl: Option<Duration>,
}

/// Declarations of a manifest that grows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveDescription {
    /// Way in which the manifest is updated.
    pub updates: ManifestUpdates,
    /// Depth of the window to which viewers may seek (`@timeShiftBufferDepth`); `None` has no limit.
    pub window: Option<Duration>,
    /// Latency that the author suggests (`@suggestedPresentationDelay`).
    pub suggested_delay: Option<Duration>,
    /// Maximum duration of a segment (`@maxSegmentDuration`).
    pub max_segment_duration: Option<Duration>,
    /// Latency and rates that the service wants.
    pub service: ServiceDescription,
    /// Sources of synchronised time, most wanted first.
    pub clocks: Vec<TimeSource>,
    /// Addresses of the next update (`Location`), most wanted first; empty means the address of this one.
    pub locations: Vec<Url>,
    /// Address of the changes since this manifest.
    pub patch: Option<PatchLocation>,
    /// Time at which this manifest was published (`@publishTime`).
    pub published: Option<WallClock>,
    /// `MPD@id`, which a patch names.
    pub id: Option<String>,
    /// A media playlist that was loaded by itself, and so must be read again.
    pub playlist: Option<Box<PlaylistGrowth>>,
}

/// Time at which segments of a representation of a live DASH presentation become available
/// (ISO/IEC 23009-1 §5.3.9.5.3): the end of the segment, by the presentation's epoch, less `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// `@availabilityTimeOffset`; [`Duration::MAX`] for `INF`.
    pub offset: Duration,
    /// The segment grows while it is fetched (`@availabilityTimeComplete` is false).
    pub is_chunked: bool,
}

/// State of another rendition at the time of a reload (RFC 8216bis §4.4.5.4, `EXT-X-RENDITION-REPORT`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionReport {
    /// Address of its media playlist.
    pub url: Url,
    /// Media sequence number of its last segment or of the one that its last part belongs to.
    pub last_sequence: Option<u64>,
    /// Number of its last part in that segment.
    pub last_part: Option<u64>,
}

/// Declarations of a media playlist that grows (RFC 8216bis §4.4.3, §4.4.5), of the state that was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaylistGrowth {
    /// Target duration of its segments.
    pub target_duration: Duration,
    /// Distance from its end at which clients may play (`HOLD-BACK`).
    pub hold_back: Option<Duration>,
    /// Target duration of its parts; `None` without low latency.
    pub part_target: Option<Duration>,
    /// Distance from its end at which clients that use parts may play (`PART-HOLD-BACK`).
    pub part_hold_back: Option<Duration>,
    /// The server holds a request until the playlist has what is asked for (`CAN-BLOCK-RELOAD`).
    pub can_block_reload: bool,
    /// Segments older than this before the end may be left out of an update (`CAN-SKIP-UNTIL`).
    pub can_skip_until: Option<Duration>,
    /// Date ranges may be left out too (`CAN-SKIP-DATERANGES`).
    pub can_skip_date_ranges: bool,
    /// Media sequence number, as the server counts, of the segment that follows the last complete one.
    pub next_sequence: u64,
    /// Number of the part that follows the last one, in the segment that `next_sequence` names.
    pub next_part: u32,
    /// Segments left out in front of the listed ones, which the state before has (`EXT-X-SKIP`).
    pub skipped: u64,
    /// Identifiers of date ranges that have gone since the state before (`RECENTLY-REMOVED-DATERANGES`).
    pub removed_date_ranges: Vec<String>,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`, if declared.
    pub discontinuity_sequence: Option<u64>,
    /// State of other renditions.
    pub reports: Vec<RenditionReport>,
}
