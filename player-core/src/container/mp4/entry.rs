//! Sample entries (ISO/IEC 14496-12 §8.5.2): codec records become [`CodecConfig`].

use bytes::Bytes;

use super::audio_config::{self, Described, Shape};
use super::boxes::{BoxBody, Children, Fields, FourCc, malformed, name};
use super::codec_string;
use super::limits;
use super::protection::Protection;
use crate::container::{Codec, CodecConfig, DemuxError, PixelAspect};
use crate::model::MediaKind;

/// One way in which samples of a track are coded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SampleEntry {
    /// Configuration of the decoder.
    pub config: CodecConfig,
    /// Encryption of its samples, if they are encrypted.
    pub protection: Option<Protection>,
}

/// Reads a `stsd` box of a track of `kind`.
pub(super) fn read_all(stsd: &BoxBody<'_>, kind: MediaKind, rotation: u16) -> Result<Vec<SampleEntry>, DemuxError> {
    let (version, _, mut fields) = stsd.full()?;
    fields.u32()?;
    let mut entries = Vec::new();
    for entry in fields.boxes() {
        let entry = entry?;
        limits::check(
            "the number of sample entries",
            entries.len() as u64,
            limits::SAMPLE_ENTRIES as u64,
            entry.offset,
        )?;
        entries.push(read(&entry, kind, version, rotation)?);
    }
    if entries.is_empty() {
        return Err(malformed("a track without sample entries", stsd.offset));
    }
    Ok(entries)
}

fn read(entry: &BoxBody<'_>, kind: MediaKind, version: u8, rotation: u16) -> Result<SampleEntry, DemuxError> {
    let mut fields = entry.fields();
    fields.take(8)?;
    match kind {
        MediaKind::Video => video(entry, fields, rotation),
        MediaKind::Audio => audio(entry, fields, version),
        MediaKind::Text => Ok(text(entry)),
    }
}

/// The type of the entry beneath its protection, and the protection.
fn unprotected(entry: &BoxBody<'_>, boxes: &Children<'_>) -> Result<(FourCc, Option<Protection>), DemuxError> {
    if !matches!(&entry.kind, b"encv" | b"enca" | b"enct" | b"encs") {
        return Ok((entry.kind, None));
    }
    let mut unsupported = None;
    for child in boxes.clone() {
        let child = child?;
        if &child.kind == b"sinf" {
            match Protection::read(&child) {
                Ok(protection) => return Ok((protection.original, Some(protection))),
                Err(error @ DemuxError::Unsupported { .. }) => unsupported = Some(error),
                Err(error) => return Err(error),
            }
        }
    }
    Err(unsupported
        .unwrap_or_else(|| malformed(format!("box '{}' without box 'sinf'", name(entry.kind)), entry.offset)))
}

