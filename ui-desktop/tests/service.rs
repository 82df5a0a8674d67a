//! The client of the service against a server that answers by a list: sessions, refresh, restart, playback reports.
//!
//! The server is a few lines over a loopback socket, so that every byte of an answer is under the test's control.

#[path = "service/accounts.rs"]
mod accounts;
#[path = "service/pin.rs"]
mod pin;
#[path = "service/playing.rs"]
mod playing;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kinora_api::{DeviceInfo, Heartbeat, PlaybackPhase, TitleId};
use kinora_pin::KeyPin;
use player_core::ErrorCode;
use serde_json::{Value, json};
use ui_desktop::api::{Reply, Request, Service, ServiceOptions};
use ui_desktop::secrets::SecretChoice;
use ui_desktop::state::Credentials;

/// Nothing here takes longer unless it is broken.
const DEADLINE: Duration = Duration::from_secs(30);

/// What was asked: method and path, the bearer token, the body.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    what: String,
    token: Option<String>,
    body: Value,
}

type Answer = Box<dyn Fn(&Asked) -> (u16, Value) + Send>;

struct Server {
    base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    fn start(answer: Answer) -> Self {
        Self::start_if(Box::new(|| true), answer)
    }

    /// Starts a server that closes connections unread while `is_on` says no.
    fn start_if(is_on: Box<dyn Fn() -> bool + Send>, answer: Answer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::Builder::new()
            .name("test-server".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    if !is_on() {
                        continue;
                    }
                    if let Some((asked, stream)) = read(stream) {
                        let (status, body) = answer(&asked);
                        log.lock().expect("not poisoned").push(asked);
                        reply(stream, status, &body);
                    }
                }
            })
            .expect("a thread");
        Self { base, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("not poisoned").clone()
    }

    fn count(&self, what: &str) -> usize {
        self.asked().iter().filter(|asked| asked.what == what).count()
    }
}

fn read(stream: TcpStream) -> Option<(Asked, TcpStream)> {
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let what = line.rsplit_once(' ')?.0.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let token = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some((Asked { what, token, body }, reader.into_inner()))
}

