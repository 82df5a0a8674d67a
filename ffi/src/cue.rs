//! Cues for C: where they stand and how each run of text looks.
//!
//! Structures that are handed out belong to the snapshot, are made at the first request, and never move; so its
//! structures can grow at their ends without breaking anyone.

use std::ffi::{CString, c_char};

use player_core::text::{
    Cue, CueLayout, CueSpan, DisplayAlign, EdgeKind, FontFamily, LineAlign, LinePosition, PositionAlign, TextAlign,
    Vertical,
};

use crate::strings::c_string;

/// Unit of kinora_cue_layout::line.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_line_kind {
    /// At the bottom, above earlier cues.
    Auto = 0,
    /// A line number: from the top, or from the bottom when negative.
    Number = 1,
    /// A percentage of the height (of the width for vertical text).
    Percent = 2,
}

/// Begin, middle or end of something.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_align {
    /// The first edge: top or left.
    Start = 0,
    /// In the middle between both edges.
    Center = 1,
    /// The last edge: bottom or right.
    End = 2,
}

/// The direction of lines.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_writing {
    /// Lines run horizontally, from top to bottom.
    Horizontal = 0,
    /// Vertical, lines grow to the left.
    VerticalRightToLeft = 1,
    /// Vertical, lines grow to the right.
    VerticalLeftToRight = 2,
}

/// The kind of type.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_font_family {
    /// The font that the viewer chose.
    Default = 0,
    /// Letters of one width, with serifs.
    MonospaceSerif = 1,
    /// Proportional letters with serifs.
    ProportionalSerif = 2,
    /// Letters of one width, without serifs.
    MonospaceSansSerif = 3,
    /// Proportional letters without serifs.
    ProportionalSansSerif = 4,
    /// Letters in a casual style.
    Casual = 5,
    /// Letters in a cursive style.
    Cursive = 6,
    /// Small letters drawn as small capitals.
    SmallCapitals = 7,
}

/// Edge drawn around letters.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_edge_kind {
    /// Letters have no edge.
    None = 0,
    /// An outline of even width.
    Uniform = 1,
    /// Raised letters: light from above.
    Raised = 2,
    /// Sunken letters: light from below.
    Depressed = 3,
    /// A shadow to the left and down.
    ShadowLeft = 4,
    /// A shadow to the right and down.
    ShadowRight = 5,
}

/// A run of text in one style. Colours are 0xRRGGBBAA.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_cue_span {
    /// The text, lines parted by '\n'.
    pub text: *const c_char,
    /// Bold: 1 or 0.
    pub bold: u32,
    /// Italic: 1 or 0.
    pub italic: u32,
    /// Underlined: 1 or 0.
    pub underline: u32,
    /// A line through the text: 1 or 0.
    pub strike: u32,
    /// A line over the text: 1 or 0.
    pub overline: u32,
    /// Blinks: 1 or 0.
    pub flash: u32,
    /// 1 when `color` is set; 0 leaves the colour to the viewer.
    pub has_color: u32,
    /// Text colour, as 0xRRGGBBAA.
    pub color: u32,
    /// Colour behind the text; 0 for none.
    pub background: u32,
    /// Height of the type in percent of the video's height; 0 is the viewer's choice.
    pub font_size: f64,
    /// The kind of type.
    pub font_family: kinora_font_family,
    /// Edge drawn around each letter.
    pub edge: kinora_edge_kind,
    /// Colour of the edge; 0 is the host's choice.
    pub edge_color: u32,
    /// Thickness of the edge in percent of the video's height; 0 is the host's choice.
    pub edge_thickness: f64,
    /// Time within the cue from which it is shown, in nanoseconds; -1 from its start.
    pub from_ns: i64,
    /// Name of the speaker; NULL when not declared.
    pub voice: *const c_char,
    /// Language tag by BCP 47; NULL when not declared.
    pub language: *const c_char,
}

