//! Account of the memory of a session, by kind.

use crate::telemetry::MemoryStats;

/// Bytes that a session holds or has asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MemoryUse {
    /// Samples in the track buffers. The renderer's share is part of them, because a sample stays in its buffer until it
    /// lies behind the playhead.
    pub media: u64,
    /// Rest of the segments under way, and bytes received of other requests.
    pub in_flight: u64,
    /// Timed metadata.
    pub metadata: u64,
    /// Lists of segments, by [`Footprint`](crate::model::Footprint).
    pub indexes: u64,
    /// Structures of the manifest, by [`Footprint`](crate::model::Footprint).
    pub manifest: u64,
}

impl MemoryUse {
    /// Returns the bytes of all kinds.
    fn total(&self) -> u64 {
        let kinds = [self.media, self.in_flight, self.metadata, self.indexes, self.manifest];
        kinds.into_iter().fold(0, u64::saturating_add)
    }

    /// Takes the account into the statistics: peaks of what comes and goes, and the present size of the rest.
    pub(super) fn note_in(&self, stats: &mut MemoryStats) {
        stats.total_peak = stats.total_peak.max(self.total());
        stats.media_peak = stats.media_peak.max(self.media);
        stats.in_flight_peak = stats.in_flight_peak.max(self.in_flight);
        stats.metadata = self.metadata;
        stats.indexes = self.indexes;
        stats.manifest = self.manifest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USE: MemoryUse = MemoryUse { media: 1000, in_flight: 200, metadata: 30, indexes: 4, manifest: 5 };

    #[test]
    fn peaks_stay_and_the_rest_is_as_it_is() {
        let mut stats = MemoryStats::default();
        USE.note_in(&mut stats);
        let expected = MemoryStats {
            total_peak: 1239,
            media_peak: 1000,
            in_flight_peak: 200,
            metadata: 30,
            indexes: 4,
            manifest: 5,
        };
        assert_eq!(stats, expected);
        MemoryUse { media: 1100, in_flight: 0, metadata: 1, indexes: 2, manifest: 3 }.note_in(&mut stats);
        let expected = MemoryStats { media_peak: 1100, metadata: 1, indexes: 2, manifest: 3, ..expected };
        assert_eq!(stats, expected, "the total was greater before");
        MemoryUse { media: u64::MAX, ..USE }.note_in(&mut stats);
        assert_eq!(stats.total_peak, u64::MAX);
    }
}
