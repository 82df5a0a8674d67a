//! The steps around keys: which are asked for, what comes of it, and what happens to media whose key cannot be had.

use std::time::Duration;

use super::context::Context;
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

impl Session {
    /// Asks for what a manifest announces, so that it is here when its segments are.
    pub(super) fn preload_keys(&mut self, cx: &mut Context) {
        let presentation = &self.presentation;
        let sets = presentation.periods.iter().flat_map(|period| &period.adaptation_sets);
        let protection = || sets.clone().flat_map(|set| &set.representations).flat_map(|rep| &rep.protection);
        self.keys.add_servers(protection().map(AsRef::as_ref));
        let mut announced: Vec<_> = Vec::new();
        for key in protection().filter_map(|found| found.key.as_ref()).take(1000) {
            if key.system == KeySystem::Identity && key.source != KeySource::Opaque && !announced.contains(key) {
                announced.push(key.clone());
            }
        }
        for key in announced.into_iter().take(16) {
            if let Ok(Unlock::Whole { source, mode, .. }) = self.unlock(std::slice::from_ref(&key), 0) {
                self.want_key(cx, &source, mode.key_length());
            } else {
                self.want_key(cx, &key.source, 16);
            }
        }
    }

    fn unlock(&self, ways: &[crate::model::SegmentKey], sequence: u64) -> Result<Unlock, PlayerError> {
        self.keys.unlock(ways, sequence)
    }

    /// What the initialisation data of a segment needs.
    pub(super) fn init_needs(
        &mut self,
        cx: &mut Context,
        encryption: Option<&SegmentEncryption>,
    ) -> Result<Needs, PlayerError> {
        let Some(encryption) = encryption else { return Ok(Needs::Nothing(None)) };
        // Without a vector of its own it has that of the number zero.
        match self.unlock(&encryption.init, 0)? {
            Unlock::ByKeyId | Unlock::Samples { .. } => Ok(Needs::Nothing(None)),
            Unlock::Whole { source, mode, iv } => self.whole_needs(cx, &source, mode, iv),
        }
    }

    /// What a segment needs; the key of its samples is asked for and not waited for.
    pub(super) fn media_needs(
        &mut self,
        cx: &mut Context,
        encryption: Option<&SegmentEncryption>,
    ) -> Result<Needs, PlayerError> {
        let Some(encryption) = encryption else { return Ok(Needs::Nothing(None)) };
        match self.unlock(&encryption.media, encryption.sequence)? {
            Unlock::ByKeyId => Ok(Needs::Nothing(None)),
            Unlock::Samples { source, .. } => {
                self.want_key(cx, &source, 16);
                Ok(Needs::Nothing(None))
            }
            Unlock::Whole { source, mode, iv } => self.whole_needs(cx, &source, mode, iv),
        }
    }

    fn whole_needs(
        &mut self,
        cx: &mut Context,
        source: &KeySource,
        mode: drm::SegmentCipherMode,
        iv: [u8; 16],
    ) -> Result<Needs, PlayerError> {
        let id = self.want_key(cx, source, mode.key_length());
        match self.keys.state(id) {
            Some(KeyState::Ready(key)) => Ok(Needs::Nothing(Some(keys::cipher(key, mode, iv)))),
            Some(KeyState::Gone(error)) => Err(error.as_ref().clone()),
            Some(KeyState::Asked(_)) => Ok(Needs::Key(id)),
            None => Err(self.keys.missing(None, &[])),
        }
    }

    /// The name and vector for the samples of a segment, when one key is theirs whatever they call it.
    pub(super) fn sample_key(&mut self, encryption: Option<&SegmentEncryption>) -> Option<crate::container::SampleKey> {
        let encryption = encryption?;
        match self.unlock(&encryption.media, encryption.sequence) {
            Ok(Unlock::Samples { source, iv }) => {
                let key_id = self.keys.name_of(&source).0;
                Some(crate::container::SampleKey { key_id, iv })
            }
            Ok(Unlock::ByKeyId | Unlock::Whole { .. }) | Err(_) => None,
        }
    }

    /// Asks for a key that has an address, unless that was done, and names it.
    fn want_key(&mut self, cx: &mut Context, source: &KeySource, length: usize) -> KeyId {
        let id = self.keys.name_of(source);
        if self.keys.state(id).is_some() || self.keys.is_full() {
            return id;
        }
        let state = match source {
            KeySource::Inline(key) if key.bytes().len() == length => KeyState::Ready(key.clone()),
            KeySource::Inline(key) => {
                let error = DrmError::KeyLength { found: key.bytes().len(), expected: length };
                KeyState::Gone(Box::new(unreadable(&error)))
            }
            KeySource::Opaque => KeyState::Gone(Box::new(self.keys.missing(None, &[]))),
            KeySource::Resource(resource) => {
                let file = KeyFile::Raw { length: u32::try_from(length).unwrap_or(u32::MAX) };
                KeyState::Asked(cx.jobs.add(cx.now, Purpose::Key, FetchKind::Key, resource.clone(), Ingest::Keys(file)))
            }
        };
        self.keys.set(id, state);
        id
    }

