//! Fuzz target: forms of `/link` and user codes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::forms(data));
