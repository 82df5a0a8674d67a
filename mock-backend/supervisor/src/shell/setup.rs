//! The set-up of a supervisor, checked before anything is started.

use std::io;
use std::path::{Path, PathBuf};

use crate::topology::{Process, Program, Topology};

/// The set-up of a supervisor.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The processes.
    pub topology: Topology,
    /// Folder that paths of programs are relative to: that of the topology.
    pub folder: PathBuf,
    /// Folder of programs that the topology names without a path.
    pub programs: PathBuf,
    /// Data directory, made if it is absent.
    pub data: PathBuf,
}

/// Reasons for which a supervisor does not start; nothing runs then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A program is not where it should be.
    #[error(
        "the program of `{process}`, {}, is missing: build it with `cargo build --workspace`, or correct `program`",
        path.display()
    )]
    MissingProgram {
        /// The process.
        process: String,
        /// Place of its program.
        path: PathBuf,
    },
    /// A path cannot be given to programs as text.
    #[error("{} is not UTF-8; use a directory whose name is", .0.display())]
    NotText(PathBuf),
    /// The folder of the run cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Reason given by the system.
        source: io::Error,
    },
    /// A port cannot be bound.
    #[error("the port of `{process}` cannot be used: {source}; end the program that has it, or change `port`")]
    Port {
        /// The process.
        process: String,
        /// Reason given by the system.
        source: io::Error,
    },
    /// Another supervisor uses the data directory.
    #[error("another supervisor runs with {}; end it first, or give another directory with --data", data.display())]
    Taken {
        /// The data directory.
        data: PathBuf,
    },
    /// The path of the control socket is too long for the system.
    #[error("{} is too long for a socket (107 bytes); use a data directory with a shorter path", path.display())]
    SocketPath {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses a thread, a signal handler or an HTTP client.
    #[error("the supervisor cannot be set up: {0}")]
    System(io::Error),
}

impl Setup {
    /// The set-up of a topology's file. Programs without a path lie beside the program that runs.
    ///
    /// # Errors
    /// When the path of the program that runs is unknown.
    pub fn new(topology: Topology, file: &Path, data: PathBuf) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let folder = |file: &Path| file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self {
            topology,
            folder: std::path::absolute(file).map(|file| folder(&file))?,
            programs: folder(&program),
            data,
        })
    }

    /// Path of the program of a process.
    pub(super) fn program(&self, process: &Process) -> PathBuf {
        match &process.program {
            Program::Bundled(name) => self.programs.join(name),
            Program::Path(path) => self.folder.join(path),
        }
    }

    /// Checks that all programs exist.
    pub(super) fn check(&self) -> Result<(), StartError> {
        for process in self.topology.processes() {
            let path = self.program(process);
            if !path.is_file() {
                return Err(StartError::MissingProgram { process: process.name.clone(), path });
            }
        }
        Ok(())
    }
}
