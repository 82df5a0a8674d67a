//! The window's icon: the wordmark's mark, computed so that no file has to be shipped.

use eframe::egui;

use crate::theme::tokens::color;

/// Pixels on a side.
const SIDE: usize = 64;
/// Radius of the corners in pixels.
const CORNER: f32 = 14.0;

/// A play triangle on an amber square.
pub fn window_icon() -> egui::IconData {
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
            let color = if in_triangle(x, y) { color::ON_ACCENT } else { color::ACCENT };
            let alpha = (coverage(x, y) * 255.0) as u8;
            rgba.extend([color.r(), color.g(), color.b(), alpha]);
        }
    }
    egui::IconData { rgba, width: SIDE as u32, height: SIDE as u32 }
}

/// How much of a pixel lies inside of the rounded square, 0–1.
fn coverage(x: f32, y: f32) -> f32 {
    let side = SIDE as f32;
    let inner = |value: f32| (CORNER - value).max(value - (side - CORNER)).max(0.0);
    let distance = inner(x).hypot(inner(y));
    (CORNER - distance + 0.5).clamp(0.0, 1.0)
}

fn in_triangle(x: f32, y: f32) -> bool {
    let (left, right, half) = (22.0, 47.0, 15.5);
    let along = (x - left) / (right - left);
    (0.0..=1.0).contains(&along) && (y - SIDE as f32 / 2.0).abs() <= half * (1.0 - along)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_has_clear_corners_and_a_dark_triangle() {
        let icon = window_icon();
        assert_eq!(icon.rgba.len(), SIDE * SIDE * 4);
        let pixel = |x: usize, y: usize| &icon.rgba[(y * SIDE + x) * 4..][..4];
        assert_eq!(pixel(0, 0)[3], 0);
        assert_eq!(pixel(30, 32)[..3], [color::ON_ACCENT.r(), color::ON_ACCENT.g(), color::ON_ACCENT.b()]);
        assert_eq!(pixel(8, 32), [color::ACCENT.r(), color::ACCENT.g(), color::ACCENT.b(), 255]);
    }
}
