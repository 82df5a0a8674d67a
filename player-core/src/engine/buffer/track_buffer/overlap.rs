//! Media of the same time twice: earlier media makes room, or the new one is clipped.

use std::time::Duration;

use super::{Cursor, TrackBuffer};
use crate::container::Sample;
use crate::engine::buffer::{Departure, Loss};
use crate::engine::ids::PartOf;
use crate::model::MediaKind;
use crate::render::Window;
use crate::time::MediaTime;

/// Media of a new part that lies before the end of the part before it by more than this is an overlap, not rounding.
const OVERLAP: Duration = Duration::from_millis(100);

impl TrackBuffer {
    /// Makes room for new media that begins at `leading`. An empty range ends there, and so does the media before if
    /// the new one belongs to another window, unless it was handed out already. What follows a discontinuity replaces
    /// nothing, but it begins where the playlist places it (RFC 8216 §4.3.2.3).
    pub(super) fn yield_to(&mut self, leading: MediaTime, window: Window, committed: Option<Cursor>) {
        while let Some(back) = self.parts.back_mut() {
            if back.config.is_none() && back.last > leading {
                if back.first < leading {
                    back.last = leading;
                    break;
                }
                self.pop_back(Departure::Void);
                continue;
            }
            if back.window != window && !back.is_handed_out(committed) && back.first < leading && leading < back.last {
                back.window.until = leading;
                back.last = leading;
            }
            break;
        }
        self.end = self.parts.iter().map(|part| part.last).max();
    }

    /// Drops pictures up to the first key frame if those before them in their segment were dropped: nothing can be decoded
    /// without what it refers to.
    pub(super) fn drop_headless(&mut self, of: PartOf, samples: &mut Vec<Sample>) {
        if self.kind != MediaKind::Video || self.headless.is_none() || self.headless != of.key() {
            return;
        }
        let key = samples.iter().position(|sample| sample.key);
        let held = self.end.unwrap_or(self.from);
        let dropped = samples.drain(..key.unwrap_or(samples.len()));
        let (repeated, undecodable): (Vec<_>, Vec<_>) = dropped.partition(|sample| sample.pts < held);
        self.account.refuse(Loss::Overlapped, repeated.len());
        self.account.refuse(Loss::Undecodable, undecodable.len());
        self.headless = self.headless.filter(|_| samples.is_empty());
    }

    /// Clips the beginning of a new part against the end of the one before: sound at any sample, pictures at a key
    /// frame, because what follows a dropped picture cannot be decoded.
    pub(super) fn drop_overlap(&self, samples: &mut Vec<Sample>, leading: MediaTime, end: MediaTime) {
        if leading >= end || (leading + OVERLAP >= end && self.kind == MediaKind::Video) {
            return;
        }
        let keep_from = match self.kind {
            MediaKind::Video => {
                samples.iter().position(|sample| sample.key && sample.pts + Duration::from_millis(20) >= end)
            }
            MediaKind::Audio | MediaKind::Text => {
                samples.iter().position(|sample| sample.pts + sample.duration / 2 >= end)
            }
        };
        samples.drain(..keep_from.unwrap_or(samples.len()));
    }
}
