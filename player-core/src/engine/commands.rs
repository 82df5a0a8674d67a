//! What the host asks for. Every command is answered exactly once, before its consequences.

use super::Engine;
use super::accounting::{Departure, Discard};
use super::io::Output;
use super::playback::Seeking;
use super::session::Session;
use super::stream::StreamId;
use crate::command::{Command, CommandId, SeekMode};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::render::RenderCommand;
use crate::snapshot::State;
use crate::time::MediaTime;

/// The range of playback rates.
const RATES: std::ops::RangeInclusive<f64> = 0.25..=4.0;

impl Engine {
    /// Executes a command and replies to it.
    pub(super) fn command(&mut self, id: CommandId, command: Command) {
        let at = self.outbox.len();
        let error = self.execute(command).err().map(|error| error.at(Stage::Command));
        self.outbox.insert(at, Output::Event(Event::Reply { id, error }));
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
                let from = self.playback.seek.map_or_else(|| self.position(), |seek| seek.to);
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
                self.select_audio(choice)?;
            }
            Command::SelectText(choice) => {
                self.loaded()?;
                self.select_text(choice)?;
            }
            Command::SelectQuality(choice) => {
                self.loaded()?;
                self.select_quality(choice)?;
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
                    self.emit(Event::StateChanged { state: State::Idle });
                    self.emit(Event::Stopped);
                }
            }
        }
        Ok(())
    }

    fn play(&mut self) -> Result<(), PlayerError> {
        self.active()?;
        self.playback.play_when_ready = true;
        if self.playback.state == State::Ended {
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

    /// Goes to a time.
    fn seek(&mut self, to: MediaTime, mode: SeekMode) -> Result<(), PlayerError> {
        self.active()?;
        let to = self.session.as_ref().map_or(to, |session| session.clamp(to));
        if let Some(overtaken) = self.playback.seek.take() {
            self.ledger.seek(overtaken.to, None);
        }
        self.end_stall();
        self.ledger.moved(self.position(), to, false);
        self.playback.seek = Some(Seeking { to, mode, since: self.now });
        self.emit(Event::SeekStarted { to });
        if let Some(session) = self.session.as_mut() {
            session.video.account_mut().move_playhead();
        }
        self.tell_playing(false);
        self.rule.on_seek();
        match self.session.as_mut() {
            Some(session) if session.presentation.is_none() => {
                session.start = Some(to);
                self.playback.begin_at(to, mode, self.now);
            }
            _ => {
                self.reposition(to, mode);
                self.set_state(State::Seeking);
            }
        }
        Ok(())
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
        self.playback.clock.set_rate(rate, self.now);
        self.render(RenderCommand::SetRate(rate));
        Ok(())
    }

    fn tell_volume(&mut self) {
        self.render(RenderCommand::SetVolume { volume: self.settings.volume, muted: self.settings.muted });
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
    let kinds = [crate::model::MediaKind::Video, crate::model::MediaKind::Audio];
    let mut buffers =
        kinds.into_iter().filter(|kind| brought.has(*kind)).filter_map(|kind| session.buffer(kind)).peekable();
    let held = buffers.peek().is_some() && buffers.all(|buffer| buffer.holds(time));
    let coming = stream
        .fetching()
        .is_some_and(|fetching| fetching.chosen.segment.start <= time && time < fetching.chosen.segment.end());
    held || coming
}
