//! Live playback: joins at the live edge, follows it, and keeps playback inside of the window. Where the edge and the
//! window are is answered by `source::live`.

use std::time::Duration;

use super::Session;
use crate::command::SeekMode;
use crate::config::BehindLive;
use crate::engine::buffer::{Departure, Discard};
use crate::engine::context::Context;
use crate::engine::download::{Stream, schedule};
use crate::engine::ids::{RepKey, StreamId};
use crate::engine::playback::LatencyControl;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::SegmentList;
use crate::snapshot::{BufferingReason, LiveState, State};
use crate::time::{MediaTime, Now, TimeRange, WallClock};

/// Media is expected to be on screen so long after its request, at a start: playback begins that much nearer to the edge.
const START_LEAD: Duration = Duration::from_millis(250);
/// A pause that is longer ends the following of the live edge.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A seek to within this of the wanted latency follows the live edge again.
const NEAR_EDGE: Duration = Duration::from_secs(3);
/// Playback that is behind the start of the window by less than this still holds its media.
const WINDOW_SLACK: Duration = Duration::from_millis(500);

/// State of live playback.
#[derive(Debug, Default)]
pub(in crate::engine) struct Live {
    pub(super) control: LatencyControl,
    /// The position at which playback starts was derived from the live edge.
    pub(super) is_placed: bool,
    /// The viewer left the live edge.
    pub(super) is_away: bool,
    /// Time since which the viewer pauses.
    paused_since: Option<Now>,
    /// State of the renderer's rate: thousandths that the control set last.
    pub(super) applied: i64,
}

impl Session {
    /// Returns the representation whose list or clock decides where the live edge is: that of the main stream, else of
    /// the first one.
    pub(super) fn live_rep(&self) -> Option<RepKey> {
        let streams = [StreamId::Main, StreamId::Audio].into_iter().filter_map(|id| self.stream(id));
        let mut reps = streams.filter_map(|stream| {
            let pending = stream.pending().map(|plan| plan.rep);
            let rep = stream.last().or(pending)?;
            self.source.presentation().known_list(rep).map(|_| rep)
        });
        reps.next().or_else(|| self.first_known())
    }

    /// Returns the first representation whose segments are known, of the sets that the streams follow in their period.
    fn first_known(&self) -> Option<RepKey> {
        let known = self.source.presentation();
        let mut sets = self.streams.iter().filter(|stream| stream.id() != StreamId::Text).filter_map(|stream| {
            let period = schedule::period_of(stream.place())?;
            self.set_in(stream.id(), period)
        });
        sets.find_map(|set| known.rep_keys(set).iter().copied().find(|rep| known.known_list(*rep).is_some()))
    }

    /// Runs the steps of a live presentation: reads again what is due, and moves playback back into the window.
    pub(in crate::engine) fn run_live(&mut self, cx: &mut Context) {
        if cx.playback.is_over() || !self.source.is_live() {
            return;
        }
        self.note_pause(cx);
        self.keep_time(cx);
        self.read_again(cx);
        self.return_to_window(cx);
    }

    fn note_pause(&mut self, cx: &Context) {
        if cx.playback.plays_when_ready() {
            self.live.paused_since = None;
        } else if cx.now.since(*self.live.paused_since.get_or_insert(cx.now)) > LONGEST_PAUSE {
            self.live.is_away = true;
        }
    }

    /// Returns the position at which playback joins at the live edge.
    ///
    /// It lies before the end of what can be fetched by what must be there when the next media arrives; a list that is
    /// read again to learn of a segment may show it a whole segment late.
    fn joining_position(&self, cx: &Context, rep: RepKey) -> Option<MediaTime> {
        let goal = self.goal(cx, rep)?;
        let edge = self.source.live_edge(rep, cx.now)?;
        let distance = self.live.control.target(goal.distance);
        let lead = START_LEAD.min(distance / 3);
        let wanted = edge - distance + lead;
        let available = self.source.available_end(rep, cx.now)?;
        let is_listed = self.source.growth(rep).is_none() && !self.is_by_rule(rep);
        let needed = if is_listed { goal.period + goal.margin } else { goal.margin };
        let window = self.source.live_window(rep, cx.now)?;
        Some(wanted.min(available - needed).clamp(window.start, window.end.max(window.start)))
    }

    /// Returns true if the segments of a representation follow from a rule and the clock alone.
    pub(super) fn is_by_rule(&self, rep: RepKey) -> bool {
        let list = self.source.presentation().known_list(rep);
        matches!(list, Some(SegmentList::Template(template)) if template.timeline.is_empty())
    }

