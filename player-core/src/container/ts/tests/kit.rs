//! Streams of other players' test suites: read in pieces, they agree with the report that the kit scores.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::container::describe_samples;

/// Returns the kit's folder: next to the repository, or the value of `KINORA_CONFORMANCE`.
fn kit() -> Option<PathBuf> {
    let told = std::env::var_os("KINORA_CONFORMANCE").map(PathBuf::from);
    let folder = told.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/public"));
    folder.join("cases.json").is_file().then_some(folder)
}

#[test]
fn streams_agree_with_their_report() {
    let Some(kit) = kit() else {
        let test = "streams_agree_with_their_report";
        return crate::container::mp4::tests::skip(test, "the conformance kit is not beside the repository");
    };
    let cases: Value = serde_json::from_slice(&std::fs::read(kit.join("cases.json")).unwrap()).unwrap();
    let mut compared = 0;
    for case in cases["cases"].as_array().unwrap() {
        if case["category"] != "samples" || case["expects"]["protocol"] != "ts" {
            continue;
        }
        let file = case["file"].as_str().unwrap();
        let bytes = std::fs::read(kit.join("files").join(file)).unwrap();
        let report = describe_samples(&bytes).unwrap();
        let outputs = match read(&bytes, 4093, None) {
            Ok(outputs) => outputs,
            // Pictures and sound that no decoder takes are counted only.
            Err(DemuxError::Unsupported { .. }) => continue,
            Err(error) => panic!("{file}: {error}"),
        };
        for track in &inits(&outputs).pop().unwrap().tracks {
            let found = samples(&outputs, track.id as u16);
            let told = report["tracks"].as_array().unwrap().iter().find(|told| told["id"] == track.id).unwrap();
            let told = told["samples"].as_array().unwrap();
            assert_eq!(found.len(), told.len(), "{file}, track {}", track.id);
            for (sample, told) in found.iter().zip(told) {
                assert_eq!(
                    (sample.pts.as_nanos().div_euclid(1000), sample.key),
                    (told[0].as_i64().unwrap(), told[1] == true)
                );
            }
            compared += 1;
        }
    }
    assert!(compared >= 25, "only {compared} tracks could be compared");
}
