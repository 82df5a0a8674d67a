//! Fuzz target: answers of ffprobe.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::probes(data));
