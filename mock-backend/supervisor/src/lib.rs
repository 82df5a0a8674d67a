//! The supervisor: starts the processes of a topology, probes them, restarts what dies or hangs, and replaces them one by one.
//!
//! * [`topology`] — the processes, read from a TOML file and checked;
//! * [`replica`], [`fleet`] — all decisions, without a clock or a system call: one replica, and all of them;
//! * [`moment`], [`backoff`], [`announcement`] — time as a value, pauses before restarts, ready lines;
//! * [`operator`] — commands that show and change what runs;
//! * [`shell`] — carries the decisions out: processes, probes, files, the control socket. [`shell::start`] is the way in.

#![warn(missing_docs)]

pub mod announcement;
pub mod backoff;
pub mod fleet;
pub mod moment;
pub mod operator;
pub mod replica;
pub mod shell;
pub mod topology;
