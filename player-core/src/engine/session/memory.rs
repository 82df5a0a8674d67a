//! Memory of the session, counted by kind.

use super::Session;
use crate::engine::buffer::{BUFFERED, TrackBuffer};
use crate::engine::context::Context;
use crate::engine::download::Stream;
use crate::engine::memory::MemoryUse;
use crate::engine::requests::Job;
use crate::engine::selection;

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
