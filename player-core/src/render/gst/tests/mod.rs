//! The renderer against real media: one behaviour a file.
//!
//! Deadlines are hang guards only; nothing is asserted about wall-clock time.
#![expect(clippy::unwrap_used, reason = "tests")]

mod clock;
mod decoding;
mod failures;
mod flooding;
mod media;
mod playing;
mod rates;
mod rig;
mod seeking;
mod stepping;
mod switching;
