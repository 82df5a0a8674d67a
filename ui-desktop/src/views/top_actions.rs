//! Buttons of the bar on top: search, and who watches.

use egui::Ui;

use super::View;
use crate::command::UiCommand;
use crate::navigation;
use crate::state::{Route, watching};
use crate::theme::tokens::{size, space};
use crate::widgets::{Icon, glass_button};

/// Draws the buttons, from the right to the left.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(account) = &view.state.account else { return };
    ui.add_space(space::S);
    let mut button = |icon: Icon, name: &str, command: UiCommand| {
        let response = glass_button(ui, icon, name, size::PLAYER_BUTTON);
        navigation::in_bar(&response);
        if response.clicked() {
            out.push(command);
        }
    };
    if let Some(profile) = watching(view.state).filter(|_| account.profiles.len() > 1) {
        button(Icon::People, &format!("Switch profile, now {}", profile.name), UiCommand::SwitchProfile);
    }
    if view.state.route != Route::Search {
        button(Icon::Search, "Search (/)", UiCommand::OpenSearch);
    }
}
