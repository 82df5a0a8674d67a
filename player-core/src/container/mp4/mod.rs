//! ISO base media files: initialisation data, fragments and progressive files (ISO/IEC 14496-12, CMAF).
//!
//! `boxes` walks, `movie`/`entry` read what does not change, `fragment`/`table` say which samples lie where,
//! `demuxer` hands out their bytes. Limits are in `limits` and nowhere else.

mod audio_config;
mod bits;
mod boxes;
mod codec_string;
mod demuxer;
mod describe;
mod entry;
mod fragment;
mod limits;
mod movie;
mod protection;
mod queue;
mod samples;
pub mod sidx;
mod table;
#[cfg(any(test, feature = "sim"))]
pub mod testmux;
#[cfg(test)]
mod tests;
mod wvtt;

use bytes::Bytes;

pub use demuxer::Mp4Demuxer;
pub(super) use describe::describe;

use super::sniff::{self, Signature};
use super::{DemuxError, InitSegment, ProtectionInfo};
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

/// What initialisation data tells about the keys of its samples; `None` when it is clear, or cannot be read.
pub fn protection_of(source: &[u8]) -> Option<ProtectionInfo> {
    let mut position = 0usize;
    while let Some(left) = source.get(position..).filter(|left| !left.is_empty()) {
        let header = BoxHeader::read(left, position as u64).ok()??;
        let content = header.content.unwrap_or((left.len() as u64).saturating_sub(header.header));
        let begin = usize::try_from(header.header).ok()?;
        let bytes = left.get(begin..begin.checked_add(usize::try_from(content).ok()?)?)?;
        if &header.kind == b"moov" {
            let body = BoxBody { kind: header.kind, bytes, offset: position as u64 + header.header };
            return protection::told(&Movie::read(&body).ok()?, &body);
        }
        position = position.checked_add(begin)?.checked_add(bytes.len())?;
    }
    None
}

fn init_segment(movie: &Movie, source: Bytes) -> InitSegment {
    InitSegment { tracks: movie.tracks.iter().map(|track| track.init.clone()).collect(), source }
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
