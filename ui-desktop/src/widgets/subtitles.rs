//! Subtitles over the picture: placed and styled as their cues say (W3C TR webvtt1 §7, the parts that do not need CSS).
//!
//! Vertical writing is set from left to right at its cue's place: egui cannot turn lines of text.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, Color32, FontId, Galley, Painter, Rect, Stroke, Vec2, pos2, vec2};
use player_core::MediaTime;
use player_core::text::{Cue, CueLayout, CueSpan, LineAlign, LinePosition, PositionAlign, TextAlign};

use crate::theme::font;
use crate::theme::tokens::{color, radius, text};

/// Distance from the edges of the picture, as a share of its height.
const SAFE: f32 = 0.04;
/// What is spoken later in a karaoke cue is this strong.
const LATER: f32 = 0.5;

/// Paints cues over a picture. `type_share` is the height of the type as a share of the picture's height; `lift` keeps
/// so many points at the bottom free for the controls.
pub fn paint_cues(painter: &Painter, picture: Rect, cues: &[Cue], at: MediaTime, type_share: f32, lift: f32) {
    let points = (picture.height() * type_share).clamp(text::SMALL, 96.0);
    let mut taken: Vec<Rect> = Vec::new();
    for cue in cues {
        let galley = lay_out(painter, cue, at, points, picture.width());
        let padding = vec2(points * 0.35, points * 0.12);
        let wanted = place(&cue.layout, galley.size() + padding * 2.0, picture, points * text::LEADING, lift);
        let rect = avoid(wanted, &taken, picture);
        taken.push(rect);
        painter.rect_filled(rect, radius::SMALL, color::CUE_GROUND);
        let anchor = match galley.job.halign {
            Align::Min => rect.left() + padding.x,
            Align::Center => rect.center().x,
            Align::Max => rect.right() - padding.x,
        };
        painter.galley(pos2(anchor, rect.top() + padding.y), galley, color::WHITE);
    }
}

fn lay_out(painter: &Painter, cue: &Cue, at: MediaTime, points: f32, picture_width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    for span in &cue.spans {
        job.append(&span.text, 0.0, format(span, at, points));
    }
    job.wrap.max_width = (picture_width * (cue.layout.size as f32 / 100.0).clamp(0.1, 1.0) * 0.92).max(points * 4.0);
    job.halign = match cue.layout.align {
        TextAlign::Start | TextAlign::Left => Align::Min,
        TextAlign::Center => Align::Center,
        TextAlign::End | TextAlign::Right => Align::Max,
    };
    painter.layout_job(job)
}

fn format(span: &CueSpan, at: MediaTime, points: f32) -> TextFormat {
    let style = &span.style;
    let colour = |[red, green, blue, alpha]: [u8; 4]| Color32::from_rgba_unmultiplied(red, green, blue, alpha);
    let mut ink = style.color.map_or(color::WHITE, colour);
    if style.from.is_some_and(|from| from > at) {
        ink = ink.gamma_multiply(LATER);
    }
    let font_id: FontId = font(points);
    TextFormat {
        font_id,
        color: ink,
        background: style.background.map_or(Color32::TRANSPARENT, colour),
        italics: style.italic,
        underline: if style.underline { Stroke::new((points / 16.0).max(1.0), ink) } else { Stroke::NONE },
        // The bundled font has one weight; wider letters set bold text apart.
        extra_letter_spacing: if style.bold { points * 0.04 } else { 0.0 },
        line_height: Some(points * 1.25),
        ..TextFormat::default()
    }
}

/// Where a box of a size goes.
fn place(layout: &CueLayout, size: Vec2, picture: Rect, line_height: f32, lift: f32) -> Rect {
    let inside = picture.shrink(picture.height() * SAFE);
    let x = {
        let (position, align) = position(layout);
        let at = picture.left() + picture.width() * position;
        let left = match align {
            PositionAlign::LineLeft => at,
            PositionAlign::LineRight => at - size.x,
            PositionAlign::Auto | PositionAlign::Center => at - size.x / 2.0,
        };
        left.clamp(inside.left(), (inside.right() - size.x).max(inside.left()))
    };
    let bottom = (inside.bottom() - lift.max(0.0)).max(inside.top() + size.y);
    let top = match layout.line {
        LinePosition::Auto => bottom - size.y,
        LinePosition::Line(line) if line < 0.0 => bottom + (line as f32 + 1.0) * line_height - size.y,
        LinePosition::Line(line) => inside.top() + line as f32 * line_height,
        LinePosition::Percent(share) => {
            let at = picture.top() + picture.height() * (share as f32 / 100.0);
            match layout.line_align {
                LineAlign::Start => at,
                LineAlign::Center => at - size.y / 2.0,
                LineAlign::End => at - size.y,
            }
        }
    };
    let top = top.clamp(inside.top(), (bottom - size.y).max(inside.top()));
    Rect::from_min_size(pos2(x, top), size)
}

