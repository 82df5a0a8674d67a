//! Streams that nobody here made: the playback corpus of the conformance kit, through the command line, from a server
//! that knows ranges and from one that ignores them.
//!
//! Films play four times as fast, so that all of them take a minute.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use crate::support::servers::{Server, edge, python};
use crate::support::{binary, material};

/// Guard against hanging, seconds: no entry of the kit plays for so long.
const PATIENCE: &str = "150";
/// Sessions at the same time.
const AT_ONCE: usize = 3;
/// How far from the announced length a film may end, seconds.
const LIMIT: f64 = 0.1;
/// How much further it may end, as a share of that length and at least a frame of sound or ten: some media goes on
/// behind what its playlist announces, and all of it is played.
const OVERRUN: f64 = 0.04;
const OVERRUN_LEAST: f64 = 0.2;

fn entries(kit: &Path) -> Vec<Value> {
    let list: Value = serde_json::from_slice(&std::fs::read(kit.join("playback.json")).unwrap()).unwrap();
    list["entries"].as_array().unwrap().clone()
}

fn name(entry: &Value) -> &str {
    entry["entry"].as_str().unwrap()
}

/// Plays an entry to its end; the report.
fn play(server: &Server, entry: &Value) -> Result<Value, String> {
    let url = server.url.join(name(entry)).unwrap();
    let report = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(binary("kinora-qa"));
    command.args(["play", url.as_str(), "--until-end", "--seconds", PATIENCE, "--render", "decode", "--rate", "4"]);
    for (id, key) in entry["keys"].as_object().into_iter().flatten() {
        command.args(["--clearkey", &format!("{id}:{}", key.as_str().unwrap())]);
    }
    let output = command.arg("--report").arg(report.path()).output().unwrap();
    let text = std::fs::read_to_string(report.path()).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let parsed: Value = serde_json::from_str(text.trim()).map_err(|error| format!("no report: {error}: {said}"))?;
    let failed = parsed["outcome"] == "failed";
    if output.status.code() != Some(if failed { 3 } else { 0 }) {
        return Err(format!("exit status {:?} for {}: {said}", output.status, parsed["outcome"]));
    }
    Ok(parsed)
}

/// The pictures of the one stream of pictures, when there is no choice of several. Not for DASH, where FFmpeg counts all
/// representations together, nor for playlists of key frames, where it counts what lies between them.
fn frames(entry: &Value) -> Option<u64> {
    let iframes = entry["features"].as_array().is_some_and(|features| features.iter().any(|name| name == "iframes"));
    if entry["protocol"] == "dash" || iframes || name(entry).ends_with(".mpd") {
        return None;
    }
    let mut video = entry["probe"]["streams"].as_array()?.iter().filter(|stream| stream["kind"] == "video");
    let only = video.next()?["packets"].as_u64();
    only.filter(|_| video.next().is_none())
}

/// What is wrong with a film that must play to its end.
fn unplayed(entry: &Value, report: &Value) -> Option<String> {
    if report["outcome"] != "ended" {
        return Some(format!("outcome {}, error {}", report["outcome"], report["error"]));
    }
    let (told, played) = (entry["duration_s"].as_f64().unwrap(), report["played_s"].as_f64().unwrap());
    if played < told - LIMIT || played > told + LIMIT + (told * OVERRUN).max(OVERRUN_LEAST) {
        return Some(format!("played {played} s of {told} s"));
    }
    let presented = report["frames"]["presented"].as_u64();
    let wrong = frames(entry).filter(|frames| presented != Some(*frames));
    wrong.map(|frames| format!("{} frames of {frames}", report["frames"]))
}

/// What is wrong with a film that may fail: it must end, or name one cause.
fn unexplained(entry: &Value, report: &Value) -> Option<String> {
    let error = &report["error"];
    let typed = error["name"].is_string() && error["code"].as_u64().is_some_and(|code| (1000..9000).contains(&code));
    match report["outcome"].as_str() {
        Some("ended") if entry["live"] != true => None,
        // Snapshots of live streams: what they list is played, and nothing is ever added.
        Some("failed") if entry["live"] == true && entry["complete"] == true && error["name"] != "LiveStopped" => {
            Some(format!("a live stream: {error}"))
        }
        Some("failed") if typed && error["message"].as_str().is_some_and(|text| !text.is_empty()) => None,
        _ => Some(format!("outcome {}, error {error}", report["outcome"])),
    }
}

/// Returns the fault in the account of video samples: each has one end, and none is discarded.
fn unaccounted(report: &Value) -> Option<String> {
    let frames = &report["frames"];
    let sum = |counts: &Value| counts.as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    let count = |name: &str| frames[name].as_u64().unwrap();
    let (lost, discarded) = (sum(&frames["lost"]), sum(&frames["discarded"]));
    let ends = count("presented") + count("dropped") + lost + discarded;
    let wrong = count("received") != ends || report["outcome"] == "ended" && discarded > 0;
    wrong.then(|| format!("the account of frames: {frames}"))
}

fn check(server: &Server, entry: &Value) -> Option<String> {
    let fault = match play(server, entry) {
        Err(fault) => Some(fault),
        Ok(report) if !report["frames"].is_null() && unaccounted(&report).is_some() => unaccounted(&report),
        Ok(report) if entry["full_play"] == true => unplayed(entry, &report),
        Ok(report) => unexplained(entry, &report),
    };
    fault.map(|fault| format!("{}: {fault}", name(entry)))
}

fn check_all(server: &Server, entries: &[Value]) {
    let todo: Mutex<VecDeque<&Value>> = Mutex::new(entries.iter().collect());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(entry) = todo.lock().unwrap().pop_front() else { break };
                    let fault = check(server, entry);
                    wrong.lock().unwrap().extend(fault);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), entries.len(), wrong.join("\n"));
}

fn kit() -> Option<PathBuf> {
    material("corpus", "conformance/public")
}

#[test]
fn every_entry_plays_to_its_end_or_names_what_it_lacks() {
    let Some(kit) = kit() else { return };
    let server = python(&kit.join("files"));
    let entries = entries(&kit);
    assert!(entries.iter().filter(|entry| entry["full_play"] == true).count() >= 20, "the kit has films");
    check_all(&server, &entries);
}

#[test]
fn a_server_that_knows_ranges_serves_those_that_need_them() {
    let Some(kit) = kit() else { return };
    let origin = python(&kit.join("files"));
    let server = edge(&origin.url, &[]);
    let ranged = |entry: &Value| {
        let features = entry["features"].as_array().unwrap();
        features.iter().any(|feature| matches!(feature.as_str(), Some("byterange" | "segment-base" | "segment-list")))
    };
    let entries: Vec<Value> = entries(&kit).into_iter().filter(ranged).collect();
    assert!(!entries.is_empty());
    check_all(&server, &entries);
}
