//! Account of the memory of a session by kind, and the byte budget: how much may be asked for, and how much must go.

use std::time::Duration;

use crate::telemetry::MemoryStats;

/// Media behind the playhead that stays while the media ahead fits into the budget, so that a short step back fetches
/// nothing.
const LEAST_BEHIND: Duration = Duration::from_secs(2);

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

    /// Returns the bytes that are held at the expense of a budget: of metadata, lists and structures no more than half
    /// the budget counts, or the manifest of a long programme would leave nothing to play with.
    fn held(&self, budget: u64) -> u64 {
        let rest = self.metadata.saturating_add(self.indexes).saturating_add(self.manifest);
        self.media.saturating_add(rest.min(budget / 2))
    }

    /// Returns the bytes of a budget that are taken: held, or to come without another request.
    pub(super) fn taken(&self, budget: u64) -> u64 {
        self.held(budget).saturating_add(self.in_flight)
    }

    /// Returns the media to drop where more is held than the budget; `None` if it is kept. `behind` gives the bytes behind
    /// the playhead. If the rest would fit without all of them, the last [`LEAST_BEHIND`] of them stay.
    pub(super) fn excess(&self, budget: u64, behind: impl FnOnce() -> u64) -> Option<Excess> {
        let bytes = self.held(budget).checked_sub(budget).filter(|bytes| *bytes > 0)?;
        let keep = if bytes <= behind() { LEAST_BEHIND } else { Duration::ZERO };
        Some(Excess { bytes, keep })
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

/// Media to drop because the budget is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excess {
    /// Bytes to drop.
    pub bytes: u64,
    /// Media behind the playhead that stays nevertheless.
    pub keep: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    const USE: MemoryUse = MemoryUse { media: 1000, in_flight: 200, metadata: 30, indexes: 4, manifest: 5 };

    #[test]
    fn what_is_in_flight_is_taken_and_not_held() {
        assert_eq!((USE.held(10_000), USE.taken(10_000)), (1039, 1239));
        let large = MemoryUse { indexes: u64::MAX, ..USE };
        assert_eq!((large.held(2001), large.taken(2001)), (2000, 2200), "half of the budget");
        assert_eq!(MemoryUse { media: u64::MAX, ..USE }.taken(10_000), u64::MAX);
    }

    #[test]
    fn what_is_missing_goes_and_the_last_seconds_stay_if_the_rest_fits() {
        let excess = |budget, behind| USE.excess(budget, || behind).map(|excess| (excess.bytes, excess.keep));
        assert_eq!((excess(1040, 500), excess(1039, 500)), (None, None));
        assert_eq!(excess(1038, 1), Some((1, LEAST_BEHIND)));
        assert_eq!(excess(1038, 0), Some((1, Duration::ZERO)));
        assert_eq!((excess(1000, 39), excess(1000, 38)), (Some((39, LEAST_BEHIND)), Some((39, Duration::ZERO))));
        assert_eq!(excess(0, 1000), Some((1000, LEAST_BEHIND)), "without a budget the rest counts for nothing");
    }

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
