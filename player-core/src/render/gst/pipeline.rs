//! The pipeline: one branch per track, one clock, and the messages of its bus in our words.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::anchor::Anchor;
use super::config::GstConfig;
use super::head::{DRAINED, Head};
use super::queue::RenderQueue;
use super::sink_audio::{AudioPresenter, VOLUME, audio_tail};
use super::sink_video::{VideoPresenter, video_tail};
use super::tail::Tail;
use super::timing::Timing;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// Source of a branch.
pub(super) enum Feed {
    /// No source yet.
    Empty,
    /// No sample has arrived for so long that the others were let go on; samples may still arrive.
    Skipped,
    /// A head with a decoder.
    Running(Head),
    /// A decoder that gives its last pictures before another takes its place.
    Draining(Head),
    /// The end was sent to the sink.
    Ended(Option<Head>),
}

/// One track: its source and its sink.
pub(super) struct Branch {
    pub(super) kind: MediaKind,
    pub(super) feed: Feed,
    /// The sink knows its input: a decoder was in since the last flush, or its caps were sent.
    opened: bool,
    tail: Tail,
}

/// Origin of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Parser or decoder of a track.
    Head(MediaKind),
    /// Converter or sink of a track.
    Tail(MediaKind),
    /// The pipeline as a whole.
    Pipeline,
}

/// A message of the bus.
#[derive(Debug)]
pub(super) enum Notice {
    /// Something cannot go on.
    Error { origin: Origin, text: String },
    /// Something went wrong and was recovered.
    Warning { origin: Origin, text: String },
    /// A head that was to drain is empty.
    Drained { head: u64 },
    /// All sinks have presented everything.
    Ended,
    /// An element has dropped this number of buffers since it started.
    Dropped { element: String, buffers: u64 },
    /// The clock must be chosen again.
    ClockLost,
}

/// A pipeline with a branch for each announced track.
pub(super) struct Graph {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    branches: Vec<Branch>,
}

/// Devices that were missing when a graph was made.
#[derive(Default)]
pub(super) struct Missing {
    pub(super) audio_device: bool,
    pub(super) window: bool,
}

impl Graph {
    /// Makes and pauses a pipeline. `queue` is woken when the bus has a message.
    pub(super) fn new(
        config: &GstConfig,
        tracks: &[MediaKind],
        device_lost: bool,
        presenters: (&Arc<VideoPresenter>, &Arc<AudioPresenter>),
        timing: &Arc<Timing>,
        queue: Arc<RenderQueue>,
    ) -> Result<(Self, Missing), PlayerError> {
        let pipeline = gst::Pipeline::with_name("kinora");
        let bus = pipeline.bus().ok_or_else(|| failure("a pipeline without a bus".to_owned()))?;
        bus.set_sync_handler(move |_, _| {
            queue.wake();
            gst::BusSyncReply::Pass
        });
        let mut graph = Self { pipeline, bus, branches: Vec::new() };
        let mut missing = Missing::default();
        for kind in tracks {
            let tail = match kind {
                MediaKind::Video => {
                    let (tail, opened) =
                        video_tail(&graph.pipeline, (&config.video, config.drop_late), presenters.0, timing)?;
                    missing.window |= !opened;
                    tail
                }
                MediaKind::Audio => {
                    let (tail, opened) =
                        audio_tail(&graph.pipeline, (&config.audio, device_lost), presenters.1, timing)?;
                    missing.audio_device |= !opened;
                    tail
                }
                MediaKind::Text => continue,
            };
            graph.branches.push(Branch { kind: *kind, feed: Feed::Empty, opened: false, tail });
        }
        graph.set_playing(false)?;
        Ok((graph, missing))
    }

    /// Takes another clock from the next time on that it plays.
    #[cfg(test)]
    pub(super) fn use_clock(&self, clock: &impl IsA<gst::Clock>) {
        self.pipeline.use_clock(Some(clock));
    }

    /// Returns the tracks it was made for.
    pub(super) fn kinds(&self) -> impl Iterator<Item = MediaKind> {
        self.branches.iter().map(|branch| branch.kind)
    }

    /// The branch of a track.
    pub(super) fn branch(&mut self, kind: MediaKind) -> Option<&mut Branch> {
        self.branches.iter_mut().find(|branch| branch.kind == kind)
    }

