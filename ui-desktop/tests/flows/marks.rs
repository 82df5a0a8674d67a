//! Chapters, parts to skip, and the episode that follows.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{Heartbeat, PlaybackPhase, TitleKind};
use player_core::command::SeekMode;
use player_core::{Command, Event, MediaTime, State};
use ui_desktop::api::{Companion, Reply, Request, Sprites};
use ui_desktop::state::{Menu, Route};

use super::support::{Outside, episode, episode_page, grant, home, settle, state};
use super::{Window, at_home, click, pass, press, show_controls};

/// The second episode of a series on screen, with its page.
fn watching() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    let mut home = home();
    home.hero = Some(episode(1, 2, "The Lock"));
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    click(&mut window, "Play");
    outside.reply(Reply::Granted("s1e2".into(), Ok(grant("s1e2", 0))));
    settle(&mut window);
    outside.announce(Event::FirstFrame { pts: MediaTime::ZERO, latency: Default::default() });
    let companion = Companion { detail: episode_page(), sprites: Sprites::default() };
    outside.reply(Reply::Companion("s1e2".into(), Box::new(companion)));
    settle(&mut window);
    outside.take_asked();
    outside.take_commands();
    (window, outside)
}

fn at(window: &mut Window, outside: &Outside, seconds: i64) {
    outside.change(|snapshot| snapshot.position = MediaTime::from_millis(seconds * 1000));
    settle(window);
}

fn seek(seconds: i64) -> Command {
    Command::Seek { to: MediaTime::from_millis(seconds * 1000), mode: SeekMode::Exact }
}

fn has(window: &Window, name: &str) -> bool {
    window.query_by_role_and_label(Role::Button, name).is_some()
}

#[test]
fn page_keys_turn_chapters() {
    let (mut window, outside) = watching();
    at(&mut window, &outside, 100);
    press(&mut window, Key::PageDown);
    assert_eq!(outside.take_commands(), [seek(300)]);
    press(&mut window, Key::PageUp);
    assert_eq!(outside.take_commands(), [seek(90)], "to the beginning of the chapter first");
    at(&mut window, &outside, 91);
    press(&mut window, Key::PageUp);
    assert_eq!(outside.take_commands(), [seek(0)]);
    at(&mut window, &outside, 400);
    press(&mut window, Key::PageDown);
    assert_eq!(outside.take_commands(), []);
    let flash = state(&window).player.as_ref().and_then(|player| player.flash.clone());
    assert_eq!(flash.map(|flash| flash.text).as_deref(), Some("Last chapter"));
}

#[test]
fn the_menu_of_chapters_marks_the_present_one_and_leads_to_the_others() {
    let (mut window, outside) = watching();
    at(&mut window, &outside, 100);
    press(&mut window, Key::H);
    assert_eq!(state(&window).player.as_ref().and_then(|player| player.menu), Some(Menu::Chapters));
    assert!(window.get_by_label("The Lock 1:30").is_focused());
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_commands(), [seek(300)]);
    assert_eq!(state(&window).player.as_ref().and_then(|player| player.menu), None);
    show_controls(&mut window);
    assert!(has(&window, "Chapters"));
}

#[test]
fn a_film_without_chapters_has_no_button_for_them() {
    let (mut window, outside) = super::playing();
    show_controls(&mut window);
    assert!(!has(&window, "Chapters"));
    press(&mut window, Key::PageDown);
    assert_eq!(outside.take_commands(), []);
}

#[test]
fn recap_and_intro_are_skipped_by_enter_and_offered_again_after_a_seek_back() {
    let (mut window, outside) = watching();
    assert!(!has(&window, "Skip intro"));
    at(&mut window, &outside, 5);
    assert!(window.get_by_role_and_label(Role::Button, "Skip recap").is_focused());
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_commands(), [seek(15)]);
    at(&mut window, &outside, 15);
    assert!(!has(&window, "Skip recap"));
    assert!(has(&window, "Skip intro"));
    press(&mut window, Key::N);
    assert_eq!(outside.take_commands(), [seek(40)]);
    at(&mut window, &outside, 40);
    assert!(!has(&window, "Skip intro"));
    press(&mut window, Key::N);
    assert_eq!(outside.take_commands(), [], "there is nothing to skip");
    at(&mut window, &outside, 20);
    click(&mut window, "Skip intro");
    assert_eq!(outside.take_commands(), [seek(40)]);
}

#[test]
fn the_next_episode_begins_after_ten_seconds_of_credits() {
    let (mut window, outside) = watching();
    at(&mut window, &outside, 560);
    window.get_by_role_and_label(Role::Status, "Next: S1 E3  ·  The Tide");
    assert!(window.get_by_role_and_label(Role::Button, "Play now").is_focused());
    pass(&mut window, 5.0);
    outside.change(|snapshot| snapshot.play_when_ready = false);
    pass(&mut window, 20.0);
    assert_eq!(outside.take_asked(), [], "the count stands while the film does");
    outside.change(|snapshot| snapshot.play_when_ready = true);
    pass(&mut window, 3.0);
    assert_eq!(outside.take_asked(), []);
    pass(&mut window, 3.0);
    assert_eq!(outside.take_asked(), [Request::Authorize("s1e3".into())]);
    assert_eq!(state(&window).player.as_ref().expect("a film").name(), "Harbour Lights  ·  S1 E3  ·  The Tide");
    assert_eq!(outside.with(|world| world.stopped.len()), 1, "the first one was reported");
}

