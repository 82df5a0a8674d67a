//! Inputs and outputs of the fleet: plain data.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::replica::{Answer, Phase, Report};
use crate::topology::Role;

/// A process that was started; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run(pub u64);

/// A request of an operator; its reply carries the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Answer to [`Output::Spawn`]: the process runs.
    Spawned {
        /// The process.
        run: Run,
        /// Its identifier in the system.
        pid: u32,
    },
    /// Answer to [`Output::Spawn`]: there is no process.
    NotSpawned {
        /// The process that is none.
        run: Run,
        /// Reason given by the system.
        reason: String,
    },
    /// A process announced itself.
    Listening {
        /// The process.
        run: Run,
        /// Its address, without a slash at its end.
        url: String,
        /// Port of the address.
        port: u16,
        /// Its JSON line; empty without one.
        announced: Map<String, Value>,
    },
    /// Answer to [`Output::Probe`].
    Probed {
        /// The process.
        run: Run,
        /// Its answer.
        answer: Answer,
    },
    /// A process has ended.
    Exited {
        /// The process.
        run: Run,
        /// Exit status or signal, for people.
        status: String,
    },
    /// An operator wants the replicas of a process, or one replica, started anew at once.
    Restart {
        /// The request.
        request: RequestId,
        /// Name of a process or a replica.
        name: String,
    },
    /// An operator wants replicas replaced one by one.
    Roll {
        /// The request.
        request: RequestId,
        /// Name of a process; `None` for all, in the order of their dependencies.
        name: Option<String>,
    },
    /// An operator wants another number of replicas, until the supervisor ends.
    Scale {
        /// The request.
        request: RequestId,
        /// Name of a process.
        name: String,
        /// Number of replicas.
        replicas: usize,
    },
    /// An operator wants all replicas of a process ended, until it is started or scaled, or the supervisor ends.
    Stop {
        /// The request.
        request: RequestId,
        /// Name of a process.
        name: String,
    },
    /// An operator wants a process that was stopped to run again, with as many replicas as before.
    Start {
        /// The request.
        request: RequestId,
        /// Name of a process.
        name: String,
    },
    /// The supervisor should end; the second time, at once.
    Shutdown,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Start a process; [`Input::Spawned`] or [`Input::NotSpawned`] follows.
    Spawn {
        /// The process.
        run: Run,
        /// Place of its description in the topology.
        process: usize,
        /// Name of the replica.
        name: String,
        /// Port to listen on, 0 for a free one.
        port: u16,
    },
    /// Ask a process for its state.
    Probe {
        /// The process.
        run: Run,
        /// Place of its description in the topology.
        process: usize,
        /// Its address.
        url: String,
    },
    /// Ask a process to end.
    Terminate(Run),
    /// Kill a process and its group.
    Kill(Run),
    /// Make known what happened.
    Event(Event),
    /// Replace the published addresses.
    Publish(Vec<Address>),
    /// Everything runs that can: print the ready line.
    Announce(Announcement),
    /// Answer an operator.
    Reply {
        /// The request.
        request: RequestId,
        /// Sentences about what was done, or the reason why it was not.
        result: Result<Vec<String>, String>,
    },
    /// All processes have ended after [`Input::Shutdown`].
    Finished,
}

/// Something that happened, for the log and for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Milliseconds since the supervisor began.
    pub at_ms: u64,
    /// The replica.
    pub name: String,
    /// The event itself.
    #[serde(flatten)]
    pub report: Report,
}

/// A replica that is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Address {
    /// Name of the process.
    pub process: String,
    /// Name of the replica.
    pub name: String,
    /// Its part in the system.
    pub role: Role,
    /// Its base address, without a slash at its end.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// Services that it runs.
    pub services: Vec<String>,
}

/// Content of the ready line.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// All that is ready.
    pub addresses: Vec<Address>,
    /// The JSON lines of processes, the first of each field wins; lists named `edges` are joined.
    pub announced: Map<String, Value>,
}

/// The state of a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Name of the replica; a process that replaces another has the same.
    pub name: String,
    /// Name of the process.
    pub process: String,
    /// Its part in the system.
    pub role: Role,
    /// Services that it runs.
    pub services: Vec<String>,
    /// Its state.
    pub phase: Phase,
    /// Milliseconds for which it has been in this state.
    pub phase_ms: u64,
    /// Its process.
    pub pid: Option<u32>,
    /// Its latest address.
    pub url: Option<String>,
    /// Processes started after the first one.
    pub restarts: u64,
    /// Failures in a row.
    pub failures: u32,
    /// True while it fails again and again.
    pub is_looping: bool,
}
