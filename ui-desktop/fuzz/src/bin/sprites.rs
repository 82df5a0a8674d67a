//! Fuzz target: indexes of the pictures of a seek bar.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ui_desktop::api::Sprites::check(data));
