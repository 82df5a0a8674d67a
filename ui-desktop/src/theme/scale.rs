//! The scale of everything: it follows the window, so that a television shows what a laptop shows.

use egui::{Context, Key, KeyboardShortcut, Modifiers, Vec2};

use super::tokens::{scale, size};
use crate::command::Zoom;

/// Returns egui's zoom factor for a window of a size in points at zoom 1: the window's share of
/// [`size::WINDOW`] within [`scale::WINDOW`], times the viewer's own factor.
pub fn factor(window: Vec2, own: f32) -> f32 {
    let [width, height] = size::WINDOW;
    let share = (window.x / width).min(window.y / height);
    // Every new factor draws all letters anew; small steps keep a window that is being dragged smooth.
    let share = (share / scale::STEP).round() * scale::STEP;
    share.clamp(scale::WINDOW.0, scale::WINDOW.1) * own
}

/// Sets the zoom factor that the window asks for; it holds from the next frame on.
pub fn follow_window(ctx: &Context, own: f32) {
    let window = ctx.content_rect().size() * ctx.zoom_factor();
    if window.x >= 1.0 && window.y >= 1.0 {
        ctx.set_zoom_factor(factor(window, own));
    }
}

/// Takes Ctrl with +, − or 0 out of the frame's events; Command on a Mac.
pub fn take_keys(ctx: &Context) -> Option<Zoom> {
    let keys = [(Key::Plus, Zoom::In), (Key::Equals, Zoom::In), (Key::Minus, Zoom::Out), (Key::Num0, Zoom::Reset)];
    ctx.input_mut(|input| {
        let mut pressed = |key| input.consume_shortcut(&KeyboardShortcut::new(Modifiers::COMMAND, key));
        keys.into_iter().find_map(|(key, zoom)| pressed(key).then_some(zoom))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    #[test]
    fn three_screens_have_one_composition() {
        for (width, height) in [(1280.0, 720.0), (1920.0, 1080.0), (2560.0, 1440.0), (3840.0, 2160.0)] {
            let factor = factor(vec2(width, height), 1.0);
            assert!(
                (width / factor - 1280.0).abs() < 0.5 && (height / factor - 720.0).abs() < 0.5,
                "{width}: {factor}"
            );
        }
    }

    #[test]
    fn the_narrower_side_counts_within_limits() {
        assert!((factor(vec2(2560.0, 720.0), 1.0) - 1.0).abs() < 1e-6);
        assert!((factor(vec2(480.0, 270.0), 1.0) - 0.75).abs() < 1e-6);
        assert!((factor(vec2(15_360.0, 8640.0), 1.0) - 3.0).abs() < 1e-6);
        assert!((factor(vec2(1920.0, 1080.0), 1.2) - 1.8).abs() < 1e-6);
    }
}
