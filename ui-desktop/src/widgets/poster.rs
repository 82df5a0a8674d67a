//! Poster cards: a picture, a name under it, how far one has seen it.

use egui::{Color32, Painter, Pos2, Rect, Response, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::{Icon, Line, Shelved, elided, gradient_vertical, live_mark, paint_icon, paint_strong};
use crate::theme::tokens::{color, radius, size, space, text, time};

/// The proportions of the cards of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardShape {
    /// 16:9.
    Landscape,
    /// 2:3.
    Portrait,
}

impl CardShape {
    /// By the size of a picture; one that is not known counts as landscape.
    pub const fn of(width: u32, height: u32) -> Self {
        if height > width { Self::Portrait } else { Self::Landscape }
    }

    /// The size of a picture on a page so wide.
    pub fn size(self, page_width: f32) -> Vec2 {
        let ((least, most), ratio) = match self {
            Self::Landscape => (size::CARD_WIDTH, 9.0 / 16.0),
            Self::Portrait => (size::CARD_WIDTH_PORTRAIT, 3.0 / 2.0),
        };
        let (narrow, wide) = size::CARD_PAGE;
        let share = ((page_width - narrow) / (wide - narrow)).clamp(0.0, 1.0);
        let width = (least + (most - least) * share).round();
        vec2(width, (width * ratio).round())
    }
}

/// Cards in lines that fill their width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CardGrid {
    /// Cards of a line.
    pub columns: usize,
    /// Size of a picture.
    pub picture: Vec2,
}

impl CardGrid {
    /// Returns the grid of a width, on a page so wide. Cards are near the size that they have in a row, and the last one
    /// of a line ends where the width does.
    pub fn new(shape: CardShape, page_width: f32, width: f32) -> Self {
        let usual = shape.size(page_width);
        let columns = ((width + space::L) / (usual.x + space::L)).round().max(1.0);
        let picture = ((width + space::L) / columns - space::L).max(1.0);
        Self { columns: columns as usize, picture: vec2(picture, (picture * usual.y / usual.x).round()) }
    }
}

/// How far a title has been seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress(pub f32);

/// What a card shows.
pub struct Card<'a> {
    /// The title's name.
    pub name: &'a str,
    /// The line under it.
    pub caption: &'a str,
    /// A second line under it; empty for none.
    pub more: &'a str,
    /// The picture, when here.
    pub picture: Option<Shelved>,
    /// How far it has been seen, when begun.
    pub progress: Option<Progress>,
    /// It is live, which a mark shows.
    pub is_live: bool,
    /// The profile has watched it.
    pub is_watched: bool,
    /// A press plays the title, which a triangle shows. Other cards lead to a page.
    pub plays: bool,
    /// A press removes the card, which a cross shows.
    pub removes: bool,
}

