//! The part of a segment that the viewer waits for at a start and after a seek. The adaptive rule weighs it, so that the
//! first picture comes from the representation that shows it soonest.

use std::time::Duration;

use super::Session;
use crate::engine::buffer::BUFFERED;
use crate::engine::context::Context;
use crate::engine::download::schedule::{self, Step};
use crate::engine::download::{self, NextSegment};
use crate::engine::ids::{RepKey, StreamId};
use crate::snapshot::State;
use crate::time::Now;

/// Part of the next segment of a stream that must be here before playback can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct AwaitedPart {
    /// Media from the start of the segment up to the position, and what it takes to begin from there.
    pub media: Duration,
    /// Time since the command, or since the start that followed from it.
    pub waited: Duration,
    /// Requests of each representation of the ladder that come before that for the segment.
    pub requests: Vec<u8>,
}

impl Session {
    /// Returns the part of the segment at `place` that a start or a seek waits for, for the representations `ladder`;
    /// `None` if playback does not wait, or has enough before the segment. `representative` has a list that is known.
    pub(in crate::engine) fn awaited_part(
        &self,
        cx: &Context,
        phase: abr::Phase,
        place: NextSegment,
        representative: RepKey,
        ladder: &[RepKey],
    ) -> Option<AwaitedPart> {
        Some(AwaitedPart {
            media: self.awaited_media(cx, phase, place, representative)?,
            waited: cx.now.since(cx.playback.state_since()),
            requests: ladder.iter().map(|rep| self.requests_before(place, *rep, cx.now)).collect(),
        })
    }

    /// Returns the media of the segment at `place` that a start or a seek waits for: up to the position, and what it
    /// takes to begin there. `None` if there is none.
    pub(in crate::engine) fn awaited_media(
        &self,
        cx: &Context,
        phase: abr::Phase,
        place: NextSegment,
        representative: RepKey,
    ) -> Option<Duration> {
        match phase {
            abr::Phase::StartUp | abr::Phase::AfterSeek => {}
            abr::Phase::Steady | abr::Phase::Rebuffering => return None,
        }
        let start = download::segment_start(self.source.presentation(), place, representative)?;
        let wanted = self.position(cx) + cx.config.start_threshold;
        (wanted > start).then(|| wanted.since(start))
    }

    /// Returns true if a stream must not take the link from another one that playback waits for: all that this one brings
    /// suffices to begin, and something that the other has on its way does not. The end of that transfer ends the wait.
    /// Neither must any stream take the machine from the first picture, for a short time.
    pub(in crate::engine) fn yields(&self, cx: &Context, id: StreamId) -> bool {
        if cx.playback.undisturbed_until().is_some_and(|until| until > cx.now) {
            return true;
        }
        match cx.playback.state() {
            State::Loading | State::Buffering(_) | State::Seeking => {}
            State::Idle | State::Ready | State::Ended | State::Failed => return false,
        }
        let position = self.position(cx);
        let suffices = |id: StreamId| {
            let brought = self.brought_by(id);
            BUFFERED.into_iter().filter(|kind| brought.has(*kind)).all(|kind| self.suffices(cx, kind, position))
        };
        let coming = |other: &StreamId| self.stream(*other).is_some_and(|stream| stream.download().is_some());
        let others = StreamId::MEDIA.into_iter().filter(|other| *other != id);
        others.filter(coming).any(|other| !suffices(other)) && suffices(id)
    }

    /// Notes that the renderer has what it takes to begin, if it has.
    pub(in crate::engine) fn note_supplied(&self, cx: &mut Context) {
        let waits = matches!(cx.playback.state(), State::Buffering(_) | State::Seeking);
        if waits && cx.playback.feed().is_flushed() && !cx.playback.has_begun() {
            let (kinds, position) = (self.presented_kinds(cx), self.position(cx));
            if self.has_enough(cx, &kinds, position) {
                cx.playback.note_supplied(cx.now);
            }
        }
    }

    /// Returns the number of requests that must be answered before that for the segment at a place can be sent: its
    /// index, which names its initialisation data, and that.
    fn requests_before(&self, place: NextSegment, rep: RepKey, now: Now) -> u8 {
        match schedule::step(self.source.presentation(), place, rep, now) {
            Step::Index(_) => 2,
            Step::Segment(segment) => {
                let init = segment.init.as_ref();
                u8::from(init.is_some_and(|init| self.source.init(init, &segment.init_keys()).is_none()))
            }
            Step::WaitUntil(_) | Step::AwaitUpdate | Step::Exhausted => 0,
        }
    }
}

#[cfg(test)]
#[path = "first_picture_tests.rs"]
mod tests;
