//! The service goes away and comes back.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use player_core::Command;
use ui_desktop::api::{LastSeen, Reply, Request};
use ui_desktop::state::{Credentials, Launch, Load, Route};
use ui_desktop::wall_clock::WallClock;

use super::support::{account, card, detail, grant, home, open, settle, state};
use super::{at_home, away, click, open_at, pass, press};

/// 2026-11-27 10:42:00 UTC.
const MORNING: i64 = 1_795_776_120_000;

fn retries(asked: &[Request], wanted: &Request) -> usize {
    asked.iter().filter(|request| *request == wanted).count()
}

#[test]
fn the_last_good_page_stays_with_a_banner_that_counts_down() {
    let (mut window, outside) = open_at(Launch::Service { credentials: None }, || WallClock::set_by(|| MORNING));
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    outside.take_asked();
    outside.reply(Reply::Unreachable);
    window.run_steps(2);
    window.get_by_role_and_label(Role::Status, "Offline – showing what you saw at 10:42 · retrying in 2 s");
    window.get_by_role_and_label(Role::Heading, "Continue watching");
    window.get_by_label_contains("Colony Nine");
    pass(&mut window, 2.0);
    assert_eq!(outside.take_asked(), [Request::Home], "the first retry");
    window.get_by_role_and_label(Role::Status, "Offline – showing what you saw at 10:42 · trying now…");
    outside.reply(Reply::Home(Err(away())));
    window.run_steps(2);
    window.get_by_role_and_label(Role::Status, "Offline – showing what you saw at 10:42 · retrying in 4 s");
    window.get_by_label_contains("Colony Nine");
    pass(&mut window, 4.5);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert!(window.query_by_label_contains("Offline").is_none(), "it comes back by itself");
    assert!(outside.take_asked().is_empty());
}

#[test]
fn tries_become_rarer_and_do_not_stop() {
    let (mut window, outside) = at_home();
    outside.reply(Reply::Unreachable);
    window.run_steps(1);
    let mut tries = 0;
    let mut pauses = Vec::new();
    let mut last = window.ctx.input(|input| input.time);
    while tries < 8 {
        window.run_steps(1);
        if retries(&outside.take_asked(), &Request::Home) > 0 {
            let now = window.ctx.input(|input| input.time);
            pauses.push(now - last);
            last = now;
            tries += 1;
            outside.reply(Reply::Home(Err(away())));
        }
    }
    assert!(pauses.windows(2).all(|pair| pair[1] > pair[0] - 1.0), "{pauses:?}");
    assert!(pauses[0] < 3.0 && pauses[7] > 25.0 && pauses[7] < 35.0, "{pauses:?}");
}

#[test]
fn leaving_a_film_while_the_service_is_away_leads_to_the_home_screen_as_it_was() {
    let (mut window, outside) = super::playing();
    press(&mut window, egui::Key::Escape);
    outside.reply(Reply::PlaybackStopped);
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Err(away())));
    settle(&mut window);
    window.get_by_label_contains("Offline – showing what you saw");
    window.get_by_role_and_label(Role::Heading, "Continue watching");
    assert!(window.query_by_label("Try again").is_none(), "no card covers the page");
    click(&mut window, "Kinora, home");
    outside.reply(Reply::Home(Err(away())));
    settle(&mut window);
    window.get_by_role_and_label(Role::Heading, "Continue watching");
}