/// The computed position and its alignment (W3C TR webvtt1 §3.1 "computed position").
fn position(layout: &CueLayout) -> (f32, PositionAlign) {
    let automatic = match layout.align {
        TextAlign::Start | TextAlign::Left => (0.0, PositionAlign::LineLeft),
        TextAlign::Center => (0.5, PositionAlign::Center),
        TextAlign::End | TextAlign::Right => (1.0, PositionAlign::LineRight),
    };
    let share = layout.position.map_or(automatic.0, |percent| (percent as f32 / 100.0).clamp(0.0, 1.0));
    let align = if layout.position_align == PositionAlign::Auto { automatic.1 } else { layout.position_align };
    (share, align)
}

/// Moves a box off those that are there already: up, and down when there is no room above.
fn avoid(wanted: Rect, taken: &[Rect], picture: Rect) -> Rect {
    let free = |rect: &Rect| !taken.iter().any(|other| other.shrink(0.5).intersects(*rect));
    let mut rect = wanted;
    while !free(&rect) && rect.top() > picture.top() {
        let Some(blocker) = taken.iter().find(|other| other.shrink(0.5).intersects(rect)) else { break };
        rect = rect.translate(vec2(0.0, blocker.top() - rect.bottom() - 2.0));
    }
    if rect.top() >= picture.top() {
        return rect;
    }
    let mut rect = wanted;
    while let Some(blocker) = taken.iter().find(|other| other.shrink(0.5).intersects(rect)) {
        rect = rect.translate(vec2(0.0, blocker.bottom() - rect.top() + 2.0));
        if rect.bottom() > picture.bottom() {
            return wanted;
        }
    }
    rect
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: Rect = Rect::from_min_max(pos2(100.0, 0.0), pos2(1100.0, 600.0));

    fn placed(layout: &CueLayout, lift: f32) -> Rect {
        place(layout, vec2(200.0, 40.0), PICTURE, 40.0, lift)
    }

    #[test]
    fn cues_stand_where_they_say() {
        let bottom = placed(&CueLayout::default(), 0.0);
        assert!((bottom.center().x - 600.0).abs() < 0.1 && (bottom.bottom() - 576.0).abs() < 0.1, "{bottom:?}");
        assert!((placed(&CueLayout::default(), 100.0).bottom() - 476.0).abs() < 0.1);
        let top = placed(&CueLayout { line: LinePosition::Line(0.0), ..CueLayout::default() }, 0.0);
        assert!((top.top() - 24.0).abs() < 0.1);
        let middle = CueLayout { line: LinePosition::Percent(50.0), ..CueLayout::default() };
        assert!((placed(&middle, 0.0).top() - 300.0).abs() < 0.1);
        let right = CueLayout { align: TextAlign::End, ..CueLayout::default() };
        assert!((placed(&right, 0.0).right() - 1076.0).abs() < 0.1);
        let at_fifth =
            CueLayout { position: Some(20.0), position_align: PositionAlign::LineLeft, ..CueLayout::default() };
        assert!((placed(&at_fifth, 0.0).left() - 300.0).abs() < 0.1);
    }

    #[test]
    fn wild_numbers_stay_inside_the_picture() {
        for line in [LinePosition::Line(1e9), LinePosition::Line(-1e9), LinePosition::Percent(1e9), LinePosition::Auto]
        {
            let layout = CueLayout { line, position: Some(-1e9), ..CueLayout::default() };
            assert!(PICTURE.contains_rect(placed(&layout, 1e9)), "{line:?}: {:?}", placed(&layout, 1e9));
        }
    }

    #[test]
    fn two_cues_at_one_place_do_not_overlap() {
        let first = placed(&CueLayout::default(), 0.0);
        let second = avoid(first, &[first], PICTURE);
        assert!(!second.intersects(first.shrink(1.0)) && second.bottom() <= first.top());
        let high = Rect::from_min_size(pos2(200.0, 2.0), vec2(100.0, 40.0));
        assert!(avoid(high, &[high], PICTURE).top() >= high.bottom());
    }
}
