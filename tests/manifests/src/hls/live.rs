//! Tags of playlists that grow (RFC 8216bis §4.4.3.7, §4.4.3.8, §4.4.4.9, §4.4.5.2 to §4.4.5.4).

use std::time::Duration;

use super::attributes::TagWriter;
use super::segment_tags::{SegmentRange, SegmentTag};
use crate::error::check_range;
use crate::{Layout, ManifestError};

/// Attributes of `EXT-X-SERVER-CONTROL` (§4.4.3.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerControl {
    /// `CAN-SKIP-UNTIL`: a delta update may leave out segments that end more than this before the last; at least six
    /// target durations.
    pub can_skip_until: Option<Duration>,
    /// `CAN-SKIP-DATERANGES`: a delta update may leave out date ranges too; the attribute is absent if false.
    pub can_skip_dateranges: bool,
    /// `HOLD-BACK`: distance from the end at which to play; at least three target durations.
    pub hold_back: Option<Duration>,
    /// `PART-HOLD-BACK`: the same in low latency; at least two part target durations, and mandatory with `part_target`.
    pub part_hold_back: Option<Duration>,
    /// `CAN-BLOCK-RELOAD`: the server holds a request for a playlist to come; the attribute is absent if false.
    pub can_block_reload: bool,
}

/// A partial segment, `EXT-X-PART` (§4.4.4.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// `URI`.
    pub uri: String,
    /// `DURATION`; at most the part target duration.
    pub duration: Duration,
    /// `BYTERANGE`, if the part is a part of its file.
    pub byte_range: Option<SegmentRange>,
    /// `INDEPENDENT`: the part begins with a key frame; the attribute is absent if false.
    pub is_independent: bool,
    /// `GAP`: the media of the part is absent; the attribute is absent if false.
    pub is_gap: bool,
}

/// A segment that is not complete: the parts at the end of a playlist, and the tags that apply to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncompleteSegment {
    /// Tags in front of the first part, in an order that has a meaning.
    pub tags: Vec<SegmentTag>,
    /// Parts so far.
    pub parts: Vec<Part>,
}

/// Resource that a client may ask for before it exists: `EXT-X-PRELOAD-HINT` (§4.4.5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreloadHint {
    /// `TYPE`.
    pub hint_type: HintType,
    /// `URI`.
    pub uri: String,
    /// `BYTERANGE-START`: offset of the first byte; `None` is zero.
    pub byterange_start: Option<u64>,
    /// `BYTERANGE-LENGTH`; `None` is everything up to the end of the file.
    pub byterange_length: Option<u64>,
}

/// Type of a hinted resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HintType {
    /// A partial segment.
    Part,
    /// Initialisation data.
    Map,
}

/// State of another rendition: `EXT-X-RENDITION-REPORT` (§4.4.5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionReport {
    /// `URI` of the other playlist, relative to this one.
    pub uri: String,
    /// `LAST-MSN`: number of its last segment, complete or not.
    pub last_msn: Option<u64>,
    /// `LAST-PART`: place of the last part in that segment.
    pub last_part: Option<u64>,
}

/// Segments that a delta update leaves out: `EXT-X-SKIP` (§4.4.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    /// `SKIPPED-SEGMENTS`; at least one.
    pub skipped_segments: u64,
    /// `RECENTLY-REMOVED-DATERANGES`: ids without tabs; `Some` if date ranges are left out too, even if none has gone.
    pub recently_removed_dateranges: Option<Vec<String>>,
}