fn reply(mut stream: TcpStream, status: u16, body: &Value) {
    // Headers of an answer that a gateway had kept; the field is none of the service's.
    let kept = body["kept_s"].as_u64().map(|age| format!("age: {age}\r\ncache-status: kinora-gateway; hit\r\n"));
    let kept = kept.unwrap_or_default();
    // An array of numbers is a file.
    let file = body.as_array().and_then(|bytes| bytes.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect());
    let text = || if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let body: Vec<u8> = file.unwrap_or_else(text);
    let head = format!("HTTP/1.1 {status} x\r\n{kept}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // A client that has gone away is the test's own business.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

/// The client under test; replies are waited for by its wake-up.
struct Client {
    service: Service,
    woken: Receiver<()>,
}

impl Client {
    fn start(server: &Server, directory: &Path) -> Self {
        Self::start_at(&server.base, None, directory)
    }

    /// Starts a client that trusts the key of a pin only.
    fn start_at(base: &str, pin: Option<KeyPin>, directory: &Path) -> Self {
        let (wake, woken): (SyncSender<()>, _) = sync_channel(64);
        let options = ServiceOptions {
            base: base.parse().expect("an address"),
            pin,
            secrets: SecretChoice::File,
            directory: Some(directory.to_owned()),
            device: DeviceInfo {
                id: "device".into(),
                name: "test".to_owned(),
                platform: "linux-desktop".to_owned(),
                app_version: "0".to_owned(),
            },
        };
        // A full queue holds wake-ups enough.
        let wake = Arc::new(move || {
            let _ = wake.try_send(());
        });
        let service = Service::start(options, wake).expect("a thread");
        let mut client = Self { service, woken };
        let Reply::SecretsAt { place, .. } = client.next() else { panic!("the first reply tells where secrets are") };
        assert!(place.contains("encrypted file"), "{place}");
        client
    }

    fn next(&mut self) -> Reply {
        loop {
            if let Some(reply) = self.service.poll() {
                return reply;
            }
            self.woken.recv_timeout(DEADLINE).expect("a reply in time");
        }
    }

    fn ask(&mut self, request: Request) -> Reply {
        assert!(self.service.ask(request));
        self.next()
    }

    fn sign_in(&mut self) -> Reply {
        let credentials = Credentials { email: "demo@kinora.example".to_owned(), password: "pw".into(), code: None };
        self.ask(Request::SignIn { credentials, patient: false })
    }
}

fn tokens(number: u32) -> Value {
    json!({
        "access_token": format!("access-{number}"), "access_expires_at": 0, "access_expires_in_ms": 600_000,
        "refresh_token": format!("refresh-{number}"), "refresh_expires_at": 0,
    })
}

fn account() -> Value {
    json!({
        "id": "a", "email": "demo@kinora.example", "display_name": "Demo", "max_streams": 2,
        "profiles": [{"id": "p", "name": "Demo"}],
    })
}

/// Answer to a sign-in, with the tokens of a number.
fn signed_in(number: u32) -> (u16, Value) {
    (200, json!({"tokens": tokens(number), "account": account()}))
}

fn error(code: kinora_api::ErrorCode) -> (u16, Value) {
    let body = kinora_api::ApiError::new(code, "no");
    (code.http_status(), serde_json::to_value(body).expect("serialises"))
}

/// A service where access token 1 is past its time from the beginning, and refreshing leads to token 2.
fn service(refresh: fn(&str) -> (u16, Value)) -> Server {
    Server::start(Box::new(move |asked| match (asked.what.as_str(), asked.token.as_deref()) {
        ("POST /v1/sign-in", _) => signed_in(1),
        ("POST /v1/refresh", _) => refresh(asked.body["refresh_token"].as_str().unwrap_or_default()),
        ("GET /v1/home", Some("access-2")) => (200, json!({"rows": []})),
        ("GET /v1/account", Some("access-2")) => (200, account()),
        ("POST /v1/playback/s/stop", Some("access-2")) => (204, Value::Null),
        (_, Some("access-1") | None) => error(kinora_api::ErrorCode::SignInExpired),
        _ => error(kinora_api::ErrorCode::NotFound),
    }))
}

fn refresh_once(token: &str) -> (u16, Value) {
    if token == "refresh-1" { (200, tokens(2)) } else { error(kinora_api::ErrorCode::SignInRevoked) }
}

#[test]
fn an_expired_token_is_refreshed_once_for_all_and_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = service(refresh_once);
    let mut client = Client::start(&server, directory.path());
    assert!(matches!(client.sign_in(), Reply::SignedIn(Ok(account)) if account.display_name == "Demo"));
    for _ in 0..6 {
        assert!(client.service.ask(Request::Home));
    }
    for _ in 0..6 {
        assert!(matches!(client.next(), Reply::Home(Ok(_))));
    }
    assert_eq!(server.count("POST /v1/refresh"), 1, "a refresh token works once");
    drop(client);

    let mut again = Client::start(&server, directory.path());
    assert!(matches!(again.ask(Request::Restore), Reply::Restored(Some(account)) if account.display_name == "Demo"));
    assert_eq!(server.count("POST /v1/sign-in"), 1);
    assert_eq!(server.count("POST /v1/refresh"), 1, "the new pair was stored");
}

#[test]
fn a_revoked_sign_in_is_lost_and_forgotten() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = service(|_| error(kinora_api::ErrorCode::SignInRevoked));
    let mut client = Client::start(&server, directory.path());
    assert!(matches!(client.sign_in(), Reply::SignedIn(Ok(_))));
    assert!(matches!(client.ask(Request::Home), Reply::SessionLost));
    drop(client);
    let mut again = Client::start(&server, directory.path());
    assert!(matches!(again.ask(Request::Restore), Reply::Restored(None)));
}

#[test]
fn signing_out_revokes_and_forgets() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = service(refresh_once);
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    assert!(matches!(client.ask(Request::SignOut), Reply::SignedOut));
    assert!(matches!(client.ask(Request::Home), Reply::SessionLost), "nobody is signed in");
    drop(client);
    let sent = server.asked().into_iter().find(|asked| asked.what == "POST /v1/sign-out").expect("it was told");
    assert_eq!(sent.body["refresh_token"], "refresh-1");
    let mut again = Client::start(&server, directory.path());
    assert!(matches!(again.ask(Request::Restore), Reply::Restored(None)));
}

