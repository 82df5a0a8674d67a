//! AAC in the low-overhead transport multiplex (ISO/IEC 14496-3 §1.7.3): one program with one layer, which is what
//! broadcasters send.

use bytes::Bytes;

use super::header::audio_config;
use crate::container::CodecConfig;
use crate::container::bits::Bits;
use crate::container::mp4::audio_config::{self, AAC_RATES};

/// Sub-frames of a multiplex element.
const SUB_FRAMES: u32 = 64;

/// What the multiplex configuration told last.
#[derive(Clone, Debug, Default)]
pub(super) struct Latm {
    layout: Option<Layout>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    asc: Bytes,
    sub_frames: u32,
    samples: u32,
    rate: u32,
    /// Bytes of every frame; `None` when each tells.
    fixed: Option<usize>,
}

/// What an element holds.
#[derive(Debug, PartialEq)]
pub(super) struct Element {
    /// Told when it changed.
    pub config: Option<CodecConfig>,
    /// Samples of each channel in each frame.
    pub samples: u32,
    /// Samples per second that `samples` counts.
    pub rate: u32,
    /// Raw frames.
    pub frames: Vec<Bytes>,
}

impl Latm {
    /// Reads an `AudioMuxElement`. `None` when it is damaged, unlike what is supported, or comes before the first
    /// configuration.
    pub fn read(&mut self, element: &[u8]) -> Option<Element> {
        let mut bits = Bits::new(element);
        let mut config = None;
        if !bits.flag()? {
            let layout = Layout::read(&mut bits)?;
            if self.layout.as_ref() != Some(&layout) {
                let (codec, string, shape) = audio_config::aac(layout.asc.clone(), 0x40)?;
                config = Some(audio_config(codec, string, shape.sample_rate, shape.channels));
                self.layout = Some(layout);
            }
        }
        let layout = self.layout.as_ref()?;
        let mut frames = Vec::new();
        for _ in 0..=layout.sub_frames {
            let size = match layout.fixed {
                Some(size) => size,
                None => told_size(&mut bits)?,
            };
            if size > element.len() {
                return None;
            }
            frames.push(bytes_of(&mut bits, size)?.into());
        }
        Some(Element { config, samples: layout.samples, rate: layout.rate, frames })
    }
}

impl Layout {
    /// Reads a `StreamMuxConfig`.
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let version = bits.take(1)?;
        if version == 1 {
            if bits.flag()? {
                return None;
            }
            value(bits)?;
        }
        let same_framing = bits.flag()?;
        let sub_frames = bits.take(6).filter(|&count| count < SUB_FRAMES)?;
        let (programs, layers) = (bits.take(4)?, bits.take(3)?);
        if !same_framing || programs > 0 || layers > 0 {
            return None;
        }
        let (asc, (rate, samples)) = if version == 0 {
            let mut ahead = bits.clone();
            let shape = specific_config(&mut ahead)?;
            (config_bytes(bits, ahead.position() - bits.position())?, shape)
        } else {
            let length = value(bits)? as usize;
            let shape = specific_config(&mut bits.clone())?;
            (config_bytes(bits, length.min(4096))?, shape)
        };
        let fixed = match bits.take(3)? {
            0 => {
                bits.skip(8)?;
                None
            }
            1 => Some(bits.take(9)? as usize + 20),
            _ => return None,
        };
        if bits.flag()? {
            if version == 1 {
                value(bits)?;
            } else {
                while bits.flag()? {
                    bits.skip(8)?;
                }
                bits.skip(8)?;
            }
        }
        if bits.flag()? {
            bits.skip(8)?;
        }
        Some(Self { asc, sub_frames, samples, rate, fixed })
    }
}

/// `LatmGetValue`.
fn value(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(2)? {
        0 => bits.take(8),
        1 => bits.take(16),
        2 => bits.take(24),
        _ => bits.take(32),
    }
}

fn told_size(bits: &mut Bits<'_>) -> Option<usize> {
    let mut size = 0;
    loop {
        let part = bits.take(8)?;
        size += part as usize;
        if part != 255 {
            return Some(size);
        }
    }
}

fn bytes_of(bits: &mut Bits<'_>, count: usize) -> Option<Vec<u8>> {
    (0..count).map(|_| bits.take(8).map(|byte| byte as u8)).collect()
}

/// The next `length` bits as bytes, filled up with zeros.
fn config_bytes(bits: &mut Bits<'_>, length: usize) -> Option<Bytes> {
    let mut bytes = bytes_of(bits, length / 8)?;
    let left = (length % 8) as u32;
    if left > 0 {
        bytes.push((bits.take(left)? << (8 - left)) as u8);
    }
    Some(bytes.into())
}

/// Passes over an `AudioSpecificConfig` of AAC and gives its core's sampling frequency and samples in a frame.
fn specific_config(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    let mut object = object_type(bits)?;
    let rate = frequency(bits)?;
    let channels = bits.take(4)?;
    if matches!(object, 5 | 29) {
        frequency(bits)?;
        object = object_type(bits)?;
    }
    // Only forms of plain AAC; channels that a program configuration element would describe are not among them.
    if !matches!(object, 1..=4) || channels == 0 {
        return None;
    }
    let short = bits.flag()?;
    if bits.flag()? {
        bits.skip(14)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    Some((rate, if short { 960 } else { 1024 }))
}

fn object_type(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        object => Some(object),
    }
}

fn frequency(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(4)? {
        15 => bits.take(24).filter(|&rate| rate > 0),
        index => AAC_RATES.get(index as usize).copied(),
    }
}
