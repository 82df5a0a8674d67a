//! What a profile keeps of titles, and playbacks on several devices, over HTTP.

use std::sync::Arc;

use kinora_api::events::Rating;
use kinora_api::{ErrorCode, Heartbeat, PlaybackPhase, ProfileId};
use serde_json::{Value, json};
use ui_desktop::api::{Reply, Request, TitleChange};

use super::{Asked, Client, Server, error, signed_in};

fn grant(session: &str) -> (u16, Value) {
    let body = json!({
        "session_id": session, "title_id": "t", "sources": [], "expires_at": 0, "expires_in_ms": 600_000,
        "renew_path": "/v1/playback/s/renew", "heartbeat_path": format!("/v1/playback/{session}/heartbeat"),
        "heartbeat_interval_ms": 1_000, "stop_path": format!("/v1/playback/{session}/stop"),
        "resume_position_ms": 9_000, "duration_ms": 60_000,
    });
    (200, body)
}

fn position(finished: bool, title: &str) -> Value {
    json!({"title_id": title, "position_ms": 1, "duration_ms": 2, "finished": finished, "updated_at": 1})
}

fn asked(server: &Server, path: &str) -> Vec<Asked> {
    server.asked().into_iter().filter(|asked| asked.what.contains(path)).collect()
}

#[test]
fn each_change_of_a_title_is_its_call_for_the_profile() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = Server::start(Box::new(|asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        "PUT /v1/my-list/t?profile=kids" => (200, json!({"title_id": "t", "added_at": 1})),
        "PUT /v1/positions/t/watched?profile=kids" | "PUT /v1/positions/t" => (200, position(true, "t")),
        "GET /v1/positions?profile=kids" => (200, json!({"positions": [position(true, "t"), position(false, "u")]})),
        "PUT /v1/ratings/t?profile=kids" => (204, Value::Null),
        what if what.starts_with("DELETE ") => (204, Value::Null),
        _ => error(ErrorCode::NotFound),
    }));
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    client.ask(Request::UseProfile(Some(ProfileId::from("kids"))));
    let changes = [
        (TitleChange::Listed(true), "PUT /v1/my-list/t?profile=kids"),
        (TitleChange::Listed(false), "DELETE /v1/my-list/t?profile=kids"),
        (TitleChange::Watched(true), "PUT /v1/positions/t/watched?profile=kids"),
        (TitleChange::Watched(false), "DELETE /v1/positions/t/watched?profile=kids"),
        (TitleChange::Rated(Some(Rating::NotInterested)), "PUT /v1/ratings/t?profile=kids"),
        (TitleChange::Rated(None), "DELETE /v1/ratings/t?profile=kids"),
        (TitleChange::NotContinued, "DELETE /v1/positions/t/continue?profile=kids"),
        (TitleChange::Continued { position_ms: 5 }, "PUT /v1/positions/t"),
    ];
    for (change, call) in changes {
        let Reply::Changed(id, done, Ok(())) = client.ask(Request::Change("t".into(), change)) else {
            panic!("{change:?} is made")
        };
        assert_eq!((id.as_str(), done, server.count(call)), ("t", change, 1));
    }
    let rated = asked(&server, "PUT /v1/ratings/t").pop().expect("it was sent");
    assert_eq!(rated.body, json!({"rating": "not_interested"}));
    let put_back = asked(&server, "PUT /v1/positions/t").pop().expect("it was sent");
    assert_eq!(put_back.body, json!({"profile_id": "kids", "position_ms": 5}));
    let Reply::Watched(titles) = client.ask(Request::Watched) else { panic!("an answer") };
    assert_eq!(titles.into_iter().collect::<Vec<_>>(), ["t".into()]);
}

#[test]
fn a_change_that_is_refused_says_by_what() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = Server::start(Box::new(|asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        _ => error(ErrorCode::ListFull),
    }));
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    let Reply::Changed(_, _, Err(failure)) = client.ask(Request::Change("t".into(), TitleChange::Listed(true))) else {
        panic!("it is refused")
    };
    assert_eq!(failure.wire(), Some(ErrorCode::ListFull));
}

