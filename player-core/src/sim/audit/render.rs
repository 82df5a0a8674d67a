//! Audit of the commands to the renderer: epochs, configurations, and samples in decoding order.

use std::sync::Arc;

use super::require;
use crate::container::{CodecConfig, Sample};
use crate::model::MediaKind;
use crate::render::{Epoch, FrameCounts, RenderCommand, RenderEvent};
use crate::snapshot::{Snapshot, State};
use crate::time::{MediaTime, Now};

/// Distance of the start of an epoch from that of its media: a few pictures, or a gap
/// that is too short to be jumped over.
const FRAME: i64 = 300_000_000;

/// A track of the present epoch.
#[derive(Clone, Debug)]
struct Fed {
    kind: MediaKind,
    config: Option<Arc<CodecConfig>>,
    /// Decoding begins, and has to with a key frame.
    needs_key: bool,
    /// A gap was announced.
    has_gap: bool,
    /// Decoding time of the last sample since the last configuration.
    decoded: Option<MediaTime>,
    is_ended: bool,
    /// Samples were appended.
    has_begun: bool,
}

impl Fed {
    const fn new(kind: MediaKind) -> Self {
        Self { kind, config: None, needs_key: true, has_gap: false, decoded: None, is_ended: false, has_begun: false }
    }
}

/// State of the renderer as the engine commands it.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendering {
    epoch: Option<Epoch>,
    is_stopped: bool,
    tracks: Vec<Fed>,
    start: MediaTime,
    is_playing: Option<bool>,
    rate: Option<f64>,
    volume: Option<(f64, bool)>,
    /// Video samples appended since the load.
    appended: u64,
    /// First picture or audio of the epoch was reported by the renderer.
    has_begun: bool,
    frames: FrameCounts,
    frames_before: Option<FrameCounts>,
}

impl Rendering {
    /// A presentation is loaded.
    pub(super) const fn begin(&mut self) {
        self.appended = 0;
        self.frames_before = None;
    }

    pub(super) fn on_event(&mut self, event: &RenderEvent) {
        match event {
            RenderEvent::FirstFrame { epoch, .. } | RenderEvent::FirstAudio { epoch, .. } => {
                self.has_begun |= self.epoch == Some(*epoch);
            }
            RenderEvent::Frames(counts) => self.frames = *counts,
            _ => {}
        }
    }

    pub(super) fn on_command(&mut self, command: &RenderCommand, now: Now) {
        match command {
            RenderCommand::Flush { epoch, start, tracks } => self.on_flush(*epoch, *start, tracks, now),
            RenderCommand::SetPlaying(playing) => {
                require(now, self.is_playing != Some(*playing), || format!("playing is set to {playing} twice"));
                self.is_playing = Some(*playing);
            }
            RenderCommand::SetRate(rate) => self.rate = Some(*rate),
            RenderCommand::SetVolume { volume, muted } => self.volume = Some((*volume, *muted)),
            RenderCommand::Stop => (self.is_stopped, self.is_playing) = (true, None),
            RenderCommand::Configure { track, epoch, window, config } => {
                let fed = self.track(*track, *epoch, now);
                // Another decoder has no picture to go on from; another window alone changes nothing for it.
                fed.needs_key |= fed.config.replace(Arc::clone(config)).is_none_or(|known| known != *config);
                fed.decoded = None;
                require(now, window.from < window.until, || format!("{track:?} has the window {window:?}"));
            }
            RenderCommand::Gap { track, epoch, until } => {
                let start = self.start;
                self.track(*track, *epoch, now).has_gap = true;
                require(now, *until > start, || format!("a gap of {track:?} until {until:?}"));
            }
            RenderCommand::EndOfTrack { track, epoch } => self.track(*track, *epoch, now).is_ended = true,
            RenderCommand::FlushTrack { track, epoch, .. } => {
                let current = self.epoch;
                require(now, current == Some(*epoch), || format!("{command:?} in {current:?}"));
                let known = self.tracks.iter_mut().find(|fed| fed.kind == *track);
                require(now, known.is_some(), || format!("{command:?} of no track"));
                if let Some(known) = known {
                    *known = Fed::new(*track);
                }
            }
            RenderCommand::Append { track, samples, epoch } => self.on_append(*track, samples, *epoch, now),
        }
    }

