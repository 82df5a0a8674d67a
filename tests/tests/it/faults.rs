//! Servers that misbehave: each way ends in recovery or in one typed error, never in a hang or a panic.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;
use url::Url;

use crate::support::servers::{edge, python};
use crate::support::{binary, film, films};

struct Session {
    report: Value,
    events: Vec<Value>,
    status: i32,
}

/// Plays without decoding.
fn play(url: &Url, arguments: &[&str]) -> Session {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events");
    let output = Command::new(binary("kinora-qa"))
        .args(["play", url.as_str(), "--until-end", "--render", "null", "--rate", "4", "--events"])
        .arg(&events)
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = std::fs::read_to_string(events).unwrap();
    Session {
        report: serde_json::from_str(text.trim()).unwrap(),
        events: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        status: output.status.code().unwrap(),
    }
}

impl Session {
    fn warnings(&self) -> Vec<&Value> {
        self.events.iter().filter(|event| event["event"] == "warning").collect()
    }

    /// It played to the end, and every millisecond of it.
    fn recovered(&self, seconds: f64) {
        assert_eq!((self.status, &self.report["outcome"]), (0, &Value::from("ended")), "{}", self.report);
        // A report of the position comes 10 times a second; none of them is news (docs/adr/0021).
        let woken = self.report["host_wakeups"].as_u64().unwrap();
        assert!(woken <= 40, "the host was woken {woken} times without an event: {}", self.report);
        let played = self.report["played_s"].as_f64().unwrap();
        assert!((played - seconds).abs() < 0.3, "played {played} s of {seconds} s");
        assert!(self.events.iter().all(|event| event["event"] != "failed"));
    }

    /// It ended with exactly one error, this one.
    fn failed(&self, name: &str) {
        assert_eq!((self.status, &self.report["error"]["name"]), (3, &Value::from(name)), "{}", self.report);
        assert_eq!(self.events.iter().filter(|event| event["event"] == "failed").count(), 1);
    }
}

/// Plays the first demo film through an edge with one rule of faults.
fn with_fault(rule: &str) -> (Session, f64) {
    with_plan(&format!("seed = 1\n[[rule]]\n{rule}\n"), &[])
}

/// Plays the first demo film through an edge with a plan of faults.
fn with_plan(text: &str, arguments: &[&str]) -> (Session, f64) {
    let film = film(0);
    let origin = python(&films());
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    std::fs::write(&plan, text).unwrap();
    let edge = edge(&origin.url, &["--chaos", plan.to_str().unwrap()]);
    let session = play(&edge.url.join(&format!("{}/master.m3u8", film.id)).unwrap(), arguments);
    (session, film.duration_ms as f64 / 1000.0)
}

const THIRD: &str = "path = 'video/.*m4s'\nsegments = { from = 3, to = 3 }\n";

#[test]
fn a_segment_that_is_missing_everywhere_is_skipped_with_a_warning() {
    let (session, seconds) = with_fault(&format!("{THIRD}fault = {{ type = 'status', code = 404 }}"));
    session.recovered(seconds);
    assert!(session.warnings().iter().any(|event| event["error"]["context"]["http_status"] == 404));
}

#[test]
fn a_server_that_is_busy_twice_costs_nothing() {
    let (session, seconds) = with_fault(&format!("{THIRD}count = 2\nfault = {{ type = 'status', code = 503 }}"));
    session.recovered(seconds);
    assert!(session.report["retries"].as_u64().unwrap() >= 2);
}

#[test]
fn a_truncated_segment_is_fetched_again() {
    let (session, seconds) =
        with_fault(&format!("{THIRD}count = 1\nfault = {{ type = 'truncate', after_bytes = 900 }}"));
    session.recovered(seconds);
    assert!(!session.warnings().is_empty());
}

#[test]
fn a_corrupt_segment_does_not_end_the_film() {
    let (session, seconds) = with_fault(&format!("{THIRD}fault = {{ type = 'corrupt', from = 0, every = 3 }}"));
    session.recovered(seconds);
    assert!(!session.warnings().is_empty());
}

#[test]
fn a_connection_that_is_reset_in_the_middle_is_made_again() {
    let (session, seconds) = with_fault(&format!("{THIRD}count = 1\nfault = {{ type = 'reset', after_bytes = 2000 }}"));
    session.recovered(seconds);
}

