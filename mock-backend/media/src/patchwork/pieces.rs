//! The pieces: short films that differ in codec, size, frame rate, sample rate and channels. Each is encoded once.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::super::package::track::Track;
use super::super::{Cancel, IngestError, counter, ffmpeg};

/// Version of the pieces: older ones are made again.
const REVISION: u32 = 1;

/// How long each piece is, milliseconds.
pub const PIECE_MS: u32 = 3000;
/// The number of a piece's first frame is its place in [`PIECES`] times this.
pub const NUMBERS: u32 = 1000;

/// What a piece is made of.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    /// Its name.
    pub name: &'static str,
    /// Pixels.
    pub size: (u32, u32),
    /// Frames per second.
    pub fps: u32,
    /// Options of ffmpeg that encode the pictures; a key frame every half second.
    video: &'static [&'static str],
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// Options of ffmpeg that encode the sound.
    audio: &'static [&'static str],
}

/// All pieces.
pub const PIECES: [Piece; 6] = [
    Piece {
        name: "avc-aac",
        size: (426, 240),
        fps: 24,
        video: &["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "open-gop=0:bframes=0"],
        sample_rate: 48_000,
        channels: 2,
        audio: &["-c:a", "aac", "-b:a", "96k"],
    },
    Piece {
        name: "hevc-aac",
        size: (640, 360),
        fps: 30,
        video: &[
            "-c:v",
            "libx265",
            "-tag:v",
            "hvc1",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=none:open-gop=0:bframes=2",
        ],
        sample_rate: 44_100,
        channels: 1,
        audio: &["-c:a", "aac", "-b:a", "64k"],
    },
    Piece {
        name: "vp9-opus",
        size: (480, 270),
        fps: 24,
        video: &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k"],
        sample_rate: 48_000,
        channels: 2,
        audio: &["-c:a", "libopus", "-b:a", "64k"],
    },
    Piece {
        name: "avc-ac3",
        size: (854, 480),
        fps: 24,
        video: &["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "open-gop=0:bframes=2"],
        sample_rate: 48_000,
        channels: 6,
        audio: &["-c:a", "ac3", "-b:a", "384k"],
    },
    Piece {
        name: "av1-flac",
        size: (426, 240),
        fps: 30,
        video: &["-c:v", "libsvtav1", "-preset", "12", "-crf", "40", "-svtav1-params", "pred-struct=1"],
        sample_rate: 32_000,
        channels: 1,
        audio: &["-c:a", "flac"],
    },
    Piece {
        name: "avc-mp3",
        size: (426, 240),
        fps: 24,
        video: &["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "open-gop=0:bframes=2"],
        sample_rate: 44_100,
        channels: 2,
        audio: &["-c:a", "libmp3lame", "-b:a", "128k"],
    },
];

/// A piece by name and the number of its first frame.
///
/// # Errors
/// [`IngestError::Output`] when there is none of this name.
pub(super) fn find(name: &str) -> Result<(Piece, u32), IngestError> {
    let at = PIECES.iter().position(|piece| piece.name == name);
    let at = at.ok_or_else(|| IngestError::output(format!("there is no piece named {name}")))?;
    Ok((PIECES[at], at as u32 * NUMBERS))
}

/// Makes the pieces that are missing in `dir`. Two processes may do it at once: the second waits for the first.
pub(super) fn ensure(dir: &Path, cancel: &Cancel) -> Result<(), IngestError> {
    fs::create_dir_all(dir).map_err(IngestError::io(dir))?;
    let path = dir.join(".lock");
    let lock = File::create(&path).map_err(IngestError::io(&path))?;
    lock.lock().map_err(IngestError::io(&path))?;
    for (index, piece) in PIECES.iter().enumerate() {
        let done = dir.join(format!("{}.{REVISION}", piece.name));
        if !done.exists() {
            let args = piece.arguments(index as u32 * NUMBERS);
            ffmpeg::run(&args, dir, cancel, |_| {})?;
            File::create(&done).map_err(IngestError::io(&done))?;
        }
    }
    Ok(())
}

/// A track of a piece and the file that it lies in.
pub(super) fn track(dir: &Path, piece: &Piece, kind: &str) -> Result<(Track, PathBuf), IngestError> {
    let path = dir.join(format!("{}-{kind}.mp4", piece.name));
    Ok((Track::read(&path)?, path))
}

impl Piece {
    fn arguments(&self, first: u32) -> Vec<OsString> {
        let (width, height) = self.size;
        let (fps, rate) = (self.fps, self.sample_rate);
        let seconds = f64::from(PIECE_MS) / 1000.0;
        let frames = fps * PIECE_MS / 1000;
        let picture = format!(
            "testsrc2=size={width}x{height}:rate={fps},trim=end_frame={frames},format=yuv420p,{}",
            counter::filters_from(fps, first)
        );
        let layout = match self.channels {
            1 => "mono",
            2 => "stereo",
            _ => "5.1",
        };
        let beep = vec!["0.6*sin(2*PI*1000*t)*lt(mod(t,1),0.05)"; self.channels as usize].join("|");
        let sound = format!("aevalsrc=exprs='{beep}':s={rate}:c={layout}:d={seconds}");
        let gop = (fps / 2).to_string();
        let mut args: Vec<String> = Vec::new();
        let mut add = |more: &[&str]| args.extend(more.iter().map(|&arg| arg.to_owned()));
        add(&["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound]);
        add(&["-map", "0:v"]);
        add(self.video);
        add(&["-threads", "1", "-pix_fmt", "yuv420p", "-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"]);
        add(&["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]);
        let scale = (fps * 1000).to_string();
        add(&["-video_track_timescale", &scale, "-fflags", "+bitexact", "-f", "mp4", "-movflags"]);
        add(&["+frag_keyframe+default_base_moof+negative_cts_offsets+delay_moov"]);
        add(&[&format!("{}-video.mp4", self.name)]);
        add(&["-map", "1:a"]);
        add(self.audio);
        add(&["-strict", "-2", "-frag_duration", "1000000", "-fflags", "+bitexact", "-f", "mp4"]);
        add(&["-movflags", "+default_base_moof+delay_moov", &format!("{}-audio.mp4", self.name)]);
        args.into_iter().map(OsString::from).collect()
    }
}
