//! The reader against the test muxer, against ffprobe, and against damage.
#![expect(clippy::unwrap_used, reason = "tests")]

mod borders;
mod codecs;
mod damage;
mod irregular;
mod kit;
mod peers;
mod precedence;
mod reading;
mod records;

use std::io::Write as _;

use bytes::Bytes;

use super::testmux::{TestCodec, TestTrack};
use crate::container::{DemuxError, DemuxOutput, InitSegment, Sample, demuxer};
use crate::model::ContainerFormat;
use crate::text::Cue;

pub(super) const VIDEO: TestTrack = TestTrack::new(1, 12_800, TestCodec::H264 { width: 640, height: 360 });
pub(super) const AUDIO: TestTrack = TestTrack::new(2, 48_000, TestCodec::Aac { sample_rate: 48_000, channels: 2 });

/// Reads `media` in pieces of `size` bytes.
fn read(init: Option<&InitSegment>, media: &Bytes, size: usize) -> Result<Vec<DemuxOutput>, DemuxError> {
    let mut demuxer = demuxer(ContainerFormat::Fmp4, init)?;
    let mut outputs = Vec::new();
    for start in (0..media.len()).step_by(size.max(1)) {
        outputs.extend(demuxer.push(media.slice(start..media.len().min(start + size)))?);
    }
    outputs.extend(demuxer.finish()?);
    Ok(outputs)
}

fn samples(outputs: &[DemuxOutput], track: u32) -> Vec<Sample> {
    let fragments = outputs.iter().filter_map(|output| match output {
        DemuxOutput::Fragment(fragment) if fragment.track == track => Some(fragment.samples.clone()),
        _ => None,
    });
    fragments.flatten().collect()
}

fn cues(outputs: &[DemuxOutput]) -> Vec<Cue> {
    let cues = outputs.iter().filter_map(|output| match output {
        DemuxOutput::Cues { cues, .. } => Some(cues.clone()),
        _ => None,
    });
    cues.flatten().collect()
}

/// Reports that a test could not run, on the terminal and in the log that the test runner counts.
pub(in crate::container) fn skip(test: &str, reason: &str) {
    eprintln!("skipped {test}: {reason}");
    if let Some(path) = std::env::var_os("KINORA_SKIP_LOG") {
        let mut log = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(log, "{test}: {reason}").unwrap();
    }
}