    fn on_flush(&mut self, epoch: Epoch, start: MediaTime, tracks: &[MediaKind], now: Now) {
        let next = self.epoch.is_none_or(|last| epoch > last);
        require(now, next, || format!("{epoch:?} follows {:?}", self.epoch));
        require(now, start.shifted(FRAME) >= MediaTime::ZERO, || format!("{epoch:?} begins at {start:?}"));
        require(now, !tracks.is_empty(), || format!("{epoch:?} has no track"));
        self.tracks = tracks.iter().map(|kind| Fed::new(*kind)).collect();
        (self.epoch, self.start, self.is_stopped, self.has_begun) = (Some(epoch), start, false, false);
        self.frames_before.get_or_insert(self.frames);
    }

    /// Returns the track that a command is for.
    fn track(&mut self, kind: MediaKind, epoch: Epoch, now: Now) -> &mut Fed {
        let (current, stopped) = (self.epoch, self.is_stopped);
        require(now, current == Some(epoch) && !stopped, || format!("{kind:?} of {epoch:?} in {current:?}"));
        let fed = self.tracks.iter_mut().find(|fed| fed.kind == kind).expect("the epoch has the track");
        require(now, !fed.is_ended, || format!("{kind:?} of {epoch:?} goes on after its end"));
        fed
    }

    fn on_append(&mut self, kind: MediaKind, samples: &[Sample], epoch: Epoch, now: Now) {
        if kind == MediaKind::Video {
            self.appended += samples.len() as u64;
        }
        let start = self.start;
        let fed = self.track(kind, epoch, now);
        require(now, fed.config.is_some(), || format!("{kind:?} of {epoch:?} comes without a configuration"));
        require(now, !samples.is_empty(), || format!("nothing of {kind:?} is appended"));
        for sample in samples {
            let needs_key = std::mem::take(&mut fed.needs_key);
            let begins = !needs_key || sample.key;
            require(now, begins, || format!("{kind:?} of {epoch:?} begins at {sample:?}, which is no key frame"));
            if kind == MediaKind::Video && !std::mem::replace(&mut fed.has_begun, true) {
                // Pictures that are decoded after a key frame may be presented before it.
                let covers = sample.pts <= start.shifted(FRAME) || fed.has_gap;
                require(now, covers, || format!("{epoch:?} begins at {start:?}, its media at {:?}", sample.pts));
            }
            let decoded = fed.decoded;
            let follows = decoded.is_none_or(|last| sample.dts > last);
            require(now, follows, || format!("{kind:?} of {epoch:?}: {:?} is decoded after {decoded:?}", sample.dts));
            fed.decoded = Some(sample.dts);
        }
    }

    pub(super) fn check(&self, snapshot: &Snapshot, now: Now) {
        let stats = &snapshot.stats;
        if let Some(volume) = self.volume {
            let expected = (snapshot.volume, snapshot.muted);
            require(now, volume == expected, || format!("the volume is {volume:?}, not {expected:?}"));
        }
        let plays = snapshot.state == State::Ready && snapshot.play_when_ready;
        let playing = self.is_playing.unwrap_or_default();
        require(now, playing || !plays, || format!("the renderer is held in {:?}", snapshot.state));
        let may_play = snapshot.play_when_ready && !matches!(snapshot.state, State::Idle | State::Failed);
        require(now, may_play || !playing, || format!("the renderer plays in {:?}", snapshot.state));
        if snapshot.clock_rate > 0.0 {
            let rate = self.rate.unwrap_or(1.0);
            let equal = (rate - snapshot.clock_rate).abs() < 1e-3;
            require(now, equal, || format!("the renderer's rate is {rate}, the clock's {}", snapshot.clock_rate));
        }
        let input = stats.account.decoder_input;
        require(now, input == self.appended, || format!("{input} pictures decoded, not {}", self.appended));
        // Reports after the end of a session count for none.
        if matches!(snapshot.state, State::Idle | State::Failed) {
            return;
        }
        let before = self.frames_before.unwrap_or(self.frames);
        let counted = (stats.frames.presented, stats.frames.dropped);
        let expected = (self.frames.presented - before.presented, self.frames.dropped - before.dropped);
        require(now, counted == expected, || format!("{counted:?} pictures presented and dropped, not {expected:?}"));
    }

    /// Returns true if the position may move on by itself: the first picture or audio of the epoch is presented.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }
}
