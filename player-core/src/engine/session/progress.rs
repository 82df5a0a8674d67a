//! The step that follows from what is held: start, stall, go on, jump over gaps, and the timers that lead there.

use std::time::Duration;

use super::Session;
use crate::command::SeekMode;
use crate::engine::buffer::KindList;
use crate::engine::context::Context;
use crate::engine::download::{Activity, Demand, Stream, Waiting};
use crate::engine::ids::StreamId;
use crate::engine::playback::FIRST_PICTURE;
use crate::engine::timer::{LEAST_WAIT, Timer, Timers};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::MediaKind;
use crate::snapshot::{BufferingReason, State};
use crate::time::{MediaTime, Now};

/// Playback stops this long before what is buffered ends, so that the renderer never runs dry by itself.
const GUARD: Duration = Duration::from_millis(80);
/// Less media ahead than this is near the end of what is held.
const NEAR: Duration = Duration::from_secs(2);

impl Session {
    /// Runs the steps of the session in this order: what is seen, what is fetched, what is handed out, and what that
    /// means for the state. A jump over a gap makes the last three worth another round.
    pub(in crate::engine) fn run_steps(&mut self, cx: &mut Context) {
        self.set_demands(cx.settings.rate);
        if cx.playback.state() != State::Failed {
            self.judge_running(cx);
        }
        self.update_playhead(cx);
        self.hold_latency(cx);
        self.run_live(cx);
        self.steer(cx);
        self.give_up_locked(cx);
        self.note_supplied(cx);
        self.fetch(cx);
        self.present(cx);
        if self.progress(cx) {
            self.fetch(cx);
            self.present(cx);
            self.progress(cx);
        }
    }

    /// Sets the demand on each stream: that of playback at a rate.
    fn set_demands(&mut self, rate: f64) {
        for stream in &mut self.streams {
            stream.set_demand(Demand::of(stream.id(), rate));
        }
    }

    /// Returns the demand on the stream that supplies a kind, or on the first stream for a kind that none supplies.
    pub(in crate::engine) fn demand_for(&self, kind: MediaKind) -> Demand {
        let stream = self.source_of(kind).or(self.streams.first());
        stream.map_or_else(|| Demand::of(StreamId::Main, 1.0), Stream::demand)
    }

    /// Moves the state as far as it goes, and ends playback if it cannot go on. Returns true if a gap was jumped over.
    fn progress(&mut self, cx: &mut Context) -> bool {
        self.move_state(cx).unwrap_or_else(|error| {
            self.fail(cx, error);
            false
        })
    }

    /// Moves the state as far as it goes. Returns true if a gap was jumped over.
    ///
    /// # Errors
    /// The reason for which playback cannot go on.
    fn move_state(&mut self, cx: &mut Context) -> Result<bool, PlayerError> {
        match cx.playback.state() {
            State::Idle | State::Failed | State::Ended => Ok(false),
            State::Loading | State::Buffering(_) | State::Seeking => self.try_to_start(cx),
            State::Ready => self.try_to_go_on(cx),
        }
    }

    /// Starts or resumes playback if it can, and otherwise notes what it waits for. Returns true if a gap was jumped over.
    ///
    /// The order of the questions matters. Before the flush nothing was handed out, so only a renderer or streams that
    /// never answer can end the wait. A stream that ended for want of a key comes before the gap, because no jump leads
    /// over media that exists. The renderer plays as soon as there is enough media, but the state becomes `Ready`, and a
    /// stall ends, only once the epoch has begun to be presented: otherwise a host would show a picture that stands as
    /// one that plays.
    ///
    /// # Errors
    /// A key that is unavailable, a presentation without media, or a renderer that presents nothing for
    /// [`FIRST_PICTURE`].
    fn try_to_start(&mut self, cx: &mut Context) -> Result<bool, PlayerError> {
        if !cx.playback.feed().is_flushed() {
            self.give_up_empty()?;
            give_up_renderer(cx, cx.playback.flush_due())?;
            return Ok(false);
        }
        if let Some(error) = self.end_for_want_of_key(cx) {
            return Err(error);
        }
        if let Some(error) = self.stopped_growing(cx) {
            return Err(error);
        }
        let (kinds, position) = (self.presented_kinds(cx), self.position(cx));
        if self.jump_at(cx, &kinds, position) {
            return Ok(true);
        }
        if cx.playback.state() == State::Loading {
            cx.playback.set_state(State::Buffering(BufferingReason::Starting), cx.now, &mut cx.effects);
        }
        if !self.has_enough(cx, &kinds, position) {
            if self.waits_for_key(kinds.iter().filter(|kind| !self.suffices(cx, **kind, position))) {
                cx.playback.note_key_awaited(cx.now, &mut cx.effects);
            }
            return Ok(false);
        }
        cx.playback.set_renderer_playing(cx.playback.plays_when_ready(), cx.now, &mut cx.effects);
        if cx.playback.has_begun() {
            cx.playback.end_stall(cx.now, &mut cx.ledger, &mut cx.effects);
            cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
        } else {
            give_up_renderer(cx, cx.playback.picture_due())?;
        }
        Ok(false)
    }

