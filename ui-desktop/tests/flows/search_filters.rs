//! Filters of a search, and recent searches.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use kinora_api::{FilterCount, KindCount, SearchFilter, SearchFilters, SearchResults, TitleKind};
use ui_desktop::api::{Reply, Request, SearchQuery};
use ui_desktop::settings_file::SettingsFile;
use ui_desktop::state::{Launch, Route, recent_searches};

use super::support::{Outside, account, card, found, home, open_with, settle, state};
use super::{Window, at_home, click, pass, press};

fn open_search(window: &mut Window) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    settle(window);
}

fn type_text(window: &mut Window, text: &str) {
    window.event(Event::Text(text.to_owned()));
    pass(window, 0.5);
}

fn filters() -> SearchFilters {
    let of = |value: &str, label: &str| FilterCount { value: value.to_owned(), label: label.to_owned(), titles: 1 };
    SearchFilters {
        kinds: vec![KindCount { value: TitleKind::Film, titles: 3 }, KindCount { value: TitleKind::Series, titles: 1 }],
        genres: vec![of("Adventure", "Adventure"), of("Drama", "Drama")],
        languages: vec![of("de", "Deutsch"), of("en", "English")],
    }
}

fn answer(query: &SearchQuery, titles: Vec<kinora_api::TitleCard>) -> Reply {
    let text = query.text.clone();
    Reply::Found(
        query.clone(),
        Ok(SearchResults { query: text, titles, filters: filters(), ..SearchResults::default() }),
    )
}

fn drama() -> SearchFilter {
    SearchFilter { genre: Some("Drama".to_owned()), ..SearchFilter::default() }
}

/// The results of a search for "night".
fn searched() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    open_search(&mut window);
    type_text(&mut window, "night");
    outside.take_asked();
    outside.reply(answer(&"night".into(), vec![card("t1", "Night Water")]));
    settle(&mut window);
    (window, outside)
}

#[test]
fn filters_combine_stay_while_one_types_and_are_cleared_by_one_press() {
    let (mut window, outside) = searched();
    click(&mut window, "Genre: any");
    window.get_by_role_and_label(Role::CheckBox, "Drama").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Search(SearchQuery { text: "night".to_owned(), filter: drama() })]);
    outside.reply(answer(&SearchQuery { text: "night".to_owned(), filter: drama() }, vec![card("t2", "Night Shift")]));
    settle(&mut window);
    window.get_by_label_contains("Night Shift");
    window.get_by_role_and_label(Role::Button, "Genre: Drama");
    click(&mut window, "Length: any");
    window.get_by_role_and_label(Role::CheckBox, "Up to 30 min").click();
    settle(&mut window);
    let both = SearchFilter { max_minutes: Some(30), ..drama() };
    assert_eq!(outside.take_asked(), [Request::Search(SearchQuery { text: "night".to_owned(), filter: both.clone() })]);
    open_search(&mut window);
    type_text(&mut window, "day");
    let query = SearchQuery { text: "day".to_owned(), filter: both };
    assert_eq!(outside.take_asked().last(), Some(&Request::Search(query.clone())));
    outside.reply(answer(&query, Vec::new()));
    settle(&mut window);
    window.get_by_label("No title for “day” passes these filters.");
    click(&mut window, "Search without filters");
    assert_eq!(outside.take_asked(), [Request::Search("day".into())]);
    assert!(window.get_by_label("Search").is_focused());
    assert_eq!(state(&window).search.filter, SearchFilter::default());
}

#[test]
fn filters_are_reached_and_taken_back_with_the_keys_of_a_remote() {
    let (mut window, outside) = searched();
    press(&mut window, Key::ArrowDown);
    assert!(window.get_by_role_and_label(Role::Button, "Kind: any").is_focused());
    press(&mut window, Key::Enter);
    press(&mut window, Key::ArrowDown);
    assert!(window.get_by_role_and_label(Role::CheckBox, "Films").is_focused());
    press(&mut window, Key::Enter);
    let films = SearchFilter { kind: Some(TitleKind::Film), ..SearchFilter::default() };
    assert_eq!(outside.take_asked(), [Request::Search(SearchQuery { text: "night".to_owned(), filter: films })]);
    assert!(window.get_by_role_and_label(Role::CheckBox, "Films").is_focused(), "the focus stays");
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Search("night".into())]);
    press(&mut window, Key::ArrowDown);
    assert!(window.get_by_label_contains("Night Water").is_focused());
}

