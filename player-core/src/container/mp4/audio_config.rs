//! Codec records of audio: MPEG-4 elementary stream descriptors (ISO/IEC 14496-1 §7.2.6), `AudioSpecificConfig`
//! (ISO/IEC 14496-3 §1.6.2.1), `dac3` and `dec3` (ETSI TS 102 366 annex F), `dOps`, `dfLa`.

use bytes::Bytes;

use super::boxes::{BoxBody, Fields, malformed};
use crate::container::bits::Bits;
use crate::container::{Codec, DemuxError};

/// Samples per second and channels, as far as a record has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::container) struct Shape {
    /// Samples per second after decoding.
    pub sample_rate: Option<u32>,
    /// Number of channels after decoding.
    pub channels: Option<u32>,
}

/// A codec, its RFC 6381 string and its shape.
pub(in crate::container) type Described = (Codec, String, Shape);

/// Sampling frequencies by their index (ISO/IEC 14496-3 table 1.18).
pub(in crate::container) const AAC_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Reads an `esds` box.
pub(super) fn esds(body: &BoxBody<'_>) -> Result<Described, DemuxError> {
    let (_, _, fields) = body.full()?;
    let stream = descriptor(&mut fields.clone(), 3, body)?;
    let mut stream = Fields::new(*b"esds", stream.rest(), stream.offset());
    stream.u16()?;
    let flags = stream.u8()?;
    if flags & 0x80 != 0 {
        stream.u16()?;
    }
    if flags & 0x40 != 0 {
        let length = usize::from(stream.u8()?);
        stream.take(length)?;
    }
    if flags & 0x20 != 0 {
        stream.u16()?;
    }
    let mut decoder = descriptor(&mut stream, 4, body)?;
    let object_type = decoder.u8()?;
    decoder.take(12)?;
    match object_type {
        0x40 | 0x66..=0x68 => {
            let asc = descriptor(&mut decoder, 5, body)?;
            aac(Bytes::copy_from_slice(asc.rest()), object_type)
                .ok_or_else(|| malformed("a damaged AudioSpecificConfig", asc.offset()))
        }
        0x69 | 0x6b => Ok((Codec::Mp3, format!("mp4a.{object_type:02X}"), Shape::default())),
        0xa5 => Ok((Codec::Ac3, "ac-3".to_owned(), Shape::default())),
        0xa6 => Ok((Codec::Eac3, "ec-3".to_owned(), Shape::default())),
        _ => Ok((Codec::Other(*b"mp4a"), format!("mp4a.{object_type:02X}"), Shape::default())),
    }
}

/// The content of the next descriptor with `tag`, others are skipped. Lengths take up to four bytes of seven bits.
fn descriptor<'a>(fields: &mut Fields<'a>, tag: u8, esds: &BoxBody<'_>) -> Result<Fields<'a>, DemuxError> {
    loop {
        if fields.rest().is_empty() {
            return Err(malformed(format!("box 'esds' without descriptor {tag}"), esds.offset));
        }
        let found = fields.u8()?;
        let mut length = 0usize;
        for _ in 0..4 {
            let byte = fields.u8()?;
            length = (length << 7) + usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let offset = fields.offset();
        // Some writers count too much in the outermost descriptor; what is there is what counts.
        let content = fields.take(length.min(fields.rest().len()))?;
        if found == tag {
            return Ok(Fields::new(*b"esds", content, offset));
        }
    }
}

/// Reads an `AudioSpecificConfig`; `None` when it ends early.
pub(in crate::container) fn aac(asc: Bytes, object_type: u8) -> Option<Described> {
    let mut bits = Bits::new(&asc);
    let mut kind = audio_object_type(&mut bits)?;
    let signalled = kind;
    let mut rate = sampling_frequency(&mut bits)?;
    let configuration = bits.take(4)?;
    let mut stereo = kind == 29;
    if kind == 5 || kind == 29 {
        rate = sampling_frequency(&mut bits)?.or(rate);
        kind = audio_object_type(&mut bits)?;
    } else if let Some((extended, parametric)) = implicit_extension(bits, kind, configuration) {
        rate = extended.or(rate);
        stereo = parametric;
    }
    let channels = match configuration {
        1 if stereo => Some(2),
        1..=6 => Some(configuration),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        _ => None,
    };
    let string = match object_type {
        0x40 => format!("mp4a.40.{signalled}"),
        _ => format!("mp4a.{object_type:02X}"),
    };
    let codec = match kind {
        // MPEG-1 layers 1 to 3 in the MPEG-4 framework.
        34 => Codec::Mp3,
        // Main, LC, SSR, LTP, scalable, error-resilient and low-delay forms, xHE-AAC.
        1..=6 | 17 | 19 | 20 | 22 | 23 | 39 | 42 => Codec::Aac { asc },
        _ => Codec::Other(*b"mp4a"),
    };
    Some((codec, string, Shape { sample_rate: rate, channels }))
}

fn audio_object_type(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        kind => Some(kind),
    }
}

