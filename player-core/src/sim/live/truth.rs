//! The truth about what is presented: live samples carry the service time at which they were captured, so that latency and
//! the offset of audio and video are known without asking the engine.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;

use crate::container::{Payload, Sample};
use crate::model::MediaKind;
use crate::render::RenderCommand;
use crate::time::{MediaTime, Now};

/// Bytes from which payloads are cut. The place of a payload in them is the milliseconds of its service time, modulo a
/// day and a half. They are zeros that no one reads, so that they take addresses and no memory.
static ZEROS: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; 1 << 27]));
/// Largest payload.
pub(super) const MOST_BYTES: u64 = 1 << 18;
/// Service times from which a place is the same.
const TURN: u64 = (1 << 27) - MOST_BYTES;
/// Samples of a track that are remembered: minutes of them.
const KEPT: usize = 1 << 14;
/// Largest difference of audio and video: half a frame of each, and rounding.
const SLACK: i64 = 45_000_000;
const MILLI: u64 = 1_000_000;

/// Returns a payload of some bytes that was captured at a service time in nanoseconds.
pub(super) fn payload(time: u64, bytes: usize) -> Payload {
    let place = (time / MILLI % TURN) as usize;
    Payload(ZEROS.slice(place..place + bytes.min(MOST_BYTES as usize)))
}

/// Returns the bytes of a sample that was captured at a service time, for real media.
pub(super) fn real_payload(time: u64, bytes: usize) -> Vec<u8> {
    let mut payload = vec![0; bytes];
    if let Some(begin) = payload.first_chunk_mut() {
        *begin = time.to_be_bytes();
    }
    payload
}

/// Returns the service time at which a sample was captured, in nanoseconds, given one after it: exact to a millisecond
/// for samples that were made directly.
fn captured_at(payload: &Payload, now: u64) -> Option<u64> {
    let Payload(bytes) = payload;
    let place = (bytes.as_ptr() as usize).checked_sub(ZEROS.as_ptr() as usize);
    match place.filter(|place| *place < ZEROS.len()) {
        Some(place) => {
            let turns = (now / MILLI).checked_sub(place as u64)? / TURN;
            Some((turns * TURN + place as u64) * MILLI)
        }
        None => bytes.first_chunk().map(|begin| u64::from_be_bytes(*begin)),
    }
}

/// Samples that the renderer got, each with its presentation time and the service time of its capture.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Truth {
    samples: BTreeMap<MediaKind, VecDeque<(MediaTime, u64)>>,
}

impl Truth {
    /// Follows a command to the renderer, at a service time.
    ///
    /// # Panics
    /// If audio and video of one presentation time were not captured together.
    pub(in crate::sim) fn on_command(&mut self, command: &RenderCommand, now: u64) {
        match command {
            RenderCommand::Append { track, samples, .. } => self.on_append(*track, samples, now),
            RenderCommand::Flush { .. } => self.samples.clear(),
            RenderCommand::FlushTrack { track, from, .. } => {
                let known = self.samples.entry(*track).or_default();
                known.truncate(known.partition_point(|(pts, _)| pts < from));
            }
            _ => {}
        }
    }

    /// Follows samples on their way to the renderer.
    fn on_append(&mut self, kind: MediaKind, samples: &[Sample], now: u64) {
        for sample in samples {
            let Some(time) = captured_at(&sample.payload, now) else { continue };
            let other = if kind == MediaKind::Audio { MediaKind::Video } else { MediaKind::Audio };
            let offset = |(pts, time): (MediaTime, u64)| pts.as_nanos() - time.cast_signed();
            let mut others = self.around(other, sample.pts).peekable();
            let is_alone = others.peek().is_none();
            let found = others.map(|it| offset(it) - offset((sample.pts, time))).min_by_key(|gap| gap.unsigned_abs());
            assert!(
                is_alone || found.is_some_and(|gap| gap.abs() <= SLACK),
                "{kind:?} at {:?} is {found:?} ns away from {other:?}",
                sample.pts
            );
            let known = self.samples.entry(kind).or_default();
            known.push_back((sample.pts, time));
            if known.len() > KEPT {
                known.pop_front();
            }
        }
    }

