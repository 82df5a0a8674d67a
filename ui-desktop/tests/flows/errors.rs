//! Errors and waits of a film, in a viewer's words.

use egui::accesskit::Role;
use egui::{Key, OutputCommand};
use egui_kittest::kittest::Queryable as _;
use player_core::{ErrorCode, Event, MediaTime, PlayerError, State};
use ui_desktop::api::Request;

use super::support::{grant, settle, state};
use super::{click, pass, playing, press};

fn failed() -> Event {
    let message = "cannot connect: tcp connect error (os error 111)";
    Event::Failed { error: PlayerError::fatal(ErrorCode::NetworkUnreachable, message) }
}

#[test]
fn the_technical_part_is_folded_and_can_be_copied() {
    let (mut window, outside) = playing();
    press(&mut window, Key::I);
    window.get_by_label_contains("Statistics.");
    outside.announce(failed());
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "We can't reach the film's server.");
    assert!(window.query_by_label_contains("os error").is_none());
    assert!(window.query_by_label_contains("Statistics.").is_none(), "the statistics do not cover the card");
    assert!(window.query_by_role_and_label(Role::Button, "Copy").is_none());
    click(&mut window, "Details");
    window.get_by_label("NetworkUnreachable (1001)");
    window.get_by_label_contains("os error 111");
    window.get_by_role_and_label(Role::Button, "Copy").click();
    window.run_steps(1);
    let mut copied = Vec::new();
    for _ in 0..3 {
        copied.extend(window.output().platform_output.commands.iter().filter_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        }));
        window.run_steps(1);
    }
    let text = copied.first().expect("a text was put on the clipboard");
    assert!(text.contains("NetworkUnreachable (1001)") && text.contains("os error 111"), "{text}");
    click(&mut window, "Hide details");
    assert!(window.query_by_label_contains("os error").is_none());
}

#[test]
fn a_film_whose_server_is_away_is_tried_again_by_itself_but_not_a_damaged_one() {
    let (mut window, outside) = playing();
    outside.announce(failed());
    window.run_steps(2);
    window.get_by_label_contains("Trying again in 10 s.");
    click(&mut window, "Details");
    pass(&mut window, 11.0);
    assert!(outside.take_asked().is_empty(), "nobody takes the details away from a reader");
    click(&mut window, "Hide details");
    pass(&mut window, 10.0);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    outside.reply(ui_desktop::api::Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    outside.announce(failed());
    window.run_steps(2);
    window.get_by_label_contains("Trying again in 20 s.");
    let (mut window, outside) = playing();
    outside.announce(Event::Failed { error: PlayerError::fatal(ErrorCode::MediaMalformed, "damaged") });
    pass(&mut window, 60.0);
    assert!(outside.take_asked().is_empty());
    window.get_by_role_and_label(Role::Button, "Try again");
}

#[test]
fn enter_tries_again_and_the_bar_stays_where_it_was() {
    let (mut window, outside) = playing();
    outside.announce(failed());
    settle(&mut window);
    assert!(window.get_by_role_and_label(Role::Button, "Try again").is_focused());
    outside.change(|snapshot| *snapshot = player_core::Snapshot { state: State::Loading, ..Default::default() });
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    let player = state(&window).player.as_ref().expect("a film");
    let bar = player.bar(&outside.with(|world| (*world.snapshot).clone()), MediaTime::ZERO);
    assert_eq!(bar, Some((0.0, 600.0, 100.0)), "the place and the length from before the error");
}

#[test]
fn a_seek_that_nothing_answers_has_words_within_four_seconds_and_a_way_out() {
    let (mut window, outside) = playing();
    outside.change(|snapshot| snapshot.state = State::Seeking);
    outside.announce(Event::SeekStarted { to: MediaTime::from_millis(300_000) });
    window.run_steps(1);
    let began = window.ctx.input(|input| input.time);
    let mut words_at = None;
    let mut cancel_at = None;
    while window.ctx.input(|input| input.time) < began + 4.0 {
        window.run_steps(1);
        let after = window.ctx.input(|input| input.time) - began;
        if words_at.is_none() && window.query_by_role_and_label(Role::Status, "Loading…").is_some() {
            words_at = Some(after);
        }
        if cancel_at.is_none() && window.query_by_role_and_label(Role::Button, "Cancel").is_some() {
            cancel_at = Some(after);
        }
    }
    assert!(words_at.is_some_and(|at| (1.5..3.0).contains(&at)), "{words_at:?}");
    assert!(cancel_at.is_some_and(|at| at <= 4.1), "{cancel_at:?}");
    window.get_by_role_and_label(Role::Status, "The film's server has not answered yet.");
    outside.change(|snapshot| snapshot.state = State::Ready);
    outside.announce(Event::SeekCompleted { to: MediaTime::ZERO, latency: std::time::Duration::ZERO, error_nanos: 0 });
    pass(&mut window, 0.5);
    assert!(window.query_by_role_and_label(Role::Button, "Cancel").is_none());
}

#[test]
fn a_refusal_of_the_service_has_its_own_words_and_number() {
    let (mut window, outside) = super::at_home();
    window.get_by_role_and_label(Role::Button, "Play").click();
    settle(&mut window);
    let failure = super::sign_in::refused(kinora_api::ErrorCode::NothingPlayable);
    outside.reply(ui_desktop::api::Reply::Granted("hero".into(), Err(failure)));
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "This device can't play this title.");
    window.get_by_role_and_label(Role::Label, "Choose another title, or watch it on another device.");
    click(&mut window, "Details");
    window.get_by_label("NothingPlayable (7030)");
    outside.take_asked();
    pass(&mut window, 60.0);
    assert!(!outside.take_asked().contains(&Request::Authorize("hero".into())), "waiting mends nothing");
}
