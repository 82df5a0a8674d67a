//! Runs `ffmpeg` and `ffprobe` as child processes: progress read from a pipe, the last words kept for the error, ended when asked
//! or when they exceed their limits in time and memory.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::cancel::OnCancel;
use super::{Cancel, IngestError};

/// Bytes that are written to ffmpeg at a time.
const FEED: usize = 1 << 16;
/// Lines of stderr that are kept; the useful one is among the last.
const KEPT_LINES: usize = 24;
/// Longest line that is kept, bytes.
const KEPT_BYTES: usize = 400;
/// Longest answer that is read from ffprobe, bytes.
const MAX_OUTPUT: u64 = 8 << 20;
/// Longest time that ffprobe may take to examine a file.
const PROBE_TIME: Duration = Duration::from_secs(30);
/// Longest time that ffmpeg may go on without coming further in the film.
const STALL_TIME: Duration = Duration::from_secs(300);
/// Private memory that ffprobe may have, in bytes.
const PROBE_MEMORY: u64 = 2 << 30;
/// Private memory that ffmpeg may have, in bytes, and as much again for each processor as its threads take.
const ENCODE_MEMORY: (u64, u64) = (4 << 30, 512 << 20);
/// Containers that are read, by the names of ffmpeg's demuxers. None of them names other files; playlists and `concat` do.
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,asf,ogg,mxf,nut,ivf,\
                       dv,wtv,obu,av1,gxf,yuv4mpegpipe,mp3,aac,flac,wav";
/// Protocols through which ffmpeg and ffprobe may read and write.
const PROTOCOLS: &str = "file,pipe";

/// Means to wait for a running child.
enum Event {
    /// ffmpeg came this far in the film, microseconds.
    Reached(u64),
    /// The standard output is closed, as it is when the child ends; what was read from it, if anything was kept.
    Closed(io::Result<Vec<u8>>),
    /// The cancel flag was raised.
    Cancelled,
}

/// Sends an event when the flag is raised. A full channel has a reader that is awake, and looks at the flag.
fn wake_on_cancel(cancel: &Cancel, events: &SyncSender<Event>) -> OnCancel {
    let events = events.clone();
    cancel.on_cancel(move || drop(events.try_send(Event::Cancelled)))
}

/// What a failed child said last.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

/// Options in front of the `-i` of a file that somebody else made: what it claims to be does not choose what is opened.
pub(super) fn untrusted_input() -> [OsString; 4] {
    ["-protocol_whitelist", PROTOCOLS, "-format_whitelist", FORMATS].map(OsString::from)
}

/// Runs ffprobe and returns what it printed, or what it said when it failed.
pub(super) fn probe(args: &[OsString], cancel: &Cancel) -> Result<Result<Vec<u8>, Failure>, IngestError> {
    let mut child = spawn("ffprobe", args, Path::new("."), PROBE_MEMORY, Stdio::null())?;
    let words = last_words(&mut child)?;
    let (events, inbox) = mpsc::sync_channel(2);
    let _wake = wake_on_cancel(cancel, &events);
    let stdout = child.stdout.take();
    let read = move || {
        let mut output = Vec::new();
        let read = stdout.map_or(Ok(0), |stdout| stdout.take(MAX_OUTPUT).read_to_end(&mut output));
        // Nobody listens any more to a child that was ended.
        drop(events.send(Event::Closed(read.map(|_| output))));
    };
    let reader = thread::Builder::new().name("ffprobe-stdout".into()).spawn(read);
    let outcome = match reader {
        Err(error) => Err(tool("ffprobe")(error)),
        Ok(_) => loop {
            match inbox.recv_timeout(PROBE_TIME) {
                Ok(Event::Reached(_)) => {}
                Ok(Event::Closed(output)) => break output.map_err(tool("ffprobe")),
                Ok(Event::Cancelled) => break Err(IngestError::Cancelled),
                Err(_) => {
                    let limit = format!("{} s to examine the file", PROBE_TIME.as_secs());
                    break Err(IngestError::Limit { tool: "ffprobe", limit });
                }
            }
        },
    };
    if outcome.is_err() {
        end(&mut child);
    }
    let status = child.wait().map_err(tool("ffprobe"))?;
    let lines = words.join().unwrap_or_default();
    let output = outcome?;
    Ok(if status.success() { Ok(output) } else { Err(Failure(useful(&lines))) })
}