    /// Moves the start of playback to the live edge, once that is known and if the viewer chose no other start.
    pub(in crate::engine) fn place_at_edge(&mut self, cx: &mut Context) {
        if self.live.is_placed || !self.source.is_live() {
            return;
        }
        let Some(rep) = self.first_growing().or_else(|| self.live_rep()) else { return };
        let Some(joined) = self.joining_position(cx, rep) else { return };
        self.live.is_placed = true;
        self.live.applied = 1000;
        let chosen = self.source.start();
        if let Some(start) = chosen {
            let clamped = self.clamp_live(cx, start);
            self.live.is_away = !self.is_near_edge(cx, clamped);
            if clamped == cx.playback.start().at {
                return;
            }
            cx.playback.move_seek(clamped);
            return self.reposition(cx, clamped, cx.playback.start().mode);
        }
        let authored = self.source.authored_live_start(rep, cx.now);
        let start = authored.filter(|start| *start < joined).map_or(joined, |start| self.clamp_live(cx, start));
        self.live.is_away = start < joined;
        self.video.account_mut().move_playhead();
        self.metadata.seek(start);
        let mode = cx.playback.start().mode;
        self.reposition(cx, start, mode);
    }

    /// Returns the representation whose growing playlist was read first.
    fn first_growing(&self) -> Option<RepKey> {
        let mut growing = self.source.growing();
        growing.find(|rep| self.source.presentation().known_list(*rep).is_some())
    }

    /// Returns a seek target moved into the window.
    pub(in crate::engine) fn clamp_live(&self, cx: &Context, target: MediaTime) -> MediaTime {
        let window = self.live_rep().and_then(|rep| self.source.live_window(rep, cx.now));
        match (window, self.live_rep().and_then(|rep| self.joining_position(cx, rep))) {
            (Some(window), Some(joined)) => target.max(window.start).min(joined.max(window.start)),
            _ => target,
        }
    }

    fn is_near_edge(&self, cx: &Context, position: MediaTime) -> bool {
        let joined = self.live_rep().and_then(|rep| self.joining_position(cx, rep));
        joined.is_none_or(|joined| position + NEAR_EDGE >= joined)
    }

    /// Notes where a seek of the viewer leads: to the live edge, which playback then follows, or away from it.
    pub(in crate::engine) fn note_live_seek(&mut self, cx: &Context, to: MediaTime) {
        if self.source.is_live() {
            self.live.is_away = !self.is_near_edge(cx, to);
            self.live.control.note_jump();
        }
    }

    /// Returns the position at the live edge; `None` on demand, and before it is known.
    pub(in crate::engine) fn live_position(&self, cx: &Context) -> Option<MediaTime> {
        if !self.source.is_live() {
            return None;
        }
        self.live_rep().and_then(|rep| self.joining_position(cx, rep))
    }

    /// Returns the presentation time of a universal time, if the manifest declares dates.
    pub(in crate::engine) fn time_of_date(&self, utc: WallClock) -> Option<MediaTime> {
        let epoch = self.source.presentation().epoch?;
        Some(MediaTime::from_nanos(utc.as_unix_nanos().saturating_sub(epoch.as_unix_nanos())))
    }

    /// Goes on by the policy of the host if the window has slid past the playhead: the media that comes next is gone.
    fn return_to_window(&mut self, cx: &mut Context) {
        if !self.live.is_placed || !cx.playback.plays_when_ready() || cx.playback.seek().is_some() {
            return;
        }
        // While the network is away, nothing could be fetched anywhere.
        if cx.jobs.pending_retry().is_some() {
            return;
        }
        let Some(rep) = self.live_rep() else { return };
        let Some(window) = self.source.live_window(rep, cx.now) else { return };
        let kinds = self.presented_kinds(cx);
        let position = self.position(cx);
        // What is buffered is still played.
        let held = kinds.iter().filter_map(|kind| self.buffered_until(*kind, position)).min().unwrap_or(position);
        if held.max(position) + WINDOW_SLACK >= window.start {
            return;
        }
        let to = match cx.config.live.behind {
            BehindLive::Error => {
                let message = "playback fell behind the window of the live presentation";
                let error = PlayerError::fatal(ErrorCode::BehindLiveWindow, message).at(Stage::Segment);
                return self.fail(cx, error);
            }
            BehindLive::WindowStart => window.start + self.window_reserve(rep, window),
            BehindLive::LiveEdge => match self.joining_position(cx, rep) {
                Some(joined) => joined,
                None => return,
            },
        };
        self.jump_live(cx, to, "behind_window");
        if cx.config.live.behind == BehindLive::LiveEdge {
            self.live.is_away = false;
        }
    }

