//! The app with its service, through real key and pointer events: outages, search, profiles, the end of a
//! film, what is remembered. The clock of the interface is that of the frames, and the time of day is set by the test.

#[path = "../support/mod.rs"]
mod support;

mod account;
mod after_the_film;
mod ahead;
mod elsewhere;
mod errors;
mod family;
mod home_pages;
mod kept_pages;
mod library;
mod live;
mod live_row;
mod marks;
mod memory;
mod outage;
mod preferences;
mod profiles;
mod search;
mod search_filters;
mod seek_bar;
mod series;
mod sign_in;

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use support::{Outside, Window, account, at_home, home, open, open_with, playing, press, settle};
use ui_desktop::api::Failure;
use ui_desktop::settings_file::SettingsFile;
use ui_desktop::state::Launch;
use ui_desktop::wall_clock::WallClock;

/// Opens the app with a time of day that the test sets.
fn open_at(launch: Launch, wall: fn() -> WallClock) -> (Window, Outside) {
    open_with(launch, SettingsFile::new(None), move |app| app.with_wall_clock(wall()))
}

fn click(window: &mut Window, button: &str) {
    window.get_by_role_and_label(Role::Button, button).click();
    settle(window);
}

/// Moves the pointer, so that the controls over the film are there.
fn show_controls(window: &mut Window) {
    let at = window.ctx.input(|input| input.pointer.latest_pos()).unwrap_or_default();
    window.hover_at(egui::pos2(600.0, if at.y < 250.0 { 300.0 } else { 200.0 }));
    window.run_steps(2);
}

/// Lets about so many seconds of the interface's clock pass.
fn pass(window: &mut Window, seconds: f64) {
    let until = window.ctx.input(|input| input.time) + seconds;
    while window.ctx.input(|input| input.time) < until {
        window.run_steps(1);
    }
}

/// The failure of a service that is not there.
fn away() -> Failure {
    let error = player_core::PlayerError::fatal(player_core::ErrorCode::NetworkUnreachable, "refused");
    Failure { error, service: None }
}
