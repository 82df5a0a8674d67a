//! MPEG-2 transport streams (ISO/IEC 13818-1) as HLS carries them (RFC 8216bis §3.1.1, §3.1.3, §3.4): one program,
//! one segment to a demuxer, which may begin with the state of the segment before it.
//!
//! `packet` finds packets, `counters` notices missing ones, `psi` and `stream_type` identify the streams, `pes` and
//! `clock` when their units are presented, `video` and [`super::audio`] cut the units, `packets` reads streams with one
//! unit in a packet, `assembly` orders the output, `demuxer` puts it together.

mod assembly;
pub(super) mod clock;
mod counters;
mod demuxer;
mod describe;
mod packet;
mod packets;
mod pes;
mod psi;
mod stream;
mod stream_type;
#[cfg(test)]
pub(crate) mod testmux;
#[cfg(test)]
mod tests;
mod video;

pub(super) use demuxer::{TsDemuxer, read_init};
pub(super) use describe::describe;
pub(super) use packet::{PACKET, looks_like};
