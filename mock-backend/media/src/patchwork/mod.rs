//! Presentations that are patched together from pieces which differ in everything, with media missing where it is
//! wanted: what tests of continuity play. Every frame and every beep of them is known.
//!
//! Each patch becomes a DASH Period, or in HLS what lies between two `EXT-X-DISCONTINUITY`. The media of each piece
//! begins at time zero, so that nothing but the manifest tells where it belongs.

mod manifest;
mod pieces;
mod transport;

use std::fs;
use std::path::{Path, PathBuf};

pub use pieces::{NUMBERS, PIECE_MS, PIECES, Piece};

use super::package::segment::{self, Segment};
use super::package::track::{Sample, Track};
use super::{Cancel, IngestError};

/// One patch.
#[derive(Debug, Clone, Copy)]
pub struct Patch {
    /// Which piece.
    pub piece: &'static str,
    /// How long it is said to be, milliseconds. Media beyond it is still there; what it lacks is a gap.
    pub length_ms: u32,
    /// Pictures; without them there are none.
    pub video: Option<Trim>,
    /// Sound.
    pub audio: Option<Trim>,
    /// In a transport stream and packed audio. Only HLS can say so, and such patches are whole.
    pub transport: bool,
}

/// What is left out of a track.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trim {
    /// Milliseconds at its begin. Pictures can only begin at a key frame, which comes every half second.
    pub front_ms: u32,
    /// Milliseconds at its end.
    pub back_ms: u32,
}

impl Patch {
    /// A whole piece.
    pub const fn whole(piece: &'static str) -> Self {
        let all = Some(Trim { front_ms: 0, back_ms: 0 });
        Self { piece, length_ms: PIECE_MS, video: all, audio: all, transport: false }
    }

    /// Said to be so long.
    #[must_use]
    pub const fn lasting(mut self, length_ms: u32) -> Self {
        self.length_ms = length_ms;
        self
    }

    /// With less of the pictures.
    #[must_use]
    pub const fn pictures(mut self, front_ms: u32, back_ms: u32) -> Self {
        self.video = Some(Trim { front_ms, back_ms });
        self
    }

    /// With less of the sound.
    #[must_use]
    pub const fn sound(mut self, front_ms: u32, back_ms: u32) -> Self {
        self.audio = Some(Trim { front_ms, back_ms });
        self
    }

    /// In other containers.
    #[must_use]
    pub const fn in_transport_stream(mut self) -> Self {
        self.transport = true;
        self
    }

    /// Without pictures.
    #[must_use]
    pub const fn blind(mut self) -> Self {
        self.video = None;
        self
    }

