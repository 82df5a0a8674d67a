//! Scenario tests of the engine in a virtual world: one behaviour a file.

#![expect(clippy::unwrap_used, reason = "tests")]

mod commands;
mod ends;
mod failover;
mod faults;
mod gaps;
mod locked;
mod plays;
mod properties;
mod quality;
mod real_bytes;
mod renderer;
mod replay;
mod seeks;
mod stalls;
mod support;
mod tracks;
