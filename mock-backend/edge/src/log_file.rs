//! The file of a request log: put aside when it is large, opened again when it was moved or could not be written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// When a log's file is put aside for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes from which on a file is put aside; at least one line is always written.
    pub max_bytes: u64,
    /// Files that are kept beside the current one, as `NAME.1` (the newest) to `NAME.N`; 0 keeps none.
    pub keep: u32,
}

impl Default for Rotation {
    /// 64 MiB, and four files beside the current one.
    fn default() -> Self {
        Self { max_bytes: 64 * 1024 * 1024, keep: 4 }
    }
}

/// Takes whole lines: each of them, or an error and nothing that a later line could be mistaken for.
pub(super) trait LineWriter: Send {
    /// Writes lines, each with its line feed.
    fn write_lines(&mut self, lines: &[u8]) -> io::Result<()>;
}

/// A file that whole lines are appended to.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    rotation: Rotation,
    /// `None` after a failure: it is opened again for the next lines.
    file: Option<File>,
}

impl LogFile {
    /// Opens the file at `path`, which is made together with its directory when it is not there.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        let file = append(path)?;
        Ok(Self { path: path.to_owned(), rotation, file: Some(file) })
    }

    /// The file to write to: the one that is open, unless it was moved away or removed, or has to be put aside now.
    fn current(&mut self, more: u64) -> io::Result<&mut File> {
        let opened = self.file.take().filter(|file| is_at(file, &self.path));
        let mut file = match opened {
            Some(file) => file,
            None => append(&self.path)?,
        };
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() > 0 && metadata.len().saturating_add(more) > self.rotation.max_bytes {
            match self.put_aside() {
                Ok(()) => file = append(&self.path)?,
                // A log that grows too large is better than none.
                Err(error) => tracing::warn!(%error, path = %self.path.display(), "the request log cannot be rotated"),
            }
        }
        Ok(self.file.insert(file))
    }

    fn put_aside(&self) -> io::Result<()> {
        let numbered = |n: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        for n in (1..self.rotation.keep).rev() {
            match fs::rename(numbered(n), numbered(n + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match self.rotation.keep {
            0 => fs::remove_file(&self.path),
            _ => fs::rename(&self.path, numbered(1)),
        }
    }
}

impl LineWriter for LogFile {
    fn write_lines(&mut self, lines: &[u8]) -> io::Result<()> {
        let file = self.current(lines.len() as u64)?;
        let before = file.metadata()?.len();
        let written = file.write_all(lines);
        if written.is_err() {
            // A part of a line would spoil the next one. Devices cannot be shortened and hold no part.
            let _ = file.set_len(before);
            self.file = None;
        }
        written
    }
}

/// Whether the file at `path` is the one that is open.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn append(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::LineWriter as _;
    use super::{LogFile, Rotation};
    use std::fs;

    fn text(path: &std::path::Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_large_file_is_put_aside_and_the_oldest_goes() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("log");
        let mut log = LogFile::open(&path, Rotation { max_bytes: 8, keep: 2 }).expect("it opens");
        for line in ["1\n", "22\n", "333\n", "4444\n", "55555\n", "a line longer than the limit\n", "7\n"] {
            log.write_lines(line.as_bytes()).expect("it is written");
        }
        assert_eq!(text(&path), "7\n");
        assert_eq!(text(&dir.path().join("log.1")), "a line longer than the limit\n");
        assert_eq!(text(&dir.path().join("log.2")), "55555\n");
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 3);
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("log");
        let mut log = LogFile::open(&path, Rotation::default()).expect("it opens");
        log.write_lines(b"before\n").expect("it is written");
        fs::rename(&path, dir.path().join("moved")).expect("it is moved");
        log.write_lines(b"after\n").expect("it is written");
        assert_eq!((text(&path).as_str(), text(&dir.path().join("moved")).as_str()), ("after\n", "before\n"));
    }
}
