//! Fuzz target: header fields of an origin's answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::answers(data));
