//! The files of the conformance kit: the demuxer, fed in pieces, agrees with the report that the kit scores.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{samples, skip};
use crate::container::{DemuxError, DemuxOutput, InitSegment, demuxer, describe_samples};
use crate::model::{ContainerFormat, MediaKind};

/// Returns the kit's folder: next to the repository, or the value of `KINORA_CONFORMANCE`.
fn kit() -> Option<PathBuf> {
    let told = std::env::var_os("KINORA_CONFORMANCE").map(PathBuf::from);
    let folder = told.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/public"));
    folder.join("cases.json").is_file().then_some(folder)
}

/// Reads a file in pieces; the initialisation data is what it carries itself.
fn demux(bytes: &Bytes, size: usize) -> Result<(InitSegment, Vec<DemuxOutput>), DemuxError> {
    let mut demuxer = demuxer(ContainerFormat::Unknown, None)?;
    let mut outputs = Vec::new();
    for start in (0..bytes.len()).step_by(size) {
        outputs.extend(demuxer.push(bytes.slice(start..bytes.len().min(start + size)))?);
    }
    outputs.extend(demuxer.finish()?);
    let init = outputs.iter().find_map(|output| match output {
        DemuxOutput::Init(init) => Some((**init).clone()),
        _ => None,
    });
    init.map(|init| (init, outputs)).ok_or(DemuxError::NoInit)
}

#[test]
fn demuxed_files_agree_with_their_report() {
    let Some(kit) = kit() else {
        return skip("demuxed_files_agree_with_their_report", "the conformance kit is not beside the repository");
    };
    let cases: Value = serde_json::from_slice(&std::fs::read(kit.join("cases.json")).unwrap()).unwrap();
    let cases = cases.as_array().or_else(|| cases["cases"].as_array()).unwrap();
    let mut compared = 0;
    for case in cases.iter().filter(|case| case["category"] == "samples" && case["expects"]["protocol"] == "mp4") {
        let file = case["file"].as_str().unwrap();
        let bytes = Bytes::from(std::fs::read(kit.join("files").join(file)).unwrap());
        let report = describe_samples(&bytes).unwrap();
        let (init, outputs) = match demux(&bytes, 4093) {
            Ok(found) => found,
            // Faults that it reports of itself: media before its index, or tracks not in decoding order.
            Err(DemuxError::Unsupported { .. }) => continue,
            Err(error) => panic!("{file}: {error}"),
        };
        compared += 1;
        for (track, expected) in init.tracks.iter().zip(report["tracks"].as_array().unwrap()) {
            if track.kind == MediaKind::Text {
                continue;
            }
            let found: Vec<_> = samples(&outputs, track.id)
                .iter()
                .map(|s| json!([s.pts.as_nanos().div_euclid(1000), s.key, s.payload.0.len()]))
                .collect();
            assert_eq!(json!(found), expected["samples"], "{file}, track {}", track.id);
        }
        for sample in init.tracks.iter().flat_map(|track| samples(&outputs, track.id)) {
            if let Some(crypto) = sample.crypto.filter(|crypto| !crypto.subsamples.is_empty()) {
                let covered: usize = crypto.subsamples.iter().map(|s| s.clear as usize + s.encrypted as usize).sum();
                assert_eq!(covered, sample.payload.0.len(), "{file}");
            }
        }
    }
    assert!(compared >= 30, "only {compared} files could be compared");
}
