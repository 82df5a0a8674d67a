//! The encoded film that a simulated session plays: a ladder and the size of every segment.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::Rung;

/// Most segments of a film.
pub const MAX_SEGMENTS: usize = 100_000;
/// Most rungs of a film.
pub const MAX_RUNGS: usize = 256;
/// Maximum duration of a segment.
pub const MAX_SEGMENT: Duration = Duration::from_secs(3600);

/// Reasons to refuse the description of a film.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VideoError {
    /// Not JSON of the expected shape; the source has the fault and its place.
    #[error("not a video description")]
    Malformed(#[from] serde_json::Error),
    /// A value that makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
}

#[derive(Deserialize)]
struct Description {
    segment_duration_ms: f64,
    bitrates_kbps: Vec<f64>,
    segment_sizes_bits: Vec<Vec<f64>>,
}

/// A checked film: at least one rung and one segment, and a positive size for each pair of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    rungs: Vec<Rung>,
    segment: Duration,
    sizes: Vec<Vec<u64>>,
    /// The same, one segment after the other.
    flat: Vec<u64>,
}

impl Video {
    /// Reads `{"segment_duration_ms", "bitrates_kbps": [k], "segment_sizes_bits": [n][k]}`; other fields are ignored.
    ///
    /// # Errors
    ///
    /// [`VideoError`] if it is not that, or describes no playable film.
    pub fn parse(json: &str) -> Result<Self, VideoError> {
        let description: Description = serde_json::from_str(json)?;
        let segment = Duration::try_from_secs_f64(description.segment_duration_ms / 1000.0)
            .map_err(|_| VideoError::Invalid("segment_duration_ms must be a positive number"))?;
        let whole = |value: &f64, unit: f64| (value.is_finite() && *value > 0.0).then(|| (value * unit).round() as u64);
        let rates: Option<Vec<u64>> = description.bitrates_kbps.iter().map(|kbps| whole(kbps, 1000.0)).collect();
        let rates = rates.ok_or(VideoError::Invalid("bitrates_kbps must be positive numbers"))?;
        let sizes = description.segment_sizes_bits.iter();
        let sizes: Option<Vec<Vec<u64>>> =
            sizes.map(|row| row.iter().map(|bits| whole(bits, 0.125)).collect()).collect();
        let sizes = sizes.ok_or(VideoError::Invalid("segment_sizes_bits must be positive numbers"))?;
        Self::new(rates.into_iter().map(Rung::new).collect(), segment, sizes)
    }

    /// A film from its parts; `sizes[n][k]` is the bytes of segment `n` at rung `k`.
    ///
    /// # Errors
    ///
    /// [`VideoError::Invalid`] with what is wrong.
    pub fn new(rungs: Vec<Rung>, segment: Duration, sizes: Vec<Vec<u64>>) -> Result<Self, VideoError> {
        if rungs.is_empty() || rungs.len() > MAX_RUNGS {
            return Err(VideoError::Invalid("a film has 1 to 256 rungs"));
        }
        if !rungs.is_sorted_by_key(|rung| rung.bitrate_bps) {
            return Err(VideoError::Invalid("the ladder must ascend"));
        }
        if segment.is_zero() || segment > MAX_SEGMENT {
            return Err(VideoError::Invalid("a segment lasts between nothing and an hour"));
        }
        if sizes.is_empty() || sizes.len() > MAX_SEGMENTS {
            return Err(VideoError::Invalid("a film has 1 to 100000 segments"));
        }
        if sizes.iter().any(|row| row.len() != rungs.len()) {
            return Err(VideoError::Invalid("each segment needs one size for each rung"));
        }
        let flat = sizes.concat();
        Ok(Self { rungs, segment, sizes, flat })
    }

    /// A film of `segments` segments whose sizes are exactly what the ladder declares.
    ///
    /// # Errors
    ///
    /// As [`Video::new`].
    pub fn constant(rungs: Vec<Rung>, segment: Duration, segments: usize) -> Result<Self, VideoError> {
        let context = crate::Context::new(&rungs, segment);
        let row: Vec<u64> = (0..rungs.len()).map(|rung| context.nominal_bytes(rung)).collect();
        let sizes = vec![row; segments.min(MAX_SEGMENTS + 1)];
        Self::new(rungs, segment, sizes)
    }

