//! VLC: its first picture, processor time and memory. Neither positions nor seeks are followed.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::Job;
use crate::bench::session::{self, Control, Plan, Session, Source, Watcher};

/// User without rights, `nobody` on every Linux: VLC refuses to run as root.
const NOBODY: u32 = 65534;

/// Returns the version.
pub fn version() -> Result<String, String> {
    super::version_line(user(Command::new("vlc").args(["-I", "dummy", "--version"]), Path::new("/")))
}

/// Makes a command run as a user without rights if this process is root's.
fn user<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        command.uid(NOBODY).gid(NOBODY).env("HOME", home);
    }
    command
}

/// Plays a session into dummy outputs.
pub fn play(job: &Job<'_>) -> anyhow::Result<Session> {
    let home = tempfile::tempdir()?;
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777))?;
    let mut command = Command::new("vlc");
    user(&mut command, home.path());
    command.args(["-I", "dummy", "--vout=vdummy", "--aout=adummy", "--avcodec-hw=none", "--no-video-title-show"]);
    if job.is_watched {
        command.arg("-vv");
    }
    command.args([&job.url, "vlc://quit"]);
    let plan = Plan {
        command,
        control: Control::None,
        until: job.length,
        seeks: &[],
        is_watched: job.is_watched,
        only_start: job.only_start,
    };
    session::run(plan, &mut Log)
}

struct Log;

impl Watcher for Log {
    fn on_line(&mut self, _: Source, at: Duration, line: &str, session: &mut Session) {
        if line.contains("Received first picture") {
            session.first_frame.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_picture_is_in_the_log() {
        let mut session = Session::default();
        for (ms, line) in [
            (1, "main input debug: Decoder buffering done"),
            (9, "Received first picture"),
            (99, "Received first picture"),
        ] {
            Log.on_line(Source::Errors, Duration::from_millis(ms), line, &mut session);
        }
        assert_eq!(session.first_frame, Some(Duration::from_millis(9)));
    }
}
