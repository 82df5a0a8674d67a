//! Positions that the service could not take because it was away, kept on disk until it is back.
//!
//! Each carries the time at which it was recorded: the service keeps the latest of all devices, so one that arrives
//! late undoes nothing newer ([`kinora_api::PutPosition`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kinora_api::{AccountId, ProfileId, PutPosition, ResumePosition, TitleId, UnixMillis, paths};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::Failure;
use super::session::Session;
use crate::private_file;

/// Maximum bytes of the file.
const MAX_BYTES: u64 = 256 << 10;
/// Maximum positions that wait; the oldest goes first.
const MAX_WAITING: usize = 200;

/// One position that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Origin of the service.
    pub service: String,
    /// The account that watched.
    pub account: AccountId,
    /// The profile that watched; absent for the account's default.
    pub profile: Option<ProfileId>,
    /// The title.
    pub title: TitleId,
    /// The position in milliseconds.
    pub position_ms: u64,
    /// Time at which it was so, by this computer's clock.
    pub recorded_at: UnixMillis,
}

impl Waiting {
    fn is_same_place(&self, other: &Self) -> bool {
        let key = |waiting: &Self| {
            (waiting.service.clone(), waiting.account.clone(), waiting.profile.clone(), waiting.title.clone())
        };
        key(self) == key(other)
    }
}

/// The positions of one user that wait.
#[derive(Clone)]
pub struct PositionOutbox {
    path: Option<PathBuf>,
    /// Held while the file is read and written again.
    writing: Arc<Mutex<()>>,
}

impl PositionOutbox {
    /// Opens the outbox in a directory. Without a directory nothing is kept.
    pub fn new(directory: Option<&Path>) -> Self {
        Self { path: directory.map(|directory| directory.join("positions.json")), writing: Arc::default() }
    }

    /// Keeps a position in place of an older one of the same title. Blocks on the disk.
    pub fn add(&self, waiting: Waiting) {
        self.change(|kept| {
            kept.retain(|other| !other.is_same_place(&waiting));
            kept.push(waiting);
            let excess = kept.len().saturating_sub(MAX_WAITING);
            kept.drain(..excess);
        });
    }

    /// Returns the positions that wait for an account of a service. Blocks on the disk.
    pub fn of(&self, service: &str, account: &AccountId) -> Vec<Waiting> {
        let mut kept = self.load();
        kept.retain(|waiting| waiting.service == service && waiting.account == *account);
        kept
    }

    /// Removes a position that has been taken; a newer one of the same title stays. Blocks on the disk.
    pub fn remove(&self, taken: &Waiting) {
        self.change(|kept| kept.retain(|waiting| waiting != taken));
    }

    fn load(&self) -> Vec<Waiting> {
        let Some(path) = &self.path else { return Vec::new() };
        match private_file::read(path, MAX_BYTES) {
            Ok(bytes) => bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "the positions that wait could not be read");
                Vec::new()
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Waiting>)) {
        let Some(path) = &self.path else { return };
        let _guard = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.load();
        change(&mut kept);
        let written = serde_json::to_vec(&kept).map_err(Into::into).and_then(|bytes| private_file::write(path, &bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "the positions that wait could not be written");
        }
    }
}

/// Sends what waits for the signed-in account. A position that the service refuses is dropped, because it would be
/// refused again; one that it cannot take now stays.
pub async fn send(outbox: &PositionOutbox, session: &Session, service: &str) {
    let Some(account) = session.account().await else { return };
    let (here, service) = (outbox.clone(), service.to_owned());
    let Ok(waiting) = tokio::task::spawn_blocking(move || here.of(&service, &account)).await else { return };
    for waiting in waiting {
        let body = PutPosition {
            profile_id: waiting.profile.clone(),
            position_ms: waiting.position_ms,
            recorded_at: Some(waiting.recorded_at),
        };
        let path = paths::position(&waiting.title, None);
        let answer: Result<ResumePosition, Failure> = session.call(Method::PUT, &path, Some(&body)).await;
        match answer {
            Err(failure) if failure.is_outage() => return,
            Err(failure) => tracing::warn!(error = %failure.error, "a position that waited was refused"),
            Ok(_) => {}
        }
        let here = outbox.clone();
        // A task that ends by a panic has changed nothing: the position is sent again.
        let _ = tokio::task::spawn_blocking(move || here.remove(&waiting)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(account: &str, title: &str, position_ms: u64) -> Waiting {
        Waiting {
            service: "http://a".to_owned(),
            account: account.into(),
            profile: None,
            title: title.into(),
            position_ms,
            recorded_at: 1,
        }
    }

    #[test]
    fn the_latest_position_of_each_title_waits_for_its_own_account() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let outbox = PositionOutbox::new(Some(directory.path()));
        outbox.add(waiting("one", "film", 5));
        outbox.add(waiting("one", "film", 9));
        outbox.add(waiting("two", "film", 7));
        let again = PositionOutbox::new(Some(directory.path()));
        assert_eq!(again.of("http://a", &"one".into()), [waiting("one", "film", 9)]);
        assert_eq!(again.of("http://b", &"one".into()), []);
        again.remove(&waiting("one", "film", 5));
        assert_eq!(again.of("http://a", &"one".into()).len(), 1, "another position than the one sent stays");
        again.remove(&waiting("one", "film", 9));
        assert_eq!(again.of("http://a", &"one".into()), []);
        assert_eq!(again.of("http://a", &"two".into()), [waiting("two", "film", 7)]);
    }

    #[test]
    fn their_number_is_bounded_and_damage_counts_as_none() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let outbox = PositionOutbox::new(Some(directory.path()));
        for number in 0..MAX_WAITING + 5 {
            outbox.add(waiting("one", &number.to_string(), 1));
        }
        let kept = outbox.of("http://a", &"one".into());
        assert_eq!((kept.len(), kept[0].title.as_str()), (MAX_WAITING, "5"));
        std::fs::write(directory.path().join("positions.json"), b"[{").expect("writes");
        assert_eq!(outbox.of("http://a", &"one".into()), []);
        PositionOutbox::new(None).add(waiting("one", "film", 1));
    }
}
