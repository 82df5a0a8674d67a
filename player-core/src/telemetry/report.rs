//! The session report: JSON whose fields are a contract with every QA pipeline that reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{ClockSource, FrameDiscards, FrameLosses, LiveStats, MemoryStats, SessionStats};
use crate::error::{ErrorContext, PlayerError};

/// End of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The end of the presentation was presented.
    Ended,
    /// It was asked to stop.
    Stopped,
    /// An error ended it.
    Failed,
}

/// Resources of the process, from the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Largest resident set, bytes.
    pub peak_rss_bytes: Option<u64>,
    /// User and system time, seconds.
    pub cpu_s: Option<f64>,
}

/// The error that ended a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorReport {
    /// Stable number of the code.
    pub code: u16,
    /// Stable name of the code.
    pub name: &'static str,
    /// One sentence for an engineer.
    pub message: String,
    /// Advice to the person in front of the screen.
    pub advice: &'static str,
    /// True when it may succeed later.
    pub retriable: bool,
    /// Circumstances of the error.
    pub context: ErrorContext,
}

impl From<&PlayerError> for ErrorReport {
    fn from(error: &PlayerError) -> Self {
        Self {
            code: error.code.number(),
            name: error.code.name(),
            message: error.message.clone(),
            advice: error.code.advice(),
            retriable: error.code.is_retriable(),
            context: (*error.context).clone(),
        }
    }
}

/// A stall of the session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StallReport {
    /// Presentation time in seconds.
    pub at_s: f64,
    /// Duration in milliseconds, so far if it has not ended.
    pub duration_ms: f64,
    /// Description of the missing media.
    pub reason: String,
}

/// One change of quality on screen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SwitchReport {
    /// Presentation time in seconds.
    pub at_s: f64,
    /// Representation before the switch.
    pub from: String,
    /// Representation after the switch.
    pub to: String,
    /// Reason of the adaptive rule.
    pub reason: String,
}

/// A seek of the session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeekReport {
    /// Target in seconds of presentation time.
    pub to_s: f64,
    /// From the command to the first correct picture.
    pub latency_ms: Option<f64>,
    /// Distance of that picture from the target.
    pub error_ms: Option<f64>,
}

/// One location given up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailoverReport {
    /// Presentation time in seconds.
    pub at_s: f64,
    /// Location that was excluded.
    pub from: String,
    /// The location that took over.
    pub to: String,
    /// Reason of the failover.
    pub reason: String,
}

/// Time-weighted means of the declared bitrate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BitrateReport {
    /// Mean over fetched segments, in bits per second.
    pub fetched: Option<f64>,
    /// Mean over the video shown, in bits per second.
    pub shown: Option<f64>,
}

/// Video frames: received = presented + dropped + Σ lost + Σ discarded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FramesReport {
    /// Samples received, each once.
    pub received: u64,
    /// Samples handed to the decoder; those decoded again after a seek count again.
    pub decoder_input: u64,
    /// Handed to the sink in time, each sample once.
    pub presented: u64,
    /// Decoded too late to be shown.
    pub dropped: u64,
    /// Shown again, out of the buffer or because the next one was not there.
    pub repeated: u64,
    /// Decoded with errors, or received with bytes missing.
    pub corrupt: u64,
    /// Never presented, by reason; each reason was announced by a warning.
    pub lost: FrameLosses,
    /// Never presented because of an action of the host; held at a failure or a stop counts as stopped.
    pub discarded: FrameDiscards,
}

impl FramesReport {
    fn new(outcome: Outcome, stats: &SessionStats) -> Self {
        let (frames, account) = (stats.frames, stats.account);
        let presented = frames.presented.saturating_sub(account.repeated);
        let held = account.received.saturating_sub(presented + frames.dropped + account.departed());
        let mut discarded = account.discarded;
        discarded.stopped += if outcome == Outcome::Ended { 0 } else { held };
        Self {
            received: account.received,
            decoder_input: account.decoder_input,
            presented,
            dropped: frames.dropped,
            repeated: frames.repeated + account.repeated,
            corrupt: frames.corrupt,
            lost: account.lost,
            discarded,
        }
    }
}

