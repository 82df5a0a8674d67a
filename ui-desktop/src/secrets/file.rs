//! Secrets in one encrypted file that only its owner can read.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a random key in a file beside it, both of mode 0600. This keeps
//! secrets out of backups of the one file, of accidental pastes and of other users; it does not protect them from a
//! program that runs as the same user, which is why a keyring is preferred and the viewer is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chacha20poly1305::aead::{Aead, Generate as _, Key, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use kinora_api::Secret;

use super::{SecretError, SecretStore};
use crate::private_file;

const KEY_FILE: &str = "secrets.key";
const DATA_FILE: &str = "secrets.bin";
const NONCE_BYTES: usize = 24;
/// A file larger than this is not ours.
const MAX_BYTES: u64 = 1 << 20;

/// Keeps secrets in a file.
pub struct FileStore {
    directory: PathBuf,
    cipher: XChaCha20Poly1305,
    /// Held while the file is read and written again.
    writing: Mutex<()>,
}

impl FileStore {
    /// Opens or makes the store in a directory.
    ///
    /// # Errors
    /// The directory or the key cannot be made or read, or the key is not one.
    pub fn open(directory: &Path) -> Result<Self, SecretError> {
        fs::create_dir_all(directory)?;
        let path = directory.join(KEY_FILE);
        let key = match read_limited(&path)? {
            Some(bytes) => Key::<XChaCha20Poly1305>::try_from(bytes.as_slice()).map_err(|_| SecretError::Damaged)?,
            None => {
                let key = Key::<XChaCha20Poly1305>::generate();
                private_file::write(&path, &key)?;
                key
            }
        };
        let cipher = XChaCha20Poly1305::new(&key);
        Ok(Self { directory: directory.to_owned(), cipher, writing: Mutex::new(()) })
    }

    fn load(&self) -> Result<BTreeMap<String, Secret>, SecretError> {
        let Some(bytes) = read_limited(&self.directory.join(DATA_FILE))? else { return Ok(BTreeMap::new()) };
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or(SecretError::Damaged)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| SecretError::Damaged)?;
        let plain = self.cipher.decrypt(&nonce, sealed).map_err(|_| SecretError::Damaged)?;
        serde_json::from_slice(&plain).map_err(|_| SecretError::Damaged)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Secret>)) -> Result<(), SecretError> {
        let _guard = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // A damaged file is begun anew: its secrets are lost already, and the viewer signs in again.
        let mut secrets = match self.load() {
            Err(SecretError::Damaged) => BTreeMap::new(),
            other => other?,
        };
        change(&mut secrets);
        let plain = serde_json::to_vec(&secrets).map_err(|_| SecretError::Damaged)?;
        let nonce = XNonce::generate();
        let sealed = self.cipher.encrypt(&nonce, plain.as_slice()).map_err(|_| SecretError::Damaged)?;
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&sealed);
        Ok(private_file::write(&self.directory.join(DATA_FILE), &bytes)?)
    }
}

impl SecretStore for FileStore {
    fn place(&self) -> &'static str {
        "in an encrypted file of your user"
    }

    fn get(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        Ok(self.load()?.remove(name))
    }

    fn set(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        self.change(|secrets| drop(secrets.insert(name.to_owned(), secret.clone())))
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.change(|secrets| drop(secrets.remove(name)))
    }
}

fn read_limited(path: &Path) -> Result<Option<Vec<u8>>, SecretError> {
    private_file::read(path, MAX_BYTES).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => SecretError::Damaged,
        _ => error.into(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn secrets_survive_a_restart_and_are_private_and_sealed() {
        let directory = tempfile::tempdir().unwrap();
        let store = FileStore::open(directory.path()).unwrap();
        assert_eq!(store.get("a").unwrap(), None);
        store.set("a", &"first".into()).unwrap();
        store.set("b", &"second secret".into()).unwrap();
        store.delete("a").unwrap();
        store.delete("never there").unwrap();
        let again = FileStore::open(directory.path()).unwrap();
        assert_eq!(again.get("a").unwrap(), None);
        assert_eq!(again.get("b").unwrap(), Some("second secret".into()));
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names.len(), 2, "nothing temporary stays: {names:?}");
        for path in names {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"second"), "{path:?} holds a secret in clear");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
            }
        }
    }

    #[test]
    fn a_damaged_file_is_told_and_can_be_begun_anew() {
        let directory = tempfile::tempdir().unwrap();
        let store = FileStore::open(directory.path()).unwrap();
        store.set("a", &"secret".into()).unwrap();
        let path = directory.path().join(DATA_FILE);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(store.get("a"), Err(SecretError::Damaged)));
        store.set("b", &"other".into()).unwrap();
        assert_eq!(store.get("b").unwrap(), Some("other".into()));
        fs::write(directory.path().join(KEY_FILE), b"short").unwrap();
        assert!(matches!(FileStore::open(directory.path()), Err(SecretError::Damaged)));
    }
}
