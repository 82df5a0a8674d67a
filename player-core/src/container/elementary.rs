//! Output of elementary streams, whichever container carries them: access units and changes of configuration.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{CodecConfig, Payload, Sample, SampleCrypto};
use crate::time::MediaTime;

/// An access unit with its times.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// Presentation time, in media time.
    pub pts: MediaTime,
    /// Decoding time, in media time.
    pub dts: MediaTime,
    /// Duration of its presentation.
    pub duration: Duration,
    /// Decoding can begin here.
    pub key: bool,
    /// Its bytes as a decoder wants them.
    pub payload: Bytes,
    /// Number of bytes in the stream, start codes and headers included.
    pub stored: usize,
    /// Encryption, if it is encrypted.
    pub crypto: Option<Arc<SampleCrypto>>,
}

impl Unit {
    /// Returns the unit as a sample.
    pub fn into_sample(self) -> Sample {
        Sample {
            pts: self.pts,
            dts: self.dts,
            duration: self.duration,
            key: self.key,
            payload: Payload(self.payload),
            crypto: self.crypto,
        }
    }
}

/// Output of an elementary stream, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// Coding of the units after it; given once before the first one and whenever it changes.
    Config(Box<CodecConfig>),
    Unit(Unit),
    /// An ID3 tag, and the time at which it stands when that is known.
    Tag(Option<MediaTime>, Bytes),
}
