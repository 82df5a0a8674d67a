//! Samples: a descriptor plus a handle on the bytes. Logs and recordings hold descriptors only.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::drm::SampleCrypto;
use crate::time::MediaTime;

/// The bytes of a sample, shared and never copied. Serialises as its length; reading that back gives as many
/// zeros, so that a recorded session replays without recording the film.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(pub Bytes);

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} B", self.0.len())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.len() as u64)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let length = usize::try_from(u64::deserialize(deserializer)?).unwrap_or(usize::MAX).min(64 << 20);
        Ok(Self(Bytes::from(vec![0; length])))
    }
}

/// One access unit: a picture, or a frame of sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Presentation time on the timeline at hand.
    pub pts: MediaTime,
    /// Decoding time on the same timeline.
    pub dts: MediaTime,
    /// Duration of its presentation.
    pub duration: Duration,
    /// Decoding can begin here.
    pub key: bool,
    /// Its bytes, as stored (length-prefixed NAL units, raw AAC frames).
    pub payload: Payload,
    /// Encryption, if it is encrypted.
    pub crypto: Option<Arc<SampleCrypto>>,
}

impl Sample {
    /// First instant after it.
    pub fn end(&self) -> MediaTime {
        self.pts + self.duration
    }
}

/// Consecutive samples of one track, in decoding order. A piece of a segment, not a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fragment {
    /// The track's number in its initialisation data.
    pub track: u32,
    /// At least one, in decoding order.
    pub samples: Vec<Sample>,
}
