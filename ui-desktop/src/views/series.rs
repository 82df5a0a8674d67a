//! The part of a title's page that only a series has: seasons and their episodes.

use egui::accesskit::Role;
use egui::{Color32, Rect, Response, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use kinora_api::{Episode, TitleCard, TitleDetail};

use super::View;
use super::chips::{chip, chips};
use crate::command::{Begin, LibraryCommand, UiCommand};
use crate::state::{episode_label, runtime, time_left};
use crate::theme::tokens::{color, radius, size, space, text, time};
use crate::widgets::{
    Icon, Line, Progress, Prominence, elided, focus_ring, glass_button, heading, paint_check, paint_picture,
    paint_placeholder, paint_progress, paint_strong, text_button,
};

/// Widest list of episodes in points.
const MOST: f32 = 980.0;
/// Width and height of the picture of an episode.
const PICTURE: (f32, f32) = (176.0, 99.0);
/// Widths of a list below which the pictures are smaller.
const NARROW: f32 = 560.0;

/// Draws the name of the series that an episode belongs to, which leads to its page.
pub fn link(ui: &mut Ui, card: &TitleCard, out: &mut Vec<UiCommand>) {
    let Some(place) = &card.episode else { return };
    // The letters, not the ground around them, stand in line with the text of the page.
    let line = ui.available_rect_before_wrap();
    let builder = UiBuilder::new().max_rect(line.with_min_x(line.left() - space::M)).id_salt("series link");
    let mut inside = ui.new_child(builder);
    let response = text_button(&mut inside, Prominence::Quiet, &place.series_name);
    let spoken = format!("Go to the series {}", place.series_name);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    if response.clicked() {
        out.push(UiCommand::OpenTitle(place.series.clone()));
    }
    ui.allocate_space(vec2(line.width(), size::BUTTON));
}

/// Returns how much there is of a series, such as `2 seasons`; `Series` while its page is not here.
pub fn extent(detail: Option<&TitleDetail>) -> String {
    let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    match detail.map(|detail| &detail.seasons) {
        Some(seasons) if seasons.len() > 1 => count(seasons.len(), "season", "seasons"),
        Some(seasons) if seasons.len() == 1 => {
            let episodes = seasons.iter().map(|season| season.episodes.len()).sum();
            count(episodes, "episode", "episodes")
        }
        _ => "Series".to_owned(),
    }
}

/// Draws the seasons as chips, and the episodes of one of them.
pub fn episodes(ui: &mut Ui, view: &View<'_>, detail: &TitleDetail, out: &mut Vec<UiCommand>) {
    let Some(season) = view.state.title.season(detail) else { return };
    let width = (ui.max_rect().width() - space::PAGE * 2.0).min(MOST);
    ui.add_space(space::XL);
    ui.horizontal_top(|ui| {
        ui.add_space(space::PAGE);
        ui.allocate_ui(vec2(width, 0.0), |ui| {
            ui.vertical(|ui| {
                ui.set_max_width(width);
                heading(ui, "Episodes", text::HEADING);
                ui.add_space(space::M);
                if detail.seasons.len() > 1 {
                    chips(ui, |ui| {
                        for each in &detail.seasons {
                            if chip(ui, &each.name, each.number == season.number) {
                                out.push(UiCommand::ShowSeason(each.number));
                            }
                        }
                    });
                    ui.add_space(space::M);
                }
                for episode in &season.episodes {
                    line(ui, view, episode, width, out);
                    ui.add_space(space::S);
                }
            });
        });
    });
}

/// Draws an episode, which a press plays, and beside it the button that marks it as watched.
fn line(ui: &mut Ui, view: &View<'_>, episode: &Episode, width: f32, out: &mut Vec<UiCommand>) {
    let card = &episode.card;
    let is_watched = view.state.library.is_episode_watched(episode);
    let share = if width < NARROW { 0.6 } else { 1.0 };
    let picture = vec2(PICTURE.0 * share, PICTURE.1 * share);
    let height = picture.y + space::S * 2.0;
    let (whole, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let rect = whole.with_max_x(whole.right() - size::PLAYER_BUTTON - space::M);
    let response = ui.interact(rect, ui.scope_id().with(("episode", card.id.as_str())), Sense::click());
    paint(ui, view, card, is_watched, (rect, picture), &response);
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        let begin = if card.resume.is_some() { Begin::Resume } else { Begin::Start };
        out.push(UiCommand::Play(card.id.clone(), begin));
    }
    let name = short_name(card);
    let (icon, spoken) = match is_watched {
        true => (Icon::Check, format!("Mark {name} as not watched")),
        false => (Icon::Eye, format!("Mark {name} as watched")),
    };
    let place = Rect::from_center_size(
        pos2(whole.right() - size::PLAYER_BUTTON / 2.0, whole.center().y),
        egui::Vec2::splat(size::PLAYER_BUTTON),
    );
    let mut inside = ui.new_child(UiBuilder::new().max_rect(place).id_salt(("mark", card.id.as_str())));
    if glass_button(&mut inside, icon, &spoken, size::PLAYER_BUTTON).clicked() {
        out.push(UiCommand::Library(LibraryCommand::MarkWatched(card.id.clone(), !is_watched)));
    }
}

/// Returns the place of an episode, or its name where it has none.
fn short_name(card: &TitleCard) -> String {
    card.episode.as_ref().map_or_else(|| card.name.clone(), episode_label)
}

fn paint(
    ui: &Ui,
    view: &View<'_>,
    card: &TitleCard,
    is_watched: bool,
    (rect, picture): (Rect, egui::Vec2),
    response: &Response,
) {
    let resume = card.resume.as_ref().filter(|resume| resume.duration_ms > 0 && !is_watched);
    let minutes = match resume {
        Some(resume) => time_left(resume.position_ms, resume.duration_ms),
        None => runtime(card.duration_ms),
    };
    let watched = if is_watched { ", watched" } else { "" };
    let spoken = format!("Play {}, {}, {minutes}{watched}", short_name(card), card.name);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let warm = response.hovered() || response.has_focus();
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
    let painter = ui.painter();
    painter.rect_filled(rect, radius::MEDIUM, color::SURFACE.gamma_multiply(0.35 + 0.65 * heat));
    let place = Rect::from_min_size(rect.min + vec2(space::S, space::S), picture);
    match view.images.get(&card.poster.path, view.now) {
        Some(shelved) => paint_picture(painter, place, shelved, Color32::WHITE),
        None => paint_placeholder(painter, place, ""),
    }
    if let Some(resume) = resume {
        paint_progress(painter, place, Progress(resume.position_ms as f32 / resume.duration_ms as f32));
    }
    if is_watched {
        paint_check(painter, place);
    }
    let left = place.right() + space::L;
    let room = rect.right() - space::L - left;
    let number = card.episode.as_ref().map_or_else(String::new, |place| format!("{}.  ", place.number));
    let minutes = elided(painter, &minutes, Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width: room });
    let line = |size, ink, rows, width| Line { size, color: ink, rows, width };
    let name = line(text::LARGE, color::TEXT, 1, room - minutes.size().x - space::M);
    let name = elided(painter, &format!("{number}{}", card.name), name);
    let top = place.top() + space::XS;
    paint_strong(painter, pos2(left, top), &name, color::TEXT);
    let beside = pos2(rect.right() - space::L - minutes.size().x, top + (name.size().y - minutes.size().y) / 2.0);
    painter.galley(beside, minutes, color::TEXT_FAINT);
    let rows = if picture.y < PICTURE.1 { 1 } else { 3 };
    let synopsis = elided(painter, &card.synopsis, line(text::BODY, color::TEXT_SOFT, rows, room));
    painter.galley(pos2(left, top + name.size().y + space::XS), synopsis, color::TEXT_SOFT);
    focus_ring(ui, response, rect, radius::MEDIUM);
}
