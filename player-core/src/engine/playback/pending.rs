//! Commands whose consequences cost much (a flush of the renderer, other downloads) and that wait for their turn: the
//! newest of each kind, and the pace at which each kind is carried out.
//!
//! Every command is validated and answered when it comes. A few in a row are carried out at once ([`BURST`]), after
//! that one each [`INTERVAL`]; a newer one of the same kind replaces one that waits. So a mouse that scrubs at 200
//! events a second leads to ten seeks a second, and the last one counts.

use std::time::Duration;

use super::state::Seeking;
use crate::command::{QualityChoice, TrackChoice};
use crate::time::Now;

/// Number of commands of a kind in a row that are carried out at once.
pub(in crate::engine) const BURST: u32 = 3;
/// Time between two commands of a kind after that.
pub(in crate::engine) const INTERVAL: Duration = Duration::from_millis(100);

/// The pace of one kind of command: the generic cell rate algorithm (ITU-T I.371) with a tolerance of [`BURST`].
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// Theoretical arrival time of the next command.
    arrival: Now,
}

impl Pace {
    /// Returns the time until a command may be carried out; zero when it may be now.
    fn wait(self, now: Now) -> Duration {
        self.arrival.since(now).saturating_sub(INTERVAL * (BURST - 1))
    }

    fn spend(&mut self, now: Now) {
        self.arrival = self.arrival.max(now) + INTERVAL;
    }
}

/// A command that waits for its turn, and the pace of its kind.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Slot<T> {
    waiting: Option<T>,
    pace: Pace,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { waiting: None, pace: Pace::default() }
    }
}

impl<T> Slot<T> {
    /// Takes the place of one that waits.
    pub(in crate::engine) fn put(&mut self, waiting: T) {
        self.waiting = Some(waiting);
    }

    /// The one that waits.
    pub(in crate::engine) const fn waiting(&self) -> Option<&T> {
        self.waiting.as_ref()
    }

    /// Hands out the one that waits if its turn has come.
    pub(in crate::engine) fn take_due(&mut self, now: Now) -> Option<T> {
        if self.waiting.is_some() && self.pace.wait(now).is_zero() { self.take(now) } else { None }
    }

    /// Hands out the one that waits, before its turn if need be.
    pub(in crate::engine) fn take(&mut self, now: Now) -> Option<T> {
        let waiting = self.waiting.take()?;
        self.pace.spend(now);
        Some(waiting)
    }

    /// Returns the time at which the turn of the one that waits comes.
    pub(in crate::engine) fn due(&self, now: Now) -> Option<Now> {
        self.waiting.as_ref().map(|_| now + self.pace.wait(now))
    }

    fn forget(&mut self) {
        self.waiting = None;
    }
}

/// The commands that wait.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct PendingCommands {
    /// A seek; its target was clamped to the duration that was known when it was asked for.
    seek: Slot<Seeking>,
    /// A playback rate, in presentation seconds per second.
    rate: Slot<f64>,
    /// A choice of audio.
    audio: Slot<TrackChoice>,
    /// A choice of text.
    text: Slot<TrackChoice>,
    /// A choice of quality.
    quality: Slot<QualityChoice>,
}

impl PendingCommands {
    /// Returns the seek that waits.
    pub(in crate::engine) const fn seek(&self) -> &Slot<Seeking> {
        &self.seek
    }

    /// Returns the seek that waits, to replace or carry it out.
    pub(in crate::engine) const fn seek_mut(&mut self) -> &mut Slot<Seeking> {
        &mut self.seek
    }

    /// Returns the playback rate that waits, to replace or carry it out.
    pub(in crate::engine) const fn rate_mut(&mut self) -> &mut Slot<f64> {
        &mut self.rate
    }

    /// Returns the choice of audio that waits.
    pub(in crate::engine) const fn audio(&self) -> &Slot<TrackChoice> {
        &self.audio
    }

    /// Returns the choice of audio that waits, to replace or carry it out.
    pub(in crate::engine) const fn audio_mut(&mut self) -> &mut Slot<TrackChoice> {
        &mut self.audio
    }

    /// Returns the choice of text that waits.
    pub(in crate::engine) const fn text(&self) -> &Slot<TrackChoice> {
        &self.text
    }

