//! Requests for keys and licences, and what media needs before it can be fetched.

use super::super::io::{FetchKind, Ingest};
use super::keys::{KeyState, Keys, Unlock, cipher, key_ids};
use crate::container::ProtectionInfo;
use crate::drm::{self, DrmError, KeyFile, KeyId, KeySystem, SegmentCipher};
use crate::engine::requests::{JobId, Jobs, Purpose};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::{KeySource, Presentation, Representation, Resource, SegmentEncryption};
use crate::time::Now;

/// Precondition of the download of a segment.
pub(in crate::engine) enum Needs {
    /// Nothing more: this undoes its encryption.
    Nothing(Option<SegmentCipher>),
    /// A key that is on its way.
    Key(KeyId),
}

impl Keys {
    /// Requests the keys that a presentation declares, so that they are here when its segments are.
    pub(in crate::engine) fn preload(&mut self, presentation: &Presentation, jobs: &mut Jobs, now: Now) {
        let sets = presentation.periods.iter().flat_map(|period| &period.adaptation_sets);
        let protection = || sets.clone().flat_map(|set| &set.representations).flat_map(|rep| &rep.protection);
        self.add_servers(protection().map(AsRef::as_ref));
        let mut announced: Vec<_> = Vec::new();
        for key in protection().filter_map(|found| found.key.as_ref()).take(1000) {
            if key.system == KeySystem::Identity && key.source != KeySource::Opaque && !announced.contains(key) {
                announced.push(key.clone());
            }
        }
        for key in announced.into_iter().take(16) {
            if let Ok(Unlock::Whole { source, mode, .. }) = self.unlock(std::slice::from_ref(&key), 0) {
                self.request_key(&source, mode.key_length(), jobs, now);
            } else {
                self.request_key(&key.source, 16, jobs, now);
            }
        }
    }

    /// Returns what the initialisation data of a segment needs before it can be fetched.
    pub(in crate::engine) fn init_needs(
        &mut self,
        encryption: Option<&SegmentEncryption>,
        jobs: &mut Jobs,
        now: Now,
    ) -> Result<Needs, PlayerError> {
        let Some(encryption) = encryption else { return Ok(Needs::Nothing(None)) };
        // Without an `IV` attribute it has the vector of sequence number zero.
        match self.unlock(&encryption.init, 0)? {
            Unlock::ByKeyId | Unlock::Samples { .. } => Ok(Needs::Nothing(None)),
            Unlock::Whole { source, mode, iv } => self.whole_needs((&source, mode, iv), jobs, now),
        }
    }

    /// Returns what a segment needs before it can be fetched. The key of its samples is requested and not waited for.
    pub(in crate::engine) fn media_needs(
        &mut self,
        encryption: Option<&SegmentEncryption>,
        jobs: &mut Jobs,
        now: Now,
    ) -> Result<Needs, PlayerError> {
        let Some(encryption) = encryption else { return Ok(Needs::Nothing(None)) };
        match self.unlock(&encryption.media, encryption.sequence)? {
            Unlock::ByKeyId => Ok(Needs::Nothing(None)),
            Unlock::Samples { source, .. } => {
                self.request_key(&source, 16, jobs, now);
                Ok(Needs::Nothing(None))
            }
            Unlock::Whole { source, mode, iv } => self.whole_needs((&source, mode, iv), jobs, now),
        }
    }

    fn whole_needs(
        &mut self,
        (source, mode, iv): (&KeySource, drm::SegmentCipherMode, [u8; 16]),
        jobs: &mut Jobs,
        now: Now,
    ) -> Result<Needs, PlayerError> {
        let id = self.request_key(source, mode.key_length(), jobs, now);
        match self.state(id) {
            Some(KeyState::Ready(key)) => Ok(Needs::Nothing(Some(cipher(key, mode, iv)))),
            Some(KeyState::Gone(error)) => Err(error.as_ref().clone()),
            Some(KeyState::Asked(_)) => Ok(Needs::Key(id)),
            None => Err(self.missing(None, &[])),
        }
    }

