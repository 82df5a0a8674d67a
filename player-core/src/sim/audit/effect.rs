//! Audit of commands: an accepted one has its effect at once, a refused one has none.

use std::time::Duration;

use super::{SLACK, require};
use crate::command::{Command, SeekMode};
use crate::snapshot::{Snapshot, State};
use crate::time::{MediaTime, Now};

/// Distance from the end within which a target is clamped.
const NEAR_END: i64 = 1_000_000_000;

/// Longest distance from one key frame to the next, with room for a gap.
const FARTHEST_KEY: Duration = Duration::from_secs(20);

/// Command of the present step.
#[derive(Clone, Debug, Default)]
pub(super) struct Effect {
    command: Option<Command>,
    /// Snapshot before the command.
    before: Snapshot,
    /// Target of the seek under way.
    target: Option<MediaTime>,
    is_accepted: bool,
    /// End of a gap that was jumped over in the present step.
    jumped_to: Option<MediaTime>,
}

impl Effect {
    pub(super) fn on_command(&mut self, command: &Command, before: Snapshot, target: Option<MediaTime>) {
        (self.command, self.before, self.is_accepted) = (Some(command.clone()), before, false);
        self.target = target;
    }

    pub(super) const fn on_jump(&mut self, to: MediaTime) {
        self.jumped_to = Some(to);
    }

    pub(super) const fn on_reply(&mut self, is_accepted: bool) {
        self.is_accepted = is_accepted;
    }

    pub(super) fn check(&mut self, snapshot: &Snapshot, now: Now) {
        let jumped_to = self.jumped_to.take();
        let Some(command) = self.command.take() else { return };
        if self.is_accepted {
            // A target in a gap leads to the end of it at once.
            let holds = jumped_to == Some(snapshot.position) || self.is_carried_out(&command, snapshot);
            require(now, holds, || {
                format!("{command:?} has no effect in {:?} at {:?}", snapshot.state, snapshot.position)
            });
        } else {
            let settings = |of: &Snapshot| {
                let choices = (of.audio_choice.clone(), of.text_choice.clone(), of.quality_choice.clone());
                (of.rate, of.volume, of.muted, of.play_when_ready, choices)
            };
            let (before, after) = (settings(&self.before), settings(snapshot));
            require(now, before == after, || format!("{command:?} is refused: {before:?} becomes {after:?}"));
        }
    }

    fn is_carried_out(&self, command: &Command, snapshot: &Snapshot) -> bool {
        match command {
            Command::Load(_) => {
                matches!(snapshot.state, State::Loading | State::Failed) && snapshot.stats.stalls.is_empty()
            }
            Command::Play => snapshot.play_when_ready,
            Command::Pause => !snapshot.play_when_ready && snapshot.clock_rate == 0.0,
            Command::Seek { to, mode } => goes_to(*to, *mode, snapshot),
            Command::SeekBy { millis, mode } => {
                let mut bases = self.target.into_iter().chain([self.before.position]);
                bases.any(|base| goes_to(base.shifted(millis * 1_000_000), *mode, snapshot))
            }
            Command::SetRate(rate) => snapshot.rate == *rate,
            Command::SetVolume(volume) => snapshot.volume == *volume,
            Command::SetMuted(muted) => snapshot.muted == *muted,
            Command::SelectAudio(choice) => snapshot.audio_choice.as_ref() == Some(choice),
            Command::SelectText(choice) => snapshot.text_choice.as_ref() == Some(choice),
            Command::SelectQuality(choice) => snapshot.quality_choice.as_ref() == Some(choice),
            Command::Stop => snapshot.state == State::Idle && snapshot.tracks.is_empty(),
            _ => true,
        }
    }
}

/// Returns true if playback is on its way to a time, as far as that lies inside of the presentation.
fn goes_to(to: MediaTime, mode: SeekMode, snapshot: &Snapshot) -> bool {
    let end = snapshot.duration.map(|duration| (MediaTime::ZERO + duration).shifted(-NEAR_END));
    let expected = to.max(MediaTime::ZERO);
    if end.is_none_or(|end| expected >= end) {
        return true;
    }
    let before = expected.since(snapshot.position);
    let most = if mode == SeekMode::Exact { SLACK } else { FARTHEST_KEY };
    snapshot.position <= expected && before <= most
}
