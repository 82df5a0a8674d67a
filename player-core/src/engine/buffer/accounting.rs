//! Account of the samples of one kind of track. Each sample that is received ends in exactly one count: presented or
//! dropped by the renderer, lost for a [`Loss`], or discarded by an action of the host.
//!
//! The renderer counts pictures, not samples, so what a decoder swallows shows only at the end:
//! [`SampleAccount::close`] counts it.

use crate::render::FrameCounts;
use crate::telemetry::{FrameAccount, FrameDiscards, FrameLosses};

/// Reason for which a sample is never presented without an action of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Loss {
    /// No decoder can make a picture of it: what it refers to is missing, it is damaged, or its key is unavailable.
    Undecodable,
    /// Media of the same time is held already.
    Overlapped,
    /// It lies outside of its period, or of what the manifest leaves of it.
    OutsideWindow,
    /// It arrived after playback had passed its time.
    Late,
}

impl Loss {
    /// Every reason, in the order of the report.
    pub(in crate::engine) const ALL: [Self; 4] = [Self::Undecodable, Self::Overlapped, Self::OutsideWindow, Self::Late];

    /// Sentence for the warning that announces the first sample.
    pub(in crate::engine) const fn message(self) -> &'static str {
        match self {
            Self::Undecodable => "video samples cannot be decoded and are not presented",
            Self::Overlapped => "video samples repeat a time that is held already and are not presented",
            Self::OutsideWindow => "video samples lie outside of their period and are not presented",
            Self::Late => "video samples came after their time and are not presented",
        }
    }
}

/// Action after which samples are not presented any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Discard {
    /// The host or the viewer moved playback elsewhere.
    Seek,
    /// Another track or quality was chosen.
    Switch,
    /// Something else took the place of what was loaded, such as media for another output.
    Replaced,
    /// The host stopped or replaced the item.
    Stopped,
}

/// Way in which a sample leaves the buffer before it was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Departure {
    /// It is received once more: its request is repeated, or another one brings the same pictures.
    Void,
    Lost(Loss),
    Discarded(Discard),
}

/// State of one sample in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Fate {
    /// Waits to be handed over.
    Waiting,
    /// Was handed to the renderer, which counts it.
    Handed,
    /// Was handed to the renderer once more.
    HandedAgain,
    /// Left the counts that way; undone if it is handed over for presentation after all.
    Counted(Departure),
    /// Was still here when the account was closed, which counted it.
    Closed,
}

/// The counts of a kind of track.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct SampleAccount {
    counts: FrameAccount,
    /// Losses at the door of the request that is under way: they void with it.
    attempt: FrameLosses,
    /// Incomplete samples of that request.
    attempt_incomplete: u64,
    /// The host moved the playhead: samples that are passed over were not wanted.
    moved: bool,
    /// A decoder failed, and media of the same times was received again.
    restarted: bool,
    /// Playback went on after a gap without waiting for media that could still come.
    jumped: bool,
    announced: [bool; Loss::ALL.len()],
}

impl SampleAccount {
    /// The counts so far.
    pub(in crate::engine) const fn counts(&self) -> FrameAccount {
        self.counts
    }

    /// The host moved the playhead, or the host or the author chose where it begins.
    pub(in crate::engine) const fn move_playhead(&mut self) {
        self.moved = true;
    }

    /// Playback goes on after a gap: media of before that comes now is late.
    pub(in crate::engine) const fn jump_gap(&mut self) {
        self.jumped = true;
    }

    /// Counts samples that were received and are held.
    pub(in crate::engine) fn receive(&mut self, count: usize) {
        self.counts.received += count as u64;
    }

    /// Counts samples that were received but not held.
    pub(in crate::engine) fn refuse(&mut self, loss: Loss, count: usize) {
        self.receive(count);
        *slot(&mut self.counts.lost, loss) += count as u64;
        *slot(&mut self.attempt, loss) += count as u64;
    }

