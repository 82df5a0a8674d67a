//! Whether the device keeps up with what it is given: pictures that come too late bound what is fetched next
//! (`abr::frames::DroppedFrames`).

use super::context::Context;
use super::select;
use super::session::Session;
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

/// Takes the counts of the renderer. Only undisturbed playback at ordinary speed says something about the decoder, and
/// only as long as one quality is on screen.
pub(super) fn watch_decoder(cx: &mut Context, shown: Option<(RepKey, abr::Rung)>, counts: FrameCounts) {
    let at = cx.now.as_duration();
    let before = std::mem::replace(&mut cx.decoding.counted, counts);
    let key = shown.map(|(key, _)| key);
    let same = std::mem::replace(&mut cx.decoding.shown, key) == key;
    let steady = cx.playback.state == State::Ready && cx.playback.clock.is_running() && cx.settings.permille() <= 1000;
    match shown {
        Some((_, rung)) if steady && same => cx.decoding.frames.observe(&abr::frames::FrameReport {
            at,
            rung,
            presented: counts.presented.saturating_sub(before.presented),
            dropped: counts.dropped.saturating_sub(before.dropped),
        }),
        _ => cx.decoding.frames.restart(at),
    }
}

impl Session {
    /// Returns the representation on screen as a rung of an output.
    pub(super) fn shown_rung(&self, output: abr::Hdcp) -> Option<(RepKey, abr::Rung)> {
        self.shown.map(|key| (key, select::rung(&self.presentation, key, output)))
    }
}
