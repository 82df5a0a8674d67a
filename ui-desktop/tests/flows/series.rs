//! Series and their episodes, and what pages say of people and trailers.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{Credit, Job, RowKind, TitleCard, TitleKind};
use player_core::{Command, Event, MediaTime, State};
use ui_desktop::api::{Reply, Request, TitleChange};
use ui_desktop::state::Route;

use super::support::{Outside, card, detail, episode, grant, home, series, settle, state};
use super::{Window, at_home, click, press};

/// The page of the series, opened from the hero banner.
fn at_series() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    let mut home = home();
    home.hero = Some(series().card);
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    window.get_by_label_contains("Series  ·  2026");
    click(&mut window, "Episodes");
    assert_eq!(outside.take_asked(), [Request::Title("harbour".into())]);
    outside.reply(Reply::Title("harbour".into(), Ok(Box::new(series()))));
    settle(&mut window);
    (window, outside)
}

fn start(outside: &Outside) -> Option<MediaTime> {
    let commands = outside.take_commands();
    commands.iter().find_map(|command| match command {
        Command::Load(request) => Some(request.start),
        _ => None,
    })?
}

#[test]
fn enter_on_the_page_goes_on_with_the_episode_that_was_begun() {
    let (mut window, outside) = at_series();
    assert!(window.get_by_role_and_label(Role::Button, "Continue S1 E2").is_focused());
    window.get_by_label("2 seasons");
    super::pass(&mut window, 0.5);
    let ahead = Request::Prepare { id: "s1e2".into(), manifest: true };
    assert_eq!(outside.take_permissions(), [ahead], "the episode, not the series, is fetched ahead");
    press(&mut window, Key::Enter);
    outside.reply(Reply::Prepared("s1e2".into(), Ok(grant("s1e2", 200_000))));
    settle(&mut window);
    assert_eq!(start(&outside), Some(MediaTime::from_millis(200_000)));
    assert_eq!(state(&window).player.as_ref().expect("a film").name(), "Harbour Lights  ·  S1 E2  ·  The Lock");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Title("harbour".into()));
}

#[test]
fn episodes_are_walked_played_and_marked_with_the_keys_of_a_remote() {
    let (mut window, outside) = at_series();
    outside.take_asked();
    for _ in 0..12 {
        press(&mut window, Key::ArrowDown);
        if window.query_by_label_contains("Play S1 E3").is_some_and(|line| line.is_focused()) {
            break;
        }
    }
    assert!(window.get_by_label_contains("Play S1 E3").is_focused());
    press(&mut window, Key::ArrowUp);
    window.get_by_label("Play S1 E2, The Lock, 7 min left");
    press(&mut window, Key::ArrowUp);
    assert!(window.get_by_label("Play S1 E1, The Quay, 10 min, watched").is_focused());
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowRight);
    assert!(window.get_by_role_and_label(Role::Button, "Mark S1 E3 as watched").is_focused());
    press(&mut window, Key::Enter);
    let change = TitleChange::Watched(true);
    assert_eq!(outside.take_asked(), [Request::Change("s1e3".into(), change)]);
    window.get_by_label("Play S1 E3, The Tide, 10 min, watched");
    outside.reply(Reply::Changed("s1e3".into(), change, Ok(())));
    settle(&mut window);
    assert!(outside.take_asked().contains(&Request::Title("harbour".into())), "the page knows what comes next");
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Change("s1e3".into(), TitleChange::Watched(false))]);
    outside.reply(Reply::Changed("s1e3".into(), TitleChange::Watched(false), Ok(())));
    settle(&mut window);
    window.get_by_label("Play S1 E3, The Tide, 10 min");
    press(&mut window, Key::ArrowLeft);
    outside.take_asked();
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Authorize("s1e3".into())]);
}

#[test]
fn another_season_shows_its_episodes() {
    let (mut window, _outside) = at_series();
    assert!(window.query_by_label_contains("The Return").is_none());
    window.get_by_role_and_label(Role::RadioButton, "Season 2").click();
    settle(&mut window);
    window.get_by_label_contains("Play S2 E1, The Return");
    assert!(window.query_by_label_contains("Play S1 E1").is_none());
}

