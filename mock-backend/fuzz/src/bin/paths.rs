//! Fuzz target: request paths and queries.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::paths(data));
