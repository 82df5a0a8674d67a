//! The bar that shows where playback is and takes the viewer elsewhere, and the volume slider.

use egui::accesskit::Role;
use egui::{Painter, Pos2, Rect, Response, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::{Line, elided, focus_ring};
use crate::theme::tokens::{color, radius, size, space, text, time};

/// Width of the cut where a chapter begins, in points.
const TICK: f32 = 2.5;

/// What the bar shows, in seconds.
pub struct SeekBar<'a> {
    /// The left end.
    pub start: f64,
    /// The right end.
    pub end: f64,
    /// Where playback is.
    pub position: f64,
    /// What is buffered, in order.
    pub buffered: &'a [(f64, f64)],
    /// Beginnings and names of chapters, in order.
    pub chapters: &'a [(f64, &'a str)],
    /// Name of the bar for assistive technology, which reads the position as a number.
    pub name: &'a str,
    /// Writes the time under the pointer.
    pub words: &'a dyn Fn(f64) -> String,
}

/// What the viewer did with the bar.
pub struct SeekBarResponse {
    /// egui's own answer.
    pub response: Response,
    /// Where to go, in seconds, and whether the pointer is still down.
    pub target: Option<(f64, bool)>,
    /// The time in seconds and the place under the pointer, while it is over the bar or drags.
    pub pointed: Option<(f64, f32)>,
}

impl SeekBar<'_> {
    /// Draws the bar over the available width.
    pub fn show(&self, ui: &mut Ui) -> SeekBarResponse {
        let wanted = vec2(ui.available_width(), size::SEEK_BAR_HIT);
        let (rect, mut response) = ui.allocate_exact_size(wanted, Sense::click_and_drag());
        let spoken = self.position;
        response.widget_info(|| WidgetInfo::slider(true, spoken, self.name));
        describe_range(ui, &response, self.start, self.end);
        let pointer = response.interact_pointer_pos().or_else(|| response.hover_pos());
        let pointed = pointer.map(|pointer| self.time_at(rect, pointer.x));
        let dragging = response.dragged() || response.is_pointer_button_down_on();
        let warm = response.hovered() || dragging || response.has_focus();
        let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
        let shown = if dragging { pointed.unwrap_or(self.position) } else { self.position };
        self.paint(ui.painter(), rect, shown, heat);
        let over = pointed.filter(|_| response.hovered() || dragging).map(|at| (at, self.x_of(rect, at)));
        if let Some((at, x)) = over {
            paint_bubble(ui.painter(), rect, x, &self.label(at));
        }
        focus_ring(ui, &response, rect.shrink2(vec2(0.0, 6.0)), radius::SMALL);
        let target = match (pointed, response.drag_stopped() || response.clicked()) {
            (Some(at), true) => Some((at, false)),
            (Some(at), false) if response.dragged() && response.drag_delta() != Vec2::ZERO => Some((at, true)),
            _ => None,
        };
        if target.is_some() {
            response.mark_changed();
        }
        let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
        SeekBarResponse { response, target, pointed: over }
    }

    /// Returns the time that a place of the bar stands for, with the name of its chapter.
    fn label(&self, at: f64) -> String {
        let time = (self.words)(at);
        match self.chapters.iter().rfind(|(start, _)| *start <= at) {
            Some((_, name)) => format!("{time}  ·  {name}"),
            None => time,
        }
    }

    fn span(&self) -> f64 {
        (self.end - self.start).max(0.001)
    }

    fn time_at(&self, rect: Rect, x: f32) -> f64 {
        let share = f64::from(((x - rect.left()) / rect.width().max(1.0)).clamp(0.0, 1.0));
        self.start + share * self.span()
    }

    fn x_of(&self, rect: Rect, at: f64) -> f32 {
        let share = ((at - self.start) / self.span()).clamp(0.0, 1.0) as f32;
        rect.left() + rect.width() * share
    }

    fn paint(&self, painter: &Painter, rect: Rect, position: f64, heat: f32) {
        let thickness = size::SEEK_BAR.0 + (size::SEEK_BAR.1 - size::SEEK_BAR.0) * heat;
        let rail = Rect::from_center_size(rect.center(), vec2(rect.width(), thickness));
        let rounding = thickness / 2.0;
        painter.rect_filled(rail, rounding, color::RAIL);
        for &(from, to) in self.buffered {
            let part = rail.with_min_x(self.x_of(rect, from)).with_max_x(self.x_of(rect, to));
            if part.is_positive() {
                painter.rect_filled(part, rounding, color::RAIL_BUFFERED);
            }
        }
        let head = self.x_of(rect, position);
        self.paint_chapters(painter, rect, rail);
        painter.rect_filled(rail.with_max_x(head.max(rail.left() + 0.1)), rounding, color::ACCENT);
        self.paint_chapters(painter, rect, rail.with_max_x(head));
        let knob = 5.0 + 3.0 * heat;
        painter.circle_filled(pos2(head, rail.center().y), knob, color::ACCENT);
    }

    /// Cuts the part of the rail that is painted so far where chapters begin.
    fn paint_chapters(&self, painter: &Painter, rect: Rect, rail: Rect) {
        for (start, _) in self.chapters.iter().filter(|(start, _)| (self.start + 0.5..self.end).contains(start)) {
            let x = self.x_of(rect, *start);
            if rail.x_range().contains(x) {
                let cut = Rect::from_center_size(pos2(x, rail.center().y), vec2(TICK, rail.height() + 2.0));
                painter.rect_filled(cut, 0.0, color::BLACK);
            }
        }
    }
}

