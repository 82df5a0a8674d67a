//! Buttons of the bar on top: search, and who watches.

use egui::Ui;

use super::View;
use crate::command::UiCommand;
use crate::state::{Route, watching};
use crate::theme::tokens::{size, space};
use crate::widgets::{Icon, glass_button};

/// Draws the buttons, from the right to the left.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(account) = &view.state.account else { return };
    ui.add_space(space::S);
    if account.profiles.len() > 1
        && let Some(profile) = watching(view.state)
        && glass_button(ui, Icon::People, &format!("Switch profile, now {}", profile.name), size::PLAYER_BUTTON)
            .clicked()
    {
        out.push(UiCommand::SwitchProfile);
    }
    if view.state.route != Route::Search && glass_button(ui, Icon::Search, "Search (/)", size::PLAYER_BUTTON).clicked()
    {
        out.push(UiCommand::OpenSearch);
    }
}
