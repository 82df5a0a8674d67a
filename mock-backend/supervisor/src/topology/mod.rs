//! The processes of a system, as a TOML file describes them. [`Topology::parse`] is the only way to one, so that every topology
//! is consistent: names are unique, dependencies exist and have no circle, numbers are in range.

mod error;
mod file;
mod order;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::error::{Problem, TopologyError};
pub use self::template::{Piece, Template};

/// Maximum size of a topology's text in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// Maximum number of processes in a topology.
pub const MAX_PROCESSES: usize = 64;
/// Maximum number of replicas of a process.
pub const MAX_REPLICAS: usize = 16;

/// Processes in an order in which each comes after those that it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    processes: Vec<Process>,
}

/// A program that runs in one or several replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Unique name.
    pub name: String,
    /// Program that is run.
    pub program: Program,
    /// Its arguments.
    pub arguments: Vec<Template>,
    /// Variables in addition to the environment of the supervisor.
    pub environment: BTreeMap<String, Template>,
    /// Services that it runs, for people and the ready line.
    pub services: Vec<String>,
    /// Its part in the system.
    pub role: Role,
    /// Number of replicas, 1 to [`MAX_REPLICAS`].
    pub replicas: usize,
    /// Places, in [`Topology::processes`], of the processes that are ready before it starts; each is smaller than its own.
    pub after: Vec<usize>,
    /// Lines by which it announces its address.
    pub ready_line: ReadyLine,
    /// Owner of the socket that it listens on.
    pub socket: Socket,
    /// Port of its only replica; without one, a free port is taken and kept.
    pub port: Option<u16>,
    /// Times and thresholds.
    pub policy: Policy,
    /// True if the arguments or the environment of another process contain its address.
    pub is_named_by_others: bool,
}

/// The file that is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A name in the folder of the supervisor's own program.
    Bundled(String),
    /// A path, absolute or relative to the folder of the topology.
    Path(PathBuf),
}

/// The part of a process in the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Applications use its address; a topology has one at most.
    Backend,
    /// A service behind it.
    Service,
    /// An edge.
    Edge,
}

/// Lines on the standard output by which a process announces itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadyLine {
    /// `listening on URL`.
    #[default]
    Address,
    /// A JSON object in addition; the address may be in its field `backend` or `url` instead.
    Json,
}

/// The owner of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Socket {
    /// The process binds it.
    #[default]
    Own,
    /// The supervisor binds it and hands it to each process as the standard input.
    Handed,
}

/// Times and thresholds of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Time from the start of the program until it must answer its probe.
    pub start: Duration,
    /// Time between the withdrawal of an address and the request to end.
    pub leave: Duration,
    /// Time from the request to end until the process is killed.
    pub drain: Duration,
    /// Probes.
    pub probe: ProbePolicy,
    /// Restarts.
    pub restart: RestartPolicy,
}

/// Requests by which the state of a process is learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePolicy {
    /// Path with a leading slash.
    pub path: String,
    /// Time between the answer to a probe and the next one, once the process was ready.
    pub every: Duration,
    /// The same before it was ready for the first time.
    pub every_at_start: Duration,
    /// Time to answer.
    pub timeout: Duration,
    /// Ready answers in a row that make a process ready.
    pub ready_after: u32,
    /// Other answers, or silence, in a row that make a ready process unready.
    pub unready_after: u32,
    /// Probes in a row without an answer after which a process is killed.
    pub hung_after: u32,
}

/// Pauses before restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Pause before the second restart; the first one is immediate.
    pub first: Duration,
    /// Maximum pause.
    pub cap: Duration,
    /// Time of being ready after which earlier failures are forgotten.
    pub quiet: Duration,
    /// Failures in a row that are reported as a crash loop.
    pub loop_after: u32,
}

impl Topology {
    /// Reads a topology. `file` is for messages only.
    ///
    /// # Errors
    /// [`TopologyError`], with the line and the remedy.
    pub fn parse(file: &Path, text: &str) -> Result<Self, TopologyError> {
        file::read(file, text)
    }

    /// Reads a topology from a file.
    ///
    /// # Errors
    /// [`TopologyError`], also when the file cannot be read.
    pub fn load(file: &Path) -> Result<Self, TopologyError> {
        let limit = MAX_TEXT as u64 + 1;
        let mut text = String::new();
        let read = std::fs::File::open(file)
            .and_then(|open| std::io::Read::read_to_string(&mut std::io::Read::take(open, limit), &mut text));
        read.map_err(|source| TopologyError::unreadable(file, source))?;
        Self::parse(file, &text)
    }

    /// Returns all processes, at least one; each comes after those that it depends on.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// Returns the place of a process.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.processes.iter().position(|process| process.name == name)
    }
}

impl Process {
    /// Returns the name of a replica, whose number begins with 1: `edge`, `edge-2`.
    pub fn replica_name(&self, number: usize) -> String {
        if number == 1 { self.name.clone() } else { format!("{}-{number}", self.name) }
    }

    /// Returns true if a second process may start while the only one serves.
    pub fn may_overlap(&self) -> bool {
        self.replicas == 1 && (self.socket == Socket::Handed || self.may_move())
    }

    /// Returns true if its only replica may be replaced by one at another address. The addresses of a backend and of edges are known
    /// to applications.
    pub fn may_move(&self) -> bool {
        self.socket == Socket::Own && self.role == Role::Service && self.port.is_none() && !self.is_named_by_others
    }
}
