//! An auditor of virtual sessions. It follows the inputs and the outputs of the engine, and stops a test as soon as they
//! contradict each other, the snapshot or the statistics: whatever a session is a test of, its requests, its commands
//! to the renderer, its events and its counters have to agree.

mod account;
mod effect;
mod events;
mod render;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use account::Account;
use effect::Effect;
use events::Announced;
use render::Rendering;
use requests::Requests;

use crate::command::Command;
use crate::engine::io::{Input, Output};
use crate::event::Event;
use crate::model::MediaKind;
use crate::render::{RenderCommand, RenderEvent};
use crate::snapshot::{Snapshot, State};
use crate::telemetry::SessionStats;
use crate::time::{MediaTime, Now};

/// Rounding of times.
const SLACK: Duration = Duration::from_millis(2);
/// Time by which the clock may leave the declared span: tracks begin and end at different times, and reports come late.
const BEYOND: Duration = Duration::from_secs(1);
/// Time by which the engine learns late that the position moves.
const REPORT: Duration = Duration::from_millis(250);

/// Stops the test unless a condition holds.
#[track_caller]
fn require(now: Now, holds: bool, finding: impl FnOnce() -> String) {
    if !holds {
        panic!("audit at {now:?}: {}", finding());
    }
}

/// Observer of one engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Audit {
    account: Account,
    requests: Requests,
    rendering: Rendering,
    announced: Announced,
    /// Snapshot after the last step with an output.
    last: Option<Snapshot>,
    loaded_at: Now,
    effect: Effect,
    /// The position may jump in the present step.
    may_jump: bool,
    /// Time at which the renderer last went on after it stood still.
    released_at: Option<Now>,
    /// Something was put out in the present step.
    is_due: bool,
}

impl Audit {
    /// Follows an input before the engine takes it.
    pub(super) fn on_input(&mut self, input: &Input, now: Now, snapshot: impl FnOnce() -> Snapshot) {
        self.requests.begin_step();
        self.account.on_input(input);
        match input {
            Input::Command { id, command } => {
                self.announced.on_command(*id, now);
                let target = self.announced.target();
                self.effect.on_command(command, snapshot(), target);
                match command {
                    Command::Load(request) if !request.locations.is_empty() => self.begin(request.start.is_some(), now),
                    Command::SetVolume(_) | Command::SetMuted(_) | Command::Load(_) => {}
                    _ => self.requests.disturb(),
                }
                self.may_jump |= matches!(
                    command,
                    Command::Seek { .. }
                        | Command::SeekBy { .. }
                        | Command::SeekToDate { .. }
                        | Command::GoLive
                        | Command::Stop
                );
                self.is_due = true;
            }
            Input::Refresh => {
                self.requests.disturb();
                self.announced.on_refresh();
            }
            Input::Render(event) => {
                self.rendering.on_event(event);
                if matches!(event, RenderEvent::FlushWanted { .. } | RenderEvent::TrackFailed { .. }) {
                    self.requests.disturb();
                }
            }
            _ => self.requests.on_input(input, now),
        }
    }

    fn begin(&mut self, is_moved: bool, now: Now) {
        self.account.begin(is_moved);
        self.requests.begin();
        self.rendering.begin();
        self.announced.begin();
        self.loaded_at = now;
        self.last = None;
    }

    /// The renderer goes on after it stood still.
    pub(super) const fn on_release(&mut self, now: Now) {
        self.released_at = Some(now);
    }

