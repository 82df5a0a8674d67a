//! Where tokens are kept between starts: the operating system's keyring, else an encrypted file, else memory.
//!
//! Every call may block (D-Bus, disk) and belongs on a blocking thread. Nothing else in the app writes a secret
//! to disk.

mod file;
mod memory;
mod os;

use std::path::Path;
use std::sync::Arc;

use kinora_api::Secret;

pub use file::FileStore;
pub use memory::MemoryStore;
pub use os::OsStore;

/// Why a secret could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The operating system's keyring said no.
    #[error("the system keyring refused: {0}")]
    Keyring(String),
    /// A file could not be read or written.
    #[error("the file of secrets could not be used: {0}")]
    Io(#[from] std::io::Error),
    /// The file is not what was written.
    #[error("the file of secrets is damaged")]
    Damaged,
}

/// Keeps named secrets.
pub trait SecretStore: Send + Sync {
    /// Where it keeps them, for the settings page.
    fn place(&self) -> &'static str;

    /// The secret of a name, `None` when there is none.
    fn get(&self, name: &str) -> Result<Option<Secret>, SecretError>;

    /// Keeps a secret under a name, replacing the one before.
    fn set(&self, name: &str, secret: &Secret) -> Result<(), SecretError>;

    /// Forgets a secret; not having one is no error.
    fn delete(&self, name: &str) -> Result<(), SecretError>;
}

/// Which store to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretChoice {
    /// The keyring when it works, else the file, else memory.
    #[default]
    Auto,
    /// The keyring, else memory.
    Os,
    /// The encrypted file, else memory.
    File,
    /// Nothing is kept.
    Memory,
}

impl SecretChoice {
    /// From the value of `KINORA_SECRETS`; anything unknown counts as not set.
    pub fn from_env(value: Option<&str>) -> Self {
        match value {
            Some("os") => Self::Os,
            Some("file") => Self::File,
            Some("memory") => Self::Memory,
            _ => Self::Auto,
        }
    }
}

/// A store, and a sentence for the viewer when it is not the one to be expected.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn SecretStore>,
    /// What the viewer should know, once.
    pub notice: Option<String>,
}

/// Opens the best store that works. Each candidate is probed by writing, reading and deleting, because a keyring that
/// is running but locked says that all is well until something is written. Blocks, for 150 ms with a keyring.
pub fn open(choice: SecretChoice, directory: Option<&Path>) -> Opened {
    let os = matches!(choice, SecretChoice::Auto | SecretChoice::Os);
    let file = matches!(choice, SecretChoice::Auto | SecretChoice::File);
    if os && let Some(store) = probed(OsStore) {
        return Opened { store, notice: None };
    }
    if file
        && let Some(directory) = directory
        && let Some(store) = FileStore::open(directory).ok().and_then(probed)
    {
        let notice = (choice == SecretChoice::Auto).then(|| {
            "No system keyring was found: your sign-in is kept in an encrypted file that only your user can read."
                .to_owned()
        });
        return Opened { store, notice };
    }
    let notice = (choice != SecretChoice::Memory)
        .then(|| "Your sign-in cannot be kept on this computer and will be asked for at the next start.".to_owned());
    Opened { store: Arc::new(MemoryStore::default()), notice }
}

fn probed(store: impl SecretStore + 'static) -> Option<Arc<dyn SecretStore>> {
    const NAME: &str = "probe";
    let probe = Secret::new(format!("probe-{}", std::process::id()));
    let outcome = (|| {
        store.set(NAME, &probe)?;
        let back = store.get(NAME)?;
        store.delete(NAME)?;
        Ok::<_, SecretError>(back)
    })();
    match outcome {
        Ok(Some(back)) if back == probe => Some(Arc::new(store)),
        Ok(_) => {
            tracing::info!(place = store.place(), "the store of secrets forgets what it is told");
            None
        }
        Err(error) => {
            tracing::info!(place = store.place(), %error, "the store of secrets cannot be used");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_read_from_its_documented_words() {
        assert_eq!(SecretChoice::from_env(Some("os")), SecretChoice::Os);
        assert_eq!(SecretChoice::from_env(Some("file")), SecretChoice::File);
        assert_eq!(SecretChoice::from_env(Some("memory")), SecretChoice::Memory);
        assert_eq!(SecretChoice::from_env(Some("elsewhere")), SecretChoice::Auto);
        assert_eq!(SecretChoice::from_env(None), SecretChoice::Auto);
    }

    #[test]
    fn a_folder_that_cannot_be_made_falls_back_to_memory_with_a_notice() {
        let opened = open(SecretChoice::File, Some(Path::new("/dev/null/kinora")));
        assert_eq!(opened.store.place(), MemoryStore::default().place());
        assert!(opened.notice.is_some());
        let asked_for = open(SecretChoice::Memory, None);
        assert!(asked_for.notice.is_none());
    }
}