#[test]
fn the_last_position_is_sent_even_when_the_app_is_closed_at_once() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = service(refresh_once);
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    let grant = serde_json::from_value(json!({
        "session_id": "s", "title_id": "t", "sources": [], "expires_at": 0, "expires_in_ms": 600_000,
        "renew_path": "/v1/playback/s/renew", "heartbeat_path": "/v1/playback/s/heartbeat",
        "heartbeat_interval_ms": 60_000, "stop_path": "/v1/playback/s/stop", "resume_position_ms": 0,
        "duration_ms": 60_000,
    }));
    let playing = Heartbeat { position_ms: 12_345, phase: PlaybackPhase::Playing };
    let probe = playing.clone();
    assert!(client.service.watch(grant.expect("a grant"), Arc::new(move || probe.clone())));
    assert!(client.service.stop(playing));
    drop(client);
    let sent: Vec<Asked> = server.asked();
    let stops: Vec<&Asked> = sent.iter().filter(|asked| asked.what == "POST /v1/playback/s/stop").collect();
    let last = stops.last().expect("the last position was sent");
    assert_eq!(last.token.as_deref(), Some("access-2"), "after a refresh");
    assert_eq!(last.body, json!({"position_ms": 12_345, "phase": "stopped"}));
}

#[test]
fn permission_from_before_play_is_asked_for_as_such_and_costs_nothing() {
    let directory = tempfile::tempdir().expect("a folder");
    let edge = Server::start(Box::new(|_| (200, json!([1, 2, 3]))));
    let manifest = format!("{}/t/T/film/master.m3u8", edge.base);
    let server = Server::start(Box::new(move |asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        "POST /v1/playback" => (
            200,
            json!({
                "session_id": "s", "title_id": "t", "expires_at": 0, "expires_in_ms": 600_000,
                "sources": [{"protocol": "dash", "urls": []}, {"protocol": "hls", "urls": [manifest]}],
                "renew_path": "/v1/playback/s/renew", "heartbeat_path": "/v1/playback/s/heartbeat",
                "heartbeat_interval_ms": 60_000, "stop_path": "/v1/playback/s/stop", "resume_position_ms": 9_000,
                "duration_ms": 60_000,
            }),
        ),
        "POST /v1/playback/s/heartbeat" => error(kinora_api::ErrorCode::TooManyStreams),
        "POST /v1/playback/s/stop" => (204, Value::Null),
        _ => error(kinora_api::ErrorCode::NotFound),
    }));
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    let mut prepare = |manifest| match client.ask(Request::Prepare { id: "t".into(), manifest }) {
        Reply::Prepared(id, Ok(grant)) if id.as_str() == "t" => grant,
        other => panic!("permission is expected: {other:?}"),
    };
    prepare(false);
    let grant = prepare(true);
    let Reply::Claimed(claimed, Err(failure)) = client.ask(Request::Claim(grant.clone())) else {
        panic!("a refusal is expected")
    };
    assert_eq!((claimed, failure.error.code), (grant.clone(), ErrorCode::TooManyStreams));
    assert!(client.service.ask(Request::Abandon(grant)));
    // What was ordered is finished first.
    drop(client);
    let fetched: Vec<Asked> = edge.asked();
    assert_eq!(fetched.len(), 1, "no manifest without the wish for it");
    assert_eq!((fetched[0].what.as_str(), &fetched[0].token), ("GET /t/T/film/master.m3u8", &None));
    let sent = server.asked();
    let bodies = |what: &str| -> Vec<Value> {
        sent.iter().filter(|asked| asked.what == what).map(|asked| asked.body.clone()).collect()
    };
    let request = json!({"title_id": "t", "protocols": ["hls", "dash"], "ahead": true});
    assert_eq!(bodies("POST /v1/playback"), [request.clone(), request]);
    assert_eq!(bodies("POST /v1/playback/s/heartbeat"), [json!({"position_ms": 0, "phase": "buffering"})]);
    // The place to resume from is not recorded again: the title keeps its place in "Continue watching".
    assert_eq!(bodies("POST /v1/playback/s/stop"), [json!({"position_ms": 0, "phase": "stopped"})]);
}

#[test]
fn answers_that_are_not_the_services_are_typed_errors() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = Server::start(Box::new(|asked| match asked.what.as_str() {
        "POST /v1/sign-in" => signed_in(2),
        "GET /v1/home" => (200, json!("not a home screen")),
        "GET /v1/titles/gone" => error(kinora_api::ErrorCode::TitleNotFound),
        "POST /v1/playback" => error(kinora_api::ErrorCode::TooManyStreams),
        _ => (502, json!("a proxy's page")),
    }));
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    let Reply::Home(Err(failure)) = client.ask(Request::Home) else { panic!("an error is expected") };
    assert_eq!(failure.error.code, ErrorCode::ServiceUnavailable);
    let gone = TitleId::from("gone");
    let Reply::Title(id, Err(failure)) = client.ask(Request::Title(gone.clone())) else {
        panic!("an error is expected")
    };
    assert_eq!((id, failure.error.code), (gone.clone(), ErrorCode::TitleNotFound));
    let Reply::Granted(_, Err(failure)) = client.ask(Request::Authorize(gone)) else { panic!("an error is expected") };
    assert_eq!(failure.error.code, ErrorCode::TooManyStreams);
    let picture = client.ask(Request::Image("/v1/images/t/poster.jpg".to_owned()));
    assert!(matches!(picture, Reply::Image { picture: None, .. }));
}

