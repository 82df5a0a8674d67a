//! Audit of events: replies, states, stalls, seeks, switches and what they announce about the snapshot.

use std::sync::Arc;
use std::time::Duration;

use super::require;
use crate::command::CommandId;
use crate::engine::io::Output;
use crate::error::{PlayerError, Severity};
use crate::event::Event;
use crate::model::TimedMetadata;
use crate::render::RenderCommand;
use crate::snapshot::{Snapshot, State};
use crate::telemetry::{Failover, Switch};
use crate::time::{MediaTime, Now};

/// Kinds of change that were announced since the last comparison.
#[derive(Clone, Copy, Debug, Default)]
struct Changes {
    tracks: bool,
    timeline: bool,
    cues: bool,
    metadata: bool,
}

/// Events since the load.
#[derive(Clone, Debug, Default)]
pub(super) struct Announced {
    /// Command of the present step, until it is answered.
    command: Option<CommandId>,
    state: State,
    changes: Changes,
    /// Time at which playback first began.
    begun_at: Option<Now>,
    has_first_frame: bool,
    has_first_audio: bool,
    stalled_since: Option<Now>,
    stalls: Vec<(MediaTime, String, Option<Duration>)>,
    /// Times of the commands, from which latencies count.
    causes: Vec<Now>,
    seek: Option<(MediaTime, Now)>,
    /// The length became known during the seek, so that its target may lie earlier.
    may_clamp: bool,
    seeks_begun: usize,
    seeks_done: Vec<(MediaTime, Duration, i64)>,
    quality: Option<String>,
    switches: Vec<Switch>,
    failovers: Vec<Failover>,
    active: Vec<Arc<TimedMetadata>>,
    error: Option<PlayerError>,
    is_loaded: bool,
    /// The manifest was read again, and may give other names.
    is_renamed: bool,
}

impl Announced {
    /// A presentation is loaded.
    pub(super) fn begin(&mut self) {
        let causes = self.causes.last().copied().into_iter().collect();
        // A stall ends with the presentation before, after the load.
        let (command, state, stalled_since) = (self.command, self.state, self.stalled_since);
        *self = Self { command, state, causes, stalled_since, ..Self::default() };
    }

    pub(super) const fn on_refresh(&mut self) {
        self.is_renamed = true;
    }

    pub(super) fn on_command(&mut self, id: CommandId, now: Now) {
        self.command = Some(id);
        self.causes.push(now);
    }

    /// Returns the target of the seek under way.
    pub(super) fn target(&self) -> Option<MediaTime> {
        self.seek.map(|(to, _)| to)
    }

    pub(super) fn on_output(&mut self, output: &Output, now: Now) {
        let replies = |id: CommandId| matches!(output, Output::Event(Event::Reply { id: reply, .. }) if *reply == id);
        if let Some(id) = self.command.take() {
            require(now, replies(id), || format!("{output:?} comes before the reply to {id:?}"));
        } else if let Output::Event(Event::Reply { id, .. }) = output {
            require(now, false, || format!("{id:?} is answered again"));
        }
        match output {
            Output::Render(RenderCommand::Flush { .. }) => {
                (self.has_first_frame, self.has_first_audio) = (false, false)
            }
            Output::Event(event) => self.on_event(event, now),
            _ => {}
        }
    }