#[test]
fn a_genre_is_browsed_without_a_word() {
    let (mut window, outside) = at_home();
    open_search(&mut window);
    click(&mut window, "Adventure");
    let filter = SearchFilter { genre: Some("Adventure".to_owned()), ..SearchFilter::default() };
    let query = SearchQuery { text: String::new(), filter };
    assert_eq!(outside.take_asked(), [Request::Search(query.clone())]);
    outside.reply(answer(&query, vec![card("t3", "Rule Thirty")]));
    settle(&mut window);
    window.get_by_label_contains("Rule Thirty");
    click(&mut window, "Clear filters");
    window.get_by_label("What would you like to watch?");
    assert_eq!(outside.take_asked(), []);
}

#[test]
fn the_catalogue_tells_what_to_browse() {
    let (mut window, outside) = at_home();
    open_search(&mut window);
    assert!(outside.with(|world| world.asked.contains(&Request::Search(SearchQuery::default()))));
    outside.reply(answer(&SearchQuery::default(), Vec::new()));
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Drama");
    click(&mut window, "Series");
    let filter = SearchFilter { kind: Some(TitleKind::Series), ..SearchFilter::default() };
    assert_eq!(outside.take_asked(), [Request::Search(SearchQuery { text: String::new(), filter })]);
}

#[test]
fn a_search_counts_when_it_led_somewhere_and_not_when_it_was_typed_through() {
    let (mut window, outside) = searched();
    assert_eq!(recent_searches(state(&window)), Vec::<&str>::new());
    window.get_by_label_contains("Night Water").click();
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Title("t1".into()));
    press(&mut window, Key::Escape);
    open_search(&mut window);
    type_text(&mut window, "rain");
    outside.reply(found("rain", Vec::new()));
    settle(&mut window);
    assert_eq!(recent_searches(state(&window)), ["night"]);
    press(&mut window, Key::Enter);
    assert_eq!(recent_searches(state(&window)), ["rain", "night"]);
    assert!(window.get_by_label("Search").is_focused(), "nothing was opened, so that one types on");
}

#[test]
fn recent_searches_are_there_after_a_restart_and_are_forgotten_one_by_one_and_all() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let file = SettingsFile::new(Some(directory.path()));
    let start = |file: &SettingsFile| {
        let (mut window, outside) = open_with(Launch::Service { credentials: None }, file.clone(), |app| app);
        outside.reply(Reply::Restored(Some(account())));
        outside.reply(Reply::Home(Ok(home())));
        settle(&mut window);
        open_search(&mut window);
        outside.take_asked();
        (window, outside)
    };
    let (mut window, _outside) = start(&file);
    for words in ["night", "rain", "fox"] {
        open_search(&mut window);
        type_text(&mut window, words);
        press(&mut window, Key::Enter);
    }
    drop(window);
    let (mut window, outside) = start(&file);
    assert_eq!(recent_searches(state(&window)), ["fox", "rain", "night"]);
    press(&mut window, Key::ArrowDown);
    for _ in 0..4 {
        if window.get_by_label("Search for rain").is_focused() {
            break;
        }
        press(&mut window, Key::ArrowDown);
    }
    press(&mut window, Key::ArrowRight);
    assert!(window.get_by_role_and_label(Role::Button, "Forget “rain”").is_focused());
    press(&mut window, Key::Enter);
    assert!(window.query_by_label("Search for rain").is_none());
    click(&mut window, "Search for night");
    assert_eq!(outside.take_asked(), [Request::Search("night".into())]);
    assert_eq!(recent_searches(state(&window)), ["night", "fox"]);
    drop(window);
    let (mut window, _outside) = start(&file);
    click(&mut window, "Clear all");
    assert!(window.query_by_label("Recent searches").is_none());
    drop(window);
    let (window, _outside) = start(&file);
    assert_eq!(recent_searches(state(&window)), Vec::<&str>::new());
}

#[test]
fn a_search_that_is_begun_anew_has_no_filters() {
    let (mut window, outside) = searched();
    click(&mut window, "Genre: any");
    window.get_by_role_and_label(Role::CheckBox, "Drama").click();
    settle(&mut window);
    let query = SearchQuery { text: "night".to_owned(), filter: drama() };
    outside.reply(answer(&query, vec![card("t1", "Night Water")]));
    settle(&mut window);
    window.get_by_label_contains("Night Water").click();
    settle(&mut window);
    press(&mut window, Key::Escape);
    window.get_by_role_and_label(Role::Button, "Genre: Drama");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
    outside.take_asked();
    open_search(&mut window);
    assert_eq!(outside.take_asked(), [Request::Search("night".into())]);
    window.get_by_role_and_label(Role::Button, "Genre: any");
}

#[test]
fn a_limited_search_says_so() {
    let (mut window, outside) = searched();
    let results =
        SearchResults { titles: vec![card("t1", "Night Water")], is_simple: true, ..SearchResults::default() };
    outside.reply(Reply::Found("night".into(), Ok(results)));
    settle(&mut window);
    window.get_by_label("Search is limited just now: only names are searched.");
}
