//! Decodes and shows with GStreamer.
//!
//! One pipeline per renderer. Each track is `appsrc ! parser ! decoder` (a *head*, replaced when the codec
//! changes) in front of a *tail* that stays: a queue and a sink for pictures; a queue, converters, a
//! retimer, volume and a sink for sound (pictures have a retimer too). All tracks share one clock, one anchor, and one
//! map from presentation time to running time.
//!
//! - **Seeking** flushes the tails, drops the heads and sends a TIME segment that begins at the target: decoders
//!   and sinks clip by it. Pictures well before the target that no other refers to are not decoded. A picture that is partly before the target is shown with the
//!   target as its time.
//! - **Rates** are slopes of the map, by which the retimers stamp buffers and stretch sound, with its pitch kept. A change
//!   takes effect right after what the sinks hold already; nothing is flushed, lost or repeated.
//! - **Recovery** and the flush of a single track set the pipeline up again at the present position from samples that
//!   are retained since the last key picture. So does a large change of rate while a sink waits with a buffer that
//!   is due more than a second later, as with slides.
//! - **Preroll**: the clock runs when every announced track has something to present. A track that has no sample
//!   at all while the others have a second of media is skipped after a second of waiting and joins later.
//!
//! No GStreamer type appears in a public signature.

mod anchor;
mod caps;
mod config;
mod decoders;
mod events;
mod exit;
mod feed;
mod feeder;
mod head;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod libraries;
mod pipeline;
mod queue;
mod retimer;
#[cfg(test)]
mod retimer_tests;
mod session;
mod sink_audio;
mod sink_video;
mod stretch;
#[cfg(test)]
mod stretch_tests;
mod tail;
#[cfg(test)]
mod tests;
mod thread;
mod threads;
mod timing;
mod unneeded;
mod warm;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use gstreamer as gst;

pub use config::{AudioCallback, AudioChunk, AudioOutput, FrameCallback, GstConfig, VideoOutput};

use self::events::EventQueue;
use self::queue::{Pushed, RenderQueue, Wishes};
use self::session::Session;
use self::sink_audio::AudioPresenter;
use self::sink_video::VideoPresenter;
use super::{RenderCommand, RenderEvent, Renderer, Waker};
use crate::container::Codec;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::time::Now;

/// Time for which dropping the renderer waits for its devices to be released. A sink that takes longer is left to
/// finish on its own thread.
const GOODBYE: Duration = Duration::from_secs(2);

/// Presents samples with GStreamer.
///
/// Thread-safety: one owner. Callbacks given in [`GstConfig`] run on GStreamer's threads; none runs after the
/// renderer is dropped, and none may drop it.
pub struct GstRenderer {
    config: GstConfig,
    events: Arc<EventQueue>,
    worker: Worker,
    /// The newest wishes of the owner, for a thread that takes the place of one that ended.
    wishes: Wishes,
}

/// Begins to initialise GStreamer and to load the decoders of usual media, on other threads, and returns at once. A
/// program calls it first of all; [`GstRenderer::new`] does the same, later.
pub fn prepare() {
    let begun = std::thread::Builder::new().name("render-init".to_owned()).spawn(|| {
        if exit::unless_ending(gst::init).is_some_and(|begun| begun.is_ok()) {
            warm::begin();
        }
    });
    if let Err(error) = begun {
        tracing::debug!(%error, "no thread to initialise GStreamer on");
    }
}

/// The render thread and the state that it shares.
struct Worker {
    queue: Arc<RenderQueue>,
    video: Arc<VideoPresenter>,
    audio: Arc<AudioPresenter>,
    stopped: Receiver<()>,
}

impl GstRenderer {
    /// Starts the render thread. No device is touched before the first flush.
    ///
    /// # Errors
    /// [`ErrorCode::RendererFailed`] when GStreamer cannot be initialised or no thread can be started.
    pub fn new(config: GstConfig) -> Result<Self, PlayerError> {
        gst::init().map_err(|error| failed(error.to_string()))?;
        warm::begin();
        let events = Arc::new(EventQueue::default());
        let worker = Worker::start(config.clone(), &events)?;
        Ok(Self { config, events, worker, wishes: Wishes::default() })
    }

    /// Starts another thread in the place of one that has ended by a panic, which [`RenderEvent::Failed`] announced.
    fn revive(&mut self) {
        if !self.worker.queue.is_closed() {
            return;
        }
        match Worker::start(self.config.clone(), &self.events) {
            Ok(worker) => {
                worker.queue.wish(self.wishes);
                self.worker = worker;
            }
            Err(error) => self.events.push(RenderEvent::Failed(error)),
        }
    }
}

impl Worker {
    fn start(config: GstConfig, events: &Arc<EventQueue>) -> Result<Self, PlayerError> {
        let (done, stopped) = sync_channel(1);
        let queue = Arc::new(RenderQueue::default());
        let video = Arc::new(VideoPresenter::new(&config.video, events.clone()));
        let audio = Arc::new(AudioPresenter::new(&config.audio, events.clone()));
        let session = Session::new(config, events.clone(), (video.clone(), audio.clone()), queue.clone());
        let (work, events) = (queue.clone(), events.clone());
        std::thread::Builder::new()
            .name("render".to_owned())
            .spawn(move || {
                // The session is dropped by a panic, and the pipeline with it.
                if catch_unwind(AssertUnwindSafe(|| thread::run(session, &work))).is_err() {
                    work.close();
                    events.push(RenderEvent::Failed(failed("the render thread panicked".to_owned())));
                }
                let _ = done.try_send(());
            })
            .map_err(|error| failed(format!("no thread: {error}")))?;
        Ok(Self { queue, video, audio, stopped })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close();
        self.video.close();
        self.audio.close();
        let _ = self.stopped.recv_timeout(GOODBYE);
    }
}

fn failed(what: String) -> PlayerError {
    PlayerError::fatal(ErrorCode::RendererFailed, what).at(Stage::Render)
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
        self.wishes.note(&command);
        if matches!(command, RenderCommand::Flush { .. }) {
            self.revive();
        }
        if self.worker.queue.push(command) == Pushed::Overflowed {
            self.events.push(RenderEvent::FlushWanted { reason: "the render thread is behind".to_owned() });
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
