//! Addresses and times of segments (ISO/IEC 23009-1 §5.3.9).

use super::element::Element;
use super::live::AvailabilityTimeOffset;
use super::template::UrlTemplate;
use crate::error::check_range;
use crate::uri::check_uri;
use crate::{ByteRange, Layout, ManifestError};

/// Addresses of the segments of a representation: one of the three ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentAddressing {
    /// One file, with or without a segment index.
    Base(SegmentBase),
    /// A list of ranges of one file.
    List(SegmentList),
    /// A template of addresses.
    Template(SegmentTemplate),
}

/// `SegmentBase` (§5.3.9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentBase {
    /// `@timescale` in ticks per second; at least one.
    pub timescale: u32,
    /// `@presentationTimeOffset` in ticks.
    pub presentation_time_offset: Option<u64>,
    /// `@indexRange`: bytes of the segment index.
    pub index_range: Option<ByteRange>,
    /// `Initialization@range`.
    pub initialization: Option<ByteRange>,
}

/// `SegmentList` of one file (§5.3.9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentList {
    /// `@timescale` in ticks per second; at least one.
    pub timescale: u32,
    /// `@presentationTimeOffset` in ticks.
    pub presentation_time_offset: Option<u64>,
    /// `Initialization@range`.
    pub initialization: Option<ByteRange>,
    /// Times of the segments.
    pub timing: SegmentTiming,
    /// `SegmentURL@mediaRange` of each segment: as many as a timeline has segments.
    pub media_ranges: Vec<MediaRange>,
}

/// Bytes of a segment in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaRange {
    /// A range as it should be.
    Bytes(ByteRange),
    /// No bytes, written with the last byte in front of the first. That is no range by RFC 9110 §14.1.1, and a reader must
    /// survive it: the virtual film has such segments past the end of a short audio.
    Backward {
        /// Offset of the first byte; at least one.
        offset: u64,
    },
}

/// `SegmentTemplate` (§5.3.9.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentTemplate {
    /// `@timescale` in ticks per second; at least one.
    pub timescale: u32,
    /// `@initialization`, the same for all segments.
    pub initialization: Option<UrlTemplate>,
    /// `@media`, different for each segment.
    pub media: UrlTemplate,
    /// `@startNumber`: number of the first segment.
    pub start_number: u64,
    /// `@presentationTimeOffset` in ticks.
    pub presentation_time_offset: Option<u64>,
    /// `@availabilityTimeOffset`.
    pub availability_time_offset: Option<AvailabilityTimeOffset>,
    /// `@availabilityTimeComplete`; false if a segment can be read while it is being written.
    pub availability_time_complete: Option<bool>,
    /// Times of the segments.
    pub timing: SegmentTiming,
}

/// Times of segments: exactly one of the two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentTiming {
    /// `@duration` in ticks: a nominal duration, at least one.
    Duration(u64),
    /// `SegmentTimeline` (§5.3.9.6).
    Timeline(Vec<TimelineEntry>),
}

/// An `S` element: segments of equal duration, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// `@t` in ticks: start of the first segment; `None` is the end of the entry before.
    pub t: Option<u64>,
    /// `@d` in ticks; at least one.
    pub d: u64,
    /// `@r`: number of further segments. The attribute is absent for none.
    pub r: u64,
}

/// Returns the shortest timeline of segments, given the start and the duration of each in ticks: neighbours of equal
/// duration share an entry, and only the first entry and those after a gap or an overlap have a start.
pub fn fold_timeline(segments: impl IntoIterator<Item = (u64, u64)>) -> Vec<TimelineEntry> {
    let mut timeline: Vec<TimelineEntry> = Vec::new();
    let mut end = None;
    for (start, duration) in segments {
        match timeline.last_mut() {
            Some(entry) if end == Some(start) && entry.d == duration => entry.r += 1,
            _ => timeline.push(TimelineEntry { t: (end != Some(start)).then_some(start), d: duration, r: 0 }),
        }
        end = start.checked_add(duration);
    }
    timeline
}

impl SegmentAddressing {
    pub(super) fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        match self {
            Self::Base(base) => base.element(),
            Self::List(list) => list.element(),
            Self::Template(template) => template.element(layout),
        }
    }
}

impl SegmentBase {
    fn element(&self) -> Result<Element, ManifestError> {
        let index = self.index_range.map(|range| range.dash("indexRange")).transpose()?;
        let element = Element::new("SegmentBase")
            .attribute("timescale", timescale(self.timescale)?)
            .optional("presentationTimeOffset", self.presentation_time_offset)
            .optional("indexRange", index);
        Ok(element.any_elements(initialization(self.initialization)?))
    }
}