fn find<'a>(boxes: &Children<'a>, kind: FourCc) -> Result<Option<BoxBody<'a>>, DemuxError> {
    for child in boxes.clone() {
        let child = child?;
        if child.kind == kind {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

fn required<'a>(entry: &BoxBody<'_>, boxes: &Children<'a>, kind: FourCc) -> Result<BoxBody<'a>, DemuxError> {
    let missing = || malformed(format!("box '{}' without box '{}'", name(entry.kind), name(kind)), entry.offset);
    find(boxes, kind)?.ok_or_else(missing)
}

/// A visual sample entry (§12.1.3).
fn video(entry: &BoxBody<'_>, mut fields: Fields<'_>, rotation: u16) -> Result<SampleEntry, DemuxError> {
    fields.take(16)?;
    let (width, height) = (fields.u16()?, fields.u16()?);
    fields.take(50)?;
    let boxes = fields.boxes();
    let (kind, protection) = unprotected(entry, &boxes)?;
    let record = |kind: FourCc| -> Result<Bytes, DemuxError> {
        Ok(Bytes::copy_from_slice(required(entry, &boxes, kind)?.bytes))
    };
    let codec = match &kind {
        b"avc1" | b"avc3" => Codec::H264 { avcc: record(*b"avcC")?, in_band: &kind == b"avc3" },
        b"hvc1" | b"hev1" => Codec::H265 { hvcc: record(*b"hvcC")?, in_band: &kind == b"hev1" },
        b"av01" => Codec::Av1 { av1c: record(*b"av1C")? },
        b"vp09" => {
            let (_, _, fields) = required(entry, &boxes, *b"vpcC")?.full()?;
            Codec::Vp9 { vpcc: Bytes::copy_from_slice(fields.rest()) }
        }
        _ => Codec::Other(kind),
    };
    let codec_string = codec_string::video(&codec, kind)
        .ok_or_else(|| malformed(format!("a damaged codec record of '{}'", name(kind)), entry.offset))?;
    let pixel_aspect = match find(&boxes, *b"pasp")? {
        Some(pasp) => {
            let mut fields = pasp.fields();
            let (horizontal, vertical) = (fields.u32()?, fields.u32()?);
            Some(PixelAspect { horizontal, vertical }).filter(|_| horizontal > 0 && vertical > 0)
        }
        None => None,
    };
    let pixels = |count: u16| Some(u32::from(count)).filter(|&count| count > 0);
    let config = CodecConfig {
        codec,
        codec_string,
        width: pixels(width),
        height: pixels(height),
        pixel_aspect,
        rotation,
        sample_rate: None,
        channels: None,
        protection_scheme: protection.as_ref().map(|protection| protection.scheme),
    };
    Ok(SampleEntry { config, protection })
}

/// An audio sample entry (§12.2.3), with the longer forms of QuickTime.
fn audio(entry: &BoxBody<'_>, mut fields: Fields<'_>, stsd_version: u8) -> Result<SampleEntry, DemuxError> {
    let version = fields.u16()?;
    fields.take(6)?;
    let mut shape = Shape { channels: Some(u32::from(fields.u16()?)), sample_rate: None };
    fields.take(6)?;
    shape.sample_rate = Some(fields.u32()? >> 16);
    match (stsd_version, version) {
        (0, 1) => drop(fields.take(16)?),
        (0, 2) => {
            fields.take(4)?;
            let rate = f64::from_bits(fields.u64()?);
            shape.sample_rate = Some(rate as u32);
            shape.channels = Some(fields.u32()?);
            fields.take(20)?;
        }
        _ => {}
    }
    let boxes = fields.boxes();
    let (kind, protection) = unprotected(entry, &boxes)?;
    let (codec, codec_string, told) = audio_codec(entry, &boxes, kind)?;
    let config = CodecConfig {
        codec,
        codec_string,
        width: None,
        height: None,
        pixel_aspect: None,
        rotation: 0,
        sample_rate: told.sample_rate.or(shape.sample_rate).filter(|&rate| rate > 0),
        channels: told.channels.or(shape.channels).filter(|&count| count > 0),
        protection_scheme: protection.as_ref().map(|protection| protection.scheme),
    };
    Ok(SampleEntry { config, protection })
}

fn audio_codec(entry: &BoxBody<'_>, boxes: &Children<'_>, kind: FourCc) -> Result<Described, DemuxError> {
    let plain = |codec: Codec, shape: Shape| (codec, name(kind), shape);
    Ok(match &kind {
        b"mp4a" => {
            let esds = match find(boxes, *b"esds")? {
                Some(esds) => Some(esds),
                // QuickTime puts it into a separate box.
                None => match find(boxes, *b"wave")? {
                    Some(wave) => wave.child(*b"esds")?,
                    None => None,
                },
            };
            let missing = || malformed("box 'mp4a' without box 'esds'", entry.offset);
            audio_config::esds(&esds.ok_or_else(missing)?)?
        }
        b"ac-3" => {
            let shape = find(boxes, *b"dac3")?.map(|body| audio_config::dac3(&body));
            plain(Codec::Ac3, shape.unwrap_or_default())
        }
        b"ec-3" => {
            let shape = find(boxes, *b"dec3")?.map(|body| audio_config::dec3(&body));
            plain(Codec::Eac3, shape.unwrap_or_default())
        }
        b"Opus" => audio_config::opus(&required(entry, boxes, *b"dOps")?),
        b"fLaC" => audio_config::flac(&required(entry, boxes, *b"dfLa")?)?,
        b".mp3" => (Codec::Mp3, "mp4a.6B".to_owned(), Shape::default()),
        _ => plain(Codec::Other(kind), Shape::default()),
    })
}

fn text(entry: &BoxBody<'_>) -> SampleEntry {
    let codec = match &entry.kind {
        b"wvtt" => Codec::Wvtt,
        b"stpp" => Codec::Stpp,
        &kind => Codec::Other(kind),
    };
    let config = CodecConfig {
        codec,
        codec_string: name(entry.kind),
        width: None,
        height: None,
        pixel_aspect: None,
        rotation: 0,
        sample_rate: None,
        channels: None,
        protection_scheme: None,
    };
    SampleEntry { config, protection: None }
}
