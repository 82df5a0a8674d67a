//! The home screens that were last seen, on disk, so that the app has something to show while the service is away.
//!
//! One file for each service and account, of mode 0600 and bounded size. A file that is damaged, of another version or
//! of another account counts as absent: it is a copy, and the service has the original.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kinora_api::{Account, AccountId, Home, ProfileId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::private_file;

/// Version of the file's form; another version is not read.
const VERSION: u32 = 1;
/// Maximum bytes of a file. A larger home screen is not kept.
const MAX_BYTES: u64 = 2 << 20;
/// Maximum profiles of which the home screen is kept; the one seen longest ago goes first.
const MAX_PROFILES: usize = 6;
/// Maximum accounts that have a file; the one written longest ago goes first.
const MAX_ACCOUNTS: usize = 4;

/// An account and its home screens as they were last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedAccount {
    version: u32,
    /// Origin of the service.
    service: String,
    /// The account as the service last described it.
    pub account: Account,
    homes: Vec<CachedHome>,
}

/// The home screen of one profile as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedHome {
    /// The profile; absent for the account's default profile.
    pub profile: Option<ProfileId>,
    /// Time of the answer, by this computer's clock.
    pub seen_at: UnixMillis,
    /// The answer.
    pub home: Home,
}

impl CachedAccount {
    /// Returns the home screens, the one seen last first.
    pub fn into_homes(self) -> Vec<CachedHome> {
        self.homes
    }

    #[cfg(test)]
    fn home(&self, profile: Option<&ProfileId>) -> Option<&CachedHome> {
        self.homes.iter().find(|home| home.profile.as_ref() == profile)
    }
}

/// Reads and writes the home screens that one service showed. Every call blocks on the disk.
#[derive(Clone, Debug)]
pub struct HomeCache {
    directory: Option<PathBuf>,
    service: String,
}

impl HomeCache {
    /// Creates the cache of a service, known by its origin, below a directory. Without a directory nothing is kept.
    pub fn new(directory: Option<&Path>, service: String) -> Self {
        Self { directory: directory.map(|directory| directory.join("home")), service }
    }