/// Number of bytes received, by use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BytesReport {
    /// Bytes of media segments.
    pub media: u64,
    /// Bytes of manifests, playlists and indexes.
    pub manifest: u64,
    /// Bytes of media that was never presented.
    pub wasted: u64,
}

/// Memory of the session in bytes. That of decoders and of the process itself is only in `peak_rss_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MemoryReport {
    /// Most bytes of all kinds below together at one time; what the byte budget bounds.
    pub total_peak: u64,
    /// Most bytes of samples held at one time, the renderer's share included.
    pub media_peak: u64,
    /// Most bytes asked for and not buffered yet at one time.
    pub in_flight_peak: u64,
    /// Bytes of timed metadata at the end.
    pub metadata: u64,
    /// Bytes of segment lists at the end, estimated from their numbers of segments and the length of addresses.
    pub indexes: u64,
    /// Bytes of the manifest's structures at the end, estimated from the number of representations.
    pub manifest: u64,
}

impl From<MemoryStats> for MemoryReport {
    fn from(stats: MemoryStats) -> Self {
        let MemoryStats { total_peak, media_peak, in_flight_peak, metadata, indexes, manifest } = stats;
        Self { total_peak, media_peak, in_flight_peak, metadata, indexes, manifest }
    }
}

/// Picture minus sound, absolute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QuantileReport {
    /// Median of the values.
    pub p50: f64,
    /// 99th percentile of the values.
    pub p99: f64,
}

/// Media ahead of the playhead while playing, the renderer's lead included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BufferReport {
    /// Time-weighted mean, in seconds.
    pub mean: Option<f64>,
    /// Least value, in seconds.
    pub min: Option<f64>,
}

/// Latency of a live session, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LatencyReport {
    /// Time-weighted mean, from five seconds after the first picture on.
    pub mean: Option<f64>,
    /// 95th percentile over the same time.
    pub p95: Option<f64>,
}

/// Universal time of a live session.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClockReport {
    /// `utc_timing`, `date` or `host`.
    pub source: Option<&'static str>,
    /// Maximum error of the source, in milliseconds.
    pub error_ms: Option<f64>,
}

/// Live playback.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LiveReport {
    /// Universal time less that of the picture on screen; without dates the distance to the live edge.
    pub latency_s: LatencyReport,
    /// Latency that was held at the end, in seconds.
    pub target_s: Option<f64>,
    /// Changes of rate made to hold the latency.
    pub rate_changes: u64,
    /// Source of universal time.
    pub clock: ClockReport,
    /// Returns into the window, and jumps to the wanted latency.
    pub recoveries: u64,
    /// `segments`, `parts` or `chunks`.
    pub delivery: &'static str,
}

impl LiveReport {
    fn of(stats: &LiveStats) -> Self {
        let round = |value: Option<f64>| value.map(|value| (value * 1e3).round() / 1e3);
        Self {
            latency_s: LatencyReport { mean: round(stats.latency_mean), p95: round(stats.latency_p95) },
            target_s: round(stats.target),
            rate_changes: stats.rate_changes,
            clock: ClockReport { source: stats.clock.map(ClockSource::as_str), error_ms: stats.clock_error.map(ms) },
            recoveries: stats.recoveries,
            delivery: stats.delivery.as_str(),
        }
    }
}