#[test]
fn offline_at_the_start_is_not_signed_out() {
    let (mut window, outside) = open_at(Launch::Service { credentials: None }, || WallClock::set_by(|| MORNING));
    outside.take_asked();
    let seen = LastSeen { profile: None, seen_at: MORNING - 86_400_000, home: home() };
    outside.reply(Reply::Offline { failure: away(), account: Some(account()), homes: vec![seen] });
    window.run_steps(2);
    assert_eq!(state(&window).route, Route::Home);
    window.get_by_label_contains("Offline – showing what you saw at 26 Nov, 10:42");
    window.get_by_label_contains("Colony Nine");
    pass(&mut window, 2.5);
    assert_eq!(outside.take_asked(), [Request::Restore], "the session is opened as soon as that can be done");
    outside.reply(Reply::Restored(Some(account())));
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert!(window.query_by_label_contains("Offline").is_none());
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn offline_with_nothing_kept_is_a_page_that_tries_again() {
    for credentials in [None, Some(Credentials { email: "a@b.example".to_owned(), password: "x".into(), code: None })] {
        let (mut window, outside) = open(Launch::Service { credentials: credentials.clone() });
        let first = outside.take_asked();
        outside.reply(Reply::Offline { failure: away(), account: None, homes: Vec::new() });
        window.run_steps(2);
        assert_eq!(state(&window).route, Route::Home, "never the form");
        window.get_by_label("We can't reach Kinora.");
        window.get_by_label_contains("Trying again in");
        assert!(window.get_by_role_and_label(Role::Button, "Try again").is_focused());
        press(&mut window, egui::Key::Enter);
        assert_eq!(outside.take_asked(), first, "Enter tries at once");
        match credentials {
            None => outside.reply(Reply::Restored(Some(account()))),
            Some(_) => outside.reply(Reply::SignedIn(Ok(account()))),
        }
        settle(&mut window);
        assert_eq!(outside.take_asked(), [Request::Home]);
        outside.reply(Reply::Home(Ok(home())));
        settle(&mut window);
        window.get_by_role_and_label(Role::Heading, "Continue watching");
    }
}

#[test]
fn a_session_that_was_ended_meanwhile_leads_to_the_form_with_a_reason() {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    let seen = LastSeen { profile: None, seen_at: 0, home: home() };
    outside.reply(Reply::Offline { failure: away(), account: Some(account()), homes: vec![seen] });
    settle(&mut window);
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::SignIn);
    window.get_by_label_contains("Your sign-in has expired");
    assert!(state(&window).home.data.ready().is_none(), "nothing of the account stays on screen");
}

#[test]
fn a_title_keeps_what_is_known_and_gets_the_rest_when_the_service_is_back() {
    let (mut window, outside) = at_home();
    click(&mut window, "Details");
    assert_eq!(outside.take_asked(), [Request::Title("hero".into())]);
    outside.reply(Reply::Title("hero".into(), Err(away())));
    window.run_steps(2);
    window.get_by_label("Night Train North");
    window.get_by_label_contains("Offline");
    pass(&mut window, 2.5);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Title("hero".into())]);
    outside.reply(Reply::Title("hero".into(), Ok(Box::new(detail(card("hero", "Night Train North"))))));
    settle(&mut window);
    window.get_by_label("Second paragraph.");
    assert!(matches!(state(&window).title.data, Load::Ready(_)));
}

#[test]
fn a_film_asked_for_while_the_service_is_away_starts_by_itself_or_is_cancelled() {
    let (mut window, outside) = at_home();
    click(&mut window, "Play");
    outside.take_asked();
    outside.change(|snapshot| *snapshot = player_core::Snapshot::default());
    outside.reply(Reply::Granted("hero".into(), Err(away())));
    pass(&mut window, 2.5);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Err(away())));
    pass(&mut window, 1.0);
    window.get_by_role_and_label(Role::Status, "We can't reach Kinora.");
    window.get_by_label_contains("Attempt 2 failed. Trying again in");
    pass(&mut window, 1.0);
    window.get_by_role_and_label(Role::Button, "Cancel");
    pass(&mut window, 3.0);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    let loads = outside.take_commands().into_iter().filter(|command| matches!(command, Command::Load(_))).count();
    assert_eq!(loads, 1);

    let (mut window, outside) = at_home();
    click(&mut window, "Play");
    outside.reply(Reply::Granted("hero".into(), Err(away())));
    outside.change(|snapshot| *snapshot = player_core::Snapshot::default());
    pass(&mut window, 4.0);
    click(&mut window, "Cancel");
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn a_home_screen_that_the_gateway_kept_is_marked_with_its_age_until_the_service_answers() {
    let (mut window, outside) = open_at(Launch::Service { credentials: None }, || WallClock::set_by(|| MORNING));
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::KeptHome { home: home(), age_s: 185 });
    settle(&mut window);
    outside.take_asked();
    window.get_by_role_and_label(Role::Status, "Not up to date – this is from 3 minutes ago");
    window.get_by_label_contains("Colony Nine");
    click(&mut window, "Try now");
    assert_eq!(outside.take_asked(), [Request::Home], "on the viewer's word");
    pass(&mut window, 20.0);
    assert!(outside.take_asked().is_empty(), "no second question before the answer");
    outside.reply(Reply::KeptHome { home: home(), age_s: 7_300 });
    window.run_steps(2);
    window.get_by_role_and_label(Role::Status, "Not up to date – this is from 3 minutes ago");
    pass(&mut window, 16.0);
    assert_eq!(outside.take_asked(), [Request::Home], "by itself");
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert!(window.query_by_label_contains("Not up to date").is_none(), "the mark goes with its reason");
}
