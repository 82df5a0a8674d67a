//! mpv, over its JSON socket.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::Job;
use crate::bench::session::{self, Control, Plan, Session, Source, Watcher};

/// Plays a session with neither window nor sound device.
pub fn play(job: &Job<'_>) -> anyhow::Result<Session> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("mpv");
    command.args(["--no-config", "--no-terminal", "--vo=null", "--ao=null", "--hwdec=no"]);
    let mut control = Control::None;
    if job.is_watched {
        let socket = folder.path().join("mpv");
        command.arg(format!("--input-ipc-server={}", socket.display()));
        control = Control::Socket(socket, line(&json!(["observe_property", 1, "time-pos"])));
    }
    command.arg(&job.url);
    let plan = Plan {
        command,
        control,
        until: job.length,
        seeks: job.seeks,
        is_watched: job.is_watched,
        only_start: job.only_start,
    };
    session::run(plan, &mut Socket)
}

fn line(command: &Value) -> String {
    format!("{}\n", json!({ "command": command }))
}

struct Socket;

impl Watcher for Socket {
    fn on_line(&mut self, source: Source, at: Duration, line: &str, session: &mut Session) {
        let Some(event) = serde_json::from_str::<Value>(line).ok().filter(|_| source == Source::Control) else {
            return;
        };
        match event["event"].as_str().unwrap_or_default() {
            // The first picture after the start or a seek.
            "playback-restart" => {
                let position = session.seeks.last().map_or(session.position, |seek| seek.to);
                session.advance(at, position);
            }
            // During a seek the position may be the target before there is a picture of it.
            "property-change" if session.first_frame.is_some() && !session.is_seeking() => {
                if let Some(position) = event["data"].as_f64().filter(|position| *position != session.position) {
                    session.advance(at, position);
                }
            }
            "end-file" if event["reason"] == "error" => {
                session.error = Some(event["file_error"].as_str().unwrap_or("error").to_owned());
            }
            "end-file" => session.ended = event["reason"] == "eof",
            _ => {}
        }
    }

    fn seek(&self, to: f64) -> Option<String> {
        Some(line(&json!(["seek", to, "absolute+exact"])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_the_socket_are_read() {
        let mut session = Session::default();
        for (ms, line) in [
            (80, r#"{"event":"property-change","id":1,"name":"time-pos","data":0.0}"#),
            (90, r#"{"event":"playback-restart"}"#),
            (130, r#"{"event":"property-change","id":1,"name":"time-pos","data":0.04}"#),
            (900, r#"{"event":"property-change","id":1,"name":"time-pos","data":0.04}"#),
            (1630, r#"{"event":"property-change","id":1,"name":"time-pos","data":0.08}"#),
            (1700, r#"{"event":"end-file","reason":"error","file_error":"loading failed"}"#),
        ] {
            Socket.on_line(Source::Control, Duration::from_millis(ms), line, &mut session);
        }
        assert_eq!(session.first_frame, Some(Duration::from_millis(90)));
        assert!((session.frozen_s() - 1.5).abs() < 1e-9);
        assert_eq!(session.error.as_deref(), Some("loading failed"));
        assert_eq!(Socket.seek(7.5).as_deref(), Some("{\"command\":[\"seek\",7.5,\"absolute+exact\"]}\n"));
    }
}
