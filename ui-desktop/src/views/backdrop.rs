//! Pictures behind text.

use egui::{Painter, Rect, Vec2, pos2, vec2};
use kinora_api::TitleCard;

use super::View;
use crate::theme::tokens::color;
use crate::widgets::{Shelved, cover_uv, paint_placeholder};

/// Share of a poster's height that is used behind text: the lower third usually holds its name, which is written on the
/// page anyway.
const POSTER_USED: f32 = 0.66;

/// Paints the large picture of a title so that it covers an area, or the upper part of its poster until that is here.
pub fn paint(painter: &Painter, view: &View<'_>, card: &TitleCard, rect: Rect) {
    let art = card.key_art.as_ref().and_then(|art| view.images.get(&art.path, view.now));
    if let Some(picture) = art {
        return cover(painter, rect, picture, 1.0);
    }
    match view.images.get(&card.poster.path, view.now) {
        Some(picture) => cover(painter, rect, picture, POSTER_USED),
        None => paint_placeholder(painter, rect, ""),
    }
}

/// Covers an area with the upper part of a picture, in the picture's own proportions.
fn cover(painter: &Painter, rect: Rect, picture: Shelved, used: f32) {
    let uv = cover_uv(picture.size * vec2(1.0, used), rect.size());
    let uv = Rect::from_min_max(pos2(uv.left(), uv.top() * used), pos2(uv.right(), uv.bottom() * used));
    painter.image(picture.texture, rect, uv, color::WHITE);
}

/// Returns the area behind the text of a title's page.
pub fn area(page: Rect, card: &TitleCard) -> Rect {
    let height = (page.height() * 0.74).min(page.width() * 0.5);
    match card.key_art {
        // Without text on it, the picture may lie behind the page's own.
        Some(_) => Rect::from_min_size(page.min, Vec2::new(page.width(), height)),
        None => {
            let height = height.min(page.width() * 0.4);
            Rect::from_min_max(
                pos2(page.left() + page.width() * 0.32, page.top()),
                pos2(page.right(), page.top() + height),
            )
        }
    }
}
