//! AAC in the low-overhead transport multiplex (ISO/IEC 14496-3 §1.7.3): one program with one layer, which is what
//! broadcasters send.

use bytes::Bytes;

use super::header::audio_config;
use crate::container::CodecConfig;
use crate::container::bits::Bits;
use crate::container::mp4::audio_config::{self, AAC_RATES};

/// Sub-frames of a multiplex element.
const SUB_FRAMES: u32 = 64;

/// Values of the last multiplex configuration.
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
    /// Bytes of every frame; `None` if each frame declares its own length.
    fixed: Option<usize>,
}

/// Content of an element.
#[derive(Debug, PartialEq)]
pub(super) struct Element {
    /// Configuration, if it changed.
    pub config: Option<CodecConfig>,
    /// Samples of each channel in each frame.
    pub samples: u32,
    /// Samples per second that `samples` counts.
    pub rate: u32,
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
    /// Reads a `StreamMuxConfig` (ISO/IEC 14496-3 §1.7.3).
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

/// Reads a `LatmGetValue` (§1.7.3).
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits as text: each field is a value and its width.
    fn packed(fields: &[(u32, u32)]) -> Vec<u8> {
        let bits: String =
            fields.iter().map(|(value, width)| format!("{value:0width$b}", width = *width as usize)).collect();
        let byte = |bits: &[u8]| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | (bit - b'0') << (7 - at));
        bits.as_bytes().chunks(8).map(byte).collect()
    }

    /// AAC-LC at 48 kHz in stereo with frames of 1024 samples, as `AudioSpecificConfig`.
    const STEREO: [(u32, u32); 6] = [(2, 5), (3, 4), (2, 4), (0, 1), (0, 1), (0, 1)];

    /// A configuration of version 0 with this many further sub-frames, and what stands in front of the payload.
    fn plain(sub_frames: u32, specific: &[(u32, u32)], tail: &[(u32, u32)]) -> Vec<(u32, u32)> {
        [&[(0, 1), (0, 1), (1, 1), (sub_frames, 6), (0, 4), (0, 3)], specific, tail].concat()
    }

    /// Lengths in front of each frame; neither other data nor a checksum.
    const LENGTHS: [(u32, u32); 4] = [(0, 3), (0xff, 8), (0, 1), (0, 1)];

    fn read(latm: &mut Latm, fields: &[(u32, u32)]) -> Option<(bool, u32, u32, Vec<Vec<u8>>)> {
        let element = latm.read(&packed(fields))?;
        let frames = element.frames.iter().map(|frame| frame.to_vec()).collect();
        Some((element.config.is_some(), element.samples, element.rate, frames))
    }

    const AB: [(u32, u32); 3] = [(2, 8), (0xaa, 8), (0xbb, 8)];

    #[test]
    fn a_configuration_holds_until_another_one_comes() {
        let mut latm = Latm::default();
        let same = [&[(1, 1)], &AB[..]].concat();
        assert_eq!(read(&mut latm, &same), None, "before the first configuration");
        let first = [plain(0, &STEREO, &LENGTHS), AB.to_vec()].concat();
        assert_eq!(read(&mut latm, &first), Some((true, 1024, 48_000, vec![vec![0xaa, 0xbb]])));
        assert_eq!(read(&mut latm, &same), Some((false, 1024, 48_000, vec![vec![0xaa, 0xbb]])));
        assert_eq!(read(&mut latm, &first), Some((false, 1024, 48_000, vec![vec![0xaa, 0xbb]])), "the same again");
        let short = [(2, 5), (4, 4), (1, 4), (1, 1), (1, 1), (0, 14), (1, 1), (0, 1)];
        let other = [plain(0, &short, &LENGTHS), AB.to_vec()].concat();
        assert_eq!(read(&mut latm, &other), Some((true, 960, 44_100, vec![vec![0xaa, 0xbb]])));
        let element = latm.read(&packed(&first)).and_then(|element| element.config);
        let config = element.map(|config| (config.codec_string, config.sample_rate, config.channels));
        assert_eq!(config, Some(("mp4a.40.2".to_owned(), Some(48_000), Some(2))));
    }

    #[test]
    fn frames_have_lengths_of_their_own_or_a_common_one() {
        let two = [plain(1, &STEREO, &LENGTHS), vec![(1, 8), (0x11, 8), (2, 8), (0x22, 8), (0x33, 8)]].concat();
        assert_eq!(read(&mut Latm::default(), &two).map(|found| found.3), Some(vec![vec![0x11], vec![0x22, 0x33]]));
        let long = [plain(0, &STEREO, &LENGTHS), vec![(255, 8), (3, 8)], vec![(0x5a, 8); 258]].concat();
        assert_eq!(read(&mut Latm::default(), &long).map(|found| found.3), Some(vec![vec![0x5a; 258]]));
        let exact = [plain(0, &STEREO, &LENGTHS), vec![(255, 8), (0, 8)], vec![(0x5a, 8); 255]].concat();
        assert_eq!(read(&mut Latm::default(), &exact).map(|found| found.3[0].len()), Some(255));
        let fixed = [plain(0, &STEREO, &[(1, 3), (3, 9), (0, 1), (0, 1)]), vec![(0x7e, 8); 23]].concat();
        assert_eq!(read(&mut Latm::default(), &fixed).map(|found| found.3), Some(vec![vec![0x7e; 23]]));
        let cut = [plain(0, &STEREO, &LENGTHS), vec![(3, 8), (0x11, 8), (0x22, 8)]].concat();
        assert_eq!(read(&mut Latm::default(), &cut), None, "the frame is cut");
    }

    #[test]
    fn optional_parts_stand_before_the_payload() {
        let frames = |tail: &[(u32, u32)]| {
            let fields = [plain(0, &STEREO, tail), AB.to_vec()].concat();
            read(&mut Latm::default(), &fields).map(|found| found.3)
        };
        let expected = Some(vec![vec![0xaa, 0xbb]]);
        assert_eq!(frames(&[(0, 3), (0, 8), (1, 1), (0, 1), (9, 8), (0, 1)]), expected, "other data");
        assert_eq!(frames(&[(0, 3), (0, 8), (1, 1), (1, 1), (9, 8), (0, 1), (9, 8), (0, 1)]), expected, "more of it");
        assert_eq!(frames(&[(0, 3), (0, 8), (0, 1), (1, 1), (9, 8)]), expected, "a checksum");
        assert_eq!(frames(&[(2, 3), (0, 8), (0, 1), (0, 1)]), None, "another kind of length");
        let refused = |fields: &[(u32, u32)]| read(&mut Latm::default(), &[fields, &STEREO, &LENGTHS, &AB].concat());
        assert_eq!(refused(&[(0, 1), (0, 1), (0, 1), (0, 6), (0, 4), (0, 3)]), None, "frames of different times");
        assert_eq!(refused(&[(0, 1), (0, 1), (1, 1), (0, 6), (1, 4), (0, 3)]), None, "two programs");
        assert_eq!(refused(&[(0, 1), (0, 1), (1, 1), (0, 6), (0, 4), (1, 3)]), None, "two layers");
    }

    #[test]
    fn the_second_version_tells_the_length_of_its_configuration() {
        let values = [vec![(0, 2), (18, 8)], vec![(1, 2), (18, 16)], vec![(2, 2), (18, 24)], vec![(3, 2), (18, 32)]];
        for value in values {
            let head = [(0, 1), (1, 1), (0, 1), (0, 2), (7, 8), (1, 1), (0, 6), (0, 4), (0, 3)];
            let specific = [&STEREO[..], &[(0, 2)]].concat();
            let other = [&[(0, 3), (0xff, 8), (1, 1)], &value[..], &[(0, 1)]].concat();
            let fields = [&head[..], &value, &specific, &other, &AB].concat();
            let found = read(&mut Latm::default(), &fields);
            assert_eq!(found, Some((true, 1024, 48_000, vec![vec![0xaa, 0xbb]])), "{value:?}");
        }
        let refused = [(0, 1), (1, 1), (1, 1), (0, 2), (7, 8), (1, 1), (0, 6), (0, 4), (0, 3), (0, 2), (16, 8)];
        assert_eq!(read(&mut Latm::default(), &[&refused[..], &STEREO, &LENGTHS, &AB].concat()), None);
    }

    #[test]
    fn only_plain_aac_is_read() {
        let found = |specific: &[(u32, u32)]| {
            let fields = [plain(0, specific, &LENGTHS), AB.to_vec()].concat();
            read(&mut Latm::default(), &fields).map(|found| (found.1, found.2))
        };
        let tail = [(0, 1), (0, 1), (0, 1)];
        for object in 1..=4 {
            assert_eq!(found(&[&[(object, 5), (3, 4), (2, 4)], &tail[..]].concat()), Some((1024, 48_000)), "{object}");
        }
        for object in [0, 6, 7, 22] {
            assert_eq!(found(&[&[(object, 5), (3, 4), (2, 4)], &tail[..]].concat()), None, "{object}");
        }
        for second in 0..=4 {
            let escaped = [&[(31, 5), (second, 6), (3, 4), (2, 4)], &tail[..]].concat();
            assert_eq!(found(&escaped), None, "object type {} in two parts", 32 + second);
        }
        assert_eq!(
            found(&[&[(2, 5), (3, 4), (0, 4)], &tail[..]].concat()),
            None,
            "channels that another element describes"
        );
        assert_eq!(found(&[&[(2, 5), (15, 4), (12_345, 24), (2, 4)], &tail[..]].concat()), Some((1024, 12_345)));
        assert_eq!(found(&[&[(2, 5), (15, 4), (0, 24), (2, 4)], &tail[..]].concat()), None);
        assert_eq!(found(&[&[(2, 5), (13, 4), (2, 4)], &tail[..]].concat()), None);
        for object in [5, 29] {
            let extended = [&[(object, 5), (6, 4), (2, 4), (3, 4), (2, 5)], &tail[..]].concat();
            assert_eq!(found(&extended), Some((1024, 24_000)), "the rate of the core counts frames");
        }
    }
}