    /// Counts samples of which bytes are missing.
    pub(in crate::engine) const fn note_incomplete(&mut self, count: u64) {
        self.counts.incomplete += count;
        self.attempt_incomplete += count;
    }

    /// The request under way ended well: the samples it gave stand.
    pub(in crate::engine) fn end_attempt(&mut self) {
        (self.attempt, self.attempt_incomplete) = (FrameLosses::default(), 0);
    }

    /// Undoes the counts of the attempt under way, which failed: its samples are received again, or never were.
    pub(in crate::engine) fn void_attempt(&mut self) {
        self.counts.incomplete -= std::mem::take(&mut self.attempt_incomplete);
        for loss in Loss::ALL {
            let count = std::mem::take(slot(&mut self.attempt, loss));
            let lost = slot(&mut self.counts.lost, loss);
            *lost = lost.saturating_sub(count);
            self.counts.received = self.counts.received.saturating_sub(count);
        }
    }

    /// Counts samples that leave without having been handed over.
    pub(in crate::engine) fn depart(&mut self, count: usize, departure: Departure) {
        let count = count as u64;
        match departure {
            Departure::Void => self.counts.received = self.counts.received.saturating_sub(count),
            Departure::Lost(loss) => *slot(&mut self.counts.lost, loss) += count,
            Departure::Discarded(discard) => *discard_slot(&mut self.counts.discarded, discard) += count,
        }
    }

    /// Returns the way in which a sample departs that the playhead passed without presenting it.
    pub(in crate::engine) const fn passed_over(&self) -> Departure {
        match (self.moved, self.restarted) {
            (true, _) => Departure::Discarded(Discard::Seek),
            // Its time was presented before the decoder failed.
            (false, true) => Departure::Void,
            (false, false) if self.jumped => Departure::Lost(Loss::Late),
            (false, false) => Departure::Lost(Loss::OutsideWindow),
        }
    }

    /// A decoder failed, which its own warning or error announces: what it had is undecodable.
    pub(in crate::engine) const fn decoder_failed(&mut self) {
        self.restarted = true;
        self.announced[Loss::Undecodable as usize] = true;
    }

    /// Counts a sample that goes to the renderer, and returns its state after that. `shown` is true if its window shows
    /// it, `early` if it ends before the epoch begins and is decoded only for the samples after it.
    pub(in crate::engine) fn hand_over(&mut self, fate: Fate, shown: bool, early: bool) -> Fate {
        self.counts.decoder_input += 1;
        match (fate, shown, early) {
            (Fate::Waiting, false, _) => self.count(Departure::Lost(Loss::OutsideWindow)),
            (Fate::Waiting, true, true) => self.count(self.passed_over()),
            (Fate::Waiting, true, false) => Fate::Handed,
            (Fate::Counted(departure), true, false) => {
                self.undo(departure);
                Fate::Handed
            }
            (Fate::Handed | Fate::HandedAgain | Fate::Closed, true, false) => {
                // It is presented once more, out of the buffer.
                self.counts.repeated += 1;
                Fate::HandedAgain
            }
            (fate, ..) => fate,
        }
    }

    /// Gives the state of a sample that was handed over and that the renderer dropped before it presented it.
    pub(in crate::engine) const fn call_back(&mut self, fate: Fate) -> Fate {
        match fate {
            Fate::Handed => Fate::Waiting,
            Fate::HandedAgain => {
                self.counts.repeated = self.counts.repeated.saturating_sub(1);
                Fate::Handed
            }
            Fate::Waiting | Fate::Counted(_) | Fate::Closed => fate,
        }
    }

    fn count(&mut self, departure: Departure) -> Fate {
        self.depart(1, departure);
        Fate::Counted(departure)
    }

