//! The step that hands out: looks at the playhead, begins epochs, and feeds the renderer. What exactly is handed out is
//! answered by `feed` and `buffer`.

use std::time::Duration;

use super::Session;
use crate::command::SeekMode;
use crate::engine::buffer::{Departure, KindList};
use crate::engine::context::Context;
use crate::engine::ids::StreamId;
use crate::engine::selection;
use crate::engine::stats::PlayheadSample;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::MediaKind;
use crate::snapshot::State;
use crate::time::MediaTime;

/// Minimum of pictures that the renderer gets ahead of the playhead: a decoder may hold 16 of them back before it
/// outputs the first (ITU-T H.264 §A.3.1, H.265 §A.4.2).
const LEAD_PICTURES: usize = 18;

impl Session {
    /// Updates what depends on the playhead: counts what passed, notes what is on screen, and drops what lies behind.
    pub(in crate::engine) fn update_playhead(&mut self, cx: &mut Context) {
        if matches!(cx.playback.state(), State::Idle | State::Failed) {
            return;
        }
        let position = self.position(cx);
        let moving = cx.playback.state() == State::Ready && cx.playback.clock().is_running();
        self.note_shown(cx, position);
        self.announce_metadata(cx);
        let kinds = cx.playback.feed().kinds().collect::<KindList>();
        let bitrate = self.selection.shown().and_then(|key| {
            selection::representation(self.source.presentation(), key)
                .map(|rep| rep.average_bandwidth.unwrap_or(rep.bandwidth))
        });
        let ahead = if moving { self.ahead(&kinds, position) } else { None };
        if cx.playback.has_begun() {
            cx.ledger.count_playing(PlayheadSample { position, moving, ahead, bitrate }, cx.now);
        }
        self.evict_behind(cx, position);
        // Captions are small: the byte budget drops none of them.
        let limit = position - cx.config.back_buffer;
        let held_from = self.video.parts().next().map_or(limit, |part| part.first);
        if self.captions.evict(held_from.min(limit)) {
            cx.effects.emit(Event::CuesChanged);
        }
    }

    /// Announces another quality once it is on screen.
    fn note_shown(&mut self, cx: &mut Context, position: MediaTime) {
        if !cx.playback.has_begun() {
            return;
        }
        let pictures = self.video.end().is_some();
        let (video, audio) = (self.video.mark_seen(position), self.audio.mark_seen(position));
        let Some(part) = (if pictures { video } else { audio }) else { return };
        if part.config.is_none() || self.selection.shown() == Some(part.of.rep) {
            return;
        }
        let (rep, reason, at) = (part.of.rep, part.of.reason, part.first.max(MediaTime::ZERO));
        let before = self.selection.show(rep);
        let name = |key| selection::representation(self.source.presentation(), key).map(|rep| rep.id.clone());
        let (from, to) = (before.and_then(name), name(rep).unwrap_or_default());
        // The next period's representation of the same name is the same to the viewer.
        let is_other = from.as_ref() != Some(&to);
        if is_other {
            if let Some(from) = &from {
                cx.ledger.switched(at, from, &to, reason.as_str());
            }
            cx.effects.emit(Event::QualityChanged { at, from, to, reason: reason.as_str().to_owned() });
        }
        // Another period may offer the same qualities and permit others of them.
        if self.list_choices(cx.now) && !is_other {
            cx.effects.emit(Event::TracksChanged);
        }
    }

    /// Begins the epoch when it can, and hands out what the renderer's lead wants.
    ///
    /// Each kind gets media up to the lead, video at least [`LEAD_PICTURES`]: a decoder that reorders outputs nothing
    /// before it has them, and playback would wait for a picture that never comes. Media past a gap in all kinds is
    /// held back, because playback jumps there with another epoch. Samples that cannot be decrypted cost a warning and
    /// not the playback of others.
    pub(in crate::engine) fn present(&mut self, cx: &mut Context) {
        if matches!(cx.playback.state(), State::Idle | State::Failed | State::Ended) {
            return;
        }
        let Some(kinds) = self.kinds() else { return };
        if cx.playback.feed().has_left(self.item) {
            return;
        }
        if cx.playback.feed().is_next(self.item) {
            // An item that follows begins where the one before it ends.
            let start = self.clamp(cx, self.source.start().unwrap_or_default());
            if !cx.playback.follow(self.item, start, &kinds) {
                return;
            }
        }
        if !cx.playback.feed().is_flushed() && !self.begin_epoch(cx, &kinds) {
            return;
        }
        self.follow_track_change(cx, &kinds);
        let position = self.position(cx);
        let lead = cx.config.renderer_lead;
        // What lies behind a gap in all kinds belongs to another epoch: playback jumps there.
        let limit = self.next_gap(&kinds, position).map_or(MediaTime::MAX, |gap| gap.from);
        let mut undecrypted = None;
        for kind in kinds.iter().copied() {
            let wanted = cx.playback.feed().end(self.item, kind).is_none_or(|end| end < position + lead);
            // A little more at once, so that the renderer is not fed one picture at a time.
            let until = if wanted { position + lead + lead / 8 } else { position + lead };
            // A decoder reorders pictures, however long each of them lasts.
            let pictures = self.video.lead_end(position, LEAD_PICTURES).filter(|_| kind == MediaKind::Video);
            let until = pictures.map_or(until, |end| until.max(end));
            let ended = self.is_ended(kind);
            let Session { video, audio, keys, .. } = &mut *self;
            let buffer = match kind {
                MediaKind::Video => video,
                MediaKind::Audio => audio,
                MediaKind::Text => continue,
            };
            let limits = (until, limit);
            let failed = cx.playback.hand_out((buffer, keys, kind), limits, ended, &mut cx.effects);
            undecrypted = undecrypted.or(failed);
        }
        if let Some(error) = undecrypted {
            cx.effects.warn(PlayerError::warning(ErrorCode::DecryptionFailed, error.to_string()).at(Stage::Licence));
        }
    }

