//! Interrupted transfers that another request may continue, by the last request for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::io::{FetchId, Resume};

/// Maximum number of transfers that are kept at a time: more than the engine has streams.
const MOST_KEPT: usize = 8;

/// Interrupted transfers of one player. Only a request that was opened, and not closed since, keeps its transfer: the
/// player's thread may cancel it at the moment at which it fails on another one.
pub struct KeptTransfers<T>(Mutex<BTreeMap<FetchId, Option<Kept<T>>>>);

struct Kept<T> {
    received: u64,
    transfer: T,
}

impl<T> Default for KeptTransfers<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> KeptTransfers<T> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<FetchId, Option<Kept<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request. Returns the transfer that it continues, unless it is not kept any more or has another number of
    /// bytes.
    pub fn open(&self, id: FetchId, resume: Option<Resume>) -> Option<T> {
        let mut kept = self.lock();
        kept.insert(id, None);
        let resume = resume?;
        let found = kept.remove(&resume.fetch)??;
        (found.received == resume.received).then_some(found.transfer)
    }

    /// Keeps the transfer of a request that failed after `received` bytes, those of earlier requests included. Returns
    /// false if it was closed, or if too many are kept.
    pub fn keep(&self, id: FetchId, received: u64, transfer: T) -> bool {
        let mut kept = self.lock();
        let has_room = kept.values().flatten().count() < MOST_KEPT;
        if let Some(place) = kept.get_mut(&id).filter(|_| has_room) {
            *place = Some(Kept { received, transfer });
            return true;
        }
        kept.remove(&id);
        false
    }

    /// Ends a request, and forgets its transfer.
    pub fn close(&self, id: FetchId) {
        self.lock().remove(&id);
    }
}
