//! Manifests with one of everything, compared field by field with a record.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::base;
use crate::manifest::{describe, parse, parse_index};
use crate::model::{IndexFormat, IndexSource, Resource, TimestampMapping};
use crate::time::{MediaTime, WallClock};

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
        let source = IndexSource {
            resource: Resource::new(base()),
            format: IndexFormat::HlsMediaPlaylist,
            init: None,
            mapping: TimestampMapping::Offset(0),
            period_start: MediaTime::ZERO,
            period_duration: None,
            media: Vec::new(),
            variables: Vec::new(),
        };
        match parse_index(bytes, &source, &base()) {
            Ok(found) => json!({
                "segments": found.segments, "live": found.live, "start": found.start, "epoch": found.epoch,
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
    assert_eq!(paths.len(), 7);
    for path in paths {
        let bytes = std::fs::read(&path).expect("a file of the folder can be read");
        let is_playlist = path.extension().is_some_and(|extension| extension == "m3u8");
        let found = record(&bytes, is_playlist);
        let on_record = path.with_added_extension("json");
        if std::env::var_os("KINORA_RECORD").is_some() {
            std::fs::write(&on_record, &found).expect("the record can be written");
        }
        let expected = std::fs::read_to_string(&on_record).unwrap_or_default();
        if let Some((number, (found, expected))) =
            found.lines().zip(expected.lines()).enumerate().find(|(_, (found, expected))| found != expected)
        {
            panic!("{}, line {}: {found:?} in place of {expected:?}", path.display(), number + 1);
        }
        assert_eq!(found.lines().count(), expected.lines().count(), "{}", path.display());
    }
}
