//! The keys of a session and how each stands. Plain state with questions about it; requests are made in `requests`.

use std::collections::BTreeMap;

use url::Url;

use crate::drm::{ContentKey, DrmConfig, KeyId, KeySystem, LicensedKey, SegmentCipher, SegmentCipherMode};
use crate::engine::requests::JobId;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::{EncryptionMethod, KeySource, Protection, Representation, SegmentKey};

/// More keys than this are more than any sane presentation has in force.
const MAX_KEYS: usize = 50_000;
/// Prefix of the names of keys that have only an address.
const ADDRESSED: &[u8] = b"at an address";
/// Licence servers beyond these are not asked.
const MAX_SERVERS: usize = 8;

/// State of one key.
#[derive(Clone, Debug)]
pub(in crate::engine) enum KeyState {
    /// The request for it is waiting or under way.
    Asked(JobId),
    /// The key has been received.
    Ready(ContentKey),
    /// It cannot be had.
    Gone(Box<PlayerError>),
}

/// Way to decrypt a segment, or its initialisation data.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Unlock {
    /// Not at all, or sample by sample with keys that the samples name themselves.
    ByKeyId,
    /// The file as a whole, before it is read.
    Whole {
        /// Source of the key.
        source: KeySource,
        /// Cipher and its mode.
        mode: SegmentCipherMode,
        /// Initialisation vector.
        iv: [u8; 16],
    },
    /// Sample by sample with one key, whatever name the samples give it.
    Samples {
        /// Source of the key.
        source: KeySource,
        /// The vector of samples that have none.
        iv: [u8; 16],
    },
}

/// The keys of a session.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Keys {
    states: BTreeMap<KeyId, KeyState>,
    /// Keys that have only an address. Their position here becomes their name.
    sources: Vec<KeySource>,
    servers: Vec<Url>,
    /// The host supplied keys: it means to be asked for those that are missing.
    configured: bool,
    /// Number of keys that are [`KeyState::Gone`] now.
    gone: usize,
}

impl Keys {
    /// Creates the state of a session from the keys and licence servers that the host supplies.
    pub(in crate::engine) fn new(config: &DrmConfig) -> Self {
        let ready = |(id, key): (&KeyId, &ContentKey)| (*id, KeyState::Ready(key.clone()));
        Self {
            states: config.keys.iter().map(ready).collect(),
            sources: Vec::new(),
            servers: config.licence_servers.iter().take(MAX_SERVERS).cloned().collect(),
            configured: !config.keys.is_empty(),
            gone: 0,
        }
    }

