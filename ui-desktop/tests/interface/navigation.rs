//! The keyboard's focus with real pointer and key events: it is always seen, never leaves what is open, and comes back.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Pos2, Rect, Vec2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use kinora_api::{Home, Row, RowKind};
use player_core::{Command, ErrorCode, Event as PlayerEvent, PlayerError, State};
use ui_desktop::api::{Reply, Request};
use ui_desktop::state::{Launch, Route};

use super::support::{Outside, account, card, detail, grant, home, open, settle, state};
use super::{Window, at_home, playing, press};

/// A home screen of five rows, most of them wider than the window.
fn long_home() -> Home {
    let row = |id: &str, kind: RowKind, count: usize| Row {
        id: id.to_owned(),
        kind,
        heading: format!("Row {id}"),
        titles: (0..count).map(|index| card(&format!("{id}{index}"), &format!("Title {id}{index}"))).collect(),
        next: None,
    };
    let mut home = home();
    home.rows.truncate(1);
    for (id, count) in [("a", 9), ("b", 2), ("c", 12), ("d", 7)] {
        home.rows.push(row(id, RowKind::All, count));
    }
    home
}

pub fn at_long_home(size: Vec2) -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    window.set_size(size);
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Ok(long_home())));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

/// Name and rectangle of everything with a name, except what is drawn only under the pointer.
fn widgets(window: &Window) -> Vec<(Role, String, Rect)> {
    let named = window.query_all_by(|node| node.label().is_some() && node.role() != Role::Window);
    let found = named.map(|node| {
        let name = node.accesskit_node().label().unwrap_or_default();
        (node.accesskit_node().role(), name, node.rect())
    });
    found.filter(|(_, name, _)| !name.ends_with("in this row")).collect()
}

/// Name and rectangle of the widget with the focus.
pub fn focus(window: &Window) -> Option<(String, Rect)> {
    let mut focused = window.query_all_by(|node| node.is_focused() && node.role() != Role::Window);
    focused.next().map(|node| {
        let name = node.accesskit_node().label().or_else(|| {
            let by = node.accesskit_node().labelled_by().next();
            by.and_then(|by| by.value().or_else(|| by.label()))
        });
        (name.unwrap_or_default(), node.rect())
    })
}

#[track_caller]
pub fn focus_is_seen(window: &Window, after: &str) -> String {
    let Some((name, rect)) = focus(window) else { panic!("nothing has the focus after {after}") };
    let page = window.ctx.content_rect();
    assert!(page.contains_rect(rect), "{name} at {rect:?} is outside of {page:?} after {after}");
    name
}

#[test]
fn hovering_changes_the_rectangle_of_nothing() {
    for scrolled in 0..6 {
        let (mut window, _outside) = at_long_home(vec2(1280.0, 720.0));
        for _ in 0..scrolled {
            press(&mut window, Key::ArrowDown);
        }
        let before = widgets(&window);
        let page = window.ctx.content_rect();
        let cards = before.iter().filter(|(_, _, rect)| page.contains(rect.center()));
        for (_, name, rect) in cards.clone() {
            window.hover_at(rect.center());
            settle(&mut window);
            assert_eq!(widgets(&window), before, "the pointer is on {name}");
        }
        assert!(cards.count() > 5, "something was hovered");
    }
}

#[test]
fn the_page_follows_the_focus_in_every_direction() {
    for size in [vec2(1280.0, 720.0), vec2(640.0, 360.0), vec2(900.0, 600.0)] {
        let (mut window, _outside) = at_long_home(size);
        // A pointer at rest must not matter.
        window.hover_at(Pos2::new(600.0, 20.0));
        let times = |key: Key, count: usize| std::iter::repeat_n(key, count);
        let mut keys: Vec<Key> = times(Key::ArrowDown, 6).chain(times(Key::ArrowRight, 8)).collect();
        keys.extend(times(Key::ArrowUp, 3).chain(times(Key::ArrowRight, 9)).chain(times(Key::Tab, 36)));
        keys.extend([Key::PageDown, Key::PageDown, Key::PageUp, Key::Home, Key::End, Key::ArrowLeft, Key::Home]);
        let mut seen = std::collections::BTreeSet::new();
        for (index, key) in keys.into_iter().enumerate() {
            press(&mut window, key);
            seen.insert(focus_is_seen(&window, &format!("key {index}, {key:?}, at {size:?}")));
        }
        assert!(seen.len() > 25, "the focus went through the page: {seen:?}");
        for _ in 0..40 {
            window.key_press_modifiers(Modifiers::SHIFT, Key::Tab);
            settle(&mut window);
            focus_is_seen(&window, "Shift+Tab");
        }
    }
}

