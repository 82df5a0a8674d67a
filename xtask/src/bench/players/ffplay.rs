//! ffplay, whose pictures are followed by the filter `showinfo`. It takes no commands without a window.

use std::process::Command;
use std::time::Duration;

use super::{Job, number_after};
use crate::bench::session::{self, Control, Plan, Session, Source, Watcher};

/// Plays a session with SDL's dummy devices.
pub fn play(job: &Job<'_>) -> anyhow::Result<Session> {
    let mut command = Command::new("ffplay");
    command.env("SDL_VIDEODRIVER", "dummy").env("SDL_AUDIODRIVER", "dummy");
    command.args(["-hide_banner", "-autoexit"]);
    if job.is_watched {
        command.args(["-nostats", "-vf", "showinfo=checksum=0"]);
    }
    command.arg(&job.url);
    let plan = Plan {
        command,
        control: Control::None,
        until: job.length,
        seeks: &[],
        is_watched: job.is_watched,
        only_start: job.only_start,
    };
    session::run(plan, &mut Pictures)
}

struct Pictures;

impl Watcher for Pictures {
    fn on_line(&mut self, source: Source, at: Duration, line: &str, session: &mut Session) {
        if source == Source::Errors
            && line.contains("Parsed_showinfo")
            && let Some(position) = number_after(line, "pts_time:")
        {
            session.advance(at, position);
            session.frames = Some(session.frames.unwrap_or(0) + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_counted() {
        let mut session = Session::default();
        for (ms, line) in [
            (10, "Input #0, hls, from 'pts_time:9':"),
            (50, "[Parsed_showinfo_0 @ 0x7f] n:   0 pts:      0 pts_time:0       pos:     1563 fmt:yuv420p"),
            (90, "[Parsed_showinfo_0 @ 0x7f] n:   1 pts:    512 pts_time:0.0416667 pos:  1763 fmt:yuv420p"),
            (91, "[Parsed_showinfo_0 @ 0x7f] color_range:unknown"),
        ] {
            Pictures.on_line(Source::Errors, Duration::from_millis(ms), line, &mut session);
        }
        assert_eq!((session.first_frame, session.frames), (Some(Duration::from_millis(50)), Some(2)));
        assert!((session.position - 0.0417).abs() < 1e-3);
    }
}
