//! Search, by keyboard.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use ui_desktop::api::{Reply, Request};
use ui_desktop::state::Route;

use super::support::{card, found, settle, state};
use super::{Window, at_home, away, pass, press};

/// A key that makes a letter, as a window system sends it: the key and its text.
fn type_text(window: &mut Window, text: &str) {
    for letter in text.chars() {
        if let Some(key) = Key::from_name(&letter.to_string().to_uppercase()) {
            window.key_press(key);
        }
        window.event(Event::Text(letter.to_string()));
        window.run_steps(1);
    }
}

fn slash(window: &mut Window) {
    window.key_press(Key::Slash);
    window.event(Event::Text("/".to_owned()));
    settle(window);
}

#[test]
fn a_slash_opens_the_field_and_titles_are_found_while_one_types() {
    let (mut window, outside) = at_home();
    slash(&mut window);
    assert_eq!(state(&window).route, Route::Search);
    assert!(window.get_by_label("Search").is_focused());
    assert_eq!(state(&window).search.query, "", "the key itself is not typed");
    type_text(&mut window, "slo");
    settle(&mut window);
    let asked = outside.take_asked();
    assert_eq!(asked.last(), Some(&Request::Search("slo".into())));
    outside.reply(found("s", vec![card("wrong", "An Answer Too Late")]));
    settle(&mut window);
    assert!(window.query_by_label_contains("An Answer Too Late").is_none(), "stale answers are dropped");
    outside.reply(found("slo", vec![card("t1", "Slow Light"), card("t7", "Slow Water")]));
    settle(&mut window);
    press(&mut window, Key::ArrowDown);
    assert!(window.get_by_label_contains("Slow Light").is_focused());
    press(&mut window, Key::ArrowRight);
    assert!(window.get_by_label_contains("Slow Water").is_focused());
    press(&mut window, Key::ArrowUp);
    assert!(window.get_by_label("Search").is_focused());
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowRight);
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).route, Route::Title("t7".into()));
    assert_eq!(outside.take_asked(), [Request::Title("t7".into())]);
    window.get_by_label("Slow Water");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Search);
    assert!(window.get_by_label_contains("Slow Water").is_focused(), "the focus is where it was");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
    slash(&mut window);
    assert!(window.get_by_label("Search").is_focused());
}

#[test]
fn letters_that_follow_the_slash_in_its_frame_are_searched_for() {
    let (mut window, _outside) = at_home();
    for (round, words) in ["/night", "/rain"].into_iter().enumerate() {
        let letters = words.chars().map(|letter| Event::Text(letter.to_string()));
        window.input_mut().events.extend(letters);
        settle(&mut window);
        assert_eq!(state(&window).search.query, words[1..], "round {round}");
        press(&mut window, Key::Escape);
        assert_eq!(state(&window).route, Route::Home);
    }
}

#[test]
fn the_next_letters_replace_an_earlier_search_and_its_results_begin_at_the_top() {
    let (mut window, outside) = at_home();
    let many = |name: &str| (0..40).map(|index| card(&format!("{name}{index}"), &format!("{name} {index}"))).collect();
    slash(&mut window);
    type_text(&mut window, "old");
    outside.reply(found("old", many("Old")));
    settle(&mut window);
    let top = window.get_by_label_contains("Old 0,").rect();
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::End);
    press(&mut window, Key::Enter);
    press(&mut window, Key::Escape);
    let last = state(&window).search.opened.clone().expect("one was opened");
    assert!(window.get_by_label_contains(&format!("{last},").replace("Old", "Old ")).is_focused());
    assert!(window.get_by_label_contains("Old 0,").rect().bottom() < 0.0, "the page is found as it was left");
    slash(&mut window);
    type_text(&mut window, "new");
    assert_eq!(state(&window).search.query, "new");
    outside.reply(found("new", many("New")));
    settle(&mut window);
    assert_eq!(window.get_by_label_contains("New 0,").rect(), top);
}

#[test]
fn the_field_has_the_focus_at_every_opening_also_for_another_viewer() {
    let (mut window, outside) = at_home();
    slash(&mut window);
    assert!(window.get_by_label("Search").is_focused());
    outside.reply(Reply::SignedOut);
    settle(&mut window);
    outside.reply(Reply::SignedIn(Ok(super::account())));
    outside.reply(Reply::Home(Ok(super::home())));
    settle(&mut window);
    slash(&mut window);
    assert!(window.get_by_label("Search").is_focused());
}

#[test]
fn the_service_is_asked_once_for_letters_in_a_hurry() {
    let (mut window, outside) = at_home();
    window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Search);
    let letters = ["n", "i", "g", "h", "t"].map(|letter| Event::Text(letter.to_owned()));
    window.input_mut().events.extend(letters);
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Search("night".into())]);
    outside.reply(found("night", Vec::new()));
    settle(&mut window);
    window.get_by_label("Nothing was found for “night”.");
    for _ in 0..5 {
        window.key_press(Key::Backspace);
    }
    settle(&mut window);
    window.get_by_label("What would you like to watch?");
    let asked = outside.with(|world| std::mem::take(&mut world.asked));
    let is_empty = |request: &Request| matches!(request, Request::Search(query) if query.is_empty());
    assert!(!asked.iter().any(is_empty), "nothing is searched for with an empty field: {asked:?}");
}

#[test]
fn enter_in_the_field_opens_the_best_match_and_a_slash_in_it_is_a_letter() {
    let (mut window, outside) = at_home();
    slash(&mut window);
    window.event(Event::Text("a/b".to_owned()));
    settle(&mut window);
    window.event(Event::Text("/".to_owned()));
    settle(&mut window);
    assert_eq!(state(&window).search.query, "a/b/");
    outside.reply(found("a/b/", vec![card("t7", "Slow Water")]));
    settle(&mut window);
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).route, Route::Title("t7".into()));
}

#[test]
fn a_search_during_an_outage_goes_on_by_itself() {
    let (mut window, outside) = at_home();
    slash(&mut window);
    window.event(Event::Text("night".to_owned()));
    settle(&mut window);
    outside.take_asked();
    outside.reply(Reply::Found("night".into(), Err(away())));
    window.run_steps(2);
    window.get_by_label("Search needs a connection.");
    window.get_by_label_contains("Offline");
    pass(&mut window, 2.5);
    outside.reply(Reply::Home(Ok(super::home())));
    settle(&mut window);
    let asked = outside.take_asked();
    assert_eq!(asked, [Request::Home, Request::Search("night".into())]);
    outside.reply(found("night", vec![card("t7", "Night Water")]));
    settle(&mut window);
    window.get_by_label_contains("Night Water");
    assert!(window.query_by_label_contains("Offline").is_none());
}

#[test]
fn neither_the_form_nor_the_film_opens_the_search() {
    let (mut window, _outside) = super::playing();
    slash(&mut window);
    assert_eq!(state(&window).route, Route::Player);
    let (mut window, outside) = super::open(super::Launch::Service { credentials: None });
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    slash(&mut window);
    assert_eq!(state(&window).route, Route::SignIn);
    window.get_by_role_and_label(Role::Button, "Sign in");
}
