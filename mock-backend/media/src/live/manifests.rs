//! Manifests by their names, and what HLS and DASH say alike.

use std::time::Duration;

use kinora_manifests::{DateTime, ManifestError};

use super::asked::{Answer, Asked, number};
use super::channel::{Inner, MILLI};
use super::steering;

/// Seconds for which a manifest may be kept that changes with the titles of the channel only.
const SETTLED_S: u32 = 10;
/// The same for one that changes with each segment.
const MOVING_S: u32 = 1;
/// Longest window, milliseconds: a playlist names all of it.
const MAX_WINDOW_MS: u64 = 24 * 3_600_000;
/// Latency that a channel of low latency names if its record names none, milliseconds.
const LOW_LATENCY_MS: u64 = 3_000;

impl Inner {
    /// Returns the manifest of the channel that a name names.
    pub(super) fn manifest(&self, file: &str, asked: &Asked<'_>) -> Answer {
        let now_ns = self.since_epoch(asked.now_ms);
        // Nothing can be named before the first segment of all tracks is complete.
        let first = self.tracks().map(|track| self.timeline.span(track, 0).end_ns).max().unwrap_or(0);
        let patched_from = file.strip_prefix("patch-").and_then(|rest| number(rest.strip_suffix(".mpp")?));
        match file {
            "master.m3u8" => answered(self.multivariant(asked.edges.len() > 1), SETTLED_S),
            steering::FILE => steering::manifest(asked.edges),
            "manifest.mpd" if now_ns < first => Answer::Later(self.unix_ms(first)),
            "manifest.mpd" => answered(self.mpd(now_ns, !asked.is_filtered), MOVING_S),
            _ => match patched_from {
                Some(from) => self.patch(from, now_ns),
                None => Answer::Absent,
            },
        }
    }

    /// Returns the date of a time of the timeline.
    pub(super) fn date_of(&self, time_ns: u64) -> DateTime {
        DateTime::from_unix_nanos(i64::try_from(self.origin_ns().saturating_add(time_ns)).unwrap_or(i64::MAX))
    }

    /// Returns the time for which media stays, nanoseconds: six segments at least.
    pub(super) fn window_ns(&self) -> u64 {
        (self.record.window_ms.min(MAX_WINDOW_MS) * MILLI).max(6 * self.longest_segment())
    }

    /// Returns the latency at which to play unless the viewer wants another one.
    pub(super) fn latency(&self) -> Duration {
        let least = Duration::from_nanos(self.longest_segment() * 3);
        match self.record.latency_ms {
            Some(ms) => Duration::from_millis(ms),
            None if self.is_low_latency() => Duration::from_millis(LOW_LATENCY_MS),
            None => least,
        }
    }
}

/// Returns a manifest that was written, or the reason why it was not.
pub(super) fn answered(text: Result<String, ManifestError>, max_age: u32) -> Answer {
    match text {
        Ok(text) => Answer::Manifest { text, max_age },
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// Returns the date of a Unix time in milliseconds.
pub(super) fn date(unix_ms: i64) -> String {
    DateTime::from_unix_millis(unix_ms).to_string()
}

/// Returns a name without what a quoted string cannot hold.
pub(super) fn plain(name: &str) -> String {
    name.chars().map(|character| if character == '"' || character.is_control() { '\'' } else { character }).collect()
}

/// Returns the codecs of some tracks, each once.
pub(super) fn distinct<'a>(codecs: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for codec in codecs {
        if !found.iter().any(|known| known == codec) {
            found.push(codec.to_owned());
        }
    }
    found
}
