//! The steps around keys: which are asked for, what comes of it, and what happens to media whose key cannot be had.

use std::time::Duration;

use super::Engine;
use super::ids::PeriodKey;
use super::io::{FetchKind, Ingest};
use super::keys::{self, KeyState, Unlock};
use super::request::{JobId, Purpose};
use super::session::Session;
use super::stream::{Place, RepKey, StreamId};
use crate::container::ProtectionInfo;
use crate::drm::{self, DrmError, KeyFile, KeyId, KeySystem, LicensedKey, SegmentCipher};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::{KeySource, MediaKind, Resource, SegmentEncryption};

/// What a segment needs before it can be fetched.
pub(super) enum Needs {
    /// Nothing more: this undoes its encryption.
    Nothing(Option<SegmentCipher>),
    /// A key that is on its way.
    Key(KeyId),
}

impl Engine {
    /// Asks for what a manifest announces, so that it is here when its segments are.
    pub(super) fn preload_keys(&mut self) {
        let Some(session) = self.session.as_mut() else { return };
        let Some(presentation) = session.presentation.as_ref() else { return };
        let sets = presentation.periods.iter().flat_map(|period| &period.adaptation_sets);
        let protection = || sets.clone().flat_map(|set| &set.representations).flat_map(|rep| &rep.protection);
        session.keys.add_servers(protection().map(AsRef::as_ref));
        let mut announced: Vec<_> = Vec::new();
        for key in protection().filter_map(|found| found.key.as_ref()).take(1000) {
            if key.system == KeySystem::Identity && key.source != KeySource::Opaque && !announced.contains(key) {
                announced.push(key.clone());
            }
        }
        for key in announced.into_iter().take(16) {
            if let Ok(Unlock::Whole { source, mode, .. }) = self.unlock(std::slice::from_ref(&key), 0) {
                self.want_key(&source, mode.key_length());
            } else {
                self.want_key(&key.source, 16);
            }
        }
    }

    fn unlock(&self, ways: &[crate::model::SegmentKey], sequence: u64) -> Result<Unlock, PlayerError> {
        self.session.as_ref().map_or(Ok(Unlock::ByKeyId), |session| session.keys.unlock(ways, sequence))
    }

    /// What the initialisation data of a segment needs.
    pub(super) fn init_needs(&mut self, encryption: Option<&SegmentEncryption>) -> Result<Needs, PlayerError> {
        let Some(encryption) = encryption else { return Ok(Needs::Nothing(None)) };
        // Without a vector of its own it has that of the number zero.
        match self.unlock(&encryption.init, 0)? {
            Unlock::ByKeyId | Unlock::Samples { .. } => Ok(Needs::Nothing(None)),
            Unlock::Whole { source, mode, iv } => self.whole_needs(&source, mode, iv),
        }
    }

    /// What a segment needs; the key of its samples is asked for and not waited for.
    pub(super) fn media_needs(&mut self, encryption: Option<&SegmentEncryption>) -> Result<Needs, PlayerError> {
        let Some(encryption) = encryption else { return Ok(Needs::Nothing(None)) };
        match self.unlock(&encryption.media, encryption.sequence)? {
            Unlock::ByKeyId => Ok(Needs::Nothing(None)),
            Unlock::Samples { source, .. } => {
                self.want_key(&source, 16);
                Ok(Needs::Nothing(None))
            }
            Unlock::Whole { source, mode, iv } => self.whole_needs(&source, mode, iv),
        }
    }

    fn whole_needs(
        &mut self,
        source: &KeySource,
        mode: drm::SegmentCipherMode,
        iv: [u8; 16],
    ) -> Result<Needs, PlayerError> {
        let id = self.want_key(source, mode.key_length());
        let Some(session) = self.session.as_ref() else { return Ok(Needs::Key(id)) };
        match session.keys.state(id) {
            Some(KeyState::Ready(key)) => Ok(Needs::Nothing(Some(keys::cipher(key, mode, iv)))),
            Some(KeyState::Gone(error)) => Err(error.as_ref().clone()),
            Some(KeyState::Asked(_)) => Ok(Needs::Key(id)),
            None => Err(session.keys.missing(None, &[])),
        }
    }

