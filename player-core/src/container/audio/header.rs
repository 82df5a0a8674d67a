//! Headers of frames of sound that find themselves: ADTS (ISO/IEC 14496-3 annex 1.A.3.2), LOAS (§1.7.2), MPEG audio
//! (ISO/IEC 11172-3 §2.4.1.3, ISO/IEC 13818-3 §2.4.2.3), AC-3 and Enhanced AC-3 (ETSI TS 102 366 §4.4, §E.1.3), DTS
//! (ETSI TS 102 114 §5.4.1).

use bytes::Bytes;

use crate::container::bits::Bits;
use crate::container::mp4::audio_config::{AAC_RATES, AC3_RATES, ac3_channels};
use crate::container::{Codec, CodecConfig};

/// More bytes than this are not needed to read any header.
pub(super) const LONGEST: usize = 16;

/// A kind of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::container) enum Format {
    /// AAC with ADTS headers.
    Adts,
    /// AAC in LATM, with LOAS framing.
    Loas,
    /// MPEG-1 and MPEG-2 audio, layers I to III.
    Mpeg,
    /// AC-3 and Enhanced AC-3.
    Ac3,
    /// DTS: cores and extension substreams.
    Dts,
}

/// How frames are coded. Equal codings need no new decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// AAC: audio object type, index of the sampling frequency, channel configuration.
    Aac(u8, u8, u8),
    /// AAC whose configuration stands in the frame.
    Latm,
    /// MPEG audio of a layer.
    Mpeg(u8),
    /// AC-3.
    Ac3,
    /// Enhanced AC-3.
    Eac3,
    /// DTS with a core.
    Dts,
    /// DTS without one.
    DtsExtension,
}

/// What a header tells about its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the frame, header included.
    pub size: usize,
    /// Bytes at its beginning that the decoder does not want.
    pub strip: usize,
    /// Samples of each channel.
    pub samples: u32,
    /// Samples per second.
    pub rate: u32,
    /// Channels, when told.
    pub channels: Option<u32>,
    /// How it is coded.
    pub coding: Coding,
    /// It belongs to the same access unit as the frame before it.
    pub dependent: bool,
}

/// The outcome of looking for a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// More bytes are needed to tell.
    More,
    /// None begins here.
    No,
    /// One begins here.
    Yes(Head),
}

impl Format {
    /// All that packed audio may be (RFC 8216bis §3.1.4).
    pub const PACKED: &'static [Self] = &[Self::Adts, Self::Mpeg, Self::Ac3];

    /// This one only.
    pub const fn alone(self) -> &'static [Self] {
        match self {
            Self::Adts => &[Self::Adts],
            Self::Loas => &[Self::Loas],
            Self::Mpeg => &[Self::Mpeg],
            Self::Ac3 => &[Self::Ac3],
            Self::Dts => &[Self::Dts],
        }
    }

    /// Looks for a header at the beginning of `bytes`.
    pub(super) fn look(self, bytes: &[u8]) -> Look {
        let needed = match self {
            Self::Adts => 7,
            Self::Loas => 3,
            Self::Mpeg => 4,
            Self::Ac3 => 8,
            Self::Dts => 11,
        };
        if !self.may_begin(bytes) {
            return Look::No;
        }
        if bytes.len() < needed {
            return Look::More;
        }
        let head = match self {
            Self::Adts => adts(bytes),
            Self::Loas => loas(bytes),
            Self::Mpeg => mpeg(bytes),
            Self::Ac3 => ac3(bytes),
            Self::Dts if bytes[0] == 0x64 => dts_extension(bytes),
            Self::Dts => dts(bytes),
        };
        head.map_or(Look::No, Look::Yes)
    }

    /// True when a header stands at the beginning of `bytes`.
    pub fn begins(self, bytes: &[u8]) -> bool {
        matches!(self.look(bytes), Look::Yes(_))
    }

    /// Compares as much of the synchronisation word as is there.
    fn may_begin(self, bytes: &[u8]) -> bool {
        let word: &[(u8, u8)] = match self {
            Self::Adts => &[(0xff, 0xff), (0xf6, 0xf0)],
            Self::Loas => &[(0xff, 0x56), (0xe0, 0xe0)],
            Self::Mpeg => &[(0xff, 0xff), (0xe0, 0xe0)],
            Self::Ac3 => &[(0xff, 0x0b), (0xff, 0x77)],
            Self::Dts if bytes.first() == Some(&0x64) => &[(0xff, 0x64), (0xff, 0x58), (0xff, 0x20), (0xff, 0x25)],
            Self::Dts => &[(0xff, 0x7f), (0xff, 0xfe), (0xff, 0x80), (0xff, 0x01)],
        };
        word.iter().zip(bytes).all(|((mask, value), byte)| byte & mask == *value)
    }
}

