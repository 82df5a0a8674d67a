//! Text of cues as egui lays it out: runs in their colours, and what surrounds their letters.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, Color32, FontFamily, FontId, Galley, Painter, Pos2, Stroke, Vec2, vec2};
use player_core::MediaTime;
use player_core::text::{Cue, CueSpan, EdgeKind, FontFamily as Family, SpanStyle, TextAlign, TextEdge};

use super::CueStyle;
use crate::theme::font;
use crate::theme::tokens::{color, text};

/// What is spoken later in a karaoke cue is this strong.
const LATER: f32 = 0.5;
/// The share of the picture's height that type sizes in files are made for; the viewer's choice scales them.
const USUAL_SHARE: f32 = 0.045;
/// Points that type has at least and at most.
const SMALLEST: f32 = 6.0;
const LARGEST: f32 = 160.0;
/// The height of a line, in heights of its type.
pub(super) const LINE: f32 = 1.25;

/// How large type is where it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Points of type whose size the cue leaves to the viewer.
    pub points: f32,
    /// The picture's height in points.
    height: f32,
    /// How much larger or smaller than usual the viewer wants it.
    wish: f32,
    /// Colour of letters that have none of their own.
    ink: Color32,
    /// Background of lines that have none of their own; `None` outlines letters without an edge of their own.
    pub ground: Option<Color32>,
}

impl Scale {
    /// For a picture of a height, in the viewer's style.
    pub fn new(height: f32, style: CueStyle) -> Self {
        let CueStyle { share, ink, ground } = style;
        Self { points: (height * share).clamp(text::SMALL, 96.0), height, wish: share / USUAL_SHARE, ink, ground }
    }

    /// The size of a run in points.
    pub fn of(&self, style: &SpanStyle) -> f32 {
        let told = style.font_size.map(|percent| self.height * percent as f32 / 100.0 * self.wish);
        told.map_or(self.points, |points| points.clamp(SMALLEST, LARGEST))
    }

    /// The edge of a run: its own, or an outline when nothing else makes it readable.
    fn edge(&self, style: &SpanStyle) -> Option<TextEdge> {
        let needs_outline = self.ground.is_none() && style.background.is_none();
        let outline = TextEdge { kind: EdgeKind::Uniform, color: None, thickness: None };
        style.edge.or(needs_outline.then_some(outline))
    }

    /// The largest size of a cue.
    pub fn largest(&self, cue: &Cue) -> f32 {
        cue.spans.iter().map(|span| self.of(&span.style)).fold(SMALLEST, f32::max)
    }
}

/// Text that is laid out.
pub(super) struct Letters {
    /// With its colours.
    text: Arc<Galley>,
    /// The colours behind it alone, and its edges: drawn first, when there are edges.
    under: Option<(Arc<Galley>, Arc<Galley>)>,
    offsets: Vec<Vec2>,
}

impl Letters {
    /// Lays the runs of a cue out. Lines are broken at `width` points; `None` breaks them only where they say.
    pub fn of(
        painter: &Painter,
        spans: &[CueSpan],
        at: MediaTime,
        scale: Scale,
        width: Option<f32>,
        align: TextAlign,
    ) -> Self {
        let lay = |layer: Layer| {
            let mut job = LayoutJob::default();
            for span in spans {
                job.append(&span.text, 0.0, format(span, at, scale, layer));
            }
            job.wrap.max_width = width.unwrap_or(f32::INFINITY);
            job.halign = halign(align);
            painter.layout_job(job)
        };
        let edge = spans.iter().find_map(|span| scale.edge(&span.style));
        match edge {
            Some(edge) => Self {
                text: lay(Layer::Ink),
                under: Some((lay(Layer::Ground), lay(Layer::Edge))),
                offsets: offsets(edge, scale),
            },
            None => Self { text: lay(Layer::All), under: None, offsets: Vec::new() },
        }
    }

    /// Width and height in points.
    pub fn size(&self) -> Vec2 {
        self.text.size()
    }

