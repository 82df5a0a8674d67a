//! Live channels while browsing: their row, their page, what is on the air as time passes, the start with a title.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{
    ApiError, ErrorCode as Wire, Home, Image, NowPlaying, OnAir, PlaybackPhase, PlayingTitle, Programme, Row, RowKind,
    TitleCard, TitleDetail, TitleKind, UnixMillis,
};
use player_core::Command;
use ui_desktop::api::{Failure, Reply, Request};
use ui_desktop::settings_file::SettingsFile;
use ui_desktop::state::{Launch, Route};
use ui_desktop::wall_clock::WallClock;

use super::support::{Outside, card, detail, grant, home, open_with, settle, state};
use super::{Window, account, click, pass, press};

/// 2026-11-27 10:42:00 UTC, in the middle of a programme of two minutes.
const NOW_MS: UnixMillis = 1_795_776_120_000;

/// A channel whose programmes take two minutes each; the one on the air began so many milliseconds ago.
fn channel(id: &str, name: &str, at: UnixMillis, ago: i64) -> TitleCard {
    let programme = |name: &str, started_at| Programme {
        title_id: "p".into(),
        name: name.to_owned(),
        picture: Image { path: format!("/v1/images/{name}/key-art.jpg"), width: 960, height: 540 },
        started_at,
        ends_at: started_at + 120_000,
    };
    let now = programme("Seven Carp", at - ago);
    let next = programme("Balloon Post", now.ends_at);
    TitleCard {
        kind: TitleKind::Live,
        duration_ms: 0,
        live: Some(OnAir { now, next, window_ms: 600_000 }),
        ..card(id, name)
    }
}

fn moonlight() -> TitleCard {
    channel("moonlight", "Moonlight TV", NOW_MS, 60_000)
}

fn home_with(channels: Vec<TitleCard>) -> Home {
    let mut home = home();
    let row =
        Row { id: "live".to_owned(), kind: RowKind::Live, heading: "Live".to_owned(), titles: channels, next: None };
    home.rows.insert(0, row);
    home
}

/// Opens the app with a time of day that the test moves, and a title to begin with.
fn begun(title: Option<&'static str>) -> (Window, Outside, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(NOW_MS));
    let told = Arc::clone(&clock);
    let finish = move |app: ui_desktop::app::App| {
        let told = Arc::clone(&told);
        app.with_wall_clock(WallClock::set_by(move || told.load(Ordering::Relaxed))).with_title(title.map(Into::into))
    };
    let (mut window, outside) = open_with(Launch::Service { credentials: None }, SettingsFile::new(None), finish);
    outside.reply(Reply::Restored(Some(account())));
    settle(&mut window);
    (window, outside, clock)
}

fn at_home(channels: Vec<TitleCard>) -> (Window, Outside, Arc<AtomicI64>) {
    let (mut window, outside, clock) = begun(None);
    outside.reply(Reply::Home(Ok(home_with(channels))));
    settle(&mut window);
    outside.take_asked();
    (window, outside, clock)
}

fn page() -> TitleDetail {
    TitleDetail { similar: Vec::new(), ..detail(moonlight()) }
}

const CARD: &str = "Moonlight TV, live, Seven Carp  ·  1 min left, Next at 10:43: Balloon Post";

#[test]
fn a_card_names_channel_programme_and_next_and_plays_at_once() {
    let (mut window, outside, _clock) = at_home(vec![moonlight()]);
    window.get_by_role_and_label(Role::Heading, "Live");
    let wanted = outside.with(|world| {
        world.asked.iter().any(|request| *request == Request::Image("/v1/images/moonlight/poster.jpg".to_owned()))
    });
    assert!(!wanted, "the picture is that of the programme");
    window.get_by_role_and_label(Role::Button, CARD).click();
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Authorize("moonlight".into())]);
    let grant = kinora_api::PlaybackGrant { duration_ms: 0, ..grant("moonlight", 5_000) };
    outside.reply(Reply::Granted("moonlight".into(), Ok(grant)));
    settle(&mut window);
    let starts: Vec<_> = outside
        .take_commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::Load(request) => Some(request.start),
            _ => None,
        })
        .collect();
    assert_eq!(starts, [None], "at the live edge");
}

#[test]
fn the_bar_goes_by_the_clock_of_the_service() {
    let (mut window, outside, _clock) = at_home(vec![moonlight()]);
    outside.reply(Reply::ServiceClock { ahead_ms: 30_000 });
    settle(&mut window);
    window.get_by_role_and_label(
        Role::Button,
        "Moonlight TV, live, Seven Carp  ·  30 s left, Next at 10:42: Balloon Post",
    );
}

