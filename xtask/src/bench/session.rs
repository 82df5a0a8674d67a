//! A player at work, watched from outside: its process, its lines, the seeks that it is asked for.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::usage::{self, Usage};

/// Time between two looks at the counters of the process.
const TICK: Duration = Duration::from_millis(50);
/// Time between a picture after a seek and the next seek, and before the first one.
pub const BETWEEN_SEEKS: Duration = Duration::from_secs(3);
/// Longest time that a seek is waited for.
const SEEK_PATIENCE: Duration = Duration::from_secs(15);
/// Longest line that is kept, in bytes.
const MAX_LINE: usize = 64 * 1024;
/// Distance of two advances of playback beyond which the picture stood still.
pub const HOLD: Duration = Duration::from_millis(400);

/// Seek that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seek {
    /// Target in seconds.
    pub to: f64,
    /// Time of the command.
    pub asked: Duration,
    /// Time of the first picture of the target.
    pub shown: Option<Duration>,
}

impl Seek {
    /// Returns the time from the command to the picture in milliseconds.
    pub fn latency_ms(&self) -> Option<f64> {
        Some(self.shown?.saturating_sub(self.asked).as_secs_f64() * 1000.0)
    }
}

/// Time in which playback stood still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hold {
    /// Begin.
    pub at: Duration,
    /// Length.
    pub length: Duration,
}

/// Events and counters of a session. Times count from the start of the process.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Length of the session.
    pub length: Duration,
    /// Processor time.
    pub cpu: Duration,
    /// Largest resident set in bytes.
    pub peak_bytes: u64,
    /// Time of the first picture.
    pub first_frame: Option<Duration>,
    /// Time from the load to the first picture as the player reports it, in milliseconds.
    pub startup_ms: Option<f64>,
    /// Seeks in the order of the commands.
    pub seeks: Vec<Seek>,
    /// Holds after the first picture, without the waits for seeks.
    pub holds: Vec<Hold>,
    /// Pictures that were shown, if the player counts them.
    pub frames: Option<u64>,
    /// Last position in seconds.
    pub position: f64,
    /// Bytes that the player fetched and did not use, as it reports them.
    pub wasted_bytes: Option<u64>,
    /// True after the end of the film.
    pub ended: bool,
    /// Error with which the player gave up.
    pub error: Option<String>,
    /// Time of the last advance of the position, kept by [`Session::advance`].
    pub advanced: Option<Duration>,
}

impl Session {
    /// Records a picture or a position in seconds; a hold is added if the one before was too long ago.
    pub fn advance(&mut self, at: Duration, position: f64) {
        self.first_frame.get_or_insert(at);
        if let Some(seek) = self.seeks.last_mut().filter(|seek| seek.shown.is_none()) {
            // A picture of before the flush, or one on the way to the target.
            if (position - seek.to).abs() > 0.5 {
                return;
            }
            seek.shown = Some(at);
            self.advanced = None;
        }
        if let Some(before) = self.advanced.filter(|before| at.saturating_sub(*before) > HOLD) {
            self.holds.push(Hold { at: before, length: at - before });
        }
        self.advanced = Some(at);
        self.position = position;
    }

    /// Returns true while a seek waits for its picture.
    pub fn is_seeking(&self) -> bool {
        self.seeks.last().is_some_and(|seek| seek.shown.is_none())
    }

    /// Adds the hold that lasts until the end of a session whose film has not ended.
    fn close(&mut self) {
        if let Some(before) = self.advanced.filter(|_| !self.ended && !self.is_seeking())
            && self.length.saturating_sub(before) > HOLD
        {
            self.holds.push(Hold { at: before, length: self.length - before });
        }
    }

    /// Returns the sum of all holds in seconds.
    pub fn frozen_s(&self) -> f64 {
        self.holds.iter().map(|hold| hold.length).sum::<Duration>().as_secs_f64()
    }

    /// Returns the longest hold between the picture of a seek and the next seek.
    pub fn hold_after(&self, seek: usize) -> Duration {
        let Some(shown) = self.seeks.get(seek).and_then(|seek| seek.shown) else { return Duration::ZERO };
        let until = self.seeks.get(seek + 1).map_or(Duration::MAX, |next| next.asked);
        let within = self.holds.iter().filter(|hold| hold.at >= shown && hold.at < until);
        within.map(|hold| hold.length).max().unwrap_or_default()
    }
}

/// Source of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
    /// Control socket.
    Control,
}

/// Connection over which a player takes commands.
#[derive(Clone, Debug)]
pub enum Control {
    /// None: seeks are not possible, or given beforehand.
    None,
    /// Standard input.
    Input,
    /// A socket that the player makes, and the text to send first.
    Socket(PathBuf, String),
}

