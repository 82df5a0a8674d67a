//! The steps that concern timed metadata: it is taken from the manifest, from indexes and from media, put on the
//! presentation timeline, and announced as the playhead passes. What is kept and passed is answered by `metadata`.

use super::Session;
use crate::engine::buffer::{Passage, Taken};
use crate::engine::context::Context;
use crate::engine::ids::StreamId;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::TimedMetadata;
use crate::snapshot::State;
use crate::time::Now;

/// Scheme of the events that announce a newer manifest (ISO/IEC 23009-1 §5.10.4).
const MPD_VALIDITY: &str = "urn:mpeg:dash:event:2012";

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
        let Some(stream) = self.stream_mut(id) else { return };
        let Some(download) = stream.download_mut() else { return };
        let announces = all.iter().any(|metadata| metadata.scheme == MPD_VALIDITY);
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
