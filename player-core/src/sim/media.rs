//! Media of a virtual film: samples made directly, or real bytes read by the real demuxer.

use std::sync::Arc;

use bytes::Bytes;

use super::film::{Content, TRACK};
use crate::container::mp4::testmux;
use crate::container::{self, DemuxOutput, Fragment, InitSegment, Payload, Sample, SampleCrypto};
use crate::model::ContainerFormat;
use crate::time::{MediaTime, duration_from_ticks};

/// What every payload is cut from.
static NOTHING: [u8; 1 << 18] = [0; 1 << 18];
/// A segment comes in so many fragments.
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

/// Which samples a segment has: numbered ones of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Ticks per second.
    pub scale: u32,
    /// Ticks a sample.
    pub tick: u32,
    /// Number of the first sample in decoding order.
    pub first: u64,
    /// Number after the last sample in decoding order.
    pub last: u64,
    /// Samples whose number in presentation order is a multiple of this are key frames.
    pub key_every: u64,
    /// Bits per second.
    pub rate: u64,
    /// The order of decoding.
    pub order: Order,
}

impl Layout {
    fn sample_bytes(&self) -> usize {
        let bytes = self.rate * u64::from(self.tick) / (8 * u64::from(self.scale));
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(1, NOTHING.len())
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

/// Real bytes, read by the real demuxer; what it says at each piece is what the engine is told.
pub fn muxed(layout: &Layout, ahead: u64, number: u64, init: &InitSegment, message: bool) -> Option<Content> {
    let bytes = u32::try_from(layout.sample_bytes()).unwrap_or(u32::MAX);
    let tick = i64::from(layout.tick);
    // Composition offsets are negative where decoding times cannot begin earlier.
    let begin = layout.first * u64::from(layout.tick) + ahead;
    let delay = layout.order.delay().min(begin / u64::from(layout.tick));
    let specs: Vec<testmux::SampleSpec> = (layout.first..layout.last)
        .map(|sample| {
            let places = layout.order.shown_at(sample).cast_signed() - sample.cast_signed() + delay.cast_signed();
            let offset = i32::try_from(places * tick).unwrap_or_default();
            (layout.tick, bytes, layout.is_key(sample), offset)
        })
        .collect();
    let base = begin - delay * u64::from(layout.tick);
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let mut file = testmux::segment(TRACK, number, base, &specs);
    if message {
        file = [testmux::event_message("urn:example:inband", number, 1000, 500), file.to_vec()].concat().into();
    }
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

/// How long after its beginning a share of something is reached, for tests that cut media.
pub fn share(size: u64, permille: u32) -> u64 {
    size.saturating_mul(u64::from(permille)) / 1000
}
