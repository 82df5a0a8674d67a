//! Takes the reports of the renderer. Reports of an older epoch are ignored.

use super::Session;
use crate::engine::buffer::GAP_TOLERANCE;
use crate::engine::context::Context;
use crate::engine::playback::error_nanos;
use crate::error::PlayerError;
use crate::event::Event;
use crate::render::RenderEvent;
use crate::snapshot::State;
use crate::time::MediaTime;

impl Session {
    /// Takes a report about the session's own media.
    pub(in crate::engine) fn on_render(&mut self, cx: &mut Context, event: RenderEvent) {
        let outcome = match event {
            RenderEvent::Ended { epoch } if cx.playback.is_current(epoch) => self.ended(cx),
            RenderEvent::TrackFailed { track, error } => {
                let Some(failing) = self.failing_representation(cx, track) else { return };
                let outcome = self.track_failed(cx, track, failing, error);
                self.fail_on(cx, outcome);
                self.choices_changed(cx);
                return;
            }
            other => {
                self.on_progress(cx, other);
                Ok(())
            }
        };
        self.fail_on(cx, outcome);
    }

    /// Takes a report that playback goes on.
    fn on_progress(&mut self, cx: &mut Context, event: RenderEvent) {
        match event {
            RenderEvent::FirstFrame { epoch, pts } if cx.playback.is_current(epoch) => self.first_frame(cx, pts),
            RenderEvent::FirstAudio { epoch, pts } if cx.playback.is_current(epoch) => self.first_audio(cx, pts),
            RenderEvent::Position { epoch, position } => cx.playback.report(epoch, position, cx.now),
            RenderEvent::FlushWanted { reason } => {
                tracing::debug!(reason, "the renderer wants a flush");
                if cx.playback.feed().is_flushed() && cx.playback.state() != State::Ended {
                    self.flush_here(cx);
                }
            }
            _ => {}
        }
    }

    fn first_frame(&mut self, cx: &mut Context, pts: MediaTime) {
        if let Some(since) = cx.playback.on_first_frame() {
            cx.ledger.first_frame(cx.now);
            cx.effects.emit(Event::FirstFrame { pts, latency: cx.now.since(since) });
        }
        self.presentation_begins(cx, pts);
    }

    /// Audio is presented, and no video.
    fn first_audio(&mut self, cx: &mut Context, pts: MediaTime) {
        if let Some(since) = cx.playback.on_first_audio() {
            cx.ledger.first_audio(cx.now);
            cx.effects.emit(Event::FirstAudio { pts, latency: cx.now.since(since) });
        }
        self.presentation_begins(cx, pts);
    }

    fn presentation_begins(&mut self, cx: &mut Context, pts: MediaTime) {
        if cx.playback.begin_presentation() {
            self.complete_seek(cx, pts);
        }
    }

    fn complete_seek(&mut self, cx: &mut Context, pts: MediaTime) {
        let Some(done) = cx.playback.take_seek() else { return };
        let error_nanos = error_nanos(done.to, done.mode, pts, &self.video);
        let latency = cx.now.since(done.since);
        cx.ledger.seek(done.to, Some((latency, error_nanos)));
        cx.effects.emit(Event::SeekCompleted { to: done.to, latency, error_nanos });
    }

    /// Ends playback once everything has been presented.
    ///
    /// # Errors
    /// A stream that ended early: what it lost is reported at its end.
    fn ended(&mut self, cx: &mut Context) -> Result<(), PlayerError> {
        let kinds = self.presented_kinds(cx);
        let position = self.position(cx);
        if cx.playback.state() == State::Ended || kinds.iter().any(|kind| !self.is_ended(*kind)) {
            return Ok(());
        }
        let lost = self.streams.iter().find_map(|stream| stream.error().cloned());
        if let Some(error) = lost {
            return Err(error);
        }
        let ends = kinds.iter().filter_map(|kind| self.buffer(*kind)?.last_media());
        let held = ends.max().unwrap_or(position).max(position);
        let end = self.duration().map_or(held, |duration| MediaTime::ZERO + duration);
        // A seek to the very end may find no picture there; it ends with the presentation.
        self.complete_seek(cx, held);
        cx.playback.stop_awaiting();
        cx.playback.end_stall(cx.now, &mut cx.ledger, &mut cx.effects);
        cx.playback.hold(held.min(end).max(position), cx.now);
        self.update_playhead(cx);
        let frames = cx.ledger.frame_counts();
        self.video.close_account(frames);
        self.announce_losses(cx);
        if end > held + GAP_TOLERANCE {
            cx.ledger.moved(held, end, true);
            cx.effects.emit(Event::GapSkipped { from: held, to: end });
        }
        cx.playback.hold(end, cx.now);
        cx.playback.set_renderer_playing(false, cx.now, &mut cx.effects);
        cx.playback.hold(end, cx.now);
        cx.playback.set_state(State::Ended, cx.now, &mut cx.effects);
        // A host may stop listening at the end: what is still held is left before it.
        self.announce_metadata(cx);
        cx.effects.emit(Event::Ended);
        Ok(())
    }
}
