//! The tags that only growing playlists need (RFC 8216bis §4.4.3.7, §4.4.3.8, §4.4.4.9, §4.4.5), as typed data.
//! Playback on demand ignores all of them.

use std::time::Duration;

use super::attributes::{Attributes, SubRange};
use crate::manifest::document::{Warnings, clip};
use crate::model::ByteRange;

/// `EXT-X-SERVER-CONTROL` (§4.4.3.8): support of the server for clients that reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerControl {
    /// Segments older than this before the end may be skipped by a delta update.
    pub(super) can_skip_until: Option<Duration>,
    /// True if the server can skip date ranges too.
    pub(super) can_skip_date_ranges: bool,
    pub(super) hold_back: Option<Duration>,
    pub(super) part_hold_back: Option<Duration>,
    pub(super) can_block_reload: bool,
}

/// A partial segment: `EXT-X-PART` (§4.4.4.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) uri: String,
    pub(super) duration: Duration,
    pub(super) independent: bool,
    pub(super) gap: bool,
    pub(super) range: Option<ByteRange>,
    /// Media sequence number of the segment that it is a part of.
    pub(super) sequence: u64,
    /// Counted from zero in that segment.
    pub(super) index: u32,
}

/// Purpose of a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HintKind {
    Part,
    Map,
}

/// A resource to come: `EXT-X-PRELOAD-HINT` (§4.4.5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PreloadHint {
    pub(super) kind: HintKind,
    pub(super) uri: String,
    /// Offset of the first byte.
    pub(super) start: u64,
    /// Length in bytes; to the end of the resource if not declared.
    pub(super) length: Option<u64>,
}

/// The state of another rendition: `EXT-X-RENDITION-REPORT` (§4.4.5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RenditionReport {
    pub(super) uri: String,
    pub(super) last_sequence: Option<u64>,
    pub(super) last_part: Option<u64>,
}

/// Segments that a delta update leaves out: `EXT-X-SKIP` (§4.4.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Skip {
    pub(super) segments: u64,
    /// Ids of the date ranges that have gone since the last reload.
    pub(super) removed_date_ranges: Vec<String>,
}

impl Skip {
    /// Reads the value of the tag; `None`, with a warning, without a number of segments.
    pub(super) fn parse(line: u32, value: &str, warnings: &mut Warnings) -> Option<Self> {
        let attributes = Attributes::parse(value);
        let Some(segments) = attributes.integer("SKIPPED-SEGMENTS") else {
            warnings.push(line, "EXT-X-SKIP without SKIPPED-SEGMENTS");
            return None;
        };
        let removed = attributes.filled("RECENTLY-REMOVED-DATERANGES").unwrap_or_default();
        let removed_date_ranges = removed.split('\t').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Some(Self { segments, removed_date_ranges })
    }
}

/// All tags of growing playlists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LiveTags {
    /// Target duration of parts: `EXT-X-PART-INF` (§4.4.3.7).
    pub(super) part_target: Option<Duration>,
    pub(super) server_control: Option<ServerControl>,
    pub(super) parts: Vec<Part>,
    pub(super) preload_hints: Vec<PreloadHint>,
    pub(super) rendition_reports: Vec<RenditionReport>,
    pub(super) skip: Option<Skip>,
}

impl LiveTags {
    /// Takes a tag; `sequence` is that of the segment under way. False when `name` is none of these.
    pub(super) fn take(&mut self, line: u32, name: &str, value: &str, sequence: u64, warnings: &mut Warnings) -> bool {
        let list = || Attributes::parse(value);
        match name {
            "EXT-X-PART-INF" => {
                self.part_target = list().seconds("PART-TARGET");
                if self.part_target.is_none() {
                    warnings.push(line, "EXT-X-PART-INF without PART-TARGET");
                }
            }
            "EXT-X-SERVER-CONTROL" => self.server_control = Some(server_control(&list())),
            "EXT-X-PART" => self.part(line, &list(), sequence, warnings),
            "EXT-X-PRELOAD-HINT" => self.hint(line, &list(), warnings),
            "EXT-X-RENDITION-REPORT" => self.report(line, &list(), warnings),
            _ => return false,
        }
        true
    }

    /// Returns the number of segments that are left out before the first.
    pub(super) fn skipped(&self) -> u64 {
        self.skip.as_ref().map_or(0, |skip| skip.segments)
    }

    fn part(&mut self, line: u32, attributes: &Attributes<'_>, sequence: u64, warnings: &mut Warnings) {
        let uri = attributes.text("URI").unwrap_or_default();
        let duration = attributes.seconds("DURATION");
        if uri.is_empty() || duration.is_none() {
            warnings.push(line, "EXT-X-PART without URI or DURATION");
        }
        let before = self.parts.last();
        // §4.4.4.9: without an offset it begins where the part before it ended, when both are of one resource.
        let implicit = before.filter(|part| part.uri == uri).and_then(|part| part.range).map_or(0, |range| range.end());
        let index = before.filter(|part| part.sequence == sequence).map_or(0, |part| part.index.saturating_add(1));
        self.parts.push(Part {
            uri: uri.to_owned(),
            duration: duration.unwrap_or_default(),
            independent: attributes.yes("INDEPENDENT"),
            gap: attributes.yes("GAP"),
            range: attributes.text("BYTERANGE").and_then(SubRange::parse).map(|range| range.at(implicit)),
            sequence,
            index,
        });
    }

    fn hint(&mut self, line: u32, attributes: &Attributes<'_>, warnings: &mut Warnings) {
        let kind = match attributes.text("TYPE") {
            Some("PART") => HintKind::Part,
            Some("MAP") => HintKind::Map,
            other => {
                // Hints of kinds that are not known are to be ignored.
                warnings.push(line, format!("EXT-X-PRELOAD-HINT of the type {}", clip(other.unwrap_or("?"))));
                return;
            }
        };
        self.preload_hints.push(PreloadHint {
            kind,
            uri: attributes.text("URI").unwrap_or_default().to_owned(),
            start: attributes.integer("BYTERANGE-START").unwrap_or(0),
            length: attributes.integer("BYTERANGE-LENGTH"),
        });
    }

    fn report(&mut self, line: u32, attributes: &Attributes<'_>, warnings: &mut Warnings) {
        let Some(uri) = attributes.filled("URI") else {
            return warnings.push(line, "EXT-X-RENDITION-REPORT without URI");
        };
        self.rendition_reports.push(RenditionReport {
            uri: uri.to_owned(),
            last_sequence: attributes.integer("LAST-MSN"),
            last_part: attributes.integer("LAST-PART"),
        });
    }
}

fn server_control(attributes: &Attributes<'_>) -> ServerControl {
    ServerControl {
        can_skip_until: attributes.seconds("CAN-SKIP-UNTIL"),
        can_skip_date_ranges: attributes.yes("CAN-SKIP-DATERANGES"),
        hold_back: attributes.seconds("HOLD-BACK"),
        part_hold_back: attributes.seconds("PART-HOLD-BACK"),
        can_block_reload: attributes.yes("CAN-BLOCK-RELOAD"),
    }
}
