//! The settings on disk: one small JSON file, replaced as a whole. Not for secrets.

use std::fs;
use std::path::{Path, PathBuf};

use crate::state::Settings;

/// A larger file is not ours.
const MAX_BYTES: u64 = 64 << 10;

/// Reads and writes the settings of one user.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: Option<PathBuf>,
}

impl SettingsFile {
    /// The file in a directory; without one nothing is kept.
    pub fn new(directory: Option<&Path>) -> Self {
        Self { path: directory.map(|directory| directory.join("settings.json")) }
    }

    /// The settings as they were written, or the defaults where they cannot be read.
    pub fn load(&self) -> Settings {
        let Some(path) = &self.path else { return Settings::default() };
        match fs::metadata(path) {
            Ok(metadata) if metadata.len() <= MAX_BYTES => {}
            _ => return Settings::default(),
        }
        fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Writes the settings down. Losing them is no reason to disturb anybody, so a failure is only logged.
    pub fn save(&self, settings: &Settings) {
        let Some(path) = &self.path else { return };
        let written = (|| {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            let temporary = path.with_extension(format!("new-{}", std::process::id()));
            fs::write(&temporary, serde_json::to_vec_pretty(settings)?)?;
            fs::rename(&temporary, path)
        })();
        if let Err(error) = written {
            tracing::warn!(%error, "the settings could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
