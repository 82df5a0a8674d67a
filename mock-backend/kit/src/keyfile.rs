//! Secrets on disk: made once, readable by their owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use aws_lc_rs::error::Unspecified;

/// Fills an array with bytes of the operating system's generator.
///
/// # Errors
/// When the system has no randomness to give; nothing that needs a secret may go on then.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|Unspecified| io::Error::other("the system gave no random bytes"))?;
    Ok(bytes)
}

/// The file's text; when there is none, what `make` answers, after it was written with mode 0600.
///
/// Two processes that start at once agree: the file appears whole or not at all, and the one that comes second reads what the
/// first wrote.
///
/// # Errors
/// Of the file system, and those of `make`.
pub fn load_or_create(path: &Path, make: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let text = make()?;
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let written = write_private(&draft, &text).and_then(|()| match fs::hard_link(&draft, path) {
        Ok(()) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(path),
        Err(error) => Err(error),
    });
    let removed = fs::remove_file(&draft);
    let text = written?;
    removed?;
    Ok(text)
}

/// Puts `text` in the place of a file, with mode 0600. It appears whole or not at all.
///
/// # Errors
/// Of the file system.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    write_private(&draft, text).and_then(|()| fs::rename(&draft, path))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{load_or_create, random, replace};

    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("key");
        for text in ["one", "two"] {
            replace(&path, text).expect("written");
            assert_eq!(std::fs::read_to_string(&path).expect("the file exists"), text);
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("the directory exists").count(), 1, "no draft is left");
    }

    #[test]
    fn a_secret_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("deep/key");
        let first = load_or_create(&path, || Ok("one".to_owned())).expect("created");
        let second = load_or_create(&path, || Ok("two".to_owned())).expect("read");
        assert_eq!((first.as_str(), second.as_str()), ("one", "one"));
        let entries = std::fs::read_dir(dir.path().join("deep")).expect("the directory exists").count();
        assert_eq!(entries, 1, "no draft is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).expect("the file exists").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random::<16>().expect("randomness"), random::<16>().expect("randomness"));
    }
}
