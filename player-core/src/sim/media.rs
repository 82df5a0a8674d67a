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

/// Which samples a segment has: numbered ones of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Ticks per second.
    pub scale: u32,
    /// Ticks a sample.
    pub tick: u32,
    /// Number of the first sample.
    pub first: u64,
    /// Number after the last sample.
    pub last: u64,
    /// Samples whose number is a multiple of this are key frames.
    pub key_every: u64,
    /// Bits per second.
    pub rate: u64,
}

impl Layout {
    fn sample_bytes(&self) -> usize {
        let bytes = self.rate * u64::from(self.tick) / (8 * u64::from(self.scale));
        usize::try_from(bytes).unwrap_or(usize::MAX).clamp(1, NOTHING.len())
    }

    fn is_key(&self, number: u64) -> bool {
        number.is_multiple_of(self.key_every)
    }
}

/// Samples without bytes that anybody muxed, but for those that are missing.
pub fn direct(layout: &Layout, ahead: u64, missing: impl Fn(u64) -> bool) -> Content {
    let bytes = layout.sample_bytes();
    let payload = Payload(Bytes::from_static(&NOTHING).slice(..bytes));
    let duration = duration_from_ticks(u64::from(layout.tick), layout.scale);
    let at = |number: u64| {
        MediaTime::from_ticks(i64::try_from(number * u64::from(layout.tick) + ahead).unwrap_or(i64::MAX), layout.scale)
    };
    let make = |number: u64| Sample {
        pts: at(number),
        dts: at(number),
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
    let specs: Vec<testmux::SampleSpec> =
        (layout.first..layout.last).map(|sample| (layout.tick, bytes, layout.is_key(sample), 0)).collect();
    let base = layout.first * u64::from(layout.tick) + ahead;
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
