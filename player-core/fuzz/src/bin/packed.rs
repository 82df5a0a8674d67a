//! Fuzz target: packed audio, whole and in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| player_core_fuzz::packed(data));
