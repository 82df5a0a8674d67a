//! Pictures for the seek bar: which one stands for a time. Nothing is fetched here.

use serde::{Deserialize, Serialize};

use super::{Presentation, SegmentIndex, Thumbnail, ThumbnailTrack};
use crate::time::MediaTime;

/// The thumbnail tracks of one period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThumbnailSpan {
    /// Start of the period.
    pub start: MediaTime,
    /// End of the period, if it is known.
    pub end: Option<MediaTime>,
    /// Its tracks, at least one.
    pub tracks: Vec<ThumbnailTrack>,
}

impl ThumbnailSpan {
    /// The tracks of all periods that have any, in order.
    pub fn all(presentation: &Presentation) -> Vec<Self> {
        let span = |(at, period): (usize, &super::Period)| {
            let next = presentation.periods.get(at + 1).map(|next| next.start);
            let end = period.duration.map(|duration| period.start + duration).or(next);
            Self { start: period.start, end, tracks: period.thumbnails.clone() }
        };
        let periods = presentation.periods.iter().enumerate();
        periods.filter(|(_, period)| !period.thumbnails.is_empty()).map(span).collect()
    }

    /// The picture that stands for `time`: of the narrowest track whose tiles are at least `width` pixels wide, else
    /// of the widest. `None` where there is none.
    pub fn picture_at(spans: &[Self], time: MediaTime, width: u32) -> Option<Thumbnail> {
        let span = spans.iter().find(|span| span.start <= time && span.end.is_none_or(|end| time < end))?;
        let tile = |track: &ThumbnailTrack| track.representation.width.unwrap_or(0) / track.columns.max(1);
        let best = span.tracks.iter().min_by_key(|track| {
            let tile = tile(track);
            if tile >= width { (false, tile) } else { (true, u32::MAX - tile) }
        })?;
        best.picture_at(time)
    }
}

impl ThumbnailTrack {
    /// The picture that stands for a time (DASH-IF IOP, "thumbnail tiles": the tiles of a segment share its length
    /// evenly). `None` outside of the track, or while its index is not known.
    pub fn picture_at(&self, time: MediaTime) -> Option<Thumbnail> {
        let SegmentIndex::Known(list) = &self.representation.index else { return None };
        let segment = list.get(list.at(time)?)?;
        // The last segment may be cut at the period's end; its tiles are as long as all others.
        let whole = list.span(0).map_or(segment.duration, |(_, first)| first.max(segment.duration));
        let (columns, rows) = (self.columns.max(1), self.rows.max(1));
        let tiles = columns.saturating_mul(rows);
        let duration = whole / tiles;
        let within = time.since(segment.start).as_nanos().checked_div(duration.as_nanos())?;
        let tile = u32::try_from(within).unwrap_or(u32::MAX).min(tiles - 1);
        let (width, height) = match (self.representation.width, self.representation.height) {
            (Some(width), Some(height)) => (width / columns, height / rows),
            _ => (0, 0),
        };
        Some(Thumbnail {
            resource: segment.resource,
            x: (tile % columns).saturating_mul(width),
            y: (tile / columns).saturating_mul(height),
            width,
            height,
            start: segment.start + duration * tile,
            duration,
        })
    }
}
