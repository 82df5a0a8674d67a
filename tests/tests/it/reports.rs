//! The command line keeps its contract: reports, events, exit statuses.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::servers::python;
use crate::support::{binary, film, films};

fn qa(arguments: &[&str]) -> Output {
    Command::new(binary("kinora-qa")).args(arguments).output().unwrap()
}

/// The same, where it must succeed.
fn plays(arguments: &[&str]) -> Output {
    let output = qa(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn a_session_with_a_seek_and_a_rate_reports_both() {
    let film = film(1);
    let server = python(&films());
    let url = server.url.join(&format!("{}/manifest.mpd", film.id)).unwrap();
    let output = plays(&["play", url.as_str(), "--until-end", "--rate", "2", "--seek", "14@2", "--prefer-audio", "fr"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(report["outcome"], "ended");
    let seek = &report["seeks"][0];
    assert_eq!((&seek["to_s"], &seek["error_ms"]), (&Value::from(14.0), &Value::from(0.0)), "{seek}");
    assert!(seek["latency_ms"].as_f64().unwrap() > 0.0);
    let played = report["played_s"].as_f64().unwrap();
    let total = film.duration_ms as f64 / 1000.0;
    let before = played - (total - 14.0);
    assert!((0.0..5.0).contains(&before), "what lies between the seek and its target is not played: {played}");
    for field in ["startup_ms", "peak_rss_bytes", "cpu_s"] {
        assert!(report[field].as_f64().unwrap() > 0.0, "{field}");
    }
    assert!(report["bytes"]["media"].as_u64().unwrap() > 100_000);
    assert!(report["live"].is_null());
}

/// Names of the representations of pictures that a session fetched.
fn fetched(url: &str, arguments: &[&str]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events");
    let common = ["play", url, "--render", "null", "--rate", "4", "--play-seconds", "14"];
    plays(&[&common, arguments, &["--events", events.to_str().unwrap()]].concat());
    let text = std::fs::read_to_string(events).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let pictures = events.filter(|event| event["event"] == "segment_loaded" && event["kind"] == "video");
    pictures.map(|event| event["representation"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_the_output_protects_and_the_most_bits_keep_rungs_away() {
    let film = film(1);
    let server = python(&films());
    let open = server.url.join(&format!("{}/master.m3u8", film.id)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let master = std::fs::read_to_string(films().join(&film.id).join("master.m3u8")).unwrap();
    let mut protected = String::new();
    for line in master.lines() {
        let line = line.replace("URI=\"", &format!("URI=\"{}", open.join(".").unwrap()));
        let is_address = !line.is_empty() && !line.starts_with('#');
        let line = if is_address { open.join(&line).unwrap().to_string() } else { line };
        // What is higher than 360 lines is protected.
        let high = line.starts_with("#EXT-X-STREAM-INF") && !line.contains("x360") && !line.contains("x240");
        protected.push_str(&if high { format!("{line},HDCP-LEVEL=TYPE-0\n") } else { line + "\n" });
    }
    assert!(protected.contains("HDCP-LEVEL"), "{master}");
    std::fs::write(folder.path().join("master.m3u8"), protected).unwrap();
    let other = python(folder.path());
    let protected = other.url.join("master.m3u8").unwrap();
    let all = fetched(protected.as_str(), &["--output-protection", "type-1"]);
    let some = fetched(protected.as_str(), &[]);
    // Named from the lowest up: 240 and 360 lines are the first two.
    assert!(some.last().is_some_and(|best| best.as_str() <= "v1"), "{some:?}");
    assert!(all.last().is_some_and(|best| best.as_str() > "v1"), "{all:?}");
    let capped = fetched(open.as_str(), &["--max-bitrate", "1"]);
    assert_eq!(capped.len(), 1, "only the lowest: {capped:?}");
}

#[test]
fn hashes_name_every_decoded_picture_and_repeat() {
    let film = film(2);
    let server = python(&films());
    let url = server.url.join(&format!("{}/master.m3u8", film.id)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["a", "b"] {
        let path = folder.path().join(name);
        let path_text = path.to_str().unwrap();
        plays(&["play", url.as_str(), "--abr", "lowest", "--play-seconds", "4", "--rate", "2", "--hash", path_text]);
        let text = std::fs::read_to_string(path).unwrap();
        files.push(text.lines().take(60).map(str::to_owned).collect::<Vec<_>>());
    }
    assert_eq!(files[0].len(), 60);
    assert_eq!(files[0], files[1], "the same pictures at the same times");
    let distinct: BTreeSet<&String> = files[0].iter().collect();
    assert_eq!(distinct.len(), 60, "the film moves");
}

#[test]
fn usage_errors_are_told_apart_from_failures() {
    assert_eq!(qa(&["play"]).status.code(), Some(2));
    assert_eq!(qa(&["play", "http://127.0.0.1:1/a", "--report", "/nowhere/at/all"]).status.code(), Some(2));
    assert_eq!(qa(&["play", "http://127.0.0.1:1/a.m3u8", "--clearkey", "00:11"]).status.code(), Some(2));
}

#[test]
fn a_recording_holds_every_input_but_not_the_film() {
    let film = film(3);
    let server = python(&films());
    let url = server.url.join(&format!("{}/master.m3u8", film.id)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let output =
        plays(&["play", url.as_str(), "--play-seconds", "2", "--render", "null", "--record", path.to_str().unwrap()]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(log.lines().next().unwrap().contains("config"));
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(log.contains("fetch_media") || log.contains("FetchMedia"));
    assert!((log.len() as u64) < report["bytes"]["media"].as_u64().unwrap());
}

#[test]
fn inspect_answers_one_object_a_file() {
    let film = film(0);
    let folder = films().join(&film.id);
    let names = ["master.m3u8", "manifest.mpd", "poster.jpg", "title.json"];
    let paths: Vec<String> = names.iter().map(|name| folder.join(name).to_str().unwrap().to_owned()).collect();
    let mut arguments = vec!["inspect", "--base-url", "http://example.com/"];
    arguments.extend(paths.iter().map(String::as_str));
    let output = qa(&arguments);
    assert_eq!(output.status.code(), Some(1), "two of the files are no media");
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[0]["kind"], &lines[1]["kind"]), (&Value::from("multivariant"), &Value::from("mpd")));
    assert_eq!((&lines[2]["ok"], &lines[3]["ok"]), (&Value::from(false), &Value::from(false)));
    assert_eq!(lines[0]["variants"].as_array().unwrap().len(), film.rungs.len());
}
