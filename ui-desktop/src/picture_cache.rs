//! Pictures of the service on disk, so that posters are there at once at the next start and while the service is away.
//!
//! The address of a picture changes when the picture does, so a kept file is never out of date. All files together are
//! bounded; those used longest ago go first. They hold what the service sent: whoever reads one decodes it within limits,
//! and calls [`PictureCache::forget`] for one that is damaged.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::private_file;

/// Maximum bytes of one file. A larger picture is fetched each time.
const MAX_FILE: u64 = 2 << 20;
/// Maximum bytes of all files together.
const MAX_TOTAL: u64 = 64 << 20;

/// Reads and writes the pictures of one service. Every call blocks on the disk.
#[derive(Clone, Debug)]
pub struct PictureCache {
    directory: Option<PathBuf>,
    service: String,
    total: u64,
}

impl PictureCache {
    /// Creates the cache of a service, known by its origin, below a directory. Without a directory nothing is kept.
    pub fn new(directory: Option<&Path>, service: String) -> Self {
        Self { directory: directory.map(|directory| directory.join("pictures")), service, total: MAX_TOTAL }
    }

    /// Returns the file of a picture; `None` when it was not kept or cannot be read.
    pub fn load(&self, path: &str) -> Option<Vec<u8>> {
        let file = self.file(path)?;
        match private_file::read(&file, MAX_FILE) {
            Ok(bytes) => {
                if bytes.is_some() {
                    // The time of the last use decides what goes first; a failure only makes it go earlier.
                    let _ =
                        fs::File::options().append(true).open(&file).and_then(|f| f.set_modified(SystemTime::now()));
                }
                bytes
            }
            Err(error) => {
                tracing::info!(%error, "a kept picture could not be read");
                None
            }
        }
    }

    /// Keeps a picture. A failure is only logged: the service has the original.
    pub fn store(&self, path: &str, bytes: &[u8]) {
        let Some(file) = self.file(path) else { return };
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE)
            && let Err(error) = private_file::write(&file, bytes).and_then(|()| self.drop_oldest())
        {
            tracing::info!(%error, "a picture could not be kept");
        }
    }

    /// Deletes a picture that cannot be used.
    pub fn forget(&self, path: &str) {
        // A file that cannot be deleted is replaced by the next answer of the service.
        let _ = self.file(path).map(fs::remove_file);
    }

    /// Deletes all pictures, of every service; not having any is no error.
    pub fn clear(&self) {
        let Some(directory) = &self.directory else { return };
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the kept pictures could not be deleted");
            }
            _ => {}
        }
    }

    fn file(&self, path: &str) -> Option<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (&self.service, path).hash(&mut hasher);
        Some(self.directory.as_ref()?.join(format!("{:016x}", hasher.finish())))
    }

    fn drop_oldest(&self) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let files = fs::read_dir(directory)?.filter_map(|file| {
            let metadata = file.as_ref().ok()?.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), file.ok()?.path()))
        });
        let mut files: Vec<(SystemTime, u64, PathBuf)> = files.collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if total <= self.total {
                break;
            }
            fs::remove_file(path)?;
            total -= length;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_finds_its_own_pictures_and_sign_out_deletes_them() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let cache = PictureCache::new(Some(directory.path()), "http://a".to_owned());
        assert_eq!(cache.load("/v1/images/one.jpg"), None);
        cache.store("/v1/images/one.jpg", b"one");
        cache.store("/v1/images/two.jpg", b"two");
        assert_eq!(cache.load("/v1/images/one.jpg").as_deref(), Some(&b"one"[..]));
        let elsewhere = PictureCache::new(Some(directory.path()), "http://b".to_owned());
        assert_eq!(elsewhere.load("/v1/images/one.jpg"), None);
        cache.forget("/v1/images/one.jpg");
        assert_eq!((cache.load("/v1/images/one.jpg"), cache.load("/v1/images/two.jpg").is_some()), (None, true));
        cache.clear();
        cache.clear();
        assert_eq!(cache.load("/v1/images/two.jpg"), None);
        PictureCache::new(None, "http://a".to_owned()).store("/v1/images/one.jpg", b"one");
    }

    #[test]
    fn files_are_bounded_and_those_used_longest_ago_go_first() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let cache = PictureCache { total: 10, ..PictureCache::new(Some(directory.path()), "http://a".to_owned()) };
        let age = |path: &str, seconds: u64| {
            let file = fs::File::options().append(true).open(cache.file(path).expect("a name")).expect("is there");
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            file.set_modified(at).expect("sets the time");
        };
        for (seconds, path) in [(1, "/a"), (2, "/b")] {
            cache.store(path, b"four");
            age(path, seconds);
        }
        assert!(cache.load("/a").is_some(), "a use makes it the newest");
        cache.store("/c", b"four");
        assert_eq!(["/a", "/b", "/c"].map(|path| cache.load(path).is_some()), [true, false, true]);
        let huge = vec![0; usize::try_from(MAX_FILE).expect("fits") + 1];
        cache.store("/d", &huge);
        assert_eq!(cache.load("/d"), None);
    }
}
