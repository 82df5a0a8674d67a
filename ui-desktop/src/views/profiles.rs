//! Who watches: one large disc for each profile of the account.

use egui::accesskit::Role;
use egui::{Align, Key, Layout, Rect, Response, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use kinora_api::Profile;

use super::View;
use super::appearing::has_appeared;
use super::form::centered_buttons;
use crate::command::{AccountCommand, UiCommand};
use crate::navigation;
use crate::state::{MAX_PROFILES, last_chosen, watching};
use crate::theme::tokens::{color, size, space, text, time};
use crate::widgets::{Icon, Line, Prominence, body, elided, focus_ring, paint_avatar, paint_icon, wordmark};

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
    let edits = view.state.accounts.edits_profiles;
    let can_leave = view.state.home.data.ready().is_some();
    let page = ui.max_rect();
    wordmark(ui.painter(), pos2(page.left() + space::PAGE, page.top() + size::TOP_BAR / 2.0), text::TITLE - 3.0);
    let inside = page.with_min_y(page.top() + size::TOP_BAR).shrink2(vec2(space::PAGE, space::M));
    let columns = columns(inside.width());
    let tiles_count = account.profiles.len() + usize::from(account.profiles.len() < MAX_PROFILES);
    let content = 70.0 + TILE.y * tiles_count.div_ceil(columns) as f32 + 80.0;
    let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Center));
    ui.scope_builder(builder, |ui| {
        let area = ScrollArea::vertical().id_salt("profiles").auto_shrink(false);
        let page = |ui: &mut Ui| {
            navigation::scroll_by_keys(ui);
            ui.add_space(((inside.height() - content) / 2.0).max(0.0));
            let line = Line { size: text::TITLE + 6.0, color: color::TEXT, rows: 1, width: inside.width() };
            let words = if edits { "Which profile do you want to change?" } else { "Who's watching?" };
            let question = body(ui, words, line);
            question.widget_info(|| WidgetInfo::labeled(Role::Heading, true, words));
            ui.add_space(space::XL);
            tiles(ui, view, &account.profiles, columns, out);
            ui.add_space(space::XL);
            let mut buttons = vec![(Prominence::Secondary, if edits { "Done" } else { "Edit profiles" })];
            if !edits {
                buttons.push((Prominence::Secondary, "Account"));
                buttons.extend(can_leave.then_some((Prominence::Quiet, "Cancel")));
            }
            out.extend(match centered_buttons(ui, &buttons).0 {
                Some(0) => Some(UiCommand::Account(AccountCommand::EditProfiles(!edits))),
                Some(1) => Some(UiCommand::Account(AccountCommand::Open)),
                Some(_) => Some(UiCommand::GoHome),
                None => None,
            });
            // The focus ring of the buttons.
            ui.add_space(space::S);
        };
        navigation::scroll(ui, area, page, |(): &(), focus| focus.expand(space::M));
    });
    if !view.state.has_sheet() && ui.input(|input| input.key_pressed(Key::Escape)) {
        out.extend(match (edits, can_leave) {
            (true, _) => Some(UiCommand::Account(AccountCommand::EditProfiles(false))),
            (false, true) => Some(UiCommand::GoHome),
            (false, false) => None,
        });
    }
}

/// Returns the number of discs that stand side by side in a width.
fn columns(width: f32) -> usize {
    (((width + space::L) / (TILE.x + space::L)) as usize).clamp(1, 6)
}

