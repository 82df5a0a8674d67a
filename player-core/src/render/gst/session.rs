//! State of the render thread: the epoch, the samples, the graph; and how each command changes them.
//!
//! One operation carries flushes, track changes and recovery: the graph is flushed (or made anew),
//! a new anchor is set, and what is retained is pushed again from the last key picture on ([`Session::set_up`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::anchor::Anchor;
use super::config::{GstConfig, VideoOutput};
use super::events::EventQueue;
use super::feeder::Feeder;
use super::pipeline::{Feed, Graph};
use super::queue::{RenderQueue, Wishes, Work};
use super::sink_audio::AudioPresenter;
use super::sink_video::VideoPresenter;
use super::threads::Pace;
use super::timing::Timing;
use crate::container::{CodecConfig, Sample};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::MediaKind;
use crate::render::{Epoch, FrameCounts, RenderCommand, RenderEvent, Window};
use crate::time::MediaTime;

/// Slowest and fastest rate; beyond, sound is noise and decoders do not keep up.
const RATES: (f64, f64) = (0.1, 8.0);

/// Largest change, relative to the rate before, that does not touch a buffer which is due much later. Changes that hold
/// a latency are smaller, those of a viewer larger.
const SMALL_CHANGE: f64 = 0.15;

/// The state behind the render thread's loop.
pub(super) struct Session {
    pub(super) config: GstConfig,
    pub(super) events: Arc<EventQueue>,
    pub(super) video: Arc<VideoPresenter>,
    pub(super) audio: Arc<AudioPresenter>,
    pub(super) queue: Arc<RenderQueue>,
    pub(super) graph: Option<Graph>,
    pub(super) feeders: [Feeder; 2],
    pub(super) tracks: Vec<MediaKind>,
    pub(super) epoch: Epoch,
    pub(super) anchor: Anchor,
    /// The map from presentation to running time, shared with the tails.
    pub(super) timing: Arc<Timing>,
    pub(super) playing: bool,
    pub(super) rate: f64,
    volume: (f64, bool),
    /// Everything of this epoch was presented.
    pub(super) ended: bool,
    /// Tracks that cannot be decoded, with the configuration that failed.
    pub(super) failed: Vec<(MediaKind, Option<Arc<CodecConfig>>)>,
    /// A video decoder with one thread did not keep up on this machine.
    pub(super) one_thread_was_slow: bool,
    /// Decoders that failed in this epoch.
    pub(super) excluded: Vec<String>,
    pub(super) device_lost: bool,
    /// The output of the configuration, which `config` no longer has once its window went away.
    video_output: VideoOutput,
    pub(super) recoveries: u32,
    pub(super) heads: u64,
    pub(super) watch: Watch,
}

/// State that is kept between two ticks.
#[derive(Default)]
pub(super) struct Watch {
    /// Ticks since the pipeline was set up.
    pub(super) since_set_up: u32,
    /// Time of playing in quick ticks.
    pub(super) ticks: u64,
    /// Time for which a track has held up the others, in quick ticks.
    pub(super) missing: u32,
    /// Time for which a decoder has given nothing, in quick ticks.
    pub(super) mute: u32,
    /// Buffers that each element has dropped, by its latest message.
    pub(super) dropped_by: BTreeMap<String, u64>,
    pub(super) dropped: u64,
    /// Those of them that a window had taken before it found them too late.
    pub(super) dropped_by_window: u64,
    pub(super) decoder_warnings: u64,
    pub(super) pace: Pace,
    pub(super) reported: FrameCounts,
    /// The configuration of each track that is on screen.
    pub(super) on_screen: BTreeMap<MediaKind, Arc<CodecConfig>>,
}

/// Distinguishes a set-up that continues an epoch from one that begins it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SetUp {
    Begin,
    Resume,
}

