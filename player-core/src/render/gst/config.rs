//! Destinations of video and audio: the only public types of this module apart from the renderer.

use std::sync::Arc;

use crate::render::VideoFrame;
use crate::time::MediaTime;

/// Takes a picture at its time, on a GStreamer thread. It must return soon and may not call the renderer.
pub type FrameCallback = Arc<dyn Fn(VideoFrame) + Send + Sync>;

/// Takes sound at its time, on a GStreamer thread. It must return soon and may not call the renderer.
pub type AudioCallback = Arc<dyn Fn(AudioChunk) + Send + Sync>;

/// Configuration of a [`super::GstRenderer`].
#[derive(Clone)]
pub struct GstConfig {
    /// Destination of decoded video.
    pub video: VideoOutput,
    /// Destination of decoded audio.
    pub audio: AudioOutput,
    /// Drops pictures that are too late and makes the decoder hurry (QoS). Viewers want it; a host that counts pictures
    /// does not.
    pub drop_late: bool,
}

/// Destination of decoded video.
#[derive(Clone)]
#[non_exhaustive]
pub enum VideoOutput {
    /// Every picture is handed over when it is due; while paused, the first one of an epoch at once.
    Frames(FrameCallback),
    /// A separate window. Without a display, pictures are counted only, with one warning.
    Window,
    /// Decodes, paces and counts; nothing is kept.
    Count,
}

/// Destination of decoded audio.
#[derive(Clone)]
#[non_exhaustive]
pub enum AudioOutput {
    /// The best device there is; a silent clocked sink, with one warning, when there is none.
    Device,
    /// No audible output; audio still paces playback.
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
    /// Number of channels.
    pub channels: u32,
    /// Samples of all channels, interleaved, −1.0 to 1.0.
    pub samples: Vec<f32>,
}