impl SegmentList {
    fn element(&self) -> Result<Element, ManifestError> {
        let mut elements = initialization(self.initialization)?;
        let element = Element::new("SegmentList")
            .attribute("timescale", timescale(self.timescale)?)
            .optional("presentationTimeOffset", self.presentation_time_offset);
        let element = self.timing.describe(element, &mut elements)?;
        if let SegmentTiming::Timeline(timeline) = &self.timing {
            let count = timeline.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.r).saturating_add(1));
            if count != self.media_ranges.len() as u64 {
                let reason = "its timeline has another number of segments";
                return Err(ManifestError::Contradiction { place: "SegmentList", reason });
            }
        }
        for range in &self.media_ranges {
            elements.push(Element::new("SegmentURL").attribute("mediaRange", range.text()?));
        }
        Ok(element.any_elements(elements))
    }
}

impl MediaRange {
    fn text(self) -> Result<String, ManifestError> {
        match self {
            Self::Bytes(range) => range.dash("mediaRange"),
            Self::Backward { offset } => {
                check_range("mediaRange", offset, offset > 0)?;
                Ok(format!("{offset}-{}", offset - 1))
            }
        }
    }
}

impl SegmentTemplate {
    /// Creates a template with numbers from 1, without anything that may be absent.
    pub const fn new(timescale: u32, media: UrlTemplate, timing: SegmentTiming) -> Self {
        Self {
            timescale,
            initialization: None,
            media,
            start_number: 1,
            presentation_time_offset: None,
            availability_time_offset: None,
            availability_time_complete: None,
            timing,
        }
    }

    fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        let media = self.media.to_string();
        check_uri("media", &media)?;
        if !self.media.is_variable() {
            let reason = "the address is the same for all segments";
            return Err(ManifestError::Contradiction { place: "media", reason });
        }
        if self.media.has_time() && matches!(self.timing, SegmentTiming::Duration(_)) {
            let reason = "$Time$ without a timeline";
            return Err(ManifestError::Contradiction { place: "media", reason });
        }
        if let Some(initialization) = &self.initialization {
            check_uri("initialization", &initialization.to_string())?;
            if initialization.is_variable() {
                let reason = "the address differs from segment to segment";
                return Err(ManifestError::Contradiction { place: "initialization", reason });
            }
        }
        let element = Element::new("SegmentTemplate")
            .attribute("timescale", timescale(self.timescale)?)
            .optional("initialization", self.initialization.as_ref())
            .attribute("media", media)
            .attribute("startNumber", self.start_number)
            .optional("presentationTimeOffset", self.presentation_time_offset)
            .optional("availabilityTimeOffset", self.availability_time_offset.map(|offset| offset.text(layout)))
            .optional("availabilityTimeComplete", self.availability_time_complete);
        let mut elements = Vec::new();
        Ok(self.timing.describe(element, &mut elements)?.any_elements(elements))
    }
}

impl SegmentTiming {
    /// Adds the nominal duration to the attributes of an element, or the timeline to its children.
    fn describe(&self, element: Element, children: &mut Vec<Element>) -> Result<Element, ManifestError> {
        match self {
            Self::Duration(duration) => {
                check_range("duration", duration, *duration > 0)?;
                Ok(element.attribute("duration", duration))
            }
            Self::Timeline(timeline) => {
                let entries = timeline.iter().map(TimelineEntry::element).collect::<Result<_, _>>()?;
                children.push(Element::new("SegmentTimeline").elements(entries));
                Ok(element)
            }
        }
    }
}

impl TimelineEntry {
    /// Returns the `S` element, which a [`Patch`](super::Patch) may add.
    ///
    /// # Errors
    /// For a duration of zero.
    pub fn element(&self) -> Result<Element, ManifestError> {
        check_range("d", self.d, self.d > 0)?;
        let element = Element::new("S").optional("t", self.t).attribute("d", self.d);
        Ok(element.optional("r", Some(self.r).filter(|r| *r > 0)))
    }
}

fn timescale(value: u32) -> Result<u32, ManifestError> {
    check_range("timescale", value, value > 0)?;
    Ok(value)
}

fn initialization(range: Option<ByteRange>) -> Result<Vec<Element>, ManifestError> {
    let Some(range) = range else { return Ok(Vec::new()) };
    Ok(vec![Element::new("Initialization").attribute("range", range.dash("range")?)])
}
