//! WebVTT on disk: the whole file for DASH, and the same cues in segments for HLS.
//!
//! This is not a WebVTT reader for players: it only finds where cues begin and end, and copies them as they are.

use std::fs;
use std::path::Path;

use super::super::IngestError;

/// The whole file.
pub(super) const WHOLE: &str = "full.vtt";
/// Segments of text are long: they are small, and each costs a request.
const SEGMENT_MS: u64 = 10_000;
/// Maximum number of segments of a rendition: 115 days.
const MAX_SEGMENTS: u64 = 1_000_000;
/// Maximum number of bytes of all segments together. A cue is in each segment that it overlaps, so cues that last for the whole
/// film multiply; what films have is a few hundred kilobytes.
const MAX_BYTES: u64 = 64 << 20;

/// The file name of segment `index`, counted from 0.
pub(super) fn file_name(index: usize) -> String {
    format!("seg-{:05}.vtt", index + 1)
}

/// A cue, with its text as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
struct Cue<'a> {
    start_ms: u64,
    end_ms: u64,
    block: &'a str,
}

/// Writes one rendition into `dir` (which is created) and returns the durations of its segments in milliseconds.
///
/// Every segment has the cues that overlap it, so a cue across a boundary is in both (RFC 8216 §3.5).
pub(super) fn write(vtt: &str, duration_ms: u64, dir: &Path) -> Result<Vec<u64>, IngestError> {
    fs::create_dir_all(dir).map_err(IngestError::io(dir))?;
    let path = dir.join(WHOLE);
    fs::write(&path, vtt).map_err(IngestError::io(&path))?;
    let vtt = with_line_feeds(vtt);
    let count = segment_count(duration_ms)?;
    for (i, text) in segments(&vtt, count)?.iter().enumerate() {
        let path = dir.join(file_name(i));
        fs::write(&path, text).map_err(IngestError::io(&path))?;
    }
    let last = duration_ms - (count - 1) * SEGMENT_MS;
    Ok((1..count).map(|_| SEGMENT_MS).chain([last.max(1)]).collect())
}

/// Returns a text with line feeds as its line ends (WebVTT §4.1).
pub(super) fn with_line_feeds(vtt: &str) -> String {
    vtt.replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns the number of segments of a text of this duration, at least one.
pub(super) fn segment_count(duration_ms: u64) -> Result<u64, IngestError> {
    match duration_ms.div_ceil(SEGMENT_MS).max(1) {
        count if count > MAX_SEGMENTS => {
            Err(IngestError::output("a film that is longer than subtitles can be cut for"))
        }
        count => Ok(count),
    }
}

/// Cuts a text with line feeds into the contents of `count` segments.
pub(super) fn segments(vtt: &str, count: u64) -> Result<Vec<String>, IngestError> {
    let (preamble, cues) = split(vtt);
    let header = format!("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n{preamble}");
    let span = |cue: &Cue<'_>| {
        let first = cue.start_ms / SEGMENT_MS;
        let last = cue.end_ms.saturating_sub(1).max(cue.start_ms) / SEGMENT_MS;
        first.min(count)..last.saturating_add(1).min(count)
    };
    let of_cues = cues.iter().map(|cue| (cue.block.len() as u64 + 2) * (span(cue).end - span(cue).start));
    let total = of_cues.fold(header.len() as u64 * count, u64::saturating_add);
    if total > MAX_BYTES {
        return Err(IngestError::output(format!("subtitles of {total} bytes, the limit is {MAX_BYTES}")));
    }
    let mut files = vec![header; count as usize];
    for cue in &cues {
        for index in span(cue) {
            let file = &mut files[index as usize];
            file.push_str(cue.block);
            file.push_str("\n\n");
        }
    }
    Ok(files)
}

/// Style and region blocks, which every segment repeats, and the cues. Comments are dropped.
fn split(vtt: &str) -> (String, Vec<Cue<'_>>) {
    let mut preamble = String::new();
    let mut cues = Vec::new();
    let blocks = vtt.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty());
    for block in blocks {
        let timing = block.lines().take(2).find(|line| line.contains("-->"));
        match timing.and_then(times) {
            Some((start_ms, end_ms)) if end_ms > start_ms => cues.push(Cue { start_ms, end_ms, block }),
            _ if block.starts_with("STYLE") || block.starts_with("REGION") => {
                preamble.push_str(block);
                preamble.push_str("\n\n");
            }
            _ => {}
        }
    }
    (preamble, cues)
}

/// Start and end of a line like `00:01.000 --> 00:02.500 align:start`.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, rest) = line.split_once("-->")?;
    Some((timestamp(start.trim())?, timestamp(rest.split_whitespace().next()?)?))
}

/// `[hours:]minutes:seconds.thousandths` in milliseconds (WebVTT §4.3).
fn timestamp(text: &str) -> Option<u64> {
    let (clock, thousandths) = text.split_once('.')?;
    if thousandths.len() != 3 {
        return None;
    }
    let mut seconds = 0u64;
    for part in clock.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    seconds.checked_mul(1000)?.checked_add(thousandths.parse().ok()?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn cues_go_to_every_segment_that_they_overlap() {
        let dir = tempfile::tempdir().unwrap();
        let vtt = "WEBVTT\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\n1\r\n00:01.000 --> 00:02.000\r\none\r\n\r\n\
                   00:09.000 --> 00:00:11.500 align:start\r\ntwo\r\nlines\r\n\r\nNOTE three\r\n\r\n00:20.000 --> 00:21.000\r\nfour\r\n";
        let durations = write(vtt, 21_250, dir.path()).unwrap();
        assert_eq!(durations, [10_000, 10_000, 1250]);
        let read = |i| fs::read_to_string(dir.path().join(file_name(i))).unwrap();
        let opening = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\nSTYLE\n::cue { color: red }\n\n";
        let two = "00:09.000 --> 00:00:11.500 align:start\ntwo\nlines\n\n";
        assert_eq!(read(0), format!("{opening}1\n00:01.000 --> 00:02.000\none\n\n{two}"));
        assert_eq!(read(1), format!("{opening}{two}"));
        assert_eq!(read(2), format!("{opening}00:20.000 --> 00:21.000\nfour\n\n"));
        assert_eq!(fs::read_to_string(dir.path().join(WHOLE)).unwrap(), vtt);
    }

    #[test]
    fn cues_of_the_whole_film_do_not_multiply_without_bound() {
        let cue = format!("00:00.000 --> 99:00:00.000\n{}\n\n", "x".repeat(30_000));
        assert_eq!(segments(&format!("WEBVTT\n\n{cue}"), 720).unwrap().len(), 720);
        let error = segments(&format!("WEBVTT\n\n{}", cue.repeat(4)), 720).unwrap_err();
        assert!(matches!(error, IngestError::Output { .. }), "{error}");
        assert!(segments(&format!("STYLE\n{}", "x".repeat(100_000)), 720).is_err(), "styles are in each segment");
        assert!(segment_count(u64::MAX).is_err());
        assert_eq!(segment_count(0).unwrap(), 1);
    }

    #[test]
    fn timestamps_follow_the_specification() {
        assert_eq!(timestamp("01:02:03.004"), Some(3_723_004));
        assert_eq!(timestamp("00:00.5"), None);
        assert_eq!(timestamp("99999999999999999999:00.000"), None);
    }
}
