//! The command line. What an option means is said here once; exit status 2 is a usage error everywhere.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use player_core::Hdcp;
use player_core::drm::DrmConfig;
use url::Url;

/// Drives the Kinora player for people who test it.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Play a stream headless; events and a session report in JSON.
    /// Exit status 0 played, 2 usage, 3 playback failed (the error as JSON on standard error).
    Play(Box<PlayOptions>),
    /// Read manifests, subtitles and media files; one JSON object a line.
    /// Exit status 0 when every file is in order, 1 when any is not.
    Inspect(InspectOptions),
}

/// How to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RenderTo {
    /// Pace time like a device, decode nothing.
    Null,
    /// Decode into a sink that counts.
    Decode,
    /// Open a window.
    Window,
}

/// Options of `play`.
#[derive(Clone, Debug, Args)]
pub struct PlayOptions {
    /// Addresses of the same manifest, best first.
    #[arg(required_unless_present = "backend")]
    pub urls: Vec<Url>,
    /// Sign in to this backend and play one of its titles instead of an address.
    #[arg(long, conflicts_with = "urls")]
    pub backend: Option<Url>,
    /// The title's id; the first title of the home screen when absent.
    #[arg(long, requires = "backend")]
    pub title: Option<String>,
    /// The protocol to ask the backend for.
    #[arg(long, requires = "backend", default_value = "hls")]
    pub protocol: String,
    /// Account address; the password comes from `KINORA_PASSWORD`.
    #[arg(long, requires = "backend", env = "KINORA_EMAIL")]
    pub email: Option<String>,
    /// End after so many seconds of wall time since the load.
    #[arg(long, value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// End after so many seconds of film were presented.
    #[arg(long, value_parser = seconds)]
    pub play_seconds: Option<Duration>,
    /// Play to the end (the default when no other end is given).
    #[arg(long)]
    pub until_end: bool,
    /// How to show.
    #[arg(long, value_enum, default_value_t = RenderTo::Decode)]
    pub render: RenderTo,
    /// Write events as they happen, one JSON object a line, to this file or to standard output (`-`).
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Write the session report to this file; without it, it is the last line of standard output when events do
    /// not go there.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Seek exactly to T seconds, AT seconds of wall time after the load. May be repeated.
    #[arg(long, value_name = "T@AT", value_parser = seek)]
    pub seek: Vec<Seek>,
    /// Playback rate, 0.25 to 4.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Preferred audio language (BCP 47).
    #[arg(long, value_name = "LANGUAGE")]
    pub prefer_audio: Option<String>,
    /// Preferred subtitle language (BCP 47).
    #[arg(long, value_name = "LANGUAGE")]
    pub prefer_text: Option<String>,
    /// Show this text track, named by its id or its label, once it is listed; captions inside the pictures may be
    /// listed only when they are heard.
    #[arg(long, value_name = "TRACK")]
    pub text: Option<String>,
    /// The adaptive rule.
    #[arg(long, value_name = "RULE")]
    pub abr: Option<String>,
    /// How far to buffer, seconds.
    #[arg(long, value_parser = seconds)]
    pub max_buffer: Option<Duration>,
    /// Latency to hold behind the live edge, seconds; the manifest's without it.
    #[arg(long, value_parser = seconds)]
    pub latency: Option<Duration>,
    /// Keep up to so many bytes of media in memory: what is played again is not fetched again. The report counts what
    /// was served from there.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub media_cache: Option<u64>,
    /// The most that is chosen by itself, bits per second; the lowest quality is always permitted.
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_bitrate: Option<u64>,
    /// The copy protection that the output is said to have: `none`, `type-0` or `type-1` (`HDCP-LEVEL`).
    #[arg(long, value_name = "LEVEL", default_value = "none", value_parser = protection)]
    pub output_protection: Hdcp,
    /// A ClearKey key, hexadecimal. May be repeated.
    #[arg(long, value_name = "KID:KEY", value_parser = clearkey)]
    pub clearkey: Vec<String>,
    /// A ClearKey licence server, asked before those of the manifest. May be repeated.
    #[arg(long, value_name = "URL")]
    pub licence_server: Vec<Url>,
    /// Write every input of the engine to this file, for a replay.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// With `--render decode`: write the time and the SHA-256 of every decoded picture to this file.
    #[arg(long, value_name = "FILE")]
    pub hash: Option<PathBuf>,
    /// A header for every request. May be repeated.
    #[arg(long, value_name = "NAME:VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,
    /// More certification authorities to trust, PEM.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Neither keep nor send back the cookies that servers set.
    #[arg(long)]
    pub no_cookies: bool,
    /// Nothing playable within so many seconds is a failure.
    #[arg(long, value_parser = seconds, default_value = "15")]
    pub start_timeout: Duration,
}