#[test]
fn a_series_that_was_watched_begins_anew_and_has_no_mark_of_its_own() {
    let (mut window, outside) = at_series();
    outside.reply(Reply::Title("harbour".into(), Ok(Box::new(kinora_api::TitleDetail { up_next: None, ..series() }))));
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Play S1 E1");
    assert!(window.query_by_role_and_label(Role::Button, "Mark as watched").is_none());
}

#[test]
fn an_episode_leads_to_its_series() {
    let (mut window, outside) = at_home();
    let mut home = home();
    home.hero = Some(episode(1, 2, "The Lock"));
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    click(&mut window, "Details");
    outside.reply(Reply::Title("s1e2".into(), Ok(Box::new(detail(episode(1, 2, "The Lock"))))));
    settle(&mut window);
    window.get_by_label("S1 E2");
    click(&mut window, "Go to the series Harbour Lights");
    assert_eq!(state(&window).route, Route::Title("harbour".into()));
    outside.reply(Reply::Title("harbour".into(), Ok(Box::new(series()))));
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Continue S1 E2");
}

#[test]
fn continue_watching_names_series_and_episode_and_begins_one_that_was_not_begun() {
    let (mut window, outside) = at_home();
    let mut home = home();
    home.rows[0].titles = vec![episode(1, 2, "The Lock")];
    home.rows[1].titles = vec![series().card, episode(1, 3, "The Tide")];
    assert_eq!(home.rows[0].kind, RowKind::ContinueWatching);
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    window.get_by_label("The Tide, Harbour Lights  ·  S1 E3");
    window.get_by_label("Harbour Lights, Series  ·  2026  ·  Adventure");
    window.get_by_label("Harbour Lights, S1 E2  ·  The Lock").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("s1e2".into())]);
    outside.reply(Reply::Granted("s1e2".into(), Ok(grant("s1e2", 90_000))));
    settle(&mut window);
    assert_eq!(start(&outside), None, "a place from another time does not count");
}

#[test]
fn a_page_names_people_and_plays_a_trailer_that_leads_back_to_it() {
    let (mut window, outside) = at_home();
    click(&mut window, "Details");
    let credit = |name: &str, job| Credit { name: name.to_owned(), job, character: None };
    let mut page = detail(card("hero", "Night Train North"));
    page.original_name = Some("Nachtzug nach Norden".to_owned());
    page.cast =
        vec![credit("Ada Holm", Job::Actor), credit("Ben Reuter", Job::Director), credit("Cleo Voss", Job::Actor)];
    page.trailers = vec![TitleCard { kind: TitleKind::Trailer, ..card("teaser", "Trailer: Night Train North") }];
    outside.reply(Reply::Title("hero".into(), Ok(Box::new(page))));
    settle(&mut window);
    window.get_by_label("Nachtzug nach Norden");
    window.get_by_label("With");
    window.get_by_label("Ada Holm, Cleo Voss");
    window.get_by_label("Directed by");
    window.get_by_label("Ben Reuter");
    outside.take_asked();
    click(&mut window, "Trailer");
    assert_eq!(outside.take_asked(), [Request::Authorize("teaser".into())]);
    outside.reply(Reply::Granted("teaser".into(), Ok(grant("teaser", 0))));
    settle(&mut window);
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Title("hero".into()));
}

#[test]
fn a_series_among_similar_titles_opens_its_page_after_a_film() {
    let (mut window, outside) = super::playing();
    let mut page = detail(card("hero", "Night Train North"));
    page.similar = vec![series().card];
    let companion = ui_desktop::api::Companion { detail: page, sprites: Default::default() };
    outside.reply(Reply::Companion("hero".into(), Box::new(companion)));
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).route, Route::Title("harbour".into()));
    assert!(state(&window).player.is_none());
    assert_eq!(outside.take_asked(), [Request::Title("harbour".into())]);
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn key_art_is_asked_for() {
    let (mut window, outside) = at_home();
    let mut page = card("hero", "Night Train North");
    page.key_art = Some(kinora_api::Image { path: "/v1/images/hero/art.jpg".to_owned(), width: 1920, height: 1080 });
    let mut home = home();
    home.hero = Some(page);
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    let asked = |path: &str| outside.with(|world| world.asked.contains(&Request::Image(path.to_owned())));
    assert!(asked("/v1/images/hero/art.jpg"));
}
