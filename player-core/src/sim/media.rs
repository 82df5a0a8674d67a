//! Media of a virtual film: samples made directly, or real bytes read by the real demuxer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::film::{Content, TRACK};
use crate::container::mp4::testmux;
use crate::container::{self, DemuxOutput, Fragment, InitSegment, Payload, Sample, SampleCrypto};
use crate::model::ContainerFormat;
use crate::time::{MediaTime, duration_from_ticks};

/// Zeros from which every payload is cut.
static NOTHING: [u8; 1 << 18] = [0; 1 << 18];
/// Number of fragments of a segment.
const FRAGMENTS: usize = 4;
/// Real bytes are pushed into the demuxer in pieces of this size.
const PIECE: usize = 16 * 1024;

/// The order in which samples of a span are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Number of the first sample of the span; it is decoded and presented first.
    pub first: u64,
    /// Number after the last sample of the span.
    pub last: u64,
    /// After the first, samples come in threes: the last of each is decoded before the two others.
    pub is_reordered: bool,
}

impl Order {
    /// Samples are presented as they are decoded.
    pub const PLAIN: Self = Self { first: 0, last: u64::MAX, is_reordered: false };

    /// Number in presentation order of the sample that is decoded as this one.
    pub const fn shown_at(&self, decoded: u64) -> u64 {
        if !self.is_reordered || decoded <= self.first {
            return decoded;
        }
        let (three, turn) = ((decoded - self.first - 1) / 3 * 3 + self.first + 1, (decoded - self.first - 1) % 3);
        match turn {
            _ if three + 2 >= self.last => decoded,
            0 => three + 2,
            _ => three + turn - 1,
        }
    }

    /// Number in decoding order of a sample that is presented as this one.
    pub const fn decoded_at(&self, shown: u64) -> u64 {
        if !self.is_reordered || shown <= self.first {
            return shown;
        }
        let (three, turn) = ((shown - self.first - 1) / 3 * 3 + self.first + 1, (shown - self.first - 1) % 3);
        match turn {
            _ if three + 2 >= self.last => shown,
            2 => three,
            _ => three + turn + 1,
        }
    }

    /// Samples by which decoding runs ahead of presentation.
    const fn delay(&self) -> u64 {
        if self.is_reordered { 2 } else { 0 }
    }
}

/// Samples of a segment: numbered ones of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Timescale in ticks per second.
    pub scale: u32,
    /// Duration of a sample in ticks.
    pub tick: u32,
    /// Number of the first sample in decoding order.
    pub first: u64,
    /// Number after the last sample in decoding order.
    pub last: u64,
    /// Samples whose number in presentation order is a multiple of this are key frames.
    pub key_every: u64,
    /// Rate in bits per second.
    pub rate: u64,
    /// The order of decoding.
    pub order: Order,
}

impl Layout {
    fn sample_bytes(&self) -> usize {
        let bytes = self.rate * u64::from(self.tick) / (8 * u64::from(self.scale));
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(1, NOTHING.len())
    }

    /// Bytes of its samples in all, but for those that are missing.
    pub fn size(&self, missing: impl Fn(u64) -> bool) -> u64 {
        (self.first..self.last).filter(|number| !missing(*number)).count() as u64 * self.sample_bytes() as u64
    }

    /// Presentation time of the sample of this number in presentation order.
    pub fn time_of(&self, shown: u64) -> Duration {
        Duration::from_nanos(shown * u64::from(self.tick) * 1_000_000_000 / u64::from(self.scale))
    }

    /// True if decoding can begin with the sample of this number in decoding order.
    fn is_key(&self, decoded: u64) -> bool {
        self.order.shown_at(decoded).is_multiple_of(self.key_every)
    }
}

/// Samples without bytes that anybody muxed, but for those that are missing.
pub fn direct(layout: &Layout, ahead: u64, missing: impl Fn(u64) -> bool) -> Content {
    let bytes = layout.sample_bytes();
    let payload = Payload(Bytes::from_static(&NOTHING).slice(..bytes));
    let duration = duration_from_ticks(u64::from(layout.tick), layout.scale);
    let at = |number: u64, delay: u64| {
        let ticks = (number * u64::from(layout.tick) + ahead).cast_signed();
        MediaTime::from_ticks(ticks - (delay * u64::from(layout.tick)).cast_signed(), layout.scale)
    };
    let make = |number: u64| Sample {
        pts: at(layout.order.shown_at(number), 0),
        dts: at(number, layout.order.delay()),
        duration,
        key: layout.is_key(number),
        payload: payload.clone(),
        crypto: None,
    };
    let samples: Vec<Sample> = (layout.first..layout.last).filter(|number| !missing(*number)).map(make).collect();
    let mut size = 0;
    let pieces = samples
        .chunks(samples.len().div_ceil(FRAGMENTS).max(1))
        .map(|chunk| {
            size += (chunk.len() * bytes) as u64;
            (size, vec![DemuxOutput::Fragment(Fragment { track: TRACK, samples: chunk.to_vec() })])
        })
        .collect();
    Content::Media { size, pieces }
}

