//! Fuzz target: HLS playlists.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| player_core_fuzz::m3u8(data));
