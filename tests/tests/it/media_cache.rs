//! Media that is played again comes from the cache in memory, not from the network.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::support::servers::{edge, python};
use crate::support::{binary, film, films};

#[test]
fn a_seek_back_is_served_from_the_media_cache() {
    let film = film(1);
    let origin = python(&films());
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("edge.ndjson");
    let edge = edge(&origin.url, &["--log", log.to_str().unwrap()]);
    let url = edge.url.join(&format!("{}/master.m3u8", film.id)).unwrap();
    // The buffer is longer than the film, so nothing is in flight at the seek; what lies more than ten seconds behind
    // the playhead has left the buffer by then.
    let playing = ["play", url.as_str(), "--render", "null", "--abr", "lowest", "--rate", "4", "--until-end"];
    let mut command = Command::new(binary("kinora-qa"));
    let output = command.args(playing).args(["--seek", "0@8", "--media-cache", "100000000"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], "ended", "{report}");
    let film_s = film.duration_ms as f64 / 1000.0;
    let played = report["played_s"].as_f64().unwrap();
    assert!(played > film_s + 8.0, "the beginning is played again: {played} s of {film_s} s");

    let mut requests: BTreeMap<String, u32> = BTreeMap::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let path = record["path"].as_str().unwrap();
        if path.ends_with(".m4s") {
            *requests.entry(path.to_owned()).or_default() += 1;
        }
    }
    assert!(!requests.is_empty());
    assert!(requests.values().all(|count| *count == 1), "each segment is asked for once: {requests:?}");

    let cache = &report["media_cache"];
    let count = |name: &str| cache[name].as_u64().unwrap();
    assert!(count("hits") >= 4, "{cache}");
    assert!(count("misses") >= requests.len() as u64, "{cache}");
    assert!(count("served_bytes") > 0, "{cache}");
    assert!(count("kept_bytes") > 0 && count("kept_bytes") <= 100_000_000, "{cache}");
}