/// Position of a cue, and its runs of text. Lengths are percentages of the video's width (x, width) or height (y,
/// height). With `has_area` the cue stands in that box, and cues on screen with the same `area_id` follow each other in
/// it; with `has_region` it scrolls in the region; else `line`, `position` and `size` place it by the rules of WebVTT.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_cue_layout {
    /// Alignment of lines in the box.
    pub text_align: kinora_align,
    /// The direction of lines.
    pub writing: kinora_writing,
    /// Lines that are too long are broken: 1 or 0.
    pub wrap: u32,
    /// To be shown even when subtitles are off: 1 or 0.
    pub forced: u32,
    /// Colour behind all lines together, 0xRRGGBBAA; 0 for none.
    pub background: u32,
    /// Unit of `line`.
    pub line_kind: kinora_line_kind,
    /// Position across the lines, in the unit of `line_kind`.
    pub line: f64,
    /// Edge of the cue that `line` places.
    pub line_align: kinora_align,
    /// Along the lines: a percentage. Computed when the cue does not tell it.
    pub position: f64,
    /// Point of the cue that `position` places. Computed when the cue does not set it.
    pub position_align: kinora_align,
    /// Width of the cue: a percentage.
    pub size: f64,
    /// The cue stands in an area: 1 or 0.
    pub has_area: u32,
    /// The area's name, unique among areas on screen; NULL without one.
    pub area_id: *const c_char,
    /// Left edge of the area.
    pub area_x: f64,
    /// Top edge of the box.
    pub area_y: f64,
    /// Width of the box.
    pub area_width: f64,
    /// Height of the box.
    pub area_height: f64,
    /// Free space inside its edges: top, right, bottom, left.
    pub area_padding: [f64; 4],
    /// Vertical alignment of lines in the box.
    pub area_align: kinora_align,
    /// Its colour, 0xRRGGBBAA; 0 for none.
    pub area_background: u32,
    /// The cue stands in a WebVTT region: 1 or 0.
    pub has_region: u32,
    /// The region's name; NULL without one.
    pub region_id: *const c_char,
    /// Width of the region.
    pub region_width: f64,
    /// Its height in lines.
    pub region_lines: u32,
    /// The point of the region that is placed, in percent of the region.
    pub region_anchor_x: f64,
    /// Vertical coordinate of that point.
    pub region_anchor_y: f64,
    /// Horizontal coordinate at which that point is placed on the video.
    pub viewport_anchor_x: f64,
    /// Vertical coordinate at which it is placed.
    pub viewport_anchor_y: f64,
    /// New lines push old ones up: 1 or 0.
    pub region_scroll_up: u32,
    /// Number of elements of `spans`.
    pub span_count: usize,
    /// The runs of text, in order.
    pub spans: *const *const kinora_cue_span,
}

/// A cue as C sees it, with all that its pointers point to.
pub struct CueView {
    /// Text without its style.
    pub text: CString,
    /// The whole cue as JSON.
    pub json: CString,
    /// Position and styled runs of text.
    pub layout: Box<kinora_cue_layout>,
    // What the layout points to.
    _spans: Vec<kinora_cue_span>,
    _pointers: Vec<*const kinora_cue_span>,
    _strings: Vec<CString>,
}

impl CueView {
    /// Returns the texts of a cue.
    pub fn new(cue: &Cue) -> Self {
        let mut strings = Strings::default();
        let spans: Vec<_> = cue.spans.iter().map(|span| strings.span(span)).collect();
        let pointers: Vec<*const kinora_cue_span> = spans.iter().map(std::ptr::from_ref).collect();
        let mut layout = Box::new(strings.layout(&cue.layout));
        layout.forced = u32::from(cue.forced);
        layout.span_count = pointers.len();
        layout.spans = pointers.as_ptr();
        Self {
            text: c_string(&cue.plain_text()),
            json: c_string(&serde_json::to_string(cue).unwrap_or_default()),
            layout,
            _spans: spans,
            _pointers: pointers,
            _strings: strings.kept,
        }
    }
}

/// Strings whose addresses were handed out; a `CString` that moves leaves its bytes where they are.
#[derive(Default)]
struct Strings {
    kept: Vec<CString>,
}

impl Strings {
    fn keep(&mut self, text: &str) -> *const c_char {
        let text = c_string(text);
        let address = text.as_ptr();
        self.kept.push(text);
        address
    }