impl Session {
    /// Nothing is set up before the first flush.
    pub(super) fn new(
        config: GstConfig,
        events: Arc<EventQueue>,
        presenters: (Arc<VideoPresenter>, Arc<AudioPresenter>),
        queue: Arc<RenderQueue>,
    ) -> Self {
        Self {
            video_output: config.video.clone(),
            config,
            events,
            video: presenters.0,
            audio: presenters.1,
            queue,
            graph: None,
            feeders: [Feeder::new(MediaKind::Video), Feeder::new(MediaKind::Audio)],
            tracks: Vec::new(),
            epoch: Epoch::default(),
            anchor: Anchor { start: MediaTime::ZERO },
            timing: Arc::new(Timing::new(MediaTime::ZERO, 1.0)),
            playing: false,
            rate: 1.0,
            volume: (1.0, false),
            ended: false,
            failed: Vec::new(),
            one_thread_was_slow: false,
            excluded: Vec::new(),
            device_lost: false,
            recoveries: 0,
            heads: 0,
            watch: Watch::default(),
        }
    }

    /// Carries out the newest wishes and one command. A flush adopts them, so that the pipeline is set up once; after
    /// `Stop` they apply to what comes next.
    pub(super) fn execute(&mut self, work: Work) {
        match work.command {
            Some(flush @ RenderCommand::Flush { .. }) => {
                self.adopt(work.wishes);
                self.handle(flush);
            }
            Some(RenderCommand::Stop) => {
                self.handle(RenderCommand::Stop);
                self.apply(work.wishes);
            }
            other => {
                self.apply(work.wishes);
                if let Some(command) = other {
                    self.handle(command);
                }
            }
        }
    }

    fn apply(&mut self, wishes: Wishes) {
        if let Some((volume, muted)) = wishes.volume {
            self.handle(RenderCommand::SetVolume { volume, muted });
        }
        if let Some(rate) = wishes.rate {
            self.handle(RenderCommand::SetRate(rate));
        }
        if let Some(playing) = wishes.playing {
            self.handle(RenderCommand::SetPlaying(playing));
        }
    }

    /// Notes wishes for the epoch that begins next: its set-up puts them in force.
    fn adopt(&mut self, wishes: Wishes) {
        self.apply(Wishes { playing: None, rate: None, ..wishes });
        if let Some(rate) = wishes.rate.filter(|rate| rate.is_finite()) {
            self.rate = rate.clamp(RATES.0, RATES.1);
        }
        self.playing = wishes.playing.unwrap_or(self.playing);
    }

    /// Executes a command of the queue.
    pub(super) fn handle(&mut self, command: RenderCommand) {
        match command {
            RenderCommand::Flush { epoch, start, tracks } => self.flush(epoch, start, &tracks),
            RenderCommand::Configure { track, config, window, epoch } if epoch == self.epoch => {
                self.configure(track, config, window);
            }
            RenderCommand::Append { track, samples, epoch } if epoch == self.epoch => self.append(track, samples),
            RenderCommand::Gap { track, until, epoch } if epoch == self.epoch => self.gap(track, until),
            RenderCommand::EndOfTrack { track, epoch } if epoch == self.epoch => {
                if let Some(feeder) = self.feeder(track) {
                    feeder.end();
                }
                self.feed(track);
            }
            RenderCommand::FlushTrack { track, from, epoch } if epoch == self.epoch => self.flush_track(track, from),
            RenderCommand::Configure { .. }
            | RenderCommand::Append { .. }
            | RenderCommand::Gap { .. }
            | RenderCommand::EndOfTrack { .. }
            | RenderCommand::FlushTrack { .. } => {}
            RenderCommand::SetPlaying(playing) => self.set_playing(playing),
            RenderCommand::SetRate(rate) => self.set_rate(rate),
            RenderCommand::SetVolume { volume, muted } => {
                self.volume = (if volume.is_finite() { volume.clamp(0.0, 1.0) } else { 1.0 }, muted);
                if let Some(graph) = &self.graph {
                    graph.set_volume(self.volume.0, self.volume.1);
                }
            }
            RenderCommand::Stop => self.stop(),
        }
    }

    /// Drops everything and releases devices.
    pub(super) fn stop(&mut self) {
        self.graph = None;
        self.playing = false;
        // A device or a window that went away may be back for what is loaded next.
        self.device_lost = false;
        self.config.video = self.video_output.clone();
        self.tracks.clear();
        for feeder in &mut self.feeders {
            feeder.clear();
        }
    }

    /// Returns the presentation time that is on screen now.
    pub(super) fn position(&self) -> MediaTime {
        let end = self.media_end();
        if self.ended {
            return end.unwrap_or(self.anchor.start).max(self.anchor.start);
        }
        let Some(graph) = &self.graph else { return self.anchor.start };
        let position = self.timing.position(graph.running_time(self.playing));
        // The clock may run on while the last sound is on its way out.
        let all_ended = self.active_feeders().all(Feeder::is_ended);
        end.filter(|end| all_ended && position > *end).unwrap_or(position)
    }

