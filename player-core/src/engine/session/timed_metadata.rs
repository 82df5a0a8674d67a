//! The steps that concern timed metadata: it is taken from the manifest, from indexes and from media, put on the
//! presentation timeline, and announced as the playhead passes. What is kept and passed is answered by `metadata`.

use super::Session;
use crate::engine::buffer::{Passage, Taken};
use crate::engine::context::Context;
use crate::engine::ids::StreamId;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::manifest;
use crate::model::{MetadataBody, TimedMetadata};
use crate::snapshot::State;
use crate::time::{Now, WallClock};

/// Scheme of the events that announce a newer manifest (ISO/IEC 23009-1 §5.10.4).
const MPD_VALIDITY: &str = "urn:mpeg:dash:event:2012";

/// Returns true for an event that announces a newer manifest than that of the time `published`. Its message begins with
/// the time at which the last manifest that it concerns was published, and each segment may repeat it.
fn outdates(metadata: &TimedMetadata, published: Option<WallClock>) -> bool {
    let told = match &metadata.body {
        MetadataBody::Binary(bytes) => {
            let text = bytes.split(|byte| *byte == 0).next().and_then(|text| std::str::from_utf8(text).ok());
            text.and_then(manifest::date_of).map(|(time, _)| time)
        }
        MetadataBody::Attributes(_) | MetadataBody::Text(_) => None,
    };
    metadata.scheme == MPD_VALIDITY && told.zip(published).is_none_or(|(told, published)| published <= told)
}

impl Session {
    /// Takes metadata that is on the presentation timeline already.
    pub(in crate::engine) fn add_metadata(&mut self, cx: &mut Context, all: Vec<TimedMetadata>, stage: Stage) {
        let (mut changed, mut refused) = (false, false);
        for metadata in all {
            match self.metadata.insert(metadata) {
                Taken::Changed => changed = true,
                Taken::Known => {}
                Taken::Refused => refused = true,
            }
        }
        let unheard = refused && self.metadata.note_refusal();
        if unheard {
            let error = PlayerError::warning(ErrorCode::ManifestMalformed, "there is more timed metadata than is kept");
            cx.effects.warn(error.at(stage));
        }
        if changed {
            cx.effects.emit(Event::MetadataChanged);
        }
    }

    /// Removes date ranges that the server removed lately (RFC 8216bis §4.4.5.2, `RECENTLY-REMOVED-DATERANGES`).
    pub(in crate::engine) fn remove_date_ranges(&mut self, cx: &mut Context, ids: &[String]) {
        if self.metadata.remove_date_ranges(ids) {
            cx.effects.emit(Event::MetadataChanged);
        }
    }

    /// Takes metadata in media time. It waits until the samples of its segment tell how that becomes presentation
    /// time, so that both stay together.
    pub(in crate::engine) fn on_media_metadata(&mut self, cx: &mut Context, id: StreamId, all: Vec<TimedMetadata>) {
        let published = self.source.presentation().live.as_ref().and_then(|live| live.published);
        let Some(stream) = self.stream_mut(id) else { return };
        let Some(download) = stream.download_mut() else { return };
        let announces = all.iter().any(|metadata| outdates(metadata, published));
        download.hold_metadata(all);
        if announces {
            self.source.announce_update();
        }
        self.place_metadata(cx, id, false);
    }

    /// Places the metadata of a segment on the presentation timeline, once the offset of its times is known. At the end
    /// of the segment (`at_end`) an offset that other media of the same mapping has shown is used too.
    pub(in crate::engine) fn place_metadata(&mut self, cx: &mut Context, id: StreamId, at_end: bool) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id() == id) else { return };
        let Some(download) = stream.download_mut() else { return };
        let known = || self.timeline.known(download.plan().segment.mapping).filter(|_| at_end);
        let Some(shift) = download.shift().or_else(known) else { return };
        let mut placed = download.take_metadata();
        if placed.is_empty() {
            return;
        }
        for metadata in &mut placed {
            metadata.start = metadata.start.shifted(shift);
        }
        self.add_metadata(cx, placed, Stage::Segment);
    }

    /// Announces what the playhead has entered and left. Nothing is passed before the first picture of an epoch.
    pub(in crate::engine) fn announce_metadata(&mut self, cx: &mut Context) {
        if !cx.playback.has_begun() {
            return;
        }
        let position = self.position(cx);
        let passages = if cx.playback.state() == State::Ended {
            self.metadata.finish(position)
        } else {
            self.metadata.advance(position)
        };
        for passage in passages {
            cx.effects.emit(match passage {
                Passage::Started(metadata) => Event::MetadataStarted { metadata },
                Passage::Ended(metadata) => Event::MetadataEnded { metadata },
            });
        }
    }

    /// Returns the time at which the playhead next enters or leaves a piece of metadata.
    pub(in crate::engine) fn next_passage(&self, cx: &Context) -> Option<Now> {
        if cx.playback.state() != State::Ready || !cx.playback.has_begun() || !cx.playback.clock().is_running() {
            return None;
        }
        let next = self.metadata.next()?;
        Some(cx.now + cx.playback.clock().wall(next.since(self.position(cx))))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::MetadataSource;
    use crate::time::MediaTime;

    #[test]
    fn an_event_announces_a_newer_manifest_until_that_is_known() {
        let event = |scheme: &str, message: &'static [u8]| TimedMetadata {
            source: MetadataSource::EventMessage,
            scheme: scheme.to_owned(),
            value: "1".to_owned(),
            id: "7".to_owned(),
            start: MediaTime::ZERO,
            duration: None,
            body: MetadataBody::Binary(Bytes::from_static(message)),
        };
        let at = |seconds: i64| Some(WallClock::from_unix_nanos(seconds * 1_000_000_000));
        let told = event(MPD_VALIDITY, b"1970-01-01T00:01:00Z");
        assert_eq!([at(59), at(60), at(61), None].map(|at| outdates(&told, at)), [true, true, false, true]);
        assert!(!outdates(&event(MPD_VALIDITY, b"1970-01-01T00:01:00Z\0<Patch/>"), at(61)));
        assert!(outdates(&event(MPD_VALIDITY, b"soon"), at(61)), "nothing tells that it is known");
        assert!(!outdates(&event("urn:scte", b""), None));
    }
}
