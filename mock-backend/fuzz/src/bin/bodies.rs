//! Fuzz target: JSON bodies of calls.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::bodies(data));
