//! What playback is doing: the state, the clock, the epoch in force and what is awaited of the renderer. Plain state;
//! transitions are made elsewhere.

use super::clock::Clock;
use super::feed::Feed;
use crate::command::SeekMode;
use crate::error::PlayerError;
use crate::render::Epoch;
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
