//! How the interface looks: the tokens, and their translation into egui's style. Nothing here knows a view.

pub mod scale;
pub mod tokens;

use egui::style::{ScrollAnimation, ScrollStyle};
use egui::{Color32, FontFamily, FontId, Stroke, TextStyle, Theme, Visuals};

use tokens::{color, radius, size, space, text};

/// Applies the theme to a context; called once, before the first frame.
pub fn apply(ctx: &egui::Context) {
    ctx.set_theme(Theme::Dark);
    // The scale is the window's and the viewer's: see `scale`.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.style_mut_of(Theme::Dark, |style| {
        style.visuals = visuals();
        style.animation_time = tokens::time::HOVER;
        style.spacing.item_spacing = egui::vec2(space::S, space::S);
        style.spacing.button_padding = egui::vec2(space::L, space::S);
        style.spacing.interact_size.y = size::BUTTON;
        style.spacing.scroll = ScrollStyle { bar_width: 8.0, ..ScrollStyle::floating() };
        style.interaction.selectable_labels = false;
        style.scroll_animation = ScrollAnimation::duration(tokens::time::SCROLL);
        style.text_styles = [
            (TextStyle::Heading, FontId::new(text::TITLE, FontFamily::Proportional)),
            (TextStyle::Body, FontId::new(text::BODY, FontFamily::Proportional)),
            (TextStyle::Button, FontId::new(text::LARGE, FontFamily::Proportional)),
            (TextStyle::Small, FontId::new(text::SMALL, FontFamily::Proportional)),
            (TextStyle::Monospace, FontId::new(text::SMALL, FontFamily::Monospace)),
        ]
        .into();
    });
}

/// A proportional font of a size.
pub const fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.override_text_color = Some(color::TEXT_SOFT);
    visuals.panel_fill = color::GROUND;
    visuals.window_fill = color::SURFACE;
    visuals.window_stroke = Stroke::new(1.0, color::LINE);
    visuals.window_corner_radius = radius::LARGE;
    visuals.menu_corner_radius = radius::MEDIUM;
    visuals.extreme_bg_color = color::SURFACE;
    visuals.text_edit_bg_color = Some(color::SURFACE);
    visuals.selection.bg_fill = color::ACCENT.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(size::FOCUS_RING, color::ACCENT);
    visuals.hyperlink_color = color::ACCENT;
    visuals.error_fg_color = color::DANGER;
    visuals.text_cursor.stroke = Stroke::new(2.0, color::ACCENT);
    let widgets = &mut visuals.widgets;
    for widget in [&mut widgets.noninteractive, &mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
        widget.corner_radius = radius::MEDIUM;
        widget.expansion = 0.0;
        widget.bg_stroke = Stroke::new(1.0, color::LINE);
    }
    widgets.inactive.bg_stroke = Stroke::new(1.0, color::OUTLINE);
    widgets.hovered.bg_stroke = Stroke::new(1.0, color::TEXT_FAINT);
    widgets.inactive.weak_bg_fill = color::RAISED;
    widgets.inactive.bg_fill = color::RAISED;
    widgets.inactive.fg_stroke = Stroke::new(1.0, color::TEXT_SOFT);
    widgets.hovered.weak_bg_fill = color::RAISED_HOVER;
    widgets.hovered.bg_fill = color::RAISED_HOVER;
    widgets.hovered.fg_stroke = Stroke::new(1.0, color::TEXT);
    widgets.active.weak_bg_fill = color::RAISED_HOVER;
    widgets.active.bg_fill = color::RAISED_HOVER;
    widgets.active.fg_stroke = Stroke::new(1.0, color::TEXT);
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, color::TEXT_SOFT);
    visuals
}

/// Mixes two colours: `share` 0 gives `from`, 1 gives `to`.
pub fn mix(from: Color32, to: Color32, share: f32) -> Color32 {
    from.lerp_to_gamma(to, share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast of two opaque colours, 1–21 (WCAG 2.2).
    fn contrast(a: Color32, b: Color32) -> f32 {
        let light = |color: Color32| {
            let [red, green, blue, _] = egui::Rgba::from(color).to_array();
            0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05
        };
        let (a, b) = (light(a), light(b));
        a.max(b) / a.min(b)
    }

    #[test]
    fn edges_of_controls_are_found_and_text_is_read() {
        for ground in [color::GROUND, color::SURFACE] {
            assert!(contrast(color::OUTLINE, ground) >= 3.0, "{}", contrast(color::OUTLINE, ground));
            for text in [color::TEXT, color::TEXT_SOFT, color::TEXT_FAINT] {
                assert!(contrast(text, ground) >= 4.5, "{}", contrast(text, ground));
            }
        }
    }
}
