//! Measures whether the decoder keeps up: pictures that are dropped because they are late limit what is fetched next
//! (`abr::frames::DroppedFrames`).

use std::time::Duration;

use crate::engine::ids::RepKey;
use crate::render::FrameCounts;

/// Knowledge about the decoder from the counts of the renderer.
#[derive(Debug, Default)]
pub(in crate::engine) struct DecoderHealth {
    frames: abr::frames::DroppedFrames,
    counted: FrameCounts,
    /// Representation on screen at the last report.
    shown: Option<RepKey>,
}

impl DecoderHealth {
    /// Counts of the renderer since it was made.
    pub(in crate::engine) const fn counted(&self) -> FrameCounts {
        self.counted
    }

    /// Returns the limits that the decoder sets at a time of the host's clock.
    pub(in crate::engine) fn caps(&self, now: Duration) -> abr::Caps {
        self.frames.caps(now)
    }

    /// Takes the counts of the renderer. They say something about the decoder only in undisturbed playback at no more
    /// than ordinary speed (`is_steady`), and only as long as the same quality, `shown`, is on screen.
    pub(in crate::engine) fn observe(
        &mut self,
        counts: FrameCounts,
        shown: Option<(RepKey, abr::Rung)>,
        is_steady: bool,
        at: Duration,
    ) {
        let before = std::mem::replace(&mut self.counted, counts);
        let key = shown.map(|(key, _)| key);
        let same = std::mem::replace(&mut self.shown, key) == key;
        match shown {
            Some((_, rung)) if is_steady && same => self.frames.observe(&abr::frames::FrameReport {
                at,
                rung,
                presented: counts.presented.saturating_sub(before.presented),
                dropped: counts.dropped.saturating_sub(before.dropped),
            }),
            _ => self.frames.restart(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REP: RepKey = RepKey::for_tests(0, 0, 1);
    const LOWER: RepKey = RepKey::for_tests(0, 0, 0);

    /// Health after a report each second of sixty pictures, of which `dropped` are late. `disturbed` is the second of an
    /// interruption, and `other` that in which a lower quality is on screen.
    fn after(seconds: u64, dropped: u64, disturbed: Option<u64>, other: Option<u64>) -> Option<u64> {
        let mut health = DecoderHealth::default();
        let mut counts = FrameCounts { presented: 100_000, dropped: 100_000, ..FrameCounts::default() };
        for second in 0..=seconds {
            let is_other = other == Some(second);
            let rung = abr::Rung::new(if is_other { 1_000_000 } else { 5_000_000 });
            let shown = Some((if is_other { LOWER } else { REP }, rung));
            let at = Duration::from_secs(second);
            health.observe(counts, shown, disturbed != Some(second), at);
            assert_eq!(health.counted(), counts);
            counts.presented += 60 - dropped;
            counts.dropped += dropped;
        }
        health.caps(Duration::from_secs(seconds)).max_bitrate_bps
    }

    #[test]
    fn pictures_dropped_in_steady_playback_bound_the_rate() {
        assert_eq!(after(4, 10, None, None), Some(4_999_999), "a sixth of 120 pictures, after a second of settling");
        assert_eq!(after(9, 8, None, None), None, "an eighth is no failure");
        assert_eq!(after(0, 10, None, None), None, "counts of before say nothing");
    }

    #[test]
    fn a_disturbance_and_another_quality_begin_the_measurement_anew() {
        assert_eq!(after(4, 10, Some(3), None), None);
        assert_eq!(after(4, 10, None, Some(3)), None);
    }
}
