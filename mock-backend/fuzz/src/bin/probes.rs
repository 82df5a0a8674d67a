//! Fuzz target: answers of ffprobe.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mock_backend_fuzz::probes(data));