    fn on_event(&mut self, event: &Event, now: Now) {
        match event {
            Event::StateChanged { state } => {
                let loads = *state == State::Loading && !self.is_loaded;
                require(now, self.state != *state || loads, || format!("{state:?} follows itself"));
                self.state = *state;
            }
            Event::Loaded { .. } => {
                require(now, !std::mem::replace(&mut self.is_loaded, true), || "loaded twice".to_owned());
                self.changes = Changes { tracks: true, timeline: true, cues: true, metadata: true };
            }
            Event::TracksChanged => self.changes.tracks = true,
            Event::TimelineChanged => (self.changes.timeline, self.may_clamp) = (true, true),
            Event::CuesChanged => self.changes.cues = true,
            Event::MetadataChanged => self.changes.metadata = true,
            Event::FirstFrame { latency, .. } | Event::FirstAudio { latency, .. } => {
                let is_picture = matches!(event, Event::FirstFrame { .. });
                let known = if is_picture { &mut self.has_first_frame } else { &mut self.has_first_audio };
                require(now, !std::mem::replace(known, true), || format!("{event:?} comes twice"));
                let caused = self.causes.iter().any(|at| now.since(*at) == *latency);
                require(now, caused, || format!("{event:?} after {:?}", self.causes));
                self.begun_at.get_or_insert(now);
            }
            Event::QualityChanged { at, from, to, reason } => {
                require(now, self.is_renamed || *from == self.quality, || {
                    format!("{from:?} was shown, not {:?}", self.quality)
                });
                require(now, from.as_ref() != Some(to), || format!("{to} follows itself"));
                self.quality = Some(to.clone());
                self.changes.tracks = true;
                if let Some(from) = from {
                    let (from, to, reason) = (from.clone(), to.clone(), reason.clone());
                    self.switches.push(Switch { at: *at, from, to, reason });
                }
            }
            Event::SeekStarted { .. } | Event::SeekCompleted { .. } => self.on_seek(event, now),
            Event::StallStarted { .. } | Event::StallEnded { .. } => self.on_stall(event, now),
            Event::Failover { at, from, to, reason } => {
                require(now, from != to, || format!("{to} takes over from itself"));
                let (from, to, reason) = (from.clone(), to.clone(), reason.clone());
                self.failovers.push(Failover { at: *at, from, to, reason });
            }
            Event::GapSkipped { from, to } => {
                require(now, from < to, || format!("a gap from {from:?} to {to:?}"));
            }
            Event::MetadataStarted { metadata } => {
                let known = self.active.iter().any(|active| is_same(active, metadata));
                require(now, !known, || format!("{metadata:?} starts twice"));
                self.active.push(metadata.clone());
            }
            Event::MetadataEnded { metadata } => {
                let at = self.active.iter().position(|active| is_same(active, metadata));
                require(now, at.is_some(), || format!("{metadata:?} ends and has not started"));
                at.map(|at| self.active.swap_remove(at));
            }
            Event::Warning { error } => {
                require(now, error.severity == Severity::Warning, || format!("{error:?} is no warning"));
            }
            Event::Failed { error } => {
                require(now, self.error.is_none(), || format!("{error:?} after {:?}", self.error));
                self.error = Some(error.clone());
            }
            _ => {}
        }
    }

    fn on_stall(&mut self, event: &Event, now: Now) {
        match event {
            Event::StallStarted { at, reason } => {
                require(now, self.stalled_since.is_none(), || "a stall in a stall".to_owned());
                self.stalled_since = Some(now);
                self.stalls.push((*at, reason.clone(), None));
            }
            Event::StallEnded { duration, .. } => {
                let span = self.stalled_since.take().map(|since| now.since(since));
                require(now, span == Some(*duration), || format!("a stall of {span:?} ends after {duration:?}"));
                if let Some(stall) = self.stalls.last_mut() {
                    stall.2 = Some(*duration);
                }
            }
            _ => {}
        }
    }

    fn on_seek(&mut self, event: &Event, now: Now) {
        match event {
            Event::SeekStarted { to } => {
                self.seeks_begun += 1;
                (self.seek, self.may_clamp) = (Some((*to, now)), false);
            }
            Event::SeekCompleted { to, latency, error_nanos } => {
                let begun = self.seek.take();
                let clamped = self.may_clamp;
                let is_target = |target| target == *to || clamped && *to < target;
                let fits = begun.is_some_and(|(target, at)| is_target(target) && *latency >= now.since(at));
                require(now, fits, || format!("{event:?} completes {begun:?}"));
                let caused = self.causes.iter().any(|at| now.since(*at) == *latency);
                require(now, caused, || format!("{event:?} after {:?}", self.causes));
                self.seeks_done.push((*to, *latency, *error_nanos));
            }
            _ => {}
        }
    }