    /// The name and vector for the samples of a segment, when one key is theirs whatever they call it.
    pub(super) fn sample_key(&mut self, encryption: Option<&SegmentEncryption>) -> Option<crate::container::SampleKey> {
        let encryption = encryption?;
        match self.unlock(&encryption.media, encryption.sequence) {
            Ok(Unlock::Samples { source, iv }) => {
                let key_id = self.session.as_mut()?.keys.name_of(&source).0;
                Some(crate::container::SampleKey { key_id, iv })
            }
            Ok(Unlock::ByKeyId | Unlock::Whole { .. }) | Err(_) => None,
        }
    }

    /// Asks for a key that has an address, unless that was done, and names it.
    fn want_key(&mut self, source: &KeySource, length: usize) -> KeyId {
        let Some(session) = self.session.as_mut() else { return KeyId([0; 16]) };
        let id = session.keys.name_of(source);
        if session.keys.state(id).is_some() || session.keys.is_full() {
            return id;
        }
        let state = match source {
            KeySource::Inline(key) if key.bytes().len() == length => KeyState::Ready(key.clone()),
            KeySource::Inline(key) => {
                let error = DrmError::KeyLength { found: key.bytes().len(), expected: length };
                KeyState::Gone(Box::new(unreadable(&error)))
            }
            KeySource::Opaque => KeyState::Gone(Box::new(session.keys.missing(None, &[]))),
            KeySource::Resource(resource) => {
                let file = KeyFile::Raw { length: u32::try_from(length).unwrap_or(u32::MAX) };
                KeyState::Asked(self.jobs.add(
                    self.now,
                    Purpose::Key,
                    FetchKind::Key,
                    resource.clone(),
                    Ingest::Keys(file),
                ))
            }
        };
        session.keys.set(id, state);
        id
    }

    /// Asks a licence server for keys, unless that was done. What nobody can be asked for is gone at once; `systems`
    /// are those that would have it.
    pub(super) fn want_licence(&mut self, ids: &[KeyId], systems: &[KeySystem]) {
        let Some(session) = self.session.as_mut() else { return };
        let mut unknown: Vec<KeyId> = ids.iter().copied().filter(|id| session.keys.state(*id).is_none()).collect();
        unknown.dedup();
        if unknown.is_empty() || session.keys.is_full() {
            return;
        }
        let urls = session.keys.servers().to_vec();
        if urls.is_empty() {
            for id in unknown {
                let error = session.keys.missing(Some(id), systems);
                session.keys.set(id, KeyState::Gone(Box::new(error)));
            }
            return;
        }
        let resource = Resource { urls, range: None };
        let job = self.jobs.add(self.now, Purpose::Key, FetchKind::Key, resource, Ingest::Keys(KeyFile::Licence));
        if let Some(found) = self.jobs.get_mut(job) {
            found.post = Some(drm::licence_request(&unknown).into());
        }
        for id in unknown {
            session.keys.set(id, KeyState::Asked(job));
        }
    }

    /// Asks for the keys of the representation that a stream goes on with.
    pub(super) fn want_keys_of(&mut self, rep: RepKey) {
        let Some(session) = self.session.as_ref() else { return };
        let presentation = session.presentation.as_ref();
        let Some(found) = presentation.and_then(|known| super::select::representation(known, rep)) else { return };
        if found.protection.is_empty() {
            return;
        }
        let ids = keys::key_ids(found);
        let systems: Vec<KeySystem> = found.protection.iter().filter_map(|found| found.system.clone()).collect();
        self.want_licence(&ids, &systems);
    }

    /// A file tells which keys its samples need.
    pub(super) fn protection_told(&mut self, encryption: Option<&SegmentEncryption>, info: &ProtectionInfo) {
        if self.sample_key(encryption).is_none() {
            let mut systems: Vec<KeySystem> = info.pssh.iter().map(|pssh| pssh.system.clone()).collect();
            systems.extend(encryption.iter().flat_map(|found| found.media.iter()).map(|key| key.system.clone()));
            self.want_licence(&info.key_ids, &systems);
        }
    }