    /// Without sound.
    #[must_use]
    pub const fn mute(mut self) -> Self {
        self.audio = None;
        self
    }
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Patchwork {
    /// Number and time (nanoseconds) of every frame, in order.
    pub frames: Vec<(u32, i64)>,
    /// The time (nanoseconds) of every beep, in order.
    pub beeps: Vec<i64>,
    /// How long it is, nanoseconds.
    pub duration: i64,
}

/// The manifests' names.
pub const HLS: &str = "master.m3u8";
/// DASH.
pub const DASH: &str = "manifest.mpd";

/// The segments of one track of one patch.
#[derive(Debug)]
struct Part {
    codec: String,
    timescale: u32,
    segments: Vec<Segment>,
    /// The one file that holds all in another container.
    whole: Option<String>,
}

/// A patch as manifests describe it.
#[derive(Debug)]
struct Patched {
    piece: Piece,
    length_ms: u32,
    video: Option<Part>,
    audio: Option<Part>,
}

/// Writes a presentation into `dir`: media, a DASH and an HLS manifest. Pieces are kept in `pieces`.
///
/// The HLS playlists say that each track of a patch is as long as the patch: gaps at its end are not announced, and
/// gaps at its begin only by whole seconds (`EXT-X-GAP`).
///
/// # Errors
/// When a piece cannot be encoded or a file not be written.
pub fn write(pieces: &Path, dir: &Path, patches: &[Patch]) -> Result<Patchwork, IngestError> {
    pieces::ensure(pieces, &Cancel::new())?;
    let mut made = Patchwork { frames: Vec::new(), beeps: Vec::new(), duration: 0 };
    let mut patched = Vec::with_capacity(patches.len());
    for (index, patch) in patches.iter().enumerate() {
        let (piece, first) = pieces::find(patch.piece)?;
        let limit = i64::from(patch.length_ms) * 1_000_000;
        let part = |kind: &str, trim: Option<Trim>| -> Result<(Option<Part>, Kept), IngestError> {
            let Some(trim) = trim else { return Ok((None, Kept::default())) };
            let (track, source) = pieces::track(pieces, &piece, kind)?;
            let folder = dir.join(format!("{kind}-{index}"));
            fs::create_dir_all(&folder).map_err(IngestError::io(&folder))?;
            let whole = match patch.transport {
                true => Some(transport::write(&track, &source, &piece, kind, &folder)?),
                false => None,
            };
            let (part, kept) = cut(track, &source, trim, &folder)?;
            Ok((Some(Part { whole, ..part }), kept))
        };
        let (video, pictures) = part("video", patch.video)?;
        let (audio, sound) = part("audio", patch.audio)?;
        let shown = pictures.times.iter().filter(|(_, at)| *at < limit);
        made.frames.extend(shown.map(|(rank, at)| (first + rank, made.duration + at)));
        let heard = (0..i64::from(PIECE_MS) / 1000).map(|second| second * 1_000_000_000);
        made.beeps.extend(heard.filter(|at| *at < limit && sound.covers(*at)).map(|at| made.duration + at));
        made.duration += limit;
        patched.push(Patched { piece, length_ms: patch.length_ms, video, audio });
    }
    for (name, text) in manifest::all(&patched)? {
        let path: PathBuf = dir.join(name);
        fs::write(&path, text).map_err(IngestError::io(&path))?;
    }
    Ok(made)
}

/// The samples of a track that were kept: their rank in the whole track and their time, nanoseconds, in order.
#[derive(Debug, Default)]
struct Kept {
    times: Vec<(u32, i64)>,
    end: i64,
}

impl Kept {
    fn covers(&self, at: i64) -> bool {
        self.times.first().is_some_and(|(_, first)| *first <= at) && at < self.end
    }
}

/// Trims a track and writes its segments, a second each.
fn cut(mut track: Track, source: &Path, trim: Trim, dir: &Path) -> Result<(Part, Kept), IngestError> {
    let scale = i64::from(track.timescale);
    let nanos = |ticks: i64| i128::from(ticks) * 1_000_000_000 / i128::from(scale);
    let mut decoded = 0i64;
    let mut timed = Vec::with_capacity(track.samples.len());
    for sample in &track.samples {
        let presented = decoded + i64::from(sample.composition) - track.start as i64;
        timed.push((*sample, decoded, nanos(presented) as i64, nanos(i64::from(sample.duration)) as i64));
        decoded += i64::from(sample.duration);
    }
    let mut order: Vec<i64> = timed.iter().map(|sample| sample.2).collect();
    order.sort_unstable();
    let (front, back) = (i64::from(trim.front_ms) * 1_000_000, i64::from(PIECE_MS - trim.back_ms) * 1_000_000);
    let pictures = timed.iter().any(|(sample, ..)| !sample.is_sync());
    let begin = if front == 0 {
        0
    } else {
        let begins = |(sample, _, at, _): &(Sample, i64, i64, i64)| *at >= front && (!pictures || sample.is_sync());
        timed.iter().position(begins).ok_or_else(|| IngestError::output("nothing is left of a track"))?
    };
    let kept: Vec<_> = timed.drain(begin..).filter(|(_, _, at, _)| *at < back).collect();
    let Some(&(_, decode_time, ..)) = kept.first() else {
        return Err(IngestError::output("nothing is left of a track"));
    };
    let mut times: Vec<(u32, i64)> =
        kept.iter().map(|sample| (order.partition_point(|at| *at < sample.2) as u32, sample.2)).collect();
    times.sort_unstable_by_key(|time| time.1);
    let end = kept.iter().map(|sample| sample.2 + sample.3).max().unwrap_or(0);
    track.samples = kept.iter().map(|sample| sample.0).collect();
    let mut cuts = vec![0];
    // A little before a second belongs to it.
    let mut edge = (decode_time + scale / 10) / scale + 1;
    for (index, sample) in kept.iter().enumerate().skip(1) {
        if sample.1 >= edge * scale && sample.0.is_sync() {
            cuts.push(index);
            edge = sample.1 / scale + 1;
        }
    }
    let segments = segment::write_from(decode_time as u64, &track, source, &cuts, dir)?;
    let part = Part { codec: track.codec, timescale: track.timescale, segments, whole: None };
    Ok((part, Kept { times, end }))
}
