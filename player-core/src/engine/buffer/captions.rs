//! Captions inside the pictures: what of them is held, which are chosen, and their cues in presentation time. They
//! come with the segments of the main stream, so choosing them fetches nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::container::CaptionPacket;
use crate::engine::ids::SegmentKey;
use crate::model::{CaptionService, CaptionTrack, TimestampMapping, TrackId};
use crate::text::Cue;
use crate::text::captions::{CaptionDecoder, CaptionScout};
use crate::time::MediaTime;

/// Pictures with captions that are held at most: a quarter of an hour at 60 pictures a second.
const MOST_PACKETS: usize = 54_000;
/// Cues that are held at most; the earliest go first.
const MOST_CUES: usize = 20_000;

/// The captions of one picture.
#[derive(Clone, Debug)]
struct Held {
    of: SegmentKey,
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
pub(in crate::engine) struct CaptionStore {
    /// Packets held, by presentation time.
    packets: BTreeMap<MediaTime, Held>,
    scout: CaptionScout,
    reading: Option<Reading>,
    cues: Arc<Vec<Cue>>,
}

impl CaptionStore {
    /// Takes packets of a segment, in presentation time and in its order. They replace those of other segments from the
    /// time of the first one on, because after a change of quality the same time is received once more. Returns true if
    /// a channel or service appeared for the first time.
    pub(in crate::engine) fn insert(
        &mut self,
        of: SegmentKey,
        mapping: TimestampMapping,
        packets: Vec<CaptionPacket>,
    ) -> bool {
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
    pub(in crate::engine) fn publish(&mut self) -> bool {
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
    pub(in crate::engine) fn choose(&mut self, choice: Option<(TrackId, CaptionService)>) -> bool {
        let present = self.reading.as_ref().map(|reading| (&reading.id, reading.service));
        if present == choice.as_ref().map(|(id, service)| (id, *service)) {
            return false;
        }
        self.reading = choice.map(|(id, service)| Reading::new(id, service));
        self.read_again();
        true
    }

    /// The captions that are chosen.
    pub(in crate::engine) fn chosen(&self) -> Option<&TrackId> {
        self.reading.as_ref().map(|reading| &reading.id)
    }

    /// Drops packets and cues before `limit`. Returns true if the list of cues changed.
    pub(in crate::engine) fn evict(&mut self, limit: MediaTime) -> bool {
        while self.packets.first_key_value().is_some_and(|(at, _)| *at < limit) {
            self.packets.pop_first();
        }
        let Some(reading) = &mut self.reading else { return false };
        let before = reading.ended.len();
        reading.ended.retain(|cue| cue.end > limit);
        reading.ended.len() < before && self.publish()
    }

    /// The pictures that held them were dropped. True when there were cues.
    pub(in crate::engine) fn clear(&mut self) -> bool {
        self.packets.clear();
        self.read_again();
        self.publish()
    }

    /// Returns the tracks of channels and services that were heard.
    pub(in crate::engine) fn heard(&self) -> impl Iterator<Item = CaptionTrack> {
        self.scout.found().map(unannounced)
    }

    /// All cues, ordered by begin.
    pub(in crate::engine) fn cues(&self) -> Arc<Vec<Cue>> {
        Arc::clone(&self.cues)
    }
}

/// Returns a track for captions that the manifest does not declare, named after their channel or service.
#[cfg(test)]
impl CaptionStore {
    /// Returns the time of the first packet.
    pub(in crate::engine) fn first(&self) -> Option<MediaTime> {
        self.packets.first_key_value().map(|(at, _)| *at)
    }
}

fn unannounced(service: CaptionService) -> CaptionTrack {
    let (id, label) = match service {
        CaptionService::Cea608(channel) => (format!("captions-cc{channel}"), format!("CC{channel}")),
        CaptionService::Cea708(number) => (format!("captions-service{number}"), format!("Service {number}")),
    };
    CaptionTrack { id: TrackId(id), service, language: None, label: Some(label), default: false, autoselect: false }
}

#[cfg(test)]
mod tests;