    fn undo(&mut self, departure: Departure) {
        let count = match departure {
            Departure::Void => return self.receive(1),
            Departure::Lost(loss) => slot(&mut self.counts.lost, loss),
            Departure::Discarded(discard) => discard_slot(&mut self.counts.discarded, discard),
        };
        *count = count.saturating_sub(1);
    }

    /// Closes the account after the last picture. Each sample that is still open counts as undecodable, because it
    /// entered the decoder without a picture coming out, or as discarded if the playhead was moved or playback stopped.
    /// Pictures that the renderer counted beyond the samples received are repetitions.
    pub(in crate::engine) fn close(&mut self, frames: FrameCounts, stopped: bool) {
        let ended = frames.presented + frames.dropped + self.counts.departed();
        let rest = (self.counts.received + self.counts.repeated).saturating_sub(ended);
        self.counts.repeated = (ended + rest).saturating_sub(self.counts.received);
        let rest = usize::try_from(rest).unwrap_or(usize::MAX);
        let departure = match (stopped, self.moved) {
            (true, _) => Departure::Discarded(Discard::Stopped),
            (false, true) => Departure::Discarded(Discard::Seek),
            (false, false) => Departure::Lost(Loss::Undecodable),
        };
        self.depart(rest, departure);
    }

    /// The next reason for which samples were lost and that was not announced.
    pub(in crate::engine) fn unannounced(&mut self) -> Option<Loss> {
        let mut losses = self.counts.lost;
        let found = Loss::ALL.iter().zip(&mut self.announced);
        let (loss, announced) = found.into_iter().find(|(loss, done)| !**done && *slot(&mut losses, **loss) > 0)?;
        *announced = true;
        Some(*loss)
    }
}

const fn discard_slot(discards: &mut FrameDiscards, discard: Discard) -> &mut u64 {
    match discard {
        Discard::Seek => &mut discards.seek,
        Discard::Switch => &mut discards.switch,
        Discard::Replaced => &mut discards.replaced,
        Discard::Stopped => &mut discards.stopped,
    }
}

const fn slot(losses: &mut FrameLosses, loss: Loss) -> &mut u64 {
    match loss {
        Loss::Undecodable => &mut losses.undecodable,
        Loss::Overlapped => &mut losses.overlapped,
        Loss::OutsideWindow => &mut losses.outside_window,
        Loss::Late => &mut losses.late,
    }
}

