//! The beginning of a session: the presentation has become known, tracks are chosen, and streams begin.

use super::Session;
use crate::command::SeekMode;
use crate::engine::buffer::{BUFFERED, Departure};
use crate::engine::context::Context;
use crate::engine::download::{NextSegment, Stream, schedule};
use crate::engine::ids::{KeyedPresentation, StreamId};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::MediaKind;
use crate::time::{MediaTime, Now};

/// Warns if a presentation is not available yet.
fn warn_of_availability(cx: &mut Context, presentation: &KeyedPresentation) {
    if let Some(at) = presentation.available_at().filter(|at| *at > cx.now) {
        let message = format!("the presentation becomes available in {} s", at.since(cx.now).as_secs());
        cx.effects.warn(PlayerError::warning(ErrorCode::MediaUnavailable, message).at(Stage::Manifest));
    }
}

impl Session {
    /// Begins playback of a presentation that has just become known.
    ///
    /// # Errors
    /// A presentation with neither video nor audio.
    pub(in crate::engine) fn begin(&mut self, cx: &mut Context, asked_at: Now) -> Result<(), PlayerError> {
        let (protocol, kind) = (self.source.presentation().protocol, self.source.presentation().kind);
        let duration = self.duration();
        let authored = self.source.declared_start();
        let start = self.clamp(cx, self.source.start().or(authored).unwrap_or_default());
        self.metadata.seek(start);
        let metadata = self.source.presentation().metadata.clone();
        self.keys.preload(self.source.presentation(), &mut cx.jobs, cx.now);
        self.choose_captions(cx);
        for id in StreamId::ALL {
            add_stream(self, id, start);
        }
        self.list_choices(cx.now);
        self.source.begin_steering(cx.now);
        let playable = self.streams.iter().any(|stream| stream.id() != StreamId::Text);
        let mode = cx.pending.seek().waiting().map_or(SeekMode::Exact, |seek| seek.mode);
        cx.playback.begin_at(start, mode, cx.now);
        if self.source.start().is_some() || authored.is_some() {
            self.video.account_mut().move_playhead();
        }
        cx.effects.emit(Event::Loaded { protocol, kind, duration });
        cx.effects.emit(Event::TracksChanged);
        if duration.is_some() {
            cx.effects.emit(Event::TimelineChanged);
        }
        warn_of_availability(cx, self.source.presentation());
        self.begin_at_seek(cx, start);
        self.add_metadata(cx, metadata, Stage::Manifest);
        if !playable {
            let error = PlayerError::fatal(ErrorCode::ManifestEmpty, "the stream has neither pictures nor sound");
            return Err(error.at(Stage::Manifest));
        }
        self.begin_live(cx, asked_at)
    }
}

/// Begins a stream when some period has a set for it.
pub(in crate::engine) fn add_stream(session: &mut Session, id: StreamId, at: MediaTime) {
    let presentation = session.source.presentation();
    let kind = id.kind();
    if kind == MediaKind::Text && session.captions.chosen().is_some() {
        return;
    }
    let Some(track) = session.selection.preferred_track(presentation, kind) else { return };
    let place = NextSegment::At { period: schedule::period_at(presentation, at), time: at };
    let mut stream = Stream::new(id, track, place);
    if kind != MediaKind::Video {
        // A set of sound or text carries nothing else that is wanted of it.
        stream.note_carried(crate::model::ContentKinds::only(kind));
    }
    session.streams.push(stream);
    for kind in BUFFERED {
        // Nothing is held of what a new stream brings: its answers count from here.
        if let Some(buffer) = session.buffer_mut(kind).filter(|buffer| buffer.end().is_none()) {
            buffer.restart(at, Departure::Void);
        }
    }
    session.streams.sort_by_key(Stream::id);
}
