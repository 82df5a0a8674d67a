//! Eviction from the front of the run: media that the playhead has passed.

use super::{BufferedSegment, Cursor, TrackBuffer};
use crate::time::MediaTime;

/// Bytes of an evicted part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Evicted {
    /// Bytes of its samples.
    pub bytes: u64,
    /// Bytes of samples that were never presented.
    pub unseen: u64,
}

impl TrackBuffer {
    /// Drops whole parts that end at or before `limit` and lie before the cursor. Gives the bytes never presented.
    pub(in crate::engine) fn evict(&mut self, limit: MediaTime, committed: Option<Cursor>) -> u64 {
        let mut unseen = 0;
        while self.first_evictable(limit, committed).is_some() {
            unseen += self.evict_first().unseen;
        }
        unseen
    }

    /// Returns the end of the first part if it may be dropped: it is complete, ends at or before `limit` and lies before
    /// the cursor.
    pub(in crate::engine) fn first_evictable(&self, limit: MediaTime, committed: Option<Cursor>) -> Option<MediaTime> {
        let is_handed_out = |part: &BufferedSegment| committed.is_none_or(|cursor| part.seq < cursor.seq);
        let part = self.parts.front().filter(|part| part.complete && part.last <= limit && is_handed_out(part))?;
        Some(part.last)
    }

    /// Drops the first part, which [`Self::first_evictable`] permits.
    pub(in crate::engine) fn evict_first(&mut self) -> Evicted {
        let Some(part) = self.parts.pop_front() else { return Evicted::default() };
        self.from = self.from.max(part.last);
        self.gaps -= usize::from(part.after_hole);
        self.encrypted -= usize::from(!part.needs.is_empty());
        self.bytes -= part.bytes;
        self.account.depart(part.waiting(), self.account.passed_over());
        if self.parts.is_empty() {
            self.end = None;
        }
        Evicted { bytes: part.bytes, unseen: if part.seen { 0 } else { part.bytes } }
    }

    /// Returns the bytes of the whole parts that end at or before `position`.
    pub(in crate::engine) fn bytes_behind(&self, position: MediaTime) -> u64 {
        self.parts.iter().take_while(|part| part.last <= position).map(|part| part.bytes).sum()
    }
}