    /// Reports the position of the clock.
    pub(super) fn report_position(&self) {
        self.events.push(RenderEvent::Position { epoch: self.epoch, position: self.position() });
    }

    /// Sets the graph up again at the present position, and pushes the retained samples.
    pub(super) fn resume_here(&mut self) {
        let position = self.position();
        self.set_up(SetUp::Resume, Anchor { start: position });
    }

    /// Throws the graph away, so that the next set-up makes another one.
    pub(super) fn discard_graph(&mut self) {
        let position = self.position();
        self.graph = None;
        self.set_up(SetUp::Resume, Anchor { start: position });
    }

    /// Nothing can be presented any more.
    pub(super) fn fail(&mut self, error: PlayerError) {
        self.graph = None;
        self.events.push(RenderEvent::Failed(error));
    }

    /// The samples of a track.
    pub(super) fn feeder(&mut self, kind: MediaKind) -> Option<&mut Feeder> {
        self.feeders.iter_mut().find(|feeder| feeder.kind() == kind)
    }

    /// The samples of the tracks of this epoch that can be decoded.
    pub(super) fn active_feeders(&self) -> impl Iterator<Item = &Feeder> {
        self.feeders.iter().filter(|feeder| {
            let failed = self.failed.iter().any(|(kind, _)| *kind == feeder.kind());
            self.tracks.contains(&feeder.kind()) && !failed
        })
    }

    fn media_end(&self) -> Option<MediaTime> {
        self.active_feeders().filter_map(Feeder::media_end).max()
    }

    fn flush(&mut self, epoch: Epoch, start: MediaTime, tracks: &[MediaKind]) {
        self.epoch = epoch;
        self.tracks = [MediaKind::Video, MediaKind::Audio].into_iter().filter(|kind| tracks.contains(kind)).collect();
        for feeder in &mut self.feeders {
            feeder.clear();
        }
        self.failed.clear();
        self.excluded.clear();
        self.recoveries = 0;
        self.set_up(SetUp::Begin, Anchor { start });
        self.events.push(RenderEvent::Flushed { epoch });
        self.report_position();
    }

    fn configure(&mut self, kind: MediaKind, config: Arc<CodecConfig>, window: Window) {
        self.failed.retain(|(track, failed)| *track != kind || failed.as_deref() == Some(&*config));
        if let Some(feeder) = self.feeder(kind) {
            feeder.configure(config, window);
        }
    }

    /// The decoder gives all that it holds, and the track no longer holds up the others.
    fn gap(&mut self, kind: MediaKind, until: MediaTime) {
        let failed = self.failed.iter().any(|(track, _)| *track == kind);
        let start = self.anchor.start;
        if let Some(feeder) = self.feeder(kind).filter(|_| !failed) {
            feeder.gap(start, until);
            self.feed(kind);
        }
    }

    fn append(&mut self, kind: MediaKind, samples: Vec<Sample>) {
        if self.failed.iter().any(|(track, _)| *track == kind) || !self.tracks.contains(&kind) {
            return;
        }
        let Some(first) = samples.first().map(|sample| sample.pts) else { return };
        if samples.iter().any(|sample| sample.crypto.is_some()) {
            // No decoder ever sees encrypted media: what it would make of it is noise.
            let error = PlayerError::fatal(ErrorCode::DecryptionFailed, "encrypted samples came to the renderer");
            return self.fail_track(kind, error.at(Stage::Render));
        }
        let Some(feeder) = self.feeder(kind) else { return };
        let before = feeder.last_config();
        feeder.append(samples);
        let after = feeder.last_config();
        if kind == MediaKind::Video
            && let Some(config) = after
            && before.is_none_or(|before| !Arc::ptr_eq(&before, &config))
        {
            self.video.rotate(first, config.rotation);
        }
        let branch = self.graph.as_mut().and_then(|graph| graph.branch(kind));
        if branch.is_some_and(|branch| matches!(branch.feed, Feed::Ended(_))) {
            // The end has gone to the sink already, which takes nothing more until it is flushed.
            self.ended = false;
            self.resume_here();
        } else {
            self.feed(kind);
        }
    }

