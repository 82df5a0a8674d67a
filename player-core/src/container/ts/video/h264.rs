//! ITU-T H.264: where an access unit begins (§7.4.1.2.3, §7.4.1.2.4), which pictures can be entered at, and the
//! `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1) from the parameter sets in the stream.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{NalRole, Syntax, Usability, aspect, skip_signal, ticks, unescape};
use crate::container::bits::Bits;
use crate::container::{Codec, CodecConfig};

/// Parameter sets are some tens of bytes; with scaling lists, some hundreds.
const PARAMETER_SET_BYTES: usize = 4096;
/// Bytes of a slice header that suffice to distinguish it from the next picture's.
const SLICE_HEADER_BYTES: usize = 64;

/// A sequence parameter set (§7.3.2.1), as far as a player wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sequence {
    nal: Bytes,
    width: u32,
    height: u32,
    chroma: u8,
    depths: (u8, u8),
    separate_planes: bool,
    frame_num_bits: u32,
    order_type: u32,
    order_bits: u32,
    delta_always_zero: bool,
    frames_only: bool,
    usability: Usability,
}

/// A picture parameter set (§7.3.2.2), as far as slice headers depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    nal: Bytes,
    sequence: u32,
    bottom_order: bool,
}

/// Fields that distinguish the slices of one picture from those of the next (§7.4.1.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slice {
    first_macroblock: u32,
    parameter_set: u32,
    frame_num: u32,
    field: (bool, bool),
    reference: bool,
    idr: Option<u32>,
    order: (u32, i32),
    deltas: (i32, i32),
}

/// Reads the NAL units of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct H264 {
    sequences: BTreeMap<u32, Sequence>,
    pictures: BTreeMap<u32, Picture>,
    slice: Option<Slice>,
    /// Parameter sets changed since the last configuration, which was made for this sequence.
    changed: bool,
    configured: Option<u32>,
}

impl H264 {
    fn read_slice(&self, nal: &[u8]) -> Option<Slice> {
        let header = *nal.first()?;
        let payload = unescape(nal.get(1..)?, SLICE_HEADER_BYTES);
        let mut bits = Bits::new(&payload);
        let mut slice =
            Slice { first_macroblock: bits.unsigned()?, reference: header >> 5 & 3 != 0, ..Slice::default() };
        bits.unsigned()?;
        slice.parameter_set = bits.unsigned()?;
        let Some((picture, sequence)) = self
            .pictures
            .get(&slice.parameter_set)
            .and_then(|picture| Some((picture, self.sequences.get(&picture.sequence)?)))
        else {
            return Some(slice);
        };
        if sequence.separate_planes {
            bits.skip(2)?;
        }
        slice.frame_num = bits.take(sequence.frame_num_bits)?;
        if !sequence.frames_only && bits.flag()? {
            slice.field = (true, bits.flag()?);
        }
        if header & 31 == 5 {
            slice.idr = Some(bits.unsigned()?);
        }
        match sequence.order_type {
            0 => {
                slice.order.0 = bits.take(sequence.order_bits)?;
                if picture.bottom_order && !slice.field.0 {
                    slice.order.1 = bits.signed()?;
                }
            }
            1 if !sequence.delta_always_zero => {
                slice.deltas.0 = bits.signed()?;
                if picture.bottom_order && !slice.field.0 {
                    slice.deltas.1 = bits.signed()?;
                }
            }
            _ => {}
        }
        Some(slice)
    }

    fn record(&self, first: &Sequence) -> Bytes {
        let sequences: Vec<_> = self.sequences.values().map(|set| &set.nal).take(31).collect();
        let pictures: Vec<_> = self.pictures.values().map(|set| &set.nal).take(255).collect();
        let head = first.nal.get(1..4).unwrap_or(&[0, 0, 0]);
        let mut record = vec![1];
        record.extend_from_slice(head);
        // Lengths of four bytes; the upper bits are reserved ones.
        record.push(0xff);
        record.push(0xe0 | sequences.len() as u8);
        append(&mut record, &sequences);
        record.push(pictures.len() as u8);
        append(&mut record, &pictures);
        if !matches!(head.first(), Some(66 | 77 | 88)) {
            record.extend([0xfc | first.chroma, 0xf8 | first.depths.0, 0xf8 | first.depths.1, 0]);
        }
        record.into()
    }
}

