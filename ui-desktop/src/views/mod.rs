//! Pages. Each draws from [`View`] and answers with commands; none changes anything.

mod account;
mod appearing;
mod backdrop;
mod channel;
mod chips;
mod dialog;
mod end_screen;
mod error;
mod form;
mod home;
mod offer;
mod outage;
mod player;
mod player_live;
mod player_menu;
mod player_offers;
mod player_stats;
mod profile_editor;
mod profiles;
mod search;
mod search_filters;
mod series;
mod settings;
mod shell;
mod sign_in;
mod sign_in_phone;
mod thumbnail;
mod title;
mod top_actions;
mod waiting;

use std::sync::Arc;

use egui::{PointerButton, Ui};
use player_core::{MediaTime, Snapshot};

use crate::command::{AccountCommand, PlayerCommand, UiCommand};
use crate::navigation::{self, Page};
use crate::player_port::PlayerHandle;
use crate::state::{AppState, PlayerState, Route};
use crate::theme::scale;
use crate::theme::tokens::color;
use crate::video::VideoSurface;
use crate::wall_clock::WallClock;
use crate::widgets::ImageShelf;

/// Everything that pages draw from.
pub struct View<'a> {
    /// What the app knows.
    pub state: &'a AppState,
    /// Posters.
    pub images: &'a ImageShelf,
    /// Where video is drawn.
    pub video: &'a VideoSurface,
    /// The player, when there is one.
    pub player: Option<&'a PlayerHandle>,
    /// The player's snapshot; the default when there is none.
    pub snapshot: Arc<Snapshot>,
    /// Where playback is right now.
    pub position: MediaTime,
    /// Time of day.
    pub wall: &'a WallClock,
    /// The interface's clock in seconds.
    pub now: f64,
}

/// Draws the page of the route and what lies over it.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    navigation::begin(ui.ctx(), page(view));
    out.extend(scale::take_keys(ui.ctx()).map(UiCommand::Zoom));
    let ground = if view.state.route == Route::Player { color::BLACK } else { color::GROUND };
    ui.painter().rect_filled(ui.max_rect(), 0.0, ground);
    search::shortcuts(ui, view, out);
    back_button(ui, view, out);
    match &view.state.route {
        Route::Starting => shell::starting(ui, view),
        Route::SignIn => sign_in::show(ui, view, out),
        Route::Profiles => profiles::show(ui, view, out),
        Route::EditProfile => profile_editor::show(ui, view, out),
        Route::Account => account::show(ui, view, out),
        Route::Home => home::show(ui, view, out),
        Route::Search => search::show(ui, view, out),
        Route::Title(_) => title::show(ui, view, out),
        Route::Player => player::show(ui, view, out),
    }
    outage::banner(ui, view, out);
    if view.state.settings_open {
        settings::show(ui, view, out);
    }
    if let Some(dialog) = &view.state.accounts.dialog {
        dialog::show(ui, view, dialog, out);
    }
    shell::notice(ui, view, out);
}

/// Takes the back button of a mouse: it closes what is open, leaves the film, or goes back.
fn back_button(ui: &Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    if ui.input(|input| input.pointer.button_clicked(PointerButton::Extra1)) {
        out.push(match view.state.route {
            _ if view.state.settings_open => UiCommand::ToggleSettings,
            _ if view.state.accounts.dialog.is_some() => UiCommand::Account(AccountCommand::Cancel),
            Route::EditProfile => UiCommand::Account(AccountCommand::LeaveProfile),
            Route::Player => UiCommand::Player(PlayerCommand::Leave),
            _ => UiCommand::Back,
        });
    }
}

/// The page as the keyboard's focus knows it. While a film is on screen the arrows are the player's.
fn page(view: &View<'_>) -> Page {
    let state = view.state;
    let name = match &state.route {
        Route::Starting => "starting",
        Route::SignIn => "sign-in",
        Route::Profiles => "profiles",
        Route::EditProfile => "edit-profile",
        Route::Account => "account",
        Route::Home => "home",
        Route::Search => "search",
        Route::Title(_) => "title",
        Route::Player => "player",
    };
    let has_menu = state.player.as_ref().is_some_and(|player| player.menu.is_some());
    let is_watching = |film: &PlayerState| film.problem.is_none() && !player::has_choice(view, film);
    Page {
        name,
        // The pages before the sign-in share a route.
        id: egui::Id::unique(("page", format!("{:?}", state.route), state.sign_in.page)),
        depth: state.history.len(),
        has_sheet: state.has_sheet() || (state.route == Route::Player && has_menu),
        arrows: state.route != Route::Player || !state.player.as_ref().is_some_and(is_watching),
    }
}
