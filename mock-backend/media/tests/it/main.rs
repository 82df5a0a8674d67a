//! Integration tests of the packager with ffmpeg, one binary for all. One module for each behaviour.

#![expect(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod looped;
mod media;
