//! Fuzz target: tokens in signed paths and in header fields.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::tokens(data));
