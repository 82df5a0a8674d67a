//! My list, marks of what was watched, and the row of titles to continue.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::events::Rating;
use kinora_api::{ApiError, ErrorCode, Home, Reason, ReasonKind, RowKind};
use ui_desktop::api::{Failure, Reply, Request, TitleChange};
use ui_desktop::state::Route;

use super::support::{Outside, card, detail, home, settle, state};
use super::{Window, at_home, away, click, pass, press};

const HERO: &str = "hero";

/// The page of the title on the banner.
fn at_title() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    click(&mut window, "Details");
    outside.reply(Reply::Title(HERO.into(), Ok(Box::new(detail(card(HERO, "Night Train North"))))));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

fn refused(code: ErrorCode) -> Failure {
    let url = "http://127.0.0.1:1/v1/my-list/hero".parse().expect("a valid address");
    Failure::refused(ApiError::new(code, "no"), code.http_status(), &url)
}

fn has_button(window: &Window, name: &str) -> bool {
    window.query_by_role_and_label(Role::Button, name).is_some()
}

#[test]
fn a_title_is_on_the_list_at_once_and_pages_follow() {
    let (mut window, outside) = at_title();
    let change = TitleChange::Listed(true);
    click(&mut window, "Add to My list");
    assert!(has_button(&window, "Remove from My list"), "it is shown before the answer");
    assert_eq!(outside.take_asked(), [Request::Change(HERO.into(), change)]);
    outside.reply(Reply::Changed(HERO.into(), change, Ok(())));
    settle(&mut window);
    assert!(has_button(&window, "Remove from My list"));
    let asked = outside.take_asked();
    assert!(asked.contains(&Request::Home) && asked.contains(&Request::Title(HERO.into())), "{asked:?}");
    let mut answer = detail(card(HERO, "Night Train North"));
    answer.is_listed = true;
    outside.reply(Reply::Title(HERO.into(), Ok(Box::new(answer))));
    settle(&mut window);
    click(&mut window, "Remove from My list");
    assert_eq!(outside.take_asked(), [Request::Change(HERO.into(), TitleChange::Listed(false))]);
}

#[test]
fn a_change_that_is_refused_is_undone_and_says_why() {
    let (mut window, outside) = at_title();
    let change = TitleChange::Listed(true);
    for (failure, words) in [
        (refused(ErrorCode::ListFull), "My list is full. Remove a title from it to add another one."),
        (away(), "My list was not changed. We can't reach Kinora."),
    ] {
        click(&mut window, "Add to My list");
        outside.take_asked();
        outside.reply(Reply::Changed(HERO.into(), change, Err(failure)));
        window.run_steps(2);
        assert!(has_button(&window, "Add to My list"), "it is as it was");
        window.get_by_role_and_label(Role::Status, words);
    }
}

#[test]
fn the_last_of_two_quick_presses_holds() {
    let (mut window, outside) = at_title();
    click(&mut window, "Add to My list");
    click(&mut window, "Remove from My list");
    assert!(has_button(&window, "Add to My list"));
    assert_eq!(outside.take_asked(), [Request::Change(HERO.into(), TitleChange::Listed(true))], "one at a time");
    outside.reply(Reply::Changed(HERO.into(), TitleChange::Listed(true), Ok(())));
    settle(&mut window);
    assert!(has_button(&window, "Add to My list"), "the answer to the first press does not show");
    assert_eq!(outside.take_asked(), [Request::Change(HERO.into(), TitleChange::Listed(false))]);
    outside.reply(Reply::Changed(HERO.into(), TitleChange::Listed(false), Ok(())));
    settle(&mut window);
    assert!(has_button(&window, "Add to My list"));
}

#[test]
fn a_title_is_marked_as_watched_by_keys_and_its_poster_says_so() {
    let (mut window, outside) = at_title();
    for key in [Key::ArrowDown, Key::ArrowRight] {
        press(&mut window, key);
    }
    assert!(window.get_by_role_and_label(Role::Button, "Mark as watched").is_focused());
    press(&mut window, Key::Enter);
    assert!(has_button(&window, "Watched. Mark as not watched"));
    assert_eq!(outside.take_asked(), [Request::Change(HERO.into(), TitleChange::Watched(true))]);
    outside.reply(Reply::Changed(HERO.into(), TitleChange::Watched(true), Ok(())));
    settle(&mut window);
    assert!(has_button(&window, "Watched. Mark as not watched"));
    press(&mut window, Key::Escape);
    outside.reply(Reply::Watched(std::collections::BTreeSet::from(["t1".into()])));
    settle(&mut window);
    window.get_by_label("Slow Light, 2026  ·  10 min  ·  Adventure, watched");
    window.get_by_label("Colony Nine, 2026  ·  10 min  ·  Adventure");
}