    /// Returns all branches.
    pub(super) fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// Lets the clock run or holds it. Takes effect when every branch has something to show.
    pub(super) fn set_playing(&self, playing: bool) -> Result<(), PlayerError> {
        let state = if playing { gst::State::Playing } else { gst::State::Paused };
        let changed = self.pipeline.set_state(state);
        changed.map(drop).map_err(|_| failure("the pipeline refuses to change its state".to_owned()))
    }

    /// Asks again for the wanted state when the pipeline rests in another one or has given up. That happens when a
    /// decoder is removed at the very moment when the pipeline, on its own thread, goes on to the next state and finds
    /// the decoder stopped.
    pub(super) fn settle(&self, playing: bool) {
        let (result, current, pending) = self.pipeline.state(gst::ClockTime::ZERO);
        let wanted = if playing { gst::State::Playing } else { gst::State::Paused };
        if current != wanted && (result.is_err() || pending == gst::State::VoidPending) {
            tracing::debug!(?result, ?current, ?pending, "asking again for the state");
            let _ = self.pipeline.set_state(wanted);
        }
    }

    /// Returns the running time on screen. It stands still while the clock is held or data is awaited.
    pub(super) fn running_time(&self, playing: bool) -> gst::ClockTime {
        let (_, current, pending) = self.pipeline.state(gst::ClockTime::ZERO);
        // On its way from playing to paused and back, for a preroll, the pipeline still calls itself playing.
        let settled = pending == gst::State::VoidPending;
        let running = match current {
            gst::State::Playing if playing && settled => self.pipeline.current_running_time(),
            _ => self.pipeline.start_time(),
        };
        running.unwrap_or(gst::ClockTime::ZERO)
    }

    /// Drops everything, heads included, and lets nothing through until [`Graph::open`]. No callback of a sink
    /// runs after this returns, and the clock is held: say [`Graph::set_playing`] afterwards.
    pub(super) fn flush(&mut self) {
        // Held first: a pipeline that is just going on to play does so on its own thread, and would never arrive if a
        // sink began to preroll again under its hands. Changing the state waits for that thread.
        let _ = self.set_playing(false);
        for branch in &self.branches {
            branch.tail.flush_start();
        }
        for branch in &mut self.branches {
            branch.opened = false;
            match std::mem::replace(&mut branch.feed, Feed::Empty) {
                Feed::Running(head) | Feed::Draining(head) | Feed::Ended(Some(head)) => head.remove(&self.pipeline),
                Feed::Empty | Feed::Skipped | Feed::Ended(None) => {}
            }
        }
        while self.bus.pop().is_some() {}
    }

    /// Lets data through again, from running time zero.
    pub(super) fn open(&self) {
        for branch in &self.branches {
            branch.tail.flush_stop(true);
        }
    }

    /// Linear loudness and silence.
    pub(super) fn set_volume(&self, volume: f64, muted: bool) {
        if let Some(element) = self.pipeline.by_name(VOLUME) {
            element.set_property("volume", volume);
            element.set_property("mute", muted);
        }
    }

    /// Returns the next message of the bus that matters here.
    pub(super) fn notice(&self) -> Option<Notice> {
        while let Some(message) = self.bus.pop() {
            if let Some(notice) = self.read(&message) {
                return Some(notice);
            }
        }
        None
    }