    fn optional(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(std::ptr::null(), |text| self.keep(text))
    }

    fn span(&mut self, span: &CueSpan) -> kinora_cue_span {
        let style = &span.style;
        let edge = style.edge.as_ref();
        kinora_cue_span {
            text: self.keep(&span.text),
            bold: u32::from(style.bold),
            italic: u32::from(style.italic),
            underline: u32::from(style.underline),
            strike: u32::from(style.strike),
            overline: u32::from(style.overline),
            flash: u32::from(style.flash),
            has_color: u32::from(style.color.is_some()),
            color: colour(style.color),
            background: colour(style.background),
            font_size: style.font_size.unwrap_or(0.0),
            font_family: family(style.font_family),
            edge: edge.map_or(kinora_edge_kind::None, |edge| edge_kind(edge.kind)),
            edge_color: colour(edge.and_then(|edge| edge.color)),
            edge_thickness: edge.and_then(|edge| edge.thickness).unwrap_or(0.0),
            from_ns: style.from.map_or(-1, player_core::MediaTime::as_nanos),
            voice: self.optional(style.voice.as_deref()),
            language: self.optional(style.language.as_deref()),
        }
    }

    fn layout(&mut self, layout: &CueLayout) -> kinora_cue_layout {
        let (line_kind, line) = match layout.line {
            LinePosition::Auto => (kinora_line_kind::Auto, 0.0),
            LinePosition::Line(number) => (kinora_line_kind::Number, number),
            LinePosition::Percent(percent) => (kinora_line_kind::Percent, percent),
        };
        let (position, position_align) = position(layout);
        let area = layout.area.as_deref();
        let region = layout.region.as_deref();
        let placed = area.cloned().unwrap_or_default();
        kinora_cue_layout {
            text_align: text_align(layout.align),
            writing: match layout.vertical {
                None => kinora_writing::Horizontal,
                Some(Vertical::RightToLeft) => kinora_writing::VerticalRightToLeft,
                Some(Vertical::LeftToRight) => kinora_writing::VerticalLeftToRight,
            },
            wrap: u32::from(layout.wrap),
            forced: 0,
            background: colour(layout.background),
            line_kind,
            line,
            line_align: match layout.line_align {
                LineAlign::Start => kinora_align::Start,
                LineAlign::Center => kinora_align::Center,
                LineAlign::End => kinora_align::End,
            },
            position,
            position_align,
            size: layout.size,
            has_area: u32::from(area.is_some()),
            area_id: self.optional(area.map(|area| area.id.as_str())),
            area_x: placed.origin.0,
            area_y: placed.origin.1,
            area_width: placed.extent.0,
            area_height: placed.extent.1,
            area_padding: placed.padding,
            area_align: match placed.display_align {
                DisplayAlign::Before => kinora_align::Start,
                DisplayAlign::Center => kinora_align::Center,
                DisplayAlign::After => kinora_align::End,
            },
            area_background: colour(placed.background),
            has_region: u32::from(region.is_some()),
            region_id: self.optional(region.map(|region| region.id.as_str())),
            region_width: region.map_or(0.0, |region| region.width),
            region_lines: region.map_or(0, |region| region.lines),
            region_anchor_x: region.map_or(0.0, |region| region.region_anchor.0),
            region_anchor_y: region.map_or(0.0, |region| region.region_anchor.1),
            viewport_anchor_x: region.map_or(0.0, |region| region.viewport_anchor.0),
            viewport_anchor_y: region.map_or(0.0, |region| region.viewport_anchor.1),
            region_scroll_up: u32::from(region.is_some_and(|region| region.scroll_up)),
            span_count: 0,
            spans: std::ptr::null(),
        }
    }
}

/// The computed position (W3C TR webvtt1 §3.1).
fn position(layout: &CueLayout) -> (f64, kinora_align) {
    let automatic = match layout.align {
        TextAlign::Start | TextAlign::Left => (0.0, kinora_align::Start),
        TextAlign::Center => (50.0, kinora_align::Center),
        TextAlign::End | TextAlign::Right => (100.0, kinora_align::End),
    };
    let align = match layout.position_align {
        PositionAlign::Auto => automatic.1,
        PositionAlign::LineLeft => kinora_align::Start,
        PositionAlign::Center => kinora_align::Center,
        PositionAlign::LineRight => kinora_align::End,
    };
    (layout.position.unwrap_or(automatic.0), align)
}

