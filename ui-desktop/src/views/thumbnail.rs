//! The picture over the seek bar that shows where one would land.

use egui::{Color32, Pos2, Rect, Ui, pos2, vec2};

use super::View;
use crate::state::PlayerState;
use crate::theme::tokens::{color, radius};

/// Width of the picture at most, in points.
const WIDTH: f32 = 240.0;
/// Distance from the bar to the picture: the time stands between them.
const GAP: f32 = 30.0;

/// Draws the picture that stands for a time above a place of the bar. Draws nothing while there is none.
pub fn show(ui: &Ui, view: &View<'_>, player: &PlayerState, bar: Rect, seconds: f64, x: f32) {
    let Some(sprite) = player.companion.as_ref().and_then(|companion| companion.sprites.at(seconds)) else { return };
    let Some(sheet) = view.images.get(&sprite.sheet, view.now) else { return };
    let full = sheet.source_size;
    let region =
        Rect::from_min_size(pos2(sprite.x as f32, sprite.y as f32), vec2(sprite.width as f32, sprite.height as f32));
    // A region that leads out of the sheet shows nothing of it.
    if region.right() > full.x + 0.5 || region.bottom() > full.y + 0.5 {
        return;
    }
    // The half pixel at the edges would show the neighbour.
    let inset = region.shrink(0.5);
    let uv = Rect::from_min_max(
        Pos2::new(inset.left() / full.x, inset.top() / full.y),
        Pos2::new(inset.right() / full.x, inset.bottom() / full.y),
    );
    let width = WIDTH.min(bar.width() * 0.4);
    let picture = vec2(width, width * region.height() / region.width());
    let half = picture.x / 2.0;
    let left = (x - half).clamp(bar.left(), (bar.right() - picture.x).max(bar.left()));
    let rect = Rect::from_min_size(pos2(left, bar.top() - GAP - picture.y), picture);
    let painter = ui.painter();
    painter.rect_filled(rect.expand(2.0), radius::MEDIUM, color::WHITE);
    let shape = egui::epaint::RectShape::filled(rect, radius::SMALL, Color32::WHITE).with_texture(sheet.texture, uv);
    painter.add(shape);
    let response = ui.interact(rect, ui.scope_id().with("thumbnail"), egui::Sense::hover());
    let words = format!("Picture at {}", crate::state::clock(seconds));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Image, true, &words));
}