/// Options of `inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectOptions {
    /// The files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The time at which live manifests are read (RFC 3339); the machine's own when absent.
    #[arg(long)]
    pub now: Option<jiff::Timestamp>,
    /// Where the files are said to come from.
    #[arg(long)]
    pub base_url: Option<Url>,
    /// List the samples of media files.
    #[arg(long)]
    pub samples: bool,
}

/// One seek to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seek {
    /// The target.
    pub to: Duration,
    /// Wall time after the load.
    pub at: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    Duration::try_from_secs_f64(value).map_err(|error| error.to_string())
}

fn seek(text: &str) -> Result<Seek, String> {
    let (to, at) = text.split_once('@').ok_or_else(|| format!("{text:?} is not T@AT"))?;
    Ok(Seek { to: seconds(to)?, at: seconds(at)? })
}

fn clearkey(text: &str) -> Result<String, String> {
    match DrmConfig::default().add(text) {
        true => Ok(text.to_owned()),
        false => Err("a key is written as KID:KEY, 32 hexadecimal digits each".to_owned()),
    }
}

fn protection(text: &str) -> Result<Hdcp, String> {
    Hdcp::parse(&text.to_ascii_uppercase()).ok_or_else(|| format!("{text:?} is not none, type-0 or type-1"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("{text:?} is not NAME:VALUE"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_command_line_reads_as_documented() {
        let line = "kinora-qa play http://h/a.m3u8 http://i/a.m3u8 --seek 5@2.5 --seek 0@9 --header A:b:c --rate 2";
        let Verb::Play(play) = Cli::try_parse_from(line.split(' ')).unwrap().verb else { panic!("a play") };
        assert_eq!(play.urls.len(), 2);
        assert_eq!(play.seek[0], Seek { to: Duration::from_secs(5), at: Duration::from_millis(2500) });
        assert_eq!(play.header, [("A".to_owned(), "b:c".to_owned())]);
        assert_eq!(play.start_timeout, Duration::from_secs(15));
        assert_eq!((play.max_bitrate, play.output_protection), (None, Hdcp::None));
        let line = "kinora-qa play http://h/a.m3u8 --max-bitrate 800000 --output-protection type-0";
        let Verb::Play(play) = Cli::try_parse_from(line.split(' ')).unwrap().verb else { panic!("a play") };
        assert_eq!((play.max_bitrate, play.output_protection), (Some(800_000), Hdcp::Type0));
        assert_eq!(play.media_cache, None);
        let line = "kinora-qa play http://h/a.m3u8 --media-cache 5000000000";
        let Verb::Play(play) = Cli::try_parse_from(line.split(' ')).unwrap().verb else { panic!("a play") };
        assert_eq!(play.media_cache, Some(5_000_000_000));
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        let lines = [
            "kinora-qa play",
            "kinora-qa play http://h/a --seek 5",
            "kinora-qa play http://h/a --seconds -1",
            "kinora-qa play http://h/a --max-bitrate 0",
            "kinora-qa play http://h/a --media-cache 0",
            "kinora-qa play http://h/a --media-cache 64M",
            "kinora-qa play http://h/a --output-protection hdcp",
        ];
        for line in lines {
            assert_eq!(Cli::try_parse_from(line.split(' ')).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