/// The report of one session. Unmeasured values are `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionReport {
    /// End of the session.
    pub outcome: Outcome,
    /// Error that ended it, if it failed.
    pub error: Option<ErrorReport>,
    /// From load to the first picture.
    pub startup_ms: Option<f64>,
    /// From load to the tenth picture in a row on time.
    pub moving_ms: Option<f64>,
    /// From load to the end of each phase.
    pub startup_phases: BTreeMap<String, f64>,
    /// Presentation time traversed, in seconds.
    pub played_s: f64,
    /// Stops for want of media.
    pub stalls: Vec<StallReport>,
    /// Sum of the durations of all stalls, in milliseconds.
    pub stall_ms_total: f64,
    /// stall / (stall + played wall time).
    pub rebuffer_ratio: Option<f64>,
    /// Switches of representation as shown, in order.
    pub switches: Vec<SwitchReport>,
    /// Bitrate of the video, in bits per second.
    pub bitrate_bps: BitrateReport,
    /// Video frames; `null` with a renderer that counts none.
    pub frames: Option<FramesReport>,
    /// Seeks of the session, in order.
    pub seeks: Vec<SeekReport>,
    /// Bytes received, by use.
    pub bytes: BytesReport,
    /// Memory of the session by kind, in bytes.
    pub memory: MemoryReport,
    /// Number of requests made.
    pub requests: u64,
    /// Number of requests that were repeated.
    pub retries: u64,
    /// Number of times that the host was woken without an event or a picture; absent without a host to wake, as in
    /// virtual sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_wakeups: Option<u64>,
    /// Changes of location, in order.
    pub failovers: Vec<FailoverReport>,
    /// Absolute, milliseconds; `null` when not measured.
    pub av_sync_ms: Option<QuantileReport>,
    /// Media ahead of the playhead, in seconds.
    pub buffer_s: BufferReport,
    /// Latency of a live session; `null` on demand.
    pub live: Option<LiveReport>,
    /// Peak memory of the process, in bytes.
    pub peak_rss_bytes: Option<u64>,
    /// User and system time of the process.
    pub cpu_s: Option<f64>,
}

fn ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

fn quantiles(samples: &[i64]) -> Option<QuantileReport> {
    let mut sorted: Vec<u64> = samples.iter().map(|nanos| nanos.unsigned_abs()).collect();
    sorted.sort_unstable();
    let at = |share: f64| {
        let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(index).map(|nanos| *nanos as f64 / 1e6)
    };
    Some(QuantileReport { p50: at(0.5)?, p99: at(0.99)? })
}

