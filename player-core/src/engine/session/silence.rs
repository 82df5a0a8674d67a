//! Waits for an encoder that is silent where segments follow from a rule and the clock: they are due, nothing lists them,
//! and the server answers that there is nothing. The newest one that is due is asked for until it is there; what lies
//! before it counts as missing. A playlist or a timeline needs none of this, because it lists what there is.

use std::time::Duration;

use super::Session;
use crate::engine::buffer::BUFFERED;
use crate::engine::context::Context;
use crate::engine::download::{SegmentPlan, Stream};
use crate::engine::ids::{PartOf, PeriodKey, StreamId};
use crate::time::{MediaTime, Now};

impl Session {
    /// Returns true if a segment that the server does not have is one of a silent encoder, and not for another reason
    /// missing: no other stream has delivered as much, and none of the other qualities is worth a try. `is_due` is true if
    /// the segment is near the live edge.
    pub(super) fn is_encoder_silent(&self, cx: &Context, id: StreamId, plan: &SegmentPlan, is_due: bool) -> bool {
        if id == StreamId::Text || !self.is_by_rule(plan.rep) {
            return false;
        }
        if self.stream(id).is_some_and(|stream| stream.missing_since().is_some()) {
            return true;
        }
        let mut others = self.others(id).peekable();
        let is_refused = others.peek().is_some() && others.clone().all(Stream::is_refused);
        let is_brought = others.any(|other| is_brought(other, plan));
        is_due && !is_brought && (is_refused || self.others_left(cx, plan.rep) == 0)
    }

    fn others(&self, id: StreamId) -> impl Iterator<Item = &Stream> + Clone {
        self.streams.iter().filter(move |stream| ![id, StreamId::Text].contains(&stream.id()))
    }

    /// Goes on with the newest segment that is due, while the encoder is silent. `since` is the time at which the segment
    /// that is missing was asked for first.
    pub(super) fn await_encoder(&mut self, cx: &mut Context, id: StreamId, plan: &SegmentPlan, since: Now) {
        let is_back = self.others(id).any(|other| is_brought(other, plan));
        if is_back {
            // The encoder goes on. Its files of this stream may come a little later.
            return self.with_stream(id, |stream| stream.find_again(cx.now));
        }
        self.with_stream(id, |stream| stream.miss(since));
        let newest = self.newest_due(cx, id).filter(|(_, start)| *start > plan.segment.start);
        let Some((period, start)) = newest else { return };
        self.release_tail(cx, id);
        let wanted = self.wanted_of(id);
        for kind in BUFFERED.into_iter().filter(|kind| wanted.has(*kind)) {
            if let Some(buffer) = self.buffer_mut(kind) {
                buffer.complete();
            }
        }
        self.mark_resolved(id, PartOf::nothing(plan.rep.period), plan.segment.start, start);
        self.with_stream(id, |stream| stream.go_on_at(period, start));
    }

    /// Returns the period and the start of the newest segment for a stream that is available by the clock.
    fn newest_due(&self, cx: &Context, id: StreamId) -> Option<(PeriodKey, MediaTime)> {
        let known = self.source.presentation();
        let time = known.time_at(cx.now)?;
        (0..known.periods.len()).rev().find_map(|position| {
            let period = known.period_key(position)?;
            let rep = *known.rep_keys(self.set_in(id, period)?).first()?;
            let list = known.known_list(rep)?;
            let availability = known.representation(rep)?.availability.filter(|it| it.offset != Duration::MAX);
            let until = time + availability.map_or(Duration::ZERO, |availability| availability.offset);
            let newest = list.at(until).unwrap_or(list.len()).checked_sub(1)?;
            Some((period, list.span(newest)?.0))
        })
    }

    /// Returns the time since which nothing has come from the encoder, though it is due by the clock.
    pub(super) fn silent_since(&self) -> Option<Now> {
        self.streams.iter().filter_map(Stream::missing_since).min()
    }
}

/// Returns true if a stream holds media up to the end of a segment of another stream.
fn is_brought(other: &Stream, plan: &SegmentPlan) -> bool {
    other.missing_since().is_none() && other.held_to() >= Some(plan.segment.end())
}
