//! Memory of the session: counted by kind, and given up behind the playhead where the byte budget is exceeded.

use super::Session;
use crate::engine::buffer::{BUFFERED, TrackBuffer};
use crate::engine::context::Context;
use crate::engine::download::Stream;
use crate::engine::memory::MemoryUse;
use crate::engine::requests::Job;
use crate::engine::selection;
use crate::model::MediaKind;
use crate::time::MediaTime;

impl Session {
    /// Returns the memory that the session holds or has asked for.
    pub(super) fn memory_use(&self, cx: &Context) -> MemoryUse {
        let footprint = self.source.footprint();
        let segments = self.streams.iter().map(|stream| self.bytes_to_come(cx, stream));
        MemoryUse {
            media: self.held_bytes(),
            in_flight: segments.fold(cx.jobs.bytes_besides_media(), u64::saturating_add),
            metadata: self.metadata.bytes() as u64,
            indexes: footprint.indexes,
            manifest: footprint.manifest,
        }
    }

    /// Returns the bytes of the budget that are taken: held, or to come without another request.
    pub(super) fn taken_bytes(&self, cx: &Context) -> u64 {
        self.memory_use(cx).taken(cx.config.buffer_bytes)
    }

    /// Drops media behind `position` that is older than the configured back buffer, and more of it where the session
    /// holds more than the byte budget: whole segments, oldest first, as many as it takes.
    pub(super) fn evict_behind(&mut self, cx: &mut Context, position: MediaTime) {
        let memory = self.memory_use(cx);
        cx.ledger.memory(&memory);
        let back_buffer = cx.config.back_buffer;
        for kind in BUFFERED {
            let committed = self.committed(cx, kind);
            if let Some(buffer) = self.buffer_mut(kind).filter(|_| committed.is_some()) {
                cx.ledger.wasted(buffer.evict(position - back_buffer, committed));
            }
        }
        let memory = MemoryUse { media: self.held_bytes(), ..memory };
        let behind = || self.video.bytes_behind(position) + self.audio.bytes_behind(position);
        if let Some(excess) = memory.excess(cx.config.buffer_bytes, behind) {
            self.make_room(cx, position - excess.keep.min(back_buffer), excess.bytes);
        }
    }

    /// Drops whole segments that end at or before `limit`, oldest first, until `bytes` are dropped.
    fn make_room(&mut self, cx: &mut Context, limit: MediaTime, bytes: u64) {
        let mut missing = bytes;
        while missing > 0 {
            let first = |kind: &MediaKind| {
                let committed = self.committed(cx, *kind)?;
                self.buffer(*kind)?.first_evictable(limit, Some(committed))
            };
            let oldest =
                BUFFERED.into_iter().filter_map(|kind| Some((first(&kind)?, kind))).min_by_key(|(end, _)| *end);
            let Some(buffer) = oldest.and_then(|(_, kind)| self.buffer_mut(kind)) else { return };
            let evicted = buffer.evict_first();
            cx.ledger.wasted(evicted.unseen);
            missing = missing.saturating_sub(evicted.bytes);
        }
    }

    /// Returns the bytes of the segment under way that are in no buffer yet; 0 if there is none. Headers of containers
    /// never reach a buffer and count until the segment is complete.
    fn bytes_to_come(&self, cx: &Context, stream: &Stream) -> u64 {
        let Some(download) = stream.download() else { return 0 };
        let plan = download.plan();
        let attempt = cx.jobs.get(download.job()).and_then(Job::attempt);
        let (received, announced) = attempt.map_or((0, None), |attempt| (attempt.bytes, attempt.announced));
        let size = download.expected_bytes(received, announced).unwrap_or_else(|| {
            let rep = selection::representation(self.source.presentation(), plan.rep);
            let bitrate = rep.map_or(0, |rep| rep.average_bandwidth.unwrap_or(rep.bandwidth));
            let bytes = plan.segment.duration.as_millis().saturating_mul(u128::from(bitrate)) / 8000;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        });
        let of_segment = |buffer: &TrackBuffer| buffer.bytes_of(plan.key());
        let held: u64 = BUFFERED.into_iter().filter_map(|kind| self.buffer(kind)).map(of_segment).sum();
        size.saturating_sub(held)
    }
}