/// A card of a given picture size. Its name is what screen readers say.
pub fn poster_card(ui: &mut Ui, card: &Card<'_>, picture_size: Vec2, now: f64) -> Response {
    let more = if card.more.is_empty() { 0.0 } else { size::CARD_LINE };
    let below = vec2(0.0, size::CARD_CAPTION + more);
    let (rect, response) = ui.allocate_exact_size(picture_size + below, Sense::click());
    let watched = if card.is_watched { ", watched" } else { "" };
    let live = if card.is_live { ", live" } else { "" };
    let more = if card.more.is_empty() { String::new() } else { format!(", {}", card.more) };
    let verb = if card.removes { "Remove " } else { "" };
    let spoken = format!("{verb}{}{live}, {}{more}{watched}", card.name, card.caption);
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, &spoken));
    let picture_rect = Rect::from_min_size(rect.min, picture_size);
    if !ui.is_rect_visible(rect.expand(space::L)) {
        return response;
    }
    let warm = response.hovered() || response.has_focus();
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
    let grown = picture_rect.expand2(picture_size * (size::CARD_GROWTH / 2.0) * heat);
    let painter = ui.painter();
    if heat > 0.0 {
        let shadow = egui::Shadow { offset: [0, 6], blur: 18, spread: 2, color: color::scrim((150.0 * heat) as u8) };
        painter.add(shadow.as_shape(grown, radius::MEDIUM));
    }
    match card.picture {
        Some(picture) => {
            let age = ((now - picture.since) / 0.25).clamp(0.0, 1.0) as f32;
            if age < 1.0 {
                paint_placeholder(painter, grown, card.name);
                ui.ctx().request_repaint();
            }
            paint_picture(painter, grown, picture, Color32::WHITE.gamma_multiply(age));
        }
        None => paint_placeholder(painter, grown, card.name),
    }
    if let Some(progress) = card.progress {
        let ink = if card.is_live { color::LIVE } else { color::ACCENT };
        paint_bar(painter, grown, progress, ink);
    }
    if card.is_live {
        let at = grown.min + vec2(space::S, space::S);
        live_mark::paint(painter, Rect::from_min_size(at, live_mark::size(painter)));
    }
    if card.is_watched {
        paint_check(painter, grown);
    }
    if card.removes {
        painter.rect_filled(grown, radius::MEDIUM, color::scrim(110));
        paint_corner(painter, grown, Icon::Close);
    }
    if heat > 0.0 && card.plays {
        paint_play_hint(painter, grown, heat);
    }
    paint_caption(painter, rect, picture_rect, card, heat);
    if response.has_focus() {
        super::focus_ring(ui, &response, grown, radius::MEDIUM);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn paint_caption(painter: &Painter, rect: Rect, picture: Rect, card: &Card<'_>, heat: f32) {
    let width = rect.width();
    let ink = crate::theme::mix(color::TEXT_SOFT, color::TEXT, heat);
    let name = elided(painter, card.name, Line { size: text::BODY, color: ink, rows: 1, width });
    let top = pos2(rect.left(), picture.bottom() + space::S + 2.0 * heat);
    let below = vec2(0.0, name.size().y + 1.0);
    paint_strong(painter, top, &name, ink);
    let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width };
    let caption = elided(painter, card.caption, line);
    let further = below + vec2(0.0, caption.size().y + 1.0);
    painter.galley(top + below, caption, line.color);
    if !card.more.is_empty() {
        painter.galley(top + further, elided(painter, card.more, line), line.color);
    }
}

/// Paints how far a title has been seen at the lower edge of its picture.
pub fn paint_progress(painter: &Painter, rect: Rect, progress: Progress) {
    paint_bar(painter, rect, progress, color::ACCENT);
}

fn paint_bar(painter: &Painter, rect: Rect, Progress(share): Progress, ink: Color32) {
    let shade = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 34.0), rect.max);
    gradient_vertical(painter, shade, color::scrim(0), color::scrim(150));
    let rail = Rect::from_min_size(
        pos2(rect.left() + space::S, rect.bottom() - space::S - 4.0),
        vec2(rect.width() - space::S * 2.0, 4.0),
    );
    painter.rect_filled(rail, 2.0, color::RAIL);
    let done = Rect::from_min_size(rail.min, vec2((rail.width() * share.clamp(0.02, 1.0)).max(4.0), rail.height()));
    painter.rect_filled(done, 2.0, ink);
}

/// Marks a picture as that of a title that was watched.
pub fn paint_check(painter: &Painter, rect: Rect) {
    paint_corner(painter, rect, Icon::Check);
}

/// A small disc with an icon in the upper right corner.
fn paint_corner(painter: &Painter, rect: Rect, icon: Icon) {
    let center = pos2(rect.right() - space::S - 12.0, rect.top() + space::S + 12.0);
    painter.circle_filled(center, 12.0, color::scrim(190));
    painter.circle_stroke(center, 12.0, egui::Stroke::new(1.0, Color32::WHITE.gamma_multiply(0.5)));
    paint_icon(painter, icon, center, 13.0, color::WHITE);
}

