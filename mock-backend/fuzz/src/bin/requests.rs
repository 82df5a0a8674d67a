//! Fuzz target: header fields of requests.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::requests(data));