    /// Asks a licence server for keys, unless that was done. What nobody can be asked for is gone at once; `systems`
    /// are those that would have it.
    pub(super) fn want_licence(&mut self, cx: &mut Context, ids: &[KeyId], systems: &[KeySystem]) {
        let mut unknown: Vec<KeyId> = ids.iter().copied().filter(|id| self.keys.state(*id).is_none()).collect();
        unknown.dedup();
        if unknown.is_empty() || self.keys.is_full() {
            return;
        }
        let urls = self.keys.servers().to_vec();
        if urls.is_empty() {
            for id in unknown {
                let error = self.keys.missing(Some(id), systems);
                self.keys.set(id, KeyState::Gone(Box::new(error)));
            }
            return;
        }
        let resource = Resource { urls, range: None };
        let job = cx.jobs.add(cx.now, Purpose::Key, FetchKind::Key, resource, Ingest::Keys(KeyFile::Licence));
        if let Some(found) = cx.jobs.get_mut(job) {
            found.post = Some(drm::licence_request(&unknown).into());
        }
        for id in unknown {
            self.keys.set(id, KeyState::Asked(job));
        }
    }

    /// Asks for the keys of the representation that a stream goes on with.
    pub(super) fn want_keys_of(&mut self, cx: &mut Context, rep: RepKey) {
        let Some(found) = super::select::representation(&self.presentation, rep) else { return };
        if found.protection.is_empty() {
            return;
        }
        let ids = keys::key_ids(found);
        let systems: Vec<KeySystem> = found.protection.iter().filter_map(|found| found.system.clone()).collect();
        self.want_licence(cx, &ids, &systems);
    }

    /// A file tells which keys its samples need.
    pub(super) fn protection_told(
        &mut self,
        cx: &mut Context,
        encryption: Option<&SegmentEncryption>,
        info: &ProtectionInfo,
    ) {
        if self.sample_key(encryption).is_none() {
            let mut systems: Vec<KeySystem> = info.pssh.iter().map(|pssh| pssh.system.clone()).collect();
            systems.extend(encryption.iter().flat_map(|found| found.media.iter()).map(|key| key.system.clone()));
            self.want_licence(cx, &info.key_ids, &systems);
        }
    }

    /// Keys came.
    pub(super) fn keys_arrived(&mut self, cx: &mut Context, job: JobId, keys: &[LicensedKey]) {
        cx.jobs.remove(job, cx.now);
        self.keys.arrived(job, keys);
    }

    /// The request for keys has failed for good.
    pub(super) fn keys_failed(&mut self, job: JobId, error: &PlayerError) {
        for id in self.keys.asked_of(job) {
            let mut error = error.clone();
            error.context.key_id = self.keys.public_name(id);
            self.keys.set(id, KeyState::Gone(Box::new(error)));
        }
    }

    /// Media in hand whose key cannot be had is dropped: another representation takes over from there, or the stream
    /// ends there.
    pub(super) fn give_up_locked(&mut self, cx: &mut Context) {
        if !self.keys.any_gone() {
            return;
        }
        for id in [StreamId::Main, StreamId::Audio] {
            let wanted = self.wanted_of(id);
            let kinds = [MediaKind::Video, MediaKind::Audio].into_iter().filter(|kind| wanted.has(*kind));
            let locked = kinds.filter_map(|kind| self.buffer(kind)?.first_needing(|id| self.keys.gone(id)));
            let Some((at, rep, error)) =
                locked.min_by_key(|(at, ..)| *at).map(|(at, rep, error)| (at, rep, error.clone()))
            else {
                continue;
            };
            self.cancel_stream(cx, id);
            let Session { keys, video, audio, .. } = self;
            let mut dropped = 0;
            if wanted.video {
                dropped += video.cut_needing(|id| keys.gone(id).is_some());
            }
            if wanted.audio {
                dropped += audio.cut_needing(|id| keys.gone(id).is_some());
            }
            cx.ledger.wasted(dropped);
            if let Some(stream) = self.stream_mut(id) {
                stream.place = Place::At { period: rep.period, time: at };
            }
            self.lock_out(cx, id, rep, Duration::MAX, error);
        }
    }

    /// A representation cannot be decrypted: another takes over, or the stream ends here. The last one stays: what
    /// lies elsewhere in it may be clear.
    pub(super) fn lock_out(&mut self, cx: &mut Context, id: StreamId, rep: RepKey, span: Duration, error: PlayerError) {
        if self.others_left(cx, rep) > 0 {
            self.exclude(cx, rep, span);
            cx.effects.warn(error);
        } else {
            self.end_stream_here(cx, id, rep.period, error);
        }
    }

    /// Nothing of a stream can be decrypted from here on. What is held is presented first; then sound and subtitles
    /// are done without up to the next period, and anything else is the end of playback.
    pub(super) fn end_stream_here(&mut self, cx: &mut Context, id: StreamId, period: PeriodKey, error: PlayerError) {
        let position = cx.position();
        let held = self.held_until(id).is_some_and(|end| end > position);
        let main = self.stream(StreamId::Main).is_some();
        if id == StreamId::Text || !held {
            return self.stream_lost(cx, id, error);
        }
        self.cancel_stream(cx, id);
        if id == StreamId::Audio && main {
            cx.effects.warn(error);
            self.pass_period(cx, id, period);
            return;
        }
        if let Some(stream) = self.stream_mut(id) {
            stream.place = Place::End;
            stream.ends_with = Some(Box::new(error));
        }
    }

    /// Why playback ends at its present place, when the pictures end there for want of a key.
    pub(super) fn end_for_want_of_key(&self, cx: &Context) -> Option<PlayerError> {
        let stream = self.streams.iter().find(|stream| stream.ends_with.is_some())?;
        let reached = self.held_until(stream.id).is_none_or(|end| end <= cx.position());
        stream.ends_with.as_deref().filter(|_| reached).cloned()
    }
}

fn unreadable(error: &DrmError) -> PlayerError {
    PlayerError::fatal(ErrorCode::KeyUnavailable, error.to_string()).at(Stage::Licence)
}