#[test]
fn a_playback_is_taken_over_and_one_that_has_ended_is_begun() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = Server::start(Box::new(|asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        "POST /v1/playback/runs/take-over" => grant("taken"),
        "POST /v1/playback/over/take-over" => error(ErrorCode::PlaybackSessionNotFound),
        "POST /v1/playback" => grant("begun"),
        _ => error(ErrorCode::NotFound),
    }));
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    for (session, want) in [("runs", "taken"), ("over", "begun")] {
        let request = Request::TakeOver { id: "t".into(), session: session.into() };
        let Reply::Granted(id, Ok(grant)) = client.ask(request) else { panic!("{session} goes on") };
        assert_eq!((id.as_str(), grant.session_id.as_str()), ("t", want));
    }
    let request = Request::AuthorizeInstead { id: "t".into(), stop: "other".into() };
    assert!(matches!(client.ask(request), Reply::Granted(_, Ok(_))));
    let last = asked(&server, "POST /v1/playback").pop().expect("it was sent");
    assert_eq!(last.body, json!({"title_id": "t", "protocols": ["hls", "dash"], "stop": "other"}));
}

#[test]
fn a_pause_is_reported_before_the_next_heartbeat_is_due() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = Server::start(Box::new(|asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        "POST /v1/playback/s/heartbeat" => {
            (200, json!({"expires_at": 0, "expires_in_ms": 600_000, "heartbeat_interval_ms": 120_000}))
        }
        _ => error(ErrorCode::NotFound),
    }));
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    let mut grant: kinora_api::PlaybackGrant = serde_json::from_value(grant("s").1).expect("a grant");
    grant.heartbeat_interval_ms = 120_000;
    let paused = Heartbeat { position_ms: 9_500, phase: PlaybackPhase::Paused };
    assert!(client.service.watch(grant, Arc::new(move || paused.clone())));
    let began = std::time::Instant::now();
    while server.count("POST /v1/playback/s/heartbeat") == 0 {
        assert!(began.elapsed() < super::DEADLINE, "it is not reported");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let beat = asked(&server, "POST /v1/playback/s/heartbeat").pop().expect("it was sent");
    assert_eq!(beat.body, json!({"position_ms": 9_500, "phase": "paused"}));
}

/// A client that reports on a playback which has lost its place.
fn displaced(server: &Server, directory: &std::path::Path) -> Client {
    let mut client = Client::start(server, directory);
    client.sign_in();
    let grant = serde_json::from_value(grant("s").1).expect("a grant");
    let playing = Heartbeat { position_ms: 12_345, phase: PlaybackPhase::Playing };
    assert!(client.service.watch(grant, Arc::new(move || playing.clone())));
    client
}

fn without_a_place() -> Server {
    Server::start(Box::new(|asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        _ => error(ErrorCode::TooManyStreams),
    }))
}

#[test]
fn a_heartbeat_brings_the_news_that_another_device_took_the_place_once() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = without_a_place();
    let mut client = displaced(&server, directory.path());
    assert!(matches!(client.next(), Reply::Displaced(session) if session.as_str() == "s"));
    assert!(client.service.stop(Heartbeat { position_ms: 13_000, phase: PlaybackPhase::Stopped }));
    assert!(matches!(client.next(), Reply::PlaybackStopped), "it is not said twice");
    assert_eq!(server.count("POST /v1/playback/s/heartbeat"), 1);
}

#[test]
fn the_last_report_brings_the_news_when_no_heartbeat_did() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = without_a_place();
    let mut client = displaced(&server, directory.path());
    assert!(client.service.stop(Heartbeat { position_ms: 13_000, phase: PlaybackPhase::Stopped }));
    assert!(matches!(client.next(), Reply::Displaced(session) if session.as_str() == "s"));
    assert!(matches!(client.next(), Reply::PlaybackStopped));
}

#[test]
fn pages_that_a_gateway_had_kept_come_with_their_age() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = Server::start(Box::new(|asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        "GET /v1/search?q=x&limit=60" => (200, json!({"query": "x", "titles": [], "kept_s": 75})),
        "GET /v1/home?from=2" => (200, json!({"rows": [], "kept_s": 80})),
        "GET /v1/home/row?id=a" => {
            (200, json!({"id": "a", "kind": {"type": "all"}, "heading": "All", "titles": [], "kept_s": 85}))
        }
        _ => error(ErrorCode::ServiceUnavailable),
    }));
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    let mut kept = |request: Request| match client.ask(request) {
        Reply::Kept { reply, age_s } => (*reply, age_s),
        other => panic!("a kept answer is expected: {other:?}"),
    };
    assert!(matches!(kept(Request::Search("x".into())), (Reply::Found(query, Ok(_)), 75) if query == "x".into()));
    assert!(matches!(kept(Request::MoreRows("/v1/home?from=2".to_owned())), (Reply::MoreRows(_, Ok(_)), 80)));
    let request = Request::MoreTitles { row: "a".to_owned(), path: "/v1/home/row?id=a".to_owned() };
    assert!(matches!(kept(request), (Reply::MoreTitles { result: Ok(_), .. }, 85)));
    assert!(matches!(client.ask(Request::Title("t".into())), Reply::Title(_, Err(_))));
}
