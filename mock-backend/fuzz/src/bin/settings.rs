//! Fuzz target: chaos plans, bandwidth traces and ladders.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::settings(data));
