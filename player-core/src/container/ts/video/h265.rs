//! ITU-T H.265: where an access unit begins (§7.4.2.4.4), which pictures can be entered at, and the
//! `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1) from the parameter sets in the stream.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::h264::cropped;
use super::{NalRole, Syntax, Usability, aspect, skip_signal, ticks, unescape};
use crate::container::bits::Bits;
use crate::container::mp4::codec_string;
use crate::container::{Codec, CodecConfig};

/// Parameter sets are some tens of bytes; with scaling lists and extensions, some hundreds.
const PARAMETER_SET_BYTES: usize = 4096;

/// A sequence parameter set (§7.3.2.2), as far as a player wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sequence {
    nal: Bytes,
    /// Profile space, tier, profile, compatibility, constraints and level (§7.3.3), as stored.
    profile: [u8; 12],
    layers: u8,
    nested: bool,
    width: u32,
    height: u32,
    chroma: u8,
    depths: (u8, u8),
    usability: Usability,
}

/// Reads the NAL units of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct H265 {
    videos: BTreeMap<u8, Bytes>,
    sequences: BTreeMap<u32, Sequence>,
    pictures: BTreeMap<u32, Bytes>,
    changed: bool,
}

impl H265 {
    fn record(&self, sequence: &Sequence) -> Bytes {
        let mut record = vec![1];
        record.extend_from_slice(&sequence.profile);
        // Spatial segmentation, parallelism and the frame rate are left unspecified.
        record.extend([
            0xf0,
            0,
            0xfc,
            0xfc | sequence.chroma,
            0xf8 | sequence.depths.0,
            0xf8 | sequence.depths.1,
            0,
            0,
        ]);
        // Lengths of four bytes.
        record.push(sequence.layers << 3 | u8::from(sequence.nested) << 2 | 3);
        record.push(3);
        array(&mut record, 32, self.videos.values());
        array(&mut record, 33, self.sequences.values().map(|set| &set.nal));
        array(&mut record, 34, self.pictures.values());
        record.into()
    }

    fn learn(&mut self, kind: u8, nal: &[u8]) -> Option<()> {
        let payload = unescape(nal.get(2..)?, PARAMETER_SET_BYTES);
        let mut bits = Bits::new(&payload);
        let bytes = || Bytes::copy_from_slice(nal);
        match kind {
            32 => {
                let before = self.videos.insert(bits.take(4)? as u8, bytes());
                self.changed |= before.is_none_or(|before| before != nal);
            }
            33 => {
                let (id, set) = read_sequence(&payload, bytes())?;
                let before = self.sequences.insert(id, set);
                self.changed |= before.is_none_or(|before| before.nal != nal);
            }
            34 => {
                let id = bits.unsigned().filter(|&id| id < 64)?;
                let before = self.pictures.insert(id, bytes());
                self.changed |= before.is_none_or(|before| before != nal);
            }
            _ => {}
        }
        Some(())
    }
}

/// Adds an array of parameter sets; each is within [`PARAMETER_SET_BYTES`], and there are at most 64.
fn array<'a>(record: &mut Vec<u8>, kind: u8, sets: impl ExactSizeIterator<Item = &'a Bytes>) {
    // Not complete: they may come in the samples too.
    record.push(kind);
    record.extend_from_slice(&(sets.len() as u16).to_be_bytes());
    for set in sets {
        record.extend_from_slice(&(set.len() as u16).to_be_bytes());
        record.extend_from_slice(set);
    }
}

impl Syntax for H265 {
    fn read(&mut self, nal: &[u8], within: bool) -> NalRole {
        let &[first, second, ..] = nal else { return NalRole::default() };
        let (kind, layer) = (first >> 1 & 0x3f, (first & 1) << 5 | second >> 3);
        let mut role = NalRole::default();
        // Other layers accompany the base layer.
        if layer > 0 {
            return role;
        }
        match kind {
            0..=31 => {
                role.picture = true;
                role.starts_unit = within && nal.get(2).is_some_and(|byte| byte & 0x80 != 0);
                role.key = (16..=23).contains(&kind);
            }
            32..=35 | 39 | 41..=44 | 48..=55 => role.starts_unit = within,
            _ => {}
        }
        if nal.len() <= PARAMETER_SET_BYTES {
            // A damaged set is as good as none.
            let _ = self.learn(kind, nal);
        }
        role
    }

    fn new_config(&mut self) -> Option<CodecConfig> {
        if !self.changed || self.pictures.is_empty() {
            return None;
        }
        let sequence = self.sequences.values().next()?;
        let codec = Codec::H265 { hvcc: self.record(sequence), in_band: true };
        let config = CodecConfig {
            codec_string: codec_string::video(&codec, *b"hev1").unwrap_or_else(|| "hev1".to_owned()),
            codec,
            width: Some(sequence.width),
            height: Some(sequence.height),
            pixel_aspect: sequence.usability.aspect,
            rotation: 0,
            sample_rate: None,
            channels: None,
            protection_scheme: None,
        };
        self.changed = false;
        Some(config)
    }

    fn boxed_clone(&self) -> Box<dyn Syntax> {
        Box::new(self.clone())
    }

