//! Fuzz target: WebVTT.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mock_backend_fuzz::subtitles(data));
