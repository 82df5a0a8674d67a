//! Choices among few, as chips in lines.

use egui::accesskit::Role;
use egui::{Rect, Response, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::navigation;
use crate::theme::tokens::{color, radius, space, text};
use crate::widgets::{Line, body, focus_ring};

/// Draws the name of a group of choices.
pub fn group(ui: &mut Ui, words: &str) {
    let line = Line { size: text::BODY, color: color::TEXT_FAINT, rows: 1, width: ui.available_width() };
    body(ui, words, line);
    ui.add_space(space::XS);
}

/// Draws the name of a group in the line of its choices.
pub fn name_in_line(ui: &mut Ui, words: &str) {
    let line = Line { size: text::BODY, color: color::TEXT_FAINT, rows: 1, width: f32::INFINITY };
    let galley = crate::widgets::elided(ui.painter(), words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(space::S, space::L), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, line.color);
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
    paint(ui, words, selected, role, 0.0).0
}

/// A chip that shows or hides something below it.
pub fn folding_chip(ui: &mut Ui, words: &str, selected: bool, is_open: bool) -> Response {
    let (response, rect, ink) = paint(ui, words, selected, Role::Button, ARROW);
    let center = pos2(rect.right() - space::L, rect.center().y);
    let (half, tip) = (4.0, if is_open { -3.0 } else { 3.0 });
    let points = [vec2(-half, -tip / 2.0), vec2(0.0, tip / 2.0), vec2(half, -tip / 2.0)].map(|way| center + way * 1.3);
    ui.painter().line(points.to_vec(), egui::Stroke::new(1.6, ink));
    response
}

/// Room for the arrow of a chip that folds, in points.
const ARROW: f32 = 18.0;

/// Draws a chip with so much more room on its right; returns its place and the colour of its letters.
fn paint(ui: &mut Ui, words: &str, selected: bool, role: Role, more: f32) -> (Response, Rect, egui::Color32) {
    let ink = if selected { color::ON_ACCENT } else { color::TEXT_SOFT };
    let line = Line { size: text::BODY, color: ink, rows: 1, width: f32::INFINITY };
    let galley = crate::widgets::elided(ui.painter(), words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(space::XL + more, space::L), Sense::click());
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
    let center = rect.center() - vec2(more / 2.0, 0.0);
    ui.painter().galley(Rect::from_center_size(center, galley.size()).min, galley, ink);
    focus_ring(ui, &response, rect, radius::MEDIUM);
    (response.on_hover_cursor(egui::CursorIcon::PointingHand), rect, ink)
}
