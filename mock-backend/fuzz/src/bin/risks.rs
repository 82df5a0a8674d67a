//! Fuzz target: files of events, and places of networks.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::risks(data));