    /// Draws it. `anchor` is the top of the edge, or of the middle, that its lines are aligned with.
    pub fn paint(&self, painter: &Painter, anchor: Pos2) {
        if let Some((ground, edge)) = &self.under {
            painter.galley(anchor, Arc::clone(ground), color::WHITE);
            for &offset in &self.offsets {
                painter.galley(anchor + offset, Arc::clone(edge), color::WHITE);
            }
        }
        painter.galley(anchor, Arc::clone(&self.text), color::WHITE);
    }
}

/// What of a run is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    All,
    Ink,
    Ground,
    Edge,
}

/// egui's format of a run.
pub(super) fn format(span: &CueSpan, at: MediaTime, scale: Scale, layer: Layer) -> TextFormat {
    let style = &span.style;
    let points = scale.of(style);
    let mut ink = style.color.map_or(scale.ink, colour);
    if style.from.is_some_and(|from| from > at) {
        ink = ink.gamma_multiply(LATER);
    }
    let ground = style.background.map_or(Color32::TRANSPARENT, colour);
    let (ink, ground) = match layer {
        Layer::All => (ink, ground),
        Layer::Ink => (ink, Color32::TRANSPARENT),
        Layer::Ground => (Color32::TRANSPARENT, ground),
        Layer::Edge => {
            (scale.edge(style).map_or(Color32::TRANSPARENT, |edge| edge_colour(edge, ink)), Color32::TRANSPARENT)
        }
    };
    let line = |drawn: bool| if drawn { Stroke::new((points / 16.0).max(1.0), ink) } else { Stroke::NONE };
    let drawn = layer != Layer::Edge;
    TextFormat {
        font_id: family(style, points),
        color: ink,
        background: ground,
        italics: style.italic,
        underline: line(style.underline && drawn),
        strikethrough: line(style.strike && drawn),
        // The bundled font has one weight; wider letters set bold text apart.
        extra_letter_spacing: if style.bold { points * 0.04 } else { 0.0 },
        line_height: Some(points * LINE),
        ..TextFormat::default()
    }
}

fn family(style: &SpanStyle, points: f32) -> FontId {
    match style.font_family {
        Some(Family::MonospaceSerif | Family::MonospaceSansSerif) => FontId::new(points, FontFamily::Monospace),
        // There is one proportional font.
        Some(
            Family::ProportionalSerif
            | Family::ProportionalSansSerif
            | Family::Casual
            | Family::Cursive
            | Family::SmallCapitals,
        )
        | None => font(points),
    }
}

/// Black around light letters unless told otherwise; an edge is no more visible than what it surrounds.
fn edge_colour(edge: TextEdge, ink: Color32) -> Color32 {
    edge.color.map_or(color::BLACK, colour).gamma_multiply(f32::from(ink.a()) / 255.0)
}

fn offsets(edge: TextEdge, scale: Scale) -> Vec<Vec2> {
    let told = edge.thickness.map(|percent| scale.height * percent as f32 / 100.0);
    let by = told.unwrap_or(scale.points / 16.0).clamp(0.5, scale.points / 5.0);
    let shadow = |x: f32, y: f32| vec![vec2(x, y) * by];
    match edge.kind {
        EdgeKind::Uniform => {
            let around =
                [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7), (0.7, 0.7)];
            around.map(|(x, y)| vec2(x, y) * by).to_vec()
        }
        EdgeKind::Raised | EdgeKind::ShadowRight => shadow(1.0, 1.0),
        EdgeKind::Depressed => shadow(-1.0, -1.0),
        EdgeKind::ShadowLeft => shadow(-1.0, 1.0),
    }
}

/// egui's alignment of lines.
pub(super) fn halign(align: TextAlign) -> Align {
    match align {
        TextAlign::Start | TextAlign::Left => Align::Min,
        TextAlign::Center => Align::Center,
        TextAlign::End | TextAlign::Right => Align::Max,
    }
}

/// A colour of a cue as egui has it.
pub(super) fn colour([red, green, blue, alpha]: [u8; 4]) -> Color32 {
    Color32::from_rgba_unmultiplied(red, green, blue, alpha)
}
