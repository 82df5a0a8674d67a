//! Position at which playback starts: the viewer's choice, or else the author's (`EXT-X-START`, RFC 8216bis §4.4.2.2).

use super::Source;
use crate::engine::ids::RepKey;
use crate::time::{MediaTime, Now};

impl Source {
    /// Returns the position at which playback starts, if the viewer chose one or the author's was resolved.
    pub(in crate::engine) const fn start(&self) -> Option<MediaTime> {
        self.start
    }

    /// Returns the start that the manifest declares. One that counts from an end that is not known yet is negative; it is
    /// kept, and [`Self::resolve_start`] resolves it.
    pub(in crate::engine) fn declared_start(&mut self) -> Option<MediaTime> {
        let authored = self.presentation.start.filter(|_| !self.is_live()).map(|start| match self.duration {
            Some(duration) if start < MediaTime::ZERO => start + duration,
            _ => start,
        });
        self.authored_start = authored.filter(|start| *start < MediaTime::ZERO);
        authored
    }

    /// Returns the declared start once the duration is known. The manifest's start precedes that of the first index,
    /// `index`. It counts only while playback is `untouched`, and only if the viewer chose no other start; one that does
    /// not count is forgotten.
    pub(in crate::engine) fn resolve_start(&mut self, index: Option<MediaTime>, untouched: bool) -> Option<MediaTime> {
        let duration = self.duration?;
        let declared = self.authored_start.take().or(index).filter(|_| untouched && self.start.is_none())?;
        let at = self.clamp(if declared < MediaTime::ZERO { declared + duration } else { declared });
        self.start = Some(at);
        Some(at)
    }

    /// Keeps the start that a live playlist declares, unless the manifest declares one.
    pub(in crate::engine) fn note_live_start(&mut self, declared: Option<MediaTime>) {
        if self.presentation.start.is_none() {
            self.live_start = self.live_start.or(declared);
        }
    }

    /// Returns the start that the author of a live presentation declares, for the list of `rep`: from its beginning, or
    /// from its end if negative (RFC 8216bis §4.4.2.2).
    pub(in crate::engine) fn authored_live_start(&self, rep: RepKey, now: Now) -> Option<MediaTime> {
        let declared = self.presentation.start.or(self.live_start)?;
        let window = self.live_window(rep, now)?;
        let base = if declared < MediaTime::ZERO { window.end } else { window.start };
        Some(base.shifted(declared.as_nanos()))
    }
}