impl FrameAccount {
    /// Samples that were lost or discarded.
    pub const fn departed(&self) -> u64 {
        let FrameLosses { undecodable, overlapped, outside_window, late } = self.lost;
        let FrameDiscards { seek, switch, replaced, stopped } = self.discarded;
        undecodable + overlapped + outside_window + late + seek + switch + replaced + stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(presented: u64) -> FrameCounts {
        FrameCounts { presented, dropped: 1, ..FrameCounts::default() }
    }

    #[test]
    fn what_a_decoder_swallows_is_counted_at_the_end() {
        let mut account = SampleAccount::default();
        account.receive(10);
        account.refuse(Loss::Overlapped, 2);
        account.close(counts(7), false);
        let found = account.counts();
        assert_eq!((found.received, found.lost.overlapped, found.lost.undecodable), (12, 2, 2));
        let losses: Vec<_> = std::iter::from_fn(|| account.unannounced()).collect();
        assert_eq!(losses, [Loss::Undecodable, Loss::Overlapped], "each once");
    }

    #[test]
    fn a_request_that_is_repeated_counts_once() {
        let mut account = SampleAccount::default();
        account.receive(5);
        account.refuse(Loss::OutsideWindow, 3);
        account.depart(5, Departure::Void);
        account.void_attempt();
        assert_eq!(account.counts(), FrameAccount::default());
    }

    #[test]
    fn a_picture_that_is_presented_again_is_received_once() {
        let mut account = SampleAccount::default();
        account.receive(1);
        let fate = account.hand_over(Fate::Waiting, true, false);
        assert_eq!((fate, account.hand_over(fate, true, true)), (Fate::Handed, Fate::Handed));
        account.move_playhead();
        account.hand_over(fate, true, false);
        account.close(FrameCounts { presented: 2, ..FrameCounts::default() }, false);
        let found = account.counts();
        assert_eq!((found.received, found.repeated, found.decoder_input, found.departed()), (1, 1, 3, 0));
    }

    #[test]
    fn a_still_picture_that_the_renderer_counts_twice_is_a_repetition() {
        let mut account = SampleAccount::default();
        account.receive(100);
        account.close(FrameCounts { presented: 101, ..FrameCounts::default() }, false);
        let found = account.counts();
        assert_eq!((found.received, found.repeated, found.departed()), (100, 1, 0));
    }

    #[test]
    fn a_repetition_that_is_called_back_is_none() {
        let mut account = SampleAccount::default();
        account.receive(2);
        let shown = account.hand_over(Fate::Waiting, true, false);
        let again = account.hand_over(shown, true, false);
        assert_eq!((again, account.counts().repeated), (Fate::HandedAgain, 1));
        assert_eq!((account.call_back(again), account.counts().repeated), (Fate::Handed, 0));
        let second = account.hand_over(Fate::Waiting, true, false);
        assert_eq!(account.call_back(second), Fate::Waiting);
        account.close(FrameCounts { presented: 1, ..FrameCounts::default() }, false);
        let found = account.counts();
        assert_eq!((found.received, found.repeated, found.lost.undecodable), (2, 0, 1));
    }

    #[test]
    fn a_sample_that_was_passed_over_and_is_presented_later_is_not_discarded() {
        let mut account = SampleAccount::default();
        account.receive(1);
        account.move_playhead();
        let passed = account.hand_over(Fate::Waiting, true, true);
        assert_eq!(account.counts().discarded.seek, 1);
        assert_eq!(account.hand_over(passed, true, false), Fate::Handed);
        account.close(FrameCounts { presented: 1, ..FrameCounts::default() }, false);
        let found = account.counts();
        assert_eq!((found.received, found.repeated, found.departed()), (1, 0, 0));
    }

    #[test]
    fn media_that_comes_after_a_gap_was_jumped_over_is_late() {
        let mut account = SampleAccount::default();
        account.receive(2);
        account.hand_over(Fate::Waiting, true, true);
        account.jump_gap();
        account.hand_over(Fate::Waiting, true, true);
        let lost = account.counts().lost;
        assert_eq!((lost.outside_window, lost.late), (1, 1));
    }

    const DISCARDS: [Discard; 4] = [Discard::Seek, Discard::Switch, Discard::Replaced, Discard::Stopped];

    #[test]
    fn each_way_to_depart_has_a_count_of_its_own_and_all_add_up() {
        let mut account = SampleAccount::default();
        account.receive(1000);
        let ways = Loss::ALL.map(Departure::Lost).into_iter().chain(DISCARDS.map(Departure::Discarded));
        for (count, way) in (1..).zip(ways) {
            account.depart(count, way);
        }
        let found = account.counts();
        let FrameLosses { undecodable, overlapped, outside_window, late } = found.lost;
        assert_eq!([undecodable, overlapped, outside_window, late], [1, 2, 3, 4]);
        let FrameDiscards { seek, switch, replaced, stopped } = found.discarded;
        assert_eq!([seek, switch, replaced, stopped], [5, 6, 7, 8]);
        assert_eq!((found.received, found.departed()), (1000, 36));
        account.depart(900, Departure::Void);
        assert_eq!((account.counts().received, account.counts().departed()), (100, 36));
    }

    #[test]
    fn a_sample_that_the_playhead_passed_departs_for_the_strongest_reason() {
        let passed = |moved, restarted, jumped| {
            let mut account = SampleAccount::default();
            if moved {
                account.move_playhead();
            }
            if restarted {
                account.decoder_failed();
            }
            if jumped {
                account.jump_gap();
            }
            account.passed_over()
        };
        assert_eq!(passed(false, false, false), Departure::Lost(Loss::OutsideWindow));
        assert_eq!(passed(false, false, true), Departure::Lost(Loss::Late));
        assert_eq!((passed(false, true, false), passed(false, true, true)), (Departure::Void, Departure::Void));
        for (restarted, jumped) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(passed(true, restarted, jumped), Departure::Discarded(Discard::Seek));
        }
    }