impl Head {
    /// For the decoder; `None` while only the frame itself tells.
    pub fn config(&self) -> Option<CodecConfig> {
        let (codec, codec_string) = match self.coding {
            Coding::Aac(object, index, channels) => {
                let asc = [object << 3 | index >> 1, index << 7 | channels << 3];
                (Codec::Aac { asc: Bytes::copy_from_slice(&asc) }, format!("mp4a.40.{object}"))
            }
            Coding::Latm => return None,
            Coding::Mpeg(3) => (Codec::Mp3, "mp4a.40.34".to_owned()),
            Coding::Mpeg(layer) => (Codec::MpegAudio { layer }, format!("mp4a.40.{}", 31 + u32::from(layer))),
            Coding::Ac3 => (Codec::Ac3, "ac-3".to_owned()),
            Coding::Eac3 => (Codec::Eac3, "ec-3".to_owned()),
            Coding::Dts => (Codec::Other(*b"dtsc"), "dtsc".to_owned()),
            Coding::DtsExtension => (Codec::Other(*b"dtse"), "dtse".to_owned()),
        };
        Some(audio_config(codec, codec_string, Some(self.rate), self.channels))
    }
}

/// A configuration of sound.
pub(in crate::container) fn audio_config(
    codec: Codec,
    codec_string: String,
    sample_rate: Option<u32>,
    channels: Option<u32>,
) -> CodecConfig {
    CodecConfig {
        codec,
        codec_string,
        width: None,
        height: None,
        pixel_aspect: None,
        rotation: 0,
        sample_rate,
        channels,
        protection_scheme: None,
    }
}

fn adts(bytes: &[u8]) -> Option<Head> {
    let mut bits = Bits::new(bytes);
    bits.skip(15)?;
    let unprotected = bits.flag()?;
    let object = bits.take(2)? as u8 + 1;
    let index = bits.take(4)? as u8;
    bits.skip(1)?;
    let configuration = bits.take(3)? as u8;
    bits.skip(4)?;
    let size = bits.take(13)? as usize;
    bits.skip(11)?;
    let blocks = bits.take(2)? + 1;
    let strip = if unprotected { 7 } else { 9 };
    let rate = *AAC_RATES.get(usize::from(index))?;
    let channels = match configuration {
        0 => None,
        7 => Some(8),
        count => Some(u32::from(count)),
    };
    let coding = Coding::Aac(object, index, configuration);
    (size > strip).then_some(Head { size, strip, samples: 1024 * blocks, rate, channels, coding, dependent: false })
}

fn loas(bytes: &[u8]) -> Option<Head> {
    let &[_, second, third, ..] = bytes else { return None };
    let size = 3 + (usize::from(second & 0x1f) << 8 | usize::from(third));
    // The rest stands in the frame.
    let rate = 0;
    (size > 4).then_some(Head {
        size,
        strip: 3,
        samples: 1024,
        rate,
        channels: None,
        coding: Coding::Latm,
        dependent: false,
    })
}