impl SessionReport {
    /// Makes the report. `video_frames` is true if the renderer counts frames.
    pub fn new(
        outcome: Outcome,
        error: Option<&PlayerError>,
        stats: &SessionStats,
        video_frames: bool,
        usage: ProcessUsage,
    ) -> Self {
        let stalled: Duration = stats.stalls.iter().map(|stall| stall.duration).sum();
        let wall = stalled + stats.played_wall;
        let seconds = |time: crate::time::MediaTime| time.as_secs_f64();
        Self {
            outcome,
            error: error.map(ErrorReport::from),
            startup_ms: stats.startup.map(ms),
            moving_ms: stats.moving.map(ms),
            startup_phases: stats.startup_phases.iter().map(|(name, span)| (name.clone(), ms(*span))).collect(),
            played_s: stats.played.as_secs_f64(),
            stalls: stats
                .stalls
                .iter()
                .map(|s| StallReport { at_s: seconds(s.at), duration_ms: ms(s.duration), reason: s.reason.clone() })
                .collect(),
            stall_ms_total: ms(stalled),
            rebuffer_ratio: (!wall.is_zero()).then(|| stalled.as_secs_f64() / wall.as_secs_f64()),
            switches: stats
                .switches
                .iter()
                .map(|s| SwitchReport {
                    at_s: seconds(s.at),
                    from: s.from.clone(),
                    to: s.to.clone(),
                    reason: s.reason.clone(),
                })
                .collect(),
            bitrate_bps: BitrateReport { fetched: stats.bitrate_fetched, shown: stats.bitrate_shown },
            frames: video_frames.then(|| FramesReport::new(outcome, stats)),
            seeks: stats
                .seeks
                .iter()
                .map(|s| SeekReport {
                    to_s: seconds(s.to),
                    latency_ms: s.latency.map(ms),
                    error_ms: s.error_nanos.map(|nanos| nanos as f64 / 1e6),
                })
                .collect(),
            bytes: BytesReport { media: stats.bytes_media, manifest: stats.bytes_manifest, wasted: stats.bytes_wasted },
            memory: stats.memory.into(),
            requests: stats.requests,
            retries: stats.retries,
            host_wakeups: stats.host_wakeups,
            failovers: stats
                .failovers
                .iter()
                .map(|f| FailoverReport {
                    at_s: seconds(f.at),
                    from: f.from.clone(),
                    to: f.to.clone(),
                    reason: f.reason.clone(),
                })
                .collect(),
            av_sync_ms: quantiles(&stats.av_sync_nanos),
            buffer_s: BufferReport {
                mean: stats.buffer_mean.map(|span| span.as_secs_f64()),
                min: stats.buffer_min.map(|span| span.as_secs_f64()),
            },
            live: stats.live.as_ref().map(LiveReport::of),
            peak_rss_bytes: usage.peak_rss_bytes,
            cpu_s: usage.cpu_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_null() {
        let report =
            SessionReport::new(Outcome::Stopped, None, &SessionStats::default(), false, ProcessUsage::default());
        let json = serde_json::to_value(&report).expect("plain data serialises");
        for field in ["error", "startup_ms", "frames", "av_sync_ms", "rebuffer_ratio", "live", "peak_rss_bytes"] {
            assert!(json[field].is_null(), "{field} must be null");
        }
        assert_eq!(json["outcome"], "stopped");
    }

    #[test]
    fn quantiles_are_of_absolute_values() {
        let report = quantiles(&[-30_000_000, 10_000_000, 20_000_000]).expect("three samples");
        assert_eq!((report.p50, report.p99), (20.0, 30.0));
        assert_eq!(quantiles(&[]), None);
    }

    fn known() -> SessionStats {
        use crate::render::FrameCounts;
        use crate::telemetry::{Failover, FrameAccount, Seek, Stall, Switch};
        use crate::time::MediaTime;

        let ms = Duration::from_millis;
        let at = MediaTime::from_millis;
        let stall = |time, span| Stall { at: at(time), duration: ms(span), reason: format!("for {span}") };
        SessionStats {
            live: None,
            startup: Some(ms(321)),
            moving: Some(Duration::from_micros(654_321)),
            startup_phases: [("manifest".to_owned(), ms(100)), ("init".to_owned(), ms(150))].into(),
            played: ms(40_500),
            played_wall: ms(20_250),
            stalls: vec![stall(5_000, 1_500), stall(9_000, 250)],
            switches: vec![Switch { at: at(4_000), from: "a".into(), to: "b".into(), reason: "up".into() }],
            seeks: vec![
                Seek { to: at(30_500), latency: Some(ms(80)), error_nanos: Some(-1_500_000) },
                Seek { to: at(1_000), latency: None, error_nanos: None },
            ],
            failovers: vec![Failover { at: at(7_250), from: "x".into(), to: "y".into(), reason: "refused".into() }],
            bitrate_fetched: Some(3_000_000.0),
            bitrate_shown: Some(2_500_000.0),
            frames: FrameCounts { presented: 900, dropped: 7, repeated: 3, corrupt: 2 },
            account: FrameAccount {
                received: 1000,
                repeated: 4,
                decoder_input: 990,
                incomplete: 9,
                lost: FrameLosses { undecodable: 1, overlapped: 2, outside_window: 4, late: 8 },
                discarded: FrameDiscards { seek: 16, switch: 5, replaced: 6, stopped: 10 },
            },
            bytes_media: 11,
            bytes_manifest: 22,
            bytes_wasted: 33,
            memory: MemoryStats {
                total_peak: 101,
                media_peak: 102,
                in_flight_peak: 103,
                metadata: 104,
                indexes: 105,
                manifest: 106,
            },
            requests: 44,
            retries: 55,
            host_wakeups: Some(77),
            av_sync_nanos: (1..=100).map(|sample| -sample * 1_000_000).collect(),
            buffer_mean: Some(ms(12_500)),
            buffer_min: Some(ms(2_250)),
            buffer_now: ms(1),
            bandwidth_estimate: Some(5),
        }
    }

    #[test]
    fn every_field_is_in_the_unit_that_its_name_says() {
        let usage = ProcessUsage { peak_rss_bytes: Some(66), cpu_s: Some(7.5) };
        let report = SessionReport::new(Outcome::Ended, None, &known(), true, usage);
        let json = serde_json::to_value(&report).expect("plain data serialises");
        let expected = serde_json::json!({
            "outcome": "ended",
            "error": null,
            "startup_ms": 321.0,
            "moving_ms": 654.321,
            "startup_phases": { "manifest": 100.0, "init": 150.0 },
            "played_s": 40.5,
            "stalls": [
                { "at_s": 5.0, "duration_ms": 1500.0, "reason": "for 1500" },
                { "at_s": 9.0, "duration_ms": 250.0, "reason": "for 250" },
            ],
            "stall_ms_total": 1750.0,
            "rebuffer_ratio": 1.75 / (1.75 + 20.25),
            "switches": [{ "at_s": 4.0, "from": "a", "to": "b", "reason": "up" }],
            "bitrate_bps": { "fetched": 3_000_000.0, "shown": 2_500_000.0 },
            "frames": {
                "received": 1000, "decoder_input": 990,
                "presented": 896, "dropped": 7, "repeated": 7, "corrupt": 2,
                "lost": { "undecodable": 1, "overlapped": 2, "outside_window": 4, "late": 8 },
                "discarded": { "seek": 16, "switch": 5, "replaced": 6, "stopped": 10 },
            },
            "seeks": [
                { "to_s": 30.5, "latency_ms": 80.0, "error_ms": -1.5 },
                { "to_s": 1.0, "latency_ms": null, "error_ms": null },
            ],
            "bytes": { "media": 11, "manifest": 22, "wasted": 33 },
            "memory": {
                "total_peak": 101, "media_peak": 102, "in_flight_peak": 103,
                "metadata": 104, "indexes": 105, "manifest": 106,
            },
            "requests": 44,
            "retries": 55,
            "host_wakeups": 77,
            "failovers": [{ "at_s": 7.25, "from": "x", "to": "y", "reason": "refused" }],
            "av_sync_ms": { "p50": 50.0, "p99": 99.0 },
            "buffer_s": { "mean": 12.5, "min": 2.25 },
            "live": null,
            "peak_rss_bytes": 66,
            "cpu_s": 7.5,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn frames_held_at_a_stop_or_a_failure_count_as_stopped() {
        let error = PlayerError::fatal(crate::error::ErrorCode::KeyUnavailable, "no key");
        // 1000 received; 903 presented or dropped, 15 lost, 37 discarded, and 45 held.
        for (outcome, name, stopped) in [(Outcome::Stopped, "stopped", 55), (Outcome::Failed, "failed", 55)] {
            let report = SessionReport::new(outcome, Some(&error), &known(), true, ProcessUsage::default());
            let json = serde_json::to_value(&report).expect("plain data serialises");
            assert_eq!((&json["outcome"], &json["frames"]["discarded"]["stopped"]), (&name.into(), &stopped.into()));
            let told = &json["error"];
            assert_eq!((&told["code"], &told["name"]), (&error.code.number().into(), &error.code.name().into()));
            assert_eq!((&told["message"], &told["advice"]), (&"no key".into(), &error.code.advice().into()));
            assert_eq!(told["retriable"], error.code.is_retriable());
        }
    }

    #[test]
    fn the_ratio_is_of_wall_time_and_one_when_nothing_was_played() {
        let ratio = |stats: SessionStats| {
            SessionReport::new(Outcome::Ended, None, &stats, false, ProcessUsage::default()).rebuffer_ratio
        };
        let known = known();
        assert_eq!(ratio(SessionStats { played_wall: Duration::ZERO, ..known.clone() }), Some(1.0));
        assert_eq!(ratio(SessionStats { stalls: Vec::new(), ..known }), Some(0.0));
    }
}
