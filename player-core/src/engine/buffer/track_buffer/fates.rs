//! Fates of the samples of a run: they are handed over, passed over, or called back.

use super::{BufferedSegment, Cursor, TrackBuffer};
use crate::engine::buffer::{Departure, Fate, Loss};
use crate::render::FrameCounts;
use crate::time::MediaTime;

impl TrackBuffer {
    /// Samples of a part go to the renderer, in an epoch that begins at `start`.
    pub(in crate::engine) fn hand_over(&mut self, seq: u64, range: std::ops::Range<usize>, start: MediaTime) {
        let Self { parts, account, .. } = self;
        let at = parts.partition_point(|part| part.seq < seq);
        let Some(BufferedSegment { samples, fates, window, .. }) = parts.get_mut(at).filter(|part| part.seq == seq)
        else {
            return;
        };
        for (sample, fate) in samples.iter().zip(fates).take(range.end).skip(range.start) {
            *fate = account.hand_over(*fate, window.shows(sample.pts, sample.end()), sample.end() <= start);
        }
    }

    /// An epoch begins at `start` and decoding at `cursor`: what would be presented and comes before cannot be decoded.
    pub(in crate::engine) fn skip_to(&mut self, cursor: Cursor, start: MediaTime) {
        let Self { parts, account, .. } = self;
        for part in parts.iter_mut().filter(|part| part.seq <= cursor.seq) {
            let before = if part.seq == cursor.seq { cursor.index } else { part.samples.len() };
            let skipped = part.samples.iter().zip(&mut part.fates).take(before);
            for (_, fate) in skipped.filter(|(sample, fate)| **fate == Fate::Waiting && sample.end() > start) {
                account.depart(1, Departure::Lost(Loss::Undecodable));
                *fate = Fate::Counted(Departure::Lost(Loss::Undecodable));
            }
        }
    }

    /// The renderer drops what it has not presented at `position`: that waits again.
    pub(in crate::engine) fn recall(&mut self, position: MediaTime) {
        let Self { parts, account, .. } = self;
        for part in parts.iter_mut().rev().take_while(|part| part.last > position) {
            for (_, fate) in part.samples.iter().zip(&mut part.fates).filter(|(sample, _)| sample.pts > position) {
                *fate = account.call_back(*fate);
            }
        }
    }

    /// Everything that will be presented has been: what still waits is counted with what the renderer never gave.
    pub(in crate::engine) fn close_account(&mut self, frames: FrameCounts) {
        for fate in self.parts.iter_mut().flat_map(|part| &mut part.fates).filter(|fate| **fate == Fate::Waiting) {
            *fate = Fate::Closed;
        }
        self.account.close(frames, false);
    }
}