#[test]
fn the_service_is_asked_what_was_watched_with_each_home_screen() {
    let (window, outside) = at_home();
    let count = |outside: &Outside| {
        outside.with(|world| world.asked.iter().filter(|request| **request == Request::Watched).count())
    };
    assert_eq!(count(&outside), 0, "at_home has taken what was asked");
    outside.reply(Reply::PlaybackStopped);
    let mut window = window;
    settle(&mut window);
    assert_eq!(count(&outside), 1);
}

#[test]
fn a_title_is_removed_from_those_to_continue_by_a_key_and_put_back() {
    let (mut window, outside) = at_home();
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Delete);
    assert!(window.query_by_label_contains("Infinite Coast, ").is_none(), "it is gone at once");
    assert_eq!(outside.take_asked(), [Request::Change("coast".into(), TitleChange::NotContinued)]);
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert!(window.query_by_label_contains("Infinite Coast, ").is_none(), "an earlier answer does not bring it back");
    click(&mut window, "Undo");
    window.get_by_label_contains("Infinite Coast, ");
    assert!(outside.take_asked().is_empty(), "the removal is still under way");
    outside.reply(Reply::Changed("coast".into(), TitleChange::NotContinued, Ok(())));
    settle(&mut window);
    let back = TitleChange::Continued { position_ms: 150_000 };
    assert_eq!(outside.take_asked(), [Request::Change("coast".into(), back)]);
    outside.reply(Reply::Changed("coast".into(), back, Ok(())));
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Home]);
    window.get_by_label_contains("Infinite Coast, ");
}

#[test]
fn a_removal_that_fails_is_taken_back_and_one_that_stands_cannot_be_undone_later() {
    let (mut window, outside) = at_home();
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Delete);
    outside.reply(Reply::Changed("coast".into(), TitleChange::NotContinued, Err(away())));
    window.run_steps(2);
    window.get_by_label_contains("Infinite Coast, ");
    window.get_by_role_and_label(Role::Status, "“Continue watching” was not changed. We can't reach Kinora.");
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    window.get_by_label_contains("Infinite Coast, ").focus();
    settle(&mut window);
    press(&mut window, Key::Delete);
    outside.reply(Reply::Changed("coast".into(), TitleChange::NotContinued, Ok(())));
    settle(&mut window);
    assert!(has_button(&window, "Undo"));
    pass(&mut window, 10.0);
    assert!(!has_button(&window, "Undo"));
}

#[test]
fn the_row_is_edited_with_arrows_alone() {
    let (mut window, outside) = at_home();
    for key in [Key::ArrowDown, Key::ArrowRight, Key::Enter] {
        press(&mut window, key);
    }
    assert!(window.get_by_role_and_label(Role::Button, "Done removing").is_focused());
    press(&mut window, Key::ArrowLeft);
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Change("coast".into(), TitleChange::NotContinued)]);
    assert_eq!(state(&window).route, Route::Home, "the press removes and does not play");
    window.get_by_role_and_label(Role::Status, "“Infinite Coast” was removed from “Continue watching”.");
    assert!(!state(&window).library.is_editing, "an empty row needs no editing");
}

#[test]
fn a_titles_page_removes_it_from_those_to_continue() {
    let (mut window, outside) = at_title();
    let mut begun = home().rows[0].titles[0].clone();
    begun.id = HERO.into();
    outside.reply(Reply::Title(HERO.into(), Ok(Box::new(detail(begun)))));
    settle(&mut window);
    click(&mut window, "Remove from Continue watching");
    assert_eq!(outside.take_asked(), [Request::Change(HERO.into(), TitleChange::NotContinued)]);
    assert!(!has_button(&window, "Remove from Continue watching"));
    assert!(has_button(&window, "Undo"));
}

#[test]
fn the_focus_stays_in_the_row_when_its_card_goes() {
    let (mut window, outside) = at_home();
    let mut answer = home();
    for (id, name) in [("one", "First One"), ("two", "Second One")] {
        answer.rows[0].titles.push(card(id, name));
    }
    outside.reply(Reply::Home(Ok(answer)));
    settle(&mut window);
    for key in [Key::ArrowDown, Key::ArrowRight, Key::Delete] {
        press(&mut window, key);
    }
    assert!(window.get_by_label_contains("Second One, ").is_focused(), "the next one");
    press(&mut window, Key::Delete);
    assert!(window.get_by_label_contains("Infinite Coast, ").is_focused(), "the last one before");
}

