//! What the host asks for. Every command is answered exactly once, before its consequences.

use super::Engine;
use super::accounting::{Departure, Discard};
use super::playback::Seeking;
use super::session::Session;
use super::stream::StreamId;
use crate::command::{Command, CommandId, SeekMode};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::MediaKind;
use crate::render::RenderCommand;
use crate::snapshot::State;
use crate::time::{MediaTime, Now};

/// The range of playback rates.
const RATES: std::ops::RangeInclusive<f64> = 0.25..=4.0;

impl Engine {
    /// Executes a command and replies to it.
    pub(super) fn command(&mut self, id: CommandId, command: Command) {
        let slot = self.effects.reserve_reply();
        let error = self.execute(command).err().map(|error| error.at(Stage::Command));
        self.effects.reply(slot, id, error);
    }

    fn execute(&mut self, command: Command) -> Result<(), PlayerError> {
        match command {
            Command::Load(request) => {
                if request.locations.is_empty() {
                    return Err(invalid("a load needs at least one location"));
                }
                self.load(&request);
            }
            Command::Play => self.play()?,
            Command::Pause => self.pause()?,
            Command::Seek { to, mode } => self.seek(to, mode)?,
            Command::SeekBy { millis, mode } => {
                let newest = self.pending.seek.wish().copied().or(self.playback.seek);
                let from = newest.map_or_else(|| self.position(), |seek| seek.to);
                self.seek(from.shifted(millis.saturating_mul(1_000_000)), mode)?;
            }
            Command::SetRate(rate) => self.set_rate(rate)?,
            Command::SetVolume(volume) => {
                if !(0.0..=1.0).contains(&volume) {
                    return Err(invalid("a volume lies between 0.0 and 1.0"));
                }
                self.settings.volume = volume;
                self.tell_volume();
            }
            Command::SetMuted(muted) => {
                self.settings.muted = muted;
                self.tell_volume();
            }
            Command::SelectAudio(choice) => {
                self.loaded()?;
                self.check_track(MediaKind::Audio, &choice)?;
                self.pending.audio.put(choice);
            }
            Command::SelectText(choice) => {
                self.loaded()?;
                self.check_track(MediaKind::Text, &choice)?;
                self.pending.text.put(choice);
            }
            Command::SelectQuality(choice) => {
                self.loaded()?;
                self.check_quality(&choice)?;
                self.pending.quality.put(choice);
            }
            Command::SetViewport { width, height } => {
                if width == 0 || height == 0 {
                    return Err(invalid("a viewport has a width and a height"));
                }
                self.settings.viewport = Some((width, height));
            }
            Command::SetBufferGoal(goal) => {
                if goal.is_zero() {
                    return Err(invalid("a buffer goal is longer than nothing"));
                }
                self.config.buffer_goal = goal;
            }
            Command::SetMaxBitrate(limit) => {
                if limit == Some(0) {
                    return Err(invalid("a limit of bits per second is more than nothing"));
                }
                self.config.max_bitrate_bps = limit;
            }
            Command::SetOutputProtection(output) => self.set_output_protection(output),
            Command::Stop => {
                if self.unload() {
                    self.effects.emit(Event::StateChanged { state: State::Idle });
                    self.effects.emit(Event::Stopped);
                }
            }
        }
        self.carry_out_pending();
        Ok(())
    }

    /// Carries out the commands whose turn has come.
    pub(super) fn carry_out_pending(&mut self) {
        let now = self.now;
        if self.is_unloaded() {
            // Nothing plays that a change of rate could disturb.
            if let Some(rate) = self.pending.rate.take(now) {
                self.apply_rate(rate);
            }
            return;
        }
        if self.is_presentation_known()
            && let Some(seek) = self.pending.seek.take_due(now)
        {
            self.begin_seek(seek);
        }
        if let Some(rate) = self.pending.rate.take_due(now) {
            self.apply_rate(rate);
        }
        if let Some(choice) = self.pending.audio.take_due(now) {
            self.select_audio(choice);
        }
        if let Some(choice) = self.pending.text.take_due(now) {
            self.select_text(choice);
        }
        if let Some(choice) = self.pending.quality.take_due(now) {
            self.select_quality(choice);
        }
    }

    /// Returns the time at which the next command's turn comes.
    pub(super) fn next_pending(&self) -> Option<Now> {
        self.pending.next_due(self.now, self.is_presentation_known())
    }

