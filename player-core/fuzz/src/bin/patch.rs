//! Fuzz target: changes of DASH manifests.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| player_core_fuzz::patch(data));
