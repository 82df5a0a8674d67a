//! Subtitles over the picture: placed and styled as their cues say. `place` knows where, `letters` how text looks,
//! `vertical` sets columns.

mod letters;
mod place;
mod vertical;

use egui::{Color32, Painter, Rect, pos2, vec2};
use player_core::MediaTime;
use player_core::text::Cue;

use crate::theme::tokens::{radius, text};
use letters::{Letters, Scale, halign};
use place::Frame;

/// Cues that are drawn at once: more cannot be read.
const MOST: usize = 64;

/// Look of cues where they leave it to the viewer.
#[derive(Clone, Copy, Debug)]
pub struct CueStyle {
    /// Height of the type as a share of the picture's height.
    pub share: f32,
    /// Colour of the letters.
    pub ink: Color32,
    /// Background of the lines; `None` outlines the letters.
    pub ground: Option<Color32>,
}

/// Paints cues over a picture. `lift` keeps so many points at the bottom free for the controls.
pub fn paint_cues(painter: &Painter, picture: Rect, cues: &[Cue], at: MediaTime, style: CueStyle, lift: f32) {
    let scale = Scale::new(picture.height(), style);
    let mut taken: Vec<Rect> = Vec::new();
    for group in groups(cues) {
        let Some(first) = group.first() else { continue };
        let frame = Frame::of(&first.layout, picture, scale.points * letters::LINE);
        match frame {
            _ if first.layout.vertical.is_some() => {
                let (inner, align) = match frame {
                    Some(frame) => {
                        paint_window(painter, first, frame.outer);
                        (frame.inner, frame.align)
                    }
                    None => (place::safe(picture), Default::default()),
                };
                vertical::paint(painter, inner, align, &group, at, scale);
            }
            Some(frame) => paint_framed(painter, frame, &group, at, scale, picture.bottom() - lift.max(0.0)),
            None => {
                for cue in group {
                    paint_free(painter, picture, cue, at, scale, lift, &mut taken);
                }
            }
        }
    }
}

/// Cues that stand in the same area or region, and those that stand free, in order.
fn groups(cues: &[Cue]) -> Vec<Vec<&Cue>> {
    let mut groups: Vec<Vec<&Cue>> = Vec::new();
    for cue in cues.iter().take(MOST) {
        let same = |group: &&mut Vec<&Cue>| {
            group.first().is_some_and(|first| {
                let (a, b) = (&first.layout, &cue.layout);
                (&a.area, &a.region, a.vertical) == (&b.area, &b.region, b.vertical)
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(cue),
            None => groups.push(vec![cue]),
        }
    }
    groups
}

/// The colour behind a cue's lines: its own, or the usual one when nothing else makes it readable.
fn ground(cue: &Cue, scale: Scale) -> Option<Color32> {
    let layout = &cue.layout;
    if let Some(own) = layout.background {
        return Some(letters::colour(own));
    }
    let readable = layout.area.as_ref().is_some_and(|area| area.background.is_some_and(|[.., alpha]| alpha > 0))
        || cue.spans.iter().any(|span| span.style.background.is_some() || span.style.edge.is_some());
    scale.ground.filter(|_| !readable)
}

/// The colour of the area of a cue.
fn paint_window(painter: &Painter, cue: &Cue, outer: Rect) {
    if let Some(colour) = cue.layout.area.as_ref().and_then(|area| area.background) {
        painter.rect_filled(outer, 0.0, letters::colour(colour));
    }
}

/// Cues that follow each other in an area or region. What would lie under the controls moves up with its area.
fn paint_framed(painter: &Painter, frame: Frame, cues: &[&Cue], at: MediaTime, scale: Scale, bottom: f32) {
    let laid: Vec<(&Cue, Letters)> = cues
        .iter()
        .map(|&cue| {
            let width = cue.layout.wrap.then_some(frame.inner.width().max(scale.points));
            (cue, Letters::of(painter, &cue.spans, at, scale, width, cue.layout.align))
        })
        .collect();
    let height = laid.iter().map(|(_, letters)| letters.size().y).sum::<f32>();
    let hidden = (frame.top(height) + height - bottom).max(0.0);
    let move_up = vec2(0.0, -hidden);
    if let Some(first) = cues.first() {
        paint_window(painter, first, frame.outer.translate(move_up));
    }
    let inner = frame.inner.translate(move_up);
    let mut top = frame.top(height) - hidden;
    for (cue, letters) in laid {
        let size = letters.size();
        let anchor = match halign(cue.layout.align) {
            egui::Align::Min => inner.left(),
            egui::Align::Center => inner.center().x,
            egui::Align::Max => inner.right(),
        };
        if let Some(colour) = ground(cue, scale) {
            let block = Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), size.y));
            let lines = around(anchor, top, size, halign(cue.layout.align));
            let behind =
                if cue.layout.background.is_some() { block } else { lines.expand2(vec2(scale.points * 0.3, 0.0)) };
            painter.rect_filled(behind, 0.0, colour);
        }
        letters.paint(painter, pos2(anchor, top));
        top += size.y;
    }
}

/// The box of lines that are aligned with an anchor.
fn around(anchor: f32, top: f32, size: egui::Vec2, align: egui::Align) -> Rect {
    let left = match align {
        egui::Align::Min => anchor,
        egui::Align::Center => anchor - size.x / 2.0,
        egui::Align::Max => anchor - size.x,
    };
    Rect::from_min_size(pos2(left, top), size)
}

/// A cue that stands where its settings say.
fn paint_free(
    painter: &Painter,
    picture: Rect,
    cue: &Cue,
    at: MediaTime,
    scale: Scale,
    lift: f32,
    taken: &mut Vec<Rect>,
) {
    let points = scale.points;
    let share = (cue.layout.size as f32 / 100.0).clamp(0.1, 1.0) * 0.92;
    let width = cue.layout.wrap.then_some((picture.width() * share).max(points * 4.0));
    let letters = Letters::of(painter, &cue.spans, at, scale, width, cue.layout.align);
    let padding = vec2(points * 0.35, points * 0.12);
    let wanted = place::place(&cue.layout, letters.size() + padding * 2.0, picture, points * text::LEADING, lift);
    let rect = place::avoid(wanted, taken, picture);
    taken.push(rect);
    if let Some(colour) = ground(cue, scale) {
        painter.rect_filled(rect, radius::SMALL, colour);
    }
    let anchor = match halign(cue.layout.align) {
        egui::Align::Min => rect.left() + padding.x,
        egui::Align::Center => rect.center().x,
        egui::Align::Max => rect.right() - padding.x,
    };
    letters.paint(painter, pos2(anchor, rect.top() + padding.y));
}
