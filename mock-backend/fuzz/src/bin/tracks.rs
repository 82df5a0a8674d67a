//! Fuzz target: fragmented MP4 files of ffmpeg.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kinora_backend_fuzz::tracks(data));
