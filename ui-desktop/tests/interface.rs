//! The interface as a viewer and a screen reader meet it: through the accessibility tree, without a window.

#[path = "interface/account.rs"]
mod account_pages;
#[path = "interface/navigation.rs"]
mod navigation;
#[path = "interface/pointer.rs"]
mod pointer;
#[path = "interface/series.rs"]
mod series;
#[path = "interface/small_window.rs"]
mod small_window;
#[path = "support/mod.rs"]
mod support;

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use player_core::command::{QualityChoice, SeekMode, TrackChoice};
use player_core::model::TrackId;
use player_core::snapshot::BufferingReason;
use player_core::{Command, ErrorCode, Event, MediaTime, PlayerError, State};
use support::{Window, account, at_home, card, detail, grant, home, open, playing, press, settle, state};
use ui_desktop::api::{Failure, Reply, Request};
use ui_desktop::state::{Credentials, DataSaver, Focus, HeroButton, Launch, Route};

#[test]
fn the_sign_in_form_says_what_is_missing_and_sends_what_was_typed() {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    outside.take_asked();
    window.get_by_role_and_label(Role::Button, "Sign in").click();
    settle(&mut window);
    window.get_by_label("Enter your e-mail address.");
    assert!(outside.take_asked().is_empty());

    window.get_by_role_and_label(Role::TextInput, "E-mail").focus();
    settle(&mut window);
    window.get_by_role_and_label(Role::TextInput, "E-mail").type_text("demo@kinora.example");
    settle(&mut window);
    window.get_by_role_and_label(Role::PasswordInput, "Password").focus();
    settle(&mut window);
    window.get_by_role_and_label(Role::PasswordInput, "Password").type_text("secret");
    settle(&mut window);
    press(&mut window, Key::Enter);
    let credentials = Credentials { email: "demo@kinora.example".to_owned(), password: "secret".into(), code: None };
    assert_eq!(outside.take_asked(), [Request::SignIn { credentials, patient: false }]);

    let url = "http://127.0.0.1:1/v1/sign-in".parse().expect("a valid address");
    let answer = kinora_api::ApiError::new(kinora_api::ErrorCode::InvalidCredentials, "no");
    outside.reply(Reply::SignedIn(Err(Failure::refused(answer, 401, &url))));
    settle(&mut window);
    window.get_by_label("The e-mail address or the password is wrong.");
}

#[test]
fn the_demo_viewer_is_signed_in_without_being_asked() {
    let credentials = Credentials { email: "demo@kinora.example".to_owned(), password: "pw".into(), code: None };
    let (mut window, outside) = open(Launch::Service { credentials: Some(credentials.clone()) });
    assert_eq!(outside.take_asked(), [Request::SignIn { credentials, patient: true }]);
    outside.reply(Reply::SignedIn(Ok(account())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    window.get_by_role_and_label(Role::Heading, "Continue watching");
    window.get_by_label_contains("Colony Nine");
    assert_eq!(state(&window).settings.last_email, "demo@kinora.example");
}

#[test]
fn arrows_and_enter_walk_the_home_screen() {
    let (mut window, outside) = at_home();
    assert_eq!(state(&window).home.focus, Some(Focus::Hero(HeroButton::Play)), "the focus is seen from the start");
    assert!(window.get_by_role_and_label(Role::Button, "Play").is_focused());
    press(&mut window, Key::ArrowRight);
    assert!(window.get_by_role_and_label(Role::Button, "Details").is_focused());
    press(&mut window, Key::ArrowDown);
    assert!(window.get_by_label_contains("Infinite Coast").is_focused());
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowRight);
    assert_eq!(state(&window).home.focus, Some(Focus::Card { row: 1, column: 1 }));
    assert!(window.get_by_label_contains("Slow Light").is_focused());
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).route, Route::Title("t1".into()));
    assert_eq!(outside.take_asked(), [Request::Title("t1".into())]);
    outside.reply(Reply::Title("t1".into(), Ok(Box::new(detail(card("t1", "Slow Light"))))));
    settle(&mut window);
    window.get_by_label("Second paragraph.");
    window.get_by_label("Full HD");
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).route, Route::Player, "Enter plays, because the page's first button has the focus");
    assert_eq!(outside.take_permissions(), [], "the page has asked already");
    outside.reply(Reply::Prepared("t1".into(), Ok(grant("t1", 0))));
    settle(&mut window);
    assert_eq!(outside.take_permissions(), [Request::Claim(grant("t1", 0))]);
}

