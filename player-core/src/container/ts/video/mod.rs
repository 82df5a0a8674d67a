//! Coded video in byte stream format: access units out of bytes, and what their parameter sets say.
//!
//! `annexb` cuts, `h264` and `h265` know where a picture begins and build the decoder's record; `mpeg` only separates
//! pictures.

pub(super) mod annexb;
pub(super) mod h264;
pub(super) mod h265;
pub(super) mod mpeg;

use crate::container::bits::Bits;
use crate::container::{CodecConfig, PixelAspect};

/// Role of a NAL unit in the cutting of access units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NalRole {
    /// True if it is the first one of an access unit when pictures precede it.
    pub starts_unit: bool,
    /// It holds a part of a picture.
    pub picture: bool,
    /// Decoding can begin with its access unit.
    pub key: bool,
}

/// The syntax of one codec: reads every NAL unit in order.
pub(super) trait Syntax: std::fmt::Debug + Send + Sync {
    /// Reads one NAL unit (without its start code) and remembers what later ones need. `within` means that the access
    /// unit so far holds a part of a picture.
    fn read(&mut self, nal: &[u8], within: bool) -> NalRole;

    /// The configuration for the picture that was read last, when its parameter sets are known and anything about
    /// them changed since the last call.
    fn new_config(&mut self) -> Option<CodecConfig>;

    /// Duration of a picture (or field) in ticks of 90 kHz as the parameter sets tell it.
    fn picture_ticks(&self) -> Option<u32>;

    /// Returns a copy with everything that was read.
    fn boxed_clone(&self) -> Box<dyn Syntax>;
}

impl Clone for Box<dyn Syntax> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// Removes emulation prevention bytes (ITU-T H.264 §7.3.1, H.265 §7.3.1.1), of at most `limit` bytes of payload.
pub(super) fn unescape(nal: &[u8], limit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len().min(limit));
    let mut zeros = 0;
    for &byte in nal {
        if out.len() == limit {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Sample aspect ratios by `aspect_ratio_idc` (ITU-T H.264 table E-1).
const ASPECTS: [(u32, u32); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// Video usability information that a player needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usability {
    /// The shape of a pixel.
    pub aspect: Option<PixelAspect>,
    /// Clock ticks' duration: units in a tick, and ticks in a second.
    pub timing: Option<(u32, u32)>,
}

/// Reads `aspect_ratio_info_present_flag` and what follows it.
fn aspect(bits: &mut Bits<'_>) -> Option<Option<PixelAspect>> {
    if !bits.flag()? {
        return Some(None);
    }
    let (horizontal, vertical) = match bits.take(8)? {
        255 => (bits.take(16)?, bits.take(16)?),
        index => (index as usize).checked_sub(1).and_then(|index| ASPECTS.get(index).copied()).unwrap_or((0, 0)),
    };
    Some(Some(PixelAspect { horizontal, vertical }).filter(|_| horizontal > 0 && vertical > 0))
}

/// Passes over overscan, signal type and chroma location, which both codecs have alike.
fn skip_signal(bits: &mut Bits<'_>) -> Option<()> {
    if bits.flag()? {
        bits.skip(1)?;
    }
    if bits.flag()? {
        bits.skip(4)?;
        if bits.flag()? {
            bits.skip(24)?;
        }
    }
    if bits.flag()? {
        bits.unsigned()?;
        bits.unsigned()?;
    }
    Some(())
}

/// Ticks of 90 kHz that `units` of a clock with `scale` ticks a second last; `None` when absurd.
fn ticks(units: u64, scale: u32) -> Option<u32> {
    let ticks = (units * 90_000).checked_div(u64::from(scale))?;
    u32::try_from(ticks).ok().filter(|&ticks| (90..=90_000 * 60).contains(&ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulation_prevention_is_removed() {
        assert_eq!(unescape(&[0, 0, 3, 1, 0, 0, 3], 99), [0, 0, 1, 0, 0]);
        assert_eq!(unescape(&[0, 0, 3, 0, 0, 3, 0], 99), [0, 0, 0, 0, 0]);
        assert_eq!(unescape(&[9, 9, 9], 2), [9, 9]);
    }
}
