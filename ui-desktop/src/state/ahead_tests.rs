//! Times at which permission is fetched ahead, kept and given back; all of them are arguments.

use kinora_api::{Account, ErrorCode, Image, SearchResults, TitleCard};
use player_core::Command;

use super::*;
use crate::api::Reply;
use crate::command::{Begin, UiCommand};
use crate::state::{Choices, Launch, Load, Message, Settings, start, update};
use crate::state::{Moment, outage};

fn at(now: f64) -> Moment {
    Moment { now, ..Moment::default() }
}

fn card(id: &str) -> TitleCard {
    TitleCard {
        id: id.into(),
        name: id.to_owned(),
        poster: Image { path: "/p.jpg".to_owned(), width: 1, height: 1 },
        duration_ms: 1,
        ..TitleCard::default()
    }
}

fn grant(session: &str, title: &str, expires_in_ms: u64) -> PlaybackGrant {
    PlaybackGrant {
        session_id: session.into(),
        title_id: title.into(),
        sources: Vec::new(),
        expires_at: 0,
        expires_in_ms,
        renew_path: String::new(),
        heartbeat_path: String::new(),
        heartbeat_interval_ms: 10_000,
        stop_path: String::new(),
        resume_position_ms: 0,
        duration_ms: 1,
    }
}

/// A signed-in viewer at home, who knows the titles "a" and "b".
fn home() -> AppState {
    let (mut state, _) = start(Launch::Service { credentials: None }, Settings::default(), Choices::default());
    state.opening = None;
    let id = "viewer".into();
    let (email, display_name) = (String::new(), String::new());
    state.account = Some(Account { id, email, display_name, max_streams: 1, has_pin: false, profiles: Vec::new() });
    state.route = Route::Home;
    state.search.data = Load::Ready(SearchResults { titles: vec![card("a"), card("b")], ..SearchResults::default() });
    state
}

/// Requests about permission that follow from a message.
fn asked(state: &mut AppState, message: Message, now: f64) -> Vec<Request> {
    let effects = update(state, message, &at(now)).into_iter();
    let is_about = |request: &Request| {
        matches!(request, Request::Prepare { .. } | Request::Claim(_) | Request::Abandon(_) | Request::Authorize(_))
    };
    effects
        .filter_map(|effect| if let Effect::Api(request) = effect { Some(request) } else { None })
        .filter(is_about)
        .collect()
}

fn tick(state: &mut AppState, now: f64) -> Vec<Request> {
    asked(state, Message::Tick, now)
}

fn open(state: &mut AppState, id: &str, now: f64) -> Vec<Request> {
    asked(state, Message::Ui(UiCommand::OpenTitle(id.into())), now)
}

fn play(state: &mut AppState, id: &str, now: f64) -> Vec<Request> {
    asked(state, Message::Ui(UiCommand::Play(id.into(), Begin::Resume)), now)
}

fn answer(state: &mut AppState, id: &str, result: Result<PlaybackGrant, Failure>, now: f64) -> Vec<Request> {
    asked(state, Message::Api(Box::new(Reply::Prepared(id.into(), result))), now)
}

fn prepare(id: &str) -> Request {
    Request::Prepare { id: id.into(), manifest: true }
}

fn refused() -> Failure {
    let url = "http://h/v1/playback".parse().expect("a valid address");
    Failure::refused(kinora_api::ApiError::new(ErrorCode::TooManyStreams, "no"), 409, &url)
}

#[test]
fn a_page_asks_once_it_has_been_open_for_a_moment() {
    let mut state = home();
    assert_eq!(open(&mut state, "a", 10.0), []);
    assert_eq!(crate::state::next_tick(&state), Some(10.0 + REST), "the app is woken for it");
    assert_eq!(tick(&mut state, 10.29), []);
    // Whoever leafs on begins anew.
    assert_eq!(open(&mut state, "b", 10.3), []);
    assert_eq!(tick(&mut state, 10.5), []);
    assert_eq!(tick(&mut state, 10.7), [prepare("b")]);
    assert_eq!((tick(&mut state, 11.0), next_tick(&state)), (vec![], None));
}

#[test]
fn one_title_is_asked_for_at_a_time() {
    let mut state = home();
    open(&mut state, "a", 0.0);
    assert_eq!(tick(&mut state, 1.0), [prepare("a")]);
    open(&mut state, "b", 1.0);
    assert_eq!(tick(&mut state, 2.0), [], "the first is not answered");
    let first = grant("s1", "a", 600_000);
    assert_eq!(answer(&mut state, "a", Ok(first.clone()), 3.0), [Request::Abandon(first), prepare("b")]);
    assert_eq!(play(&mut state, "a", 3.5), [Request::Authorize("a".into())], "what is coming is for another title");
}