    fn read(&self, message: &gst::Message) -> Option<Notice> {
        let origin = origin(message);
        match message.view() {
            gst::MessageView::Error(error) => {
                tracing::debug!(?origin, error = %error.error(), debug = ?error.debug(), "pipeline error");
                Some(Notice::Error { origin, text: error.error().to_string() })
            }
            gst::MessageView::Warning(warning) => Some(Notice::Warning { origin, text: warning.error().to_string() }),
            gst::MessageView::Eos(_) => Some(Notice::Ended),
            gst::MessageView::Element(element) => {
                let structure = element.structure().filter(|structure| structure.name() == DRAINED)?;
                Some(Notice::Drained { head: structure.get("head").ok()? })
            }
            gst::MessageView::Qos(qos) => {
                let element = message.src().map(|src| src.path_string().to_string())?;
                let (_, dropped) = qos.stats();
                Some(Notice::Dropped { element, buffers: u64::try_from(dropped.value()).ok()? })
            }
            gst::MessageView::Latency(_) => {
                let _ = self.pipeline.recalculate_latency();
                None
            }
            gst::MessageView::ClockLost(_) => Some(Notice::ClockLost),
            _ => None,
        }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        self.bus.unset_sync_handler();
        // Heads may be held in their sinks: the whole pipeline goes down at once, sinks first.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Branch {
    /// Puts a head in.
    pub(super) fn start(&mut self, pipeline: &GraphHandle, head: Head, anchor: &Anchor) -> Result<(), PlayerError> {
        head.start(&pipeline.0, self.tail.entry(), anchor)?;
        self.opened = true;
        self.feed = Feed::Running(head);
        Ok(())
    }

    /// Lets the running head decode all samples that it holds, and then report it.
    pub(super) fn drain(&mut self) {
        self.feed = match std::mem::replace(&mut self.feed, Feed::Empty) {
            Feed::Running(head) => {
                head.drain();
                Feed::Draining(head)
            }
            other => other,
        };
    }

    /// Removes the head `id` if it is the one that was to drain.
    pub(super) fn drained(&mut self, pipeline: &GraphHandle, id: u64) {
        match std::mem::replace(&mut self.feed, Feed::Empty) {
            Feed::Draining(head) if head.id() == id => head.remove(&pipeline.0),
            other => self.feed = other,
        }
    }

    /// Sends the end to the sink, after everything that was pushed.
    pub(super) fn end(&mut self, anchor: &Anchor) {
        self.feed = match std::mem::replace(&mut self.feed, Feed::Empty) {
            Feed::Running(head) => {
                head.end();
                Feed::Ended(Some(head))
            }
            Feed::Empty | Feed::Skipped => {
                self.open(anchor);
                self.tail.end();
                Feed::Ended(None)
            }
            other => other,
        };
    }

    /// Removes what feeds it and ends the track at the sink: it cannot be decoded. The clock must be held, for
    /// the reason given in [`Graph::flush`].
    pub(super) fn abandon(&mut self, pipeline: &GraphHandle, anchor: &Anchor) {
        // A sink that has seen an end takes no second one, unless it is flushed in between.
        self.tail.flush_start();
        match std::mem::replace(&mut self.feed, Feed::Empty) {
            Feed::Running(head) | Feed::Draining(head) | Feed::Ended(Some(head)) => head.remove(&pipeline.0),
            Feed::Empty | Feed::Skipped | Feed::Ended(None) => {}
        }
        self.tail.flush_stop(false);
        self.opened = false;
        self.end(anchor);
    }

    /// Its decoder, if one is in.
    pub(super) fn head(&self) -> Option<&Head> {
        match &self.feed {
            Feed::Running(head) | Feed::Draining(head) | Feed::Ended(Some(head)) => Some(head),
            Feed::Empty | Feed::Skipped | Feed::Ended(None) => None,
        }
    }

    /// Lets the other tracks go on without this one from a time on, until its samples come.
    pub(super) fn skip(&mut self, anchor: &Anchor, from: MediaTime) {
        self.open(anchor);
        self.tail.gap(from.max(anchor.start));
        self.feed = Feed::Skipped;
    }

    fn open(&mut self, anchor: &Anchor) {
        if !std::mem::replace(&mut self.opened, true) {
            self.tail.open_stream(anchor);
        }
    }
}

/// A reference to the pipeline for changing one branch while the graph is borrowed.
pub(super) struct GraphHandle(gst::Pipeline);

impl Graph {
    /// A reference for [`Branch::start`] and [`Branch::drained`].
    pub(super) fn handle(&self) -> GraphHandle {
        GraphHandle(self.pipeline.clone())
    }
}

/// Elements are named after their track and part, so a message's path identifies its source.
fn origin(message: &gst::Message) -> Origin {
    let path = message.src().map(|src| src.path_string().to_string()).unwrap_or_default();
    let kind = if path.contains(":video-") {
        MediaKind::Video
    } else if path.contains(":audio-") {
        MediaKind::Audio
    } else {
        return Origin::Pipeline;
    };
    if path.contains("-head-") { Origin::Head(kind) } else { Origin::Tail(kind) }
}

fn failure(what: String) -> PlayerError {
    PlayerError::fatal(ErrorCode::RendererFailed, what).at(Stage::Render)
}