    /// Licence servers that a manifest names, for systems that this player speaks with.
    pub(in crate::engine) fn add_servers<'p>(&mut self, protection: impl Iterator<Item = &'p Protection>) {
        let open = |system: &Option<KeySystem>| system.as_ref().is_none_or(KeySystem::is_open);
        for url in protection.filter(|found| open(&found.system)).flat_map(|found| &found.licence_urls) {
            if self.servers.len() < MAX_SERVERS && !self.servers.contains(url) {
                self.servers.push(url.clone());
            }
        }
    }

    /// Licence servers, in the order in which they are asked.
    pub(in crate::engine) fn servers(&self) -> &[Url] {
        &self.servers
    }

    /// Returns the state of a key; `None` if it was never requested.
    pub(in crate::engine) fn state(&self, id: KeyId) -> Option<&KeyState> {
        self.states.get(&id)
    }

    /// A key that is here.
    pub(in crate::engine) fn ready(&self, id: KeyId) -> Option<&ContentKey> {
        match self.states.get(&id) {
            Some(KeyState::Ready(key)) => Some(key),
            Some(KeyState::Asked(_) | KeyState::Gone(_)) | None => None,
        }
    }

    /// Returns the reason for which a key is unavailable, if it is.
    pub(in crate::engine) fn gone(&self, id: KeyId) -> Option<&PlayerError> {
        match self.states.get(&id) {
            Some(KeyState::Gone(error)) => Some(error),
            Some(KeyState::Asked(_) | KeyState::Ready(_)) | None => None,
        }
    }

    /// True when some key cannot be had.
    pub(in crate::engine) const fn any_gone(&self) -> bool {
        self.gone > 0
    }

    /// True when no more keys are taken in.
    pub(in crate::engine) fn is_full(&self) -> bool {
        self.states.len() >= MAX_KEYS
    }

    /// A key has another standing now. Beyond the limit new names are refused.
    pub(in crate::engine) fn set(&mut self, id: KeyId, state: KeyState) {
        if self.states.len() >= MAX_KEYS && !self.states.contains_key(&id) {
            return;
        }
        let is_gone = |state: &KeyState| matches!(state, KeyState::Gone(_));
        self.gone += usize::from(is_gone(&state));
        let before = self.states.insert(id, state);
        self.gone -= usize::from(before.as_ref().is_some_and(is_gone));
    }

    /// The names of the keys that a request was to bring.
    pub(in crate::engine) fn asked_of(&self, job: JobId) -> Vec<KeyId> {
        let asked = |state: &KeyState| matches!(state, KeyState::Asked(by) if *by == job);
        self.states.iter().filter(|(_, state)| asked(state)).map(|(id, _)| *id).collect()
    }

    /// Takes the keys of an answer. Keys that the request asked for and that the answer lacks become unavailable.
    pub(in crate::engine) fn arrived(&mut self, job: JobId, keys: &[LicensedKey]) {
        let asked = self.asked_of(job);
        for licensed in keys {
            match licensed.id {
                Some(id) => self.set(id, KeyState::Ready(licensed.key.clone())),
                None => asked.iter().for_each(|id| self.set(*id, KeyState::Ready(licensed.key.clone()))),
            }
        }
        for id in self.asked_of(job) {
            let error = self.missing(Some(id), &[]);
            self.set(id, KeyState::Gone(Box::new(error)));
        }
    }

    /// The name of a key that has an address instead of a name. It is the session's own.
    pub(in crate::engine) fn name_of(&mut self, source: &KeySource) -> KeyId {
        let at = self.sources.iter().rposition(|known| known == source).unwrap_or_else(|| {
            if self.sources.len() < MAX_KEYS {
                self.sources.push(source.clone());
            }
            self.sources.len() - 1
        });
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(ADDRESSED) {
            *to = *from;
        }
        for (to, from) in name.iter_mut().skip(13).zip((at as u32).to_be_bytes().into_iter().skip(1)) {
            *to = from;
        }
        KeyId(name)
    }

    /// A key's name for people; those with an address have none.
    pub(in crate::engine) fn public_name(&self, id: KeyId) -> Option<String> {
        (!id.0.starts_with(ADDRESSED)).then(|| id.to_string())
    }

    /// Returns the first of the ways that a manifest offers by which this player can decrypt.
    ///
    /// # Errors
    /// If there are ways but none that this player supports.
    pub(in crate::engine) fn unlock(&self, ways: &[SegmentKey], sequence: u64) -> Result<Unlock, PlayerError> {
        let usable = |way: &&SegmentKey| way.system.is_open() && way.source != KeySource::Opaque;
        for way in ways.iter().filter(usable) {
            let (source, iv) = (way.source.clone(), way.vector(sequence));
            match &way.method {
                // Whole segments know no system but the plain key file (RFC 8216bis §4.4.4.4).
                EncryptionMethod::Segment(mode) if way.system == KeySystem::Identity => {
                    return Ok(Unlock::Whole { source, mode: *mode, iv });
                }
                EncryptionMethod::SampleCbc | EncryptionMethod::SampleCtr if way.system == KeySystem::Identity => {
                    return Ok(Unlock::Samples { source, iv });
                }
                _ => {}
            }
        }
        let sampled =
            ways.iter().any(|way| matches!(way.method, EncryptionMethod::SampleCbc | EncryptionMethod::SampleCtr));
        if ways.is_empty() || (sampled && (self.configured || !self.servers.is_empty())) {
            return Ok(Unlock::ByKeyId);
        }
        let odd = ways.iter().find_map(|way| match &way.method {
            EncryptionMethod::Other(name) => Some(name.clone()),
            EncryptionMethod::Segment(_) | EncryptionMethod::SampleCbc | EncryptionMethod::SampleCtr => None,
        });
        let systems: Vec<KeySystem> = match odd {
            Some(method) => vec![KeySystem::Other(method)],
            None => ways.iter().map(|way| way.system.clone()).collect(),
        };
        Err(self.missing(ways.iter().find_map(|way| way.key_id), &systems))
    }

    /// Returns true unless a representation is known to need a key that is unavailable.
    pub(in crate::engine) fn may_unlock(&self, rep: &Representation) -> bool {
        let certain = || rep.protection.iter().filter(|found| found.key.is_none());
        if certain().next().is_none() {
            return true;
        }
        let ids = key_ids(rep);
        let obtainable = |id: &KeyId| match self.state(*id) {
            Some(KeyState::Ready(_) | KeyState::Asked(_)) => true,
            Some(KeyState::Gone(_)) => false,
            None => !self.servers.is_empty(),
        };
        if ids.is_empty() { self.configured || !self.servers.is_empty() } else { ids.iter().all(obtainable) }
    }

    /// Returns the error for a protected representation that cannot be decrypted.
    pub(in crate::engine) fn refusal(&self, rep: &Representation) -> PlayerError {
        let ids = key_ids(rep);
        let known = ids.iter().find_map(|id| self.gone(*id));
        known.cloned().unwrap_or_else(|| {
            let missing = ids.iter().copied().find(|id| self.ready(*id).is_none());
            let systems: Vec<KeySystem> = rep.protection.iter().filter_map(|found| found.system.clone()).collect();
            self.missing(missing, &systems)
        })
    }

    /// Returns the error for a key that is unavailable. If one of the systems is not supported and the host supplied no
    /// keys, that system is the reason.
    pub(in crate::engine) fn missing(&self, id: Option<KeyId>, systems: &[KeySystem]) -> PlayerError {
        let foreign: Vec<&str> = systems.iter().filter(|system| !system.is_open()).map(KeySystem::name).collect();
        let key = id.map_or("its key".to_owned(), |id| format!("key {id}"));
        let mut error = match foreign.first() {
            Some(first) if !self.configured => {
                let message = format!("the media is protected by {}; {key} is not here", foreign.join(", "));
                PlayerError::fatal(ErrorCode::DrmUnsupported, message).with_feature(*first)
            }
            _ => PlayerError::fatal(ErrorCode::KeyUnavailable, format!("{key} cannot be had from anywhere")),
        };
        error.context.key_id = id.map(|id| id.to_string());
        error.at(Stage::Licence)
    }
}

/// The keys that a representation needs: those of its default, else whatever its descriptors list.
pub(in crate::engine) fn key_ids(rep: &Representation) -> Vec<KeyId> {
    let mut ids: Vec<KeyId> = Vec::new();
    let certain = || rep.protection.iter().filter(|found| found.key.is_none());
    for id in certain().flat_map(|found| &found.key_ids) {
        if !ids.contains(id) {
            ids.push(*id);
        }
    }
    if ids.is_empty() {
        let listed = certain().flat_map(|found| &found.pssh).flat_map(|pssh| &pssh.key_ids);
        ids.extend(listed.take(1));
    }
    ids
}

/// The cipher of something that is encrypted as a whole, once its key is here.
pub(in crate::engine) fn cipher(key: &ContentKey, mode: SegmentCipherMode, iv: [u8; 16]) -> SegmentCipher {
    SegmentCipher { mode, key: key.clone(), iv }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