    /// Sends the flush, once the renderer has answered the one before. A seek to a key frame waits until it is known
    /// which one. False while waiting.
    fn begin_epoch(&mut self, cx: &mut Context, kinds: &[MediaKind]) -> bool {
        if cx.playback.awaits_flush() {
            return false;
        }
        let mut start = cx.playback.start().at;
        if cx.playback.start().mode == SeekMode::Keyframe && kinds.contains(&MediaKind::Video) {
            // Any key frame before the target will do: a later one may be on its way, but this one can be shown now.
            match self.video.locate(start, true) {
                Some((_, key)) if self.video.media_end(start).is_some() || !self.video.holds(start) => start = key,
                // There is no picture here: sound begins where it was asked to.
                Some(_) => {}
                None if self.is_ended(MediaKind::Video) => {}
                None => return false,
            }
            cx.playback.move_start(start, cx.now);
            self.begin_audio_by(cx, start);
        }
        self.send_flush(cx, start, kinds);
        true
    }

    /// Playback begins at a key frame before the target of a seek. Audio was requested from the target on: where its
    /// segment begins after the key frame, it is requested from there instead. Audio in the files of the video has no
    /// earlier segment to come from.
    fn begin_audio_by(&mut self, cx: &mut Context, start: MediaTime) {
        if self.audio.begins_by(start) {
            return;
        }
        match self.source_of(MediaKind::Audio).map(|stream| stream.id()) {
            Some(StreamId::Audio) => self.restart_stream(cx, StreamId::Audio, start, Departure::Void),
            Some(_) => self.audio.extend_to(start),
            None => {}
        }
    }

    fn send_flush(&mut self, cx: &mut Context, start: MediaTime, kinds: &[MediaKind]) {
        cx.playback.send_flush(self.item, start, kinds, cx.now, &mut cx.effects);
        cx.ledger.begins_at(start, cx.now);
    }

    /// Lets newly chosen audio take over once enough of it is buffered. A flush follows if kinds of track were added or
    /// removed.
    fn follow_track_change(&mut self, cx: &mut Context, kinds: &[MediaKind]) {
        let position = self.position(cx);
        if self.selection.audio_change().is_some() {
            let reached = self.audio.settled_end(position).map_or(Duration::ZERO, |end| end.since(position));
            let finished = self.source_of(MediaKind::Audio).is_none_or(|stream| stream.is_finished());
            if reached >= cx.config.start_threshold || finished {
                self.selection.end_audio_change();
                if cx.playback.feed().kinds().any(|kind| kind == MediaKind::Audio) {
                    cx.playback.restart_track(MediaKind::Audio, position, &mut cx.effects);
                }
            }
        }
        let fed: KindList = cx.playback.feed().kinds().collect();
        let ready = |kind: &MediaKind| {
            let reach = self.buffer(*kind).and_then(|buffer| buffer.media_end(position));
            fed.contains(kind)
                || self.is_ended(*kind)
                || reach.is_some_and(|end| end.since(position) >= cx.config.start_threshold)
        };
        let answered = !cx.playback.awaits_flush();
        if answered && *fed != *kinds && kinds.iter().all(ready) {
            self.flush_here(cx);
            self.send_flush(cx, cx.playback.start().at, kinds);
        }
    }

    /// Begins a new epoch where playback is; nothing is fetched again.
    pub(in crate::engine) fn flush_here(&mut self, cx: &mut Context) {
        let position = self.position(cx);
        cx.ledger.moved(position, position, false);
        self.begin_at(cx, position, SeekMode::Exact);
    }

    /// Begins an epoch elsewhere, or here once more: what the renderer has and did not present waits again.
    pub(in crate::engine) fn begin_at(&mut self, cx: &mut Context, at: MediaTime, mode: SeekMode) {
        let position = self.position(cx);
        self.video.recall(position);
        cx.playback.begin_at(at, mode, cx.now);
    }

    /// Announces each reason for which video samples are not presented, once.
    pub(in crate::engine) fn announce_losses(&mut self, cx: &mut Context) {
        while let Some(loss) = self.video.account_mut().unannounced() {
            let error = PlayerError::warning(ErrorCode::MediaMalformed, loss.message());
            cx.effects.warn(error.at(Stage::Render));
        }
    }

    /// The kinds in the renderer's hands, or those about to be. One that was chosen in mid-play counts once it is
    /// handed out.
    pub(in crate::engine) fn presented_kinds(&self, cx: &Context) -> KindList {
        if cx.playback.feed().is_flushed() {
            return cx.playback.feed().kinds().collect();
        }
        self.kinds().unwrap_or_default()
    }

    /// True when the stream that brings a kind waits for nothing but room.
    pub(in crate::engine) fn is_kind_full(&self, cx: &Context, kind: MediaKind) -> bool {
        let source = self.source_of(kind).map(|stream| stream.id());
        source.is_some_and(|id: StreamId| self.is_full(cx, id))
    }
}
