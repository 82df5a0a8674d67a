//! QR codes on the screen.

use egui::{Painter, Rect, vec2};

use crate::qr::QrSquares;
use crate::theme::tokens::{color, radius};

/// Paints a code with its light frame into a square. Squares have whole pixels, so that a camera sees sharp edges.
pub fn paint_qr(painter: &Painter, code: &QrSquares, place: Rect) {
    painter.rect_filled(place, radius::MEDIUM, color::WHITE);
    let count = code.side() + 2 * QrSquares::QUIET_ZONE;
    let pixel = 1.0 / painter.pixels_per_point();
    let unit = (place.width() / count as f32 / pixel).floor().max(1.0) * pixel;
    let start = place.center() - vec2(1.0, 1.0) * (unit * code.side() as f32 / 2.0);
    let start = egui::pos2((start.x / pixel).round() * pixel, (start.y / pixel).round() * pixel);
    for (y, x, length) in code.runs() {
        let min = start + vec2(x as f32, y as f32) * unit;
        painter.rect_filled(Rect::from_min_size(min, vec2(length as f32 * unit, unit)), 0.0, color::BLACK);
    }
}