    /// Keys came.
    pub(super) fn keys_arrived(&mut self, job: JobId, keys: &[LicensedKey]) {
        self.jobs.remove(job, self.now);
        if let Some(session) = self.session.as_mut() {
            session.keys.arrived(job, keys);
        }
    }

    /// The request for keys has failed for good.
    pub(super) fn keys_failed(&mut self, job: JobId, error: &PlayerError) {
        let Some(session) = self.session.as_mut() else { return };
        for id in session.keys.asked_of(job) {
            let mut error = error.clone();
            error.context.key_id = session.keys.public_name(id);
            session.keys.set(id, KeyState::Gone(Box::new(error)));
        }
    }

    /// Media in hand whose key cannot be had is dropped: another representation takes over from there, or the stream
    /// ends there.
    pub(super) fn give_up_locked(&mut self) {
        if !self.session.as_ref().is_some_and(|session| session.keys.any_gone()) {
            return;
        }
        for id in [StreamId::Main, StreamId::Audio] {
            let Some(session) = self.session.as_ref() else { return };
            let wanted = session.wanted_of(id);
            let kinds = [MediaKind::Video, MediaKind::Audio].into_iter().filter(|kind| wanted.has(*kind));
            let locked = kinds.filter_map(|kind| session.buffer(kind)?.first_needing(|id| session.keys.gone(id)));
            let Some((at, rep, error)) =
                locked.min_by_key(|(at, ..)| *at).map(|(at, rep, error)| (at, rep, error.clone()))
            else {
                continue;
            };
            self.cancel_stream(id);
            let Some(session) = self.session.as_mut() else { return };
            let Session { keys, video, audio, .. } = session;
            let mut dropped = 0;
            if wanted.video {
                dropped += video.cut_needing(|id| keys.gone(id).is_some());
            }
            if wanted.audio {
                dropped += audio.cut_needing(|id| keys.gone(id).is_some());
            }
            self.ledger.wasted(dropped);
            if let Some(stream) = session.stream_mut(id) {
                stream.place = Place::At { period: rep.period, time: at };
            }
            self.lock_out(id, rep, Duration::MAX, error);
        }
    }

    /// A representation cannot be decrypted: another takes over, or the stream ends here. The last one stays: what
    /// lies elsewhere in it may be clear.
    pub(super) fn lock_out(&mut self, id: StreamId, rep: RepKey, span: Duration, error: PlayerError) {
        if self.others_left(rep) > 0 {
            self.exclude(rep, span);
            self.warn(error);
        } else {
            self.end_stream_here(id, rep.period, error);
        }
    }

    /// Nothing of a stream can be decrypted from here on. What is held is presented first; then sound and subtitles
    /// are done without up to the next period, and anything else is the end of playback.
    pub(super) fn end_stream_here(&mut self, id: StreamId, period: PeriodKey, error: PlayerError) {
        let position = self.position();
        let Some(session) = self.session.as_ref() else { return };
        let held = session.held_until(id).is_some_and(|end| end > position);
        let main = session.stream(StreamId::Main).is_some();
        if id == StreamId::Text || !held {
            return self.stream_lost(id, error);
        }
        self.cancel_stream(id);
        if id == StreamId::Audio && main {
            self.warn(error);
            self.pass_period(id, period);
            return;
        }
        if let Some(stream) = self.session.as_mut().and_then(|session| session.stream_mut(id)) {
            stream.place = Place::End;
            stream.ends_with = Some(Box::new(error));
        }
    }

    /// Why playback ends at its present place, when the pictures end there for want of a key.
    pub(super) fn end_for_want_of_key(&self) -> Option<PlayerError> {
        let session = self.session.as_ref()?;
        let stream = session.streams.iter().find(|stream| stream.ends_with.is_some())?;
        let reached = session.held_until(stream.id).is_none_or(|end| end <= self.position());
        stream.ends_with.as_deref().filter(|_| reached).cloned()
    }
}

fn unreadable(error: &DrmError) -> PlayerError {
    PlayerError::fatal(ErrorCode::KeyUnavailable, error.to_string()).at(Stage::Licence)
}
