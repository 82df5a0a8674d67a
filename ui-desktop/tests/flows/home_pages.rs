//! Further pages of the home screen.

use egui::Key;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{Home, Row, RowKind, TitleCard};
use ui_desktop::api::{Reply, Request};
use ui_desktop::state::Launch;

use super::support::{Outside, account, card, open, settle};
use super::{Window, away, pass, press};

fn titles(range: std::ops::Range<usize>) -> Vec<TitleCard> {
    range.map(|index| card(&format!("t{index}"), &format!("Title {index}"))).collect()
}

fn row(id: &str, titles: Vec<TitleCard>, next: Option<&str>) -> Row {
    let heading = format!("Row {id}");
    Row { id: id.to_owned(), kind: RowKind::All, heading, titles, next: next.map(str::to_owned) }
}

fn first_page() -> Home {
    Home {
        hero: None,
        rows: vec![row("long", titles(0..8), Some("/row?from=8"))],
        next: Some("/home?from=1".to_owned()),
        ..Home::default()
    }
}

fn start() -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Ok(first_page())));
    settle(&mut window);
    (window, outside)
}

fn more_titles(titles: Vec<TitleCard>, path: &str, next: Option<&str>) -> Reply {
    Reply::MoreTitles { row: "long".to_owned(), path: path.to_owned(), result: Ok(row("long", titles, next)) }
}

fn asked_for_titles(path: &str) -> Request {
    Request::MoreTitles { row: "long".to_owned(), path: path.to_owned() }
}

#[test]
fn a_row_and_the_page_go_on_until_the_service_has_no_more() {
    let (mut window, outside) = start();
    let mut asked = outside.take_asked();
    asked.retain(|request| *request != Request::Restore && *request != Request::Home);
    assert_eq!(asked, [asked_for_titles("/row?from=8"), Request::MoreRows("/home?from=1".to_owned())], "once each");
    // A title that moved up meanwhile comes twice and is shown once.
    outside.reply(more_titles(titles(7..16), "/row?from=8", Some("/row?from=16")));
    let rows = vec![row("long", titles(0..1), None), row("other", titles(90..92), None)];
    let more = Home { rows, ..Home::default() };
    outside.reply(Reply::MoreRows("/home?from=1".to_owned(), Ok(more)));
    settle(&mut window);
    window.get_by_label("Row other");
    for _ in 0..15 {
        press(&mut window, Key::ArrowRight);
    }
    assert!(window.get_by_label_contains("Title 15,").is_focused());
    assert_eq!(outside.take_asked(), [asked_for_titles("/row?from=16")]);
    outside.reply(more_titles(titles(16..18), "/row?from=16", None));
    settle(&mut window);
    for _ in 0..4 {
        press(&mut window, Key::ArrowRight);
    }
    assert!(window.get_by_label_contains("Title 17,").is_focused());
    assert!(outside.take_asked().is_empty());

    // The first page is answered again, as after a film: nothing that was reached is lost.
    outside.reply(Reply::Home(Ok(first_page())));
    settle(&mut window);
    assert!(window.get_by_label_contains("Title 17,").is_focused());
    window.get_by_label("Row other");
    assert!(outside.take_asked().is_empty());
}

#[test]
fn a_page_that_fails_is_asked_for_again_after_a_while_and_one_that_repeats_itself_is_not() {
    let (mut window, outside) = start();
    outside.take_asked();
    let failure = ui_desktop::api::Failure { error: away().error, service: None };
    outside.reply(Reply::MoreTitles { row: "long".to_owned(), path: "/row?from=8".to_owned(), result: Err(failure) });
    outside.reply(Reply::MoreRows("/home?from=1".to_owned(), Ok(Home::default())));
    settle(&mut window);
    window.get_by_label_contains("Offline");
    window.get_by_label_contains("Title 0,");
    outside.take_asked();
    outside.reply(Reply::Home(Ok(first_page())));
    settle(&mut window);
    let again = |outside: &Outside| outside.take_asked().contains(&asked_for_titles("/row?from=8"));
    assert!(!again(&outside), "not at once");
    pass(&mut window, 11.0);
    assert!(again(&outside));
    outside.reply(more_titles(titles(0..8), "/row?from=8", Some("/row?from=8")));
    settle(&mut window);
    pass(&mut window, 11.0);
    assert!(!again(&outside));
}
