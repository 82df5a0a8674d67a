//! The step that follows from what is held: start, stall, go on, jump over gaps, and the timers that lead there.

use std::time::Duration;

use super::Engine;
use super::load_control::Waiting;
use super::stream::{Stream, StreamId};
use super::timer::Timer;
use crate::command::SeekMode;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::MediaKind;
use crate::render::RenderCommand;
use crate::snapshot::{BufferingReason, State};
use crate::time::{MediaTime, Now};

/// Playback stops this long before what is buffered ends, so that the renderer never runs dry by itself.
const GUARD: Duration = Duration::from_millis(80);
/// Time allowed to the renderer until the first picture of an epoch whose media it has.
pub const FIRST_PICTURE: Duration = Duration::from_secs(30);
/// Less media ahead than this is near the end of what is held.
const NEAR: Duration = Duration::from_secs(2);
/// Timers that would fire at once fire after this, so that time always passes between them.
const LEAST_WAIT: Duration = Duration::from_millis(10);

impl Engine {
    /// Moves the state as far as it goes. True when a gap was jumped over.
    pub(super) fn progress(&mut self) -> bool {
        match self.playback.state {
            State::Idle | State::Failed | State::Ended => false,
            State::Loading | State::Buffering(_) | State::Seeking => self.try_to_start(),
            State::Ready => self.try_to_go_on(),
        }
    }

    fn try_to_start(&mut self) -> bool {
        if !self.playback.feed.is_flushed() {
            self.give_up_empty();
            self.give_up_renderer(self.playback.flush_unanswered.map(|(_, sent)| sent + FIRST_PICTURE));
            return false;
        }
        if let Some(error) = self.end_for_want_of_key() {
            self.fail(error);
            return false;
        }
        let (kinds, position) = (self.presented_kinds(), self.position());
        if self.jump_at(&kinds, position) {
            return true;
        }
        if self.playback.state == State::Loading {
            self.set_state(State::Buffering(BufferingReason::Starting));
        }
        if !self.has_enough(&kinds, position) {
            return false;
        }
        self.tell_playing(self.playback.play_when_ready);
        if self.playback.first_shown {
            self.end_stall();
            self.set_state(State::Ready);
        } else {
            self.give_up_renderer(self.playback.picture_due);
        }
        false
    }

    /// The renderer should have presented something by `due`.
    fn give_up_renderer(&mut self, due: Option<Now>) {
        if due.is_some_and(|due| due <= self.now) {
            let message = format!("the renderer showed no picture for {} s", FIRST_PICTURE.as_secs());
            self.fail(PlayerError::fatal(ErrorCode::RendererFailed, message).at(Stage::Render));
        }
    }

    fn try_to_go_on(&mut self) -> bool {
        if let Some(error) = self.end_for_want_of_key() {
            self.fail(error);
            return false;
        }
        let (kinds, position) = (self.presented_kinds(), self.position());
        self.tell_playing(self.playback.play_when_ready);
        if self.jump_at(&kinds, position) {
            return true;
        }
        let guard = self.playback.clock.media(GUARD);
        let Some(session) = self.session.as_ref() else { return false };
        let short = |kind| session.reach(kind, position).is_none_or(|end| end <= position + guard);
        let dry = session.presentable_end(&kinds, position) <= position + guard;
        if !dry && !kinds.iter().any(|kind| short(*kind) && !session.is_ended(*kind)) {
            return false;
        }
        if !self.playback.play_when_ready {
            return false;
        }
        let reason = match self.session.as_ref() {
            Some(session) if session.old_audio_until.is_some() => BufferingReason::TrackChange,
            Some(session) if session.failing_over => BufferingReason::Failover,
            Some(session) if kinds.iter().any(|kind| session.is_locked_at(*kind, position + guard)) => {
                BufferingReason::WaitingForKey
            }
            _ => BufferingReason::NetworkTooSlow,
        };
        self.start_stall(position, reason);
        false
    }

    /// Jumps when `position` lies in a hole. True when it did.
    fn jump_at(&mut self, kinds: &[MediaKind], position: MediaTime) -> bool {
        let hole = self.session.as_ref().and_then(|session| session.next_hole(kinds, position));
        let Some(hole) = hole.filter(|hole| hole.from <= position) else { return false };
        self.ledger.moved(position, hole.to, true);
        self.begin_at(hole.to, SeekMode::Exact);
        self.playback.start.jumped = true;
        if let Some(session) = self.session.as_mut() {
            session.video.account_mut().jump_gap();
        }
        self.effects.emit(Event::GapSkipped { from: position, to: hole.to });
        true
    }

