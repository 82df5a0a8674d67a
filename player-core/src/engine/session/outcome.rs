//! Outcomes of the steps of a stream, and the one place that decides what follows from them. A step returns what
//! became of its stream and calls nothing above it, so that no step ends playback while its caller still works on the
//! same streams (`docs/adr/0016`).

use super::Session;
use crate::engine::context::{self, Context};
use crate::engine::ids::{PeriodKey, StreamId};
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::model::MediaKind;

/// Outcome of one step of a stream.
#[derive(Debug)]
#[must_use = "the session carries out what follows from an outcome (`Session::carry_out`)"]
pub(super) enum StreamOutcome {
    /// The stream moved on for good and can be served again at once.
    Advanced,
    /// The stream waits for an answer, for a time or for room; nothing follows before the next input.
    Waiting,
    /// Nothing more can be fetched for the stream.
    Lost { id: StreamId, error: PlayerError },
    /// Nothing of a period can be decrypted after what the stream has buffered.
    EndsHere { id: StreamId, period: PeriodKey, error: PlayerError },
    /// Playback cannot go on, whatever becomes of the stream.
    Failed(PlayerError),
}

impl Session {
    /// Carries out what follows from the outcome of a step. Returns true if the stream of the step should be served
    /// again at once.
    pub(super) fn carry_out(&mut self, cx: &mut Context, outcome: StreamOutcome) -> bool {
        match outcome {
            StreamOutcome::Advanced => true,
            StreamOutcome::Waiting => false,
            StreamOutcome::Lost { id, error } => {
                self.stream_lost(cx, id, error);
                false
            }
            StreamOutcome::EndsHere { id, period, error } => {
                let next = self.end_stream_here(cx, id, period, error);
                self.carry_out(cx, next)
            }
            StreamOutcome::Failed(error) => {
                self.fail(cx, error);
                false
            }
        }
    }

    /// Takes the loss of a stream. Playback goes on without subtitles or separate audio, and fails without anything
    /// else. A lost network always fails it, whichever stream notices it first.
    fn stream_lost(&mut self, cx: &mut Context, id: StreamId, error: PlayerError) {
        let network =
            matches!(error.code, ErrorCode::NetworkUnreachable | ErrorCode::NetworkTimeout | ErrorCode::TlsFailed);
        let main = self.main().is_some();
        match id {
            StreamId::Text => {
                self.remove_stream(cx, id);
                cx.effects.warn(error);
            }
            StreamId::Audio if main && !network => {
                self.do_without(cx, MediaKind::Audio);
                cx.effects.warn(error);
            }
            StreamId::Main | StreamId::Audio => self.fail(cx, error),
        }
    }

    /// Ends a stream, which has nothing on its way, at the end of its buffer, because nothing after it can be decrypted.
    /// Buffered media is presented first; then playback goes on without audio or subtitles up to the next period, and ends if anything else is
    /// missing.
    fn end_stream_here(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        period: PeriodKey,
        error: PlayerError,
    ) -> StreamOutcome {
        let position = self.position(cx);
        let held = self.held_until(id).is_some_and(|end| end > position);
        let main = self.main().is_some();
        if id == StreamId::Text || !held {
            return StreamOutcome::Lost { id, error };
        }
        if id == StreamId::Audio && main {
            cx.effects.warn(error);
            return self.pass_period(cx, id, period);
        }
        if let Some(stream) = self.stream_mut(id) {
            stream.finish(error);
        }
        StreamOutcome::Waiting
    }

    /// Removes a stream with its downloads; the choices that the viewer sees follow.
    pub(super) fn remove_stream(&mut self, cx: &mut Context, id: StreamId) {
        self.cancel_stream(cx, id);
        self.streams.retain(|stream| stream.id() != id);
        if id == StreamId::Text && self.text.clear() {
            cx.effects.emit(Event::CuesChanged);
        }
        if self.list_choices(cx.now) {
            cx.effects.emit(Event::TracksChanged);
        }
    }

    /// Ends playback if a step has found that it cannot go on.
    pub(in crate::engine) fn fail_on(&mut self, cx: &mut Context, step: Result<(), PlayerError>) {
        if let Err(error) = step {
            self.fail(cx, error);
        }
    }

    /// Ends playback by an error, once.
    pub(in crate::engine) fn fail(&mut self, cx: &mut Context, error: PlayerError) {
        if context::fail(cx, error) {
            self.streams.clear();
        }
    }
}