    fn play(&mut self) -> Result<(), PlayerError> {
        self.active()?;
        self.playback.play_when_ready = true;
        if self.playback.state == State::Ended && self.pending.seek.wish().is_none() {
            self.ledger.moved(self.position(), MediaTime::ZERO, false);
            if let Some(session) = self.session.as_mut() {
                session.video.account_mut().move_playhead();
            }
            self.reposition(MediaTime::ZERO, SeekMode::Exact);
            self.set_state(State::Seeking);
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<(), PlayerError> {
        self.active()?;
        self.playback.play_when_ready = false;
        self.end_stall();
        self.tell_playing(false);
        Ok(())
    }

    /// Notes a seek. One that comes before the presentation is known decides where playback begins.
    fn seek(&mut self, to: MediaTime, mode: SeekMode) -> Result<(), PlayerError> {
        self.active()?;
        let to = self.session.as_ref().map_or(to, |session| session.clamp(to));
        if let Some(session) = self.session.as_mut().filter(|session| session.presentation.is_none()) {
            session.start = Some(to);
            self.playback.begin_at(to, mode, self.now);
        }
        self.pending.seek.put(Seeking { to, mode, since: self.now });
        Ok(())
    }

    /// Goes to a time.
    fn begin_seek(&mut self, seek: Seeking) {
        let to = self.session.as_ref().map_or(seek.to, |session| session.clamp(seek.to));
        if let Some(overtaken) = self.playback.seek.take() {
            self.ledger.seek(overtaken.to, None);
        }
        self.end_stall();
        self.ledger.moved(self.position(), to, false);
        self.announce_seek(Seeking { to, ..seek });
        self.tell_playing(false);
        self.rule.on_seek();
        self.reposition(to, seek.mode);
        self.set_state(State::Seeking);
    }

    /// The presentation is known, and playback begins at `start`: that is the seek that was asked for before.
    pub(super) fn begin_at_seek(&mut self, start: MediaTime) {
        if let Some(seek) = self.pending.seek.take(self.now) {
            self.announce_seek(Seeking { to: start, ..seek });
        }
    }

    fn announce_seek(&mut self, seek: Seeking) {
        self.playback.seek = Some(seek);
        self.playback.await_first(seek.since);
        self.effects.emit(Event::SeekStarted { to: seek.to });
        if let Some(session) = self.session.as_mut() {
            session.video.account_mut().move_playhead();
        }
    }

    /// Begins a new epoch at a time: what is held for it stays, everything else is called back or dropped.
    pub(super) fn reposition(&mut self, to: MediaTime, mode: SeekMode) {
        self.begin_at(to, mode);
        for id in [StreamId::Main, StreamId::Audio, StreamId::Text] {
            if !self.session.as_ref().is_some_and(|session| is_served(session, id, to)) {
                self.restart_stream(id, to, Departure::Discarded(Discard::Seek));
            }
        }
        if let Some(session) = self.session.as_mut() {
            session.old_audio_until = None;
            session.metadata.seek(to);
        }
    }

    fn set_rate(&mut self, rate: f64) -> Result<(), PlayerError> {
        if !RATES.contains(&rate) {
            return Err(invalid("a rate lies between 0.25 and 4.0"));
        }
        self.settings.rate = rate;
        self.pending.rate.put(rate);
        Ok(())
    }

    fn apply_rate(&mut self, rate: f64) {
        self.playback.clock.set_rate(rate, self.now);
        self.effects.render(RenderCommand::SetRate(rate));
    }

    fn tell_volume(&mut self) {
        self.effects.render(RenderCommand::SetVolume { volume: self.settings.volume, muted: self.settings.muted });
    }

    fn is_unloaded(&self) -> bool {
        matches!(self.playback.state, State::Idle | State::Failed)
    }

    fn is_presentation_known(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.presentation.is_some())
    }

    /// Something is loaded and has not failed.
    fn active(&self) -> Result<(), PlayerError> {
        match self.playback.state {
            State::Idle | State::Failed => {
                Err(PlayerError::fatal(ErrorCode::InvalidState, "nothing is loaded that could play"))
            }
            State::Loading | State::Ready | State::Buffering(_) | State::Seeking | State::Ended => Ok(()),
        }
    }

    /// The tracks are known.
    fn loaded(&self) -> Result<(), PlayerError> {
        self.active()?;
        match self.session.as_ref().and_then(|session| session.presentation.as_ref()) {
            Some(_) => Ok(()),
            None => Err(PlayerError::fatal(ErrorCode::InvalidState, "the tracks are not known yet")),
        }
    }
}

/// An argument out of its range.
pub(super) fn invalid(message: impl Into<String>) -> PlayerError {
    PlayerError::fatal(ErrorCode::InvalidArgument, message)
}

/// True when a stream needs no other request for a time than what it holds or has on its way.
fn is_served(session: &Session, id: StreamId, time: MediaTime) -> bool {
    let Some(stream) = session.stream(id) else { return true };
    let brought = session.brought_by(id);
    let kinds = [MediaKind::Video, MediaKind::Audio];
    let mut buffers =
        kinds.into_iter().filter(|kind| brought.has(*kind)).filter_map(|kind| session.buffer(kind)).peekable();
    let held = buffers.peek().is_some() && buffers.all(|buffer| buffer.holds(time));
    let coming = stream
        .fetching()
        .is_some_and(|fetching| fetching.chosen.segment.start <= time && time < fetching.chosen.segment.end());
    held || coming
}