/// Reader of one player's lines.
pub trait Watcher {
    /// Reads a line.
    fn on_line(&mut self, source: Source, at: Duration, line: &str, session: &mut Session);

    /// Returns the command for an exact seek to a time in seconds; `None` if seeks were given beforehand.
    fn seek(&self, _to: f64) -> Option<String> {
        None
    }

    /// Completes the session after the process has ended.
    fn on_end(&mut self, _session: &mut Session) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A session to run.
pub struct Plan<'a> {
    /// Program with its arguments.
    pub command: Command,
    /// Connection for commands.
    pub control: Control,
    /// Time after which the process is ended.
    pub until: Duration,
    /// Targets of exact seeks in seconds: the first one [`BETWEEN_SEEKS`] after the first picture.
    pub seeks: &'a [f64],
    /// False: output is discarded, so that watching costs the player nothing.
    pub is_watched: bool,
    /// True: the session is over with its first picture.
    pub only_start: bool,
}

type Writer = Arc<Mutex<Option<Box<dyn Write + Send>>>>;

/// Runs a session to its end.
pub fn run(mut plan: Plan<'_>, watcher: &mut dyn Watcher) -> anyhow::Result<Session> {
    let pipe = || if plan.is_watched { Stdio::piped() } else { Stdio::null() };
    let input = if matches!(plan.control, Control::Input) { Stdio::piped() } else { Stdio::null() };
    plan.command.stdin(input).stdout(pipe()).stderr(pipe());
    let began = Instant::now();
    let mut child = plan
        .command
        .spawn()
        .with_context(|| format!("cannot start {}", plan.command.get_program().to_string_lossy()))?;
    let (sender, lines) = channel();
    let writer: Writer = Arc::default();
    if let Some(output) = child.stdout.take() {
        read(output, Source::Output, began, sender.clone());
    }
    if let Some(errors) = child.stderr.take() {
        read(errors, Source::Errors, began, sender.clone());
    }
    match plan.control {
        Control::None => {}
        Control::Input => {
            let input = child.stdin.take().map(|input| Box::new(input) as Box<dyn Write + Send>);
            *writer.lock().unwrap_or_else(PoisonError::into_inner) = input;
        }
        Control::Socket(path, greeting) => connect(path, greeting, plan.until, began, sender, Arc::clone(&writer)),
    }
    let mut session = Session::default();
    let parts = Parts { lines: &lines, began, writer: &writer };
    let counted = watch(&mut child, &parts, (plan.until, plan.seeks, plan.only_start), watcher, &mut session);
    // Fails only if the process has ended.
    let _ = child.kill();
    child.wait()?;
    let is_over = counted?;
    while let Ok((source, at, line)) = lines.recv_timeout(TICK) {
        // The last lines of a process that has ended may be read after its end; one that was killed had its time.
        if is_over || at < session.length {
            watcher.on_line(source, at, &line, &mut session);
        }
    }
    session.close();
    watcher.on_end(&mut session)?;
    Ok(session)
}

type Lines = Receiver<(Source, Duration, String)>;

/// Connections to a running process.
struct Parts<'a> {
    lines: &'a Lines,
    began: Instant,
    writer: &'a Writer,
}

/// Follows a process until it ends, its time is over or all seeks are done. Returns true if it has ended.
fn watch(
    child: &mut Child,
    parts: &Parts<'_>,
    (until, seeks, only_start): (Duration, &[f64], bool),
    watcher: &mut dyn Watcher,
    session: &mut Session,
) -> anyhow::Result<bool> {
    let Parts { lines, began, writer } = parts;
    let mut looked = Duration::ZERO;
    let mut to_seek = seeks.iter().copied().peekable();
    loop {
        match lines.recv_timeout(TICK) {
            Ok((source, at, line)) => watcher.on_line(source, at, &line, session),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
        }
        let now = began.elapsed();
        session.length = now;
        if only_start && session.first_frame.is_some() {
            return Ok(false);
        }
        let is_due = next_seek(session).is_some_and(|due| now >= due);
        match to_seek.peek() {
            Some(to) if is_due => {
                if let Some(command) = watcher.seek(*to) {
                    session.seeks.push(Seek { to: *to, asked: began.elapsed(), shown: None });
                    if let Err(error) = send(writer, &command) {
                        session.error.get_or_insert_with(|| format!("takes no command: {error}"));
                        return Ok(false);
                    }
                }
                to_seek.next();
            }
            None if !seeks.is_empty() && is_due && watcher.seek(0.0).is_some() => return Ok(false),
            _ => {}
        }
        if now.saturating_sub(looked) < TICK && now < until {
            continue;
        }
        looked = now;
        let Usage { cpu, peak_bytes, is_over } = usage::of(child.id()).context("a child has counters")?;
        session.cpu = cpu;
        session.peak_bytes = session.peak_bytes.max(peak_bytes);
        if is_over || now >= until {
            return Ok(is_over);
        }
    }
}

