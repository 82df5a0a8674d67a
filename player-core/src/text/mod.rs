//! Subtitles and captions: one cue model for every source format.

pub mod captions;
mod cea608;
mod cea708;
mod color;
mod cue;
mod encoding;
mod file;
mod lines;
#[cfg(test)]
mod records;
pub mod srt;
pub mod ttml;
pub mod webvtt;

pub use cue::{
    Area, Cue, CueLayout, CueSpan, DisplayAlign, EdgeKind, FontFamily, LineAlign, LinePosition, PositionAlign, Region,
    SpanStyle, TextAlign, TextEdge, Vertical,
};

pub use file::{TextError, TextFile, TextFormat, read};

use serde_json::{Value, json};

use crate::time::MediaTime;

/// Cues of a file at most. A day of dense captions has about half as many.
pub const MAX_CUES: usize = 100_000;

/// Describes the cues of a whole file, for reports: `{"protocol", "kind": "text", "warnings", "cues": [{"start_s",
/// "end_s", "text"}]}`, with tags removed; an open end is null.
///
/// # Errors
/// When the file is not of a format that can be read.
pub fn describe(bytes: &[u8]) -> Result<Value, TextError> {
    let file = read(bytes)?;
    let end = |end: MediaTime| (end != MediaTime::MAX).then(|| end.as_secs_f64());
    let described =
        |cue: &Cue| json!({ "start_s": cue.start.as_secs_f64(), "end_s": end(cue.end), "text": cue.plain_text() });
    let cues: Vec<_> = file.cues.iter().map(described).collect();
    Ok(json!({ "protocol": file.format.name(), "kind": "text", "warnings": file.warnings, "cues": cues }))
}
