//! Captions inside the pictures: what of them is held, which are chosen, and their cues in presentation time. They
//! come with the segments of the main stream, so choosing them fetches nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::select;
use super::session::Session;
use super::stream::{RepKey, StreamId};
use crate::command::TrackChoice;
use crate::container::CaptionPacket;
use crate::event::Event;
use crate::model::{CaptionService, CaptionTrack, MediaKind, TimestampMapping, TrackId};
use crate::text::Cue;
use crate::text::captions::{CaptionDecoder, CaptionScout};
use crate::time::MediaTime;

/// Pictures with captions that are held at most: a quarter of an hour at 60 pictures a second.
const MOST_PACKETS: usize = 54_000;
/// Cues that are held at most; the earliest go first.
const MOST_CUES: usize = 20_000;

/// No picture is shorter.
const LEAST_PICTURE: Duration = Duration::from_millis(4);

/// Which segment a packet came with.
pub type SegmentOf = (RepKey, u64);

/// The captions of one picture.
#[derive(Clone, Debug)]
struct Held {
    of: SegmentOf,
    mapping: TimestampMapping,
    triples: Vec<u8>,
}

/// The captions that are chosen, read as far as they are here.
#[derive(Clone, Debug)]
struct Reading {
    id: TrackId,
    service: CaptionService,
    decoder: CaptionDecoder,
    /// The last packet that was read.
    last: Option<(MediaTime, TimestampMapping)>,
    ended: Vec<Cue>,
}

impl Reading {
    fn new(id: TrackId, service: CaptionService) -> Self {
        Self { id, service, decoder: CaptionDecoder::new(service), last: None, ended: Vec::new() }
    }

    fn read(&mut self, at: MediaTime, held: &Held) {
        if self.last.is_some_and(|(_, mapping)| mapping != held.mapping) {
            self.decoder.reset(at, &mut self.ended);
        }
        self.last = Some((at, held.mapping));
        self.decoder.push(at, &held.triples, &mut self.ended);
    }
}

/// The captions of a session.
#[derive(Clone, Debug, Default)]
pub struct CaptionStore {
    /// By presentation time.
    packets: BTreeMap<MediaTime, Held>,
    scout: CaptionScout,
    reading: Option<Reading>,
    cues: Arc<Vec<Cue>>,
}

impl CaptionStore {
    /// Takes packets of a segment, in presentation time and in its order. They replace what other segments brought
    /// for the time from the first of them on: after a change of quality the same time comes once. True when a
    /// channel or service was heard for the first time.
    pub fn insert(&mut self, of: SegmentOf, mapping: TimestampMapping, packets: Vec<CaptionPacket>) -> bool {
        let Some(first) = packets.first().map(|packet| packet.pts) else { return false };
        let replaced: Vec<MediaTime> =
            self.packets.range(first..).filter(|(_, held)| held.of != of).map(|(at, _)| *at).collect();
        for at in &replaced {
            self.packets.remove(at);
        }
        if self.reading.as_ref().is_some_and(|reading| reading.last.is_some_and(|(last, _)| replaced.contains(&last))) {
            self.read_again();
        }
        let mut found = false;
        for packet in packets {
            // What a repeated request brings again is here already.
            if self.packets.last_key_value().is_some_and(|(last, _)| *last >= packet.pts) {
                continue;
            }
            found |= self.scout.push(&packet.triples);
            let held = Held { of, mapping, triples: packet.triples };
            if let Some(reading) = &mut self.reading {
                reading.read(packet.pts, &held);
            }
            self.packets.insert(packet.pts, held);
        }
        while self.packets.len() > MOST_PACKETS {
            self.packets.pop_first();
        }
        found
    }

    /// Reads everything that is held from the beginning.
    fn read_again(&mut self) {
        if let Some(reading) = &mut self.reading {
            *reading = Reading::new(reading.id.clone(), reading.service);
            for (at, held) in &self.packets {
                reading.read(*at, held);
            }
        }
    }

    /// Brings the cues up to date. True when they changed.
    pub fn publish(&mut self) -> bool {
        let mut cues: Vec<Cue> = Vec::new();
        if let Some(reading) = &mut self.reading {
            let surplus = reading.ended.len().saturating_sub(MOST_CUES);
            reading.ended.drain(..surplus);
            cues.extend(reading.ended.iter().chain(reading.decoder.shown()).cloned());
            cues.sort_by_key(|cue| cue.start);
        }
        let changed = *self.cues != cues;
        if changed {
            self.cues = Arc::new(cues);
        }
        changed
    }

    /// Chooses captions, or none. True when the choice changed.
    pub fn choose(&mut self, choice: Option<(TrackId, CaptionService)>) -> bool {
        let present = self.reading.as_ref().map(|reading| (&reading.id, reading.service));
        if present == choice.as_ref().map(|(id, service)| (id, *service)) {
            return false;
        }
        self.reading = choice.map(|(id, service)| Reading::new(id, service));
        self.read_again();
        true
    }

