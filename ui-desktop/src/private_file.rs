//! Files that only their owner may read, replaced as a whole, and read within a limit.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Returns the bytes of a file, or `None` when there is no such file.
///
/// # Errors
/// `InvalidData` when the file is larger than `limit` bytes; otherwise the system's own error.
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know that there are too many, even when the file grows meanwhile.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(Some(bytes))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the file is larger than any of its kind"))
    }
}

/// Replaces a file at once: a reader sees the old bytes or the new ones. The file has mode 0600 from its first byte on;
/// folders that are missing are made.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // A temporary file that stays would leave private bytes behind; a failure to remove it changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_private_bounded_and_replaced_as_a_whole() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let path = directory.path().join("below/file.json");
        assert!(matches!(read(&path, 10), Ok(None)));
        write(&path, b"first").expect("writes");
        write(&path, b"second").expect("writes");
        assert_eq!(read(&path, 6).expect("reads"), Some(b"second".to_vec()));
        assert_eq!(read(&path, 5).expect_err("too large").kind(), io::ErrorKind::InvalidData);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(directory.path().join("below")).expect("lists").count(), 1, "nothing temporary stays");
    }
}