#[test]
fn down_reaches_the_last_row_and_the_ends_are_the_ends() {
    let (mut window, _outside) = at_long_home(vec2(1280.0, 720.0));
    for _ in 0..6 {
        press(&mut window, Key::ArrowDown);
    }
    assert!(focus_is_seen(&window, "Down").starts_with("Title d0"));
    press(&mut window, Key::Home);
    assert_eq!(focus_is_seen(&window, "Home"), "Play");
    press(&mut window, Key::End);
    assert!(focus_is_seen(&window, "End").starts_with("Title d0"));
}

#[test]
fn a_focus_that_a_new_row_pushes_down_stays_in_sight() {
    let (mut window, outside) = at_long_home(vec2(1280.0, 720.0));
    for _ in 0..4 {
        press(&mut window, Key::ArrowDown);
    }
    let before = focus_is_seen(&window, "Down");
    let mut home = long_home();
    let extra: Vec<Row> = home.rows.iter().take(2).cloned().collect();
    home.rows.splice(1..1, extra.into_iter().enumerate().map(|(index, row)| Row { id: format!("x{index}"), ..row }));
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    assert_eq!(focus_is_seen(&window, "two rows came"), before);
}

#[test]
fn avatar_and_settings_are_reached_by_arrows_and_settings_keep_the_focus() {
    let (mut window, outside) = at_home();
    assert_eq!(focus_is_seen(&window, "the start"), "Play");
    press(&mut window, Key::ArrowUp);
    assert_eq!(focus_is_seen(&window, "Up from the banner"), "Kinora, home");
    press(&mut window, Key::ArrowRight);
    assert_eq!(focus_is_seen(&window, "Right"), "Search (/)");
    press(&mut window, Key::ArrowRight);
    assert_eq!(focus_is_seen(&window, "Right"), "Settings of Demo");
    press(&mut window, Key::Enter);
    assert!(state(&window).settings_open);
    assert_eq!(focus_is_seen(&window, "opening"), "Medium", "the first choice that is made");
    let sheet = window.get_by_label("Close settings").rect().right() - 384.0;
    let keys = [Key::Tab, Key::ArrowDown, Key::ArrowRight, Key::ArrowUp, Key::ArrowLeft, Key::End, Key::PageUp];
    let mut seen = std::collections::BTreeSet::new();
    for key in keys.into_iter().cycle().take(keys.len() * 8) {
        press(&mut window, key);
        let name = focus_is_seen(&window, &format!("{key:?}"));
        let (_, rect) = focus(&window).expect("just seen");
        assert!(rect.left() > sheet, "{name} is behind the sheet after {key:?}");
        seen.insert(name);
    }
    for _ in 0..30 {
        press(&mut window, Key::Tab);
        seen.insert(focus_is_seen(&window, "Tab"));
    }
    for name in ["Close settings", "Small", "1.5 GB/h", "Deutsch", "Sign out"] {
        assert!(seen.contains(name), "{name} is reached: {seen:?}");
    }
    assert!(state(&window).settings_open && state(&window).route == Route::Home, "nothing behind was pressed");
    press(&mut window, Key::Escape);
    assert!(!state(&window).settings_open);
    assert_eq!(focus_is_seen(&window, "closing"), "Settings of Demo");
    press(&mut window, Key::ArrowDown);
    assert_eq!(focus_is_seen(&window, "Down"), "Play");
    assert!(outside.take_asked().is_empty());
}

#[test]
fn keys_in_the_settings_do_not_scroll_the_page_behind() {
    let (mut window, _outside) = at_long_home(vec2(1280.0, 500.0));
    window.get_by_role_and_label(Role::Button, "Settings of Demo").click();
    settle(&mut window);
    let behind = |window: &Window| window.get_by_label_contains("Title a0").rect();
    let before = behind(&window);
    for key in [Key::End, Key::ArrowDown, Key::ArrowDown, Key::PageDown, Key::ArrowDown] {
        press(&mut window, key);
        assert_eq!(behind(&window), before, "{key:?}");
    }
    press(&mut window, Key::Escape);
    assert_eq!(behind(&window), before, "nothing is made up for when the sheet is closed");
}