    /// The whole pipeline is flushed, for one clock and one preroll; what the other track still needs is pushed again
    /// from what is retained, so nothing has to be fetched again.
    fn flush_track(&mut self, kind: MediaKind, from: MediaTime) {
        if !self.tracks.contains(&kind) {
            return;
        }
        let position = self.position();
        tracing::debug!(track = kind.as_str(), ?from, ?position, "track flushed");
        self.failed.retain(|(track, _)| *track != kind);
        if let Some(feeder) = self.feeder(kind) {
            feeder.clear();
        }
        self.ended = false;
        self.set_up(SetUp::Resume, Anchor { start: position });
        self.report_position();
    }

    fn set_playing(&mut self, playing: bool) {
        if playing == self.playing {
            return;
        }
        self.playing = playing;
        self.apply_playing();
        self.report_position();
    }

    /// Puts the clock into the state that is wanted.
    pub(super) fn apply_playing(&mut self) {
        if let Some(graph) = &self.graph
            && let Err(error) = graph.set_playing(self.playing)
        {
            tracing::debug!(%error, "state change refused; the bus tells why");
        }
    }

    /// Takes effect after what the sinks hold, without a flush. A buffer with which a sink waits for more than a second, as
    /// with slides, keeps its time; if the change is larger than [`SMALL_CHANGE`], the pipeline is set up again at the
    /// present position instead.
    fn set_rate(&mut self, rate: f64) {
        if !rate.is_finite() {
            return;
        }
        let rate = rate.clamp(RATES.0, RATES.1);
        let before = std::mem::replace(&mut self.rate, rate);
        if rate != before
            && !self.ended
            && let Some(graph) = &self.graph
        {
            let now = graph.running_time(self.playing);
            if self.timing.is_held_up(now) && (rate / before - 1.0).abs() > SMALL_CHANGE {
                self.resume_here();
            } else {
                self.timing.set_rate(rate, now);
            }
        }
        self.report_position();
    }

    /// Flushes the graph, or makes one if there is none for these tracks, and feeds it from the anchor on.
    fn set_up(&mut self, how: SetUp, anchor: Anchor) {
        let usable = self.graph.as_ref().is_some_and(|graph| graph.kinds().eq(self.tracks.iter().copied()));
        if usable {
            if let Some(graph) = &mut self.graph {
                graph.flush();
            }
        } else {
            self.graph = None;
        }
        self.anchor = anchor;
        self.timing.restart(anchor.start, self.rate);
        (self.watch.since_set_up, self.watch.missing, self.watch.mute) = (0, 0, 0);
        match how {
            SetUp::Begin => {
                self.ended = false;
                self.video.begin(self.epoch);
                self.audio.begin(self.epoch, !self.tracks.contains(&MediaKind::Video));
            }
            SetUp::Resume => self.video.resume(),
        }
        for feeder in &mut self.feeders {
            feeder.rewind(anchor.start);
        }
        if let Some(graph) = &self.graph {
            graph.open();
        } else if let Err(error) = self.make_graph() {
            self.fail(error);
            return;
        }
        self.apply_playing();
        for kind in self.tracks.clone() {
            self.feed(kind);
        }
    }

    fn make_graph(&mut self) -> Result<(), PlayerError> {
        if self.tracks.is_empty() {
            return Ok(());
        }
        let presenters = (&self.video, &self.audio);
        let queue = self.queue.clone();
        let (graph, missing) =
            Graph::new(&self.config, &self.tracks, self.device_lost, presenters, &self.timing, queue)?;
        graph.set_volume(self.volume.0, self.volume.1);
        self.graph = Some(graph);
        if missing.audio_device && !self.device_lost {
            self.device_lost = true;
            self.warn(ErrorCode::AudioDeviceUnavailable, "no audio device could be opened: playing silently");
        }
        if missing.window {
            self.config.video = VideoOutput::Count;
            self.warn(ErrorCode::VideoOutputUnavailable, "no window could be opened: playing without pictures");
        }
        Ok(())
    }

    /// Reports a recovered error.
    pub(super) fn warn(&self, code: ErrorCode, message: &str) {
        self.events.push(RenderEvent::Warning(PlayerError::warning(code, message).at(Stage::Render)));
    }
}
