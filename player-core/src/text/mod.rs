//! Subtitles and captions: one cue model for every source format.

pub mod captions;
mod cea608;
mod cea708;
mod cue;
mod lines;
pub mod srt;
pub mod webvtt;

pub use cue::{
    Cue, CueLayout, CueSpan, LineAlign, LinePosition, PositionAlign, Region, SpanStyle, TextAlign, Vertical,
};

use serde_json::{Value, json};

use crate::time::MediaTime;
use webvtt::WebVttError;

/// Why a text file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Not WebVTT, or more of it than any film has.
    #[error(transparent)]
    WebVtt(#[from] WebVttError),
    /// Neither WebVTT nor SubRip.
    #[error("neither WebVTT nor SubRip text")]
    Unrecognised,
}

/// Describes the cues of a whole file, for reports: `{"protocol", "kind": "text", "cues": [{"start_s", "end_s",
/// "text"}]}`, with tags removed; an open end is null.
///
/// # Errors
/// When the file is not of a format that can be read.
pub fn describe(bytes: &[u8]) -> Result<Value, TextError> {
    match webvtt::parse(bytes) {
        Ok(document) => Ok(report("webvtt", &document.cues)),
        Err(WebVttError::NoSignature) => {
            srt::parse(bytes).map(|cues| report("srt", &cues)).ok_or(TextError::Unrecognised)
        }
        Err(error) => Err(error.into()),
    }
}

fn report(protocol: &str, cues: &[Cue]) -> Value {
    let end = |end: MediaTime| (end != MediaTime::MAX).then(|| end.as_secs_f64());
    let cues: Vec<_> = cues
        .iter()
        .map(|cue| json!({ "start_s": cue.start.as_secs_f64(), "end_s": end(cue.end), "text": cue.plain_text() }))
        .collect();
    json!({ "protocol": protocol, "kind": "text", "cues": cues })
}