    fn picture_ticks(&self) -> Option<u32> {
        let (units, scale) = self.sequences.values().next()?.usability.timing?;
        ticks(u64::from(units), scale)
    }
}

fn read_sequence(payload: &[u8], nal: Bytes) -> Option<(u32, Sequence)> {
    let mut bits = Bits::new(payload);
    bits.skip(4)?;
    let sub_layers = bits.take(3)?;
    let nested = bits.flag()?;
    let profile = *payload.get(1..13)?.first_chunk()?;
    bits.skip(96)?;
    skip_sub_layers(&mut bits, sub_layers)?;
    let id = bits.unsigned().filter(|&id| id < 16)?;
    let chroma = bits.unsigned().filter(|&format| format < 4)?;
    let separate = chroma == 3 && bits.flag()?;
    let (width, height) = (bits.unsigned()?, bits.unsigned()?);
    if !(1..=1 << 16).contains(&width) || !(1..=1 << 16).contains(&height) {
        return None;
    }
    let mut crop = [0; 4];
    if bits.flag()? {
        for edge in &mut crop {
            *edge = bits.unsigned()?;
        }
    }
    let mut depth = || bits.unsigned().and_then(|depth| u8::try_from(depth).ok()).filter(|&depth| depth < 8);
    let depths = (depth()?, depth()?);
    let across = if !separate && matches!(chroma, 1 | 2) { 2 } else { 1 };
    let down = if !separate && chroma == 1 { 2 } else { 1 };
    let sequence = Sequence {
        nal,
        profile,
        layers: sub_layers as u8 + 1,
        nested,
        width: cropped(width, crop[0], crop[1], across),
        height: cropped(height, crop[2], crop[3], down),
        chroma: chroma as u8,
        depths,
        usability: read_to_usability(&mut bits, sub_layers).unwrap_or_default(),
    };
    Some((id, sequence))
}

/// The levels and profiles of sub-layers (§7.3.3).
fn skip_sub_layers(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    if sub_layers == 0 {
        return Some(());
    }
    let mut length = 0;
    for layer in 0..8 {
        let (profile, level) = (bits.flag()?, bits.flag()?);
        if layer < sub_layers {
            length += if profile { 88 } else { 0 } + if level { 8 } else { 0 };
        }
    }
    bits.skip(length)
}

/// From past the bit depths to the usability information, which comes last.
fn read_to_usability(bits: &mut Bits<'_>, sub_layers: u32) -> Option<Usability> {
    let order_bits = bits.unsigned().filter(|&log| log <= 12)? + 4;
    let first = if bits.flag()? { 0 } else { sub_layers };
    for _ in first..=sub_layers {
        bits.unsigned()?;
        bits.unsigned()?;
        bits.unsigned()?;
    }
    for _ in 0..6 {
        bits.unsigned()?;
    }
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        bits.unsigned()?;
        bits.unsigned()?;
        bits.skip(1)?;
    }
    skip_short_term_sets(bits)?;
    if bits.flag()? {
        for _ in 0..bits.unsigned().filter(|&count| count <= 32)? {
            bits.skip(order_bits as usize + 1)?;
        }
    }
    bits.skip(2)?;
    if !bits.flag()? {
        return Some(Usability::default());
    }
    read_usability(bits)
}

fn skip_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if !bits.flag()? {
                bits.unsigned()?;
                continue;
            }
            if size > 1 {
                bits.signed()?;
            }
            for _ in 0..64.min(1 << (4 + (size << 1))) {
                bits.signed()?;
            }
        }
    }
    Some(())
}

/// Skips short-term reference picture sets (§7.3.7): each may be coded by its difference from the one before.
fn skip_short_term_sets(bits: &mut Bits<'_>) -> Option<()> {
    let count = bits.unsigned().filter(|&count| count <= 64)?;
    let mut pictures = 0u32;
    for index in 0..count {
        if index > 0 && bits.flag()? {
            bits.skip(1)?;
            bits.unsigned()?;
            let before = std::mem::take(&mut pictures);
            for _ in 0..=before {
                let used = bits.flag()?;
                if used || bits.flag()? {
                    pictures += 1;
                }
            }
        } else {
            let mut side = || bits.unsigned().filter(|&count| count <= 16);
            pictures = side()? + side()?;
            for _ in 0..pictures {
                bits.unsigned()?;
                bits.skip(1)?;
            }
        }
        if pictures > 32 {
            return None;
        }
    }
    Some(())
}

/// The beginning of `vui_parameters` (§E.2.1).
fn read_usability(bits: &mut Bits<'_>) -> Option<Usability> {
    let mut usability = Usability { aspect: aspect(bits)?, timing: None };
    // What follows may be cut off without harm.
    usability.timing = timing(bits);
    Some(usability)
}

/// The time of a picture in ticks, and the ticks of a second.
fn timing(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    skip_signal(bits)?;
    bits.skip(3)?;
    if bits.flag()? {
        for _ in 0..4 {
            bits.unsigned()?;
        }
    }
    if !bits.flag()? {
        return None;
    }
    Some((bits.take(32)?, bits.take(32)?))
}
