//! Sound that is not in an MP4 file: frames that find themselves, in transport streams and in packed audio
//! (RFC 8216bis §3.1.4).
//!
//! `header` knows what frames look like, `splitter` cuts and times them, `latm` unpacks a multiplex, `id3` reads the
//! tags, `protect` finds the encrypted parts, `packed` is the demuxer of packed audio.

pub(super) mod header;
pub(super) mod id3;
mod latm;
mod packed;
pub(super) mod protect;
pub(super) mod splitter;
#[cfg(test)]
mod tests;

pub(super) use packed::{PackedDemuxer, describe, row};
