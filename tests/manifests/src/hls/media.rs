//! Media playlists (RFC 8216bis §4.4.3).

use std::time::Duration;

use super::date_range::DateRange;
use super::live::{IncompleteSegment, Part, PreloadHint, RenditionReport, ServerControl, Skip, push_parts};
use super::segment_tags::{SegmentRange, SegmentTag, push_tags};
use super::{VERSION, check_uri_line, opening, push_start};
use crate::{Layout, ManifestError};

/// A media playlist. Without a type and an end, it is one that slides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// `EXT-X-TARGETDURATION` in seconds: no segment is longer, rounded to whole seconds.
    pub target_duration: u64,
    /// `EXT-X-MEDIA-SEQUENCE`: number of the first segment.
    pub media_sequence: Option<u64>,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`: number of discontinuities in front of the first segment.
    pub discontinuity_sequence: Option<u64>,
    /// `EXT-X-PLAYLIST-TYPE`.
    pub playlist_type: Option<PlaylistType>,
    /// `TIME-OFFSET` of `EXT-X-START` in seconds; negative values count from the end.
    pub start_time_offset: Option<f64>,
    /// `EXT-X-INDEPENDENT-SEGMENTS`: each segment can be decoded without others.
    pub independent_segments: bool,
    /// `EXT-X-SERVER-CONTROL`.
    pub server_control: Option<ServerControl>,
    /// `PART-TARGET` of `EXT-X-PART-INF`: no part is longer.
    pub part_target: Option<Duration>,
    /// `EXT-X-SKIP`, in a delta update; the segments are those after the skipped ones.
    pub skip: Option<Skip>,
    /// `EXT-X-DATERANGE` tags, written in front of the segments.
    pub date_ranges: Vec<DateRange>,
    /// Segments in order.
    pub segments: Vec<Segment>,
    /// Parts of the segment after the last one.
    pub incomplete_segment: Option<IncompleteSegment>,
    /// `EXT-X-PRELOAD-HINT` tags, one of each type.
    pub preload_hints: Vec<PreloadHint>,
    /// `EXT-X-RENDITION-REPORT` tags.
    pub rendition_reports: Vec<RenditionReport>,
    /// `EXT-X-ENDLIST`: no segment will be added.
    pub is_ended: bool,
}

/// Changes that a playlist may still see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaylistType {
    /// Segments may be added at the end.
    Event,
    /// Nothing may change, so the playlist has its end.
    Vod,
}

/// A media segment and the tags that apply to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Tags in front of `EXTINF`. Their order has a meaning: a key that stands in front of a map encrypts it.
    pub tags: Vec<SegmentTag>,
    /// `EXT-X-PART` tags; none once the segment is too far from the end.
    pub parts: Vec<Part>,
    /// Duration in `EXTINF`, exact to the nanosecond.
    pub duration: Duration,
    /// `EXT-X-BYTERANGE`, if the segment is part of its file.
    pub byte_range: Option<SegmentRange>,
    /// Address of the file.
    pub uri: String,
}

impl Segment {
    /// Creates a segment that is a file, without tags.
    pub fn new(uri: impl Into<String>, duration: Duration) -> Self {
        Self { tags: Vec::new(), parts: Vec::new(), duration, byte_range: None, uri: uri.into() }
    }
}

impl MediaPlaylist {
    /// Returns the least target duration of some segments in seconds (§4.4.3.1): the longest, rounded to whole seconds,
    /// and at least one.
    pub fn least_target_duration(durations: impl IntoIterator<Item = Duration>) -> u64 {
        durations.into_iter().map(rounded).max().unwrap_or(1).max(1)
    }

    /// Returns the text of the playlist.
    ///
    /// # Errors
    /// For a value that its place cannot hold, a segment or a part longer than its target duration, a range without an
    /// offset that follows no range of its file, a playlist of the type VOD without an end, an end with media to come,
    /// parts without `PART-HOLD-BACK` and a delta update that the server did not announce.
    pub fn to_text(&self, layout: Layout) -> Result<String, ManifestError> {
        self.check_live()?;
        let mut text = opening(match &self.skip {
            Some(skip) if skip.recently_removed_dateranges.is_some() => 10,
            Some(_) => 9,
            None => VERSION,
        });
        text.push_str(&format!("#EXT-X-TARGETDURATION:{}\n", self.target_duration));
        if let Some(sequence) = self.media_sequence {
            text.push_str(&format!("#EXT-X-MEDIA-SEQUENCE:{sequence}\n"));
        }
        if let Some(sequence) = self.discontinuity_sequence {
            text.push_str(&format!("#EXT-X-DISCONTINUITY-SEQUENCE:{sequence}\n"));
        }
        match self.playlist_type {
            Some(PlaylistType::Event) => text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n"),
            Some(PlaylistType::Vod) if self.is_ended => text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n"),
            Some(PlaylistType::Vod) => {
                let reason = "VOD without an end";
                return Err(ManifestError::Contradiction { place: "EXT-X-PLAYLIST-TYPE", reason });
            }
            None => {}
        }
        push_start(&mut text, self.start_time_offset)?;
        if self.independent_segments {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        if let Some(control) = self.server_control {
            text.push_str(&control.to_line(self.target_duration, self.part_target, layout)?);
        }
        if let Some(target) = self.part_target {
            text.push_str(&format!("#EXT-X-PART-INF:PART-TARGET={}\n", layout.extinf(target)));
        }
        if let Some(skip) = &self.skip {
            text.push_str(&skip.to_line()?);
        }
        for range in &self.date_ranges {
            text.push_str(&range.to_line(layout)?);
        }
        self.push_segments(&mut text, layout)?;
        for hint in &self.preload_hints {
            text.push_str(&hint.to_line()?);
        }
        for report in &self.rendition_reports {
            text.push_str(&report.to_line()?);
        }
        if self.is_ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        Ok(text)
    }

    fn push_segments(&self, text: &mut String, layout: Layout) -> Result<(), ManifestError> {
        let mut before = None;
        for segment in &self.segments {
            if rounded(segment.duration) > self.target_duration {
                let (duration, target_duration) = (segment.duration, self.target_duration);
                return Err(ManifestError::SegmentTooLong { duration, target_duration });
            }
            push_tags(text, &segment.tags)?;
            push_parts(text, &segment.parts, self.part_target, layout)?;
            segment.push_to(text, before, layout)?;
            before = Some(segment);
        }
        if let Some(incomplete) = &self.incomplete_segment {
            push_tags(text, &incomplete.tags)?;
            push_parts(text, &incomplete.parts, self.part_target, layout)?;
        }
        Ok(())
    }

    /// Checks what belongs together in a playlist that grows.
    fn check_live(&self) -> Result<(), ManifestError> {
        let contradiction = |place, reason| Err(ManifestError::Contradiction { place, reason });
        let control = self.server_control.unwrap_or_default();
        if self.part_target.is_some() && control.part_hold_back.is_none() {
            return contradiction("EXT-X-PART-INF", "PART-HOLD-BACK is absent");
        }
        if self.is_ended && (self.incomplete_segment.is_some() || !self.preload_hints.is_empty()) {
            return contradiction("EXT-X-ENDLIST", "media is announced that is still to come");
        }
        let hints = self.preload_hints.iter().enumerate();
        if hints
            .into_iter()
            .any(|(place, hint)| self.preload_hints.iter().take(place).any(|before| before.hint_type == hint.hint_type))
        {
            return contradiction("EXT-X-PRELOAD-HINT", "two hints of one type");
        }
        let Some(skip) = &self.skip else { return Ok(()) };
        if control.can_skip_until.is_none() {
            return contradiction("EXT-X-SKIP", "CAN-SKIP-UNTIL is absent");
        }
        if skip.recently_removed_dateranges.is_some() && !control.can_skip_dateranges {
            return contradiction("RECENTLY-REMOVED-DATERANGES", "CAN-SKIP-DATERANGES is absent");
        }
        if self.media_sequence.is_none() {
            return contradiction("EXT-X-SKIP", "EXT-X-MEDIA-SEQUENCE is absent");
        }
        Ok(())
    }
}

/// Returns a duration in seconds, rounded half up.
const fn rounded(duration: Duration) -> u64 {
    duration.as_secs().saturating_add((duration.subsec_nanos() >= 500_000_000) as u64)
}

impl Segment {
    fn push_to(&self, text: &mut String, before: Option<&Self>, layout: Layout) -> Result<(), ManifestError> {
        text.push_str(&format!("#EXTINF:{},\n", layout.extinf(self.duration)));
        if let Some(range) = self.byte_range {
            let follows = before.is_some_and(|before| before.byte_range.is_some() && before.uri == self.uri);
            text.push_str(&format!("#EXT-X-BYTERANGE:{}\n", range.text("EXT-X-BYTERANGE", follows)?));
        }
        check_uri_line(&self.uri)?;
        text.push_str(&self.uri);
        text.push('\n');
        Ok(())
    }
}