#[test]
fn a_card_of_continue_watching_goes_on_where_it_was_left() {
    let (mut window, outside) = at_home();
    window.get_by_label_contains("Infinite Coast").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("coast".into())]);
    outside.reply(Reply::Granted("coast".into(), Ok(grant("coast", 150_000))));
    settle(&mut window);
    let start = outside.take_commands().into_iter().find_map(|command| match command {
        Command::Load(request) => request.start,
        _ => None,
    });
    assert_eq!(start, Some(MediaTime::from_millis(150_000)));
}

#[test]
fn keys_control_the_player() {
    let (mut window, outside) = playing();
    let mut check = |key: Key, want: &[Command]| {
        press(&mut window, key);
        assert_eq!(outside.take_commands(), want, "{key:?}");
    };
    let seek = |seconds: i64| Command::Seek { to: MediaTime::from_millis(seconds * 1000), mode: SeekMode::Exact };
    check(Key::Space, &[Command::Pause]);
    check(Key::K, &[Command::Pause]);
    check(Key::ArrowRight, &[Command::SeekBy { millis: 10_000, mode: SeekMode::Exact }]);
    check(Key::ArrowLeft, &[Command::SeekBy { millis: -10_000, mode: SeekMode::Exact }]);
    check(Key::Num5, &[seek(300)]);
    check(Key::M, &[Command::SetMuted(true)]);
    check(Key::M, &[Command::SetMuted(false)]);
    check(Key::C, &[Command::SelectText(TrackChoice::Track(TrackId("s-en".to_owned())))]);
    outside.change(|snapshot| snapshot.play_when_ready = false);
    check(Key::Space, &[Command::Play]);
    outside.change(|snapshot| snapshot.state = State::Ended);
    check(Key::Space, &[seek(0), Command::Play]);
}

#[test]
fn volume_keys_follow_a_cubic_scale_and_stay_in_range() {
    let (mut window, outside) = playing();
    for _ in 0..8 {
        press(&mut window, Key::ArrowUp);
    }
    let loudest = outside.take_commands().into_iter().rev().find_map(|command| match command {
        Command::SetVolume(volume) => Some(volume),
        _ => None,
    });
    assert_eq!(loudest, Some(1.0));
    press(&mut window, Key::ArrowDown);
    let commands = outside.take_commands();
    let Some(Command::SetVolume(volume)) = commands.first() else { panic!("{commands:?}") };
    assert!((volume - 0.95_f64.powi(3)).abs() < 1e-5, "{volume}");
}

#[test]
fn escape_closes_the_menu_then_leaves_full_screen_then_the_film() {
    let (mut window, outside) = playing();
    press(&mut window, Key::F);
    press(&mut window, Key::Q);
    assert!(state(&window).fullscreen);
    window.get_by_label_contains("Automatic");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label_contains("Automatic").is_none() && state(&window).fullscreen);
    press(&mut window, Key::Escape);
    assert!(!state(&window).fullscreen);
    assert_eq!(state(&window).route, Route::Player);
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
    let last = outside.with(|world| world.stopped.clone());
    assert_eq!(last.iter().map(|beat| beat.position_ms).collect::<Vec<_>>(), [100_000]);
}

