//! The steps of the session around keys that are missing: what happens to media whose key is unavailable.

use std::time::Duration;

use super::Session;
use super::outcome::StreamOutcome;
use crate::engine::buffer::BUFFERED;
use crate::engine::context::Context;
use crate::engine::download::NextSegment;
use crate::engine::ids::{RepKey, StreamId};
use crate::error::PlayerError;

impl Session {
    /// Drops buffered samples whose key is unavailable, then switches to another representation or, if none is left,
    /// ends the stream at that point.
    pub(in crate::engine) fn give_up_locked(&mut self, cx: &mut Context) {
        if !self.keys.any_gone() {
            return;
        }
        for id in StreamId::MEDIA {
            let wanted = self.wanted_of(id);
            let kinds = BUFFERED.into_iter().filter(|kind| wanted.has(*kind));
            let locked = kinds.filter_map(|kind| self.buffer(kind)?.first_needing(|id| self.keys.gone(id)));
            let Some((at, rep, error)) =
                locked.min_by_key(|(at, ..)| *at).map(|(at, rep, error)| (at, rep, error.clone()))
            else {
                continue;
            };
            self.cancel_stream(cx, id);
            let Session { keys, video, audio, .. } = self;
            let mut dropped = 0;
            if wanted.video {
                dropped += video.cut_needing(|id| keys.gone(id).is_some());
            }
            if wanted.audio {
                dropped += audio.cut_needing(|id| keys.gone(id).is_some());
            }
            cx.ledger.wasted(dropped);
            if let Some(stream) = self.stream_mut(id) {
                stream.rewind_to(NextSegment::At { period: rep.period, time: at });
            }
            let outcome = self.lock_out(cx, id, rep, Duration::MAX, error);
            self.carry_out(cx, outcome);
        }
    }

    /// A representation cannot be decrypted: another takes over, or the stream ends here. The last one stays: what
    /// lies elsewhere in it may be clear.
    pub(super) fn lock_out(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        rep: RepKey,
        span: Duration,
        error: PlayerError,
    ) -> StreamOutcome {
        if self.others_left(cx, rep) > 0 {
            self.exclude(cx, rep, span);
            cx.effects.warn(error);
            StreamOutcome::Advanced
        } else {
            StreamOutcome::EndsHere { id, period: rep.period, error }
        }
    }

    /// Returns the error with which playback ends at its position, if the video ends there for want of a key.
    pub(in crate::engine) fn end_for_want_of_key(&self, cx: &Context) -> Option<PlayerError> {
        let stream = self.streams.iter().find(|stream| stream.error().is_some())?;
        let reached = self.held_until(stream.id()).is_none_or(|end| end <= self.position(cx));
        stream.error().filter(|_| reached).cloned()
    }
}
