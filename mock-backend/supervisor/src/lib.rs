//! The supervisor: starts the processes of a topology, probes them, restarts what dies or hangs, and replaces them one by one.
//!
//! * [`topology`] — the processes, read from a TOML file and checked;
//! * [`replica`], [`fleet`] — all decisions, without a clock or a system call: one replica, and all of them;
//! * [`moment`], [`backoff`] — time as a value, pauses before restarts.

#![warn(missing_docs)]

pub mod backoff;
pub mod fleet;
pub mod moment;
pub mod replica;
pub mod topology;
