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

#[cfg(test)]
mod tests {
    use super::*;

    fn resume(fetch: u64, received: u64) -> Option<Resume> {
        Some(Resume { fetch: FetchId(fetch), received })
    }

    #[test]
    fn a_kept_transfer_is_given_once_to_the_request_that_continues_after_its_bytes() {
        let kept = KeptTransfers::default();
        assert_eq!(kept.open(FetchId(1), None), None);
        assert!(kept.keep(FetchId(1), 500, "first"));
        assert_eq!(kept.open(FetchId(2), resume(9, 500)), None, "nothing is kept of that request");
        assert_eq!(kept.open(FetchId(3), resume(1, 500)), Some("first"));
        assert_eq!(kept.open(FetchId(4), resume(1, 500)), None, "it was given away");
        assert!(kept.keep(FetchId(3), 700, "second"), "the request that continued it is open itself");
        assert_eq!(kept.open(FetchId(5), resume(3, 500)), None, "another number of bytes");
        assert_eq!(kept.open(FetchId(6), resume(3, 700)), None, "what did not fit is dropped");
    }

    #[test]
    fn only_a_request_that_is_open_keeps_its_transfer() {
        let kept = KeptTransfers::default();
        assert!(!kept.keep(FetchId(1), 1, ()), "it was never opened");
        kept.open(FetchId(1), None);
        kept.close(FetchId(1));
        assert!(!kept.keep(FetchId(1), 1, ()), "it was closed");
        kept.open(FetchId(2), None);
        assert!(kept.keep(FetchId(2), 1, ()));
        kept.close(FetchId(2));
        assert_eq!(kept.open(FetchId(3), resume(2, 1)), None);
    }

    #[test]
    fn eight_transfers_are_kept_and_a_ninth_makes_no_room_for_itself() {
        let kept = KeptTransfers::default();
        for id in 1..=9 {
            kept.open(FetchId(id), None);
            assert_eq!(kept.keep(FetchId(id), 10, id), id <= 8, "{id}");
        }
        assert_eq!(kept.open(FetchId(10), resume(1, 10)), Some(1));
        assert!(!kept.keep(FetchId(9), 10, 9), "it ended when it was refused");
        assert!(kept.keep(FetchId(10), 20, 10), "one that was given away left its place");
    }
}