#[test]
fn a_body_that_stalls_is_given_up_and_fetched_again() {
    let (session, seconds) = with_fault(&format!("{THIRD}count = 1\nfault = {{ type = 'stall', after_bytes = 2000 }}"));
    session.recovered(seconds);
    // Given up for a smaller one, or continued after the bytes before the stall.
    assert!(session.report["bytes"]["wasted"].as_u64().unwrap() <= 2000, "{}", session.report);
}

/// Each segment of a fixed quality breaks off in the middle, once by a reset and one of them by a stall; the rest of it is
/// all that is fetched again.
#[test]
fn a_fixed_quality_on_a_link_that_breaks_fetches_every_byte_once() {
    let rule = |number: u32, kind: &str| {
        format!(
            "[[rule]]\npath = 'video/240p/.*m4s'\nsegments = {{ from = {number}, to = {number} }}\ncount = 1\n\
             fault = {{ type = '{kind}', after_permille = 600 }}\n"
        )
    };
    let resets = (3..7).map(|number| rule(number, "reset"));
    let rules: String = resets.chain([rule(2, "stall")]).collect();
    let fixed = ["--abr", "lowest"];
    let (calm, seconds) = with_plan("seed = 1\n", &fixed);
    calm.recovered(seconds);
    let (broken, _) = with_plan(&format!("seed = 1\n{rules}"), &fixed);
    broken.recovered(seconds);
    let bytes = |session: &Session, name: &str| session.report["bytes"][name].as_u64().unwrap();
    assert_eq!(broken.report["retries"], 5, "{}", broken.report);
    assert_eq!(broken.warnings().len(), 5);
    assert_eq!((bytes(&calm, "wasted"), bytes(&broken, "wasted")), (0, 0));
    assert_eq!(bytes(&broken, "media"), bytes(&calm, "media"));
    assert_eq!(broken.report["frames"]["presented"], calm.report["frames"]["presented"]);
}

#[test]
fn initialisation_data_that_is_missing_moves_playback_to_another_quality() {
    let (session, seconds) = with_fault("path = 'video/240p/init.mp4'\nfault = { type = 'status', code = 404 }");
    session.recovered(seconds);
}

#[test]
fn a_manifest_that_is_missing_is_one_typed_error() {
    let origin = python(&films());
    let session = play(&origin.url.join("nothing/here.m3u8").unwrap(), &[]);
    session.failed("HttpStatus");
    assert_eq!(session.report["error"]["context"]["http_status"], 404);
    assert_eq!(session.report["error"]["context"]["stage"], "manifest");
}

/// A server that answers every connection with the same bytes, a bounded number of times.
fn always(answer: &'static [u8], hold: bool) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.m3u8", listener.local_addr().unwrap()).parse().unwrap();
    let serve = move || {
        for _ in 0..64 {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(answer);
            if hold {
                let _ = stream.read(&mut head);
            }
        }
    };
    std::thread::Builder::new().name("test-server".into()).spawn(serve).unwrap();
    url
}

#[test]
fn a_page_instead_of_a_manifest_is_one_typed_error() {
    let page =
        b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\nConnection: close\r\n\r\n<!doctype html><title>Sign in</title>   ";
    play(&always(page, false), &[]).failed("NotAManifest");
}

#[test]
fn an_empty_answer_is_one_typed_error() {
    let nothing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    play(&always(nothing, false), &[]).failed("NotAManifest");
}

#[test]
fn a_manifest_that_stalls_is_one_typed_error() {
    let stalls = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n#EXTM3U\n";
    play(&always(stalls, true), &["--start-timeout", "60"]).failed("NetworkTimeout");
}

#[test]
fn a_refused_connection_is_one_typed_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}/a.mpd", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    play(&url, &["--start-timeout", "60"]).failed("NetworkUnreachable");
}

#[test]
fn nothing_in_time_is_a_failure_that_says_so() {
    let stalls = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n#EXTM3U\n";
    let session = play(&always(stalls, true), &["--start-timeout", "1"]);
    assert_eq!((session.status, &session.report["error"]["name"]), (3, &Value::from("NetworkTimeout")));
}

#[test]
fn a_session_that_showed_nothing_did_not_play() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}/a.mpd", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let session = play(&url, &["--seconds", "1"]);
    assert_eq!((session.status, &session.report["outcome"]), (3, &Value::from("failed")));
    assert_eq!(session.report["error"]["name"], "NetworkUnreachable", "the cause is named, not only the time");
}