/// The same media, with every sample encrypted.
pub fn locked(content: Content, key_id: [u8; 16]) -> Content {
    let Content::Media { size, mut pieces } = content else { return content };
    let crypto = SampleCrypto { scheme: *b"cenc", key_id, iv: vec![0; 8], subsamples: Vec::new(), pattern: (0, 0) };
    let crypto = Arc::new(crypto);
    for output in pieces.iter_mut().flat_map(|(_, outputs)| outputs) {
        if let DemuxOutput::Fragment(fragment) = output {
            fragment.samples.iter_mut().for_each(|sample| sample.crypto = Some(Arc::clone(&crypto)));
        }
    }
    Content::Media { size, pieces }
}

/// Effect of the edit list of a track (ISO/IEC 14496-12 §8.6.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Length of an empty edit, milliseconds.
    pub empty_millis: u32,
    /// Ticks that are cut from the beginning of the media.
    pub media_time: u32,
}

impl Edit {
    /// Length of the empty edit in ticks of the track.
    pub fn empty_ticks(self, scale: u32) -> u64 {
        u64::from(self.empty_millis) * u64::from(scale) / 1000
    }
}

/// The part of a track that lies in a segment of real bytes.
#[derive(Clone, Copy, Debug)]
pub struct RealTrack {
    /// Number of the track.
    pub number: u32,
    /// Samples of the track in the segment.
    pub layout: Layout,
    /// Ticks by which timestamps run ahead of the presentation.
    pub ahead: u64,
    /// Effect of the edit list of the track; timestamps make up for it.
    pub edit: Edit,
}

impl RealTrack {
    fn count(&self) -> usize {
        self.layout.last.saturating_sub(self.layout.first) as usize
    }

    /// The decoding time of the first sample, and all samples.
    fn samples(&self) -> (u64, Vec<testmux::SampleSpec>) {
        let layout = &self.layout;
        let bytes = u32::try_from(layout.sample_bytes()).unwrap_or(u32::MAX);
        let tick = i64::from(layout.tick);
        // Composition offsets are negative where decoding times cannot begin earlier.
        let begin = layout.first * u64::from(layout.tick) + self.ahead;
        let delay = layout.order.delay().min(begin / u64::from(layout.tick));
        let spec = |sample: u64| {
            let places = layout.order.shown_at(sample).cast_signed() - sample.cast_signed() + delay.cast_signed();
            let offset = i32::try_from(places * tick).unwrap_or_default();
            (layout.tick, bytes, layout.is_key(sample), offset)
        };
        let base = begin - delay * u64::from(layout.tick) + u64::from(self.edit.media_time)
            - self.edit.empty_ticks(layout.scale);
        (base, (layout.first..layout.last).map(spec).collect())
    }
}

fn message_of(number: u64) -> Vec<u8> {
    testmux::event_message("urn:example:inband", u32::try_from(number).unwrap_or(u32::MAX), 1000, 500)
}

/// The movie fragments of a segment: those who share it alternate.
const fn fragments_of(tracks: &[RealTrack]) -> usize {
    if tracks.len() > 1 { FRAGMENTS } else { 1 }
}

/// The length of [`real_bytes`].
pub fn real_size(tracks: &[RealTrack], number: u64, message: bool) -> u64 {
    let samples = tracks.iter().map(RealTrack::count).sum();
    let bytes = tracks.iter().map(|track| track.count() * track.layout.sample_bytes()).sum();
    let boxes = testmux::fragment_length(tracks.len(), 0, 0) * fragments_of(tracks);
    let media = testmux::fragment_length(0, samples, bytes) - testmux::fragment_length(0, 0, 0);
    let message = if message { message_of(number).len() } else { 0 };
    (message + boxes + media) as u64
}

/// A segment as bytes. Tracks that share it alternate in movie fragments, in the order given.
pub fn real_bytes(tracks: &[RealTrack], number: u64, message: bool) -> Bytes {
    let mut file = if message { message_of(number) } else { Vec::new() };
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let fragments = fragments_of(tracks);
    let samples: Vec<_> = tracks.iter().map(RealTrack::samples).collect();
    for fragment in 0..fragments {
        let mut parts = Vec::new();
        let mut media = Vec::new();
        for (track, (base, all)) in tracks.iter().zip(&samples) {
            let (first, last) = (all.len() * fragment / fragments, all.len() * (fragment + 1) / fragments);
            let part = &all[first..last];
            let boxes = testmux::TestFragment {
                track: track.number,
                sequence: number,
                base_decode_time: base + first as u64 * u64::from(track.layout.tick),
                boxes: &[],
            };
            // All bytes of a track are its number.
            let bytes = part.iter().map(|sample| sample.1 as usize).sum::<usize>();
            media.resize(media.len() + bytes, track.number as u8);
            parts.push((boxes, part));
        }
        file.extend(testmux::fragment_of(&parts, &media));
    }
    file.into()
}

/// Real bytes, read by the real demuxer; its output at each piece is what the engine gets.
pub fn read(file: Bytes, init: &InitSegment) -> Option<Content> {
    let mut demuxer = container::demuxer(ContainerFormat::Fmp4, Some(init)).ok()?;
    let size = file.len() as u64;
    let mut pieces = Vec::new();
    let mut rest = file;
    let mut done = 0;
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(PIECE));
        done += piece.len() as u64;
        pieces.push((done, demuxer.push(piece).ok()?));
    }
    pieces.push((done, demuxer.finish().ok()?));
    Some(Content::Media { size, pieces })
}
