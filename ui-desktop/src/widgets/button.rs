//! Buttons, all with a name for screen readers and a visible focus.

use egui::emath::GuiRounding as _;
use egui::{Color32, CornerRadius, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

use super::{Icon, Line, elided, paint_icon};
use crate::theme::mix;
use crate::theme::tokens::{color, radius, size, space, text, time};

/// How much a button wants to be pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prominence {
    /// The one thing to do here.
    Primary,
    /// Something else that can be done.
    Secondary,
    /// A word without a ground.
    Quiet,
    /// Something that cannot be undone.
    Danger,
}

/// A button with a word.
pub fn text_button(ui: &mut Ui, prominence: Prominence, label: &str) -> Response {
    icon_text_button(ui, prominence, None, label)
}

/// A button with an icon and a word.
pub fn icon_text_button(ui: &mut Ui, prominence: Prominence, icon: Option<Icon>, label: &str) -> Response {
    let line = Line { size: text::LARGE, color: color::TEXT, rows: 1, width: ui.available_width().max(80.0) };
    let galley = elided(ui.painter(), label, line);
    let icon_width = if icon.is_some() { text::LARGE + space::S * 1.25 } else { 0.0 };
    let padding = if prominence == Prominence::Quiet { space::M } else { space::XL };
    let wanted = vec2(galley.size().x + icon_width + padding * 2.0, size::BUTTON);
    let wide = if ui.layout().horizontal_justify() { vec2(ui.available_width(), size::BUTTON) } else { wanted };
    let (rect, response) = ui.allocate_exact_size(wide, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, enabled, label));
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), is_warm(&response), time::HOVER);
    let (ground, ink) = match prominence {
        Prominence::Primary => (mix(color::ACCENT, color::ACCENT_HOVER, heat), color::ON_ACCENT),
        Prominence::Secondary => (mix(color::RAISED, color::RAISED_HOVER, heat), color::TEXT),
        Prominence::Danger => (mix(color::DANGER_GROUND, color::RAISED_HOVER, heat), color::DANGER),
        Prominence::Quiet => (color::RAISED.gamma_multiply(heat * 0.8), mix(color::TEXT_SOFT, color::TEXT, heat)),
    };
    let fade = if enabled { 1.0 } else { 0.45 };
    let painter = ui.painter();
    painter.rect_filled(rect, radius::MEDIUM, ground.gamma_multiply(fade));
    let left = rect.center().x - (galley.size().x + icon_width) / 2.0;
    if let Some(icon) = icon {
        let center = egui::pos2(left + text::LARGE / 2.0, rect.center().y);
        paint_icon(painter, icon, center, text::LARGE, ink.gamma_multiply(fade));
    }
    let place = egui::pos2(left + icon_width, rect.center().y - galley.size().y / 2.0);
    let job_color = ink.gamma_multiply(fade);
    // Letters stand on whole pixels: from there both passes of all buttons are equally far apart.
    let place = place.round_to_pixels(painter.pixels_per_point());
    paint_recoloured(painter, place, &galley, job_color);
    focus_ring(ui, &response, rect, radius::MEDIUM);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn paint_recoloured(painter: &Painter, place: egui::Pos2, galley: &std::sync::Arc<egui::Galley>, ink: Color32) {
    painter.galley_with_override_text_color(place, std::sync::Arc::clone(galley), ink);
    painter.galley_with_override_text_color(place + vec2(0.35, 0.0), std::sync::Arc::clone(galley), ink);
}

/// A round button over the picture: an icon, and a name that shows when the pointer rests on it.
pub fn glass_button(ui: &mut Ui, icon: Icon, name: &str, side: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, enabled, name));
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), is_warm(&response), time::HOVER);
    ui.painter().circle_filled(rect.center(), side / 2.0, color::GLASS_HOVER.gamma_multiply(heat));
    let ink = if enabled { color::WHITE } else { color::WHITE.gamma_multiply(0.35) };
    paint_icon(ui.painter(), icon, rect.center(), side * (0.5 + 0.03 * heat), ink);
    focus_ring(ui, &response, rect, CornerRadius::same((side / 2.0) as u8));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(name)
}

/// Marks what has the keyboard's focus.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect, corners: CornerRadius) {
    if response.has_focus() {
        let stroke = Stroke::new(size::FOCUS_RING, color::WHITE);
        ui.painter().rect_stroke(rect.expand(3.0), corners + CornerRadius::same(3), stroke, StrokeKind::Outside);
    }
}

fn is_warm(response: &Response) -> bool {
    response.hovered() || response.is_pointer_button_down_on()
}
