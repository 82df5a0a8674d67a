//! Fuzz target: manifests behind filters.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::filters(data));
