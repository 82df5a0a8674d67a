//! Fuzz target: captions inside pictures.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| player_core_fuzz::captions(data));
