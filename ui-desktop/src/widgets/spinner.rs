//! A turning arc for waits.

use std::f32::consts::TAU;

use egui::{Color32, Painter, Pos2, Stroke};

/// Paints a spinner; `time` is the interface's clock in seconds. The caller asks for the next frame.
pub fn spinner(painter: &Painter, center: Pos2, radius: f32, color: Color32, time: f64) {
    const POINTS: usize = 32;
    let width = (radius * 0.14).max(2.0);
    painter.circle_stroke(center, radius, Stroke::new(width, color.gamma_multiply(0.2)));
    let start = (time * 0.9).fract() as f32 * TAU;
    let sweep = TAU * (0.28 + 0.12 * (time * 2.1).sin() as f32);
    let points: Vec<Pos2> = (0..=POINTS)
        .map(|index| {
            let angle = start + sweep * index as f32 / POINTS as f32;
            center + radius * egui::vec2(angle.cos(), angle.sin())
        })
        .collect();
    painter.line(points, Stroke::new(width, color));
}
