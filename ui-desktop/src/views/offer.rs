//! The line on the home screen that goes on here with what another device plays.

use egui::accesskit::Role;
use egui::{Rect, Sense, Ui, WidgetInfo, pos2, vec2};
use kinora_api::NowPlaying;

use super::View;
use crate::command::UiCommand;
use crate::state::{device_name, time_left};
use crate::theme::mix;
use crate::theme::tokens::{color, radius, size, space, text, time};
use crate::widgets::{Icon, Line, elided, focus_ring, paint_icon, paint_strong};

/// Height of the line.
const HEIGHT: f32 = 64.0;

/// Draws the offer, if there is one; returns its rectangle.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) -> Option<Rect> {
    let playing = view.state.elsewhere.offer()?;
    let title = playing.title.as_ref()?;
    ui.add_space(space::S);
    let (place, _) = ui.allocate_exact_size(vec2(ui.max_rect().width(), HEIGHT), Sense::hover());
    let width = (place.width() - space::PAGE * 2.0).min(size::TEXT_COLUMN);
    let rect = Rect::from_min_size(pos2(place.left() + space::PAGE, place.top()), vec2(width, HEIGHT));
    let response = ui.interact(rect, ui.scope_id().with("offer"), Sense::click());
    let (headline, facts) = words(playing, &title.name);
    let spoken = format!("{headline}: {facts}");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    let warm = response.hovered() || response.has_focus();
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
    let painter = ui.painter();
    painter.rect_filled(rect, radius::LARGE, mix(color::SURFACE, color::RAISED, heat));
    painter.rect_stroke(rect, radius::LARGE, egui::Stroke::new(1.0, color::OUTLINE), egui::StrokeKind::Inside);
    let disc = pos2(rect.left() + space::L + 18.0, rect.center().y);
    painter.circle_filled(disc, 18.0, mix(color::ACCENT, color::ACCENT_HOVER, heat));
    paint_icon(painter, Icon::Play, disc, 16.0, color::ON_ACCENT);
    let left = disc.x + 18.0 + space::L;
    let room = rect.right() - space::L - left;
    let strong = elided(painter, &headline, Line { size: text::LARGE, color: color::TEXT, rows: 1, width: room });
    let soft = elided(painter, &facts, Line { size: text::BODY, color: color::TEXT_SOFT, rows: 1, width: room });
    let top = rect.center().y - (strong.size().y + soft.size().y + 2.0) / 2.0;
    paint_strong(painter, pos2(left, top), &strong, color::TEXT);
    painter.galley(pos2(left, top + strong.size().y + 2.0), soft, color::TEXT_SOFT);
    focus_ring(ui, &response, rect, radius::LARGE);
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        out.push(UiCommand::TakeOver(playing.playback_id.clone()));
    }
    Some(place)
}

/// Returns both lines, such as `Continue from Living room` and `Night Train North · 12 min left`.
fn words(playing: &NowPlaying, title: &str) -> (String, String) {
    let device = match device_name(playing) {
        "Another device" => "another device",
        name => name,
    };
    let left = match playing.duration_ms {
        // A channel has no length.
        0 => "Live".to_owned(),
        duration => time_left(playing.position_ms, duration),
    };
    (format!("Continue from {device}"), format!("{title}  ·  {left}"))
}
