//! Runs `ffmpeg` and `ffprobe` as child processes: progress read from a pipe, the last words kept for the error, ended when asked.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{Cancel, IngestError};

/// How often a running child is checked against the cancel flag.
const POLL: Duration = Duration::from_millis(100);
/// Lines of stderr that are kept; the useful one is among the last.
const KEPT_LINES: usize = 24;
/// Longest line that is kept, bytes.
const KEPT_BYTES: usize = 400;
/// Longest answer that is read from ffprobe, bytes.
const MAX_OUTPUT: u64 = 8 << 20;

/// What a failed child said last.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

/// Runs ffprobe and returns what it printed, or what it said when it failed.
pub(super) fn probe(args: &[OsString]) -> Result<Result<Vec<u8>, Failure>, IngestError> {
    let mut child = spawn("ffprobe", args, Path::new("."))?;
    let words = last_words(&mut child)?;
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(MAX_OUTPUT).read_to_end(&mut output);
        read.map_err(tool("ffprobe"))?;
    }
    let status = child.wait().map_err(tool("ffprobe"))?;
    let lines = words.join().unwrap_or_default();
    Ok(if status.success() { Ok(output) } else { Err(Failure(useful(&lines))) })
}

/// Runs ffmpeg in `directory` to its end. `position` is called with the presentation time reached, in microseconds.
///
/// `args` must not use stdin or stdout: this function adds `-progress pipe:1`.
pub(super) fn run(
    args: &[OsString],
    directory: &Path,
    cancel: &Cancel,
    mut position: impl FnMut(u64),
) -> Result<(), IngestError> {
    let fixed = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning", "-progress", "pipe:1", "-y"];
    let all: Vec<OsString> = fixed.iter().map(OsString::from).chain(args.iter().cloned()).collect();
    let mut child = spawn("ffmpeg", &all, directory)?;
    let words = last_words(&mut child)?;
    let (sender, receiver) = mpsc::sync_channel::<u64>(16);
    let reader = child.stdout.take().map(|stdout| {
        let forward = move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                let reached = parse_progress(&line);
                if reached.is_some_and(|us| sender.send(us).is_err()) {
                    break;
                }
            }
        };
        thread::Builder::new().name("ffmpeg-progress".into()).spawn(forward)
    });
    let outcome = loop {
        if cancel.is_cancelled() {
            break Err(IngestError::Cancelled);
        }
        match receiver.recv_timeout(POLL) {
            Ok(us) => position(us),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        }
    };
    if outcome.is_err() {
        // A child that has just ended by itself cannot be killed; either way it is gone after `wait`.
        let _ = child.kill();
    }
    let status = child.wait().map_err(tool("ffmpeg"))?;
    drop(receiver);
    if let Some(Ok(handle)) = reader {
        let _ = handle.join();
    }
    let lines = words.join().unwrap_or_default();
    outcome?;
    if status.success() { Ok(()) } else { Err(IngestError::Encode { detail: useful(&lines) }) }
}

fn tool(tool: &'static str) -> impl Fn(std::io::Error) -> IngestError {
    move |source| IngestError::Tool { tool, source }
}

fn spawn(program: &'static str, args: &[OsString], directory: &Path) -> Result<Child, IngestError> {
    Command::new(program)
        .args(args)
        .current_dir(directory)
        .env("AV_LOG_FORCE_NOCOLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(tool(program))
}

/// Drains stderr on a thread of its own, so that a talkative child never blocks, and keeps its last lines.
fn last_words(child: &mut Child) -> Result<thread::JoinHandle<Vec<String>>, IngestError> {
    let stderr = child.stderr.take();
    let drain = move || {
        let mut kept = VecDeque::with_capacity(KEPT_LINES);
        let Some(stderr) = stderr else { return Vec::new() };
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            let line = &line[..line.len().min(KEPT_BYTES)];
            kept.push_back(String::from_utf8_lossy(line).trim().to_owned());
        }
        kept.into()
    };
    thread::Builder::new().name("ffmpeg-stderr".into()).spawn(drain).map_err(tool("ffmpeg"))
}

/// `out_time_us=1234` of `-progress`; ffmpeg prints `N/A` until the first frame is out.
fn parse_progress(line: &[u8]) -> Option<u64> {
    let value = line.strip_prefix(b"out_time_us=")?;
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// The line that names the cause. ffmpeg prints the cause first and general consequences after it.
fn useful(lines: &[String]) -> String {
    const CONSEQUENCES: [&str; 6] = [
        "Conversion failed!",
        "Error while filtering",
        "Error initializing",
        "Failed to inject frame",
        "Last message repeated",
        "Error opening output",
    ];
    let cause = lines
        .iter()
        .rev()
        .find(|line| !line.is_empty() && !CONSEQUENCES.iter().any(|c| line.contains(c)))
        .or_else(|| lines.iter().rev().find(|line| !line.is_empty()));
    cause.map_or_else(|| "ffmpeg gave no reason".to_owned(), |line| without_address(line).to_owned())
}

/// Drops the `[mov,mp4 @ 0x55d0c0de] ` that ffmpeg puts before a message.
fn without_address(line: &str) -> &str {
    match line.split_once("] ") {
        Some((head, rest)) if head.starts_with('[') && head.contains(" @ 0x") => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_picked_from_the_noise() {
        let lines =
            ["[mov,mp4,m4a @ 0x5600] moov atom not found", "Error while filtering: x", "Conversion failed!", ""];
        assert_eq!(useful(&lines.map(String::from)), "moov atom not found");
        assert_eq!(useful(&["Conversion failed!".to_owned()]), "Conversion failed!");
        assert_eq!(useful(&[]), "ffmpeg gave no reason");
    }

    #[test]
    fn progress_lines_are_microseconds() {
        assert_eq!(parse_progress(b"out_time_us=1500000"), Some(1_500_000));
        assert_eq!(parse_progress(b"out_time_us=N/A"), None);
        assert_eq!(parse_progress(b"frame=12"), None);
    }

    #[test]
    fn a_raised_flag_ends_the_child() {
        let cancel = Cancel::new();
        let args = ["-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=600", "-f", "null", "-"].map(OsString::from);
        let seen = cancel.clone();
        let result = run(&args, Path::new("."), &cancel, |_| seen.cancel());
        assert!(matches!(result, Err(IngestError::Cancelled)), "{result:?}");
    }
}
