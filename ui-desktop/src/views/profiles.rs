//! Who watches: one large disc for each profile of the account.

use egui::accesskit::Role;
use egui::{Align, Key, Layout, Rect, Response, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use kinora_api::Profile;

use super::View;
use super::appearing::has_appeared;
use crate::command::UiCommand;
use crate::navigation;
use crate::state::watching;
use crate::theme::tokens::{color, size, space, text, time};
use crate::widgets::{Line, Prominence, body, elided, focus_ring, paint_strong, text_button, wordmark};

/// Side of a profile's disc.
const DISC: f32 = 132.0;
/// Size of a profile with its name and note.
const TILE: egui::Vec2 = vec2(DISC + 24.0, DISC + 76.0);

/// Returns the note under a profile's name: for which age its films are chosen.
pub fn note(profile: &Profile) -> Option<String> {
    profile.max_age.map(|age| format!("Films up to age {age}"))
}

/// Draws the page. The profile that watched last has the focus, so that Enter goes on with it.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(account) = &view.state.account else { return };
    let page = ui.max_rect();
    wordmark(ui.painter(), pos2(page.left() + space::PAGE, page.top() + size::TOP_BAR / 2.0), text::TITLE - 3.0);
    let inside = page.with_min_y(page.top() + size::TOP_BAR).shrink2(vec2(space::PAGE, space::M));
    let content = 70.0 + TILE.y + 80.0;
    let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Center));
    ui.scope_builder(builder, |ui| {
        let area = ScrollArea::vertical().id_salt("profiles").auto_shrink(false);
        let page = |ui: &mut Ui| {
            ui.add_space(((inside.height() - content) / 2.0).max(0.0));
            let line = Line { size: text::TITLE + 6.0, color: color::TEXT, rows: 1, width: inside.width() };
            let question = body(ui, "Who's watching?", line);
            question.widget_info(|| WidgetInfo::labeled(Role::Heading, true, "Who's watching?"));
            ui.add_space(space::XL);
            tiles(ui, view, &account.profiles, inside.width(), out);
            ui.add_space(space::XL);
            if view.state.home.data.ready().is_some() && text_button(ui, Prominence::Quiet, "Cancel").clicked() {
                out.push(UiCommand::GoHome);
            }
        };
        navigation::scroll(ui, area, page, |(): &(), focus| focus.expand(space::M));
    });
    let can_leave = view.state.home.data.ready().is_some() && !view.state.settings_open;
    if can_leave && ui.input(|input| input.key_pressed(Key::Escape)) {
        out.push(UiCommand::GoHome);
    }
}

fn tiles(ui: &mut Ui, view: &View<'_>, profiles: &[Profile], width: f32, out: &mut Vec<UiCommand>) {
    let columns = (((width + space::L) / (TILE.x + space::L)) as usize).clamp(1, 6);
    let takes_focus = has_appeared(ui, ui.scope_id().with("profiles appeared"));
    let watching = watching(view.state).map(|profile| profile.id.clone());
    for (number, line) in profiles.chunks(columns).enumerate() {
        let line_width = line.len() as f32 * (TILE.x + space::L) - space::L;
        ui.allocate_ui_with_layout(vec2(line_width, TILE.y), Layout::left_to_right(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.x = space::L;
            for (index, profile) in line.iter().enumerate() {
                let response = tile(ui, profile, number * columns + index);
                if takes_focus && Some(&profile.id) == watching.as_ref() {
                    response.request_focus();
                }
                if response.clicked() {
                    out.push(UiCommand::ChooseProfile(profile.id.clone()));
                }
            }
        });
    }
}

fn tile(ui: &mut Ui, profile: &Profile, index: usize) -> Response {
    let (rect, response) = ui.allocate_exact_size(TILE, Sense::click());
    let note = note(profile);
    let spoken = note.as_ref().map_or_else(|| profile.name.clone(), |note| format!("{}, {note}", profile.name));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    let warm = response.hovered() || response.has_focus();
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
    let center = pos2(rect.center().x, rect.top() + 8.0 + DISC / 2.0);
    let disc = Rect::from_center_size(center, vec2(DISC, DISC));
    let painter = ui.painter();
    let (light, _) = color::POSTER_GROUNDS[index % color::POSTER_GROUNDS.len()];
    painter.circle_filled(center, DISC / 2.0, crate::theme::mix(light, color::RAISED_HOVER, heat * 0.3));
    let initial = profile.name.chars().next().unwrap_or('•').to_uppercase().to_string();
    let letter = elided(painter, &initial, Line { size: 56.0, color: color::TEXT, rows: 1, width: DISC });
    paint_strong(painter, center - letter.size() / 2.0, &letter, color::TEXT);
    let below = |y: f32, words: &str, line: Line| {
        let galley = elided(painter, words, line);
        painter.galley(pos2(rect.center().x - galley.size().x / 2.0, y), galley, line.color);
    };
    let width = rect.width();
    let ink = crate::theme::mix(color::TEXT_SOFT, color::TEXT, heat);
    below(disc.bottom() + space::M, &profile.name, Line { size: text::HEADING, color: ink, rows: 1, width });
    if let Some(note) = &note {
        let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width };
        below(disc.bottom() + space::M + 28.0, note, line);
    }
    focus_ring(ui, &response, disc, egui::CornerRadius::same((DISC / 2.0) as u8));
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}
