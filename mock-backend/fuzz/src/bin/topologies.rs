//! Fuzz target: topologies of the supervisor, and ready lines of processes.
#![no_main]

#[path = "../topology.rs"]
mod topology;

libfuzzer_sys::fuzz_target!(|data: &[u8]| topology::topologies(data));
