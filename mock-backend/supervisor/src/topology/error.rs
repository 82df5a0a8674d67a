//! Reasons to refuse a topology, each a sentence with the remedy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{MAX_PROCESSES, MAX_REPLICAS, MAX_TEXT};

/// A topology that is refused, and its place.
#[derive(Debug)]
pub struct TopologyError {
    /// File of the topology.
    pub file: PathBuf,
    /// Line, from 1; `None` if the whole file is meant.
    pub line: Option<usize>,
    /// The fault.
    pub problem: Problem,
}

impl TopologyError {
    pub(super) fn unreadable(file: &Path, source: io::Error) -> Self {
        Self { file: file.to_owned(), line: None, problem: Problem::Unreadable(source) }
    }
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.problem)
    }
}

impl std::error::Error for TopologyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Unreadable(source) => Some(source),
            _ => None,
        }
    }
}

/// A fault of a topology.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read as text.
    #[error("the topology cannot be read; give the path of a UTF-8 text file with --topology")]
    Unreadable(io::Error),
    /// More than [`MAX_TEXT`] bytes.
    #[error("a topology has at most {MAX_TEXT} bytes; remove what is not needed")]
    TooLong,
    /// Not TOML, an unknown key, or a value of another type.
    #[error("{0}; correct the line (docs/adr/0027-supervisor.md lists the keys)")]
    Syntax(String),
    /// No process, or more than [`MAX_PROCESSES`].
    #[error("a topology has 1 to {MAX_PROCESSES} processes, and this one has {0}; add or remove tables [[process]]")]
    ProcessCount(usize),
    /// A name with other characters, or of another length.
    #[error(
        "`{0}` cannot be a name: use 1 to 32 of a-z, 0-9 and hyphens, a letter first, and no number after a last hyphen"
    )]
    Name(String),
    /// Two processes with one name.
    #[error("two processes have the name `{0}`; rename one")]
    Duplicate(String),
    /// A dependency that does not exist.
    #[error("`{0}` is no process of this topology; correct the name or add the process")]
    UnknownProcess(String),
    /// Processes that wait for one another.
    #[error("{0} wait for one another and would never start; let one of them read {{addresses}} instead")]
    Circle(String),
    /// A placeholder that does not exist, or a brace without its pair.
    #[error(
        "`{0}` has a brace that is no placeholder; those are {{data}}, {{run}}, {{name}}, {{port}}, {{addresses}}, {{url:NAME}}, {{urls:NAME}}, and {{{{ and }}}} for braces"
    )]
    Placeholder(String),
    /// A number out of range.
    #[error("`{key}` is {value}, and must be {least} to {most}")]
    Range {
        /// The key.
        key: &'static str,
        /// The value.
        value: u64,
        /// Smallest value.
        least: u64,
        /// Greatest value.
        most: u64,
    },
    /// A number of replicas out of range, or several at one port.
    #[error("a process has 1 to {MAX_REPLICAS} replicas, one if `port` is set; change `replicas`")]
    Replicas,
    /// More than one process with the role `backend`.
    #[error("`{0}` is a second backend; give one of them another role")]
    SecondBackend(String),
    /// A text that is empty, too long, or has a control character.
    #[error("`{0}` must be a text of 1 to 4096 bytes without control characters")]
    Text(&'static str),
    /// Too many entries of a list.
    #[error("`{0}` has more than 64 entries; remove some")]
    TooMany(&'static str),
    /// A path of a probe without a leading slash, or with other characters than those of an address.
    #[error("`{0}` is no path of a probe; write one such as /readyz")]
    ProbePath(String),
    /// A variable's name that the system does not take.
    #[error("`{0}` is no name of an environment variable; use letters, digits and underscores")]
    Variable(String),
}