#[test]
fn when_a_programme_ends_the_next_is_shown_and_the_service_is_asked_once() {
    let (mut window, outside, clock) = at_home(vec![moonlight()]);
    pass(&mut window, 2.0);
    assert_eq!(outside.take_asked(), []);
    clock.store(NOW_MS + 90_000, Ordering::Relaxed);
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Home]);
    window.get_by_role_and_label(Role::Button, "Moonlight TV, live, Balloon Post  ·  2 min left");
    pass(&mut window, 5.0);
    assert_eq!(outside.take_asked(), [], "an answer is waited for");
    pass(&mut window, 15.0);
    assert_eq!(outside.take_asked(), [Request::Home]);
    outside.reply(Reply::Home(Ok(home_with(vec![channel("moonlight", "Moonlight TV", NOW_MS, -60_000)]))));
    pass(&mut window, 30.0);
    assert_eq!(outside.take_asked(), []);
    clock.store(NOW_MS + 3_600_000, Ordering::Relaxed);
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Moonlight TV, live, Live channel");
}

#[test]
fn the_page_of_a_channel_has_now_and_next_and_no_length() {
    let (mut window, outside, clock) = begun(None);
    let mut home = home_with(vec![moonlight()]);
    let listed =
        Row { id: "list".to_owned(), kind: RowKind::MyList, heading: "My list".to_owned(), ..home.rows[0].clone() };
    home.rows = vec![listed];
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    outside.take_asked();
    click(&mut window, "Moonlight TV, live, Seven Carp  ·  1 min left");
    assert_eq!(outside.take_asked(), [Request::Title("moonlight".into())], "a card of the list leads to the page");
    outside.reply(Reply::Title("moonlight".into(), Ok(Box::new(page()))));
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "Now: Seven Carp");
    for words in ["Live", "10:41 – 10:43  ·  1 min left", "Next at 10:43: Balloon Post", "You can go back 10 min."] {
        window.get_by_role_and_label(Role::Label, words);
    }
    assert!(window.query_by_label("Mark as watched").is_none() && window.query_by_label("0 s").is_none());
    window.get_by_role_and_label(Role::Button, "Add to My list");
    clock.store(NOW_MS + 61_000, Ordering::Relaxed);
    settle(&mut window);
    assert_eq!(outside.take_asked(), [Request::Title("moonlight".into())]);
    window.get_by_role_and_label(Role::Label, "Now: Balloon Post");
    click(&mut window, "Watch live");
    assert_eq!(state(&window).route, Route::Player);
}

#[test]
fn a_start_with_a_channel_plays_it_and_leads_back_to_its_page() {
    let (mut window, outside, _clock) = begun(Some("moonlight"));
    assert_eq!(outside.take_asked(), [Request::Restore, Request::Home, Request::Title("moonlight".into())]);
    outside.reply(Reply::Home(Ok(home_with(vec![moonlight()]))));
    outside.reply(Reply::Title("moonlight".into(), Ok(Box::new(page()))));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Player);
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Title("moonlight".into()));
    // The page that comes again is not a second start.
    outside.reply(Reply::Title("moonlight".into(), Ok(Box::new(page()))));
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Watch live");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn a_start_with_a_film_shows_its_page_and_one_that_is_not_there_leads_home() {
    let (mut window, outside, _clock) = begun(Some("hero"));
    outside.reply(Reply::Home(Ok(home())));
    outside.reply(Reply::Title("hero".into(), Ok(Box::new(detail(card("hero", "Night Train North"))))));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Title("hero".into()));
    window.get_by_role_and_label(Role::Button, "Play");

    let (mut window, outside, _clock) = begun(Some("nothing"));
    outside.reply(Reply::Home(Ok(home())));
    let url = "http://127.0.0.1:1/v1/titles/nothing".parse().expect("a valid address");
    let failure = Failure::refused(ApiError::new(Wire::NotFound, "no such title"), 404, &url);
    outside.reply(Reply::Title("nothing".into(), Err(failure)));
    settle(&mut window);
    assert!(window.query_all_by(|node| node.role() == Role::Alert).next().is_some());
    assert!(state(&window).opens.is_none());
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn a_small_window_shows_the_row_and_the_page_without_overlap() {
    let (mut window, outside, _clock) =
        at_home((0..6).map(|n| channel(&format!("c{n}"), &format!("Channel {n}"), NOW_MS, 60_000)).collect());
    window.set_size(egui::vec2(800.0, 480.0));
    settle(&mut window);
    let cards: Vec<_> = window
        .query_all_by(|node| node.label().is_some_and(|label| label.starts_with("Channel ")))
        .map(|node| node.rect())
        .collect();
    assert!(cards.windows(2).all(|pair| pair[0].right() < pair[1].left()), "{cards:?}");
    let heading = window.get_by_role_and_label(Role::Heading, "Continue watching").rect();
    assert!(cards.iter().all(|card| card.bottom() <= heading.top()), "{cards:?} {heading:?}");
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Authorize("c0".into())]);
}

#[test]
fn a_channel_on_another_device_has_no_time_left() {
    let (mut window, outside, _clock) = at_home(vec![moonlight()]);
    outside.reply(Reply::NowPlaying(vec![NowPlaying {
        playback_id: "tv-1".into(),
        device_name: "Living room".to_owned(),
        is_this_device: false,
        title: Some(PlayingTitle { id: "moonlight".into(), name: "Moonlight TV".to_owned() }),
        started_at: 0,
        position_ms: 0,
        duration_ms: 0,
        phase: PlaybackPhase::Playing,
    }]));
    settle(&mut window);
    window.get_by_label_contains("Moonlight TV  ·  Live");
}
