//! All samples of a file at once, for reports. Media data is not read, so the index may stand anywhere.

use serde_json::{Value, json};

use super::boxes::{BoxBody, BoxHeader, malformed, name};
use super::fragment::MovieFragment;
use super::movie::Movie;
use super::samples::Row;
use super::{find_movie, limits};
use crate::container::DemuxError;

/// Describes the samples of `file` (see [`crate::container::describe_samples`]).
pub(in crate::container) fn describe(file: &[u8]) -> Result<Value, DemuxError> {
    let (mut movie, _) = find_movie(file)?;
    let mut rows = std::mem::take(&mut movie.samples);
    let mut clocks = vec![0; movie.tracks.len()];
    let mut position = 0usize;
    while let Some(left) = file.get(position..).filter(|left| !left.is_empty()) {
        let start = position as u64;
        let truncated = |what: String| DemuxError::Truncated { what, offset: start };
        let Some(header) = BoxHeader::read(left, start)? else { return Err(truncated("a box".to_owned())) };
        let content = header.content.unwrap_or(left.len() as u64 - header.header);
        let end = usize::try_from(header.header + content).ok().and_then(|total| position.checked_add(total));
        let Some(end) = end.filter(|&end| end <= file.len()) else {
            return Err(truncated(format!("box '{}'", name(header.kind))));
        };
        if &header.kind == b"moof" {
            let bytes = file.get(position + header.header as usize..end).unwrap_or_default();
            let body = BoxBody { kind: header.kind, bytes, offset: start + header.header };
            rows.extend(MovieFragment { body, start }.read(&movie, &mut clocks)?.rows);
            limits::check("the number of samples", rows.len() as u64, limits::MOVIE_SAMPLES as u64, start)?;
        }
        position = end;
    }
    if rows.iter().any(|row| row.end() > file.len() as u64 && row.size > 0) {
        return Err(malformed("samples beyond the end of the file", file.len() as u64));
    }
    Ok(report(&movie, &rows))
}

fn report(movie: &Movie, rows: &[Row]) -> Value {
    let mut samples = vec![Vec::new(); movie.tracks.len()];
    for row in rows {
        let index = usize::from(row.track);
        if let (Some(track), Some(samples)) = (movie.tracks.get(index), samples.get_mut(index)) {
            let time = track.edit.apply(row.cts, track.init.timescale);
            samples.push(json!([time.as_nanos().div_euclid(1000), row.key, row.size]));
        }
    }
    let tracks: Vec<_> = movie
        .tracks
        .iter()
        .zip(samples)
        .map(|(track, samples)| {
            json!({
                "id": track.init.id,
                "kind": track.init.kind.as_str(),
                "codec": track.init.config.codec_string,
                "timescale": track.init.timescale,
                "samples": samples,
            })
        })
        .collect();
    json!({ "protocol": "mp4", "tracks": tracks })
}
