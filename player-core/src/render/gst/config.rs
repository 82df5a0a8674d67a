//! Where pictures and sound go. The only public types of this module besides the renderer.

use std::sync::Arc;

use crate::render::VideoFrame;
use crate::time::MediaTime;

/// Takes a picture at its time, on a GStreamer thread. It must return soon and may not call the renderer.
pub type FrameCallback = Arc<dyn Fn(VideoFrame) + Send + Sync>;

/// Takes sound at its time, on a GStreamer thread. It must return soon and may not call the renderer.
pub type AudioCallback = Arc<dyn Fn(AudioChunk) + Send + Sync>;

/// How a [`super::GstRenderer`] presents.
#[derive(Clone)]
pub struct GstConfig {
    /// Where pictures go.
    pub video: VideoOutput,
    /// Where sound goes.
    pub audio: AudioOutput,
    /// Pictures that are too late are dropped, and the decoder is told to hurry (QoS). Viewers want it; whoever
    /// counts pictures does not.
    pub drop_late: bool,
}

/// Where pictures go.
#[derive(Clone)]
#[non_exhaustive]
pub enum VideoOutput {
    /// Every picture is handed over when it is due; while paused, the first one of an epoch at once.
    Frames(FrameCallback),
    /// A window of its own. Without a display, pictures are counted only, with one warning.
    Window,
    /// Decodes, paces and counts; nothing is kept.
    Count,
}

/// Where sound goes.
#[derive(Clone)]
#[non_exhaustive]
pub enum AudioOutput {
    /// The best device there is; a silent clocked sink, with one warning, when there is none.
    Device,
    /// Silent, but clocked.
    Silent,
    /// Every block of decoded sound is handed over when it is due (after volume and rate).
    Tap(AudioCallback),
}

/// A block of decoded sound.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioChunk {
    /// Presentation time of its first sample.
    pub pts: MediaTime,
    /// Samples per second of each channel.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// Samples of all channels, interleaved, −1.0 to 1.0.
    pub samples: Vec<f32>,
}
