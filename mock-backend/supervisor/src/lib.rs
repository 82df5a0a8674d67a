//! The supervisor: starts the processes of a topology, probes them, restarts what dies or hangs, and replaces them one by one.
//!
//! * [`topology`] — a TOML file, read and checked.

#![warn(missing_docs)]

pub mod topology;