fn paint_bubble(painter: &Painter, bar: Rect, x: f32, words: &str) {
    let line = Line { size: text::SMALL, color: color::TEXT, rows: 1, width: f32::INFINITY };
    let galley = elided(painter, words, line);
    let bubble_size = galley.size() + vec2(space::M, space::S);
    let half = bubble_size.x / 2.0;
    let center = Pos2::new(x.clamp(bar.left() + half, bar.right() - half), bar.top() - bubble_size.y / 2.0 - 2.0);
    let bubble = Rect::from_center_size(center, bubble_size);
    painter.rect_filled(bubble, radius::SMALL, color::GLASS);
    painter.galley(bubble.center() - galley.size() / 2.0, galley, line.color);
}

/// A short horizontal slider for the volume; answers the new value while it is changed.
pub fn volume_slider(ui: &mut Ui, volume: f32, muted: bool) -> Option<f32> {
    let (rect, mut response) = ui.allocate_exact_size(vec2(size::VOLUME, size::SEEK_BAR_HIT), Sense::click_and_drag());
    let spoken = f64::from(volume * 100.0).round();
    response.widget_info(|| WidgetInfo::slider(true, spoken, "Volume in percent"));
    describe_range(ui, &response, 0.0, 100.0);
    let rail = Rect::from_center_size(rect.center(), vec2(rect.width() - space::M, size::SEEK_BAR.0));
    let pressed = response.dragged() || response.is_pointer_button_down_on() || response.clicked();
    let pointed = response.interact_pointer_pos().filter(|_| pressed);
    let wanted = pointed.map(|at| ((at.x - rail.left()) / rail.width()).clamp(0.0, 1.0));
    if wanted.is_some() {
        response.mark_changed();
    }
    let shown = if muted && wanted.is_none() { 0.0 } else { wanted.unwrap_or(volume) };
    let head = rail.left() + rail.width() * shown;
    let painter = ui.painter();
    painter.rect_filled(rail, 2.0, color::RAIL);
    painter.rect_filled(rail.with_max_x(head.max(rail.left() + 0.1)), 2.0, color::WHITE);
    painter.circle_filled(pos2(head, rail.center().y), 6.0, color::WHITE);
    focus_ring(ui, &response, rect.shrink2(vec2(0.0, 4.0)), radius::SMALL);
    response.on_hover_cursor(egui::CursorIcon::PointingHand);
    wanted.filter(|wanted| (wanted - volume).abs() > 0.001)
}

/// Tells assistive technology the ends of a slider.
fn describe_range(ui: &Ui, response: &Response, from: f64, to: f64) {
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Slider);
        node.set_min_numeric_value(from);
        node.set_max_numeric_value(to);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::clock;

    #[test]
    fn places_and_times_correspond() {
        let chapters = [(100.0, "The Quay"), (200.0, "Open Water")];
        let bar = SeekBar {
            start: 100.0,
            end: 300.0,
            position: 150.0,
            buffered: &[],
            chapters: &chapters,
            name: "",
            words: &clock,
        };
        assert_eq!(bar.label(199.0), "3:19  ·  The Quay");
        assert_eq!(bar.label(200.0), "3:20  ·  Open Water");
        assert_eq!(bar.label(90.0), "1:30");
        let rect = Rect::from_min_size(pos2(50.0, 0.0), vec2(400.0, 20.0));
        for at in [100.0, 150.0, 299.0] {
            assert!((bar.time_at(rect, bar.x_of(rect, at)) - at).abs() < 0.01);
        }
        assert!((bar.time_at(rect, -10.0) - 100.0).abs() < 1e-9);
        assert!((bar.time_at(rect, 1000.0) - 300.0).abs() < 1e-9);
    }
}
