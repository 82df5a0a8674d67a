//! The players that are compared, and the session of each as a command line.

mod ffplay;
mod mpv;
mod ours;
mod playbin3;
mod vlc;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::session::Session;

/// A player.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Player {
    /// Ours, by its QA tool.
    Kinora,
    /// GStreamer's playbin3 in a small program.
    Playbin3,
    /// mpv.
    Mpv,
    /// ffplay.
    Ffplay,
    /// VLC.
    Vlc,
}

impl Player {
    /// All players; ours first.
    pub const ALL: [Self; 5] = [Self::Kinora, Self::Playbin3, Self::Mpv, Self::Ffplay, Self::Vlc];

    /// Returns the name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kinora => "Kinora",
            Self::Playbin3 => "playbin3",
            Self::Mpv => "mpv",
            Self::Ffplay => "ffplay",
            Self::Vlc => "VLC",
        }
    }
}

/// Session to play.
#[derive(Clone, Debug, Default)]
pub struct Job<'a> {
    /// Address of the manifest.
    pub url: String,
    /// Time from the start of the process until its end.
    pub length: Duration,
    /// Targets of exact seeks in seconds.
    pub seeks: &'a [f64],
    /// Most media that ours buffers, in seconds; its default if absent.
    pub max_buffer_s: Option<u32>,
    /// True: pictures, positions and errors are followed. False: only the costs are counted.
    pub is_watched: bool,
    /// True: the session is over with its first picture.
    pub only_start: bool,
}

/// Players that are installed.
#[derive(Clone, Debug)]
pub struct Players {
    kinora: PathBuf,
    playbin3: Option<PathBuf>,
    /// Installed players with their versions, ours first.
    pub installed: Vec<(Player, String)>,
    /// Players that are missing, with the reason.
    pub missing: Vec<(Player, String)>,
}

impl Players {
    /// Finds the players. `kinora` is our QA tool; the program for playbin3 is compiled into `target`.
    pub fn find(kinora: &Path, target: &Path) -> Self {
        let mut players = Self { kinora: kinora.to_owned(), playbin3: None, installed: vec![], missing: vec![] };
        for player in Player::ALL {
            let version = match player {
                Player::Kinora => version_line(Command::new(kinora).arg("--version")),
                Player::Playbin3 => playbin3::compile(target).map(|program| {
                    players.playbin3 = Some(program);
                    playbin3::version()
                }),
                Player::Mpv => version_line(Command::new("mpv").arg("--version")),
                Player::Ffplay => version_line(Command::new("ffplay").arg("-version")),
                // The version in the package: the program itself refuses to run as root.
                Player::Vlc => vlc::version(),
            };
            match version {
                Ok(version) => players.installed.push((player, version)),
                Err(reason) => players.missing.push((player, reason)),
            }
        }
        players
    }

    /// Creates a list of players none of which can be started.
    #[cfg(test)]
    pub fn for_tests(installed: Vec<(Player, String)>, missing: Vec<(Player, String)>) -> Self {
        Self { kinora: PathBuf::new(), playbin3: None, installed, missing }
    }

    /// Returns those of some players that are installed.
    pub fn among(&self, wanted: &[Player]) -> Vec<Player> {
        let installed = self.installed.iter().map(|(player, _)| *player);
        installed.filter(|player| wanted.contains(player)).collect()
    }

    /// Plays a session.
    pub fn play(&self, player: Player, job: &Job<'_>) -> anyhow::Result<Session> {
        match player {
            Player::Kinora => ours::play(&self.kinora, job),
            Player::Playbin3 => playbin3::play(self.playbin3.as_deref(), job),
            Player::Mpv => mpv::play(job),
            Player::Ffplay => ffplay::play(job),
            Player::Vlc => vlc::play(job),
        }
    }
}

/// Returns the first line that a program prints about its version, without what follows the number.
fn version_line(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name} cannot be run: {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default();
    Ok(line.split(" Copyright").next().unwrap_or_default().trim().to_owned())
}

/// Returns the number behind `name` in a line, as in `pts_time:4.5 …`.
fn number_after(line: &str, name: &str) -> Option<f64> {
    let rest = line.split_once(name)?.1.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-')).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_behind_their_names() {
        assert_eq!(number_after("n:7 pts_time: 4.5 pos:1", "pts_time:"), Some(4.5));
        assert_eq!(number_after("pts_time:-0.04", "pts_time:"), Some(-0.04));
        assert_eq!(number_after("pts_time:nan", "pts_time:"), None);
        assert_eq!(number_after("pos:1", "pts_time:"), None);
    }

    #[test]
    fn a_program_that_is_missing_has_a_reason() {
        let reason = version_line(&mut Command::new("no-such-program-here")).expect_err("missing");
        assert!(reason.contains("no-such-program-here"), "{reason}");
        assert!(version_line(&mut Command::new("false")).is_err());
    }
}