/// Runs ffmpeg in `directory` to its end. `position` is called with the presentation time reached, in microseconds.
///
/// `args` must not use stdin or stdout: this function adds `-progress pipe:1`.
pub(super) fn run(
    args: &[OsString],
    directory: &Path,
    cancel: &Cancel,
    position: impl FnMut(u64),
) -> Result<(), IngestError> {
    run_with(args, directory, cancel, position, None::<fn(&mut dyn Write) -> io::Result<()>>)
}

/// Runs ffmpeg as [`run`] does, with a standard input that `feed` writes on a thread of its own.
pub(super) fn run_fed(
    args: &[OsString],
    directory: &Path,
    cancel: &Cancel,
    position: impl FnMut(u64),
    feed: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
) -> Result<(), IngestError> {
    run_with(args, directory, cancel, position, Some(feed))
}

fn run_with(
    args: &[OsString],
    directory: &Path,
    cancel: &Cancel,
    mut position: impl FnMut(u64),
    feed: Option<impl FnOnce(&mut dyn Write) -> io::Result<()> + Send>,
) -> Result<(), IngestError> {
    let fixed = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning", "-progress", "pipe:1", "-y"];
    let all: Vec<OsString> = fixed.iter().map(OsString::from).chain(args.iter().cloned()).collect();
    let processors = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let input = if feed.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = spawn("ffmpeg", &all, directory, ENCODE_MEMORY.0 + processors * ENCODE_MEMORY.1, input)?;
    let words = last_words(&mut child)?;
    let (events, inbox) = mpsc::sync_channel(16);
    let _wake = wake_on_cancel(cancel, &events);
    let stdout = child.stdout.take();
    let forward = move || {
        let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n').map_while(Result::ok));
        for us in lines.filter_map(|line| parse_progress(&line)) {
            if events.send(Event::Reached(us)).is_err() {
                return;
            }
        }
        drop(events.send(Event::Closed(Ok(Vec::new()))));
    };
    let reader = thread::Builder::new().name("ffmpeg-progress".into()).spawn(forward);
    let stdin = child.stdin.take();
    let (outcome, fed) = thread::scope(|scope| {
        // A child that ends early closes the pipe, which ends the thread.
        let feeder = feed.zip(stdin).map(|(feed, stdin)| {
            let write = move || {
                let mut stdin = BufWriter::with_capacity(FEED, stdin);
                feed(&mut stdin).and_then(|()| stdin.flush())
            };
            thread::Builder::new().name("ffmpeg-stdin".into()).spawn_scoped(scope, write)
        });
        let outcome = match (&reader, &feeder) {
            (Ok(_), None | Some(Ok(_))) => follow(&inbox, cancel, &mut position),
            (Err(error), _) | (_, Some(Err(error))) => Err(tool("ffmpeg")(error.kind().into())),
        };
        if outcome.is_err() {
            end(&mut child);
        }
        let fed = match feeder {
            Some(Ok(feeder)) => feeder.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())),
            _ => Ok(()),
        };
        (outcome, fed)
    });
    let status = child.wait().map_err(tool("ffmpeg"))?;
    drop(inbox);
    if let Ok(handle) = reader {
        let _ = handle.join();
    }
    let lines = words.join().unwrap_or_default();
    outcome?;
    if !status.success() {
        return Err(IngestError::Encode { detail: useful(&lines) });
    }
    fed.map_err(tool("ffmpeg"))
}

/// Follows ffmpeg to its end, the raised flag, or the limit of time without progress.
fn follow(inbox: &Receiver<Event>, cancel: &Cancel, position: &mut impl FnMut(u64)) -> Result<(), IngestError> {
    let mut watch = StallWatch::begin(Instant::now());
    loop {
        if cancel.is_cancelled() {
            return Err(IngestError::Cancelled);
        }
        match inbox.recv_timeout(watch.time_left(Instant::now())) {
            Ok(Event::Reached(us)) => {
                watch.reach(us, Instant::now());
                position(us);
            }
            Ok(Event::Cancelled) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Closed(_)) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if watch.is_stalled(Instant::now()) {
            let limit = format!("{} s without progress", STALL_TIME.as_secs());
            return Err(IngestError::Limit { tool: "ffmpeg", limit });
        }
    }
}