#[test]
fn buttons_and_menus_send_their_commands() {
    let (mut window, outside) = playing();
    let press_button = |window: &mut Window, name: &str| {
        window.get_by_role_and_label(Role::Button, name).click();
        settle(window);
    };
    press_button(&mut window, "Pause");
    assert_eq!(outside.take_commands(), [Command::Pause]);
    press_button(&mut window, "Forward 10 seconds");
    assert_eq!(outside.take_commands(), [Command::SeekBy { millis: 10_000, mode: SeekMode::Exact }]);
    press_button(&mut window, "Audio");
    window.get_by_label("Deutsch").click();
    settle(&mut window);
    assert_eq!(outside.take_commands(), [Command::SelectAudio(TrackChoice::Track(TrackId("a-de".to_owned())))]);
    press_button(&mut window, "Subtitles");
    window.get_by_label("Deutsch").click();
    settle(&mut window);
    assert_eq!(outside.take_commands(), [Command::SelectText(TrackChoice::Track(TrackId("s-de".to_owned())))]);
    press_button(&mut window, "Quality");
    window.get_by_label_contains("2160p not on this device");
    window.get_by_label_contains("360p").click();
    settle(&mut window);
    assert_eq!(outside.take_commands(), [Command::SelectQuality(QualityChoice::Representation("360".to_owned()))]);
}

#[test]
fn the_seek_bar_goes_to_where_it_is_pressed() {
    let (mut window, outside) = playing();
    let bar = window.get_by_label("Position in seconds").rect();
    window.hover_at(bar.center());
    settle(&mut window);
    window.drag_at(bar.center());
    settle(&mut window);
    window.drop_at(bar.center());
    settle(&mut window);
    let sought: Vec<f64> = outside
        .take_commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::Seek { to, .. } => Some(to.as_secs_f64()),
            _ => None,
        })
        .collect();
    assert!(!sought.is_empty() && sought.iter().all(|at| (at - 300.0).abs() < 1.0), "{sought:?}");
}

#[test]
fn waiting_names_its_reason() {
    let (mut window, outside) = playing();
    outside.change(|snapshot| snapshot.state = State::Buffering(BufferingReason::NetworkTooSlow));
    outside.announce(Event::StallStarted { at: MediaTime::ZERO, reason: "video".to_owned() });
    window.run_steps(60);
    window.get_by_role_and_label(Role::Status, "The network is slower than the film. Buffering…");
}

#[test]
fn the_error_card_says_what_happened_and_what_to_do_and_tries_again() {
    let (mut window, outside) = playing();
    let error = PlayerError::fatal(ErrorCode::MediaUnavailable, "segment 7 of video cannot be had");
    outside.announce(Event::Failed { error });
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "A part of this film can't be loaded.");
    window.get_by_role_and_label(Role::Label, ErrorCode::MediaUnavailable.advice());
    assert!(window.query_by_label_contains("segment 7").is_none(), "the technical part is folded");
    window.get_by_role_and_label(Role::Button, "Details").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "MediaUnavailable (3005)");
    window.get_by_role_and_label(Role::Label, ErrorCode::MediaUnavailable.meaning());
    window.get_by_label_contains("segment 7");
    window.get_by_role_and_label(Role::Button, "Try again").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    let start = outside.take_commands().into_iter().find_map(|command| match command {
        Command::Load(request) => Some(request.start),
        _ => None,
    });
    assert_eq!(start, Some(Some(MediaTime::from_millis(100_000))), "it goes on where it failed");
    assert!(window.query_by_label_contains("segment 7").is_none());
}

#[test]
fn an_expired_address_is_renewed_once_without_bothering_the_viewer() {
    let (mut window, outside) = playing();
    let refused = || PlayerError::fatal(ErrorCode::HttpStatus, "403").with_status(403);
    outside.announce(Event::Failed { error: refused() });
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    assert!(state(&window).player.as_ref().is_some_and(|player| player.problem.is_none()));
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    outside.announce(Event::Failed { error: refused() });
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Try again");
    assert!(outside.take_asked().is_empty());
}

