//! Whether the device keeps up with what it is given: pictures that come too late bound what is fetched next
//! (`abr::frames::DroppedFrames`).

use super::Engine;
use super::select;
use super::stream::RepKey;
use crate::render::FrameCounts;
use crate::snapshot::State;

/// What the renderer's counts have told so far.
#[derive(Debug, Default)]
pub(super) struct Decoding {
    frames: abr::frames::DroppedFrames,
    counted: FrameCounts,
    /// What was on screen at the last report.
    shown: Option<RepKey>,
}

impl Decoding {
    /// Counts of the renderer since it was made.
    pub const fn counted(&self) -> FrameCounts {
        self.counted
    }

    /// What must not be exceeded at `now`.
    pub fn caps(&self, now: std::time::Duration) -> abr::Caps {
        self.frames.caps(now)
    }
}

impl Engine {
    /// The renderer has counted. Only undisturbed playback at ordinary speed says something about the decoder, and only
    /// as long as one quality is on screen.
    pub(super) fn watch_decoder(&mut self, counts: FrameCounts) {
        let at = self.now.as_duration();
        let before = std::mem::replace(&mut self.decoding.counted, counts);
        let shown = self.session.as_ref().and_then(|session| session.shown);
        let same = std::mem::replace(&mut self.decoding.shown, shown) == shown;
        let steady =
            self.playback.state == State::Ready && self.playback.clock.is_running() && self.settings.permille() <= 1000;
        let presentation = self.session.as_ref().and_then(|session| session.presentation.as_ref());
        let output = self.config.output_protection;
        let rung = shown.zip(presentation).map(|(rep, known)| select::rung(known, rep, output));
        match rung {
            Some(rung) if steady && same => self.decoding.frames.observe(&abr::frames::FrameReport {
                at,
                rung,
                presented: counts.presented.saturating_sub(before.presented),
                dropped: counts.dropped.saturating_sub(before.dropped),
            }),
            _ => self.decoding.frames.restart(at),
        }
    }
}