    /// Lets playback go on, jump over a gap, or stop for want of media. Returns true if a gap was jumped over.
    ///
    /// Playback stops [`GUARD`] before what can be presented ends, so that it is the engine that holds it and the
    /// position stands at the last picture; a renderer that runs dry by itself loses audio and picture at different
    /// times. A kind that has ended runs out of nothing. While the host pauses nothing can run out, so a stall begins
    /// only with playback. The first reason that applies is named: a change of audio and a failover explain a lack of
    /// media better than the network does.
    ///
    /// # Errors
    /// A key that is unavailable.
    fn try_to_go_on(&mut self, cx: &mut Context) -> Result<bool, PlayerError> {
        if let Some(error) = self.end_for_want_of_key(cx) {
            return Err(error);
        }
        let (kinds, position) = (self.presented_kinds(cx), self.position(cx));
        cx.playback.set_renderer_playing(cx.playback.plays_when_ready(), cx.now, &mut cx.effects);
        if self.jump_at(cx, &kinds, position) {
            return Ok(true);
        }
        let guard = cx.playback.clock().media(GUARD);
        let short = |kind| self.buffered_until(kind, position).is_none_or(|end| end <= position + guard);
        let dry = self.presentable_end(&kinds, position) <= position + guard;
        if !dry && !kinds.iter().any(|kind| short(*kind) && !self.is_ended(*kind)) {
            return Ok(false);
        }
        if !cx.playback.plays_when_ready() {
            return Ok(false);
        }
        let reason = if self.selection.audio_change().is_some() {
            BufferingReason::TrackChange
        } else if self.source.locations().is_failing_over() {
            BufferingReason::Failover
        } else if self.waits_for_key(kinds.iter().filter(|kind| short(**kind))) {
            BufferingReason::WaitingForKey
        } else if self.is_at_edge(cx) {
            BufferingReason::LiveEdge
        } else {
            BufferingReason::NetworkTooSlow
        };
        self.note_live_stall(cx);
        cx.playback.start_stall(reason, cx.now, &mut cx.ledger, &mut cx.effects);
        Ok(false)
    }

