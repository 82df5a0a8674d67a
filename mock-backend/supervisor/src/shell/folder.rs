//! The folder of a run, `DATA/run`: the lock, the control socket, the addresses. Its mode is 0700.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio::net::UnixListener;

use super::setup::StartError;
use crate::fleet::io::Address;

/// Maximum length of a socket's path in bytes (unix(7), `sun_path` with its end).
const MAX_SOCKET_PATH: usize = 107;

/// The folder; locked for as long as it lives.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    _lock: File,
}

#[derive(Serialize)]
struct Addresses<'a> {
    addresses: &'a [Address],
}

impl RunFolder {
    /// Makes the folder below a data directory, and locks it.
    ///
    /// # Errors
    /// When it cannot be made, or another supervisor has it.
    pub(super) fn open(data: &Path) -> Result<Self, StartError> {
        let path = data.join("run");
        let unusable = |source| StartError::Folder { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
        fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(unusable)?;
        let file = path.join("supervisor.lock");
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.clone(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::Taken { data: data.to_owned() }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// File with the addresses of all that is ready.
    pub(super) fn addresses(&self) -> PathBuf {
        self.path.join("addresses.json")
    }

    /// Replaces the file of addresses whole.
    pub(super) fn publish(&self, addresses: &[Address]) -> io::Result<()> {
        let draft = self.path.join("addresses.draft");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        serde_json::to_writer(&mut file, &Addresses { addresses })?;
        file.write_all(b"\n")?;
        fs::rename(draft, self.addresses())
    }

    /// Binds the control socket, in place of one that an earlier supervisor left.
    pub(super) fn bind(&self) -> Result<UnixListener, StartError> {
        let path = socket(&self.path);
        if path.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(StartError::SocketPath { path });
        }
        let unusable = |source| StartError::Folder { path: path.clone(), source };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(unusable)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(unusable)?;
        Ok(listener)
    }

    /// Removes what is no longer true once nothing runs.
    pub(super) fn clear(&self) {
        // What stays is replaced by the next supervisor.
        drop((fs::remove_file(socket(&self.path)), self.publish(&[])));
    }
}

/// The control socket of a folder.
pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join("supervisor.sock")
}

#[cfg(test)]
mod tests {
    use super::{RunFolder, StartError};
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn a_folder_has_one_supervisor_and_is_private() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let folder = RunFolder::open(data.path()).expect("it is free");
        let taken = RunFolder::open(data.path()).expect_err("it is taken");
        assert!(matches!(taken, StartError::Taken { .. }), "{taken}");
        let listener = folder.bind().expect("bound");
        folder.publish(&[]).expect("published");
        for (file, mode) in [("", 0o700), ("supervisor.sock", 0o600), ("addresses.json", 0o600)] {
            let permissions = std::fs::metadata(folder.path().join(file)).expect("it exists").permissions();
            assert_eq!(permissions.mode() & 0o777, mode, "{file}");
        }
        assert_eq!(std::fs::read_to_string(folder.addresses()).expect("readable"), "{\"addresses\":[]}\n");
        // A socket that was left is replaced.
        drop((listener, folder));
        RunFolder::open(data.path()).expect("it is free again").bind().expect("bound again");
    }

    #[tokio::test]
    async fn a_path_too_long_for_a_socket_is_refused() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let folder = RunFolder::open(&data.path().join("long".repeat(30))).expect("it is free");
        assert!(matches!(folder.bind(), Err(StartError::SocketPath { .. })));
    }
}
