//! Fuzz target: files of the event log.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::segments(data));