    /// Returns the rungs, ascending.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// Bytes of segment `index` and of up to `count - 1` after it, rung by rung, in the layout of
    /// [`Context::next_sizes`](crate::Context::next_sizes). Empty after the end.
    #[must_use]
    pub fn sizes_ahead(&self, index: usize, count: usize) -> &[u64] {
        let segments = self.sizes.len();
        let (start, end) = (index.min(segments), index.saturating_add(count).min(segments));
        &self.flat[start * self.rungs.len()..end * self.rungs.len()]
    }

    /// Duration of each segment.
    #[must_use]
    pub const fn segment(&self) -> Duration {
        self.segment
    }

    /// Bytes per rung, for each segment.
    #[must_use]
    pub fn sizes(&self) -> &[Vec<u64>] {
        &self.sizes
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn reads_a_description() {
        let video = Video::parse(
            r#"{"segment_duration_ms":4000,"bitrates_kbps":[300,750.5],"segment_sizes_bits":[[1200000,3002000]],"x":1}"#,
        )
        .unwrap();
        assert_eq!(video.rungs()[1].bitrate_bps, 750_500);
        assert_eq!(video.sizes(), [[150_000, 375_250]]);
        assert_eq!(video.segment(), Duration::from_secs(4));
    }

    #[test]
    fn refuses_what_cannot_be_played() {
        for (json, part) in [
            ("{", "not a video description"),
            (r#"{"segment_duration_ms":0,"bitrates_kbps":[1],"segment_sizes_bits":[[1]]}"#, "segment lasts"),
            (r#"{"segment_duration_ms":1,"bitrates_kbps":[],"segment_sizes_bits":[[1]]}"#, "rungs"),
            (r#"{"segment_duration_ms":1,"bitrates_kbps":[2,1],"segment_sizes_bits":[[9,9]]}"#, "ascend"),
            (r#"{"segment_duration_ms":1,"bitrates_kbps":[1],"segment_sizes_bits":[[9],[]]}"#, "one size"),
            (r#"{"segment_duration_ms":1,"bitrates_kbps":[1],"segment_sizes_bits":[[-9]]}"#, "positive"),
            (r#"{"segment_duration_ms":-1,"bitrates_kbps":[1],"segment_sizes_bits":[[9]]}"#, "positive"),
        ] {
            let error = Video::parse(json).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn sizes_ahead_end_with_the_film() {
        let sizes = vec![vec![1, 2], vec![3, 4], vec![5, 6]];
        let video = Video::new([1, 2].map(Rung::new).to_vec(), Duration::from_secs(1), sizes).unwrap();
        assert_eq!(video.sizes_ahead(0, 2), [1, 2, 3, 4]);
        assert_eq!(video.sizes_ahead(1, 9), [3, 4, 5, 6]);
        assert_eq!(video.sizes_ahead(2, usize::MAX), [5, 6]);
        assert!(video.sizes_ahead(3, 1).is_empty() && video.sizes_ahead(usize::MAX, 1).is_empty());
        assert!(video.sizes_ahead(1, 0).is_empty());
    }

    #[test]
    fn limits_are_within_them() {
        let film = |rungs: usize, segment, segments| {
            Video::constant(vec![Rung::new(8); rungs], Duration::from_nanos(segment), segments).is_ok()
        };
        let (second, hour) = (1_000_000_000, 3_600_000_000_000);
        assert_eq!([0, 1, MAX_RUNGS, MAX_RUNGS + 1].map(|rungs| film(rungs, second, 1)), [false, true, true, false]);
        assert_eq!([0, 1, hour, hour + 1].map(|segment| film(1, segment, 1)), [false, true, true, false]);
        let counts = [0, 1, MAX_SEGMENTS, MAX_SEGMENTS + 1, usize::MAX];
        assert_eq!(counts.map(|segments| film(1, second, segments)), [false, true, true, false, false]);
    }

    #[test]
    fn numbers_are_positive_and_rounded() {
        let read = |rate: &str, bits: &str| {
            let json =
                format!(r#"{{"segment_duration_ms":1500,"bitrates_kbps":[{rate}],"segment_sizes_bits":[[{bits}]]}}"#);
            Video::parse(&json).map(|video| (video.rungs()[0].bitrate_bps, video.sizes()[0][0])).ok()
        };
        assert_eq!(read("0.4996", "12"), Some((500, 2)));
        assert_eq!([read("0", "8"), read("1", "0"), read("-1", "8"), read("1", "-8")], [None; 4]);
    }
}