fn paint_play_hint(painter: &Painter, rect: Rect, heat: f32) {
    let center = rect.center();
    painter.circle_filled(center, 22.0, color::scrim((150.0 * heat) as u8));
    painter.circle_stroke(center, 22.0, egui::Stroke::new(1.5, Color32::WHITE.gamma_multiply(0.8 * heat)));
    paint_icon(painter, Icon::Play, center, 20.0, Color32::WHITE.gamma_multiply(heat));
}

/// Paints a picture so that it covers a rectangle with rounded corners, its middle in the middle.
pub fn paint_picture(painter: &Painter, rect: Rect, picture: Shelved, tint: Color32) {
    let shape = egui::epaint::RectShape::filled(rect, radius::MEDIUM, tint)
        .with_texture(picture.texture, cover_uv(picture.size, rect.size()));
    painter.add(shape);
}

/// The part of a picture, 0–1, that covers an area when scaled in its own proportions.
pub fn cover_uv(picture: Vec2, area: Vec2) -> Rect {
    let (picture, area) = (picture.max(Vec2::splat(1.0)), area.max(Vec2::splat(1.0)));
    let scale = (area.x / picture.x).max(area.y / picture.y);
    let seen = area / (picture * scale);
    Rect::from_center_size(Pos2::new(0.5, 0.5), seen.min(Vec2::splat(1.0)))
}

/// Paints the ground of a poster whose picture is not here, with the title's name on it.
pub fn paint_placeholder(painter: &Painter, rect: Rect, name: &str) {
    let index = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let (light, dark) = color::POSTER_GROUNDS[index % color::POSTER_GROUNDS.len()];
    painter.rect_filled(rect, radius::MEDIUM, dark);
    let inside = rect.shrink(1.5);
    gradient_vertical(painter, inside, light.gamma_multiply(0.9), dark);
    let line = Line { size: text::HEADING, color: color::TEXT, rows: 3, width: rect.width() - space::L * 2.0 };
    let galley = elided(painter, name, line);
    let place = pos2(rect.left() + space::L, rect.bottom() - space::L - galley.size().y);
    paint_strong(&painter.with_clip_rect(rect.intersect(painter.clip_rect())), place, &galley, line.color);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covering_keeps_proportions_and_cuts_the_longer_side() {
        let same = cover_uv(vec2(1600.0, 900.0), vec2(160.0, 90.0));
        assert!((same.width() - 1.0).abs() < 1e-5 && (same.height() - 1.0).abs() < 1e-5);
        let wide = cover_uv(vec2(1600.0, 900.0), vec2(90.0, 90.0));
        assert!((wide.width() - 0.5625).abs() < 1e-4 && (wide.height() - 1.0).abs() < 1e-5);
        let empty = cover_uv(Vec2::ZERO, Vec2::ZERO);
        assert!(empty.is_finite());
    }

    #[test]
    fn the_lines_of_a_grid_fill_their_width_with_cards_of_about_the_usual_size() {
        for (shape, page) in [640.0, 900.0, 1280.0, 1920.0, 4000.0].map(|page| (CardShape::Landscape, page)) {
            let width = page - 2.0 * space::PAGE;
            let grid = CardGrid::new(shape, page, width);
            let line = grid.columns as f32 * (grid.picture.x + space::L) - space::L;
            assert!((line - width).abs() < 0.1, "{page}: {grid:?}");
            let usual = shape.size(page).x;
            assert!(grid.picture.x > usual * 0.75 && grid.picture.x < usual * 1.4, "{page}: {grid:?}");
        }
        assert_eq!(CardGrid::new(CardShape::Portrait, 100.0, 10.0).columns, 1);
    }

    #[test]
    fn cards_grow_with_the_page_between_their_bounds() {
        let small = CardShape::Landscape.size(600.0);
        let large = CardShape::Landscape.size(4000.0);
        assert_eq!((small.x, large.x), size::CARD_WIDTH);
        assert!(CardShape::of(200, 300) == CardShape::Portrait && CardShape::of(0, 0) == CardShape::Landscape);
    }
}