    /// Returns what was kept of an account; `None` when nothing was or the file cannot be used.
    pub fn load(&self, account: &AccountId) -> Option<CachedAccount> {
        let bytes = match private_file::read(&self.path(account)?, MAX_BYTES) {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(%error, "the kept home screen could not be read");
                return None;
            }
        };
        let kept: CachedAccount = serde_json::from_slice(&bytes).ok()?;
        let fits = kept.version == VERSION && kept.service == self.service && kept.account.id == *account;
        fits.then_some(kept)
    }

    /// Keeps the home screen of a profile. A failure is only logged: the service has the original.
    pub fn store(&self, account: &Account, home: CachedHome) {
        let Some(path) = self.path(&account.id) else { return };
        let mut homes = self.load(&account.id).map(|kept| kept.homes).unwrap_or_default();
        homes.retain(|kept| kept.profile != home.profile);
        homes.insert(0, home);
        homes.truncate(MAX_PROFILES);
        let mut kept =
            CachedAccount { version: VERSION, service: self.service.clone(), account: account.clone(), homes };
        let written = loop {
            let bytes = match serde_json::to_vec(&kept) {
                Ok(bytes) => bytes,
                Err(error) => break Err(error.into()),
            };
            if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_BYTES) {
                break private_file::write(&path, &bytes);
            }
            if kept.homes.pop().is_none() {
                break Err(std::io::Error::other("the account is larger than the limit"));
            }
        };
        match written {
            Ok(()) => self.drop_oldest(),
            Err(error) => tracing::warn!(%error, "the home screen could not be kept"),
        }
    }

    /// Deletes what was kept of an account; not having anything is no error.
    pub fn forget(&self, account: &AccountId) {
        let Some(path) = self.path(account) else { return };
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the kept home screen could not be deleted");
            }
            _ => {}
        }
    }

    fn path(&self, account: &AccountId) -> Option<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (&self.service, account).hash(&mut hasher);
        Some(self.directory.as_ref()?.join(format!("{:016x}.json", hasher.finish())))
    }

    fn drop_oldest(&self) {
        let Some(files) = self.directory.as_ref().and_then(|directory| fs::read_dir(directory).ok()) else { return };
        let mut files: Vec<(SystemTime, PathBuf)> = files
            .filter_map(|file| {
                let file = file.ok()?;
                Some((file.metadata().ok()?.modified().ok()?, file.path()))
            })
            .collect();
        files.sort();
        for (_, path) in files.iter().take(files.len().saturating_sub(MAX_ACCOUNTS)) {
            if let Err(error) = fs::remove_file(path) {
                tracing::warn!(%error, "an old home screen could not be deleted");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinora_api::{Profile, Row, RowKind};

    fn account(id: &str) -> Account {
        Account {
            id: id.into(),
            email: format!("{id}@kinora.example"),
            display_name: id.to_owned(),
            max_streams: 1,
            has_pin: false,
            profiles: vec![Profile { id: "p".into(), name: "P".to_owned(), ..Profile::default() }],
        }
    }

    fn seen(profile: Option<&str>, seen_at: UnixMillis, heading: &str) -> CachedHome {
        let row = Row {
            id: "all".to_owned(),
            kind: RowKind::All,
            heading: heading.to_owned(),
            titles: Vec::new(),
            next: None,
        };
        CachedHome { profile: profile.map(Into::into), seen_at, home: Home { rows: vec![row], ..Home::default() } }
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(directory.join("home")).expect("lists").flatten().map(|file| file.path()).collect();
        files.sort();
        files
    }

    #[test]
    fn each_account_and_profile_finds_its_own_and_nothing_of_others() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let cache = HomeCache::new(Some(directory.path()), "http://a".to_owned());
        assert_eq!(cache.load(&"one".into()), None);
        cache.store(&account("one"), seen(None, 5, "first"));
        cache.store(&account("one"), seen(Some("kids"), 6, "for children"));
        cache.store(&account("one"), seen(None, 7, "second"));
        let kept = cache.load(&"one".into()).expect("it was kept");
        assert_eq!(kept.home(None), Some(&seen(None, 7, "second")));
        assert_eq!(kept.home(Some(&"kids".into())), Some(&seen(Some("kids"), 6, "for children")));
        assert_eq!(kept.home(Some(&"other".into())), None);
        assert_eq!(cache.load(&"two".into()), None);
        let elsewhere = HomeCache::new(Some(directory.path()), "http://b".to_owned());
        assert_eq!(elsewhere.load(&"one".into()), None);
        cache.forget(&"one".into());
        cache.forget(&"one".into());
        assert_eq!(cache.load(&"one".into()), None);
        HomeCache::new(None, "http://a".to_owned()).store(&account("one"), seen(None, 5, "first"));
    }

    #[test]
    fn damaged_foreign_and_oversized_files_count_as_absent() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let cache = HomeCache::new(Some(directory.path()), "http://a".to_owned());
        let store = || cache.store(&account("one"), seen(None, 5, "first"));
        store();
        let path = files(directory.path()).remove(0);
        let whole = fs::read_to_string(&path).expect("reads");
        let damaged = [
            whole[..whole.len() / 2].to_owned(),
            String::new(),
            whole.replace("\"version\":1", "\"version\":2"),
            whole.replace("\"id\":\"one\"", "\"id\":\"two\""),
            " ".repeat(usize::try_from(MAX_BYTES).expect("fits") + 1) + &whole,
        ];
        for text in damaged {
            fs::write(&path, &text).expect("writes");
            assert_eq!(cache.load(&"one".into()), None, "{} bytes", text.len());
            store();
            assert!(cache.load(&"one".into()).is_some(), "a file that cannot be used is replaced");
        }
    }

    #[test]
    fn the_number_of_files_and_their_size_are_bounded_and_they_are_private() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let cache = HomeCache::new(Some(directory.path()), "http://a".to_owned());
        for number in 0..2 * MAX_ACCOUNTS {
            cache.store(&account(&number.to_string()), seen(None, 1, "all"));
        }
        assert_eq!(files(directory.path()).len(), MAX_ACCOUNTS);
        for number in 0..2 * MAX_PROFILES {
            cache.store(&account("many"), seen(Some(&number.to_string()), 1, "all"));
        }
        assert_eq!(cache.load(&"many".into()).expect("kept").homes.len(), MAX_PROFILES);
        let huge = "x".repeat(usize::try_from(MAX_BYTES).expect("fits"));
        cache.store(&account("many"), seen(None, 1, &huge));
        for path in files(directory.path()) {
            let metadata = fs::metadata(&path).expect("is there");
            assert!(metadata.len() <= MAX_BYTES);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
            }
        }
    }
}