#[test]
fn nobody_answering_is_a_typed_error_with_advice() {
    let directory = tempfile::tempdir().expect("a folder");
    // The port was free a moment ago and nobody listens on it now.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr()).expect("a port");
    let server = Server { base: format!("http://{free}"), asked: Arc::default() };
    let mut client = Client::start(&server, directory.path());
    let Reply::SignedIn(Err(failure)) = client.sign_in() else { panic!("an error is expected") };
    assert_eq!(failure.error.code, ErrorCode::NetworkUnreachable);
    assert!(failure.for_form().contains(ErrorCode::NetworkUnreachable.advice()));
}

/// A service that can be switched off and on: while off, connections are closed before anything is read.
struct Switched {
    server: Server,
    on: Arc<AtomicBool>,
}

impl Switched {
    fn start() -> Self {
        let on = Arc::new(AtomicBool::new(true));
        let here = Arc::clone(&on);
        let home =
            |heading: &str| json!({"rows": [{"id": "all", "kind": {"type": "all"}, "heading": heading, "titles": []}]});
        let server = Server::start_if(
            Box::new(move || here.load(Ordering::SeqCst)),
            Box::new(move |asked| match asked.what.as_str() {
                "POST /v1/sign-in" => signed_in(1),
                "GET /v1/account" => (200, account()),
                "GET /v1/home" => (200, home("for all")),
                "GET /v1/home?profile=kids" => (200, home("for children")),
                "GET /v1/search?q=night&limit=60&profile=kids" => (200, json!({"query": "night", "titles": []})),
                "PUT /v1/positions/t" => {
                    let position = asked.body["position_ms"].clone();
                    let taken = json!({"title_id": "t", "position_ms": position, "duration_ms": 60_000,
                                       "finished": false, "updated_at": 1});
                    (200, taken)
                }
                "POST /v1/sign-out" | "POST /v1/playback/s/stop" => (204, Value::Null),
                _ => error(kinora_api::ErrorCode::NotFound),
            }),
        );
        Self { server, on }
    }

    fn switch(&self, on: bool) {
        self.on.store(on, Ordering::SeqCst);
    }
}

fn heading(home: &kinora_api::Home) -> &str {
    &home.rows[0].heading
}

#[test]
fn a_stored_session_and_what_was_last_seen_survive_a_start_without_the_service() {
    let directory = tempfile::tempdir().expect("a folder");
    let service = Switched::start();
    let mut client = Client::start(&service.server, directory.path());
    client.sign_in();
    assert!(matches!(client.ask(Request::Home), Reply::Home(Ok(_))));
    let kids = Some(kinora_api::ProfileId::from("kids"));
    assert!(matches!(client.ask(Request::UseProfile(kids.clone())), Reply::ProfileInUse(profile) if profile == kids));
    assert!(matches!(client.ask(Request::Home), Reply::Home(Ok(home)) if heading(&home) == "for children"));
    let Reply::Found(query, Ok(_)) = client.ask(Request::Search("night".into())) else { panic!("it was found") };
    assert_eq!(query, "night".into());
    drop(client);

    service.switch(false);
    let mut client = Client::start(&service.server, directory.path());
    let Reply::Offline { failure, account, homes } = client.ask(Request::Restore) else {
        panic!("a service that is away is no reason to sign out")
    };
    assert!(failure.is_outage());
    assert_eq!(account.expect("the account is known").display_name, "Demo");
    let seen: Vec<_> = homes.iter().map(|seen| (seen.profile.clone(), heading(&seen.home))).collect();
    assert_eq!(seen, [(kids, "for children"), (None, "for all")]);
    assert!(matches!(client.ask(Request::Home), Reply::Home(Err(failure)) if failure.is_outage()));

    service.switch(true);
    assert!(matches!(client.ask(Request::Restore), Reply::Restored(Some(_))), "the tokens were kept");
    assert!(matches!(client.ask(Request::SignOut), Reply::SignedOut));
    drop(client);
    service.switch(false);
    let mut client = Client::start(&service.server, directory.path());
    assert!(matches!(client.ask(Request::Restore), Reply::Restored(None)), "signed out is signed out");
    let kept = std::fs::read_dir(directory.path().join("home")).expect("lists").count();
    assert_eq!(kept, 0, "nothing of the account stays on disk");
}

