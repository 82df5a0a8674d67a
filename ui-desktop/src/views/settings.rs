//! The settings: a sheet on the right over any page.

use egui::{Align, Key, Layout, ScrollArea, Sense, Ui, UiBuilder, vec2};

use super::View;
use super::chips::{chip, chips, group, name_in_line};
use crate::command::{AccountCommand, UiCommand};
use crate::navigation;
use crate::state::{CueSize, DataSaver, Settings, language_name, settings_in_force};
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{Icon, Line, Prominence, body, glass_button, heading, text_button};

/// Width of the sheet.
const WIDTH: f32 = 444.0;
/// Languages that can be preferred.
pub(super) const LANGUAGES: [&str; 6] = ["en", "de", "fr", "es", "it", "pl"];

/// Draws the sheet; a press beside it or Escape closes it. While it is open it has the keyboard's focus.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let page = ui.max_rect();
    let area = egui::Area::new(ui.scope_id().with("settings")).order(egui::Order::Foreground).fixed_pos(page.min);
    navigation::trap(ui.ctx(), area.layer());
    area.show(ui.ctx(), |ui| {
        let shade = ui.interact(page, ui.scope_id().with("shade"), Sense::CLICK);
        ui.painter().rect_filled(page, 0.0, color::scrim(150));
        let sheet = page.with_min_x(page.right() - WIDTH.min(page.width()));
        let ground = ui.interact(sheet, ui.scope_id().with("sheet"), Sense::CLICK);
        ui.painter().rect_filled(sheet, 0.0, color::SURFACE);
        let inside = sheet.shrink2(vec2(space::XXL, space::XL));
        let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Min));
        ui.scope_builder(builder, |ui| content(ui, view, out));
        let escaped = ui.input(|input| input.key_pressed(Key::Escape));
        if (shade.clicked() && !ground.contains_pointer()) || escaped {
            out.push(UiCommand::ToggleSettings);
        }
    });
}

fn content(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    ui.spacing_mut().item_spacing = vec2(space::S, space::XS);
    ui.horizontal(|ui| {
        heading(ui, "Settings", text::TITLE);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if glass_button(ui, Icon::Close, "Close settings", size::PLAYER_BUTTON).clicked() {
                out.push(UiCommand::ToggleSettings);
            }
        });
    });
    ui.add_space(space::L);
    let everything = |ui: &mut Ui| {
        navigation::scroll_by_keys(ui);
        // The focus ring stands a little outside of the chips.
        egui::Frame::new().inner_margin(egui::Margin::same(6)).show(ui, |ui| {
            choices(ui, &settings_in_force(view.state), out);
            ui.add_space(space::L);
            account(ui, view, out);
        });
    };
    // A low window has no room for everything.
    let area = ScrollArea::vertical().auto_shrink(false);
    navigation::scroll(ui, area, everything, |(): &(), focus| focus.expand(space::L));
}

fn choices(ui: &mut Ui, settings: &Settings, out: &mut Vec<UiCommand>) {
    group(ui, "Size of subtitles");
    chips(ui, |ui| {
        for choice in CueSize::ALL {
            if chip(ui, choice.label(), settings.cue_size == choice) {
                change(out, settings, |settings| settings.cue_size = choice);
            }
        }
    });
    ui.add_space(space::M);
    group(ui, "Data saver");
    chips(ui, |ui| {
        for choice in DataSaver::ALL {
            if chip(ui, choice.label(), settings.data_saver == choice) {
                change(out, settings, |settings| settings.data_saver = choice);
            }
        }
    });
    let faint = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 3, width: ui.available_width() };
    body(ui, &settings.data_saver.meaning(), faint);
    ui.add_space(space::M);
    group(ui, "Preferred audio");
    languages(ui, "The film's own", &settings.audio_language, |choice| {
        change(out, settings, |settings| settings.audio_language = choice);
    });
    ui.add_space(space::M);
    group(ui, "Subtitles");
    languages(ui, "Off", &settings.text_language, |choice| {
        change(out, settings, |settings| settings.text_language = choice);
    });
    ui.add_space(space::M);
    chips(ui, |ui| {
        name_in_line(ui, "Next episode");
        for (plays_next, words) in [(true, "Plays by itself"), (false, "When I ask")] {
            if chip(ui, words, settings.plays_next == plays_next) {
                change(out, settings, |settings| settings.plays_next = plays_next);
            }
        }
    });
}

fn account(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(account) = &view.state.account else { return };
    let width = ui.available_width();
    body(ui, &account.display_name, Line { size: text::LARGE, color: color::TEXT, rows: 1, width });
    body(ui, &account.email, Line { size: text::BODY, color: color::TEXT_SOFT, rows: 1, width });
    let faint = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 2, width };
    if let Some(place) = view.state.secrets_place {
        body(ui, &format!("Your sign-in is kept {place}."), faint);
    }
    ui.add_space(space::M);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        if text_button(ui, Prominence::Secondary, "Profiles").clicked() {
            out.push(UiCommand::SwitchProfile);
        }
        if text_button(ui, Prominence::Secondary, "Account").clicked() {
            out.push(UiCommand::Account(AccountCommand::Open));
        }
        if text_button(ui, Prominence::Secondary, "Sign out").clicked() {
            out.push(UiCommand::SignOut);
        }
    });
}

fn change(out: &mut Vec<UiCommand>, settings: &Settings, change: impl FnOnce(&mut Settings)) {
    let mut settings = settings.clone();
    change(&mut settings);
    out.push(UiCommand::ChangeSettings(settings));
}

fn languages(ui: &mut Ui, none: &str, chosen: &Option<String>, mut choose: impl FnMut(Option<String>)) {
    chips(ui, |ui| {
        if chip(ui, none, chosen.is_none()) {
            choose(None);
        }
        for tag in LANGUAGES {
            if chip(ui, &language_name(tag), chosen.as_deref() == Some(tag)) {
                choose(Some(tag.to_owned()));
            }
        }
    });
}
