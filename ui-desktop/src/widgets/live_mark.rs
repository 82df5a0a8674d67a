//! The mark of what is live: a red dot and the word.

use std::sync::Arc;

use egui::{Galley, Painter, Rect, Vec2, pos2, vec2};

use super::{Line, elided, paint_strong};
use crate::theme::tokens::{color, radius, space, text};

/// Radius of the dot.
const DOT: f32 = 3.5;

fn word(painter: &Painter) -> Arc<Galley> {
    elided(painter, "LIVE", Line { size: text::TINY, color: color::WHITE, rows: 1, width: f32::INFINITY })
}

/// Returns the size of the mark.
pub fn size(painter: &Painter) -> Vec2 {
    word(painter).size() + vec2(space::S * 2.0 + DOT * 2.0 + space::XS, space::XS * 1.5)
}

/// Paints the mark on a dark ground.
pub fn paint(painter: &Painter, rect: Rect) {
    let word = word(painter);
    painter.rect_filled(rect, radius::SMALL, color::scrim(190));
    painter.circle_filled(pos2(rect.left() + space::S + DOT, rect.center().y), DOT, color::LIVE);
    let at = pos2(rect.right() - space::S - word.size().x, rect.center().y - word.size().y / 2.0);
    paint_strong(painter, at, &word, color::WHITE);
}