    #[test]
    fn what_is_handed_over_is_counted_by_its_window_and_undone_when_it_is_presented_after_all() {
        for departure in Loss::ALL.map(Departure::Lost).into_iter().chain(DISCARDS.map(Departure::Discarded)) {
            let mut account = SampleAccount::default();
            account.receive(3);
            account.depart(2, departure);
            let counted = Fate::Counted(departure);
            assert_eq!(account.hand_over(counted, true, true), counted);
            assert_eq!(account.hand_over(counted, false, false), counted);
            assert_eq!(account.counts().departed(), 2);
            assert_eq!(account.hand_over(counted, true, false), Fate::Handed);
            let found = account.counts();
            assert_eq!((found.departed(), found.received, found.decoder_input), (1, 3, 3), "{departure:?}");
        }
        let mut account = SampleAccount::default();
        account.receive(1);
        account.depart(1, Departure::Void);
        account.hand_over(Fate::Counted(Departure::Void), true, false);
        assert_eq!(account.counts().received, 1, "it is received after all");
        let hidden = account.hand_over(Fate::Waiting, false, true);
        assert_eq!(
            (hidden, account.counts().lost.outside_window),
            (Fate::Counted(Departure::Lost(Loss::OutsideWindow)), 1)
        );
        assert_eq!(account.hand_over(Fate::Closed, true, false), Fate::HandedAgain);
        assert_eq!((account.counts().repeated, account.call_back(Fate::Closed)), (1, Fate::Closed));
    }

    #[test]
    fn what_is_left_at_the_end_is_stopped_or_sought_away_or_undecodable() {
        for (stopped, moved, wanted) in
            [(true, false, [0, 0, 4]), (true, true, [0, 0, 4]), (false, true, [0, 4, 0]), (false, false, [4, 0, 0])]
        {
            let mut account = SampleAccount::default();
            account.receive(12);
            account.depart(2, Departure::Discarded(Discard::Switch));
            if moved {
                account.move_playhead();
            }
            account.close(counts(5), stopped);
            let found = account.counts();
            assert_eq!([found.lost.undecodable, found.discarded.seek, found.discarded.stopped], wanted);
            assert_eq!((found.repeated, found.departed()), (0, 6));
        }
    }

    #[test]
    fn incomplete_samples_and_refusals_stand_once_their_request_has_ended_well() {
        let mut account = SampleAccount::default();
        account.note_incomplete(2);
        account.refuse(Loss::Overlapped, 3);
        account.end_attempt();
        account.note_incomplete(5);
        account.refuse(Loss::Overlapped, 1);
        account.refuse(Loss::Late, 4);
        assert_eq!((account.counts().incomplete, account.counts().received), (7, 8));
        for _ in 0..2 {
            account.void_attempt();
            let found = account.counts();
            assert_eq!((found.incomplete, found.received, found.lost.overlapped, found.lost.late), (2, 3, 3, 0));
        }
    }

    #[test]
    fn a_decoder_that_failed_has_announced_what_it_loses() {
        let mut account = SampleAccount::default();
        account.decoder_failed();
        for loss in Loss::ALL {
            account.refuse(loss, 1);
        }
        let losses: Vec<_> = std::iter::from_fn(|| account.unannounced()).collect();
        assert_eq!(losses, [Loss::Overlapped, Loss::OutsideWindow, Loss::Late]);
        assert_eq!(SampleAccount::default().unannounced(), None);
    }
}
