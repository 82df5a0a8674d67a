//! The cue model. Lengths are percentages of the video's width or height, as in WebVTT (W3C TR webvtt1 §3).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Text on screen for a span of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// Its name in the file, when it has one.
    pub id: Option<String>,
    /// First instant on screen.
    pub start: MediaTime,
    /// First instant off screen; [`MediaTime::MAX`] for an open end.
    pub end: MediaTime,
    /// What is written, line breaks as `\n` inside the spans.
    pub spans: Vec<CueSpan>,
    /// Where it stands.
    pub layout: CueLayout,
}

impl Cue {
    /// The text without any style.
    pub fn plain_text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// A run of text in one style.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CueSpan {
    /// The text, entities resolved.
    pub text: String,
    /// Its style.
    pub style: SpanStyle,
}

/// How a run of text looks. Colours are red, green, blue, alpha.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanStyle {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Text colour.
    pub color: Option<[u8; 4]>,
    /// Colour behind the text.
    pub background: Option<[u8; 4]>,
    /// Who speaks.
    pub voice: Option<String>,
    /// BCP 47 language of this run.
    pub language: Option<String>,
    /// Classes as written.
    pub classes: Vec<String>,
    /// Shown from this time on within the cue (karaoke timestamps), when told.
    pub from: Option<MediaTime>,
}

/// Where on the line axis a cue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum LinePosition {
    /// At the bottom, above earlier cues.
    #[default]
    Auto,
    /// Line number: from the top, or from the bottom when negative.
    Line(f64),
    /// Percentage of the height (of the width for vertical text).
    Percent(f64),
}

/// Which edge of the cue box `line` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineAlign {
    /// The first edge.
    #[default]
    Start,
    /// The middle.
    Center,
    /// The last edge.
    End,
}

/// Which point of the cue box `position` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PositionAlign {
    /// By the text alignment.
    #[default]
    Auto,
    /// The left edge.
    LineLeft,
    /// The middle.
    Center,
    /// The right edge.
    LineRight,
}

/// How lines are aligned in the cue box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextAlign {
    /// By the direction of writing, at its begin.
    Start,
    /// In the middle.
    #[default]
    Center,
    /// By the direction of writing, at its end.
    End,
    /// Left.
    Left,
    /// Right.
    Right,
}

/// Vertical writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vertical {
    /// Lines grow to the left.
    RightToLeft,
    /// Lines grow to the right.
    LeftToRight,
}

/// A part of the picture that scrolls its cues (W3C TR webvtt1 §3.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Its name.
    pub id: String,
    /// Percentage of the video's width.
    pub width: f64,
    /// Height in lines.
    pub lines: u32,
    /// The point of the region that is placed, percentages of the region.
    pub region_anchor: (f64, f64),
    /// Where it is placed, percentages of the video.
    pub viewport_anchor: (f64, f64),
    /// New lines push old ones up.
    pub scroll_up: bool,
}

/// Where a cue stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CueLayout {
    /// Across the lines.
    pub line: LinePosition,
    /// Which edge `line` names.
    pub line_align: LineAlign,
    /// Along the lines, a percentage; `None` is by alignment.
    pub position: Option<f64>,
    /// Which point `position` names.
    pub position_align: PositionAlign,
    /// Width of the box, a percentage.
    pub size: f64,
    /// How lines are aligned.
    pub align: TextAlign,
    /// Vertical writing, when so.
    pub vertical: Option<Vertical>,
    /// The region it belongs to, when any.
    pub region: Option<Arc<Region>>,
}

impl Default for CueLayout {
    fn default() -> Self {
        Self {
            line: LinePosition::Auto,
            line_align: LineAlign::Start,
            position: None,
            position_align: PositionAlign::Auto,
            size: 100.0,
            align: TextAlign::Center,
            vertical: None,
            region: None,
        }
    }
}