    /// Follows an output.
    pub(super) fn on_output(&mut self, output: &Output, now: Now) {
        self.is_due = true;
        self.announced.on_output(output, now);
        match output {
            Output::Fetch(request) => {
                self.account.on_fetch(request);
                self.requests.on_fetch(request, now);
            }
            Output::Cancel(id) => self.requests.on_cancel(*id, now),
            Output::Render(command) => {
                self.may_jump |= matches!(command, RenderCommand::Flush { .. } | RenderCommand::Stop);
                if matches!(command, RenderCommand::Flush { .. }) {
                    self.requests.disturb();
                    self.account.on_flush();
                }
                self.rendering.on_command(command, now);
            }
            Output::Event(event) => {
                self.account.on_event(event);
                if let Event::GapSkipped { to, .. } = event {
                    self.effect.on_jump(*to);
                }
                if let Event::Reply { error, .. } = event {
                    self.effect.on_reply(error.is_none());
                }
                if let Event::SegmentLoaded { bytes, elapsed, .. } = event {
                    self.requests.on_loaded(*bytes, *elapsed, now);
                }
                self.may_jump |= matches!(
                    event,
                    Event::GapSkipped { .. }
                        | Event::LiveRecovered { .. }
                        | Event::TimelineChanged
                        | Event::Loaded { .. }
                );
                if matches!(
                    event,
                    Event::GapSkipped { .. }
                        | Event::LiveRecovered { .. }
                        | Event::TracksChanged
                        | Event::SeekStarted { .. }
                        | Event::Warning { .. }
                ) {
                    self.requests.disturb();
                }
            }
        }
    }

    /// Compares what was put out with the snapshot, after all outputs of a step have been taken.
    pub(super) fn end_step(&mut self, now: Now, snapshot: impl FnOnce() -> Snapshot) {
        if !std::mem::take(&mut self.is_due) {
            return;
        }
        let snapshot = snapshot();
        let is_over = matches!(snapshot.state, State::Idle | State::Failed);
        self.account.check(&snapshot, snapshot.state == State::Idle, now);
        self.requests.check(&snapshot, is_over, now);
        self.rendering.check(&snapshot, now);
        self.announced.check(&snapshot, self.last.as_ref(), self.loaded_at, now);
        self.effect.check(&snapshot, now);
        check_snapshot(&snapshot, now);
        self.check_course(&snapshot, now);
        self.last = Some(snapshot);
        self.may_jump = false;
    }

    /// Compares the snapshot with the one before.
    fn check_course(&self, snapshot: &Snapshot, now: Now) {
        let Some(last) = &self.last else { return };
        check_growth(&last.stats, &snapshot.stats, now);
        let wall = now.since(self.loaded_at) + SLACK;
        let stats = &snapshot.stats;
        require(now, stats.played_wall <= wall, || format!("played for {:?} of {wall:?}", stats.played_wall));
        let stalled: Duration = stats.stalls.iter().map(|stall| stall.duration).sum();
        require(now, stats.played_wall + stalled <= wall, || format!("stalled for {stalled:?} of {wall:?}"));
        // A target beyond the end is clamped once the length is known.
        let beyond = last.duration.is_some_and(|duration| last.position > MediaTime::ZERO + duration);
        if self.may_jump || beyond || self.released_at == Some(now) {
            return;
        }
        let rate = last.clock_rate.max(snapshot.clock_rate).max(last.rate);
        let rate = if self.rendering.has_begun() { rate } else { 0.0 };
        let span = (now.since(last.taken_at) + REPORT).mul_f64(rate.max(1.0));
        let (from, to) = (last.position, snapshot.position);
        let moved = to.since(from);
        require(now, moved <= span, || format!("the position goes from {from:?} to {to:?} in {span:?}"));
        let back = from.since(to);
        require(now, back <= SLACK, || format!("the position goes back from {from:?} to {to:?}"));
    }
}