#[test]
fn a_lost_sign_in_leads_to_the_form_and_ends_the_film() {
    let (mut window, outside) = playing();
    outside.reply(Reply::SessionLost);
    settle(&mut window);
    assert_eq!(state(&window).route, Route::SignIn);
    window.get_by_label("Your sign-in has expired. Please sign in again.");
    assert_eq!(outside.with(|world| world.stopped.len()), 1);
}

#[test]
fn an_address_plays_without_a_service_and_its_error_card_tries_the_address_again() {
    let url: url::Url = "http://host.example/films/master.m3u8".parse().expect("a valid address");
    let (mut window, outside) = open(Launch::Address(url.clone()));
    assert!(outside.take_asked().is_empty());
    window.get_by_role_and_label(Role::Heading, "master.m3u8");
    outside.take_commands();
    outside.announce(Event::Failed { error: PlayerError::fatal(ErrorCode::NotAManifest, "an HTML page") });
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, ErrorCode::NotAManifest.advice());
    window.get_by_role_and_label(Role::Button, "Try again").click();
    settle(&mut window);
    let commands = outside.take_commands();
    assert!(matches!(&commands[..], [Command::Load(request)] if request.locations == [url]), "{commands:?}");
    assert_eq!(outside.with(|world| world.players), 1, "the same player is used again");
}

#[test]
fn settings_are_opened_from_the_avatar_and_sign_out_works() {
    let (mut window, outside) = at_home();
    window.get_by_role_and_label(Role::Button, "Settings of Demo").click();
    settle(&mut window);
    window.get_by_label("Large").click();
    settle(&mut window);
    assert_eq!(state(&window).settings.cue_size, ui_desktop::state::CueSize::Large);
    window.get_by_role_and_label(Role::Button, "Sign out").click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::SignOut]);
    outside.reply(Reply::SignedOut);
    settle(&mut window);
    assert_eq!(state(&window).route, Route::SignIn);
}

#[test]
fn the_data_saver_is_set_with_the_keyboard_kept_and_told_to_the_player() {
    let (mut window, outside) = at_home();
    window.get_by_role_and_label(Role::Button, "Settings of Demo").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::RadioButton, "0.7 GB/h").focus();
    settle(&mut window);
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).settings.data_saver, DataSaver::Medium);
    window.get_by_label_contains("1.6 Mbit/s");
    assert_eq!(outside.take_commands(), [], "there is no player to tell");
    press(&mut window, Key::Escape);
    window.get_by_label_contains("Infinite Coast").click();
    settle(&mut window);
    outside.reply(Reply::Granted("coast".into(), Ok(grant("coast", 0))));
    settle(&mut window);
    let limit = |command: &Command| matches!(command, Command::SetMaxBitrate(Some(1_555_555)));
    assert_eq!(outside.take_commands().iter().position(limit), Some(2), "before the load");
    assert!(state(&window).player.is_some());
}

#[test]
fn every_page_names_its_controls_at_the_smallest_window() {
    let (mut window, outside) = at_home();
    window.set_size(egui::vec2(900.0, 600.0));
    settle(&mut window);
    window.check_accessibility();
    window.get_by_label_contains("Infinite Coast").click();
    settle(&mut window);
    outside.reply(Reply::Granted("coast".into(), Ok(grant("coast", 0))));
    settle(&mut window);
    press(&mut window, Key::I);
    window.get_by_label_contains("Statistics.");
    window.check_accessibility();
    let page = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(900.0, 600.0));
    for name in ["Pause", "Mute", "Full screen", "Quality", "Audio", "Subtitles", "Back 10 seconds"] {
        let rect = window.get_by_role_and_label(Role::Button, name).rect();
        assert!(page.contains_rect(rect), "{name} lies outside of the window: {rect:?}");
    }
}
