//! The page on which a profile is made or changed.

use egui::accesskit::Role;
use egui::{Align, Key, Layout, Sense, Ui, Vec2, WidgetInfo, vec2};
use kinora_api::{AVATARS, ProfileRequest, SubtitleBackground, SubtitleColour, SubtitleSize, SubtitleStyle};

use super::View;
use super::account::{bar, column};
use super::chips::{chip, chips, group};
use super::form::{Content, field, message};
use super::settings::LANGUAGES;
use crate::command::{AccountCommand, UiCommand};
use crate::navigation;
use crate::state::{DialogKind, MAX_NAME, ProfileEditor, language_name};
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{Prominence, focus_ring, heading, paint_avatar, text_button};

/// Age limits to choose from.
const AGES: [u8; 4] = [6, 12, 16, 18];
/// Side of a picture to choose.
const PICTURE: f32 = 52.0;
/// Side of the chosen picture.
const CHOSEN: f32 = 92.0;

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(editor) = &view.state.accounts.editor else { return };
    let title = if editor.id.is_some() { "Edit profile" } else { "New profile" };
    column(ui, "profile editor", |ui| {
        heading(ui, title, text::TITLE);
        ui.add_space(space::M);
        ui.add_enabled_ui(!editor.busy, |ui| settings(ui, editor, out));
        ui.add_space(space::S);
        message(ui, editor.error.as_deref(), false);
        buttons(ui, view, editor, out);
    });
    let leave = UiCommand::Account(AccountCommand::LeaveProfile);
    if bar(ui) || (!view.state.has_sheet() && ui.input(|input| input.key_pressed(Key::Escape))) {
        out.push(leave);
    }
}

fn change(out: &mut Vec<UiCommand>, draft: &ProfileRequest, change: impl FnOnce(&mut ProfileRequest)) {
    let mut draft = draft.clone();
    change(&mut draft);
    out.push(UiCommand::Account(AccountCommand::ChangeProfile(Box::new(draft))));
}

fn settings(ui: &mut Ui, editor: &ProfileEditor, out: &mut Vec<UiCommand>) {
    let draft = &editor.draft;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::XL;
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(CHOSEN), Sense::hover());
        let avatar = (draft.avatar.as_deref(), draft.name.as_str());
        paint_avatar(ui.painter(), (rect.center(), CHOSEN / 2.0), avatar, 0, 0.0);
        let width = (ui.available_width() - space::S).min(360.0);
        ui.allocate_ui_with_layout(vec2(width, CHOSEN), Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            ui.add_space(space::S);
            let name = field(ui, "Name", &draft.name, Content::Plain, MAX_NAME);
            navigation::focus_by_default(&name.response);
            if let Some(text) = name.edited {
                change(out, draft, |draft| draft.name = text);
            }
        });
    });
    ui.add_space(space::M);
    group(ui, "Picture");
    pictures(ui, draft, out);
    ui.add_space(space::L);
    group(ui, "May watch");
    ages(ui, draft, out);
    ui.add_space(space::L);
    group(ui, "Language");
    chips(ui, |ui| {
        if chip(ui, "The film's own", draft.language.is_none()) {
            change(out, draft, |draft| draft.language = None);
        }
        let other = draft.language.as_deref().filter(|tag| !LANGUAGES.contains(tag));
        for tag in LANGUAGES.into_iter().chain(other) {
            if chip(ui, &language_name(tag), draft.language.as_deref() == Some(tag)) {
                change(out, draft, |draft| draft.language = Some(tag.to_owned()));
            }
        }
    });
    ui.add_space(space::L);
    subtitles(ui, draft, out);
    ui.add_space(space::L);
    group(ui, "Data saver");
    chips(ui, |ui| {
        for (words, saves) in [("Best quality", false), ("Use little data", true)] {
            if chip(ui, words, draft.data_saver == saves) {
                change(out, draft, |draft| draft.data_saver = saves);
            }
        }
    });
}