    /// Returns true if media of one of these kinds, which have too little, waits for a key: the buffered samples that come
    /// next wait for theirs, or the next segment is not requested before its key is here.
    fn waits_for_key<'k>(&self, mut short: impl Iterator<Item = &'k MediaKind>) -> bool {
        short.any(|kind| {
            let stream = self.source_of(*kind);
            self.locked_from(*kind).is_some()
                || stream.is_some_and(|stream| matches!(stream.activity(), Activity::Key { .. }))
        })
    }

    /// Jumps when `position` lies in a gap. True when it did.
    fn jump_at(&mut self, cx: &mut Context, kinds: &[MediaKind], position: MediaTime) -> bool {
        let gap = self.next_gap(kinds, position);
        let Some(gap) = gap.filter(|gap| gap.from <= position) else { return false };
        cx.ledger.moved(position, gap.to, true);
        self.begin_at(cx, gap.to, SeekMode::Exact);
        cx.playback.note_jump();
        self.video.account_mut().jump_gap();
        cx.effects.emit(Event::GapSkipped { from: position, to: gap.to });
        true
    }

    /// Returns true if the buffer suffices to start or resume playback, or holds all that it can.
    pub(super) fn has_enough(&self, cx: &Context, kinds: &[MediaKind], position: MediaTime) -> bool {
        let presentable = self.presentable_end(kinds, position) > position + cx.playback.clock().media(GUARD);
        presentable && kinds.iter().all(|kind| self.suffices(cx, *kind, position))
    }

    /// Returns true if the media of a kind suffices to start or resume playback, or is all that there is or may be held.
    pub(super) fn suffices(&self, cx: &Context, kind: MediaKind, position: MediaTime) -> bool {
        let waiting = match cx.playback.state() {
            State::Buffering(BufferingReason::Starting) => Waiting::ToStart,
            State::Buffering(_) => Waiting::ToResume,
            State::Idle | State::Loading | State::Ready | State::Seeking | State::Ended | State::Failed => {
                Waiting::ToStart
            }
        };
        let (control, demand) = (cx.load_control(), self.demand_for(kind));
        let ahead = self.buffered_until(kind, position).map_or(Duration::ZERO, |end| end.since(position));
        self.is_ended(kind)
            || control.enough(ahead, waiting, demand)
            || (control.enough_when_full(ahead, demand) && self.is_kind_full(cx, kind))
    }

    /// Fails if all streams have come to their end without telling what they carry: there is nothing to play.
    fn give_up_empty(&self) -> Result<(), PlayerError> {
        let mut media = self.streams.iter().filter(|stream| stream.id() != StreamId::Text).peekable();
        if media.peek().is_some() && media.all(Stream::is_finished) && self.kinds().is_none() {
            let error = PlayerError::fatal(ErrorCode::MediaUnavailable, "there is no media at all");
            return Err(error.at(Stage::Segment));
        }
        Ok(())
    }

    /// Sets the timers of the session anew; `Engine::run_steps` sets those of requests and commands.
    pub(in crate::engine) fn arm_timers(&self, cx: &Context, timers: &mut Timers) {
        let soon = cx.now + LEAST_WAIT;
        timers.set(Timer::Judge, self.next_judgement(cx));
        timers.set(Timer::Runout, self.runout(cx).map(|at| at.max(soon)));
        let holds = self.streams.iter().filter_map(Stream::hold_until).chain(cx.playback.undisturbed_until());
        timers.set(Timer::Hold, holds.filter(|until| *until > cx.now).min());
        timers.set(Timer::Steering, self.next_steering(cx).map(|at| at.max(soon)));
        timers.set(Timer::Room, self.next_room(cx));
        timers.set(Timer::Reload, self.next_reload(cx).map(|at| at.max(soon)));
        timers.set(Timer::Metadata, self.next_passage(cx).map(|at| at.max(soon)));
        let picture = cx.playback.picture_due().filter(|_| !cx.playback.has_begun());
        let answer = cx.playback.flush_due();
        timers.set(Timer::Picture, picture.into_iter().chain(answer).filter(|due| *due > cx.now).min());
    }

    /// Returns the time at which playback reaches the end of the buffered media, or a gap to jump.
    fn runout(&self, cx: &Context) -> Option<Now> {
        if cx.playback.state() != State::Ready || !cx.playback.clock().is_running() {
            return None;
        }
        let position = self.position(cx);
        let kinds: KindList = cx.playback.feed().kinds().collect();
        let ends_early = self.streams.iter().any(|stream| stream.error().is_some());
        // A kind that has ended runs out of nothing; only near its end does it matter whether it has.
        let open = kinds.iter().filter_map(|kind| {
            let ahead = self.buffered_until(*kind, position).map_or(Duration::ZERO, |end| end.since(position));
            (ahead > NEAR || ends_early || !self.is_ended(*kind)).then_some(ahead)
        });
        let presentable = self.presentable_end(&kinds, position);
        let presentable = (presentable < MediaTime::MAX).then(|| presentable.since(position));
        let dry =
            open.chain(presentable).min().map(|ahead| cx.now + cx.playback.clock().wall(ahead).saturating_sub(GUARD));
        let gap = self.next_gap(&kinds, position).map(|gap| gap.from.since(position));
        let gap = gap.map(|ahead| cx.now + cx.playback.clock().wall(ahead));
        dry.into_iter().chain(gap).min()
    }
}

/// Fails if the renderer was due to present something, at `due`.
fn give_up_renderer(cx: &Context, due: Option<Now>) -> Result<(), PlayerError> {
    if due.is_none_or(|due| due > cx.now) {
        return Ok(());
    }
    let message = format!("the renderer showed no picture for {} s", FIRST_PICTURE.as_secs());
    Err(PlayerError::fatal(ErrorCode::RendererFailed, message).at(Stage::Render))
}