/// Adds parameter sets with their lengths, which are within [`PARAMETER_SET_BYTES`].
fn append(record: &mut Vec<u8>, sets: &[&Bytes]) {
    for set in sets {
        record.extend_from_slice(&(set.len() as u16).to_be_bytes());
        record.extend_from_slice(set);
    }
}

impl Slice {
    /// True when this slice belongs to another picture than the one before it.
    fn begins_picture(&self, before: &Self, known: bool) -> bool {
        if !known {
            return self.first_macroblock == 0;
        }
        self.parameter_set != before.parameter_set
            || self.frame_num != before.frame_num
            || self.field != before.field
            || self.reference != before.reference
            || self.idr != before.idr
            || self.order != before.order
            || self.deltas != before.deltas
    }
}

impl Syntax for H264 {
    fn read(&mut self, nal: &[u8], within: bool) -> NalRole {
        let kind = nal.first().map_or(0, |header| header & 31);
        let mut role = NalRole::default();
        match kind {
            1 | 2 | 5 => {
                let slice = self.read_slice(nal).unwrap_or_default();
                let known = self.pictures.contains_key(&slice.parameter_set);
                let before = self.slice.replace(slice);
                role.starts_unit = within && before.is_some_and(|before| slice.begins_picture(&before, known));
                role.picture = true;
                role.key = kind == 5;
            }
            // Further partitions of a slice.
            3 | 4 => role.picture = true,
            6 => {
                role.starts_unit = within;
                role.key = has_recovery_point(nal);
            }
            7 => {
                role.starts_unit = within;
                if let Some((id, set)) = read_sequence(nal) {
                    self.changed |= self.sequences.get(&id) != Some(&set);
                    self.sequences.insert(id, set);
                }
            }
            8 => {
                role.starts_unit = within;
                if let Some((id, set)) = read_picture(nal) {
                    self.changed |= self.pictures.get(&id) != Some(&set);
                    self.pictures.insert(id, set);
                }
            }
            9 | 15 => role.starts_unit = within,
            _ => {}
        }
        role
    }

    fn new_config(&mut self) -> Option<CodecConfig> {
        let in_use = self.slice.and_then(|slice| self.pictures.get(&slice.parameter_set));
        let picture = in_use.or_else(|| self.pictures.values().next())?;
        let id = Some(picture.sequence).filter(|id| self.sequences.contains_key(id));
        let id = id.or_else(|| self.sequences.keys().next().copied())?;
        if !self.changed && self.configured == Some(id) {
            return None;
        }
        let sequence = self.sequences.get(&id)?;
        let [profile, constraints, level] = *sequence.nal.get(1..4)?.first_chunk()?;
        let config = CodecConfig {
            codec: Codec::H264 { avcc: self.record(sequence), in_band: true },
            codec_string: format!("avc3.{profile:02X}{constraints:02X}{level:02X}"),
            width: Some(sequence.width),
            height: Some(sequence.height),
            pixel_aspect: sequence.usability.aspect,
            rotation: 0,
            sample_rate: None,
            channels: None,
            protection_scheme: None,
        };
        (self.changed, self.configured) = (false, Some(id));
        Some(config)
    }

    fn boxed_clone(&self) -> Box<dyn Syntax> {
        Box::new(self.clone())
    }

    fn picture_ticks(&self) -> Option<u32> {
        let (units, scale) = self.sequences.values().next()?.usability.timing?;
        // Two ticks a frame, one a field (§E.2.1).
        let fields = if self.slice.is_some_and(|slice| slice.field.0) { 1 } else { 2 };
        ticks(u64::from(units) * fields, scale)
    }
}

/// Looks for a recovery point message (§D.1.8) among the messages of a SEI unit.
fn has_recovery_point(nal: &[u8]) -> bool {
    let payload = unescape(nal.get(1..).unwrap_or_default(), PARAMETER_SET_BYTES);
    let mut rest = &payload[..];
    // The trailing bits stand alone in the last byte.
    while rest.len() > 2 {
        let Some((kind, after)) = sei_number(rest) else { return false };
        let Some((size, after)) = sei_number(after) else { return false };
        if kind == 6 {
            return true;
        }
        rest = after.get(size..).unwrap_or_default();
    }
    false
}

fn sei_number(mut bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        number += usize::from(byte);
        bytes = rest;
        if byte != 255 {
            return Some((number, bytes));
        }
    }
}

