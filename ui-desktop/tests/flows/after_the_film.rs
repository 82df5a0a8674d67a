//! The end of a film leads on.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use player_core::{Command, Event, State};
use ui_desktop::api::{Companion, Reply, Request, Sprites};
use ui_desktop::state::Route;

use super::support::{Outside, card, detail, grant, settle, state};
use super::{Window, click, playing, press};

fn ended() -> (Window, Outside) {
    let (mut window, outside) = playing();
    let mut detail = detail(card("hero", "Night Train North"));
    detail.similar = vec![card("t8", "Slow Water"), card("t9", "Far Harbour")];
    let companion = Companion { detail, sprites: Sprites::default() };
    outside.reply(Reply::Companion("hero".into(), Box::new(companion)));
    settle(&mut window);
    assert!(window.query_by_label("Up next").is_none(), "not before the end");
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    (window, outside)
}

#[test]
fn enter_plays_the_next_title_and_the_first_one_is_reported() {
    let (mut window, outside) = ended();
    window.get_by_label("Up next");
    window.get_by_label_contains("Far Harbour");
    assert!(window.get_by_role_and_label(Role::Button, "Play next").is_focused());
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Authorize("t8".into())]);
    let last = outside.with(|world| world.stopped.clone());
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].phase, kinora_api::PlaybackPhase::Ended);
    outside.change(|snapshot| snapshot.state = State::Ready);
    outside.reply(Reply::Granted("t8".into(), Ok(grant("t8", 0))));
    settle(&mut window);
    assert!(outside.take_commands().iter().any(|command| matches!(command, Command::Load(_))));
    assert_eq!(state(&window).player.as_ref().expect("a film").name(), "Slow Water");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home, "one step back leaves the chain of films");
}

#[test]
fn a_similar_title_the_film_again_and_the_way_back_are_offered() {
    let (mut window, outside) = ended();
    click(&mut window, "Watch again");
    assert!(matches!(outside.take_commands()[..], [Command::Seek { .. }, Command::Play]));
    window.get_by_label_contains("Far Harbour").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("t9".into())]);
    let (mut window, _outside) = ended();
    click(&mut window, "Back to browsing");
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn a_film_without_company_ends_as_it_did() {
    let (mut window, outside) = playing();
    outside.change(|snapshot| snapshot.state = State::Ended);
    outside.announce(Event::Ended);
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Watch again");
}