fn ages(ui: &mut Ui, draft: &ProfileRequest, out: &mut Vec<UiCommand>) {
    let mut ages: Vec<u8> = AGES.into_iter().chain(draft.max_age).collect();
    ages.sort_unstable();
    ages.dedup();
    chips(ui, |ui| {
        if chip(ui, "Everything", draft.max_age.is_none()) {
            change(out, draft, |draft| draft.max_age = None);
        }
        for age in ages {
            if chip(ui, &format!("Up to age {age}"), draft.max_age == Some(age)) {
                change(out, draft, |draft| draft.max_age = Some(age));
            }
        }
    });
}

fn subtitles(ui: &mut Ui, draft: &ProfileRequest, out: &mut Vec<UiCommand>) {
    let style = draft.subtitle_style.unwrap_or_default();
    let mut set = |style: SubtitleStyle| change(out, draft, |draft| draft.subtitle_style = Some(style));
    group(ui, "Subtitles");
    chips(ui, |ui| {
        for (words, size) in
            [("Small", SubtitleSize::Small), ("Medium", SubtitleSize::Medium), ("Large", SubtitleSize::Large)]
        {
            if chip(ui, words, style.size == size) {
                set(SubtitleStyle { size, ..style });
            }
        }
    });
    ui.add_space(space::XS);
    chips(ui, |ui| {
        for (words, colour) in [("White", SubtitleColour::White), ("Yellow", SubtitleColour::Yellow)] {
            if chip(ui, words, style.colour == colour) {
                set(SubtitleStyle { colour, ..style });
            }
        }
    });
    ui.add_space(space::XS);
    chips(ui, |ui| {
        let grounds = [
            ("Outlined", SubtitleBackground::None),
            ("On a shade", SubtitleBackground::Shade),
            ("On black", SubtitleBackground::Solid),
        ];
        for (words, background) in grounds {
            if chip(ui, words, style.background == background) {
                set(SubtitleStyle { background, ..style });
            }
        }
    });
}

fn pictures(ui: &mut Ui, draft: &ProfileRequest, out: &mut Vec<UiCommand>) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(space::S);
        ui.horizontal_wrapped(|ui| {
            if picture(ui, None, &draft.name, draft.avatar.is_none()) {
                change(out, draft, |draft| draft.avatar = None);
            }
            for avatar in AVATARS {
                if picture(ui, Some(avatar), &draft.name, draft.avatar.as_deref() == Some(avatar)) {
                    change(out, draft, |draft| draft.avatar = Some(avatar.to_owned()));
                }
            }
        });
    });
}

/// A picture to choose; answers whether it was pressed.
fn picture(ui: &mut Ui, avatar: Option<&str>, name: &str, selected: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(PICTURE + space::S), Sense::click());
    let words = format!("Picture: {}", avatar.unwrap_or("letter"));
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, selected, &words));
    let disc = rect.shrink(space::XS);
    let heat = if response.hovered() { 1.0 } else { 0.0 };
    paint_avatar(ui.painter(), (disc.center(), PICTURE / 2.0), (avatar, name), 0, heat);
    if selected {
        let stroke = egui::Stroke::new(size::FOCUS_RING, color::ACCENT);
        ui.painter().circle_stroke(disc.center(), PICTURE / 2.0 + 1.0, stroke);
        navigation::prefer(&response);
    }
    focus_ring(ui, &response, disc, egui::CornerRadius::same((PICTURE / 2.0) as u8));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() && !selected
}

fn buttons(ui: &mut Ui, view: &View<'_>, editor: &ProfileEditor, out: &mut Vec<UiCommand>) {
    let is_last = view.state.account.as_ref().is_none_or(|account| account.profiles.len() < 2);
    ui.add_enabled_ui(!editor.busy, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let label = if editor.busy { "Saving…" } else { "Save" };
            let save = text_button(ui, Prominence::Primary, label);
            if save.clicked() {
                out.push(UiCommand::Account(AccountCommand::SaveProfile));
            }
            if text_button(ui, Prominence::Secondary, "Cancel").clicked() {
                out.push(UiCommand::Account(AccountCommand::LeaveProfile));
            }
            if let Some(id) = editor.id.as_ref().filter(|_| !is_last)
                && text_button(ui, Prominence::Danger, "Delete profile").clicked()
            {
                out.push(UiCommand::Account(AccountCommand::Ask(DialogKind::DeleteProfile(id.clone()))));
            }
        });
    });
}
