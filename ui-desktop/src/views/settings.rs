//! The settings: a sheet on the right over any page.

use egui::{Align, Key, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, Vec2, WidgetInfo, vec2};

use super::View;
use crate::command::UiCommand;
use crate::navigation;
use crate::state::{CueSize, DataSaver, Settings, language_name, settings_in_force};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Icon, Line, Prominence, body, focus_ring, glass_button, heading, text_button};

/// Width of the sheet.
const WIDTH: f32 = 400.0;
/// Languages that can be preferred.
const LANGUAGES: [&str; 6] = ["en", "de", "fr", "es", "it", "pl"];

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
            ui.add_space(space::XL);
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
    ui.add_space(space::L);
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
    ui.add_space(space::L);
    group(ui, "Preferred audio");
    languages(ui, "The film's own", &settings.audio_language, |choice| {
        change(out, settings, |settings| settings.audio_language = choice);
    });
    ui.add_space(space::L);
    group(ui, "Subtitles");
    languages(ui, "Off", &settings.text_language, |choice| {
        change(out, settings, |settings| settings.text_language = choice);
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
    if text_button(ui, Prominence::Secondary, "Sign out").clicked() {
        out.push(UiCommand::SignOut);
    }
}

fn change(out: &mut Vec<UiCommand>, settings: &Settings, change: impl FnOnce(&mut Settings)) {
    let mut settings = settings.clone();
    change(&mut settings);
    out.push(UiCommand::ChangeSettings(settings));
}

fn group(ui: &mut Ui, words: &str) {
    let line = Line { size: text::BODY, color: color::TEXT_FAINT, rows: 1, width: ui.available_width() };
    body(ui, words, line);
    ui.add_space(space::XS);
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

/// Lays chips out in lines that stand as close as the chips of a line.
fn chips(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.spacing_mut().item_spacing = Vec2::splat(space::S);
        ui.horizontal_wrapped(content);
    });
}

/// A choice among few; answers whether it was pressed.
fn chip(ui: &mut Ui, words: &str, selected: bool) -> bool {
    let ink = if selected { color::ON_ACCENT } else { color::TEXT_SOFT };
    let line = Line { size: text::BODY, color: ink, rows: 1, width: f32::INFINITY };
    let galley = crate::widgets::elided(ui.painter(), words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(space::XL, space::L), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::accesskit::Role::RadioButton, true, selected, words));
    let ground = match (selected, response.hovered()) {
        (true, _) => color::ACCENT,
        (false, true) => color::RAISED_HOVER,
        (false, false) => color::RAISED,
    };
    ui.painter().rect_filled(rect, radius::MEDIUM, ground);
    if !selected {
        let edge = egui::Stroke::new(1.0, color::OUTLINE);
        ui.painter().rect_stroke(rect, radius::MEDIUM, edge, egui::StrokeKind::Inside);
    }
    ui.painter().galley(Rect::from_center_size(rect.center(), galley.size()).min, galley, ink);
    focus_ring(ui, &response, rect, radius::MEDIUM);
    if selected {
        navigation::prefer(&response);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() && !selected
}