fn tiles(ui: &mut Ui, view: &View<'_>, profiles: &[Profile], columns: usize, out: &mut Vec<UiCommand>) {
    let edits = view.state.accounts.edits_profiles;
    let takes_focus = has_appeared(ui, ui.scope_id().with("profiles appeared"));
    let chosen = view.state.account.as_ref().and_then(|account| last_chosen(view.state, account));
    let chosen = watching(view.state).filter(|_| view.state.profile.is_some()).or(chosen);
    let chosen = chosen.map(|profile| profile.id.clone());
    let mut all: Vec<Option<&Profile>> = profiles.iter().map(Some).collect();
    if profiles.len() < MAX_PROFILES {
        all.push(None);
    }
    for (number, line) in all.chunks(columns).enumerate() {
        let line_width = line.len() as f32 * (TILE.x + space::L) - space::L;
        ui.allocate_ui_with_layout(vec2(line_width, TILE.y), Layout::left_to_right(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.x = space::L;
            for (index, profile) in line.iter().enumerate() {
                let Some(profile) = profile else {
                    if add_tile(ui).clicked() {
                        out.push(UiCommand::Account(AccountCommand::NewProfile));
                    }
                    continue;
                };
                let response = tile(ui, profile, number * columns + index, edits);
                if Some(&profile.id) == chosen.as_ref() {
                    if takes_focus {
                        response.request_focus();
                    }
                    // A sheet that closes over the page takes the focus away once more.
                    navigation::focus_by_default(&response);
                }
                if response.clicked() {
                    let id = profile.id.clone();
                    out.push(if edits {
                        UiCommand::Account(AccountCommand::EditProfile(id))
                    } else {
                        UiCommand::ChooseProfile(id)
                    });
                }
            }
        });
    }
}

fn tile(ui: &mut Ui, profile: &Profile, index: usize, edits: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(TILE, Sense::click());
    let note = note(profile);
    let mut spoken = if edits { format!("Edit {}", profile.name) } else { profile.name.clone() };
    for more in note.iter().map(String::as_str).chain(profile.locked.then_some("locked")) {
        spoken.push_str(", ");
        spoken.push_str(more);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    let (disc, heat) = disc(ui, rect, &response);
    let avatar = (profile.avatar.as_deref(), profile.name.as_str());
    paint_avatar(ui.painter(), (disc.center(), DISC / 2.0), avatar, index, heat);
    caption(ui, rect, disc, &profile.name, note.as_deref(), heat);
    focus_ring(ui, &response, disc, egui::CornerRadius::same((DISC / 2.0) as u8));
    let badge = if edits { Some(Icon::Pencil) } else { profile.locked.then_some(Icon::Lock) };
    if let Some(icon) = badge {
        let place = disc.center() + vec2(DISC, DISC) * 0.354;
        ui.painter().circle_filled(place, 20.0, color::GROUND);
        ui.painter().circle_filled(place, 17.0, color::RAISED);
        paint_icon(ui.painter(), icon, place, 18.0, color::TEXT);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn add_tile(ui: &mut Ui) -> Response {
    let (rect, response) = ui.allocate_exact_size(TILE, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Add a profile"));
    let (disc, heat) = disc(ui, rect, &response);
    let ground = crate::theme::mix(color::SURFACE, color::RAISED, heat);
    ui.painter().circle_filled(disc.center(), DISC / 2.0, ground);
    ui.painter().circle_stroke(disc.center(), DISC / 2.0 - 1.0, egui::Stroke::new(1.5, color::OUTLINE));
    paint_icon(ui.painter(), Icon::Plus, disc.center(), 44.0, color::TEXT_SOFT);
    caption(ui, rect, disc, "Add a profile", None, heat);
    focus_ring(ui, &response, disc, egui::CornerRadius::same((DISC / 2.0) as u8));
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// Returns the place of a tile's disc, and how warm it is.
fn disc(ui: &Ui, rect: Rect, response: &Response) -> (Rect, f32) {
    let warm = response.hovered() || response.has_focus();
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), warm, time::HOVER);
    let center = pos2(rect.center().x, rect.top() + 8.0 + DISC / 2.0);
    (Rect::from_center_size(center, vec2(DISC, DISC)), heat)
}

fn caption(ui: &Ui, rect: Rect, disc: Rect, name: &str, note: Option<&str>, heat: f32) {
    let painter = ui.painter();
    let below = |y: f32, words: &str, line: Line| {
        let galley = elided(painter, words, line);
        painter.galley(pos2(rect.center().x - galley.size().x / 2.0, y), galley, line.color);
    };
    let width = rect.width();
    let ink = crate::theme::mix(color::TEXT_SOFT, color::TEXT, heat);
    below(disc.bottom() + space::M, name, Line { size: text::HEADING, color: ink, rows: 1, width });
    if let Some(note) = note {
        let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width };
        below(disc.bottom() + space::M + 28.0, note, line);
    }
}