/// Checks a snapshot by itself.
fn check_snapshot(snapshot: &Snapshot, now: Now) {
    let Snapshot { state, stats, .. } = snapshot;
    require(now, snapshot.taken_at == now, || format!("a snapshot of {:?}", snapshot.taken_at));
    let failed = *state == State::Failed;
    require(now, snapshot.error.is_some() == failed, || format!("{:?} in {state:?}", snapshot.error));
    let over = matches!(state, State::Idle | State::Failed);
    require(now, !over || snapshot.pending_retry.is_none(), || format!("{:?} in {state:?}", snapshot.pending_retry));
    if let Some(retry) = &snapshot.pending_retry {
        let due = retry.attempt > 0 && retry.next_attempt_at <= retry.gives_up_at;
        require(now, due, || format!("{retry:?}"));
    }
    let moves = snapshot.clock_rate > 0.0;
    require(now, !moves || snapshot.is_playing(), || format!("the clock runs in {state:?}"));
    // A live manifest from a cache may end earlier than what was played.
    let length = snapshot.duration.filter(|_| snapshot.live.is_none());
    let end = length.map(|duration| MediaTime::ZERO + duration + BEYOND);
    // The first frames of audio may lie before the beginning.
    let begun = snapshot.position + BEYOND >= MediaTime::ZERO;
    let inside = begun && end.is_none_or(|end| !moves || snapshot.position <= end);
    require(now, inside, || format!("{:?} is outside of {:?}", snapshot.position, snapshot.duration));
    let ranges: Vec<_> = snapshot.buffered.iter().collect();
    let ordered =
        ranges.iter().all(|range| range.start < range.end) && ranges.windows(2).all(|pair| pair[0].end < pair[1].start);
    require(now, ordered, || format!("buffered: {ranges:?}"));
    let sorted =
        snapshot.cues.is_sorted_by_key(|cue| cue.start) && snapshot.metadata.is_sorted_by_key(|entry| entry.start);
    require(now, sorted, || "cues or metadata are out of order".to_owned());
    let rates = snapshot.qualities.is_sorted_by_key(|quality| quality.bitrate);
    require(now, rates, || format!("{:?}", snapshot.qualities));
    let shown = snapshot.qualities.iter().filter(|quality| quality.shown).count();
    require(now, shown <= 1, || format!("{shown} qualities are shown"));
    for kind in [MediaKind::Audio, MediaKind::Text] {
        let selected = snapshot.tracks.iter().filter(|track| track.kind == kind && track.selected && !track.forced);
        require(now, selected.clone().count() <= 1, || format!("{:?}", selected.collect::<Vec<_>>()));
    }
    let account = stats.account;
    let departed = account.departed() + stats.frames.dropped;
    let ended = (stats.frames.presented + departed).saturating_sub(account.repeated);
    let whole = *state != State::Ended || ended == account.received;
    require(now, whole, || format!("{ended} of {} pictures have an end", account.received));
    let memory = stats.memory;
    require(now, memory.media_peak.max(memory.in_flight_peak) <= memory.total_peak, || format!("{memory:?}"));
    if let Some(least) = stats.buffer_min {
        let mean = stats.buffer_mean.is_some_and(|mean| least <= mean + SLACK);
        require(now, mean, || format!("{least:?} ahead at least, {:?} in the mean", stats.buffer_mean));
    }
}

/// Checks that nothing that was counted is forgotten.
fn check_growth(last: &Arc<SessionStats>, stats: &Arc<SessionStats>, now: Now) {
    let counts = |stats: &SessionStats| {
        [
            ("requests", stats.requests),
            ("retries", stats.retries),
            ("wasted bytes", stats.bytes_wasted),
            ("peak of memory", stats.memory.total_peak),
            ("peak of media", stats.memory.media_peak),
            ("presented", stats.frames.presented),
            ("decoded", stats.account.decoder_input),
            ("switches", stats.switches.len() as u64),
            ("failovers", stats.failovers.len() as u64),
            ("played", stats.played.as_nanos() as u64),
            ("played for", stats.played_wall.as_nanos() as u64),
        ]
    };
    for ((name, before), (_, after)) in counts(last).into_iter().zip(counts(stats)) {
        require(now, before <= after, || format!("{name}: {after} after {before}"));
    }
    let kept = last.startup_phases.iter().all(|(phase, span)| stats.startup_phases.get(phase) == Some(span));
    require(now, kept, || format!("{:?} after {:?}", stats.startup_phases, last.startup_phases));
    require(now, last.startup.is_none() || last.startup == stats.startup, || format!("{:?}", stats.startup));
    require(now, last.moving.is_none() || last.moving == stats.moving, || format!("{:?}", stats.moving));
}

#[cfg(test)]
mod tests;
