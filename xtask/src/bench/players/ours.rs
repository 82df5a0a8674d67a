//! Ours: `kinora-qa play`, its events and its report.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::Job;
use crate::bench::session::{self, BETWEEN_SEEKS, Control, Hold, Plan, Seek, Session, Source, Watcher};

/// Shortest hold that counts: events of one instant are written one after the other.
const LEAST_HOLD: Duration = Duration::from_millis(50);
/// Time that the tool has to end after its last second.
const TO_END: Duration = Duration::from_secs(10);

/// Plays a session. Seeks are given beforehand: one every [`BETWEEN_SEEKS`].
pub fn play(tool: &Path, job: &Job<'_>) -> anyhow::Result<Session> {
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("report.json");
    let mut command = Command::new(tool);
    command.args(["play", &job.url, "--render", "decode", "--seconds", &job.length.as_secs_f64().to_string()]);
    command.arg("--report").arg(&report);
    if job.is_watched {
        command.args(["--events", "-"]);
    }
    if let Some(seconds) = job.max_buffer_s {
        command.args(["--max-buffer", &seconds.to_string()]);
    }
    for (to, number) in job.seeks.iter().zip(1..) {
        command.arg("--seek").arg(format!("{to:.3}@{:.1}", (BETWEEN_SEEKS * number).as_secs_f64()));
    }
    // A session that only counts costs is ended like those of the others, without the tool's own end.
    let until = if job.is_watched { job.length + TO_END } else { job.length };
    let plan = Plan {
        command,
        control: Control::None,
        until,
        seeks: &[],
        is_watched: job.is_watched,
        only_start: job.only_start,
    };
    session::run(plan, &mut Events { report, hold: None })
}

/// Reader of the events, one JSON object a line.
struct Events {
    report: PathBuf,
    /// Begin of a hold that lasts.
    hold: Option<Duration>,
}

impl Watcher for Events {
    fn on_line(&mut self, source: Source, at: Duration, line: &str, session: &mut Session) {
        let Some(event) = serde_json::from_str::<Value>(line).ok().filter(|_| source == Source::Output) else { return };
        let seconds = |time: &Value| time.as_i64().map(|nanos| nanos as f64 / 1e9);
        match event["event"].as_str().unwrap_or_default() {
            "first_frame" if session.first_frame.is_none() => {
                session.first_frame = Some(at);
                session.startup_ms = serde_json::from_value::<Duration>(event["latency"].clone())
                    .ok()
                    .map(|latency| latency.as_secs_f64() * 1000.0);
            }
            "seek_started" => {
                self.end_hold(at, session);
                session.seeks.push(Seek { to: seconds(&event["to"]).unwrap_or(-1.0), asked: at, shown: None });
            }
            "seek_completed" => {
                if let Some(seek) = session.seeks.last_mut() {
                    seek.shown = Some(at);
                }
                // Until playback goes on.
                self.hold = Some(at);
            }
            "state_changed"
                if event["state"].get("buffering").is_some()
                    && session.first_frame.is_some()
                    && !session.is_seeking() =>
            {
                self.hold.get_or_insert(at);
            }
            "state_changed" if event["state"] == "ready" => self.end_hold(at, session),
            "ended" => {
                self.end_hold(at, session);
                session.ended = true;
            }
            "failed" => session.error = Some(event["error"]["code"].as_str().unwrap_or("unknown").to_owned()),
            _ => {}
        }
    }

    fn on_end(&mut self, session: &mut Session) -> anyhow::Result<()> {
        self.end_hold(session.length, session);
        let Ok(text) = std::fs::read_to_string(&self.report) else { return Ok(()) };
        // Empty if the process was ended before its report.
        let Ok(report) = serde_json::from_str::<Value>(&text) else { return Ok(()) };
        session.frames = report["frames"]["presented"].as_u64();
        session.wasted_bytes = report["bytes"]["wasted"].as_u64();
        session.position = report["played_s"].as_f64().unwrap_or_default();
        if session.error.is_none() {
            session.error = report["error"]["code"].as_str().map(ToOwned::to_owned);
        }
        Ok(())
    }
}

impl Events {
    fn end_hold(&mut self, at: Duration, session: &mut Session) {
        if let Some(began) = self.hold.take().filter(|began| at.saturating_sub(*began) >= LEAST_HOLD) {
            session.holds.push(Hold { at: began, length: at - began });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(u64, &str)]) -> Session {
        let mut session = Session::default();
        let mut events = Events { report: PathBuf::new(), hold: None };
        for (ms, line) in lines {
            events.on_line(Source::Output, Duration::from_millis(*ms), line, &mut session);
        }
        session
    }

    #[test]
    fn a_session_is_read_from_its_events() {
        let session = read(&[
            (5, r#"{"event":"state_changed","state":{"buffering":"starting"}}"#),
            (90, r#"{"event":"first_frame","pts":0,"latency":{"secs":0,"nanos":70000000}}"#),
            (91, r#"{"event":"state_changed","state":"ready"}"#),
            (4000, r#"{"event":"state_changed","state":{"buffering":"network"}}"#),
            (4600, r#"{"event":"state_changed","state":"ready"}"#),
            (9000, r#"{"event":"ended"}"#),
        ]);
        assert_eq!((session.first_frame, session.startup_ms), (Some(Duration::from_millis(90)), Some(70.0)));
        assert!((session.frozen_s() - 0.6).abs() < 1e-9 && session.ended);
    }

    #[test]
    fn a_wait_for_a_seek_is_no_hold_and_one_after_it_is() {
        let session = read(&[
            (90, r#"{"event":"first_frame","pts":0,"latency":{"secs":0,"nanos":70000000}}"#),
            (1000, r#"{"event":"seek_started","to":50000000000}"#),
            (1001, r#"{"event":"state_changed","state":{"buffering":"seeking"}}"#),
            (1400, r#"{"event":"seek_completed","to":50000000000}"#),
            (1401, r#"{"event":"state_changed","state":"ready"}"#),
            (3000, r#"{"event":"seek_started","to":9000000000}"#),
            (3200, r#"{"event":"seek_completed","to":9000000000}"#),
            (3500, r#"{"event":"state_changed","state":"ready"}"#),
        ]);
        assert_eq!(session.seeks.iter().map(Seek::latency_ms).collect::<Vec<_>>(), [Some(400.0), Some(200.0)]);
        assert_eq!([0, 1].map(|seek| session.hold_after(seek).as_millis()), [0, 300]);
    }

    #[test]
    fn a_failure_has_its_code() {
        let session = read(&[(50, r#"{"event":"failed","error":{"code":"ManifestInvalid"}}"#), (60, "no JSON")]);
        assert_eq!(session.error.as_deref(), Some("ManifestInvalid"));
    }
}
