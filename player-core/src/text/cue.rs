//! The cue model: the content of WebVTT, TTML, SubRip and the captions of CTA-608 and CTA-708 in one form. Lengths are
//! percentages of the video's width or height. How one is drawn is the host's matter.

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
    /// Text, with line breaks as `\n` inside the spans.
    pub spans: Vec<CueSpan>,
    /// Position on the video.
    pub layout: CueLayout,
    /// To be shown even when subtitles are off (IMSC 1.1 `itts:forcedDisplay`).
    #[serde(default)]
    pub forced: bool,
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
    /// Style of the text.
    pub style: SpanStyle,
}

/// Style of a run of text. Colours are red, green, blue, alpha.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanStyle {
    /// True for bold type.
    pub bold: bool,
    /// True for italic type.
    pub italic: bool,
    /// True for underlined text.
    pub underline: bool,
    /// Colour of the text; `None` is the host's choice.
    pub color: Option<[u8; 4]>,
    /// Colour behind the text.
    pub background: Option<[u8; 4]>,
    /// Name of the speaker, if declared.
    pub voice: Option<String>,
    /// BCP 47 language of this run.
    pub language: Option<String>,
    /// Classes as written in the file.
    pub classes: Vec<String>,
    /// Time within the cue from which it is shown (karaoke timestamps), if declared.
    pub from: Option<MediaTime>,
    /// A line through the text.
    #[serde(default)]
    pub strike: bool,
    /// A line over the text.
    #[serde(default)]
    pub overline: bool,
    /// True if the text blinks.
    #[serde(default)]
    pub flash: bool,
    /// Height of the type as a percentage of the video's height; `None` is the viewer's choice.
    #[serde(default)]
    pub font_size: Option<f64>,
    /// The kind of type; `None` is the viewer's choice.
    #[serde(default)]
    pub font_family: Option<FontFamily>,
    /// Edge drawn around each letter.
    #[serde(default)]
    pub edge: Option<TextEdge>,
}

/// Kinds of type (ANSI/CTA-708 §8.5.3, the generic families of TTML2 §10.3.20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FontFamily {
    /// Letters of one width, with serifs.
    MonospaceSerif,
    /// Proportional letters with serifs.
    ProportionalSerif,
    /// Letters of one width, without serifs.
    MonospaceSansSerif,
    /// Proportional letters without serifs.
    ProportionalSansSerif,
    /// Letters in a casual style.
    Casual,
    /// Letters in a cursive style.
    Cursive,
    /// Small letters drawn as small capitals.
    SmallCapitals,
}

/// An outline or a shadow of letters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextEdge {
    /// Kind of the edge.
    pub kind: EdgeKind,
    /// Its colour; `None` is the host's choice.
    pub color: Option<[u8; 4]>,
    /// Thickness as a percentage of the video's height; `None` is the host's choice.
    pub thickness: Option<f64>,
}

/// The shape of an edge (ANSI/CTA-708 §8.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EdgeKind {
    /// An outline of even width.
    Uniform,
    /// Raised letters: light from above.
    Raised,
    /// Sunken letters: light from below.
    Depressed,
    /// A shadow to the left and down.
    ShadowLeft,
    /// A shadow to the right and down.
    ShadowRight,
}

/// Position of a cue on the line axis.
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

/// Edge of the cue box that `line` places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineAlign {
    /// The first edge on the line axis.
    #[default]
    Start,
    /// The middle between both edges.
    Center,
    /// The last edge on the line axis.
    End,
}

/// Point of the cue box that `position` places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PositionAlign {
    /// By the text alignment.
    #[default]
    Auto,
    /// The left edge of the box.
    LineLeft,
    /// The middle between both edges.
    Center,
    /// The right edge of the box.
    LineRight,
}

/// Alignment of lines in the cue box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextAlign {
    /// By the direction of writing, at its begin.
    Start,
    /// In the middle of the box.
    #[default]
    Center,
    /// By the direction of writing, at its end.
    End,
    /// At the left edge.
    Left,
    /// At the right edge.
    Right,
}

/// Direction in which vertical lines follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vertical {
    /// Lines grow to the left.
    RightToLeft,
    /// Lines grow to the right.
    LeftToRight,
}

/// A part of the picture, some lines high, that may scroll its cues (W3C TR webvtt1 §3.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Identifier of the region.
    pub id: String,
    /// Percentage of the video's width.
    pub width: f64,
    /// Height in lines of text.
    pub lines: u32,
    /// The point of the region that is placed, percentages of the region.
    pub region_anchor: (f64, f64),
    /// Point of the video at which it is placed, in percent.
    pub viewport_anchor: (f64, f64),
    /// New lines push old ones up.
    pub scroll_up: bool,
}

/// Alignment of the lines in an area, across the lines (TTML2 §10.2.16 `tts:displayAlign`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisplayAlign {
    /// At the edge where the first line begins: the top, for horizontal text.
    #[default]
    Before,
    /// In the middle of the area.
    Center,
    /// At the opposite edge.
    After,
}

/// A fixed part of the picture that holds cues: a region of TTML, a window of CTA-708, the grid of CTA-608. Cues on
/// screen that name equal areas follow each other in it, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Its name; areas of different names lie over each other when they meet.
    pub id: String,
    /// Left and top edge, percentages of the video's width and height.
    pub origin: (f64, f64),
    /// Width and height, percentages of the video's width and height.
    pub extent: (f64, f64),
    /// Free space inside its edges — top, right, bottom, left — as percentages of the video's height (top, bottom)
    /// and width.
    pub padding: [f64; 4],
    /// Alignment of its lines across the lines.
    pub display_align: DisplayAlign,
    /// Its own colour, under the cues and the space around them.
    pub background: Option<[u8; 4]>,
}

impl Default for Area {
    fn default() -> Self {
        Self {
            id: String::new(),
            origin: (0.0, 0.0),
            extent: (100.0, 100.0),
            padding: [0.0; 4],
            display_align: DisplayAlign::Before,
            background: None,
        }
    }
}

/// Position of a cue: in its `area` when it has one, else by `line`, `position` and `size`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CueLayout {
    /// Position across the lines.
    pub line: LinePosition,
    /// Edge that `line` places.
    pub line_align: LineAlign,
    /// Along the lines, a percentage; `None` is by alignment.
    pub position: Option<f64>,
    /// Point that `position` places.
    pub position_align: PositionAlign,
    /// Width of the box, a percentage.
    pub size: f64,
    /// Alignment of the lines in the box.
    pub align: TextAlign,
    /// Vertical writing, when so.
    pub vertical: Option<Vertical>,
    /// The region it belongs to, when any.
    pub region: Option<Arc<Region>>,
    /// The fixed part of the picture that it stands in. `line`, `position` and `size` do not count then.
    #[serde(default)]
    pub area: Option<Arc<Area>>,
    /// Lines that are too long are broken; else only at `\n`.
    #[serde(default = "yes")]
    pub wrap: bool,
    /// The colour behind all lines of the cue together, each from its begin to its end.
    #[serde(default)]
    pub background: Option<[u8; 4]>,
}

const fn yes() -> bool {
    true
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
            area: None,
            wrap: true,
            background: None,
        }
    }
}

/// Text without a declared background stands on black. A host paints that for a whole cue, unless some of the cue has
/// its own background: then all of it must.
pub(super) fn even_out(spans: &mut [CueSpan]) {
    if spans.iter().any(|span| span.style.background.is_some()) {
        for span in spans {
            span.style.background.get_or_insert([0, 0, 0, 255]);
        }
    }
}
