//! The app with its service, through real key and pointer events: outages, search, profiles, the end of a
//! film, what is remembered. The clock of the interface is that of the frames, and the time of day is set by the test.

#[path = "../support/mod.rs"]
mod support;

mod after_the_film;
mod errors;
mod memory;
mod outage;
mod profiles;
mod search;
mod seek_bar;

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use support::{Outside, account, grant, home, open, open_with, settle};
use ui_desktop::api::{Failure, Reply, Request};
use ui_desktop::app::App;
use ui_desktop::settings_file::SettingsFile;
use ui_desktop::state::Launch;
use ui_desktop::wall_clock::WallClock;

type Window = Harness<'static, Option<App>>;

/// The home screen of an account with one profile.
fn at_home() -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    assert_eq!(outside.take_asked(), [Request::Restore]);
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Home]);
    (window, outside)
}

/// The film of the hero banner on screen.
fn playing() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    click(&mut window, "Play");
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    outside.take_commands();
    (window, outside)
}

/// Opens the app with a time of day that the test sets.
fn open_at(launch: Launch, wall: fn() -> WallClock) -> (Window, Outside) {
    open_with(launch, SettingsFile::new(None), move |app| app.with_wall_clock(wall()))
}

fn press(window: &mut Window, key: Key) {
    window.key_press(key);
    settle(window);
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