    /// Returns the samples at or before a presentation time and after it, if there are both.
    fn around(&self, kind: MediaKind, pts: MediaTime) -> impl Iterator<Item = (MediaTime, u64)> {
        let samples = self.samples.get(&kind);
        let found = samples.and_then(|samples| {
            let after = samples.partition_point(|(known, _)| *known <= pts);
            Some([*samples.get(after.checked_sub(1)?)?, *samples.get(after)?])
        });
        found.into_iter().flatten()
    }

    /// Returns the service time of what is presented at a position, by video or else by audio.
    pub(in crate::sim) fn captured(&self, position: MediaTime) -> Option<u64> {
        let of = |kind| {
            let samples: &VecDeque<_> = self.samples.get(&kind)?;
            let after = samples.partition_point(|(pts, _)| *pts <= position);
            let (pts, time) = samples.get(after.checked_sub(1)?)?;
            Some(time + position.since(*pts).as_nanos() as u64)
        };
        of(MediaKind::Video).or_else(|| of(MediaKind::Audio))
    }
}

/// Returns the time from a capture to a time of the service.
pub(in crate::sim) fn latency(captured: u64, service: u64) -> Duration {
    Now::from_nanos(service).since(Now::from_nanos(captured))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Epoch;

    const HOUR: u64 = 3_600_000_000_000;

    fn sample(pts: i64, time: u64, is_real: bool) -> Sample {
        let payload = if is_real { Payload(real_payload(time, 100).into()) } else { payload(time, 100) };
        let pts = MediaTime::from_millis(pts);
        Sample { pts, dts: pts, duration: Duration::from_millis(40), key: true, payload, crypto: None }
    }

    #[test]
    fn payloads_know_when_they_were_captured() {
        for captured in [0, 5 * HOUR, 1_767_225_600_000_000_000] {
            for later in [0, 3_000_000_000, 30 * HOUR] {
                let read = |is_real| captured_at(&sample(0, captured, is_real).payload, captured + later);
                assert_eq!([read(false), read(true)], [Some(captured); 2], "{captured} after {later}");
            }
        }
        assert_eq!(payload(7, 100).0.len(), 100);
        assert_eq!(captured_at(&Payload(Bytes::from_static(b"short")), HOUR), None);
    }

    #[test]
    fn latency_counts_from_the_capture_of_what_is_presented() {
        let mut truth = Truth::default();
        let samples: Vec<Sample> = (0..10).map(|n| sample(n * 40, HOUR + n as u64 * 40 * MILLI, false)).collect();
        truth.on_append(MediaKind::Video, &samples, HOUR + 1_000 * MILLI);
        let captured = truth.captured(MediaTime::from_millis(130)).expect("a sample");
        assert_eq!(latency(captured, HOUR + 2_000 * MILLI), Duration::from_millis(1870));
        assert_eq!(truth.captured(MediaTime::from_millis(-1)), None);
        let (epoch, start) = (Epoch(1), MediaTime::ZERO);
        let flush = |from| RenderCommand::FlushTrack { track: MediaKind::Video, from, epoch };
        truth.on_command(&flush(MediaTime::from_millis(100)), HOUR);
        let before = truth.captured(MediaTime::from_millis(130));
        assert_eq!(before, Some(HOUR + 130 * MILLI), "by the sample before the flush");
        truth.on_command(&RenderCommand::Flush { epoch, start, tracks: Vec::new() }, HOUR);
        assert_eq!(truth.captured(MediaTime::from_millis(130)), None);
    }

    #[test]
    fn audio_and_video_of_one_time_were_captured_together() {
        let together = |audio_late: i64| {
            let caught = std::panic::catch_unwind(|| {
                let mut truth = Truth::default();
                // Two seconds of silence of the encoder lie behind the fifth frame, and the timeline leaves them out.
                let time = |n: i64| HOUR + (n * 40 + if n >= 5 { 2000 } else { 0 }) as u64 * MILLI;
                let video: Vec<Sample> = (0..10).map(|n| sample(n * 40, time(n), false)).collect();
                truth.on_append(MediaKind::Video, &video, 2 * HOUR);
                let audio: Vec<Sample> = (0..9).map(|n| sample(n * 40 + audio_late, time(n), false)).collect();
                truth.on_append(MediaKind::Audio, &audio, 2 * HOUR);
            });
            caught.is_ok()
        };
        assert_eq!([0, 20, -20, 35, 60, -60, 1000].map(together), [true, true, true, true, false, false, true]);
    }
}