    /// The captions that are chosen.
    pub fn chosen(&self) -> Option<&TrackId> {
        self.reading.as_ref().map(|reading| &reading.id)
    }

    /// What lies before `limit` is not needed any more. Gives whether cues went.
    pub fn evict(&mut self, limit: MediaTime) -> bool {
        while self.packets.first_key_value().is_some_and(|(at, _)| *at < limit) {
            self.packets.pop_first();
        }
        let Some(reading) = &mut self.reading else { return false };
        let before = reading.ended.len();
        reading.ended.retain(|cue| cue.end > limit);
        reading.ended.len() < before && self.publish()
    }

    /// The pictures that held them were dropped. True when there were cues.
    pub fn clear(&mut self) -> bool {
        self.packets.clear();
        self.read_again();
        self.publish()
    }

    /// All cues, ordered by begin.
    pub fn cues(&self) -> Arc<Vec<Cue>> {
        Arc::clone(&self.cues)
    }
}

impl Session {
    /// The captions that may be chosen: those that the manifest announces, else those that were heard.
    pub fn caption_tracks(&self) -> Vec<CaptionTrack> {
        let mut tracks: Vec<CaptionTrack> = Vec::new();
        for track in self.presentation.periods.iter().flat_map(|period| &period.captions) {
            if tracks.iter().all(|known| known.id != track.id) {
                tracks.push(track.clone());
            }
        }
        if tracks.is_empty() {
            tracks.extend(self.captions.scout.found().map(unannounced));
        }
        tracks
    }

    /// The captions that the wishes ask for. Subtitles in a wanted language come first; captions come before
    /// subtitles that are only shown because they are forced.
    pub fn wanted_captions(&self) -> Option<CaptionTrack> {
        let mut tracks = self.caption_tracks();
        match &self.wishes.text {
            TrackChoice::Off => None,
            TrackChoice::Track(id) => tracks.into_iter().find(|track| track.id == *id),
            TrackChoice::Auto => {
                let languages = &self.wishes.text_languages;
                let subtitles = self.presentation.periods.iter().any(|period| {
                    let set = select::set_of(period, MediaKind::Text, &self.wishes, |_| false);
                    set.and_then(|set| period.adaptation_sets.get(set)).is_some_and(|set| !set.forced)
                });
                let rank = |track: &CaptionTrack| {
                    let language = track.language.as_deref()?;
                    languages.iter().position(|wanted| select::same_language(language, wanted))
                };
                tracks.retain(|track| !subtitles && rank(track).is_some());
                tracks.into_iter().min_by_key(|track| (rank(track), !track.default, !track.autoselect))
            }
        }
    }
}

/// What the manifest did not announce is named after where it lies.
fn unannounced(service: CaptionService) -> CaptionTrack {
    let (id, label) = match service {
        CaptionService::Cea608(channel) => (format!("captions-cc{channel}"), format!("CC{channel}")),
        CaptionService::Cea708(number) => (format!("captions-service{number}"), format!("Service {number}")),
    };
    CaptionTrack { id: TrackId(id), service, language: None, label: Some(label), default: false, autoselect: false }
}

impl Session {
    /// Takes captions that came with a segment of the main stream.
    pub(super) fn take_captions(&mut self, cx: &mut Context, id: StreamId, mut packets: Vec<CaptionPacket>) {
        if id != StreamId::Main {
            return;
        }
        let Session { streams, timeline, captions, .. } = &mut *self;
        let Some(stream) = streams.iter_mut().find(|stream| stream.id() == id) else { return };
        let Some(fetching) = stream.fetching_mut() else { return };
        let segment = &fetching.chosen.segment;
        // Pictures come before what lies in them, so the offset is known.
        let Some(shift) = fetching.shift.or_else(|| timeline.known(segment.mapping)) else { return };
        for packet in &mut packets {
            packet.pts = packet.pts.shifted(shift);
        }
        let window = fetching.chosen.window;
        packets.retain(|packet| window.shows(packet.pts, packet.pts + LEAST_PICTURE));
        let found = captions.insert((fetching.chosen.rep, segment.number), segment.mapping, packets);
        if captions.publish() {
            cx.effects.emit(Event::CuesChanged);
        }
        if found {
            self.choices_changed(cx);
        }
    }

    /// Follows the wishes. What was read of other captions goes.
    pub(super) fn choose_captions(&mut self, cx: &mut Context) {
        let wanted = self.wanted_captions().map(|track| (track.id, track.service));
        if self.captions.choose(wanted) {
            self.captions.publish();
            cx.effects.emit(Event::CuesChanged);
        }
    }

    /// The pictures were dropped, and what lay in them.
    pub(super) fn drop_captions(&mut self, cx: &mut Context) {
        if self.captions.clear() {
            cx.effects.emit(Event::CuesChanged);
        }
    }
}

#[cfg(test)]
mod tests;