    pub(super) fn check(&mut self, snapshot: &Snapshot, last: Option<&Snapshot>, loaded_at: Now, now: Now) {
        require(now, self.command.is_none(), || format!("{:?} is not answered", self.command));
        require(now, self.state == snapshot.state, || {
            format!("{:?} is announced, not {:?}", self.state, snapshot.state)
        });
        require(now, snapshot.error == self.error || snapshot.state != State::Failed, || {
            format!("{:?}", snapshot.error)
        });
        let stats = &snapshot.stats;
        let begun = self.begun_at.map(|at| at.since(loaded_at));
        require(now, stats.startup == begun, || format!("it began after {begun:?}, not {:?}", stats.startup));
        let counted = stats.stalls.iter().map(|stall| (stall.at, &stall.reason, stall.duration));
        let since = self.stalled_since.map(|since| now.since(since)).unwrap_or_default();
        let stalls = self.stalls.iter().map(|(at, reason, span)| (*at, reason, span.unwrap_or(since)));
        require(now, counted.clone().eq(stalls.clone()), || {
            format!("stalls: {:?}, not {:?}", counted.collect::<Vec<_>>(), stalls.collect::<Vec<_>>())
        });
        let waits = self.stalled_since.is_some();
        let buffers = matches!(snapshot.state, State::Buffering(_)) && snapshot.play_when_ready;
        require(now, !waits || buffers, || format!("a stall in {:?}", snapshot.state));
        let done: Vec<_> =
            stats.seeks.iter().filter_map(|seek| Some((seek.to, seek.latency?, seek.error_nanos?))).collect();
        require(now, done == self.seeks_done, || format!("seeks: {done:?}, not {:?}", self.seeks_done));
        let ended = stats.seeks.len() == self.seeks_begun || stats.seeks.len() + 1 == self.seeks_begun;
        require(now, ended, || format!("{} seeks of {}", stats.seeks.len(), self.seeks_begun));
        require(now, stats.switches == self.switches, || format!("{:?}, not {:?}", stats.switches, self.switches));
        require(now, stats.failovers == self.failovers, || format!("{:?}, not {:?}", stats.failovers, self.failovers));
        let shown = snapshot.qualities.iter().find(|quality| quality.shown).map(|quality| &quality.id);
        let known = self.is_renamed || shown.is_none() || shown == self.quality.as_ref();
        require(now, known, || format!("{shown:?}, not {:?}", self.quality));
        let changes = std::mem::take(&mut self.changes);
        let Some(last) = last.filter(|last| last.protocol.is_some() && snapshot.protocol.is_some()) else { return };
        let tracks = last.tracks == snapshot.tracks && last.qualities == snapshot.qualities;
        require(now, tracks || changes.tracks, || "tracks changed and no event says so".to_owned());
        // The window of a live presentation moves with time.
        let is_live = last.live.is_some() || snapshot.live.is_some();
        let timeline = is_live || (last.duration, last.seekable) == (snapshot.duration, snapshot.seekable);
        require(now, timeline || changes.timeline, || "the timeline changed and no event says so".to_owned());
        require(now, last.cues == snapshot.cues || changes.cues, || "cues changed and no event says so".to_owned());
        let metadata = last.metadata == snapshot.metadata || changes.metadata;
        require(now, metadata, || "metadata changed and no event says so".to_owned());
    }
}

/// Returns true if both are one piece of metadata, perhaps completed since.
fn is_same(one: &TimedMetadata, other: &TimedMetadata) -> bool {
    (&one.scheme, &one.value, &one.id, one.start) == (&other.scheme, &other.value, &other.id, other.start)
}
