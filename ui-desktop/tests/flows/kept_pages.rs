//! Pages that a gateway gave from what it had kept: they are marked with their age and asked for again.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::Home;
use ui_desktop::api::{Reply, Request};
use ui_desktop::state::Launch;
use ui_desktop::wall_clock::WallClock;

use super::support::{Outside, account, card, detail, home, settle, state};
use super::{Window, away, click, open_at, pass, press};

const MARK: &str = "Not up to date – this is from 2 minutes ago";

fn at_home() -> (Window, Outside) {
    let (mut window, outside) =
        open_at(Launch::Service { credentials: None }, || WallClock::set_by(|| 1_795_776_120_000));
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

fn kept(reply: Reply) -> Reply {
    Reply::Kept { reply: Box::new(reply), age_s: 130 }
}

#[test]
fn a_kept_title_page_is_marked_until_the_service_answers() {
    let (mut window, outside) = at_home();
    click(&mut window, "Details");
    outside.take_asked();
    let page = || Reply::Title("hero".into(), Ok(Box::new(detail(card("hero", "Night Train North")))));
    outside.reply(kept(page()));
    settle(&mut window);
    window.get_by_role_and_label(Role::Status, MARK);
    window.get_by_label("Second paragraph.");
    pass(&mut window, 16.0);
    assert_eq!(outside.take_asked(), [Request::Title("hero".into())]);
    outside.reply(Reply::Title("hero".into(), Err(away())));
    settle(&mut window);
    window.get_by_label("Second paragraph.");
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    window.get_by_role_and_label(Role::Status, MARK);
    outside.take_asked();
    click(&mut window, "Try now");
    assert_eq!(outside.take_asked(), [Request::Title("hero".into())]);
    outside.reply(page());
    settle(&mut window);
    assert!(window.query_by_label_contains("Not up to date").is_none());
    press(&mut window, Key::Escape);
    assert!(window.query_by_label_contains("Not up to date").is_none(), "the home screen is the service's own");
}

#[test]
fn kept_search_results_are_marked_for_their_query_only() {
    let (mut window, outside) = at_home();
    press(&mut window, Key::Slash);
    window.event(egui::Event::Text("/".to_owned()));
    settle(&mut window);
    window.event(egui::Event::Text("night".to_owned()));
    pass(&mut window, 0.5);
    outside.take_asked();
    let found = |query: &str| super::support::found(query, vec![card("hero", "Night Train North")]);
    outside.reply(kept(found("nig")));
    settle(&mut window);
    assert!(state(&window).search.kept.is_none(), "an answer to other words");
    outside.reply(kept(found("night")));
    settle(&mut window);
    window.get_by_role_and_label(Role::Status, MARK);
    pass(&mut window, 16.0);
    assert_eq!(outside.take_asked(), [Request::Search("night".into())]);
    outside.reply(Reply::Found("night".into(), Err(away())));
    settle(&mut window);
    window.get_by_label_contains("Night Train North");
    outside.reply(found("night"));
    settle(&mut window);
    assert!(window.query_by_label_contains("Not up to date").is_none());
}

#[test]
fn kept_further_rows_mark_the_home_screen_and_are_asked_for_again() {
    let (mut window, outside) = at_home();
    let mut first = home();
    first.next = Some("/v1/home?from=2".to_owned());
    outside.reply(Reply::Home(Ok(first.clone())));
    settle(&mut window);
    let more = || Request::MoreRows("/v1/home?from=2".to_owned());
    assert!(outside.take_asked().contains(&more()));
    let mut row = home().rows[1].clone();
    row.id = "genre".to_owned();
    row.heading = "Adventure".to_owned();
    let rows = Home { rows: vec![row], ..Home::default() };
    outside.reply(kept(Reply::MoreRows("/v1/home?from=2".to_owned(), Ok(rows))));
    settle(&mut window);
    window.get_by_role_and_label(Role::Status, MARK);
    assert_eq!(state(&window).home.data.ready().map(|home| home.rows.len()), Some(3));
    pass(&mut window, 16.0);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Ok(first)));
    settle(&mut window);
    assert!(window.query_by_label_contains("Not up to date").is_none());
    assert!(outside.take_asked().contains(&more()), "what was kept is asked for anew");
}
