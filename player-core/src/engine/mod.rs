//! The engine: sans-IO, one owner, deterministic.

pub mod io;

use crate::config::PlayerConfig;
use crate::error::PlayerError;
use crate::snapshot::Snapshot;
use crate::telemetry::SessionStats;
use crate::time::Now;
use io::{Input, Output};

/// The playback engine.
#[derive(Debug)]
pub struct Engine {
    config: PlayerConfig,
}

impl Engine {
    /// An idle engine.
    ///
    /// # Errors
    /// `InvalidArgument` when the configuration names no known adaptive rule.
    pub fn new(config: PlayerConfig) -> Result<Self, PlayerError> {
        Ok(Self { config })
    }

    /// Takes one input.
    pub fn handle_input(&mut self, _now: Now, _input: Input) {}

    /// Lets time pass.
    pub fn advance(&mut self, _now: Now) {}

    /// The next output, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When `advance` must be called next.
    pub fn poll_timeout(&self) -> Option<Now> {
        None
    }

    /// Changes whenever the snapshot does.
    pub fn snapshot_version(&self) -> u64 {
        0
    }

    /// What a host draws from.
    pub fn snapshot(&self, _now: Now) -> Snapshot {
        let _ = &self.config;
        Snapshot::default()
    }

    /// The session's counters.
    pub fn stats(&self, _now: Now) -> SessionStats {
        SessionStats::default()
    }
}
