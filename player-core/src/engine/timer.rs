//! One table of timers. Which instants belong into it is decided by those who set them.

use std::time::Duration;

use crate::time::Now;

/// Timers that would fire at once fire after this, so that time always passes between them.
pub(super) const LEAST_WAIT: Duration = Duration::from_millis(10);

/// Cause of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// A request waits for its next attempt.
    Retry,
    /// A request has been silent for too long.
    Silence,
    /// Playback reaches the end of what is buffered.
    Runout,
    /// A running transfer is judged again.
    Judge,
    /// The adaptive rule asked to wait before the next segment, or nothing is available before.
    Hold,
    /// Timed metadata begins or ends.
    Metadata,
    /// The renderer owes a first picture.
    Picture,
    /// The steering server is to be asked.
    Steering,
    /// A stream that was full has room for another segment, because enough of it was played.
    Room,
    /// The turn of a command that waits has come.
    Command,
    /// A playlist or manifest is due to be read again.
    Reload,
}

const COUNT: usize = Timer::Reload as usize + 1;

/// Times at which the engine must be woken, by cause.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers([Option<Now>; COUNT]);

impl Timers {
    /// Sets or clears one timer.
    pub(super) fn set(&mut self, timer: Timer, at: Option<Now>) {
        self.0[timer as usize] = at;
    }

    /// Clears all timers, because their causes have ended.
    pub(super) fn clear(&mut self) {
        self.0 = [None; COUNT];
    }

    /// The first to fire.
    pub(super) fn earliest(&self) -> Option<Now> {
        self.0.iter().flatten().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_timer_wins_until_it_is_cleared() {
        let mut timers = Timers::default();
        assert_eq!(timers.earliest(), None);
        timers.set(Timer::Runout, Some(Now::from_nanos(9)));
        timers.set(Timer::Retry, Some(Now::from_nanos(5)));
        assert_eq!(timers.earliest(), Some(Now::from_nanos(5)));
        timers.set(Timer::Retry, None);
        assert_eq!(timers.earliest(), Some(Now::from_nanos(9)));
        timers.clear();
        assert_eq!(timers.earliest(), None);
    }
}
