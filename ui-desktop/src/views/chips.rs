//! Choices among few, as chips in lines.

use egui::accesskit::Role;
use egui::{Rect, Response, Sense, Ui, Vec2, WidgetInfo, vec2};

use crate::navigation;
use crate::theme::tokens::{color, radius, space, text};
use crate::widgets::{Line, body, focus_ring};

/// Draws the name of a group of choices.
pub fn group(ui: &mut Ui, words: &str) {
    let line = Line { size: text::BODY, color: color::TEXT_FAINT, rows: 1, width: ui.available_width() };
    body(ui, words, line);
    ui.add_space(space::XS);
}

/// Lays chips out in lines that stand as close as the chips of a line.
pub fn chips(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.spacing_mut().item_spacing = Vec2::splat(space::S);
        ui.horizontal_wrapped(content);
    });
}

/// A choice among few; answers whether it was pressed.
pub fn chip(ui: &mut Ui, words: &str, selected: bool) -> bool {
    let response = button_chip(ui, words, selected, Role::RadioButton);
    if selected {
        navigation::prefer(&response);
    }
    response.clicked() && !selected
}

/// A chip that does something at each press, spoken as `role`.
pub fn button_chip(ui: &mut Ui, words: &str, selected: bool, role: Role) -> Response {
    let ink = if selected { color::ON_ACCENT } else { color::TEXT_SOFT };
    let line = Line { size: text::BODY, color: ink, rows: 1, width: f32::INFINITY };
    let galley = crate::widgets::elided(ui.painter(), words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(space::XL, space::L), Sense::click());
    response.widget_info(|| WidgetInfo::selected(role, true, selected, words));
    let ground = match (selected, response.hovered()) {
        (true, _) => color::ACCENT,
        (false, true) => color::RAISED_HOVER,
        (false, false) => color::RAISED,
    };
    ui.painter().rect_filled(rect, radius::MEDIUM, ground);
    if !selected {
        let edge = egui::Stroke::new(1.0, color::OUTLINE);
        ui.painter().rect_stroke(rect, radius::MEDIUM, edge, egui::StrokeKind::Inside);
    }
    ui.painter().galley(Rect::from_center_size(rect.center(), galley.size()).min, galley, ink);
    focus_ring(ui, &response, rect, radius::MEDIUM);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}
