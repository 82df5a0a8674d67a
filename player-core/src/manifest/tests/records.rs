//! Manifests with one of everything, compared field by field with a record.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::base;
use crate::manifest::{ManifestError, RemoteElements, describe, missing, parse, parse_index};
use crate::model::{IndexSource, Resource};
use crate::sim::record::{compare, variants_record};
use crate::time::WallClock;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifest/tests/records")
}

/// Returns everything that the readers make of a manifest: the model that is played, the index if it is a media
/// playlist, and what tools see.
fn record(bytes: &[u8], is_playlist: bool) -> String {
    // 2026-03-01T11:00:00Z
    let now = WallClock::from_unix_nanos(1_772_362_800_000_000_000);
    let played = match parse(bytes, &base(), Some(now)) {
        Ok(parsed) => json!({ "presentation": parsed.presentation, "warnings": parsed.warnings }),
        Err(error) => json!(error.to_string()),
    };
    let index = is_playlist.then(|| {
        let source = IndexSource::playlist(Resource::new(base()));
        match parse_index(bytes, &source, &base()) {
            Ok(found) => json!({
                "segments": found.segments, "live": found.growth.is_some(), "start": found.start, "epoch": found.epoch,
                "metadata": found.metadata,
            }),
            Err(error) => json!(error.to_string()),
        }
    });
    let described = describe(bytes, &base(), Some(now)).unwrap_or_else(|error| panic!("{error}"));
    format!("{:#}\n", json!({ "played": played, "index": index, "described": described }))
}

/// Each manifest gives what is on record in the file of its name with `.json`. `KINORA_RECORD=1` writes the records
/// anew, to be read as a diff.
#[test]
fn manifests_with_one_of_everything_give_what_is_on_record() {
    let entries = std::fs::read_dir(folder()).expect("the records are committed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "m3u8" || extension == "mpd"));
    paths.sort();
    assert_eq!(paths.len(), 12);
    for path in paths {
        let bytes = std::fs::read(&path).expect("a file of the folder can be read");
        let is_playlist = path.extension().is_some_and(|extension| extension == "m3u8");
        let found = record(&bytes, is_playlist);
        let on_record = path.with_added_extension("json");
        compare(&on_record, &found);
    }
}

/// Manifests of the folder and of the fuzz corpora with one thing changed, many times over. The record in
/// `variants.txt` holds digests, by the kind of change.
#[test]
fn manifests_that_are_changed_in_one_place_give_what_is_on_record() {
    let corpus = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut found = String::new();
    for folder in [folder(), corpus("m3u8"), corpus("mpd")] {
        let entries = std::fs::read_dir(folder).expect("the folder is committed");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "m3u8" || extension == "mpd"));
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).expect("a file of the folder can be read");
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push_str(&variants_record(&name, &text, 60, read_all));
        }
    }
    compare(&folder().join("variants.txt"), &found);
}

/// Returns what the readers make of a text, as a manifest, as an index, and for tools.
fn read_all(text: &str) -> Result<impl std::fmt::Debug + use<>, ManifestError> {
    let bytes = text.as_bytes();
    let now = WallClock::from_unix_nanos(1_772_362_800_000_000_000);
    let source = IndexSource::playlist(Resource::new(base()));
    let index = text.trim_start().starts_with('#').then(|| parse_index(bytes, &source, &base()));
    let missing = missing(bytes, &base(), &RemoteElements::default());
    let played = parse(bytes, &base(), Some(now));
    describe(bytes, &base(), Some(now)).map(|described| (described, played, index, missing))
}