fn mpeg(bytes: &[u8]) -> Option<Head> {
    const RATES: [u32; 3] = [44_100, 48_000, 32_000];
    const LAYER_1: [u32; 15] = [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
    const LAYER_2: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
    const LAYER_3: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const LOW_LAYER_1: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
    const LOW: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let mut bits = Bits::new(bytes);
    bits.skip(11)?;
    let version = bits.take(2)?;
    let layer = 4 - bits.take(2)?;
    bits.skip(1)?;
    let (bitrate, frequency) = (bits.take(4)? as usize, bits.take(2)? as usize);
    let padding = bits.take(1)?;
    bits.skip(1)?;
    let mono = bits.take(2)? == 3;
    if version == 1 || layer == 4 {
        return None;
    }
    let full = version == 3;
    let table = match (full, layer) {
        (true, 1) => LAYER_1,
        (true, 2) => LAYER_2,
        (true, _) => LAYER_3,
        (false, 1) => LOW_LAYER_1,
        (false, _) => LOW,
    };
    // Free format (0) does not tell its size.
    let bitrate = table.get(bitrate).copied().filter(|&rate| rate > 0)? * 1000;
    let divisor = match version {
        3 => 1,
        2 => 2,
        _ => 4,
    };
    let rate = RATES.get(frequency)? / divisor;
    let (samples, size) = match (layer, full) {
        (1, _) => (384, (12 * bitrate / rate + padding) * 4),
        (3, false) => (576, 72 * bitrate / rate + padding),
        _ => (1152, 144 * bitrate / rate + padding),
    };
    let channels = Some(if mono { 1 } else { 2 });
    let coding = Coding::Mpeg(layer as u8);
    Some(Head { size: size as usize, strip: 0, samples, rate, channels, coding, dependent: false })
}

fn ac3(bytes: &[u8]) -> Option<Head> {
    match bytes.get(5)? >> 3 {
        0..=10 => plain_ac3(bytes),
        11..=16 => enhanced_ac3(bytes),
        _ => None,
    }
}

fn plain_ac3(bytes: &[u8]) -> Option<Head> {
    /// Bit rates by half of `frmsizecod`, in kbit/s (table 4.13).
    const BITRATES: [u32; 19] =
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
    let mut bits = Bits::new(bytes.get(4..)?);
    let frequency = bits.take(2)? as usize;
    let code = bits.take(6)?;
    let identification = bits.take(5)?;
    bits.skip(3)?;
    let mode = bits.take(3)?;
    if mode & 1 == 1 && mode != 1 {
        bits.skip(2)?;
    }
    if mode & 4 != 0 {
        bits.skip(2)?;
    }
    if mode == 2 {
        bits.skip(2)?;
    }
    let low = bits.take(1)?;
    let bitrate = BITRATES.get(code as usize / 2)?;
    let words = match frequency {
        0 => bitrate * 2,
        1 => 320 * bitrate / 147 + code % 2,
        2 => bitrate * 3,
        _ => return None,
    };
    // Identifications above 8 halve the rate.
    let rate = AC3_RATES.get(frequency)? >> identification.saturating_sub(8).min(2);
    let channels = Some(ac3_channels(mode, low));
    let size = words as usize * 2;
    Some(Head { size, strip: 0, samples: 1536, rate, channels, coding: Coding::Ac3, dependent: false })
}

fn enhanced_ac3(bytes: &[u8]) -> Option<Head> {
    let mut bits = Bits::new(bytes.get(2..)?);
    let kind = bits.take(2)?;
    let substream = bits.take(3)?;
    let size = (bits.take(11)? as usize + 1) * 2;
    let frequency = bits.take(2)? as usize;
    let (rate, blocks) = if frequency == 3 {
        (AC3_RATES.get(bits.take(2)? as usize)? / 2, 6)
    } else {
        (*AC3_RATES.get(frequency)?, [1, 2, 3, 6][bits.take(2)? as usize & 3])
    };
    let (mode, low) = (bits.take(3)?, bits.take(1)?);
    let dependent = kind == 1 || substream > 0;
    let channels = Some(ac3_channels(mode, low));
    (kind < 3 && size > 8).then_some(Head {
        size,
        strip: 0,
        samples: 256 * blocks,
        rate,
        channels,
        coding: Coding::Eac3,
        dependent,
    })
}

fn dts(bytes: &[u8]) -> Option<Head> {
    const RATES: [u32; 16] =
        [0, 8_000, 16_000, 32_000, 0, 0, 11_025, 22_050, 44_100, 0, 0, 12_000, 24_000, 48_000, 0, 0];
    let mut bits = Bits::new(bytes.get(4..)?);
    bits.skip(1 + 5 + 1)?;
    let blocks = bits.take(7)? + 1;
    let size = bits.take(14)? as usize + 1;
    bits.skip(6)?;
    let rate = RATES.get(bits.take(4)? as usize).copied().filter(|&rate| rate > 0)?;
    (size >= 96).then_some(Head {
        size,
        strip: 0,
        samples: blocks * 32,
        rate,
        channels: None,
        coding: Coding::Dts,
        dependent: false,
    })
}

/// An extension substream (ETSI TS 102 114 §7.4.1). Behind a core it belongs to the core's access unit.
fn dts_extension(bytes: &[u8]) -> Option<Head> {
    const RATES: [u32; 3] = [32_000, 44_100, 48_000];
    let mut bits = Bits::new(bytes.get(5..)?);
    bits.skip(2)?;
    let long = bits.flag()?;
    bits.skip(if long { 12 } else { 8 })?;
    let size = bits.take(if long { 20 } else { 16 })? as usize + 1;
    let (rate, samples) =
        if bits.flag()? { (*RATES.get(bits.take(2)? as usize)?, (bits.take(3)? + 1) * 512) } else { (48_000, 512) };
    let coding = Coding::DtsExtension;
    (size >= 16).then_some(Head { size, strip: 0, samples, rate, channels: None, coding, dependent: false })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(format: Format, bytes: &[u8]) -> Option<Head> {
        for length in 0..bytes.len() {
            let early = format.look(&bytes[..length]);
            assert!(early == Look::More || early == format.look(bytes), "{length}: {early:?}");
        }
        match format.look(bytes) {
            Look::Yes(head) => Some(head),
            Look::More | Look::No => None,
        }
    }

    #[test]
    fn headers_tell_sizes_and_rates() {
        let head = read(Format::Adts, &[0xff, 0xf1, 0x4c, 0x80, 0x2e, 0x7f, 0xfc, 0x21]).unwrap();
        assert_eq!((head.size, head.strip, head.samples, head.rate, head.channels), (371, 7, 1024, 48_000, Some(2)));
        let config = head.config().unwrap();
        assert_eq!(config.codec, Codec::Aac { asc: Bytes::from_static(&[0x11, 0x90]) });
        // 128 kbit/s at 44.1 kHz, without and with padding; 64 kbit/s MPEG-2 at 22.05 kHz; layer II at 48 kHz.
        assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0x90, 0x64]).unwrap().size, 417);
        assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0x92, 0x64]).unwrap().size, 418);
        let low = read(Format::Mpeg, &[0xff, 0xf3, 0x80, 0xc4]).unwrap();
        assert_eq!((low.size, low.samples, low.rate, low.channels), (208, 576, 22_050, Some(1)));
        let second = read(Format::Mpeg, &[0xff, 0xfd, 0x84, 0x04]).unwrap();
        assert_eq!((second.size, second.samples, second.coding), (384, 1152, Coding::Mpeg(2)));
        // 192 kbit/s stereo at 48 kHz.
        let plain = read(Format::Ac3, &[0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0]).unwrap();
        assert_eq!((plain.size, plain.rate, plain.channels), (768, 48_000, Some(2)));
        // 640 kbit/s 5.1 at 48 kHz.
        let surround = read(Format::Ac3, &[0x0b, 0x77, 0, 0, 0x24, 0x40, 0xe1, 0]).unwrap();
        assert_eq!((surround.size, surround.channels), (2560, Some(6)));
        let enhanced = read(Format::Ac3, &[0x0b, 0x77, 0x01, 0xff, 0x3f, 0x80, 0, 0]).unwrap();
        assert_eq!(
            (enhanced.size, enhanced.samples, enhanced.channels, enhanced.dependent),
            (1024, 1536, Some(6), false)
        );
    }

    #[test]
    fn what_is_reserved_is_no_header() {
        assert_eq!(read(Format::Adts, &[0xff, 0xf1, 0x7c, 0x80, 0x2e, 0x7f, 0xfc]), None, "frequency 15");
        assert_eq!(read(Format::Adts, &[0xff, 0xf1, 0x4c, 0x80, 0x00, 0xff, 0xfc]), None, "shorter than its header");
        assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0x00, 0x64]), None, "free format");
        assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0xf0, 0x64]), None, "bit rate 15");
        assert_eq!(read(Format::Mpeg, &[0xff, 0xf1, 0x90, 0x64]), None, "layer 0");
        assert_eq!(read(Format::Ac3, &[0x0b, 0x77, 0, 0, 0xd4, 0x40, 0x43, 0]), None, "frequency 3");
    }

    /// Bytes of fields, each a value and its width in bits; filled up with zeros to `length` bytes.
    fn packed(fields: &[(u32, u32)], length: usize) -> Vec<u8> {
        let mut out = vec![0_u8; length];
        let mut at = 0;
        for (value, width) in fields {
            for bit in (0..*width).rev() {
                out[at / 8] |= ((value >> bit & 1) as u8) << (7 - at % 8);
                at += 1;
            }
        }
        out
    }

    #[test]
    fn every_field_of_adts_is_read_where_it_stands() {
        let frame = |unprotected: u32, profile: u32, index: u32, channels: u32, size: u32, blocks: u32| {
            let fields =
                [(0xfff, 12), (1, 1), (0, 2), (unprotected, 1), (profile, 2), (index, 4), (1, 1), (channels, 3)];
            packed(&[&fields[..], &[(0, 4), (size, 13), (0x7ff, 11), (blocks, 2)]].concat(), 9)
        };
        for (index, rate) in AAC_RATES.into_iter().enumerate() {
            let head = read(Format::Adts, &frame(1, 1, index as u32, 1, 8191, 0)).unwrap();
            assert_eq!((head.rate, head.size, head.samples, head.channels), (rate, 8191, 1024, Some(1)));
            assert_eq!(head.coding, Coding::Aac(2, index as u8, 1));
        }
        let protected = read(Format::Adts, &frame(0, 0, 3, 7, 10, 3)).unwrap();
        assert_eq!((protected.strip, protected.samples, protected.channels), (9, 4096, Some(8)));
        assert_eq!(protected.coding, Coding::Aac(1, 3, 7));
        assert_eq!(read(Format::Adts, &frame(1, 3, 4, 0, 8, 0)).unwrap().channels, None, "told in the frame");
        for (unprotected, size) in [(0, 9), (1, 7)] {
            assert_eq!(read(Format::Adts, &frame(unprotected, 1, 3, 2, size, 0)), None, "nothing behind the header");
            assert!(read(Format::Adts, &frame(unprotected, 1, 3, 2, size + 1, 0)).is_some());
        }
        let config = read(Format::Adts, &frame(1, 3, 11, 6, 8, 0)).unwrap().config().unwrap();
        assert_eq!(config.codec, Codec::Aac { asc: Bytes::from_static(&[4 << 3 | 5, 0x80 | 6 << 3]) });
        assert_eq!(
            (config.codec_string.as_str(), config.sample_rate, config.channels),
            ("mp4a.40.4", Some(8000), Some(6))
        );
    }

    #[test]
    fn frames_of_mpeg_audio_have_the_sizes_of_the_standard() {
        // Bit rates in kbit/s by version and layer (ISO/IEC 11172-3 §2.4.2.3, ISO/IEC 13818-3 §2.4.2.3).
        let full = [
            [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
            [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        ];
        let low_first = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
        let low = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        for version in 0..4_u32 {
            for layer in 0..4_u32 {
                for code in 0..16_u32 {
                    for (frequency, padding, mode) in [(0, 0, 0), (1, 1, 3), (2, 0, 1), (3, 0, 2)] {
                        let fields = [(0x7ff, 11), (version, 2), (4 - layer & 3, 2), (1, 1), (code, 4), (frequency, 2)];
                        let bytes = packed(&[&fields[..], &[(padding, 1), (0, 1), (mode, 2)]].concat(), 4);
                        let found = read(Format::Mpeg, &bytes);
                        if version == 1 || layer == 0 || code == 0 || code == 15 || frequency == 3 {
                            assert_eq!(found, None, "{version} {layer} {code} {frequency}");
                            continue;
                        }
                        let rate = [44_100, 48_000, 32_000][frequency as usize] / [4, 0, 2, 1][version as usize];
                        let row = match (version == 3, layer) {
                            (true, _) => full[layer as usize - 1],
                            (false, 1) => low_first,
                            (false, _) => low,
                        };
                        let bitrate = row[code as usize - 1] * 1000;
                        let samples = [384, 1152, if version == 3 { 1152 } else { 576 }][layer as usize - 1];
                        // A slot has four bytes in layer I, one in the others.
                        let slot = if layer == 1 { 4 } else { 1 };
                        let size = (samples / 8 * bitrate / slot / rate + padding) * slot;
                        let head = found.unwrap();
                        assert_eq!((head.rate, head.samples, head.size), (rate, samples, size as usize));
                        assert_eq!(head.channels, Some(if mode == 3 { 1 } else { 2 }));
                        assert_eq!(head.coding, Coding::Mpeg(layer as u8));
                    }
                }
            }
        }
        let name = |layer: u8| {
            let head = Head {
                size: 1,
                strip: 0,
                samples: 1,
                rate: 1,
                channels: None,
                coding: Coding::Mpeg(layer),
                dependent: false,
            };
            head.config().map(|config| (config.codec, config.codec_string))
        };
        assert_eq!(name(1), Some((Codec::MpegAudio { layer: 1 }, "mp4a.40.32".to_owned())));
        assert_eq!(name(2), Some((Codec::MpegAudio { layer: 2 }, "mp4a.40.33".to_owned())));
        assert_eq!(name(3), Some((Codec::Mp3, "mp4a.40.34".to_owned())));
    }

    #[test]
    fn frames_of_ac3_have_the_sizes_of_the_standard() {
        // ETSI TS 102 366 table 4.13, words at 44.1 kHz.
        let words = [
            69, 70, 87, 88, 104, 105, 121, 122, 139, 140, 174, 175, 208, 209, 243, 244, 278, 279, 348, 349, 417, 418,
            487, 488, 557, 558, 696, 697, 835, 836, 975, 976, 1114, 1115, 1253, 1254, 1393, 1394,
        ];
        let rates = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
        let frame = |frequency: u32, code: u32, id: u32, tail: &[(u32, u32)]| {
            packed(&[&[(0x0b77, 16), (0, 16), (frequency, 2), (code, 6), (id, 5), (0, 3)], tail].concat(), 9)
        };
        for code in 0..40_u32 {
            for frequency in 0..4_u32 {
                let head = read(Format::Ac3, &frame(frequency, code, 8, &[(7, 3)]));
                let Some(rate) = rates.get(code as usize / 2).filter(|_| frequency < 3) else {
                    assert_eq!(head, None, "{code} {frequency}");
                    continue;
                };
                let expected = [rate * 2, words[code as usize], rate * 3][frequency as usize] * 2;
                assert_eq!(
                    head.map(|head| (head.size, head.samples)),
                    Some((expected as usize, 1536)),
                    "{code} {frequency}"
                );
            }
        }
        // The levels of mixing stand between the mode and the flag of low frequencies (§4.4.2).
        let main = [2, 1, 2, 3, 3, 4, 4, 5];
        let skipped = [0, 0, 2, 2, 2, 4, 2, 4];
        for mode in 0..8_u32 {
            for low in 0..2_u32 {
                let (skipped, main) = (skipped[mode as usize], main[mode as usize]);
                let other = (1 << skipped) - 1;
                let filled = frame(0, 20, 6, &[(mode, 3), (other * (1 - low), skipped), (low, 1), (1 - low, 1)]);
                assert_eq!(read(Format::Ac3, &filled).unwrap().channels, Some(main + low), "{mode} {low}");
            }
        }
        for (id, rate) in [(6, 48_000), (8, 48_000), (9, 24_000), (10, 12_000)] {
            assert_eq!(read(Format::Ac3, &frame(0, 20, id, &[(2, 3)])).unwrap().rate, rate);
        }
        assert_eq!(read(Format::Ac3, &frame(0, 20, 17, &[(2, 3)])), None);
    }

    #[test]
    fn frames_of_enhanced_ac3_tell_rates_blocks_and_whom_they_belong_to() {
        let frame = |kind: u32, substream: u32, words: u32, rate: &[(u32, u32)], mode: u32, low: u32, id: u32| {
            let head = [(0x0b77, 16), (kind, 2), (substream, 3), (words, 11)];
            packed(&[&head[..], rate, &[(mode, 3), (low, 1), (id, 5)]].concat(), 9)
        };
        let whole = |rate: u32, blocks: u32| [(rate, 2), (blocks, 2)];
        for (code, rate) in [(0, 48_000), (1, 44_100), (2, 32_000)] {
            for (blocks, samples) in [(0, 256), (1, 512), (2, 768), (3, 1536)] {
                let head = read(Format::Ac3, &frame(0, 0, 99, &whole(code, blocks), 7, 1, 16)).unwrap();
                assert_eq!((head.rate, head.samples, head.size, head.channels), (rate, samples, 200, Some(6)));
                assert_eq!((head.coding, head.dependent), (Coding::Eac3, false));
            }
            let head = read(Format::Ac3, &frame(0, 0, 99, &[(3, 2), (code, 2)], 1, 0, 11)).unwrap();
            assert_eq!((head.rate, head.samples, head.channels), (rate / 2, 1536, Some(1)), "half of the rate");
        }
        assert_eq!(read(Format::Ac3, &frame(0, 0, 99, &[(3, 2), (3, 2)], 1, 0, 16)), None);
        let dependent = |kind, substream| {
            read(Format::Ac3, &frame(kind, substream, 99, &whole(0, 3), 2, 0, 16)).map(|h| h.dependent)
        };
        assert_eq!(
            [dependent(0, 0), dependent(0, 1), dependent(1, 0), dependent(2, 0), dependent(3, 0)],
            [Some(false), Some(true), Some(true), Some(false), None]
        );
        assert_eq!(read(Format::Ac3, &frame(0, 0, 3, &whole(0, 3), 2, 0, 16)), None, "eight bytes");
        assert_eq!(read(Format::Ac3, &frame(0, 0, 4, &whole(0, 3), 2, 0, 16)).unwrap().size, 10);
    }

    #[test]
    fn frames_of_dts_and_latm_tell_their_sizes() {
        let core = |blocks: u32, size: u32, rate: u32| {
            let head = [(0x7ffe_8001, 32), (1, 1), (31, 5), (0, 1), (blocks, 7), (size, 14), (63, 6), (rate, 4)];
            read(Format::Dts, &packed(&head, 12))
        };
        let head = core(15, 2012, 13).unwrap();
        assert_eq!((head.size, head.samples, head.rate, head.coding), (2013, 512, 48_000, Coding::Dts));
        assert_eq!((core(15, 94, 13), core(15, 95, 13).map(|head| head.size)), (None, Some(96)));
        assert_eq!(
            (core(127, 16383, 8).map(|h| (h.size, h.samples, h.rate)), core(5, 500, 0)),
            (Some((16_384, 4096, 44_100)), None)
        );
        let extension = |long: bool, size: u32, clock: &[(u32, u32)]| {
            let widths = if long { (12, 20) } else { (8, 16) };
            let head = [(0x6458_2025, 32), (0, 8), (0, 2), (u32::from(long), 1), (0, widths.0), (size, widths.1)];
            read(Format::Dts, &packed(&[&head[..], clock].concat(), 16))
        };
        let fields = |head: Option<Head>| head.map(|head| (head.size, head.rate, head.samples));
        assert_eq!(fields(extension(false, 65_535, &[(1, 1), (1, 2), (2, 3)])), Some((65_536, 44_100, 1536)));
        assert_eq!(fields(extension(true, 70_000, &[(0, 1), (3, 2)])), Some((70_001, 48_000, 512)));
        assert_eq!(fields(extension(true, 14, &[(0, 1)])), None);
        assert_eq!(fields(extension(false, 15, &[(0, 1)])), Some((16, 48_000, 512)));
        assert_eq!(extension(false, 99, &[(1, 1), (3, 2)]), None, "a clock that is reserved");
        let latm =
            |size: u32| read(Format::Loas, &packed(&[(0x2b7, 11), (size, 13)], 4)).map(|head| (head.size, head.strip));
        assert_eq!((latm(1), latm(2), latm(8191)), (None, Some((5, 3)), Some((8194, 3))));
    }
}
