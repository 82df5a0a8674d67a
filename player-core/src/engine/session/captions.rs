//! The steps of the session around captions inside the video: which may be chosen, and which are.

use std::time::Duration;

use super::Session;
use crate::command::TrackChoice;
use crate::container::CaptionPacket;
use crate::engine::context::Context;
use crate::engine::ids::{SegmentKey, StreamId};
use crate::engine::selection;
use crate::event::Event;
use crate::model::{CaptionTrack, MediaKind};

/// No picture is shorter.
const LEAST_PICTURE: Duration = Duration::from_millis(4);

impl Session {
    /// The captions that may be chosen: those that the manifest announces, else those that were heard.
    pub(in crate::engine) fn caption_tracks(&self) -> Vec<CaptionTrack> {
        let mut tracks: Vec<CaptionTrack> = Vec::new();
        for track in self.source.presentation().periods.iter().flat_map(|period| &period.captions) {
            if tracks.iter().all(|known| known.id != track.id) {
                tracks.push(track.clone());
            }
        }
        if tracks.is_empty() {
            tracks.extend(self.captions.heard());
        }
        tracks
    }

    /// The captions that the preferences ask for. Subtitles in a wanted language come first; captions come before
    /// subtitles that are only shown because they are forced.
    pub(in crate::engine) fn wanted_captions(&self) -> Option<CaptionTrack> {
        let mut tracks = self.caption_tracks();
        match &self.preferences().text {
            TrackChoice::Off => None,
            TrackChoice::Track(id) => tracks.into_iter().find(|track| track.id == *id),
            TrackChoice::Auto => {
                let languages = &self.preferences().text_languages;
                let subtitles = self.source.presentation().periods.iter().any(|period| {
                    let set = selection::set_of(period, MediaKind::Text, self.preferences(), |_| false);
                    set.and_then(|set| period.adaptation_sets.get(set)).is_some_and(|set| !set.forced)
                });
                let rank = |track: &CaptionTrack| {
                    let language = track.language.as_deref()?;
                    languages.iter().position(|wanted| selection::same_language(language, wanted))
                };
                tracks.retain(|track| !subtitles && rank(track).is_some());
                tracks.into_iter().min_by_key(|track| (rank(track), !track.default, !track.autoselect))
            }
        }
    }
}

impl Session {
    /// Takes captions that a segment of the main stream carries.
    pub(in crate::engine) fn on_captions(&mut self, cx: &mut Context, id: StreamId, mut packets: Vec<CaptionPacket>) {
        if id != StreamId::Main {
            return;
        }
        let Session { streams, timeline, captions, .. } = &mut *self;
        let Some(stream) = streams.iter().find(|stream| stream.id() == id) else { return };
        let Some(download) = stream.download() else { return };
        let segment = &download.plan().segment;
        // Pictures come before what lies in them, so the offset is known.
        let Some(shift) = download.shift().or_else(|| timeline.known(segment.mapping)) else { return };
        for packet in &mut packets {
            packet.pts = packet.pts.shifted(shift);
        }
        let window = download.plan().window;
        packets.retain(|packet| window.shows(packet.pts, packet.pts + LEAST_PICTURE));
        let found = captions.insert(SegmentKey::of(download.plan().rep, segment), segment.mapping, packets);
        if captions.publish() {
            cx.effects.emit(Event::CuesChanged);
        }
        if found {
            self.choices_changed(cx);
        }
    }

    /// Follows the preferences. What was read of other captions goes.
    pub(in crate::engine) fn choose_captions(&mut self, cx: &mut Context) {
        let wanted = self.wanted_captions().map(|track| (track.id, track.service));
        if self.captions.choose(wanted) {
            self.captions.publish();
            cx.effects.emit(Event::CuesChanged);
        }
    }

    /// The pictures were dropped, and what lay in them.
    pub(in crate::engine) fn drop_captions(&mut self, cx: &mut Context) {
        if self.captions.clear() {
            cx.effects.emit(Event::CuesChanged);
        }
    }
}