    /// Distance from the start of the window at which playback goes on: media there would be gone at once.
    fn window_reserve(&self, rep: RepKey, window: TimeRange) -> Duration {
        let segment = self.source.presentation().known_list(rep).and_then(|list| list.span(0));
        segment.map_or(Duration::from_secs(2), |(_, duration)| duration * 2).min(window.end.since(window.start) / 2)
    }

    /// Jumps within the live presentation without a seek of the viewer.
    pub(super) fn jump_live(&mut self, cx: &mut Context, to: MediaTime, reason: &str) {
        let from = self.position(cx);
        cx.ledger.moved(from, to, false);
        cx.ledger.live_recovered();
        self.live.control.note_jump();
        self.apply_rate(cx, 1000);
        // What is buffered is shown at once: nothing is waited for.
        let is_held = self.presented_kinds(cx).iter().all(|kind| self.buffer(*kind).is_some_and(|held| held.holds(to)));
        self.begin_at(cx, to, SeekMode::Exact);
        for id in StreamId::ALL {
            if !super::seek::is_served(self, id, to) {
                self.restart_stream(cx, id, to, Departure::Discarded(Discard::Seek));
            }
        }
        self.selection.end_audio_change();
        self.metadata.seek(to);
        self.video.account_mut().move_playhead();
        cx.effects.emit(Event::LiveRecovered { from, to, reason: reason.to_owned() });
        if is_held {
            cx.playback.note_jump();
        } else if cx.playback.state() == State::Ready {
            cx.playback.start_stall(BufferingReason::LiveEdge, cx.now, &mut cx.ledger, &mut cx.effects);
        }
    }

    /// Returns true if playback has a place to start at: anywhere on demand, near the live edge else.
    pub(in crate::engine) fn is_placed(&self) -> bool {
        self.live.is_placed || !self.source.is_live()
    }

    /// Begins a presentation that is live by its manifest. It is placed at once if the time is known well enough, else
    /// when a source of time has answered.
    ///
    /// # Errors
    /// No source of time at all, where segments become available by the clock.
    pub(in crate::engine) fn begin_live(&mut self, cx: &mut Context, asked_at: Now) -> Result<(), PlayerError> {
        if !self.source.is_live() {
            return Ok(());
        }
        self.source.begin_live(asked_at, cx.now);
        self.begin_clock(cx, asked_at);
        self.place_availability(cx);
        self.place_when_timed(cx)
    }

    /// Places a presentation that is live by its manifest, unless a source of time is awaited that must come first.
    fn place_when_timed(&mut self, cx: &mut Context) -> Result<(), PlayerError> {
        if self.live.is_placed || (self.is_time_awaited(cx) && !cx.utc.is_confirmed()) {
            return Ok(());
        }
        self.place_at_edge(cx);
        let is_listed = self.source.growing().next().is_some();
        if !self.live.is_placed && !is_listed && !self.is_time_awaited(cx) && cx.utc.mapping().is_none() {
            let message = "the stream is live, and neither it nor its server nor this device knows the time";
            return Err(PlayerError::fatal(ErrorCode::ManifestUnsupported, message).at(Stage::Manifest));
        }
        Ok(())
    }

    /// Notes that the manifest was fetched again, or could not be.
    pub(super) fn note_manifest(&mut self, cx: &Context, is_read: bool) {
        self.source.note_manifest_read(is_read, cx.now);
    }

    /// Returns the state of live playback for hosts.
    pub(in crate::engine) fn live_state(&self, cx: &Context) -> Option<LiveState> {
        if !self.source.is_live() {
            return None;
        }
        let rep = self.live_rep()?;
        let window = self.source.live_window(rep, cx.now)?;
        let latency = self.latency(cx, rep)?;
        Some(LiveState {
            window,
            edge: self.source.live_edge(rep, cx.now)?,
            latency_nanos: latency.saturating_add(self.reported_lead(cx, rep)),
            target: self.live.control.target(self.goal(cx, rep)?.distance),
            is_following: !self.live.is_away,
            rate: self.live.applied.max(1) as f64 / 1000.0,
            clock: cx.utc.source(),
            clock_error: cx.utc.error(cx.now),
            epoch_unix_nanos: self.source.presentation().epoch.map(WallClock::as_unix_nanos),
            delivery: self.delivery(cx, rep),
        })
    }

    /// Universal time is another one now: what waits for segments to become available waits anew.
    pub(in crate::engine) fn on_clock_set(&mut self, cx: &mut Context) {
        self.place_availability(cx);
        if self.source.is_live() {
            self.streams.iter_mut().for_each(Stream::end_hold);
            let placed = self.place_when_timed(cx);
            self.fail_on(cx, placed);
        }
    }
}
