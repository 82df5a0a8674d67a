//! The step that hands out: looks at the playhead, begins epochs, and feeds the renderer. What exactly is handed out is
//! answered by `feed` and `buffer`.

use std::time::Duration;

use super::Engine;
use super::accounting::Departure;
use super::playing::FIRST_PICTURE;
use super::select;
use super::session::Session;
use super::stats::Look;
use super::stream::StreamId;
use crate::command::SeekMode;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::MediaKind;
use crate::snapshot::State;
use crate::time::MediaTime;

/// The renderer gets at least so many pictures ahead of the playhead: a decoder may hold 16 of them back before it gives
/// the first (ITU-T H.264 §A.3.1, H.265 §A.4.2).
const LEAD_PICTURES: usize = 18;

impl Engine {
    /// Looks at the playhead: counts what passed, notes what is on screen, and drops what lies behind.
    pub(super) fn look(&mut self) {
        if matches!(self.playback.state, State::Idle | State::Failed) {
            return;
        }
        let position = self.position();
        let moving = self.playback.state == State::Ready && self.playback.clock.is_running();
        self.note_shown(position);
        self.announce_metadata();
        let Some(session) = self.session.as_mut() else { return };
        let kinds = self.playback.feed.kinds().collect::<Vec<_>>();
        let bitrate = session.shown.zip(session.presentation.as_ref()).and_then(|(key, presentation)| {
            select::representation(presentation, key).map(|rep| rep.average_bandwidth.unwrap_or(rep.bandwidth))
        });
        let ahead = if moving { session.ahead(&kinds, position) } else { None };
        if self.playback.first_shown {
            self.ledger.look(Look { position, moving, ahead, bitrate }, self.now);
        }
        let crowded = session.held_bytes() > self.config.buffer_bytes;
        let behind = if crowded { Duration::ZERO } else { self.config.back_buffer };
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let committed = self.playback.feed.committed(kind);
            if let Some(buffer) = session.buffer_mut(kind).filter(|_| committed.is_some()) {
                self.ledger.wasted(buffer.evict(position - behind, committed));
            }
        }
        let held_from = session.video.parts().next().map_or(position - behind, |part| part.first);
        if session.captions.evict(held_from.min(position - behind)) {
            self.effects.emit(Event::CuesChanged);
        }
    }

    /// Announces another quality once it is on screen.
    fn note_shown(&mut self, position: MediaTime) {
        if !self.playback.first_shown {
            return;
        }
        let Some(session) = self.session.as_mut() else { return };
        let pictures = session.video.end().is_some();
        let (video, audio) = (session.video.mark_seen(position), session.audio.mark_seen(position));
        let Some(part) = (if pictures { video } else { audio }) else { return };
        if part.config.is_none() || session.shown == Some(part.of.rep) {
            return;
        }
        let (rep, reason, at) = (part.of.rep, part.of.reason, part.first.max(MediaTime::ZERO));
        let before = session.shown.replace(rep);
        let name = |key| {
            let presentation = session.presentation.as_ref()?;
            select::representation(presentation, key).map(|rep| rep.id.clone())
        };
        let (from, to) = (before.and_then(name), name(rep).unwrap_or_default());
        // The next period's representation of the same name is the same to the viewer.
        if from.as_ref() != Some(&to) {
            if let Some(from) = &from {
                self.ledger.switched(at, from, &to, reason.as_str());
            }
            self.effects.emit(Event::QualityChanged { at, from, to, reason: reason.as_str().to_owned() });
        }
        let now = self.now;
        if let Some(session) = self.session.as_mut() {
            session.list_choices(now);
        }
    }

    /// Begins the epoch when it can, and hands out what the renderer's lead wants.
    pub(super) fn present(&mut self) {
        if matches!(self.playback.state, State::Idle | State::Failed | State::Ended) {
            return;
        }
        let Some(kinds) = self.session.as_ref().and_then(|session| session.kinds()) else { return };
        if !self.playback.feed.is_flushed() && !self.begin_epoch(&kinds) {
            return;
        }
        self.follow_track_change(&kinds);
        let Some(session) = self.session.as_mut() else { return };
        let position = self.playback.clock.position(self.now);
        let lead = self.config.renderer_lead;
        // What lies behind a hole in all kinds belongs to another epoch: playback jumps there.
        let limit = session.next_hole(&kinds, position).map_or(MediaTime::MAX, |hole| hole.from);
        let effects = &mut self.effects;
        let mut undecrypted = None;
        for kind in kinds {
            let wanted = self.playback.feed.end(kind).is_none_or(|end| end < position + lead);
            // A little more at once, so that the renderer is not fed one picture at a time.
            let until = if wanted { position + lead + lead / 8 } else { position + lead };
            // A decoder reorders pictures, however long each of them lasts.
            let pictures = session.video.lead_end(position, LEAD_PICTURES).filter(|_| kind == MediaKind::Video);
            let until = pictures.map_or(until, |end| until.max(end));
            let ended = session.is_ended(kind);
            let Session { video, audio, keys, .. } = &mut *session;
            let buffer = match kind {
                MediaKind::Video => video,
                MediaKind::Audio => audio,
                MediaKind::Text => continue,
            };
            let limits = (until, limit);
            let failed = self.playback.feed.hand_out(buffer, keys, kind, limits, ended, &mut |command| {
                effects.render(command);
            });
            undecrypted = undecrypted.or(failed);
        }
        if let Some(error) = undecrypted {
            self.effects.warn(PlayerError::warning(ErrorCode::DecryptionFailed, error.to_string()).at(Stage::Licence));
        }
    }

    /// Sends the flush, once the renderer has answered the one before. A seek to a key frame waits until it is known
    /// which one. False while waiting.
    fn begin_epoch(&mut self, kinds: &[MediaKind]) -> bool {
        if self.playback.flush_unanswered.is_some() {
            return false;
        }
        let Some(session) = self.session.as_ref() else { return false };
        let mut start = self.playback.start.at;
        if self.playback.start.mode == SeekMode::Keyframe && kinds.contains(&MediaKind::Video) {
            // Any key frame before the target will do: a later one may be on its way, but this one can be shown now.
            match session.video.locate(start, true) {
                Some((_, key)) if session.video.media_end(start).is_some() || !session.video.holds(start) => {
                    start = key
                }
                // There is no picture here: sound begins where it was asked to.
                Some(_) => {}
                None if session.is_ended(MediaKind::Video) => {}
                None => return false,
            }
            self.playback.start.at = start;
            self.playback.clock.hold(start, self.now);
            self.begin_audio_by(start);
        }
        self.send_flush(start, kinds);
        true
    }

    /// Playback begins at a key frame before the target of a seek. Audio was requested from the target on: where its
    /// segment begins after the key frame, it is requested from there instead. Audio in the files of the video has no
    /// earlier segment to come from.
    fn begin_audio_by(&mut self, start: MediaTime) {
        let Some(session) = self.session.as_mut().filter(|session| !session.audio.begins_by(start)) else { return };
        match session.source_of(MediaKind::Audio).map(|stream| stream.id) {
            Some(StreamId::Audio) => self.restart_stream(StreamId::Audio, start, Departure::Void),
            Some(_) => session.audio.extend_to(start),
            None => {}
        }
    }

    fn send_flush(&mut self, start: MediaTime, kinds: &[MediaKind]) {
        let flush = self.playback.feed.begin(start, kinds, !self.playback.start.jumped);
        self.effects.render(flush);
        self.playback.flush_unanswered = Some((self.playback.feed.epoch(), self.now));
        self.playback.picture_due = Some(self.now + FIRST_PICTURE);
        self.ledger.begins_at(start, self.now);
    }

    /// After another sound was chosen: once enough of it is here, it takes over. Kinds that came or went need a flush.
    fn follow_track_change(&mut self, kinds: &[MediaKind]) {
        let Some(session) = self.session.as_mut() else { return };
        let position = self.playback.clock.position(self.now);
        if session.old_audio_until.is_some() {
            let reached = session.audio.settled_end(position).map_or(Duration::ZERO, |end| end.since(position));
            let finished = session.source_of(MediaKind::Audio).is_none_or(|stream| stream.is_finished());
            if reached >= self.config.start_threshold || finished {
                session.old_audio_until = None;
                if self.playback.feed.kinds().any(|kind| kind == MediaKind::Audio) {
                    let command = self.playback.feed.restart_track(MediaKind::Audio, position);
                    self.effects.render(command);
                }
            }
        }
        let Some(session) = self.session.as_ref() else { return };
        let fed: Vec<MediaKind> = self.playback.feed.kinds().collect();
        let ready = |kind: &MediaKind| {
            let reach = session.buffer(*kind).and_then(|buffer| buffer.media_end(position));
            fed.contains(kind)
                || session.is_ended(*kind)
                || reach.is_some_and(|end| end.since(position) >= self.config.start_threshold)
        };
        let answered = self.playback.flush_unanswered.is_none();
        if answered && fed != kinds && kinds.iter().all(ready) {
            self.flush_here();
            self.send_flush(self.playback.start.at, kinds);
        }
    }

    /// Begins a new epoch where playback is; nothing is fetched again.
    pub(super) fn flush_here(&mut self) {
        let position = self.position();
        self.ledger.moved(position, position, false);
        self.begin_at(position, SeekMode::Exact);
    }

    /// Begins an epoch elsewhere, or here once more: what the renderer has and did not present waits again.
    pub(super) fn begin_at(&mut self, at: MediaTime, mode: SeekMode) {
        let position = self.position();
        if let Some(session) = self.session.as_mut() {
            session.video.recall(position);
        }
        self.playback.begin_at(at, mode, self.now);
    }

    /// Announces each reason for which video samples are not presented, once.
    pub(super) fn announce_losses(&mut self) {
        while let Some(loss) = self.session.as_mut().and_then(|session| session.video.account_mut().unannounced()) {
            let error = PlayerError::warning(ErrorCode::MediaMalformed, loss.message());
            self.effects.warn(error.at(Stage::Render));
        }
    }

    /// The kinds in the renderer's hands, or those about to be. One that was chosen in mid-play counts once it is
    /// handed out.
    pub(super) fn presented_kinds(&self) -> Vec<MediaKind> {
        if self.playback.feed.is_flushed() {
            return self.playback.feed.kinds().collect();
        }
        self.session.as_ref().and_then(|session| session.kinds()).unwrap_or_default()
    }

    /// True when the stream that brings a kind waits for nothing but room.
    pub(super) fn is_kind_full(&self, kind: MediaKind) -> bool {
        let source = self.session.as_ref().and_then(|session| session.source_of(kind)).map(|stream| stream.id);
        source.is_some_and(|id: StreamId| self.is_full(id))
    }
}