#[test]
fn another_account_sees_nothing_of_the_one_before() {
    let directory = tempfile::tempdir().expect("a folder");
    let service = Switched::start();
    let mut client = Client::start(&service.server, directory.path());
    client.sign_in();
    assert!(matches!(client.ask(Request::Home), Reply::Home(Ok(_))));
    service.switch(false);
    let credentials = Credentials { email: "other@kinora.example".to_owned(), password: "pw".into(), code: None };
    let reply = client.ask(Request::SignIn { credentials, patient: true });
    let Reply::Offline { account: None, homes, .. } = reply else { panic!("{reply:?}") };
    assert!(homes.is_empty());
}

#[test]
fn posters_are_on_the_disk_for_the_next_start_and_signing_out_deletes_them() {
    let directory = tempfile::tempdir().expect("a folder");
    let is_on = Arc::new(AtomicBool::new(true));
    let on = Arc::clone(&is_on);
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbaImage::new(6, 4).write_to(&mut png, image::ImageFormat::Png).expect("writes to memory");
    let png = json!(png.into_inner());
    let server = Server::start_if(
        Box::new(move || on.load(Ordering::SeqCst)),
        Box::new(move |asked| match asked.what.as_str() {
            "GET /v1/images/a/poster.png" => (200, png.clone()),
            "POST /v1/sign-in" => signed_in(1),
            _ => (204, Value::Null),
        }),
    );
    let poster = |client: &mut Client| {
        let reply = client.ask(Request::Image("/v1/images/a/poster.png".to_owned()));
        let Reply::Image { picture, .. } = reply else { panic!("{reply:?}") };
        picture.map(|picture| (picture.width, picture.height))
    };
    let fetched = || server.count("GET /v1/images/a/poster.png");
    let mut client = Client::start(&server, directory.path());
    assert!(matches!(client.sign_in(), Reply::SignedIn(Ok(_))));
    assert_eq!(poster(&mut client), Some((6, 4)));
    drop(client);
    is_on.store(false, Ordering::SeqCst);
    let mut client = Client::start(&server, directory.path());
    assert_eq!(poster(&mut client), Some((6, 4)));
    assert_eq!(fetched(), 1);
    is_on.store(true, Ordering::SeqCst);
    assert!(matches!(client.ask(Request::SignOut), Reply::SignedOut));
    assert_eq!(poster(&mut client), Some((6, 4)));
    assert_eq!(fetched(), 2);
}

#[test]
fn a_position_that_the_service_could_not_take_is_sent_when_it_is_back() {
    let directory = tempfile::tempdir().expect("a folder");
    let service = Switched::start();
    let mut client = Client::start(&service.server, directory.path());
    client.sign_in();
    let grant = serde_json::from_value(json!({
        "session_id": "s", "title_id": "t", "sources": [], "expires_at": 0, "expires_in_ms": 600_000,
        "renew_path": "/v1/playback/s/renew", "heartbeat_path": "/v1/playback/s/heartbeat",
        "heartbeat_interval_ms": 60_000, "stop_path": "/v1/playback/s/stop", "resume_position_ms": 0,
        "duration_ms": 60_000,
    }));
    let playing = Heartbeat { position_ms: 12_345, phase: PlaybackPhase::Playing };
    let probe = playing.clone();
    assert!(client.service.watch(grant.expect("a grant"), Arc::new(move || probe.clone())));
    service.switch(false);
    assert!(client.service.stop(playing));
    assert!(matches!(client.next(), Reply::PlaybackStopped));
    drop(client);

    service.switch(true);
    let mut client = Client::start(&service.server, directory.path());
    assert!(matches!(client.ask(Request::Restore), Reply::Restored(Some(_))));
    for _ in 0..2 {
        assert!(matches!(client.ask(Request::Home), Reply::Home(Ok(_))));
    }
    let asked = service.server.asked();
    let sent: Vec<&Asked> = asked.iter().filter(|asked| asked.what == "PUT /v1/positions/t").collect();
    assert_eq!(sent.len(), 1, "once is enough");
    assert_eq!(sent[0].body["position_ms"], 12_345);
    assert!(sent[0].body["recorded_at"].as_i64().is_some_and(|at| at > 0), "it carries its time: {:?}", sent[0].body);
}
