//! The packager's readers over bytes in memory, for fuzz targets: what they read was made by ffmpeg from files of strangers.

use std::io::Cursor;
use std::path::Path;

use super::{IngestError, package, probe};

/// Reads a fragmented MP4 file of one track and returns the number of its samples, and of the segments of `ticks` or more that
/// begin with a key frame.
///
/// # Errors
/// When the file is not as ffmpeg was asked to write it.
pub fn track(file: &[u8], ticks: u64) -> Result<(usize, usize), IngestError> {
    let track = package::track::Track::read_from(Cursor::new(file), file.len() as u64, Path::new("track.mp4"))?;
    let cuts = package::segment::cuts_at_sync(&track, ticks)?;
    Ok((track.samples.len(), cuts.len()))
}

/// Cuts WebVTT into the segments of a film of `duration_ms` and returns the number of their bytes.
///
/// # Errors
/// When the film is longer, or the segments are larger, than the packager's limits.
pub fn subtitles(vtt: &str, duration_ms: u64) -> Result<usize, IngestError> {
    Ok(package::text_segments(vtt, duration_ms)?.iter().map(String::len).sum())
}

/// Reads an answer of ffprobe and returns the number of streams that the packager would take from the file.
///
/// # Errors
/// When it is no such answer, or the file has no picture that the packager takes.
pub fn probe_answer(json: &[u8]) -> Result<usize, IngestError> {
    let probe = probe::answer(json, Path::new("film"))?;
    Ok(1 + probe.audio.len() + probe.text.len())
}