impl ServerControl {
    /// Returns the tag. `target_duration` is in seconds.
    pub(super) fn to_line(
        self,
        target_duration: u64,
        part_target: Option<Duration>,
        layout: Layout,
    ) -> Result<String, ManifestError> {
        let mut tag = TagWriter::new("EXT-X-SERVER-CONTROL");
        let targets = |count: u64| Duration::from_secs(target_duration.saturating_mul(count));
        let least = |place, value: Option<Duration>, least: Duration| match value {
            Some(value) => check_range(place, value.as_secs_f64(), value >= least),
            None => Ok(()),
        };
        least("CAN-SKIP-UNTIL", self.can_skip_until, targets(6))?;
        least("HOLD-BACK", self.hold_back, targets(3))?;
        least("PART-HOLD-BACK", self.part_hold_back, part_target.unwrap_or_default().saturating_mul(2))?;
        if self.can_block_reload {
            tag.yes_or_no("CAN-BLOCK-RELOAD", true);
        }
        let spans = [
            ("CAN-SKIP-UNTIL", self.can_skip_until),
            ("HOLD-BACK", self.hold_back),
            ("PART-HOLD-BACK", self.part_hold_back),
        ];
        for (name, span) in spans {
            if let Some(span) = span {
                tag.seconds(name, span, layout);
            }
        }
        if self.can_skip_dateranges {
            if self.can_skip_until.is_none() {
                let reason = "CAN-SKIP-UNTIL is absent";
                return Err(ManifestError::Contradiction { place: "CAN-SKIP-DATERANGES", reason });
            }
            tag.yes_or_no("CAN-SKIP-DATERANGES", true);
        }
        if self == Self::default() {
            return Err(ManifestError::Empty { place: "EXT-X-SERVER-CONTROL" });
        }
        Ok(tag.finish())
    }
}

/// Adds parts. A range without an offset follows one of the same file, among them or in front of them.
pub(super) fn push_parts(
    text: &mut String,
    parts: &[Part],
    part_target: Option<Duration>,
    layout: Layout,
) -> Result<(), ManifestError> {
    let mut before: Option<&Part> = None;
    for part in parts {
        let Some(target) = part_target else {
            return Err(ManifestError::Contradiction { place: "EXT-X-PART", reason: "EXT-X-PART-INF is absent" });
        };
        check_range("DURATION", part.duration.as_secs_f64(), part.duration <= target)?;
        let mut tag = TagWriter::new("EXT-X-PART");
        tag.seconds("DURATION", part.duration, layout);
        tag.uri("URI", &part.uri)?;
        if let Some(range) = part.byte_range {
            let follows = before.is_some_and(|before| before.byte_range.is_some() && before.uri == part.uri);
            tag.quoted("BYTERANGE", &range.text("BYTERANGE", follows)?)?;
        }
        for (name, value) in [("INDEPENDENT", part.is_independent), ("GAP", part.is_gap)] {
            if value {
                tag.yes_or_no(name, true);
            }
        }
        text.push_str(&tag.finish());
        before = Some(part);
    }
    Ok(())
}

impl PreloadHint {
    /// Creates a hint at a file as a whole.
    pub fn new(hint_type: HintType, uri: impl Into<String>) -> Self {
        Self { hint_type, uri: uri.into(), byterange_start: None, byterange_length: None }
    }

    pub(super) fn to_line(&self) -> Result<String, ManifestError> {
        let mut tag = TagWriter::new("EXT-X-PRELOAD-HINT");
        tag.enumerated("TYPE", if self.hint_type == HintType::Part { "PART" } else { "MAP" })?;
        tag.uri("URI", &self.uri)?;
        for (name, value) in [("BYTERANGE-START", self.byterange_start), ("BYTERANGE-LENGTH", self.byterange_length)] {
            if let Some(value) = value {
                tag.integer(name, value);
            }
        }
        Ok(tag.finish())
    }
}

impl RenditionReport {
    pub(super) fn to_line(&self) -> Result<String, ManifestError> {
        let mut tag = TagWriter::new("EXT-X-RENDITION-REPORT");
        tag.uri("URI", &self.uri)?;
        for (name, value) in [("LAST-MSN", self.last_msn), ("LAST-PART", self.last_part)] {
            if let Some(value) = value {
                tag.integer(name, value);
            }
        }
        Ok(tag.finish())
    }
}

impl Skip {
    pub(super) fn to_line(&self) -> Result<String, ManifestError> {
        check_range("SKIPPED-SEGMENTS", self.skipped_segments, self.skipped_segments > 0)?;
        let mut tag = TagWriter::new("EXT-X-SKIP");
        tag.integer("SKIPPED-SEGMENTS", self.skipped_segments);
        if let Some(ids) = &self.recently_removed_dateranges {
            tag.quoted_list("RECENTLY-REMOVED-DATERANGES", ids, '\t')?;
        }
        Ok(tag.finish())
    }
}
