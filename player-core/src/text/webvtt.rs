//! WebVTT files (W3C TR webvtt1), with the `X-TIMESTAMP-MAP` of HLS (RFC 8216bis §3.1.4).
//!
//! `file` cuts a file into blocks, `timing` and `settings` read the first line of a cue, `cue_text` its text,
//! `style` the style sheets. What a conforming reader ignores is ignored here, without a word.

use serde::{Deserialize, Serialize};

use super::Cue;
use crate::time::MediaTime;

mod cue_text;
mod entity;
mod file;
#[cfg(test)]
mod leniency;
mod settings;
mod style;
#[cfg(test)]
mod tests;
mod timing;

/// `X-TIMESTAMP-MAP`: cue time `local` is media time `mpegts` (90 kHz ticks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampMap {
    /// 90 kHz ticks of the media timeline.
    pub mpegts: u64,
    /// The cue time that corresponds.
    pub local: MediaTime,
}

/// Content of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// In file order, in the file's own time.
    pub cues: Vec<Cue>,
    /// Relation of its time to the media's, if declared.
    pub timestamp_map: Option<TimestampMap>,
}

/// Reasons why a file is not WebVTT.
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
/// Style sheets are applied to the spans, so colours are final. Ruby text stands in parentheses after its base.
///
/// # Errors
/// When the signature is missing or a limit is exceeded.
pub fn parse(bytes: &[u8]) -> Result<Document, WebVttError> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    if text.contains('\0') { file::parse(&text.replace('\0', "\u{fffd}")) } else { file::parse(&text) }
}

/// A cue from its parts, as WebVTT in ISO media files stores them (ISO/IEC 14496-30 §7.4). `settings` and
/// `payload` are as in a file; regions and style sheets, which such files keep elsewhere, are not applied.
pub fn cue(id: Option<String>, (start, end): (MediaTime, MediaTime), settings: &str, payload: &str) -> Cue {
    let layout = settings::parse(settings, &[]);
    let id = id.filter(|id| !id.is_empty());
    let sheet = style::StyleSheet::default();
    let spans = cue_text::parse(payload, id.as_deref(), &sheet, &mut cue_text::Budget::default());
    Cue { id, start, end, spans, layout, forced: false }
}
