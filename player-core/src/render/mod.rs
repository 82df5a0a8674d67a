//! Renderers: they take samples and time, and report the frames shown.
//!
//! [`null`] paces time like a device and decodes nothing; [`gst`] decodes and shows with GStreamer. Neither ever blocks
//! its caller; neither decides about requests.

#[cfg(feature = "gst")]
pub mod gst;
pub mod null;

mod frame;
mod window;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use frame::{Colorimetry, FramePlane, FrameSlot, PixelLayout, VideoFrame};
pub use window::Window;

use crate::container::{CodecConfig, Sample};
use crate::error::PlayerError;
use crate::model::MediaKind;
use crate::time::{MediaTime, Now};

/// Counts the flushes of a session: everything before a flush belongs to an older epoch and is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// Commands of the engine to a renderer, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RenderCommand {
    /// Begin again at `start`: drop everything, and show nothing before `start` (decode and clip).
    /// `tracks` are the kinds that will come; the renderer waits for the first picture of all of them before
    /// its clock runs. Answered by [`RenderEvent::Flushed`], unless another flush or [`RenderCommand::Stop`] comes
    /// before it is begun.
    Flush {
        /// The epoch that begins.
        epoch: Epoch,
        /// The first instant to present.
        start: MediaTime,
        /// The kinds of track that will be appended: video, audio or both.
        tracks: Vec<MediaKind>,
    },
    /// Sets the configuration of the media that follows on this track. Media before it is presented to its end first.
    Configure {
        /// Kind of the track.
        track: MediaKind,
        /// Configuration of the decoder.
        config: Arc<CodecConfig>,
        /// Span of the media that follows in which it may be presented; the rest is decoded and clipped.
        window: Window,
        /// The epoch it belongs to.
        epoch: Epoch,
    },
    /// This track has no media before `until`, and the others go on: the last picture stays, and there is silence.
    Gap {
        /// Kind of the track.
        track: MediaKind,
        /// Time at which its media goes on, as far as is known.
        until: MediaTime,
        /// Epoch that the gap belongs to.
        epoch: Epoch,
    },
    /// Samples in decoding order, in presentation time, already decrypted.
    Append {
        /// Kind of the track.
        track: MediaKind,
        /// Samples in decoding order.
        samples: Vec<Sample>,
        /// The epoch they belong to.
        epoch: Epoch,
    },
    /// Nothing more comes on this track in this epoch.
    EndOfTrack {
        /// Kind of the track.
        track: MediaKind,
        /// Epoch that ends on this track.
        epoch: Epoch,
    },
    /// Drops the samples of one track that are not shown yet (a language was changed); the media that follows begins at
    /// `from`. A renderer that cannot do it for one track alone may answer [`RenderEvent::FlushWanted`].
    FlushTrack {
        /// Kind of the track.
        track: MediaKind,
        /// Start of the new media.
        from: MediaTime,
        /// Epoch that goes on.
        epoch: Epoch,
    },
    /// Let the clock run, or hold it.
    SetPlaying(bool),
    /// Sets the rate of the clock while playing; audio keeps its pitch. Nothing is flushed, and no picture and no audio is
    /// lost or repeated: the change takes effect after what the outputs hold already, which is some tens of milliseconds,
    /// or up to 200 ms with an audio device. Positions show it from then on. Only while an output waits with media that is
    /// due more than a second later, as with slides, a change by more than 15 % sets the pipeline up again at the position.
    /// The GStreamer renderer clamps rates to 0.1–8. Rates that are not finite are ignored.
    SetRate(f64),
    /// Loudness 0.0–1.0 and silence.
    SetVolume {
        /// Linear loudness, 0 to 1.
        volume: f64,
        /// True for no audible output.
        muted: bool,
    },
    /// Drop everything and release devices.
    Stop,
}

/// Video frames since the renderer was made, by their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameCounts {
    /// Handed to the sink in time to be shown.
    pub presented: u64,
    /// Decoded but too late to be shown.
    pub dropped: u64,
    /// Shown again because the next was not there.
    pub repeated: u64,
    /// Frames that were decoded with errors.
    pub corrupt: u64,
}

/// Events of a renderer for the engine. Those of an older epoch are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RenderEvent {
    /// The flush is done; appends of this epoch are accepted from now on (they were queued before).
    Flushed {
        /// The epoch that began.
        epoch: Epoch,
    },
    /// The first video frame of this epoch is on screen.
    FirstFrame {
        /// Epoch that the picture belongs to.
        epoch: Epoch,
        /// Presentation time of the picture.
        pts: MediaTime,
    },
    /// The first audio of this epoch is presented without video: the epoch has none, it begins later, or it cannot be
    /// decoded. [`RenderEvent::FirstFrame`] may follow.
    FirstAudio {
        /// Epoch that the audio belongs to.
        epoch: Epoch,
        /// Presentation time of the audio.
        pts: MediaTime,
    },
    /// Position of the clock. Sent at least every 100 ms while playing, and once after each change of playing, rate or
    /// epoch.
    Position {
        /// Epoch that the position belongs to.
        epoch: Epoch,
        /// Presentation time on screen.
        position: MediaTime,
    },
    /// Frame counts changed; merged, at most ten times a second.
    Frames(FrameCounts),
    /// Time by which a frame's picture was later (positive) or earlier than its audio; sampled about once a second.
    AvSync {
        /// Nanoseconds; positive when the picture is late.
        nanos: i64,
    },
    /// Everything that was appended has been presented to its end.
    Ended {
        /// Epoch that has ended.
        epoch: Epoch,
    },
    /// A new decoder or resolution is on screen from this time on.
    Reconfigured {
        /// Kind of the track.
        track: MediaKind,
        /// Presentation time from which it is on screen.
        from: MediaTime,
    },
    /// The renderer cannot go on without a flush at its position: a device went away, a track was flushed alone, or more
    /// media was appended than it can hold.
    FlushWanted {
        /// Reason for the log.
        reason: String,
    },
    /// An error was recovered: no device, no GPU… Playback goes on with the rest.
    Warning(PlayerError),
    /// This track cannot be decoded with its present configuration: choose another representation or go on without it.
    TrackFailed {
        /// Kind of the track.
        track: MediaKind,
        /// Error of the decoder.
        error: PlayerError,
    },
    /// Nothing can be presented any more.
    Failed(PlayerError),
}

/// Called from any thread to say that `poll_event` has something. It must only wake.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Presents samples. All methods return at once; slow work happens on the renderer's own threads.
pub trait Renderer: Send {
    /// Gives the function that wakes the owner. Called once, first.
    fn set_waker(&mut self, waker: Waker);

    /// Takes a command. Commands of one epoch are executed in order; of [`RenderCommand::SetPlaying`],
    /// [`RenderCommand::SetRate`] and [`RenderCommand::SetVolume`] only the newest of each need be executed.
    fn handle(&mut self, now: Now, command: RenderCommand);

    /// Lets time pass, for renderers without a clock.
    fn advance(&mut self, now: Now);

    /// The next event, if any. Call until `None`.
    fn poll_event(&mut self, now: Now) -> Option<RenderEvent>;

    /// Returns the time at which `advance` must be called next; `None` if the waker signals instead.
    fn poll_timeout(&self) -> Option<Now>;
}