    /// Returns the key name and vector for the samples of a segment if one key is theirs, whatever name they give it.
    pub(in crate::engine) fn sample_key(
        &mut self,
        encryption: Option<&SegmentEncryption>,
    ) -> Option<crate::container::SampleKey> {
        let encryption = encryption?;
        match self.unlock(&encryption.media, encryption.sequence) {
            Ok(Unlock::Samples { source, iv }) => {
                let key_id = self.name_of(&source).0;
                Some(crate::container::SampleKey { key_id, iv })
            }
            Ok(Unlock::ByKeyId | Unlock::Whole { .. }) | Err(_) => None,
        }
    }

    /// Requests a key that has an address, unless it was requested before, and returns its name.
    pub(super) fn request_key(&mut self, source: &KeySource, length: usize, jobs: &mut Jobs, now: Now) -> KeyId {
        let id = self.name_of(source);
        if self.state(id).is_some() || self.is_full() {
            return id;
        }
        let state = match source {
            KeySource::Inline(key) if key.bytes().len() == length => KeyState::Ready(key.clone()),
            KeySource::Inline(key) => {
                let error = DrmError::KeyLength { found: key.bytes().len(), expected: length };
                KeyState::Gone(Box::new(unreadable(&error)))
            }
            KeySource::Opaque => KeyState::Gone(Box::new(self.missing(None, &[]))),
            KeySource::Resource(resource) => {
                let file = KeyFile::Raw { length: u32::try_from(length).unwrap_or(u32::MAX) };
                KeyState::Asked(jobs.add(now, Purpose::Key, FetchKind::Key, resource.clone(), Ingest::Keys(file)))
            }
        };
        self.set(id, state);
        id
    }

    /// Requests keys from a licence server, unless they were requested before. Without a server they are gone at once;
    /// `systems` are those that would have them.
    pub(in crate::engine) fn request_licence(
        &mut self,
        ids: &[KeyId],
        systems: &[KeySystem],
        jobs: &mut Jobs,
        now: Now,
    ) {
        let mut unknown: Vec<KeyId> = ids.iter().copied().filter(|id| self.state(*id).is_none()).collect();
        unknown.dedup();
        if unknown.is_empty() || self.is_full() {
            return;
        }
        let urls = self.servers().to_vec();
        if urls.is_empty() {
            for id in unknown {
                let error = self.missing(Some(id), systems);
                self.set(id, KeyState::Gone(Box::new(error)));
            }
            return;
        }
        let resource = Resource { urls, range: None };
        let job = jobs.add(now, Purpose::Key, FetchKind::Key, resource, Ingest::Keys(KeyFile::Licence));
        jobs.set_licence_request(job, drm::licence_request(&unknown).into(), &unknown);
        for id in unknown {
            self.set(id, KeyState::Asked(job));
        }
    }

    /// Requests the keys of a representation.
    pub(in crate::engine) fn request_keys_of(&mut self, found: &Representation, jobs: &mut Jobs, now: Now) {
        if found.protection.is_empty() {
            return;
        }
        let ids = key_ids(found);
        let systems: Vec<KeySystem> = found.protection.iter().filter_map(|found| found.system.clone()).collect();
        self.request_licence(&ids, &systems, jobs, now);
    }

    /// Requests the keys that a file declares for its samples.
    pub(in crate::engine) fn on_protection(
        &mut self,
        encryption: Option<&SegmentEncryption>,
        info: &ProtectionInfo,
        jobs: &mut Jobs,
        now: Now,
    ) {
        if self.sample_key(encryption).is_none() {
            let mut systems: Vec<KeySystem> = info.pssh.iter().map(|pssh| pssh.system.clone()).collect();
            systems.extend(encryption.iter().flat_map(|found| found.media.iter()).map(|key| key.system.clone()));
            self.request_licence(&info.key_ids, &systems, jobs, now);
        }
    }

    /// The request for keys has failed for good.
    pub(in crate::engine) fn on_failed(&mut self, job: JobId, error: &PlayerError) {
        for id in self.asked_of(job) {
            let mut error = error.clone();
            error.context.key_id = self.public_name(id);
            self.set(id, KeyState::Gone(Box::new(error)));
        }
    }
}

fn unreadable(error: &DrmError) -> PlayerError {
    PlayerError::fatal(ErrorCode::KeyUnavailable, error.to_string()).at(Stage::Licence)
}