/// Kills a child. One that has just ended by itself cannot be killed; either way it is gone afterwards.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Notices that ffmpeg runs and comes no further.
#[derive(Debug)]
struct StallWatch {
    furthest_us: u64,
    since: Instant,
}

impl StallWatch {
    fn begin(now: Instant) -> Self {
        Self { furthest_us: 0, since: now }
    }

    fn reach(&mut self, us: u64, now: Instant) {
        if us > self.furthest_us {
            (self.furthest_us, self.since) = (us, now);
        }
    }

    fn is_stalled(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) > STALL_TIME
    }

    /// Returns the time after which it is stalled unless something comes.
    fn time_left(&self, now: Instant) -> Duration {
        (STALL_TIME + Duration::from_millis(1)).saturating_sub(now.saturating_duration_since(self.since))
    }
}

fn tool(tool: &'static str) -> impl Fn(io::Error) -> IngestError {
    move |source| IngestError::Tool { tool, source }
}

fn spawn(
    program: &'static str,
    args: &[OsString],
    directory: &Path,
    memory: u64,
    input: Stdio,
) -> Result<Child, IngestError> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(directory)
        .env("AV_LOG_FORCE_NOCOLOR", "1")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(tool(program))?;
    if let Err(error) = limit(&child, memory) {
        end(&mut child);
        return Err(tool(program)(error));
    }
    Ok(child)
}

/// Bounds what a child may take. It has read nothing yet that matters: a file's contents come long after the program's start.
#[cfg(target_os = "linux")]
fn limit(child: &Child, memory: u64) -> io::Result<()> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    let most = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    for (resource, value) in [(Resource::Data, memory), (Resource::Core, 0)] {
        match prlimit(Some(pid), resource, most(value)) {
            // It has ended already: its status tells why.
            Ok(_) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit(_: &Child, _: u64) -> io::Result<()> {
    Ok(())
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

    #[test]
    fn a_child_that_comes_no_further_is_stalled() {
        let began = Instant::now();
        let mut watch = StallWatch::begin(began);
        assert!(!watch.is_stalled(began + STALL_TIME));
        watch.reach(1_000, began + STALL_TIME);
        assert!(!watch.is_stalled(began + 2 * STALL_TIME));
        watch.reach(1_000, began + 2 * STALL_TIME);
        let left = watch.time_left(began + 2 * STALL_TIME);
        assert!(watch.is_stalled(began + 2 * STALL_TIME + left), "the same place again is no progress");
        assert_eq!(watch.time_left(began + 9 * STALL_TIME), Duration::ZERO);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_may_have_only_so_much_memory() {
        let args = ["-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=600", "-f", "null", "-"].map(OsString::from);
        let mut child = spawn("ffmpeg", &args, Path::new("."), 64 << 20, Stdio::null()).expect("ffmpeg starts");
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("its limits");
        end(&mut child);
        let of = |name: &str| limits.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        assert!(of("Max data size").contains(&(64 << 20).to_string()), "{limits}");
        assert!(of("Max core file size").split_whitespace().nth(4) == Some("0"), "{limits}");
    }

    #[test]
    fn a_raised_flag_ends_the_probe() {
        // It examines without end.
        let args = ["-f", "lavfi", "-i", "testsrc2", "-count_frames", "-show_streams"].map(OsString::from);
        for is_raised_before in [true, false] {
            let cancel = Cancel::new();
            let raise = cancel.clone();
            if is_raised_before {
                raise.cancel();
            }
            let raising = thread::spawn(move || raise.cancel());
            let result = probe(&args, &cancel);
            assert!(matches!(result, Err(IngestError::Cancelled)), "{result:?}");
            raising.join().expect("the flag was raised");
        }
    }

    #[test]
    fn a_raised_flag_ends_a_child_that_reports_nothing() {
        let cancel = Cancel::new();
        let raise = cancel.clone();
        // It waits for a writer of the pipe that nobody opens, and prints no progress meanwhile.
        let dir = tempfile::tempdir().expect("a directory");
        let pipe = dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
        let args = ["-i".into(), pipe.into_os_string(), "-f".into(), "null".into(), "-".into()];
        let raising = thread::spawn(move || raise.cancel());
        let result = run(&args, Path::new("."), &cancel, |_| ());
        assert!(matches!(result, Err(IngestError::Cancelled)), "{result:?}");
        raising.join().expect("the flag was raised");
    }
}
