//! GStreamer's playbin3, in a program of some lines of C that is compiled when it is needed: `gst-launch-1.0` can
//! neither seek nor report its pictures.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::Job;
use crate::bench::session::{self, Control, Plan, Session, Source, Watcher};

const PROGRAM: &str = include_str!("playbin3.c");

/// Compiles the program into `target/bench`; the error names what is missing.
pub fn compile(target: &Path) -> Result<PathBuf, String> {
    let folder = target.join("bench");
    let (source, program) = (folder.join("playbin3.c"), folder.join("playbin3"));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&source, PROGRAM));
    written.map_err(|error| format!("cannot write {}: {error}", source.display()))?;
    let flags = output(Command::new("pkg-config").args(["--cflags", "--libs", "gstreamer-1.0"]))?;
    output(Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(&source).args(flags.split_whitespace()))?;
    Ok(program)
}

/// Returns the version of GStreamer.
pub fn version() -> String {
    let version = output(Command::new("pkg-config").args(["--modversion", "gstreamer-1.0"])).unwrap_or_default();
    format!("GStreamer {}", version.trim())
}

fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} failed: {}", errors.lines().next().unwrap_or_default()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Plays a session.
pub fn play(program: Option<&Path>, job: &Job<'_>) -> anyhow::Result<Session> {
    let mut command = Command::new(program.context("playbin3's program was not compiled")?);
    command.arg(&job.url);
    if !job.is_watched {
        command.arg("quiet");
    }
    let plan = Plan {
        command,
        control: Control::Input,
        until: job.length,
        seeks: job.seeks,
        is_watched: job.is_watched,
        only_start: job.only_start,
    };
    session::run(plan, &mut Lines { flushed: true })
}

struct Lines {
    /// True after the flush of the last seek: pictures are of its target.
    flushed: bool,
}

impl Watcher for Lines {
    fn on_line(&mut self, source: Source, at: Duration, line: &str, session: &mut Session) {
        if source != Source::Output {
            return;
        }
        match line.split_once(' ').unwrap_or((line, "")) {
            ("frame", position) if self.flushed || !session.is_seeking() => {
                if let Ok(position) = position.parse() {
                    session.advance(at, position);
                    session.frames = Some(session.frames.unwrap_or(0) + 1);
                }
                self.flushed &= session.is_seeking();
            }
            ("flush", _) => self.flushed = true,
            ("end", _) => session.ended = true,
            ("error", text) => session.error = Some(text.to_owned()),
            _ => {}
        }
    }

    fn seek(&self, to: f64) -> Option<String> {
        Some(format!("seek {to:.3}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::session::Seek;

    #[test]
    fn a_seek_ends_with_a_picture_after_the_flush() {
        let mut session = Session::default();
        let mut lines = Lines { flushed: true };
        let mut read = |ms, line, session: &mut Session| {
            lines.on_line(Source::Output, Duration::from_millis(ms), line, session);
        };
        read(100, "frame 0.000000", &mut session);
        session.seeks.push(Seek { to: 0.3, asked: Duration::from_millis(150), shown: None });
        read(160, "frame 0.041667", &mut session);
        assert_eq!(session.seeks[0].shown, None, "a picture from before the flush");
        read(200, "flush", &mut session);
        read(450, "frame 0.291667", &mut session);
        assert_eq!(session.seeks[0].latency_ms(), Some(300.0));
        read(460, "error Not found", &mut session);
        assert_eq!(session.error.as_deref(), Some("Not found"));
        assert_eq!((session.frames, session.ended), (Some(2), false));
    }
}
