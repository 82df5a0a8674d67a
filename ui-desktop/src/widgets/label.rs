//! Text: headings, running text, badges, the wordmark.
//!
//! The bundled font has one weight. Headings are made stronger by painting them twice, a fraction of a point apart.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align, Color32, Galley, Painter, Pos2, Rect, Response, Sense, Ui, WidgetInfo, vec2};

use crate::theme::font;
use crate::theme::tokens::{color, radius, space, text};

/// How a line of text is to look.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Height of the type in points.
    pub size: f32,
    /// Its colour.
    pub color: Color32,
    /// At most so many lines; what does not fit ends in an ellipsis.
    pub rows: usize,
    /// Width at which it wraps.
    pub width: f32,
}

/// Lays text out with an ellipsis where it does not fit.
pub fn elided(painter: &Painter, words: &str, line: Line) -> Arc<Galley> {
    let format = TextFormat {
        font_id: font(line.size),
        color: line.color,
        line_height: (line.rows > 1).then_some(line.size * text::LEADING),
        valign: Align::Center,
        ..TextFormat::default()
    };
    let mut job = LayoutJob::single_section(words.to_owned(), format);
    job.wrap = TextWrapping { max_width: line.width, max_rows: line.rows, ..TextWrapping::default() };
    painter.layout_job(job)
}

/// Lays a heading out for [`paint_strong`].
pub fn strong_galley(painter: &Painter, words: &str, line: Line) -> Arc<Galley> {
    elided(painter, words, line)
}

/// Paints laid-out text with more weight.
pub fn paint_strong(painter: &Painter, place: Pos2, galley: &Arc<Galley>, color: Color32) {
    let weight = (galley.rows.first().map_or(16.0, |row| row.height()) / 56.0).clamp(0.3, 0.9);
    painter.galley(place, Arc::clone(galley), color);
    painter.galley(place + vec2(weight, 0.0), Arc::clone(galley), color);
}

/// A heading as a widget.
pub fn heading(ui: &mut Ui, words: &str, size: f32) -> Response {
    let line = Line { size, color: color::TEXT, rows: 2, width: ui.available_width() };
    let galley = strong_galley(ui.painter(), words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, words));
    paint_strong(ui.painter(), rect.min, &galley, color::TEXT);
    response
}

/// Running text as a widget.
pub fn body(ui: &mut Ui, words: &str, line: Line) -> Response {
    let galley = elided(ui.painter(), words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, words));
    ui.painter().galley(rect.min, galley, line.color);
    response
}

/// A short fact in a frame, such as an age rating.
pub fn badge(ui: &mut Ui, words: &str) -> Response {
    let line = Line { size: text::TINY, color: color::TEXT_SOFT, rows: 1, width: f32::INFINITY };
    let galley = elided(ui.painter(), words, line);
    let size = galley.size() + vec2(space::S * 1.5, space::XS * 1.5);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Label, true, words));
    let stroke = egui::Stroke::new(1.0, color::TEXT_FAINT);
    ui.painter().rect_stroke(rect, radius::SMALL, stroke, egui::StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, line.color);
    response
}

/// The product's name as it is written everywhere: a perforated frame and the word. Answers the space it took.
pub fn wordmark(painter: &Painter, left_center: Pos2, size: f32) -> Rect {
    let side = size * 0.94;
    let mark = Rect::from_min_size(left_center - vec2(0.0, side / 2.0), vec2(side, side));
    painter.rect_filled(mark, size * 0.22, color::ACCENT);
    let center = mark.center() + vec2(side * 0.04, 0.0);
    let reach = side * 0.24;
    let triangle =
        vec![center + vec2(-reach * 0.8, -reach), center + vec2(reach, 0.0), center + vec2(-reach * 0.8, reach)];
    painter.add(egui::Shape::convex_polygon(triangle, color::ON_ACCENT, egui::Stroke::NONE));
    let word = LayoutJob::single_section(
        "kinora".to_owned(),
        TextFormat {
            font_id: font(size),
            color: color::TEXT,
            extra_letter_spacing: size * 0.02,
            ..TextFormat::default()
        },
    );
    let galley = painter.layout_job(word);
    let place = Pos2::new(mark.right() + size * 0.36, left_center.y - galley.size().y / 2.0 - size * 0.04);
    paint_strong(painter, place, &galley, color::TEXT);
    mark.union(Rect::from_min_size(place, galley.size()))
}
