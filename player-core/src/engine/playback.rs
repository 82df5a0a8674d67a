//! What playback is doing: the state, the clock, the epoch in force and what is awaited of the renderer. Plain state;
//! transitions are made elsewhere.

use super::clock::Clock;
use super::effects::Effects;
use super::feed::Feed;
use super::stats::Ledger;
use crate::command::SeekMode;
use crate::error::PlayerError;
use crate::event::Event;
use crate::render::{Epoch, RenderCommand};
use crate::snapshot::State;
use crate::time::{MediaTime, Now};

/// A seek whose first picture is awaited.
#[derive(Clone, Copy, Debug)]
pub struct Seeking {
    /// The target after clamping.
    pub to: MediaTime,
    /// How exact.
    pub mode: SeekMode,
    /// When it was asked for.
    pub since: Now,
}

/// Where the epoch begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// The first instant to present.
    pub at: MediaTime,
    /// Whether the key frame before it will do.
    pub mode: SeekMode,
    /// It is where a gap that was jumped over ends.
    pub jumped: bool,
}

/// Settings that outlive a presentation.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Presentation seconds a second.
    pub rate: f64,
    /// Loudness.
    pub volume: f64,
    /// Silence.
    pub muted: bool,
    /// Where video is shown, in pixels.
    pub viewport: Option<(u32, u32)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 1.0, volume: 1.0, muted: false, viewport: None }
    }
}

impl Settings {
    /// The rate in thousandths.
    pub fn permille(&self) -> u64 {
        (self.rate * 1000.0).round() as u64
    }
}

/// Playback.
#[derive(Clone, Debug)]
pub struct Playback {
    /// What it is doing.
    pub state: State,
    /// Since when it does that.
    pub state_since: Now,
    /// Whether it plays as soon as it can.
    pub play_when_ready: bool,
    /// The renderer was told to play.
    pub told_playing: bool,
    /// The playhead.
    pub clock: Clock,
    /// What was handed to the renderer.
    pub feed: Feed,
    /// Where the epoch begins.
    pub start: Start,
    /// The epoch has begun to be presented: its first video frame is on screen, or its first audio where it has none.
    pub first_shown: bool,
    /// The load or seek since which the first video frame is to be announced.
    pub frame_awaited: Option<Now>,
    /// The load or seek since which the first audio is to be announced, unless video comes first.
    pub audio_awaited: Option<Now>,
    /// The flush that the renderer has not answered, and when it was sent. Another waits for the answer, so that there
    /// is never more than one in the renderer's queue.
    pub flush_unanswered: Option<(Epoch, Now)>,
    /// The seek under way.
    pub seek: Option<Seeking>,
    /// When the renderer's first picture is overdue.
    pub picture_due: Option<Now>,
    /// A stall is being counted.
    pub stalled: bool,
    /// Why playback ended, when it failed.
    pub error: Option<PlayerError>,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            state: State::Idle,
            state_since: Now::ZERO,
            play_when_ready: false,
            told_playing: false,
            clock: Clock::default(),
            feed: Feed::default(),
            start: Start { at: MediaTime::ZERO, mode: SeekMode::Exact, jumped: false },
            first_shown: false,
            frame_awaited: None,
            audio_awaited: None,
            flush_unanswered: None,
            seek: None,
            picture_due: None,
            stalled: false,
            error: None,
        }
    }
}

impl Playback {
    /// A new epoch begins at a place; the renderer hears of it when it can begin.
    pub fn begin_at(&mut self, at: MediaTime, mode: SeekMode, now: Now) {
        self.feed.reset();
        self.clock.hold(at, now);
        self.start = Start { at, mode, jumped: false };
        self.first_shown = false;
        self.picture_due = None;
    }

    /// Changes the state, and announces that.
    pub(super) fn set_state(&mut self, state: State, now: Now, effects: &mut Effects) {
        if self.state != state {
            self.state = state;
            self.state_since = now;
            effects.emit(Event::StateChanged { state });
        }
    }

    /// Makes the renderer play or hold, unless it does so already. Held, the position stands where it is.
    pub(super) fn set_renderer_playing(&mut self, playing: bool, now: Now, effects: &mut Effects) {
        if self.told_playing != playing {
            self.told_playing = playing;
            if !playing {
                self.clock.hold(self.clock.position(now), now);
            }
            effects.render(RenderCommand::SetPlaying(playing));
        }
    }

    /// Ends the stall that is being counted, if there is one.
    pub(super) fn end_stall(&mut self, now: Now, ledger: &mut Ledger, effects: &mut Effects) {
        if std::mem::take(&mut self.stalled) {
            let at = self.clock.position(now);
            if let Some(duration) = ledger.stall_ended(now) {
                effects.emit(Event::StallEnded { at, duration });
            }
        }
    }

    /// Ends playback by an error. The renderer lets go, and the position stands where it is.
    pub(super) fn fail(&mut self, error: PlayerError, now: Now, effects: &mut Effects) {
        self.flush_unanswered = None;
        self.clock.hold(self.clock.position(now), now);
        self.told_playing = false;
        self.error = Some(error.clone());
        effects.render(RenderCommand::Stop);
        self.set_state(State::Failed, now, effects);
        effects.emit(Event::Failed { error });
    }

    /// Returns true if nothing is loaded that could play.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Idle | State::Failed)
    }

    /// The first video frame or audio of a load or a seek is to be announced.
    pub fn await_first(&mut self, since: Now) {
        self.frame_awaited = Some(since);
        self.audio_awaited = Some(since);
    }

    /// Everything but the epoch's number is forgotten.
    pub fn forget(&mut self) {
        let mut feed = std::mem::take(&mut self.feed);
        feed.reset();
        *self = Self { feed, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_counted_in_thousandths() {
        for (rate, expected) in [(0.0, 0), (0.25, 250), (1.0, 1000), (1.1, 1100), (2.0, 2000), (0.333_4, 333)] {
            assert_eq!(Settings { rate, ..Settings::default() }.permille(), expected, "{rate}");
        }
    }
}
