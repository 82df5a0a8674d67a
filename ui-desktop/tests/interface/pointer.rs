//! Pointer and focus together: what is clicked is found again after a return, and a page stays where it was scrolled to.

use egui::{Event, Key, Modifiers, MouseWheelUnit, Pos2, Rect, vec2};
use egui_kittest::kittest::Queryable as _;
use player_core::Command;
use ui_desktop::api::{Reply, Request};
use ui_desktop::state::Route;

use super::navigation::{at_long_home, focus, focus_is_seen};
use super::support::{Outside, card, detail, grant, settle, state};
use super::{Window, playing, press};

/// Turns the wheel over a place, so that the page moves up by about so many points.
fn wheel(window: &mut Window, at: Pos2, points: f32) {
    window.hover_at(at);
    settle(window);
    window.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        source: egui::MouseWheelSource::Wheel,
        delta: vec2(0.0, -points),
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    window.run_steps(30);
}

fn click_at(window: &mut Window, at: Pos2) {
    window.hover_at(at);
    settle(window);
    window.drag_at(at);
    window.run_steps(1);
    window.drop_at(at);
    settle(window);
}

fn rect(window: &Window, name: &str) -> Rect {
    window.get_by_label_contains(name).rect()
}

#[test]
fn a_click_on_nothing_leaves_the_page_where_it_is() {
    let (mut window, _outside) = at_long_home(vec2(1280.0, 720.0));
    assert_eq!(focus_is_seen(&window, "the start"), "Play");
    wheel(&mut window, Pos2::new(640.0, 300.0), 500.0);
    let before = rect(&window, "Title b0");
    assert!(before.top() < 720.0, "the page is scrolled: {before:?}");
    // The row has two cards: the rest of it is empty.
    click_at(&mut window, Pos2::new(1100.0, before.center().y));
    window.run_steps(30);
    assert_eq!(rect(&window, "Title b0"), before);
    assert_eq!(focus(&window), None);
    press(&mut window, Key::ArrowDown);
    focus_is_seen(&window, "Down");
}

#[test]
fn a_clicked_card_has_the_focus_after_the_return() {
    let (mut window, outside) = at_long_home(vec2(1280.0, 720.0));
    wheel(&mut window, Pos2::new(640.0, 300.0), 500.0);
    let before = rect(&window, "Title b1");
    click_at(&mut window, before.center());
    assert_eq!(state(&window).route, Route::Title("b1".into()));
    outside.reply(Reply::Title("b1".into(), Ok(Box::new(detail(card("b1", "That title"))))));
    settle(&mut window);
    assert_eq!(focus_is_seen(&window, "opening"), "Play");
    press(&mut window, Key::Escape);
    window.run_steps(30);
    assert!(focus_is_seen(&window, "the return").starts_with("Title b1"));
}

#[test]
fn the_wheel_over_a_film_is_its_volume_and_a_click_says_what_it_did() {
    let (mut window, outside) = playing();
    outside.take_commands();
    wheel(&mut window, Pos2::new(640.0, 300.0), -50.0);
    let commands = outside.take_commands();
    let [Command::SetVolume(volume)] = &commands[..] else { panic!("{commands:?}") };
    assert!((volume - 0.85_f64.powi(3)).abs() < 1e-5, "{volume}");
    window.drag_at(Pos2::new(640.0, 300.0));
    window.run_steps(1);
    window.drop_at(Pos2::new(640.0, 300.0));
    window.run_steps(2);
    assert_eq!(outside.take_commands(), [Command::Pause]);
    let flash = state(&window).player.as_ref().and_then(|player| player.flash.clone());
    assert_eq!(flash.map(|flash| flash.text), Some("Paused".to_owned()));
}

#[test]
fn the_back_button_of_the_mouse_goes_back_and_the_window_says_what_plays() {
    let (mut window, outside) = playing();
    assert_eq!(state(&window).window_title(), "Night Train North – Kinora");
    let back = |window: &mut Window| {
        for pressed in [true, false] {
            let (button, modifiers) = (egui::PointerButton::Extra1, Modifiers::NONE);
            window.event(Event::PointerButton { pos: Pos2::new(640.0, 200.0), button, pressed, modifiers });
            window.run_steps(1);
        }
        settle(window);
    };
    back(&mut window);
    assert_eq!((state(&window).route.clone(), state(&window).window_title()), (Route::Home, "Kinora".to_owned()));
    assert_eq!(outside.with(|world| world.stopped.len()), 1);
    window.get_by_role_and_label(egui::accesskit::Role::Button, "Settings of Demo").click();
    settle(&mut window);
    back(&mut window);
    assert!(!state(&window).settings_open);
    window.get_by_role_and_label(egui::accesskit::Role::Button, "Details").click();
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Title("hero".into()));
    back(&mut window);
    assert_eq!(state(&window).route, Route::Home);
}

/// Answers with the page of a title that has three lines of similar ones.
fn answer(window: &mut Window, outside: &Outside, id: &str) {
    let mut detail = detail(card(id, "That title"));
    detail.similar = (0..14).map(|index| card(&format!("s{index}"), &format!("Similar {index}"))).collect();
    outside.reply(Reply::Title(id.into(), Ok(Box::new(detail))));
    window.run_steps(30);
}

#[test]
fn a_title_opened_again_begins_at_its_top_and_is_found_as_it_was_left() {
    let (mut window, outside) = at_long_home(vec2(1280.0, 720.0));
    for key in [Key::ArrowDown, Key::ArrowDown, Key::ArrowRight, Key::Enter] {
        press(&mut window, key);
    }
    answer(&mut window, &outside, "a1");
    let name = |window: &Window| window.get_by_label("That title").rect();
    let top = name(&window);
    wheel(&mut window, Pos2::new(640.0, 500.0), 400.0);
    assert!(name(&window).top() < top.top() - 100.0, "the page is scrolled");

    // Opened anew.
    press(&mut window, Key::Escape);
    press(&mut window, Key::Enter);
    answer(&mut window, &outside, "a1");
    assert_eq!(name(&window), top);

    // Left for a similar title, and come back to.
    wheel(&mut window, Pos2::new(640.0, 500.0), 400.0);
    let left = name(&window);
    let similar = rect(&window, "Similar 3,");
    click_at(&mut window, similar.center());
    assert_eq!(state(&window).route, Route::Title("s3".into()));
    answer(&mut window, &outside, "s3");
    assert_eq!(name(&window), top, "the other title begins at its top");
    press(&mut window, Key::Escape);
    window.run_steps(30);
    assert!((name(&window).top() - left.top()).abs() < 120.0, "{:?} is near {left:?}", name(&window));
    assert!(focus_is_seen(&window, "the return").starts_with("Similar 3"));

    // Left for a film, and come back to.
    press(&mut window, Key::Escape);
    press(&mut window, Key::Enter);
    answer(&mut window, &outside, "a1");
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_permissions().last(), Some(&Request::Prepare { id: "a1".into(), manifest: true }));
    outside.reply(Reply::Prepared("a1".into(), Ok(grant("a1", 0))));
    settle(&mut window);
    press(&mut window, Key::Escape);
    answer(&mut window, &outside, "a1");
    assert_eq!((focus_is_seen(&window, "the film"), name(&window)), ("Play".to_owned(), top));
}
