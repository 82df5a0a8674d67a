//! The segments of a virtual film by its shape: numbers and timestamps that begin late, unequal lengths, pictures that
//! are decoded in another order than they are presented.

use std::time::Duration;

use super::film::{AAC_FRAME, AUDIO_SCALE, Film, VIDEO_SCALE};
use super::media::{Layout, Order};
use super::shape::{Addressing, Shape};
use crate::model::Protocol;

/// Pictures of video per second.
const FRAME_RATE: u64 = 24;
/// Pictures from one key frame to the next: two seconds.
const GROUP: u64 = 48;
/// Rates of consecutive segments, in hundredths of the rate of their rung.
const RATES: [u64; 4] = [80, 120, 95, 105];

impl Film {
    /// The number of segments of each kind.
    pub(super) fn segments(&self) -> u64 {
        (self.duration.as_nanos().div_ceil(self.segment.as_nanos().max(1))) as u64
    }

    /// The number that the manifest gives the first segment of video (`v`), audio (`a`) or text.
    pub(super) const fn first_number(&self, group: &str) -> u64 {
        match group.as_bytes() {
            b"a" => self.shape.first_audio_number,
            _ => self.shape.first_number,
        }
    }

    /// The file name of a segment by its place from the beginning, without the extension. In DASH it is its number.
    pub fn file_of(&self, group: &str, place: u64) -> String {
        match self.protocol {
            Protocol::Hls => place.to_string(),
            Protocol::Dash => self.number_of(group, place).to_string(),
        }
    }

    /// The place of a segment from the beginning, by its file name without the extension.
    pub(super) fn place_of(&self, group: &str, file: &str) -> Option<u64> {
        let number: u64 = file.parse().ok()?;
        let place = match self.protocol {
            Protocol::Hls => number,
            Protocol::Dash => {
                let number = number.checked_sub(self.first_number(group))?;
                let mut present = (0..self.segments()).filter(|place| !self.is_hole(group, *place));
                present.nth(usize::try_from(number).ok()?)?
            }
        };
        (place < self.segments()).then_some(place)
    }

    /// Returns the `$Number$` of a segment: segments that no representation has are not counted.
    pub(super) fn number_of(&self, group: &str, place: u64) -> u64 {
        self.first_number(group) + (0..place).filter(|place| !self.is_hole(group, *place)).count() as u64
    }

    /// Returns true if the `SegmentTimeline` of a template leaves the segment out: each representation lacks it.
    pub(super) fn is_hole(&self, group: &str, place: u64) -> bool {
        if self.protocol == Protocol::Hls || !self.shape.uneven || self.addressing(group) != Addressing::Files {
            return false;
        }
        match group {
            "v" => self.ladder.iter().all(|rung| self.is_gap(&rung.id, place)),
            "a" => {
                let mut names = self.voices.iter().flat_map(|voice| self.sounds_of(voice)).map(|(name, _)| name);
                names.all(|name| self.is_gap(&name, place))
            }
            _ => false,
        }
    }

    /// The path of a segment with its place instead of its number; `None` if they are equal or it is no segment.
    pub(super) fn path_by_place(&self, path: &str) -> Option<String> {
        let (folder, file) = path.rsplit_once('/')?;
        let group = folder.strip_prefix("/film/")?.split('/').next()?;
        let (number, extension) = file.rsplit_once('.')?;
        let place = self.place_of(group, number).filter(|place| place.to_string() != number)?;
        Some(format!("{folder}/{place}.{extension}"))
    }

    /// The begin and end of a segment in seconds.
    pub fn span_of(&self, group: &str, place: u64) -> (u64, u64) {
        (self.border(group, place), self.border(group, place + 1))
    }

    /// The begin of a segment, or the end of the film. Periods begin with a segment of every kind.
    fn border(&self, group: &str, place: u64) -> u64 {
        let segment = self.segment.as_secs();
        let nominal = (place * segment).min(self.duration.as_secs());
        let last = self.duration.as_secs().saturating_sub(1) / segment.max(1) <= place;
        if !self.shape.uneven || segment < 4 || place == 0 || last || self.period_begin(nominal) == nominal {
            return nominal;
        }
        match group {
            "v" if place % 2 == 1 => nominal + segment / 4 * 2,
            "a" if place % 3 == 1 => nominal + 1,
            _ => nominal,
        }
    }

    /// The length of the longest segment of a kind in seconds.
    pub(super) fn longest(&self, group: &str) -> u64 {
        let lengths = (0..self.segments()).map(|place| self.span_of(group, place)).map(|(begin, end)| end - begin);
        lengths.max().unwrap_or_default()
    }

    /// The length of a period in seconds.
    pub(super) fn period_length(&self) -> u64 {
        self.duration.as_secs() / u64::from(self.periods.max(1))
    }

    /// The begin of the period that holds a second.
    fn period_begin(&self, second: u64) -> u64 {
        second / self.period_length().max(1) * self.period_length()
    }

    /// Ticks by which media timestamps run ahead of the presentation.
    pub(super) fn ahead(&self, scale: u32) -> u64 {
        (self.media_offset.as_nanos() * u128::from(scale) / 1_000_000_000) as u64
    }

