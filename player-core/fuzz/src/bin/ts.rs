//! Fuzz target: transport streams, whole and in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| player_core_fuzz::ts(data));
