//! Fuzz target: WebVTT files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| player_core_fuzz::webvtt(data));