    /// The rate of a segment of a rung of this rate.
    pub(super) const fn segment_rate(&self, rate: u64, place: u64) -> u64 {
        if self.shape.announced_from.is_some() {
            rate * RATES[(place % RATES.len() as u64) as usize] / 100
        } else {
            rate
        }
    }

    /// The samples of a segment of video.
    pub(super) fn video_layout(&self, place: u64, rate: u64) -> Layout {
        let (begin, end) = self.span_of("v", place);
        let origin = self.period_begin(begin);
        let close = (origin + self.period_length()).min(self.duration.as_secs());
        let order = Order { first: origin * FRAME_RATE, last: close * FRAME_RATE, is_reordered: self.shape.reordered };
        Layout {
            scale: VIDEO_SCALE,
            tick: VIDEO_SCALE / FRAME_RATE as u32,
            first: order.decoded_at(begin * FRAME_RATE),
            last: if end == close { end * FRAME_RATE } else { order.decoded_at(end * FRAME_RATE) },
            key_every: GROUP,
            rate: self.segment_rate(rate, place),
            order,
        }
    }

    /// The samples of audio that begin in a span of seconds.
    pub(super) fn audio_layout(&self, (begin, end): (u64, u64), rate: u64) -> Layout {
        let frame_at = |second: u64| (second * u64::from(AUDIO_SCALE)).div_ceil(u64::from(AAC_FRAME));
        let nanos = self.duration.saturating_sub(self.audio_short).as_nanos();
        let limit = nanos * u128::from(AUDIO_SCALE) / (1_000_000_000 * u128::from(AAC_FRAME));
        let last = frame_at(end).min(limit as u64);
        let first = frame_at(begin).max(self.shape.late_audio).min(last);
        Layout { scale: AUDIO_SCALE, tick: AAC_FRAME, first, last, key_every: 1, rate, order: Order::PLAIN }
    }

    /// The irregular film: its [`Shape`] is [`Shape::IRREGULAR`] and its media timestamps begin beyond 32 bits.
    #[must_use]
    pub(super) const fn made_irregular(mut self) -> Self {
        self.shape = Shape::IRREGULAR;
        self.media_offset = Duration::from_secs(60 * 3600);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::DemuxOutput;
    use crate::sim::film::Content;

    const MINUTE: Duration = Duration::from_secs(60);

    fn pts(content: Option<Content>) -> Vec<(i64, i64, bool)> {
        let Some(Content::Media { pieces, .. }) = content else { panic!("media") };
        let mut samples = Vec::new();
        for output in pieces.into_iter().flat_map(|(_, outputs)| outputs) {
            if let DemuxOutput::Fragment(fragment) = output {
                samples.extend(fragment.samples.iter().map(|s| (s.pts.as_nanos(), s.dts.as_nanos(), s.key)));
            }
        }
        samples
    }

    #[test]
    fn every_picture_of_an_irregular_film_lies_in_one_segment_and_is_decoded_before_it_is_presented() {
        for (protocol, periods) in [(Protocol::Hls, 1), (Protocol::Dash, 1), (Protocol::Dash, 3)] {
            let mut film = Film::new(protocol, MINUTE);
            film.periods = periods;
            let samples: Vec<_> = (0..film.segments())
                .flat_map(|place| pts(film.content(&format!("/film/v/240p/{}.m4s", film.file_of("v", place)))))
                .collect();
            assert_eq!(samples.len(), 60 * 24);
            assert!(samples.windows(2).all(|pair| pair[0].1 < pair[1].1), "decoding times grow");
            assert!(samples.iter().all(|(pts, dts, _)| dts <= pts), "{protocol:?}");
            let mut shown: Vec<i64> = samples.iter().map(|(pts, ..)| *pts).collect();
            shown.sort_unstable();
            let wanted = |place: i64| 60 * 3600 * 1_000_000_000 + place * 1_000_000_000 / 24;
            assert!(shown.iter().zip(0..).all(|(pts, place)| pts.abs_diff(wanted(place)) < 2), "none missing");
            let keys = samples.iter().filter(|(.., key)| *key).count();
            assert_eq!(keys, 30);
        }
    }

    #[test]
    fn segments_differ_in_length_and_cover_the_film() {
        let film = Film::new(Protocol::Dash, MINUTE);
        for group in ["v", "a", "t"] {
            let spans: Vec<_> = (0..film.segments()).map(|place| film.span_of(group, place)).collect();
            assert_eq!((spans[0].0, spans.last().map(|(_, end)| *end)), (0, Some(60)), "{group}");
            assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0 && pair[0].0 < pair[0].1), "{spans:?}");
        }
        assert_eq!((film.longest("v"), film.longest("a"), film.longest("t")), (6, 5, 4));
        let mut three = film;
        three.periods = 3;
        assert!((0..15).any(|place| three.span_of("v", place).0 == 20), "a period begins with a segment");
        assert_eq!(Film::plain(Protocol::Dash, MINUTE).longest("v"), 4);
    }
}
