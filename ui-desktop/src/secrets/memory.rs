//! Secrets that are gone with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kinora_api::Secret;

use super::{SecretError, SecretStore};

/// Keeps secrets in memory only.
#[derive(Default)]
pub struct MemoryStore {
    secrets: Mutex<BTreeMap<String, Secret>>,
}

impl SecretStore for MemoryStore {
    fn place(&self) -> &'static str {
        "in memory, until the app is closed"
    }

    fn get(&self, name: &str) -> Result<Option<Secret>, SecretError> {
        Ok(self.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn set(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}
