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

/// Coding of frames. Equal codings need no new decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// AAC: audio object type, index of the sampling frequency, channel configuration.
    Aac(u8, u8, u8),
    /// AAC whose configuration stands in the frame.
    Latm,
    /// MPEG audio of a layer.
    Mpeg(u8),
    Ac3,
    Eac3,
    /// DTS with a core.
    Dts,
    /// DTS without a core frame.
    DtsExtension,
}

/// Properties of a frame by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the frame, header included.
    pub size: usize,
    /// Bytes at its beginning that the decoder does not want.
    pub strip: usize,
    /// Samples of each channel.
    pub samples: u32,
    pub rate: u32,
    /// Number of channels, if declared.
    pub channels: Option<u32>,
    /// Coding of the frame.
    pub coding: Coding,
    /// It belongs to the same access unit as the frame before it.
    pub dependent: bool,
}

/// The outcome of looking for a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// More bytes are needed to tell.
    More,
    /// No frame begins here.
    No,
    /// A frame with this header begins here.
    Yes(Head),
}

impl Format {
    /// All that packed audio may be (RFC 8216bis §3.1.4).
    pub const PACKED: &'static [Self] = &[Self::Adts, Self::Mpeg, Self::Ac3];

    /// Returns this format alone, as a list.
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
    /// Returns the decoder's configuration; `None` while only the frame itself has it.
    pub fn config(&self) -> Option<CodecConfig> {
        let (codec, codec_string) = match self.coding {
            Coding::Aac(object, index, channels) => {
                let asc = [(object << 3) + (index >> 1), (index << 7) + (channels << 3)];
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
    let size = 3 + usize::from(u16::from_be_bytes([second & 0x1f, third]));
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
#[path = "header_tests.rs"]
mod tests;
