//! Streams that nobody here made: the playback corpus of the conformance kit, through the command line.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::servers::{Server, python};
use crate::support::{binary, material};

/// What this version claims to play.
const FEATURES: [&str; 8] = [
    "fmp4",
    "rendition-audio",
    "rendition-subtitles",
    "webvtt",
    "program-date-time",
    "segment-template",
    "segment-timeline",
    "service-description",
];

fn within_claims(entry: &Value) -> bool {
    let features: BTreeSet<&str> = entry["features"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let codecs = entry["probe"]["streams"].as_array();
    let known = codecs.is_some_and(|streams| {
        streams.iter().all(|stream| matches!(stream["codec"].as_str(), Some("h264" | "aac") | None))
    });
    entry["full_play"] == true && features.iter().all(|feature| FEATURES.contains(feature)) && known
}

/// Plays an address to its end; the report.
fn play(server: &Server, entry: &str) -> Value {
    let url = server.url.join(entry).unwrap();
    let output = Command::new(binary("kinora-qa"))
        .args(["play", url.as_str(), "--until-end", "--render", "decode"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.trim()).unwrap_or_else(|error| {
        panic!("no report for {entry}: {error}: {text} {}", String::from_utf8_lossy(&output.stderr))
    })
}

fn faults(entry: &Value, report: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if report["outcome"] != "ended" {
        faults.push(format!("outcome {}, error {}", report["outcome"], report["error"]));
        return faults;
    }
    let duration = entry["duration_s"].as_f64().unwrap();
    let played = report["played_s"].as_f64().unwrap();
    if (played - duration).abs() > 0.2 {
        faults.push(format!("played {played} s of {duration} s"));
    }
    let streams = entry["probe"]["streams"].as_array().unwrap();
    let frames = streams.iter().find(|stream| stream["kind"] == "video").map(|stream| &stream["packets"]);
    if let Some(frames) = frames.filter(|frames| report["frames"]["presented"] != **frames) {
        faults.push(format!("{} frames of {frames}", report["frames"]));
    }
    faults
}

#[test]
fn every_entry_within_our_claims_plays_to_its_end() {
    let Some(kit) = material("corpus", "conformance/public") else { return };
    let list: Value = serde_json::from_slice(&std::fs::read(kit.join("playback.json")).unwrap()).unwrap();
    let server = python(&kit.join("files"));
    let mut wrong = Vec::new();
    let entries: Vec<&Value> =
        list["entries"].as_array().unwrap().iter().filter(|entry| within_claims(entry)).collect();
    assert!(entries.len() >= 4, "the kit has entries for us");
    for entry in entries {
        let name = entry["entry"].as_str().unwrap();
        let report = play(&server, name);
        wrong.extend(faults(entry, &report).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Entries that need what is not built yet must say so and end: no hang, no panic.
#[test]
fn every_other_entry_ends_or_fails_with_one_typed_error() {
    let Some(kit) = material("corpus", "conformance/public") else { return };
    let list: Value = serde_json::from_slice(&std::fs::read(kit.join("playback.json")).unwrap()).unwrap();
    let server = python(&kit.join("files"));
    for entry in list["entries"].as_array().unwrap().iter().filter(|entry| !within_claims(entry)) {
        let name = entry["entry"].as_str().unwrap();
        let report = play_briefly(&server, name);
        let outcome = report["outcome"].as_str().unwrap();
        let named = report["error"]["name"].is_string() && report["error"]["code"].as_u64().is_some_and(|c| c < 9000);
        assert!(outcome != "failed" || named, "{name}: {report}");
    }
}

fn play_briefly(server: &Server, entry: &str) -> Value {
    let report = tempfile::NamedTempFile::new().unwrap();
    let url = server.url.join(entry).unwrap();
    let path: &Path = report.path();
    let output = Command::new(binary("kinora-qa"))
        .args(["play", url.as_str(), "--seconds", "2", "--render", "null", "--start-timeout", "8", "--report"])
        .arg(path)
        .output()
        .unwrap();
    let status = output.status.code();
    assert!(matches!(status, Some(0 | 3)), "{entry}: {status:?} {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
