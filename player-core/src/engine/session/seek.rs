//! The steps of the session that carry out commands whose turn has come, seeks above all.

use super::Session;
use crate::command::SeekMode;
use crate::engine::buffer::{BUFFERED, Departure, Discard};
use crate::engine::context::Context;
use crate::engine::ids::StreamId;
use crate::engine::playback::Seeking;
use crate::event::Event;
use crate::snapshot::State;
use crate::time::MediaTime;

impl Session {
    /// Carries out the commands whose turn has come.
    pub(in crate::engine) fn carry_out_pending(&mut self, cx: &mut Context) {
        let now = cx.now;
        if let Some(seek) = cx.pending.seek_mut().take_due(now) {
            self.begin_seek(cx, seek);
        }
        if let Some(rate) = cx.pending.rate_mut().take_due(now) {
            cx.playback.set_rate(rate, cx.now, &mut cx.effects);
            self.note_rate_set();
        }
        if let Some(choice) = cx.pending.audio_mut().take_due(now) {
            self.select_audio(cx, choice);
        }
        if let Some(choice) = cx.pending.text_mut().take_due(now) {
            self.select_text(cx, choice);
        }
        if let Some(choice) = cx.pending.quality_mut().take_due(now) {
            self.select_quality(cx, choice);
        }
    }

    /// Plays from the start what has ended.
    pub(in crate::engine) fn play_again(&mut self, cx: &mut Context) {
        cx.ledger.moved(self.position(cx), MediaTime::ZERO, false);
        self.video.account_mut().move_playhead();
        self.reposition(cx, MediaTime::ZERO, SeekMode::Exact);
        cx.playback.set_state(State::Seeking, cx.now, &mut cx.effects);
    }

    /// Goes to a time.
    fn begin_seek(&mut self, cx: &mut Context, seek: Seeking) {
        let to = self.clamp(cx, seek.to);
        self.note_live_seek(cx, to);
        if let Some(overtaken) = cx.playback.take_seek() {
            cx.ledger.seek(overtaken.to, None);
        }
        cx.playback.end_stall(cx.now, &mut cx.ledger, &mut cx.effects);
        cx.ledger.moved(self.position(cx), to, false);
        self.announce_seek(cx, Seeking { to, ..seek });
        cx.playback.set_renderer_playing(false, cx.now, &mut cx.effects);
        cx.rule.on_seek();
        self.reposition(cx, to, seek.mode);
        cx.playback.set_state(State::Seeking, cx.now, &mut cx.effects);
    }

    /// The presentation is known, and playback begins at `start`: that is the seek that was asked for before.
    pub(in crate::engine) fn begin_at_seek(&mut self, cx: &mut Context, start: MediaTime) {
        if let Some(seek) = cx.pending.seek_mut().take(cx.now) {
            self.announce_seek(cx, Seeking { to: start, ..seek });
        }
    }

    fn announce_seek(&mut self, cx: &mut Context, seek: Seeking) {
        cx.playback.begin_seek(seek);
        cx.effects.emit(Event::SeekStarted { to: seek.to });
        self.video.account_mut().move_playhead();
    }

    /// Begins a new epoch at a time: what is held for it stays, everything else is called back or dropped.
    pub(in crate::engine) fn reposition(&mut self, cx: &mut Context, to: MediaTime, mode: SeekMode) {
        self.begin_at(cx, to, mode);
        for id in StreamId::ALL {
            if !is_served(self, id, to) {
                self.restart_stream(cx, id, to, Departure::Discarded(Discard::Seek));
            }
        }
        self.selection.end_audio_change();
        self.metadata.seek(to);
    }
}

/// True when a stream needs no other request for a time than what it holds or has on its way.
pub(super) fn is_served(session: &Session, id: StreamId, time: MediaTime) -> bool {
    let Some(stream) = session.stream(id) else { return true };
    let brought = session.brought_by(id);
    let kinds = BUFFERED;
    let mut buffers =
        kinds.into_iter().filter(|kind| brought.has(*kind)).filter_map(|kind| session.buffer(kind)).peekable();
    let held = buffers.peek().is_some() && buffers.all(|buffer| buffer.holds(time));
    let coming = stream
        .download()
        .is_some_and(|download| download.plan().segment.start <= time && time < download.plan().segment.end());
    held || coming
}