/// Returns the time of the next seek: some time after the first picture or the picture of the seek before.
fn next_seek(session: &Session) -> Option<Duration> {
    let Some(seek) = session.seeks.last() else { return Some(session.first_frame? + BETWEEN_SEEKS) };
    Some(seek.shown.map_or(seek.asked + SEEK_PATIENCE, |shown| shown + BETWEEN_SEEKS))
}

fn send(writer: &Writer, text: &str) -> anyhow::Result<()> {
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    let writer = writer.as_mut().context("no connection")?;
    writer.write_all(text.as_bytes())?;
    Ok(writer.flush()?)
}

/// Connects to the socket of a player as soon as there is one.
fn connect(path: PathBuf, greeting: String, until: Duration, began: Instant, sender: LineSender, writer: Writer) {
    std::thread::spawn(move || {
        while began.elapsed() < until {
            let Ok(mut stream) = UnixStream::connect(&path) else {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            };
            if stream.write_all(greeting.as_bytes()).is_ok()
                && let Ok(reader) = stream.try_clone()
            {
                *writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(stream));
                read(reader, Source::Control, began, sender);
            }
            return;
        }
    });
}

type LineSender = Sender<(Source, Duration, String)>;

/// Reads lines in a thread. A carriage return ends a line too: status lines are overwritten with it.
fn read(mut input: impl Read + Send + 'static, source: Source, began: Instant, sender: LineSender) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        let mut line = Vec::new();
        while let Ok(count) = input.read(&mut buffer) {
            let at = began.elapsed();
            for byte in &buffer[..count] {
                if !matches!(byte, b'\n' | b'\r') {
                    if line.len() < MAX_LINE {
                        line.push(*byte);
                    }
                } else if !line.is_empty() {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    line.clear();
                    if sender.send((source, at, text)).is_err() {
                        return;
                    }
                }
            }
            if count == 0 {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn holds_are_gaps_between_advances() {
        let mut session = Session::default();
        for (at, position) in [(100, 0.0), (140, 0.04), (1140, 0.08), (1180, 0.12)] {
            session.advance(MS(at), position);
        }
        assert_eq!(session.first_frame, Some(MS(100)));
        assert_eq!(session.holds, [Hold { at: MS(140), length: MS(1000) }]);
        session.length = MS(3180);
        session.close();
        assert!((session.frozen_s() - 3.0).abs() < 1e-9, "playback stood until the end");
    }

    #[test]
    fn a_film_that_has_ended_does_not_stand_still() {
        let mut session = Session { length: MS(5000), ended: true, ..Session::default() };
        session.advance(MS(100), 0.0);
        session.close();
        assert_eq!(session.holds, []);
    }

    #[test]
    fn a_seek_is_over_with_the_picture_of_its_target() {
        let mut session = Session::default();
        session.advance(MS(100), 0.0);
        session.seeks.push(Seek { to: 50.0, asked: MS(200), shown: None });
        session.advance(MS(240), 0.1);
        assert_eq!(session.seeks[0].latency_ms(), None, "a picture from before the seek");
        session.advance(MS(900), 50.0);
        assert_eq!(session.seeks[0].latency_ms(), Some(700.0));
        assert_eq!(session.holds, [], "the wait is the seek's");
        session.advance(MS(1500), 50.04);
        session.seeks.push(Seek { to: 10.0, asked: MS(3000), shown: None });
        session.advance(MS(3100), 10.0);
        assert_eq!([session.hold_after(0), session.hold_after(1)], [MS(600), MS(0)]);
    }

    #[test]
    fn lines_of_a_process_are_read_until_it_ends() {
        struct Lines(Vec<String>);
        impl Watcher for Lines {
            fn on_line(&mut self, _: Source, _: Duration, line: &str, session: &mut Session) {
                session.ended |= line == "c";
                self.0.push(line.to_owned());
            }
        }
        let mut command = Command::new("sh");
        command.args(["-c", "printf 'a\\rb\\n\\nc\\n'"]);
        let plan = Plan {
            command,
            control: Control::None,
            until: MS(60_000),
            seeks: &[],
            is_watched: true,
            only_start: false,
        };
        let mut lines = Lines(Vec::new());
        let session = run(plan, &mut lines).expect("a session");
        assert_eq!(lines.0, ["a", "b", "c"]);
        assert!(session.ended && session.peak_bytes < 1 << 30);
    }
}
