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
