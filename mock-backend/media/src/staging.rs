//! Builds a directory out of sight and puts it in place at the end, so that a reader sees all of a title or nothing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{IngestError, record, slug, versions};

/// Names of directories under construction begin with this; a leading dot keeps them out of listings.
const PREFIX: &str = ".ingest-";
/// Held locked by the process that builds; a directory whose lock is free was left by a process that died.
const LOCK: &str = ".lock";
/// How many suffixes are tried for an id that is taken.
const MAX_COLLISIONS: u32 = 1000;

/// A directory under construction. Dropping it removes it with everything in it.
#[derive(Debug)]
pub(super) struct Staging {
    dir: tempfile::TempDir,
    /// Open, and locked, for as long as the directory is under construction.
    _lock: File,
}

impl Staging {
    /// Starts a directory inside `parent`, which is created if need be, after removing what dead processes left there.
    pub(super) fn new(parent: &Path) -> Result<Self, IngestError> {
        fs::create_dir_all(parent).map_err(IngestError::io(parent))?;
        sweep(parent);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).map_err(IngestError::io(parent))?;
        // Locked before it gets its name: whoever finds the file finds it locked.
        let (unnamed, path) = (dir.path().join("lock"), dir.path().join(LOCK));
        let lock = File::create(&unnamed).map_err(IngestError::io(&unnamed))?;
        lock.lock().map_err(IngestError::io(&unnamed))?;
        fs::rename(&unnamed, &path).map_err(IngestError::io(&path))?;
        fs::create_dir(dir.path().join("title")).map_err(IngestError::io(dir.path()))?;
        fs::create_dir(dir.path().join("work")).map_err(IngestError::io(dir.path()))?;
        Ok(Self { dir, _lock: lock })
    }

    /// The directory that will become the title.
    pub(super) fn title(&self) -> PathBuf {
        self.dir.path().join("title")
    }

    /// A directory for files that nobody will see.
    pub(super) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Puts the title in place under `id`, in one step where the system can. The one that was there stays readable under its
    /// version for those who play it.
    pub(super) fn replace(self, parent: &Path, id: &str) -> Result<(), IngestError> {
        let (title, target) = (self.title(), parent.join(id));
        sync(&title)?;
        if target.exists() {
            swap(&title, &target, &self.dir.path().join("old")).map_err(IngestError::io(&target))?;
        } else {
            fs::rename(&title, &target).map_err(IngestError::io(&target))?;
        }
        if let Some(old) = record::read_in(&title, id) {
            versions::retire(parent, &title, &old)?;
        }
        sync_names(parent)
    }

    /// Puts the title in place under `id`, or `id-2`, `id-3`… if that is taken, and returns the id that was free.
    ///
    /// `record` is called with each id before it is tried: it writes the record, the last file of a title.
    pub(super) fn place(
        self,
        parent: &Path,
        id: &str,
        mut record: impl FnMut(&Path, &str) -> Result<(), IngestError>,
    ) -> Result<String, IngestError> {
        for n in 1..=MAX_COLLISIONS {
            let candidate = slug::candidate(id, n);
            let target = parent.join(&candidate);
            if target.exists() {
                continue;
            }
            record(&self.title(), &candidate)?;
            sync(&self.title())?;
            match fs::rename(self.title(), &target) {
                Ok(()) => {
                    sync_names(parent)?;
                    return Ok(candidate);
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty) => {}
                Err(source) => return Err(IngestError::io(&target)(source)),
            }
        }
        Err(IngestError::BadId { id: id.to_owned() })
    }
}

/// Brings everything below a directory to the disk before it gets its name: a title that is there after a power failure is whole.
///
/// One call for the file system rather than one for each of some thousand files.
fn sync(dir: &Path) -> Result<(), IngestError> {
    let opened = File::open(dir).map_err(IngestError::io(dir))?;
    #[cfg(target_os = "linux")]
    let synced = rustix::fs::syncfs(&opened).map_err(io::Error::from);
    #[cfg(not(target_os = "linux"))]
    let synced = {
        rustix::fs::sync();
        opened.sync_all()
    };
    synced.map_err(IngestError::io(dir))
}

/// Brings the names in a directory to the disk.
fn sync_names(dir: &Path) -> Result<(), IngestError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(IngestError::io(dir))
}

/// Exchanges two directories, through the name `spare` where the system has no call for it: then there is a moment without
/// `there`.
fn swap(here: &Path, there: &Path, spare: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, here, CWD, there, RenameFlags::EXCHANGE) {
            // Some file systems cannot.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            other => return Ok(other?),
        }
    }
    fs::rename(there, spare)?;
    fs::rename(here, there)?;
    fs::rename(spare, here)
}

/// Removes directories whose builder is gone. Best effort: what cannot be removed now is tried again next time.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let abandoned = File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, path = %entry.path().display(), "cannot remove an abandoned ingest");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_a_dead_process_left_is_swept_and_live_work_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join(".ingest-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        let unfinished = parent.path().join(".ingest-without-lock");
        fs::create_dir(&unfinished).unwrap();
        let live = Staging::new(parent.path()).unwrap();
        let _other = Staging::new(parent.path()).unwrap();
        assert!(!dead.exists());
        assert!(unfinished.exists(), "it may be about to get its lock");
        assert!(live.title().is_dir() && live.work().is_dir());
    }

    #[test]
    fn a_dropped_staging_leaves_nothing_and_a_placed_one_only_the_title() {
        let parent = tempfile::tempdir().unwrap();
        drop(Staging::new(parent.path()).unwrap());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        fs::create_dir(parent.path().join("film")).unwrap();
        let staging = Staging::new(parent.path()).unwrap();
        let mut tried = Vec::new();
        let id = staging.place(parent.path(), "film", |dir, id| {
            tried.push(id.to_owned());
            fs::write(dir.join("record"), id).map_err(IngestError::io(dir))
        });
        assert_eq!((id.unwrap().as_str(), tried), ("film-2", vec!["film-2".to_owned()]));
        assert_eq!(fs::read(parent.path().join("film-2/record")).unwrap(), b"film-2");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 2);
    }
}
