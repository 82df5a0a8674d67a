//! ISO base media files: initialisation data, fragments and progressive files (ISO/IEC 14496-12, CMAF).
//!
//! `boxes` walks, `movie`/`entry` read what does not change, `track` holds it, `fragment`/`table` find the samples,
//! `demuxer` hands out their bytes. Limits are in `limits` and nowhere else.

pub(super) mod audio_config;
mod boxes;
pub(super) mod codec_string;
mod demuxer;
mod describe;
mod emsg;
mod entry;
mod fragment;
mod limits;
mod movie;
mod protection;
mod queue;
mod samples;
pub mod sidx;
mod stpp;
mod table;
#[cfg(any(test, feature = "sim"))]
pub mod testmux;
#[cfg(test)]
pub(super) mod tests;
mod track;
mod wvtt;

use std::time::Duration;

use bytes::Bytes;

pub use demuxer::Mp4Demuxer;
pub(super) use describe::describe;

use super::sniff::{self, Signature};
use super::{DemuxError, InitSegment, MediaClock, ProtectionInfo};
use crate::time::duration_from_ticks;
use boxes::{BoxBody, BoxHeader, malformed};
use movie::Movie;

/// Reads initialisation data: the first movie box of `source`.
///
/// # Errors
/// When there is none, or it is damaged, cut off, or names nothing that can be read.
pub fn read_init(source: Bytes) -> Result<InitSegment, DemuxError> {
    let (movie, end) = find_movie(&source)?;
    Ok(init_segment(&movie, source.slice(..end)))
}

/// Returns the duration that the movie box in `bytes` declares (ISO/IEC 14496-12 §8.2.2, §8.8.2).
pub fn movie_duration(bytes: &[u8]) -> Option<Duration> {
    let moov = boxes::Children::new(bytes, 0).flatten().find(|found| &found.kind == b"moov")?;
    let (version, _, mut fields) = moov.child(*b"mvhd").ok()??.full().ok()?;
    fields.take(if version > 0 { 16 } else { 8 }).ok()?;
    let timescale = fields.u32().ok().filter(|timescale| *timescale > 0)?;
    let whole = fields.u32_or_u64(version > 0).ok()?;
    let fragments = || {
        let (version, _, mut fields) = moov.child(*b"mvex").ok()??.child(*b"mehd").ok()??.full().ok()?;
        fields.u32_or_u64(version > 0).ok()
    };
    let ticks = fragments().filter(|ticks| *ticks > 0).unwrap_or(whole);
    let unknown = ticks == 0 || ticks == u64::from(u32::MAX) || ticks == u64::MAX;
    (!unknown).then(|| duration_from_ticks(ticks, timescale))
}

/// Returns the keys of the samples as initialisation data declares them; `None` if it is clear, or cannot be read.
pub fn protection_of(source: &[u8]) -> Option<ProtectionInfo> {
    let mut position = 0usize;
    while let Some(left) = source.get(position..).filter(|left| !left.is_empty()) {
        let header = BoxHeader::read(left, position as u64).ok()??;
        let content = header.content.unwrap_or((left.len() as u64).saturating_sub(header.header));
        let begin = usize::try_from(header.header).ok()?;
        let bytes = left.get(begin..begin.checked_add(usize::try_from(content).ok()?)?)?;
        if &header.kind == b"moov" {
            let body = BoxBody { kind: header.kind, bytes, offset: position as u64 + header.header };
            return Movie::read(&body).ok()?.protection(&body);
        }
        position = position.checked_add(begin)?.checked_add(bytes.len())?;
    }
    None
}

fn init_segment(movie: &Movie, source: Bytes) -> InitSegment {
    let tracks = movie.tracks.iter().map(|track| track.init.clone()).collect();
    InitSegment { tracks, clock: MediaClock::Endless, first: None, source }
}

/// The first movie box, and where it ends.
fn find_movie(source: &[u8]) -> Result<(Movie, usize), DemuxError> {
    match sniff::recognise(source) {
        Signature::Mp4 => {}
        Signature::Nothing if source.len() < 8 => {
            return Err(DemuxError::Truncated { what: "initialisation data".to_owned(), offset: 0 });
        }
        other => return Err(other.refuse("an MP4 file")),
    }
    let mut position = 0usize;
    while let Some(left) = source.get(position..).filter(|left| !left.is_empty()) {
        let offset = position as u64;
        let truncated = |kind| DemuxError::Truncated { what: format!("box '{}'", boxes::name(kind)), offset };
        let Some(header) = BoxHeader::read(left, offset)? else { return Err(truncated(*b"?   ")) };
        let content = header.content.unwrap_or(left.len() as u64 - header.header);
        let total = header.header + content;
        if &header.kind == b"moov" {
            limits::check("the size of box 'moov'", content, limits::MOVIE_BYTES, offset)?;
            // Within the limit just checked.
            let bytes = left.get(header.header as usize..total as usize).ok_or_else(|| truncated(header.kind))?;
            let body = BoxBody { kind: header.kind, bytes, offset: offset + header.header };
            return Ok((Movie::read(&body)?, position + total as usize));
        }
        match usize::try_from(total).ok().and_then(|total| position.checked_add(total)) {
            Some(next) if next <= source.len() => position = next,
            _ => return Err(truncated(header.kind)),
        }
    }
    Err(malformed("no movie box", source.len() as u64))
}