#[test]
fn permission_is_used_while_it_is_good_and_asked_for_anew_afterwards() {
    let mut state = home();
    open(&mut state, "a", 0.0);
    tick(&mut state, 1.0);
    let first = grant("s1", "a", 40_000);
    assert_eq!(answer(&mut state, "a", Ok(first.clone()), 1.0), []);
    assert_eq!(next_tick(&state), Some(21.0), "half of its time");
    assert_eq!(tick(&mut state, 20.9), []);
    assert_eq!(tick(&mut state, 21.0), [Request::Abandon(first), prepare("a")]);
    let second = grant("s2", "a", 40_000);
    answer(&mut state, "a", Ok(second.clone()), 22.0);
    let effects = update(&mut state, Message::Ui(UiCommand::Play("a".into(), Begin::Start)), &at(41.0));
    let place = |wanted: fn(&Effect) -> bool| effects.iter().position(wanted);
    assert!(place(|effect| matches!(effect, Effect::Load(_))) < place(|effect| matches!(effect, Effect::Watch(_))));
    assert!(effects.contains(&Effect::Api(Request::Claim(second))), "{effects:?}");
    assert!(!effects.contains(&Effect::Api(Request::Authorize("a".into()))));

    // An app that stood still does not use it after its time.
    let mut state = home();
    open(&mut state, "a", 0.0);
    tick(&mut state, 1.0);
    let old = grant("s3", "a", u64::MAX);
    answer(&mut state, "a", Ok(old.clone()), 1.0);
    assert_eq!(next_tick(&state), Some(1.0 + MAX_AGE));
    assert_eq!(play(&mut state, "a", 1.0 + MAX_AGE), [Request::Authorize("a".into()), Request::Abandon(old)]);
}

#[test]
fn requests_that_fail_are_few_and_none_is_made_in_an_outage() {
    let mut state = home();
    open(&mut state, "a", 0.0);
    let mut times = Vec::new();
    for second in 0..600_u32 {
        let now = f64::from(second);
        if !tick(&mut state, now).is_empty() {
            times.push(now);
            answer(&mut state, "a", Err(refused()), now);
        }
    }
    assert_eq!(times, [1.0, 6.0, 11.0, 16.0]);
    assert_eq!(next_tick(&state), None);
    assert_eq!(play(&mut state, "a", 600.0), [Request::Authorize("a".into())]);

    let mut state = home();
    open(&mut state, "a", 0.0);
    outage::on_unreachable(&mut state, 0.1);
    assert_eq!((tick(&mut state, 1.0), next_tick(&state)), (vec![], None));
    outage::on_reached(&mut state, &mut Vec::new());
    assert_eq!(tick(&mut state, 2.0), [prepare("a")]);
}

#[test]
fn signing_out_and_another_profile_drop_what_was_fetched() {
    for reply in [Reply::SignedOut, Reply::SessionLost] {
        let mut state = home();
        open(&mut state, "a", 0.0);
        tick(&mut state, 1.0);
        assert_eq!(asked(&mut state, Message::Api(Box::new(reply)), 2.0), []);
        let late = grant("s1", "a", 600_000);
        assert_eq!(answer(&mut state, "a", Ok(late.clone()), 3.0), [Request::Abandon(late)]);
    }
    let mut state = home();
    open(&mut state, "a", 0.0);
    tick(&mut state, 1.0);
    state.profile_pending = true;
    let other = grant("s1", "a", 600_000);
    assert_eq!(answer(&mut state, "a", Ok(other.clone()), 2.0), [Request::Abandon(other)]);
    let effects = update(&mut state, Message::Ui(UiCommand::Play("a".into(), Begin::Resume)), &at(3.0));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Load(_) | Effect::Player(Command::Play))));
}

#[test]
fn an_answer_about_the_place_of_another_film_changes_nothing() {
    let mut state = home();
    open(&mut state, "a", 0.0);
    tick(&mut state, 1.0);
    answer(&mut state, "a", Ok(grant("s1", "a", 600_000)), 1.0);
    play(&mut state, "a", 2.0);
    let mut claimed = |session: &str, result| {
        let reply = Reply::Claimed(grant(session, "a", 600_000), result);
        asked(&mut state, Message::Api(Box::new(reply)), 3.0)
    };
    assert_eq!(claimed("s1", Ok(())), []);
    assert_eq!(claimed("s0", Err(refused())), []);
    assert_eq!(claimed("s1", Err(refused())), [Request::Authorize("a".into())]);
}
