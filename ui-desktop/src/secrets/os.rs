//! The operating system's keyring: Secret Service, Keychain or Credential Manager.
//!
//! The backend is chosen once per process; a keyring daemon that starts later is found at the next start of the app.

use keyring::{Entry, Error};
use kinora_api::Secret;

use super::{SecretError, SecretStore};

/// The name under which entries appear in the system's own tools.
const SERVICE: &str = "kinora";

/// Keeps secrets in the keyring.
pub struct OsStore;

impl SecretStore for OsStore {
    fn place(&self) -> &'static str {
        "in the system keyring"
    }

    fn get(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        match entry(name)?.get_password() {
            Ok(secret) => Ok(Some(Secret::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }

    fn set(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        entry(name)?.set_password(secret.expose()).map_err(|error| refused(&error))
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }
}

fn entry(name: &str) -> Result<Entry, SecretError> {
    Entry::new(SERVICE, name).map_err(|error| refused(&error))
}

fn refused(error: &Error) -> SecretError {
    SecretError::Keyring(error.to_string())
}