#[test]
fn a_rating_is_shown_at_once_replaces_another_and_is_taken_back() {
    let (mut window, outside) = at_title();
    let asked = |rating| [Request::Change(HERO.into(), TitleChange::Rated(rating))];
    let done = |outside: &Outside, rating| {
        outside.reply(Reply::Changed(HERO.into(), TitleChange::Rated(rating), Ok(())));
    };
    for key in [Key::ArrowDown, Key::ArrowDown, Key::Enter] {
        press(&mut window, key);
    }
    assert!(window.get_by_role_and_label(Role::Button, "Liked. Take it back").is_focused());
    assert_eq!(outside.take_asked(), asked(Some(Rating::Up)));
    done(&outside, Some(Rating::Up));
    settle(&mut window);
    outside.take_asked();
    click(&mut window, "Dislike");
    assert!(has_button(&window, "Like") && has_button(&window, "Disliked. Take it back"));
    assert_eq!(outside.take_asked(), asked(Some(Rating::Down)));
    done(&outside, Some(Rating::Down));
    settle(&mut window);
    outside.take_asked();
    click(&mut window, "Disliked. Take it back");
    assert_eq!(outside.take_asked(), asked(None));
    outside.reply(Reply::Changed(HERO.into(), TitleChange::Rated(None), Err(away())));
    window.run_steps(2);
    assert!(has_button(&window, "Disliked. Take it back"), "it is as it was");
    window.get_by_role_and_label(Role::Status, "Your rating was not changed. We can't reach Kinora.");
}

#[test]
fn a_title_that_is_of_no_interest_leaves_the_recommendations_at_once_and_comes_back_when_refused() {
    let (mut window, outside) = at_home();
    let mut answer = home();
    let mut picked = answer.rows[1].clone();
    picked.id = "for-you".to_owned();
    picked.kind = RowKind::ForYou;
    picked.heading = "For you".to_owned();
    answer.rows.insert(1, picked);
    outside.reply(Reply::Home(Ok(answer)));
    settle(&mut window);
    let count = |window: &Window| window.query_all_by_label_contains("Slow Light, ").count();
    assert_eq!(count(&window), 2);
    window.query_all_by_label_contains("Slow Light, ").next().expect("a card").focus();
    settle(&mut window);
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).route, Route::Title("t1".into()));
    outside.reply(Reply::Title("t1".into(), Ok(Box::new(detail(card("t1", "Slow Light"))))));
    settle(&mut window);
    click(&mut window, "Not interested");
    assert!(has_button(&window, "Not interested. Take it back"));
    press(&mut window, Key::Escape);
    assert_eq!(count(&window), 1, "only in the list of everything");
    let change = TitleChange::Rated(Some(Rating::NotInterested));
    outside.reply(Reply::Changed("t1".into(), change, Err(refused(ErrorCode::ServiceUnavailable))));
    settle(&mut window);
    assert_eq!(count(&window), 2);
}

#[test]
fn the_card_with_the_focus_says_why_it_is_recommended_and_so_does_the_banner() {
    let (mut window, outside) = at_home();
    let because = |words: &str| Some(Reason { text: words.to_owned(), kind: ReasonKind::Popular { viewers: 9 } });
    let mut answer = home();
    answer.is_impersonal = true;
    let hero = answer.hero.as_mut().expect("a banner");
    hero.reason = because("Because you watch adventures");
    answer.rows[1].titles[0].reason = because("Many watched it lately");
    outside.reply(Reply::Home(Ok(answer)));
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "Because you watch adventures");
    window.get_by_role_and_label(Role::Label, "Recommendations are away: these rows are the same for everyone.");
    assert!(window.query_by_label("Many watched it lately").is_none());
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowDown);
    window.get_by_role_and_label(Role::Label, "Many watched it lately");
    press(&mut window, Key::ArrowRight);
    assert!(window.query_by_label("Many watched it lately").is_none(), "the next card has no reason");
}

#[test]
fn rows_that_lack_the_latest_events_say_so() {
    let (mut window, outside) = at_home();
    outside.reply(Reply::Home(Ok(Home { is_behind: true, ..home() })));
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "What you watched lately is kept, and comes into these rows later.");
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert!(window.query_by_label_contains("comes into these rows later").is_none());
}