#[test]
fn a_screen_reader_cannot_put_the_focus_behind_the_settings() {
    let (mut window, _outside) = at_home();
    window.get_by_role_and_label(Role::Button, "Settings of Demo").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Play").focus();
    settle(&mut window);
    assert_ne!(focus_is_seen(&window, "a request from outside"), "Play");
}

#[test]
fn the_focus_survives_a_return() {
    let (mut window, outside) = at_long_home(vec2(1280.0, 720.0));
    for key in [Key::ArrowDown, Key::ArrowDown, Key::ArrowDown, Key::ArrowRight, Key::ArrowRight, Key::ArrowDown] {
        press(&mut window, key);
    }
    for _ in 0..6 {
        press(&mut window, Key::ArrowDown);
        press(&mut window, Key::ArrowRight);
    }
    let before = focus(&window).expect("a card has the focus");
    press(&mut window, Key::Enter);
    let Route::Title(id) = state(&window).route.clone() else { panic!("{:?}", state(&window).route) };
    outside.reply(Reply::Title(id.clone(), Ok(Box::new(detail(card(id.as_str(), "That title"))))));
    settle(&mut window);
    assert_eq!(focus_is_seen(&window, "opening a title"), "Play");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
    assert_eq!(focus(&window), Some(before), "the same card at the same place");
}

#[test]
fn a_title_opened_anew_offers_play_again() {
    let (mut window, outside) = at_long_home(vec2(1280.0, 1200.0));
    for _ in 0..2 {
        window.get_by_label_contains("Title a1").click();
        settle(&mut window);
        outside.reply(Reply::Title("a1".into(), Ok(Box::new(detail(card("a1", "That title"))))));
        settle(&mut window);
        assert_eq!(focus_is_seen(&window, "opening"), "Play");
        press(&mut window, Key::ArrowDown);
        assert_eq!(focus_is_seen(&window, "Down"), "Add to My list");
        press(&mut window, Key::ArrowDown);
        assert_eq!(focus_is_seen(&window, "Down"), "Like");
        press(&mut window, Key::ArrowDown);
        assert!(focus_is_seen(&window, "Down").starts_with("Other Title"));
        press(&mut window, Key::Escape);
    }
}

#[test]
fn menus_of_the_player_take_the_focus_keep_it_and_give_it_back() {
    let (mut window, outside) = playing();
    outside.take_commands();
    for (key, chosen) in [(Key::A, "English"), (Key::S, "Off"), (Key::Q, "Automatic now 720p"), (Key::R, "Normal")] {
        press(&mut window, key);
        assert_eq!(focus_is_seen(&window, "opening"), chosen);
        for key in [Key::ArrowDown, Key::Tab, Key::ArrowLeft, Key::ArrowUp, Key::End, Key::ArrowRight].repeat(4) {
            press(&mut window, key);
            focus_is_seen(&window, &format!("{key:?}"));
            let at = window.get_by(|node| node.is_focused() && node.role() != Role::Window);
            assert_eq!(at.accesskit_node().role(), Role::MenuItemRadio, "after {key:?}");
        }
        press(&mut window, Key::Escape);
        assert_eq!(focus(&window), None, "nothing had it before");
    }
    assert_eq!(outside.take_commands(), [], "no key went through a menu to the film");
    // Within the time that the controls stay.
    window.hover_at(Pos2::new(300.0, 100.0));
    window.run_steps(2);
    window.get_by_role_and_label(Role::Button, "Speed").focus();
    window.run_steps(2);
    press(&mut window, Key::Enter);
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_commands(), [Command::SetRate(1.25)]);
    assert_eq!(focus_is_seen(&window, "a choice"), "Speed");
}