fn read_picture(nal: &[u8]) -> Option<(u32, Picture)> {
    if nal.len() > PARAMETER_SET_BYTES {
        return None;
    }
    let payload = unescape(nal.get(1..)?, PARAMETER_SET_BYTES);
    let mut bits = Bits::new(&payload);
    let id = bits.unsigned().filter(|&id| id < 256)?;
    let sequence = bits.unsigned().filter(|&id| id < 32)?;
    bits.skip(1)?;
    Some((id, Picture { nal: Bytes::copy_from_slice(nal), sequence, bottom_order: bits.flag()? }))
}

fn read_sequence(nal: &[u8]) -> Option<(u32, Sequence)> {
    if nal.len() > PARAMETER_SET_BYTES {
        return None;
    }
    let payload = unescape(nal.get(1..)?, PARAMETER_SET_BYTES);
    let mut bits = Bits::new(&payload);
    let profile = bits.take(8)?;
    bits.skip(16)?;
    let id = bits.unsigned().filter(|&id| id < 32)?;
    let (mut chroma, mut depths, mut separate_planes) = (1, (0, 0), false);
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma = bits.unsigned().filter(|&format| format < 4)?;
        if chroma == 3 {
            separate_planes = bits.flag()?;
        }
        let mut depth = || bits.unsigned().and_then(|depth| u8::try_from(depth).ok()).filter(|&depth| depth < 8);
        depths = (depth()?, depth()?);
        bits.skip(1)?;
        if bits.flag()? {
            skip_scaling_lists(&mut bits, if chroma == 3 { 12 } else { 8 })?;
        }
    }
    let frame_num_bits = bits.unsigned().filter(|&log| log <= 12)? + 4;
    let order_type = bits.unsigned()?;
    let (mut order_bits, mut delta_always_zero) = (0, false);
    match order_type {
        0 => order_bits = bits.unsigned().filter(|&log| log <= 12)? + 4,
        1 => {
            delta_always_zero = bits.flag()?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.unsigned().filter(|&count| count < 256)? {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?;
    bits.skip(1)?;
    let side = |bits: &mut Bits<'_>| bits.unsigned().filter(|&blocks| blocks < 4096).map(|blocks| (blocks + 1) * 16);
    let (width, height) = (side(&mut bits)?, side(&mut bits)?);
    let frames_only = bits.flag()?;
    let height = if frames_only { height } else { height * 2 };
    if !frames_only {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    let mut crop = [0; 4];
    if bits.flag()? {
        for edge in &mut crop {
            *edge = bits.unsigned()?;
        }
    }
    let usability = if bits.flag()? { read_usability(&mut bits).unwrap_or_default() } else { Usability::default() };
    let across = if matches!(chroma, 1 | 2) { 2 } else { 1 };
    let down = if chroma == 1 { 2 } else { 1 } * if frames_only { 1 } else { 2 };
    let sequence = Sequence {
        nal: Bytes::copy_from_slice(nal),
        width: cropped(width, crop[0], crop[1], across),
        height: cropped(height, crop[2], crop[3], down),
        chroma: chroma as u8,
        depths,
        separate_planes,
        frame_num_bits,
        order_type,
        order_bits,
        delta_always_zero,
        frames_only,
        usability,
    };
    Some((id, sequence))
}

/// A side without its cropped edges; a cropping that leaves nothing is damage, and is ignored.
pub(super) fn cropped(side: u32, before: u32, after: u32, unit: u32) -> u32 {
    let edges = before.checked_add(after).and_then(|edges| edges.checked_mul(unit));
    edges.and_then(|edges| side.checked_sub(edges)).filter(|&left| left > 0).unwrap_or(side)
}

fn skip_scaling_lists(bits: &mut Bits<'_>, lists: u32) -> Option<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8i32, 8i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?.clamp(-256, 256)).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// The beginning of `vui_parameters` (§E.1.1).
fn read_usability(bits: &mut Bits<'_>) -> Option<Usability> {
    let mut usability = Usability { aspect: aspect(bits)?, timing: None };
    // What follows may be cut off without harm.
    usability.timing = timing(bits);
    Some(usability)
}

/// The time of a picture in ticks, and the ticks of a second.
fn timing(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    skip_signal(bits)?;
    if !bits.flag()? {
        return None;
    }
    Some((bits.take(32)?, bits.take(32)?))
}