/// A sampling frequency; the inner `None` is a reserved index.
fn sampling_frequency(bits: &mut Bits<'_>) -> Option<Option<u32>> {
    match bits.take(4)? {
        15 => Some(Some(bits.take(24)?).filter(|&rate| rate > 0)),
        index => Some(AAC_RATES.get(index as usize).copied()),
    }
}

/// Reads spectral band replication signalled after the configuration (§1.6.5.2): the doubled rate, and whether there is
/// parametric stereo.
fn implicit_extension(mut bits: Bits<'_>, kind: u32, channels: u32) -> Option<(Option<u32>, bool)> {
    if kind != 2 || channels == 0 {
        return None;
    }
    bits.skip(1)?;
    if bits.take(1)? == 1 {
        bits.skip(14)?;
    }
    bits.skip(1)?;
    if bits.take(11)? != 0x2b7 || audio_object_type(&mut bits)? != 5 || bits.take(1)? == 0 {
        return None;
    }
    let rate = sampling_frequency(&mut bits)?;
    let parametric = bits.take(11) == Some(0x548) && bits.take(1) == Some(1);
    Some((rate, parametric))
}

/// Channels of an audio coding mode of AC-3.
pub(in crate::container) fn ac3_channels(mode: u32, low_frequency: u32) -> u32 {
    const MAIN: [u32; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
    MAIN.get(mode as usize).copied().unwrap_or(2) + low_frequency
}

/// Sampling frequencies of AC-3 by `fscod` (ETSI TS 102 366 §4.4.1.3).
pub(in crate::container) const AC3_RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// Reads a `dac3` box.
pub(super) fn dac3(body: &BoxBody<'_>) -> Shape {
    let mut bits = Bits::new(body.bytes);
    let mut read = || {
        let rate = bits.take(2)?;
        bits.skip(8)?;
        let (mode, low) = (bits.take(3)?, bits.take(1)?);
        Some(Shape { sample_rate: AC3_RATES.get(rate as usize).copied(), channels: Some(ac3_channels(mode, low)) })
    };
    read().unwrap_or_default()
}

/// Reads a `dec3` box: its first independent substream.
pub(super) fn dec3(body: &BoxBody<'_>) -> Shape {
    let mut bits = Bits::new(body.bytes);
    let mut read = || {
        bits.skip(16)?;
        let rate = bits.take(2)?;
        bits.skip(5 + 1 + 1 + 3)?;
        let (mode, low) = (bits.take(3)?, bits.take(1)?);
        Some(Shape { sample_rate: AC3_RATES.get(rate as usize).copied(), channels: Some(ac3_channels(mode, low)) })
    };
    read().unwrap_or_default()
}

/// Reads a `dOps` box; Opus always decodes to 48 kHz (RFC 7845 §5.1).
pub(super) fn opus(body: &BoxBody<'_>) -> Described {
    let channels = body.bytes.get(1).map(|&count| u32::from(count)).filter(|&count| count > 0);
    let codec = Codec::Opus { dops: Bytes::copy_from_slice(body.bytes) };
    (codec, "Opus".to_owned(), Shape { sample_rate: Some(48_000), channels })
}

/// Reads a `dfLa` box: metadata blocks, of which the first is STREAMINFO (RFC 9639 §8.2).
pub(super) fn flac(body: &BoxBody<'_>) -> Result<Described, DemuxError> {
    let (_, _, fields) = body.full()?;
    let blocks = fields.rest();
    let mut bits = Bits::new(blocks);
    let mut read = || {
        bits.skip(32 + 16 + 16 + 24 + 24)?;
        let rate = bits.take(20)?;
        Some(Shape { sample_rate: Some(rate).filter(|&rate| rate > 0), channels: Some(bits.take(3)? + 1) })
    };
    let shape = read().ok_or_else(|| malformed("box 'dfLa' without stream information", body.offset))?;
    Ok((Codec::Flac { dfla: Bytes::copy_from_slice(blocks) }, "fLaC".to_owned(), shape))
}
