//! Decodes and shows with GStreamer.
//!
//! One pipeline per renderer. Each track is `appsrc ! parser ! decoder` (a *head*, replaced when the codec
//! changes) in front of a *tail* that stays: a queue and a sink for pictures; a queue, converters, scaletempo,
//! volume and a sink for sound. All tracks share one clock and one anchor from presentation time to running time.
//!
//! - **Seeking** flushes the tails, drops the heads and sends a TIME segment that begins at the target: decoders
//!   and sinks clip by it, nothing is dropped here. A picture that is partly before the target is shown with the
//!   target as its time.
//! - **Rates** other than 1 are a segment rate; scaletempo keeps the pitch.
//! - **Recovery**, rate changes and the flush of a single track set the pipeline up again at the present position
//!   from samples that are retained since the last key picture.
//! - **Preroll**: the clock runs when every announced track has something to present. A track that has no sample
//!   at all while the others have a second of media is skipped after a second of waiting and joins later.
//!
//! No GStreamer type appears in a public signature.

mod anchor;
mod caps;
mod config;
mod decoders;
mod events;
mod feed;
mod feeder;
mod head;
mod pipeline;
mod session;
mod sink_audio;
mod sink_video;
mod tail;
#[cfg(test)]
mod tests;
mod thread;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use gstreamer as gst;

pub use config::{AudioCallback, AudioChunk, AudioOutput, FrameCallback, GstConfig, VideoOutput};

use self::events::EventQueue;
use self::session::Session;
use self::sink_audio::AudioPresenter;
use self::sink_video::VideoPresenter;
use self::thread::Message;
use super::{RenderCommand, RenderEvent, Renderer, Waker};
use crate::container::Codec;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::time::Now;

/// Commands that wait for the render thread. The engine appends at most its lead, so more than this means that
/// the thread is stuck in a device: the renderer then says [`RenderEvent::Failed`], once, and takes nothing more.
const MAX_COMMANDS: usize = 1_024;

/// How long dropping the renderer waits for its devices to be released. A sink that takes longer is left to
/// finish on its own thread.
const GOODBYE: Duration = Duration::from_secs(2);

/// Presents samples with GStreamer.
///
/// Thread-safety: one owner. Callbacks given in [`GstConfig`] run on GStreamer's threads; none runs after the
/// renderer is dropped, and none may drop it.
pub struct GstRenderer {
    commands: SyncSender<Message>,
    events: Arc<EventQueue>,
    video: Arc<VideoPresenter>,
    audio: Arc<AudioPresenter>,
    quit: Arc<AtomicBool>,
    stopped: Receiver<()>,
    overflowed: bool,
}

impl GstRenderer {
    /// Starts the render thread. No device is touched before the first flush.
    ///
    /// # Errors
    /// [`ErrorCode::RendererFailed`] when GStreamer cannot be initialised or no thread can be started.
    pub fn new(config: GstConfig) -> Result<Self, PlayerError> {
        let failed = |what: String| PlayerError::fatal(ErrorCode::RendererFailed, what).at(Stage::Render);
        gst::init().map_err(|error| failed(error.to_string()))?;
        let (commands, messages) = sync_channel(MAX_COMMANDS);
        let (done, stopped) = sync_channel(1);
        let events = Arc::new(EventQueue::default());
        let video = Arc::new(VideoPresenter::new(&config.video, events.clone()));
        let audio = Arc::new(AudioPresenter::new(&config.audio, events.clone()));
        let quit = Arc::new(AtomicBool::new(false));
        let session = Session::new(config, events.clone(), (video.clone(), audio.clone()), commands.clone());
        let leave = quit.clone();
        std::thread::Builder::new()
            .name("render".to_owned())
            .spawn(move || {
                thread::run(session, &messages, &leave);
                let _ = done.try_send(());
            })
            .map_err(|error| failed(format!("no thread: {error}")))?;
        Ok(Self { commands, events, video, audio, quit, stopped, overflowed: false })
    }
}

/// True when this system has a decoder for the codec. The answer comes from GStreamer's registry; whether a
/// particular stream decodes shows only when it is played.
pub fn can_decode(codec: &Codec) -> bool {
    gst::init().is_ok() && !decoders::candidates(codec).is_empty()
}

impl Renderer for GstRenderer {
    fn set_waker(&mut self, waker: Waker) {
        self.events.set_waker(waker);
    }

    fn handle(&mut self, _now: Now, command: RenderCommand) {
        if self.overflowed {
            return;
        }
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.commands.try_send(Message::Command(command))
        {
            self.overflowed = true;
            let error = PlayerError::fatal(ErrorCode::RendererFailed, "the render thread does not keep up");
            self.events.push(RenderEvent::Failed(error.at(Stage::Render)));
        }
    }

    fn advance(&mut self, _now: Now) {}

    fn poll_event(&mut self, _now: Now) -> Option<RenderEvent> {
        self.events.pop()
    }

    fn poll_timeout(&self) -> Option<Now> {
        None
    }
}

impl Drop for GstRenderer {
    fn drop(&mut self) {
        self.quit.store(true, Ordering::SeqCst);
        // When the queue is full the thread sees the flag after the message it is at.
        let _ = self.commands.try_send(Message::Wake);
        self.video.close();
        self.audio.close();
        let _ = self.stopped.recv_timeout(GOODBYE);
    }
}
