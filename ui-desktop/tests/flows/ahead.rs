//! Fetching ahead: the page of a title asks for permission, and "Play" begins with it.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::PlaybackGrant;
use player_core::Command;
use ui_desktop::api::{Failure, Reply, Request};
use ui_desktop::state::{DataSaver, Route};

use super::support::{Outside, Window, at_home, card, detail, grant, press, settle, state};

/// Opens the page of a title of the home screen, which then asks for permission.
fn at_title() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    open_title(&mut window, &outside);
    (window, outside)
}

fn open_title(window: &mut Window, outside: &Outside) {
    window.get_by_role_and_label(Role::Button, "Details").click();
    settle(window);
    outside.reply(Reply::Title("hero".into(), Ok(Box::new(detail(card("hero", "Night Train North"))))));
    settle(window);
    assert_eq!(state(window).route, Route::Title("hero".into()));
}

fn prepare(manifest: bool) -> Request {
    Request::Prepare { id: "hero".into(), manifest }
}

fn answer(window: &mut Window, outside: &Outside, session: &str) -> PlaybackGrant {
    let grant = PlaybackGrant { session_id: session.into(), ..grant("hero", 0) };
    outside.reply(Reply::Prepared("hero".into(), Ok(grant.clone())));
    settle(window);
    grant
}

fn loads(outside: &Outside) -> usize {
    outside.take_commands().iter().filter(|command| matches!(command, Command::Load(_))).count()
}

fn refusal() -> Failure {
    let url = "http://127.0.0.1:1/v1/playback".parse().expect("a valid address");
    let answer = kinora_api::ApiError::new(kinora_api::ErrorCode::TooManyStreams, "no");
    Failure::refused(answer, 409, &url)
}

#[test]
fn play_begins_at_once_with_what_the_page_has_fetched() {
    let (mut window, outside) = at_title();
    assert_eq!(outside.take_permissions(), [prepare(true)]);
    let grant = answer(&mut window, &outside, "s1");
    window.run_steps(60);
    assert_eq!(outside.take_permissions(), [], "one request");
    window.key_press(Key::Enter);
    window.run_steps(2);
    assert_eq!(loads(&outside), 1);
    assert_eq!(outside.take_permissions(), [Request::Claim(grant.clone())], "no request for permission");
    let watched = outside.with(|world| world.watched.clone());
    assert_eq!(watched, std::slice::from_ref(&grant));

    // The place has gone: the film is asked for as if nothing had been fetched.
    outside.reply(Reply::Claimed(grant, Err(refusal())));
    settle(&mut window);
    assert_eq!(outside.take_permissions(), [Request::Authorize("hero".into())]);
    assert_eq!(outside.with(|world| world.stopped.len()), 1);
    outside.reply(Reply::Granted("hero".into(), Err(refusal())));
    settle(&mut window);
    assert!(state(&window).player.as_ref().expect("a player").problem.is_some());
}

#[test]
fn an_answer_on_its_way_begins_the_film_and_a_refusal_asks_again() {
    let (mut window, outside) = at_title();
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_permissions(), [prepare(true)], "none on Play");
    outside.reply(Reply::Prepared("hero".into(), Err(refusal())));
    settle(&mut window);
    assert_eq!(outside.take_permissions(), [Request::Authorize("hero".into())]);
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    assert_eq!((loads(&outside), outside.take_permissions()), (1, vec![]));

    // Back to the page, which asks anew; its answer is late.
    press(&mut window, Key::Escape);
    assert_eq!(outside.take_permissions(), [prepare(true)]);
    press(&mut window, Key::Enter);
    let late = answer(&mut window, &outside, "s2");
    assert_eq!((loads(&outside), outside.take_permissions()), (1, vec![Request::Claim(late)]));
}

#[test]
fn leaving_the_page_gives_back_what_it_fetched() {
    let (mut window, outside) = at_title();
    let grant = answer(&mut window, &outside, "s1");
    outside.take_permissions();
    press(&mut window, Key::Escape);
    assert_eq!(outside.take_permissions(), [Request::Abandon(grant)]);

    // Left before the answer: it is given back when it comes.
    open_title(&mut window, &outside);
    assert_eq!(outside.take_permissions(), [prepare(true)]);
    press(&mut window, Key::Escape);
    let late = answer(&mut window, &outside, "s2");
    assert_eq!(outside.take_permissions(), [Request::Abandon(late)]);
    assert_eq!(loads(&outside), 0);
}

#[test]
fn a_film_that_ends_makes_what_was_fetched_out_of_date() {
    let (mut window, outside) = at_title();
    let grant = answer(&mut window, &outside, "s1");
    outside.take_permissions();
    outside.reply(Reply::PlaybackStopped);
    settle(&mut window);
    assert_eq!(outside.take_permissions(), [Request::Abandon(grant), prepare(true)]);
    outside.reply(Reply::PlaybackStopped);
    settle(&mut window);
    let outdated = answer(&mut window, &outside, "s2");
    assert_eq!(outside.take_permissions(), [Request::Abandon(outdated), prepare(true)]);
}

#[test]
fn the_data_saver_fetches_no_manifest_and_the_settings_say_so() {
    let (mut window, outside) = at_home();
    window.get_by_label_contains("Settings of").click();
    settle(&mut window);
    window.get_by_label_contains("A few kilobytes of a film are fetched while its page is open");
    window.get_by_label("0.3 GB/h").click();
    settle(&mut window);
    window.get_by_label_contains("Nothing of a film is fetched before you play it");
    assert_eq!(state(&window).settings.data_saver, DataSaver::Low);
    press(&mut window, Key::Escape);
    open_title(&mut window, &outside);
    assert_eq!(outside.take_permissions(), [prepare(false)]);
}
