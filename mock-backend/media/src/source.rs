//! Where a title comes from: a file, or generators that ffmpeg runs.

use std::path::PathBuf;

use super::Rate;
use super::drawn::Drawn;

/// The material of a title.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Source {
    /// A video file of any kind that ffmpeg reads.
    File(PathBuf),
    /// Generated picture, sound and text.
    Synthetic(Synthetic),
    /// Drawn pictures and played music.
    Drawn(Box<Drawn>),
}

/// Material that is made while it is encoded.
#[derive(Debug, Clone)]
pub struct Synthetic {
    /// A lavfi graph that gives the picture at `width`×`height`, `rate` and yuv420p, for at least `duration_ms`.
    pub video: String,
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Frames per second.
    pub rate: Rate,
    /// Duration of the title; a whole number of frames.
    pub duration_ms: u64,
    /// Filters that draw on the film but not on its poster (`drawbox…,drawtext…`); may be empty.
    pub overlay: String,
    /// A language tag and a lavfi graph for each audio rendition; each graph is cut to `duration_ms`.
    pub audio: Vec<(String, String)>,
    /// A language tag and a whole WebVTT file for each text rendition.
    pub text: Vec<(String, String)>,
}

/// How hard the encoder works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Effort {
    /// For material that must be watched: preset `veryfast`, every rung scaled from the source, all cores.
    #[default]
    Balanced,
    /// For material that must be ready soon: preset `ultrafast` with High-profile tools, each rung scaled from the next larger one,
    /// one thread (several titles are made at once).
    Fast,
}
