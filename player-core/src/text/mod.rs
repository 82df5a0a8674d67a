//! Subtitles and captions: one cue model for every source format.

mod cue;
pub mod webvtt;

pub use cue::{
    Cue, CueLayout, CueSpan, LineAlign, LinePosition, PositionAlign, Region, SpanStyle, TextAlign, Vertical,
};
