//! Samples of a track: numbered from the zero of their grid, and cut at the nominal boundaries of segments and parts.

use super::timeline::Segment;
use crate::model::MediaKind;
use crate::time::MediaTime;

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// A track: samples of equal duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track {
    /// Number of the track in its file.
    pub(super) number: u32,
    /// Video or audio.
    pub(super) kind: MediaKind,
    /// Ticks per second.
    pub(super) scale: u32,
    /// Duration of a sample in ticks.
    pub(super) tick: u32,
    /// Nanoseconds by which its boundaries lie later, but at the ends of chapters.
    pub(super) shift: u64,
    /// Samples from one key frame to the next within a segment.
    pub(super) key_every: u64,
    /// Bytes of a sample.
    pub(super) bytes: usize,
    /// Ticks by which media timestamps run ahead.
    pub(super) ahead: u64,
}

/// Samples of a track in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Track of the samples.
    pub(super) track: Track,
    /// Number of the first.
    pub(super) first: u64,
    /// Number after the last.
    pub(super) last: u64,
}

impl Span {
    /// Returns the duration in nanoseconds, rounded to the nearest.
    pub(super) fn duration(&self) -> u64 {
        let ticks = u128::from((self.last - self.first) * u64::from(self.track.tick));
        let scale = u128::from(self.track.scale);
        ((ticks * SECOND + scale / 2) / scale) as u64
    }
}

impl Track {
    /// Returns the service time at which the track has a nominal boundary of a segment.
    fn shifted(&self, segment: &Segment, at: u64) -> u64 {
        let (run_start, run_end) = segment.run_span;
        let is_edge = [segment.chapter_start, segment.chapter_end, run_start, run_end].contains(&at);
        if is_edge { at } else { at + self.shift }
    }

    /// Returns the service times at which a segment of the track begins and ends.
    pub(super) fn bounds(&self, segment: &Segment) -> (u64, u64) {
        (self.shifted(segment, segment.start), self.shifted(segment, segment.end))
    }

    /// Returns the number of the first sample at or after a service time.
    fn boundary(&self, segment: &Segment, time: u64) -> u64 {
        let since = u128::from(time.saturating_sub(segment.grid));
        (since * u128::from(self.scale)).div_ceil(SECOND * u128::from(self.tick)) as u64
    }

    /// Returns the samples of a segment between two service times.
    pub(super) fn span(&self, segment: &Segment, from: u64, to: u64) -> Span {
        let limit = self.boundary(segment, self.bounds(segment).1);
        let first = self.boundary(segment, from).min(limit);
        Span { track: *self, first, last: self.boundary(segment, to).clamp(first, limit) }
    }

    /// Returns the samples of a segment.
    pub(super) fn whole(&self, segment: &Segment) -> Span {
        let (start, end) = self.bounds(segment);
        self.span(segment, start, end)
    }

    /// Returns the service time at which a sample begins, rounded up.
    pub(super) fn time_of(&self, segment: &Segment, number: u64) -> u64 {
        let ticks = u128::from(number) * u128::from(self.tick);
        segment.grid + (ticks * SECOND).div_ceil(u128::from(self.scale)) as u64
    }

    /// Returns the media timestamp of a sample in ticks.
    pub(super) fn ticks_of(&self, segment: &Segment, number: u64) -> u64 {
        number * u64::from(self.tick) + self.base(segment, segment.grid)
    }

    /// Returns the media timestamp of a service time within the segment's chapter, in ticks.
    pub(super) fn ticks_at(&self, segment: &Segment, time: u64) -> u64 {
        let since = u128::from(time - segment.grid) * u128::from(self.scale);
        self.base(segment, segment.grid) + ((since + SECOND / 2) / SECOND) as u64
    }

    fn base(&self, segment: &Segment, grid: u64) -> u64 {
        let base = (u128::from(grid) * u128::from(self.scale) + SECOND / 2) / SECOND;
        self.ahead + if segment.is_from_zero { 0 } else { base as u64 }
    }

    /// Returns true if decoding can begin with a sample of a segment.
    pub(super) fn is_key(&self, segment: &Segment, number: u64) -> bool {
        (number - self.whole(segment).first).is_multiple_of(self.key_every)
    }

    /// Returns a media timestamp as a time.
    pub(super) fn media_time(&self, ticks: u64) -> MediaTime {
        MediaTime::from_ticks(ticks.cast_signed(), self.scale)
    }
}
