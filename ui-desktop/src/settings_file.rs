//! The settings on disk, what was chosen for titles, and recent searches: small JSON files, each replaced as a whole. Not
//! for secrets.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::private_file;
use crate::state::{Choices, RecentSearches, Settings};

/// Maximum bytes of a file; a larger one is not ours.
const MAX_BYTES: u64 = 512 << 10;
/// File of the settings.
const SETTINGS: &str = "settings.json";
/// File of what was chosen for titles.
const CHOICES: &str = "choices.json";
/// File of recent searches.
const RECENT: &str = "searches.json";

/// Reads and writes the settings of one user.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    directory: Option<PathBuf>,
}

impl SettingsFile {
    /// Opens the files in a directory; without one nothing is kept.
    pub fn new(directory: Option<&Path>) -> Self {
        Self { directory: directory.map(Path::to_owned) }
    }

    /// Returns the settings as they were written, or the defaults where they cannot be read.
    pub fn load(&self) -> Settings {
        self.read(SETTINGS)
    }

    /// Writes the settings down.
    pub fn save(&self, settings: &Settings) {
        self.write(SETTINGS, settings);
    }

    /// Returns what was chosen for titles, or nothing where it cannot be read.
    pub fn load_choices(&self) -> Choices {
        self.read(CHOICES)
    }

    /// Writes down what was chosen for titles.
    pub fn save_choices(&self, choices: &Choices) {
        self.write(CHOICES, choices);
    }

    /// Returns recent searches, or none where they cannot be read.
    pub fn load_recent(&self) -> RecentSearches {
        self.read(RECENT)
    }

    /// Writes recent searches down.
    pub fn save_recent(&self, recent: &RecentSearches) {
        self.write(RECENT, recent);
    }

    fn read<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        let Some(directory) = &self.directory else { return T::default() };
        match private_file::read(&directory.join(name), MAX_BYTES) {
            Ok(bytes) => bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, name, "a file of settings could not be read");
                T::default()
            }
        }
    }

    /// Replaces a file. Losing settings is no reason to disturb a viewer, so a failure is only logged.
    fn write<T: Serialize>(&self, name: &str, value: &T) {
        let Some(directory) = &self.directory else { return };
        let bytes = serde_json::to_vec_pretty(value).map_err(Into::into);
        if let Err(error) = bytes.and_then(|bytes| private_file::write(&directory.join(name), &bytes)) {
            tracing::warn!(%error, name, "a file of settings could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn settings_survive_a_restart_and_damage_means_defaults() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let file = SettingsFile::new(Some(&directory.path().join("below")));
        assert_eq!(file.load(), Settings::default());
        let settings = Settings { volume: 0.25, last_email: "a@b.example".to_owned(), ..Settings::default() };
        file.save(&settings);
        assert_eq!(file.load(), settings);
        fs::write(directory.path().join("below/settings.json"), b"{ not json").expect("writes");
        assert_eq!(file.load(), Settings::default());
        SettingsFile::new(None).save(&settings);
        let mut choices = Choices::default();
        choices.change(&"a".into(), &"film".into(), |choice| choice.rate = Some(1.5));
        file.save_choices(&choices);
        assert_eq!(file.load_choices(), choices);
        let mut recent = RecentSearches::default();
        recent.note(&"a".into(), &"p".into(), "night");
        file.save_recent(&recent);
        assert_eq!(file.load_recent(), recent);
        fs::write(directory.path().join("below/choices.json"), b"[{").expect("writes");
        assert_eq!(file.load_choices(), Choices::default());
    }
}
