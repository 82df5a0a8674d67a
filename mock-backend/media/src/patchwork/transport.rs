//! Patches in other containers than fragmented MP4: pictures in an MPEG-2 transport stream, sound as packed audio
//! (RFC 8216bis §3.1.1, §3.1.4).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::super::package::track::Track;
use super::super::{Cancel, IngestError, ffmpeg};
use super::pieces::Piece;

/// Where the clock of both begins: a little before it turns over (33 bits at 90 kHz).
const ORIGIN_S: u32 = 95_442;
const CLOCK: u64 = 90_000;

/// Writes a track of a piece as one file into `dir`; its name there.
pub(super) fn write(
    track: &Track,
    source: &Path,
    piece: &Piece,
    kind: &str,
    dir: &Path,
) -> Result<String, IngestError> {
    if kind == "video" {
        let name = "whole.ts";
        let mut args: Vec<OsString> = vec!["-i".into(), source.into()];
        let origin = ORIGIN_S.to_string();
        let rest = ["-c", "copy", "-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", &origin, "-f", "mpegts"];
        args.extend(rest.into_iter().chain([name]).map(OsString::from));
        ffmpeg::run(&args, dir, &Cancel::new(), |_| {})?;
        return Ok(name.to_owned());
    }
    let mut bytes = timestamp(u64::from(ORIGIN_S) * CLOCK - track.start * CLOCK / u64::from(track.timescale));
    let mut file = File::open(source).map_err(IngestError::io(source))?;
    let aac = track.codec.starts_with("mp4a.40");
    for sample in &track.samples {
        if aac {
            bytes.extend(adts(sample.size, piece)?);
        }
        file.seek(SeekFrom::Start(sample.offset)).map_err(IngestError::io(source))?;
        let mut frame = vec![0; sample.size as usize];
        file.read_exact(&mut frame).map_err(IngestError::io(source))?;
        bytes.append(&mut frame);
    }
    let name = if aac { "whole.aac" } else { "whole.audio" };
    let path = dir.join(name);
    fs::write(&path, bytes).map_err(IngestError::io(&path))?;
    Ok(name.to_owned())
}

/// An ID3 tag with the time of the first sample (RFC 8216bis §3.1.4).
fn timestamp(ticks: u64) -> Vec<u8> {
    let private = [&b"com.apple.streaming.transportStreamTimestamp\0"[..], &(ticks & ((1 << 33) - 1)).to_be_bytes()];
    let private = private.concat();
    let mut frame = b"PRIV".to_vec();
    // Both sizes are below 128, where a byte of seven bits is a byte.
    frame.extend([0, 0, 0, private.len() as u8, 0, 0]);
    frame.extend(private);
    let mut tag = b"ID3\x04\0\0\0\0\0".to_vec();
    tag.push(frame.len() as u8);
    tag.extend(frame);
    tag
}

/// The header of a frame of AAC-LC (ISO/IEC 14496-3 §1.A.2.2).
fn adts(size: u32, piece: &Piece) -> Result<[u8; 7], IngestError> {
    let rate = match piece.sample_rate {
        48_000 => 3,
        44_100 => 4,
        32_000 => 5,
        _ => return Err(IngestError::output("a sample rate that ADTS of this packager does not have")),
    };
    let (length, channels) = (size + 7, piece.channels);
    Ok([
        0xff,
        0xf1,
        0x40 | rate << 2 | (channels >> 2) as u8,
        (channels << 6) as u8 | (length >> 11) as u8,
        (length >> 3) as u8,
        (length << 5) as u8 | 0x1f,
        0xfc,
    ])
}
