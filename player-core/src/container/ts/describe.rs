//! All access units of a stream at once, for reports: sizes are those in the stream, start codes and headers included.

use serde_json::{Value, json};

use super::clock::RATE;
use super::demuxer::TsDemuxer;
use crate::container::DemuxError;
use crate::container::audio;
use crate::model::MediaKind;

/// Describes the samples of `file` (see [`crate::container::describe_samples`]).
pub(in crate::container) fn describe(file: &[u8]) -> Result<Value, DemuxError> {
    let mut demuxer = TsDemuxer::of_everything();
    demuxer.assembly().report_only();
    demuxer.read(file)?;
    demuxer.end()?;
    let report = demuxer.assembly().report();
    let track = |(pid, kind, codec): &(u16, MediaKind, String)| {
        let samples: Vec<_> =
            report.units.iter().filter(|(of, _)| of == pid).map(|(_, unit)| audio::row(unit)).collect();
        json!({ "id": pid, "kind": kind.as_str(), "codec": codec, "timescale": RATE, "samples": samples })
    };
    let tracks: Vec<_> = report.tracks.iter().map(track).collect();
    Ok(json!({ "protocol": "ts", "tracks": tracks }))
}
