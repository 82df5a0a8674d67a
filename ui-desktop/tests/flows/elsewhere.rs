//! Playbacks on other devices: taking one over, stopping one, and losing this one's place.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{ApiError, NowPlaying, PlaybackPhase, PlayingTitle};
use player_core::{Command, ErrorCode, Event, MediaTime, PlayerError};
use ui_desktop::api::{Failure, Reply, Request};
use ui_desktop::state::Route;

use super::support::{Outside, grant, home, settle, state};
use super::{Window, at_home, click, pass, playing, press};

fn on_television() -> NowPlaying {
    NowPlaying {
        playback_id: "tv-1".into(),
        device_name: "Living room".to_owned(),
        is_this_device: false,
        title: Some(PlayingTitle { id: "t1".into(), name: "Slow Light".to_owned() }),
        started_at: 0,
        position_ms: 120_000,
        duration_ms: 600_000,
        phase: PlaybackPhase::Playing,
    }
}

fn full(playing: Vec<NowPlaying>) -> Failure {
    let url = "http://127.0.0.1:1/v1/playback".parse().expect("a valid address");
    let code = kinora_api::ErrorCode::TooManyStreams;
    Failure::refused(ApiError::new(code, "full").with_playing(playing), code.http_status(), &url)
}

fn loads(outside: &Outside) -> Vec<Option<MediaTime>> {
    let starts = outside.take_commands().into_iter().filter_map(|command| match command {
        Command::Load(request) => Some(request.start),
        _ => None,
    });
    starts.collect()
}

fn questions(outside: &Outside) -> usize {
    outside.with(|world| world.asked.iter().filter(|request| **request == Request::NowPlaying).count())
}

#[test]
fn the_home_screen_goes_on_with_what_another_device_plays() {
    let (mut window, outside) = at_home();
    let own = NowPlaying { playback_id: "own".into(), is_this_device: true, ..on_television() };
    let ended = NowPlaying { playback_id: "old".into(), phase: PlaybackPhase::Ended, ..on_television() };
    outside.reply(Reply::NowPlaying(vec![own.clone(), ended.clone()]));
    settle(&mut window);
    assert!(window.query_by_label_contains("Continue from").is_none(), "neither this device nor what has ended");
    outside.reply(Reply::NowPlaying(vec![own, ended, on_television()]));
    settle(&mut window);
    press(&mut window, Key::ArrowDown);
    let offer = "Continue from Living room: Slow Light  ·  8 min left";
    assert!(window.get_by_role_and_label(Role::Button, offer).is_focused());
    press(&mut window, Key::Enter);
    assert_eq!(state(&window).route, Route::Player);
    assert_eq!(outside.take_asked(), [Request::TakeOver { id: "t1".into(), session: "tv-1".into() }]);
    outside.reply(Reply::Granted("t1".into(), Ok(grant("t1", 121_500))));
    settle(&mut window);
    assert_eq!(loads(&outside), [Some(MediaTime::from_millis(121_500))], "where the other device is");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label_contains("Continue from").is_none(), "it is here now");
}

#[test]
fn a_title_that_no_page_has_shown_is_taken_over_by_its_name() {
    let (mut window, outside) = at_home();
    let title = PlayingTitle { id: "unseen".into(), name: "Beyond the Pages".to_owned() };
    outside.reply(Reply::NowPlaying(vec![NowPlaying { title: Some(title), ..on_television() }]));
    settle(&mut window);
    window.get_by_label_contains("Continue from Living room").click();
    settle(&mut window);
    window.get_by_role_and_label(Role::Heading, "Beyond the Pages");
    assert_eq!(outside.take_asked(), [Request::TakeOver { id: "unseen".into(), session: "tv-1".into() }]);
}

