//! What elementary streams come to, whichever container carries them: access units and changes of configuration.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{CodecConfig, Payload, Sample, SampleCrypto};
use crate::time::MediaTime;

/// One access unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// When it is presented, in media time.
    pub pts: MediaTime,
    /// When it is decoded, in media time.
    pub dts: MediaTime,
    /// How long it is presented.
    pub duration: Duration,
    /// Decoding can begin here.
    pub key: bool,
    /// Its bytes as a decoder wants them.
    pub payload: Bytes,
    /// How many bytes it took in the stream, start codes and headers included.
    pub stored: usize,
    /// How it is encrypted, when it is.
    pub crypto: Option<Arc<SampleCrypto>>,
}

impl Unit {
    /// The sample.
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

/// What came out of some bytes of an elementary stream, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// How the units after it are coded; told once before the first one and whenever it changes.
    Config(Box<CodecConfig>),
    /// An access unit.
    Unit(Unit),
    /// An ID3 tag, and the time at which it stands when that is known.
    Tag(Option<MediaTime>, Bytes),
}