fn text_align(align: TextAlign) -> kinora_align {
    match align {
        TextAlign::Start | TextAlign::Left => kinora_align::Start,
        TextAlign::Center => kinora_align::Center,
        TextAlign::End | TextAlign::Right => kinora_align::End,
    }
}

fn family(family: Option<FontFamily>) -> kinora_font_family {
    match family {
        None => kinora_font_family::Default,
        Some(FontFamily::MonospaceSerif) => kinora_font_family::MonospaceSerif,
        Some(FontFamily::ProportionalSerif) => kinora_font_family::ProportionalSerif,
        Some(FontFamily::MonospaceSansSerif) => kinora_font_family::MonospaceSansSerif,
        Some(FontFamily::ProportionalSansSerif) => kinora_font_family::ProportionalSansSerif,
        Some(FontFamily::Casual) => kinora_font_family::Casual,
        Some(FontFamily::Cursive) => kinora_font_family::Cursive,
        Some(FontFamily::SmallCapitals) => kinora_font_family::SmallCapitals,
    }
}

fn edge_kind(kind: EdgeKind) -> kinora_edge_kind {
    match kind {
        EdgeKind::Uniform => kinora_edge_kind::Uniform,
        EdgeKind::Raised => kinora_edge_kind::Raised,
        EdgeKind::Depressed => kinora_edge_kind::Depressed,
        EdgeKind::ShadowLeft => kinora_edge_kind::ShadowLeft,
        EdgeKind::ShadowRight => kinora_edge_kind::ShadowRight,
    }
}

fn colour(colour: Option<[u8; 4]>) -> u32 {
    colour.map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn what_a_document_says_reaches_c() {
        let document = b"<tt xmlns='http://www.w3.org/ns/ttml' xmlns:tts='http://www.w3.org/ns/ttml#styling'><head><layout>\
            <region xml:id='r' tts:origin='10% 20%' tts:extent='30% 40%' tts:displayAlign='after' tts:padding='10%'\
             tts:backgroundColor='#01020304'/></layout></head><body region='r'><div><p begin='1s' end='2s' tts:textAlign='end'>a\
            <span tts:color='red' tts:fontSize='8rh' tts:textOutline='blue 25%' tts:fontFamily='monospace'>b</span></p></div></body></tt>";
        let cue = player_core::text::ttml::parse(document).unwrap().cues.remove(0);
        let view = CueView::new(&cue);
        let layout = &view.layout;
        assert_eq!((layout.has_area, layout.has_region, layout.area_align), (1, 0, kinora_align::End));
        assert_eq!((layout.area_x, layout.area_y, layout.area_width, layout.area_height), (10.0, 20.0, 30.0, 40.0));
        assert_eq!((layout.area_padding, layout.area_background), ([4.0, 3.0, 4.0, 3.0], 0x0102_0304));
        assert_eq!((layout.text_align, layout.position, layout.span_count), (kinora_align::End, 100.0, 2));
        // SAFETY: `spans` has `span_count` pointers to spans, and their strings are alive, while `view` is.
        let (plain, styled, text, area) = unsafe {
            let spans = std::slice::from_raw_parts(layout.spans, layout.span_count);
            (&*spans[0], &*spans[1], CStr::from_ptr((*spans[1]).text), CStr::from_ptr(layout.area_id))
        };
        assert_eq!((plain.has_color, plain.edge, plain.from_ns), (0, kinora_edge_kind::None, -1));
        assert_eq!((text.to_str(), area.to_str()), (Ok("b"), Ok("r")));
        assert_eq!((styled.color, styled.font_size, styled.edge), (0xff00_00ff, 8.0, kinora_edge_kind::Uniform));
        assert_eq!((styled.edge_color, styled.edge_thickness), (0x0000_ffff, 2.0));
        assert_eq!(styled.font_family, kinora_font_family::MonospaceSerif);
    }
}
