//! What the renderer reports. Reports of an older epoch are ignored.

use super::Engine;
use super::buffer::SEAM;
use super::seek;
use crate::event::Event;
use crate::render::{Epoch, RenderEvent};
use crate::snapshot::State;
use crate::time::MediaTime;

impl Engine {
    /// Takes a report.
    pub(super) fn rendered(&mut self, event: RenderEvent) {
        if matches!(self.playback.state, State::Idle | State::Failed) {
            return;
        }
        match event {
            RenderEvent::Reconfigured { .. } => {}
            RenderEvent::Flushed { epoch } => {
                self.ledger.begin_frames(self.decoding.counted());
                self.playback.flush_unanswered.take_if(|(sent, _)| *sent == epoch);
            }
            RenderEvent::FirstFrame { epoch, pts } if self.is_current(epoch) => self.first_frame(pts),
            RenderEvent::FirstAudio { epoch, pts } if self.is_current(epoch) => self.first_audio(pts),
            RenderEvent::FirstFrame { .. } | RenderEvent::FirstAudio { .. } => {}
            RenderEvent::Position { epoch, position } => {
                if self.is_current(epoch) && self.playback.state != State::Ended {
                    let playing = self.playback.told_playing && self.playback.first_shown;
                    self.playback.clock.report(position, self.now, playing);
                }
            }
            RenderEvent::Frames(frames) => {
                self.watch_decoder(frames);
                self.ledger.frames(frames, self.now);
            }
            RenderEvent::AvSync { nanos } => self.ledger.av_sync(nanos),
            RenderEvent::Ended { epoch } => {
                if self.is_current(epoch) {
                    self.ended();
                }
            }
            RenderEvent::FlushWanted { reason } => {
                tracing::debug!(reason, "the renderer wants a flush");
                if self.playback.feed.is_flushed() && self.playback.state != State::Ended {
                    self.flush_here();
                }
            }
            RenderEvent::Warning(error) => self.effects.warn(error),
            RenderEvent::TrackFailed { track, error } => self.track_failed(track, error),
            RenderEvent::Failed(error) => self.fail(error),
        }
    }

    fn is_current(&self, epoch: Epoch) -> bool {
        self.playback.feed.is_flushed() && self.playback.feed.epoch() == epoch
    }

    fn first_frame(&mut self, pts: MediaTime) {
        self.ledger.first_frame(self.now);
        self.playback.audio_awaited = None;
        if let Some(since) = self.playback.frame_awaited.take() {
            self.effects.emit(Event::FirstFrame { pts, latency: self.now.since(since) });
        }
        self.presentation_begins(pts);
    }

    /// Audio is presented, and no video.
    fn first_audio(&mut self, pts: MediaTime) {
        self.ledger.first_audio(self.now);
        if let Some(since) = self.playback.audio_awaited.take() {
            self.effects.emit(Event::FirstAudio { pts, latency: self.now.since(since) });
        }
        self.presentation_begins(pts);
    }

    fn presentation_begins(&mut self, pts: MediaTime) {
        if !self.playback.first_shown {
            self.playback.first_shown = true;
            self.playback.picture_due = None;
            self.complete_seek(pts);
        }
    }

    fn complete_seek(&mut self, pts: MediaTime) {
        let (Some(done), Some(session)) = (self.playback.seek.take(), self.session.as_ref()) else { return };
        let error_nanos = seek::error_nanos(done.to, done.mode, pts, &session.video);
        let latency = self.now.since(done.since);
        self.ledger.seek(done.to, Some((latency, error_nanos)));
        self.effects.emit(Event::SeekCompleted { to: done.to, latency, error_nanos });
    }

    /// Everything has been presented.
    fn ended(&mut self) {
        let kinds = self.presented_kinds();
        let Some(session) = self.session.as_ref() else { return };
        let position = self.position();
        if self.playback.state == State::Ended || kinds.iter().any(|kind| !session.is_ended(*kind)) {
            return;
        }
        let lost = session.streams.iter().find_map(|stream| stream.ends_with.as_deref().cloned());
        if let Some(error) = lost {
            return self.fail(error);
        }
        let ends = kinds.iter().filter_map(|kind| session.buffer(*kind)?.last_media());
        let held = ends.max().unwrap_or(position).max(position);
        let end = session.duration.map_or(held, |duration| MediaTime::ZERO + duration);
        // A seek to the very end may find no picture there; it ends with the presentation.
        self.complete_seek(held);
        (self.playback.frame_awaited, self.playback.audio_awaited) = (None, None);
        self.end_stall();
        self.playback.clock.hold(held.min(end).max(position), self.now);
        self.look();
        let frames = self.ledger.frame_counts();
        if let Some(session) = self.session.as_mut() {
            session.video.close_account(frames);
        }
        self.announce_losses();
        if end > held + SEAM {
            self.ledger.moved(held, end, true);
            self.effects.emit(Event::GapSkipped { from: held, to: end });
        }
        self.playback.clock.hold(end, self.now);
        self.tell_playing(false);
        self.playback.clock.hold(end, self.now);
        self.set_state(State::Ended);
        // A host may stop listening at the end: what is still held is left before it.
        self.announce_metadata();
        self.effects.emit(Event::Ended);
    }
}