    /// Whether what is held, or all that can be held, is enough to start or to go on.
    fn has_enough(&self, kinds: &[MediaKind], position: MediaTime) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let waiting = match self.playback.state {
            State::Buffering(BufferingReason::Starting) => Waiting::ToStart,
            State::Buffering(_) => Waiting::ToResume,
            State::Idle | State::Loading | State::Ready | State::Seeking | State::Ended | State::Failed => {
                Waiting::ToStart
            }
        };
        let control = self.load_control();
        let presentable = session.presentable_end(kinds, position) > position + self.playback.clock.media(GUARD);
        presentable
            && kinds.iter().all(|kind| {
                let ahead = session.reach(*kind, position).map_or(Duration::ZERO, |end| end.since(position));
                session.is_ended(*kind)
                    || control.enough(ahead, waiting, self.settings.permille())
                    || (control.enough_when_full(ahead, self.settings.permille()) && self.is_kind_full(*kind))
            })
    }

    /// All streams have come to their end without telling what they carry: there is nothing to play.
    fn give_up_empty(&mut self) {
        let Some(session) = self.session.as_ref() else { return };
        let mut media = session.streams.iter().filter(|stream| stream.id != StreamId::Text).peekable();
        if media.peek().is_some() && media.all(Stream::is_finished) && session.kinds().is_none() {
            let error = PlayerError::fatal(ErrorCode::MediaUnavailable, "there is no media at all");
            self.fail(error.at(Stage::Segment));
        }
    }

    fn start_stall(&mut self, at: MediaTime, reason: BufferingReason) {
        let name = match reason {
            BufferingReason::Starting => "starting",
            BufferingReason::NetworkTooSlow => "network_too_slow",
            BufferingReason::Failover => "failover",
            BufferingReason::TrackChange => "track_change",
            BufferingReason::WaitingForKey => "waiting_for_key",
        };
        self.tell_playing(false);
        self.playback.stalled = true;
        self.ledger.stall_started(at, name, self.now);
        self.set_state(State::Buffering(reason));
        self.effects.emit(Event::StallStarted { at, reason: name.to_owned() });
    }

    /// The stall that is being counted, if any, is over.
    pub(super) fn end_stall(&mut self) {
        if std::mem::take(&mut self.playback.stalled) {
            let at = self.position();
            if let Some(duration) = self.ledger.stall_ended(self.now) {
                self.effects.emit(Event::StallEnded { at, duration });
            }
        }
    }

    /// Tells the renderer to play or to hold, once.
    pub(super) fn tell_playing(&mut self, playing: bool) {
        if self.playback.told_playing != playing {
            self.playback.told_playing = playing;
            if !playing {
                let position = self.position();
                self.playback.clock.hold(position, self.now);
            }
            self.effects.render(RenderCommand::SetPlaying(playing));
        }
    }

    /// Sets every timer anew.
    pub(super) fn arm_timers(&mut self) {
        if matches!(self.playback.state, State::Idle | State::Failed) {
            return self.timers.clear();
        }
        let soon = self.now + LEAST_WAIT;
        self.timers.set(Timer::Retry, self.jobs.next_due());
        self.timers.set(Timer::Silence, self.jobs.next_silence(&self.config));
        self.timers.set(Timer::Judge, self.next_judgement());
        self.timers.set(Timer::Runout, self.runout().map(|at| at.max(soon)));
        let holds = self.session.iter().flat_map(|session| &session.streams).filter_map(|stream| stream.hold_until);
        self.timers.set(Timer::Hold, holds.filter(|until| *until > self.now).min());
        self.timers.set(Timer::Steering, self.next_steering().map(|at| at.max(soon)));
        self.timers.set(Timer::Room, self.next_room());
        self.timers.set(Timer::Metadata, self.next_passage().map(|at| at.max(soon)));
        let picture = self.playback.picture_due.filter(|_| !self.playback.first_shown);
        let answer = self.playback.flush_unanswered.map(|(_, sent)| sent + FIRST_PICTURE);
        self.timers.set(Timer::Picture, picture.into_iter().chain(answer).filter(|due| *due > self.now).min());
        self.timers.set(Timer::Command, self.next_pending().map(|at| at.max(soon)));
    }

    /// When playback reaches the end of what is held, or a hole to jump over.
    fn runout(&self) -> Option<Now> {
        if self.playback.state != State::Ready || !self.playback.clock.is_running() {
            return None;
        }
        let (session, position) = (self.session.as_ref()?, self.position());
        let kinds: Vec<MediaKind> = self.playback.feed.kinds().collect();
        let ends_early = session.streams.iter().any(|stream| stream.ends_with.is_some());
        // A kind that has ended runs out of nothing; only near its end does it matter whether it has.
        let open = kinds.iter().filter_map(|kind| {
            let ahead = session.reach(*kind, position).map_or(Duration::ZERO, |end| end.since(position));
            (ahead > NEAR || ends_early || !session.is_ended(*kind)).then_some(ahead)
        });
        let presentable = session.presentable_end(&kinds, position);
        let presentable = (presentable < MediaTime::MAX).then(|| presentable.since(position));
        let dry =
            open.chain(presentable).min().map(|ahead| self.now + self.playback.clock.wall(ahead).saturating_sub(GUARD));
        let hole = session.next_hole(&kinds, position).map(|hole| hole.from.since(position));
        let hole = hole.map(|ahead| self.now + self.playback.clock.wall(ahead));
        dry.into_iter().chain(hole).min()
    }
}