#[test]
fn the_viewer_plays_the_next_one_at_once_or_watches_the_credits() {
    let (mut window, outside) = watching();
    at(&mut window, &outside, 561);
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Authorize("s1e3".into())]);
    let seen = Heartbeat { position_ms: 600_000, phase: PlaybackPhase::Ended };
    assert_eq!(outside.with(|world| world.stopped.clone()), [seen], "only credits were left");

    let (mut window, outside) = watching();
    at(&mut window, &outside, 300);
    press(&mut window, Key::Escape);
    let begun = Heartbeat { position_ms: 300_000, phase: PlaybackPhase::Playing };
    assert_eq!(outside.with(|world| world.stopped.clone()), [begun]);

    let (mut window, outside) = watching();
    at(&mut window, &outside, 561);
    press(&mut window, Key::ArrowLeft);
    assert!(window.get_by_role_and_label(Role::Button, "Watch credits").is_focused());
    press(&mut window, Key::Enter);
    assert!(window.query_by_role_and_label(Role::Button, "Play now").is_none());
    pass(&mut window, 12.0);
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    assert_eq!(outside.take_asked(), [], "whoever watches the credits chooses");
    assert!(window.get_by_role_and_label(Role::Button, "Play next").is_focused());
    window.get_by_label("S1 E3  ·  The Tide");

    let (mut window, outside) = watching();
    at(&mut window, &outside, 561);
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Player, "the first step back is for the count");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn the_end_of_an_episode_begins_the_next_one_unless_the_viewer_set_otherwise() {
    let (mut window, outside) = watching();
    let mut page = episode_page();
    page.marks.credits_from_ms = None;
    let companion = || Companion { detail: page.clone(), sprites: Sprites::default() };
    outside.reply(Reply::Companion("s1e2".into(), Box::new(companion())));
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("s1e3".into())]);

    let (mut window, outside) = at_home();
    click(&mut window, "Settings of Demo");
    window.get_by_role_and_label(Role::RadioButton, "When I ask").click();
    settle(&mut window);
    assert!(!state(&window).settings.plays_next);
    press(&mut window, Key::Escape);
    let mut home = home();
    home.hero = Some(episode(1, 2, "The Lock"));
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    click(&mut window, "Play");
    outside.reply(Reply::Granted("s1e2".into(), Ok(grant("s1e2", 0))));
    settle(&mut window);
    outside.announce(Event::FirstFrame { pts: MediaTime::ZERO, latency: Default::default() });
    outside.reply(Reply::Companion(
        "s1e2".into(),
        Box::new(Companion { detail: episode_page(), sprites: Sprites::default() }),
    ));
    at(&mut window, &outside, 570);
    outside.take_asked();
    pass(&mut window, 15.0);
    assert!(has(&window, "Play now"), "it is offered, and waits");
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    assert_eq!(outside.take_asked(), []);
    assert!(has(&window, "Play next"));
}

#[test]
fn the_last_episode_ends_as_a_film_does() {
    let (mut window, outside) = watching();
    let page = kinora_api::TitleDetail { up_next: None, ..episode_page() };
    assert_eq!(page.card.kind, TitleKind::Episode);
    outside.reply(Reply::Companion("s1e2".into(), Box::new(Companion { detail: page, sprites: Sprites::default() })));
    at(&mut window, &outside, 580);
    assert!(!has(&window, "Play now"));
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    assert_eq!(outside.take_asked(), []);
    window.get_by_label("Other Title");
}

#[test]
fn the_page_of_a_film_is_asked_for_once_and_together_with_the_permission() {
    let (mut window, outside) = at_home();
    let asked = |outside: &Outside| {
        let asked = outside.with(|world| std::mem::take(&mut world.asked));
        asked.into_iter().filter(|request| *request == Request::Companion("hero".into())).count()
    };
    click(&mut window, "Play");
    assert_eq!(asked(&outside), 1);
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    assert_eq!(asked(&outside), 0);
}

#[test]
fn what_the_page_knows_is_there_before_the_film_answers() {
    let (mut window, outside) = at_home();
    let mut home = home();
    home.hero = Some(episode(1, 2, "The Lock"));
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    click(&mut window, "Details");
    outside.reply(Reply::Title("s1e2".into(), Ok(Box::new(episode_page()))));
    settle(&mut window);
    click(&mut window, "Play");
    let chapters = |window: &Window| {
        let player = state(window).player.as_ref().expect("a film");
        ui_desktop::state::chapters(player).len()
    };
    assert_eq!(chapters(&window), 3);
}