#[test]
fn too_many_attempts_count_down_and_hold_the_next_one_back() {
    let (mut window, outside) = at_sign_in();
    in_one_frame(&mut window, "me@x.example\twrong\n");
    assert_eq!(outside.take_asked().len(), 1);
    let url = "http://127.0.0.1:1/v1/sign-in".parse().expect("a valid address");
    let answer = kinora_api::ApiError::new(kinora_api::ErrorCode::TooManyAttempts, "no").with_retry_after_ms(2_500);
    outside.reply(Reply::SignedIn(Err(ui_desktop::api::Failure::refused(answer, 429, &url))));
    window.run_steps(1);
    window.get_by_label("Too many attempts. Wait 3 s and try again.");
    let until = window.ctx.input(|input| input.time) + 1.2;
    while window.ctx.input(|input| input.time) < until {
        window.run_steps(1);
    }
    window.get_by_label("Too many attempts. Wait 2 s and try again.");
    in_one_frame(&mut window, "right\n");
    assert!(outside.take_asked().is_empty(), "the service would only make the wait longer");
    let until = until + 3.0;
    while window.ctx.input(|input| input.time) < until {
        window.run_steps(1);
    }
    window.get_by_label("You can try again now.");
    window.get_by_role_and_label(Role::Button, "Sign in").click();
    settle(&mut window);
    let asked = outside.take_asked();
    let [Request::SignIn { credentials, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(credentials.password.expose(), "right");
}

#[test]
fn keys_in_a_hurry_are_for_the_menu_or_sheet_that_the_first_one_opens() {
    let keys = |window: &mut Window, keys: &[Key]| {
        let event = |key: &Key| Event::Key {
            key: *key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        window.input_mut().events.extend(keys.iter().map(event));
        window.run_steps(12);
    };
    let (mut window, outside) = playing();
    keys(&mut window, &[Key::S, Key::ArrowDown, Key::Enter]);
    let english = player_core::command::TrackChoice::Track(player_core::model::TrackId("s-en".to_owned()));
    assert_eq!(outside.take_commands(), [Command::SelectText(english)]);
    // A menu without a line to choose takes Escape too.
    outside.change(|snapshot| snapshot.tracks = std::sync::Arc::default());
    keys(&mut window, &[Key::A, Key::Escape]);
    assert_eq!((outside.take_commands(), state(&window).route.clone()), (Vec::new(), Route::Player));

    let (mut window, outside) = at_home();
    keys(&mut window, &[Key::ArrowUp, Key::ArrowRight, Key::ArrowRight, Key::Enter, Key::Tab, Key::Enter]);
    assert!(state(&window).settings_open, "Enter opens the sheet");
    assert_ne!(state(&window).settings.cue_size, ui_desktop::state::CueSize::Medium, "Tab and Enter choose in it");
    assert!(outside.take_asked().is_empty());
}

/// Events that arrive in one frame.
fn in_one_frame(window: &mut Window, words: &str) {
    let events = words.chars().flat_map(|letter| {
        let key = match letter {
            '\t' => Key::Tab,
            '\n' => Key::Enter,
            _ => return vec![Event::Text(letter.to_string())],
        };
        let event =
            |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
        vec![event(true), event(false)]
    });
    let events: Vec<Event> = events.collect();
    window.input_mut().events.extend(events);
    settle(window);
}

fn at_sign_in() -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

#[test]
fn a_fast_tab_loses_no_letter_and_leaks_none() {
    let (mut window, outside) = at_sign_in();
    in_one_frame(&mut window, "demo@kinora.example\tsecret12\n");
    let asked = outside.take_asked();
    let [Request::SignIn { credentials, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((credentials.email.as_str(), credentials.password.expose()), ("demo@kinora.example", "secret12"));

    // Cut anywhere, the same text arrives.
    let words = "me@x.example\tpass word";
    for cut in 1..words.len() {
        let (mut window, _outside) = at_sign_in();
        in_one_frame(&mut window, &words[..cut]);
        in_one_frame(&mut window, &words[cut..]);
        let form = &state(&window).sign_in;
        assert_eq!((form.email.as_str(), form.password.as_str()), ("me@x.example", "pass word"), "cut at {cut}");
    }
}

#[test]
fn typing_goes_somewhere_at_once_and_after_a_refusal() {
    let (mut window, outside) = at_sign_in();
    assert_eq!(focus_is_seen(&window, "the start"), "E-mail");
    in_one_frame(&mut window, "me@x.example\twrong\n");
    assert_eq!(outside.take_asked().len(), 1);
    let url = "http://127.0.0.1:1/v1/sign-in".parse().expect("a valid address");
    let answer = kinora_api::ApiError::new(kinora_api::ErrorCode::InvalidCredentials, "no");
    let failure = ui_desktop::api::Failure::refused(answer, 401, &url);
    outside.reply(Reply::SignedIn(Err(failure)));
    settle(&mut window);
    assert_eq!(focus_is_seen(&window, "a refusal"), "Password");
    assert_eq!(state(&window).sign_in.password, "wrong", "the text is kept");
    in_one_frame(&mut window, "right");
    assert_eq!(state(&window).sign_in.password, "right", "and replaced by the next letters");
    press(&mut window, Key::Tab);
    assert_eq!(focus_is_seen(&window, "Tab"), "Show password");
    press(&mut window, Key::Enter);
    assert!(state(&window).sign_in.shows_password);
    window.get_by_role_and_label(Role::Button, "Hide password");
    assert!(outside.take_asked().is_empty());
}

#[test]
fn a_known_address_leaves_only_the_password_to_type() {
    let (mut window, outside) = at_home();
    outside.reply(Reply::SignedIn(Ok(account())));
    outside.reply(Reply::SignedOut);
    settle(&mut window);
    assert_eq!(state(&window).route, Route::SignIn);
    assert_eq!(focus_is_seen(&window, "signing out"), "Password");
}

#[test]
fn enter_on_an_error_card_tries_again() {
    let (mut window, outside) = playing();
    let error = PlayerError::fatal(ErrorCode::MediaUnavailable, "segment 7 of video cannot be had");
    outside.announce(PlayerEvent::Failed { error });
    settle(&mut window);
    assert_eq!(focus_is_seen(&window, "an error"), "Try again");
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
}

#[test]
fn the_seek_bar_stands_where_the_film_was_while_it_is_asked_for_again() {
    let (mut window, outside) = playing();
    let error = PlayerError::fatal(ErrorCode::MediaUnavailable, "segment 7 of video cannot be had");
    outside.announce(PlayerEvent::Failed { error });
    settle(&mut window);
    press(&mut window, Key::Enter);
    outside.change(|snapshot| {
        snapshot.state = State::Loading;
        snapshot.duration = None;
        snapshot.seekable = None;
        snapshot.position = player_core::MediaTime::ZERO;
    });
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    let bar = window.get_by_label("Position in seconds");
    let node = bar.accesskit_node();
    assert_eq!((node.numeric_value(), node.max_numeric_value()), (Some(100.0), Some(600.0)));
}

#[test]
fn a_missing_sound_device_is_said_and_seen() {
    let (mut window, outside) = playing();
    window.get_by_role_and_label(Role::Button, "Mute");
    let error = PlayerError::warning(ErrorCode::AudioDeviceUnavailable, "no audio device could be opened");
    outside.announce(PlayerEvent::Warning { error });
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "No sound device");
    window.get_by_label_contains("plays without sound");
}

#[test]
fn the_viewers_own_zoom_is_said_and_kept() {
    let (mut window, _outside) = at_home();
    window.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    settle(&mut window);
    window.get_by_label("Zoom 110 %");
    assert!((state(&window).settings.zoom - 1.1).abs() < 1e-6);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num0);
    settle(&mut window);
    assert!((state(&window).settings.zoom - 1.0).abs() < 1e-6);
}

#[test]
fn every_control_of_the_player_fits_the_smallest_window() {
    let (mut window, _outside) = playing();
    // 480 by 270 pixels at the smallest scale.
    window.set_size(vec2(640.0, 360.0));
    window.hover_at(Pos2::new(300.0, 100.0));
    settle(&mut window);
    let page = window.ctx.content_rect();
    let mut rects: Vec<(String, Rect)> = Vec::new();
    for name in ["Back", "Pause", "Mute", "Speed", "Subtitles", "Audio", "Quality", "Full screen"] {
        let rect = window.get_by_role_and_label(Role::Button, name).rect();
        assert!(page.contains_rect(rect), "{name} at {rect:?}");
        for (other, taken) in &rects {
            assert!(!taken.shrink(1.0).intersects(rect), "{name} lies on {other}");
        }
        rects.push((name.to_owned(), rect));
    }
}