    /// Returns the choice of text that waits, to replace or carry it out.
    pub(in crate::engine) const fn text_mut(&mut self) -> &mut Slot<TrackChoice> {
        &mut self.text
    }

    /// Returns the choice of quality that waits.
    pub(in crate::engine) const fn quality(&self) -> &Slot<QualityChoice> {
        &self.quality
    }

    /// Returns the choice of quality that waits, to replace or carry it out.
    pub(in crate::engine) const fn quality_mut(&mut self) -> &mut Slot<QualityChoice> {
        &mut self.quality
    }

    /// Drops all of them: what they were meant for has ended. The pace goes on.
    pub(in crate::engine) fn forget(&mut self) {
        self.seek.forget();
        self.rate.forget();
        self.audio.forget();
        self.text.forget();
        self.quality.forget();
    }

    /// Returns the time of the first turn, seeks excluded unless `seekable`: before the presentation is known there is
    /// nothing to seek in.
    pub(in crate::engine) fn next_due(&self, now: Now, seekable: bool) -> Option<Now> {
        let seek = self.seek.due(now).filter(|_| seekable);
        [seek, self.rate.due(now), self.audio.due(now), self.text.due(now), self.quality.due(now)]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Now {
        Now::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_few_go_at_once_and_then_one_each_interval_and_the_newest_wins() {
        let mut slot = Slot::default();
        let mut taken = Vec::new();
        for millis in 0..1_000 {
            slot.put(millis);
            taken.extend(slot.take_due(at(millis)).map(|waiting| (millis, waiting)));
        }
        let turns: Vec<u64> = [0, 1, 2].into_iter().chain((1..10).map(|turn| turn * 100)).collect();
        assert_eq!(taken, turns.iter().map(|turn| (*turn, *turn)).collect::<Vec<_>>());
        assert_eq!(slot.due(at(999)), Some(at(1_000)));
        assert_eq!(slot.take_due(at(1_000)), Some(999));
        assert_eq!(slot.due(at(1_000)), None, "nothing waits");
        slot.put(5);
        assert_eq!(slot.take_due(at(9_000)), Some(5));
    }

    #[test]
    fn what_is_forgotten_does_not_come_back_and_costs_no_turn() {
        let mut pending = PendingCommands::default();
        pending.rate.put(2.0);
        assert_eq!(pending.next_due(at(5), false), Some(at(5)));
        pending.forget();
        assert_eq!((pending.rate.take_due(at(9)), pending.next_due(at(9), true)), (None, None));
    }

    #[test]
    fn the_first_turn_of_all_kinds_counts_and_a_seek_only_where_one_may_seek() {
        let busy = |pending: &mut PendingCommands, taken: u32| {
            for _ in 0..taken {
                pending.rate.put(1.0);
                pending.rate.take(at(0));
            }
            pending.rate.put(2.0);
        };
        for (taken, due) in [(0, 0), (2, 0), (3, 100), (5, 300)] {
            let mut pending = PendingCommands::default();
            busy(&mut pending, taken);
            assert_eq!(pending.next_due(at(0), true), Some(at(due)), "{taken}");
            assert_eq!(pending.rate.take_due(at(due)), Some(2.0), "{taken}");
        }
        let seek = || Seeking { to: crate::time::MediaTime::ZERO, mode: crate::command::SeekMode::Exact, since: at(0) };
        let puts: [fn(&mut PendingCommands); 3] = [
            |pending| pending.audio.put(TrackChoice::Off),
            |pending| pending.text.put(TrackChoice::Off),
            |pending| pending.quality.put(QualityChoice::Auto),
        ];
        for put in puts {
            let mut pending = PendingCommands::default();
            busy(&mut pending, 5);
            put(&mut pending);
            assert_eq!(pending.next_due(at(7), false), Some(at(7)));
            pending.forget();
            assert_eq!(pending.next_due(at(7), true), None);
        }
        let mut pending = PendingCommands::default();
        pending.seek.put(seek());
        assert_eq!((pending.next_due(at(7), false), pending.next_due(at(7), true)), (None, Some(at(7))));
        assert!(pending.seek.waiting().is_some());
        pending.forget();
        assert!(pending.seek.waiting().is_none() && pending.next_due(at(7), true).is_none());
    }
}
