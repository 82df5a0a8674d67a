//! The steps that concern timed metadata: it is taken from the manifest, from indexes and from media, put on the
//! presentation timeline, and announced as the playhead passes. What is kept and passed is answered by `metadata`.

use super::Engine;
use super::metadata::{Passage, Taken};
use super::stream::{Activity, StreamId};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::TimedMetadata;
use crate::snapshot::State;
use crate::time::Now;

/// Pieces of metadata that one segment may bring; more are dropped.
const MOST_OF_SEGMENT: usize = 1024;

impl Engine {
    /// Takes metadata that is on the presentation timeline already.
    pub(super) fn know_metadata(&mut self, all: Vec<TimedMetadata>, stage: Stage) {
        let Some(session) = self.session.as_mut() else { return };
        let (mut changed, mut refused) = (false, false);
        for metadata in all {
            match session.metadata.insert(metadata) {
                Taken::Changed => changed = true,
                Taken::Known => {}
                Taken::Refused => refused = true,
            }
        }
        let unheard = refused && !std::mem::replace(&mut session.metadata_refused, true);
        if unheard {
            let error = PlayerError::warning(ErrorCode::ManifestMalformed, "there is more timed metadata than is kept");
            self.effects.warn(error.at(stage));
        }
        if changed {
            self.effects.emit(Event::MetadataChanged);
        }
    }

    /// Takes metadata in media time. It waits until the samples of its segment tell how that becomes presentation
    /// time, so that both stay together.
    pub(super) fn take_metadata(&mut self, id: StreamId, mut all: Vec<TimedMetadata>) {
        let Some(stream) = self.session.as_mut().and_then(|session| session.stream_mut(id)) else { return };
        let Activity::Media(fetching) = &mut stream.activity else { return };
        let room = MOST_OF_SEGMENT.saturating_sub(fetching.metadata.len());
        all.truncate(room);
        fetching.metadata.append(&mut all);
        self.place_metadata(id, false);
    }

    /// Places what a segment has brought. At its end a mapping that is known otherwise will do.
    pub(super) fn place_metadata(&mut self, id: StreamId, at_end: bool) {
        let Some(session) = self.session.as_mut() else { return };
        let Some(stream) = session.streams.iter_mut().find(|stream| stream.id == id) else { return };
        let Activity::Media(fetching) = &mut stream.activity else { return };
        if fetching.metadata.is_empty() {
            return;
        }
        let known = || session.timeline.known(fetching.chosen.segment.mapping).filter(|_| at_end);
        let Some(shift) = fetching.shift.or_else(known) else { return };
        let mut placed = std::mem::take(&mut fetching.metadata);
        for metadata in &mut placed {
            metadata.start = metadata.start.shifted(shift);
        }
        self.know_metadata(placed, Stage::Segment);
    }

    /// Announces what the playhead has entered and left. Nothing is passed before the first picture of an epoch.
    pub(super) fn announce_metadata(&mut self) {
        if !self.playback.first_shown {
            return;
        }
        let position = self.position();
        let Some(session) = self.session.as_mut() else { return };
        let passages = if self.playback.state == State::Ended {
            session.metadata.finish(position)
        } else {
            session.metadata.advance(position)
        };
        for passage in passages {
            self.effects.emit(match passage {
                Passage::Started(metadata) => Event::MetadataStarted { metadata },
                Passage::Ended(metadata) => Event::MetadataEnded { metadata },
            });
        }
    }

    /// When the playhead enters or leaves something next.
    pub(super) fn next_passage(&self) -> Option<Now> {
        if self.playback.state != State::Ready || !self.playback.first_shown || !self.playback.clock.is_running() {
            return None;
        }
        let next = self.session.as_ref()?.metadata.next()?;
        Some(self.now + self.playback.clock.wall(next.since(self.position())))
    }
}