#[test]
fn the_offer_is_brought_up_to_date_when_home_is_shown_and_while_it_is() {
    let (mut window, outside) = at_home();
    assert_eq!(questions(&outside), 0, "at_home has taken what was asked");
    pass(&mut window, 31.0);
    assert_eq!(questions(&outside), 1);
    click(&mut window, "Details");
    pass(&mut window, 61.0);
    assert_eq!(questions(&outside), 1, "not from another page");
    press(&mut window, Key::Escape);
    assert_eq!(questions(&outside), 2);
    outside.reply(Reply::Unreachable);
    pass(&mut window, 31.0);
    assert_eq!(questions(&outside), 2, "not while the service is away");
}

/// A film that was refused because the account plays on two other devices.
fn refused() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    click(&mut window, "Play");
    outside.take_asked();
    let nameless = NowPlaying { playback_id: "x".into(), device_name: String::new(), title: None, ..on_television() };
    outside.reply(Reply::Granted("hero".into(), Err(full(vec![on_television(), nameless]))));
    settle(&mut window);
    (window, outside)
}

#[test]
fn the_card_says_who_plays_what_and_one_press_stops_it_and_starts_this() {
    let (mut window, outside) = refused();
    window.get_by_role_and_label(Role::Label, "Your account is playing on too many devices.");
    window.get_by_role_and_label(Role::Label, "Living room plays “Slow Light”");
    window.get_by_role_and_label(Role::Label, "Another device plays a film");
    assert!(window.get_by_role_and_label(Role::Button, "Stop Living room and watch here").is_focused());
    window.get_by_role_and_label(Role::Button, "Stop another device and watch here");
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::AuthorizeInstead { id: "hero".into(), stop: "tv-1".into() }]);
    assert!(window.query_by_label_contains("too many devices").is_none());
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    assert_eq!(loads(&outside).len(), 1);
}

#[test]
fn the_second_device_is_stopped_with_arrows_and_a_press_is_not_sent_twice() {
    let (mut window, outside) = refused();
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Enter);
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::AuthorizeInstead { id: "hero".into(), stop: "x".into() }]);
}

#[test]
fn a_film_that_another_device_stopped_says_so_and_goes_on_when_asked() {
    let (mut window, outside) = playing();
    outside.take_asked();
    outside.reply(Reply::Displaced("another".into()));
    settle(&mut window);
    assert!(state(&window).player.as_ref().is_some_and(|player| player.problem.is_none()), "not this film");
    outside.reply(Reply::Displaced("s1".into()));
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "Another device took over.");
    assert!(window.query_by_label("Details").is_none(), "it is not a failure");
    assert_eq!(outside.with(|world| world.stopped.len()), 1, "the film has ended here");
    assert!(window.get_by_role_and_label(Role::Button, "Watch here").is_focused());
    outside.take_commands();
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 480_000))));
    settle(&mut window);
    assert_eq!(loads(&outside), [Some(MediaTime::from_millis(480_000))], "where the other device got to");
}

#[test]
fn an_edge_that_learns_first_does_not_make_it_a_failure() {
    let (mut window, outside) = playing();
    outside.take_asked();
    let refused = PlayerError::fatal(ErrorCode::HttpStatus, "403").with_status(403);
    outside.announce(Event::Failed { error: refused });
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    outside.reply(Reply::Displaced("s1".into()));
    outside.reply(Reply::Granted("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "Another device took over.");
    assert_eq!(outside.take_asked(), [Request::Abandon(grant("hero", 0))], "it does not take the place back unasked");
}

#[test]
fn a_place_that_was_gone_before_the_film_began_is_asked_for_again() {
    let (mut window, outside) = at_home();
    click(&mut window, "Details");
    outside.reply(Reply::Home(Ok(home())));
    pass(&mut window, 1.0);
    outside.reply(Reply::Prepared("hero".into(), Ok(grant("hero", 0))));
    settle(&mut window);
    click(&mut window, "Play");
    outside.take_asked();
    outside.reply(Reply::Claimed(grant("hero", 0), Err(full(Vec::new()))));
    outside.reply(Reply::Displaced("s1".into()));
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("hero".into())]);
    assert!(state(&window).player.as_ref().is_some_and(|player| player.problem.is_none()));
}
