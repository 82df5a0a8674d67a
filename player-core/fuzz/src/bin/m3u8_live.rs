//! Fuzz target: states of an HLS playlist that grows.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| player_core_fuzz::m3u8_live(data));
