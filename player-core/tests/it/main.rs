//! Scenario tests of the engine in a virtual world: one behaviour a file.

#![expect(clippy::unwrap_used, reason = "tests")]

mod agreement;
mod captions;
mod commands;
mod drawn;
mod drawn_again;
mod drawn_wide;
mod ends;
mod failover;
mod faults;
mod first;
mod gaps;
mod hands;
mod instant;
mod live;
mod locked;
mod memory;
mod metadata;
mod network;
mod outputs;
mod packaging;
mod pathways;
mod patience;
mod plays;
mod properties;
mod quality;
mod real_bytes;
mod real_captions;
mod recorded;
mod reloads;
mod remote;
mod renderer;
mod replay;
mod report;
mod resume;
mod rule_input;
mod seeks;
mod sounds;
mod stalls;
mod support;
mod tracks;
mod waiting;
mod world;
