//! Lines of children: announcements are read, all others are passed on to the standard error with the name of the replica. Nothing
//! here makes a child wait: what cannot be written is dropped and counted.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc;

use crate::announcement::{Announced, Announcing, Line};
use crate::fleet::io::{Input, Run};

/// Maximum length of a line in bytes; the rest of a longer one is dropped.
pub(super) const MAX_LINE: usize = 16 * 1024;
/// Maximum number of lines that wait to be written.
const MAX_WAITING: usize = 1_024;

/// Writes lines of all children, and of the supervisor itself: a standard error that nobody reads holds up neither. Cloning is
/// cheap.
#[derive(Clone, Debug)]
pub(super) struct Log {
    lines: SyncSender<String>,
    dropped: Arc<AtomicU64>,
}

impl Log {
    /// Starts the thread that writes; it ends with the last clone.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(super) fn new() -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, lines) = sync_channel::<String>(MAX_WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let writer = thread::Builder::new().name("output".to_owned()).spawn(move || {
            for line in lines {
                // A standard error that is gone takes nothing, and the children go on.
                drop(writeln!(io::stderr(), "{line}"));
                let missing = count.swap(0, Ordering::Relaxed);
                if missing > 0 {
                    drop(writeln!(io::stderr(), "[supervisor] {missing} lines were dropped"));
                }
            }
        })?;
        Ok((Self { lines: sender, dropped }, writer))
    }

    /// Writes a line about the supervisor itself.
    pub(super) fn note(&self, line: &str) {
        self.write("supervisor", line);
    }

    fn write(&self, name: &str, line: &str) {
        if self.lines.try_send(format!("[{name}] {line}")).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A process that has not announced itself yet.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) announcing: Announcing,
    pub(super) run: Run,
    /// Port of the socket that it was handed.
    pub(super) port: Option<u16>,
    pub(super) inputs: mpsc::Sender<Input>,
}

impl Awaited {
    /// Reads a line; returns true if it belongs to the log, and gives the announcement on once it is complete.
    async fn read(awaited: &mut Option<Self>, line: &str, log: &Log) -> bool {
        let Some(process) = awaited else { return true };
        match process.announcing.read(line) {
            Line::Log => true,
            Line::Part => false,
            Line::Complete(Announced { url, port, .. }) if process.port.is_some_and(|handed| handed != port) => {
                log.note(&format!(
                    "{url} is not the socket that was handed: the process does not take its standard input"
                ));
                false
            }
            Line::Complete(Announced { url, port, fields }) => {
                let input = Input::Listening { run: process.run, url, port, announced: fields };
                // Without a receiver the supervisor ends.
                drop(process.inputs.send(input).await);
                *awaited = None;
                false
            }
        }
    }
}

/// Reads lines until the stream ends. Those of an announcement, which may hold a secret, are not passed on.
pub(super) async fn pass_on(mut stream: impl AsyncRead + Unpin, name: String, log: Log, mut awaited: Option<Awaited>) {
    let mut lines = Lines::default();
    let mut chunk = vec![0; 8 * 1024];
    // An output that cannot be read counts as ended.
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        for line in lines.push(&chunk[..length]) {
            if Awaited::read(&mut awaited, &line, &log).await {
                log.write(&name, &line);
            }
        }
    }
    if let Some(line) = lines.rest() {
        log.write(&name, &line);
    }
}

/// Cuts bytes into lines of a bounded length.
#[derive(Debug, Default)]
struct Lines {
    line: Vec<u8>,
    /// True while the rest of a line that is too long is dropped.
    is_cut: bool,
}

impl Lines {
    /// Takes bytes; returns the lines that they complete, without empty ones.
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            let room = MAX_LINE - self.line.len();
            self.is_cut |= text.len() > room;
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                complete.extend(self.rest());
            }
        }
        complete
    }

    /// Returns the line that has begun.
    fn rest(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        let is_cut = std::mem::take(&mut self.is_cut);
        let mut text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned();
        if is_cut {
            text.push('…');
        }
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, MAX_LINE};
    use proptest::prelude::*;

    #[test]
    fn lines_are_cut_and_empty_ones_are_dropped() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"a\r\n\nb\xff\nc"), ["a", "b\u{fffd}"]);
        assert_eq!(lines.push(b"d"), [""; 0]);
        assert_eq!(lines.rest().as_deref(), Some("cd"));
        let long = [vec![b'x'; MAX_LINE + 5], b"\ny\n".to_vec()].concat();
        let cut = lines.push(&long);
        assert_eq!((cut[0].len(), cut[0].ends_with('…'), cut[1].as_str()), (MAX_LINE + '…'.len_utf8(), true, "y"));
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_lines(text in "([a-c]{0,5}\n){0,8}[a-c]{0,5}", size in 1_usize..9) {
            let mut lines = Lines::default();
            let mut read: Vec<String> = text.as_bytes().chunks(size).flat_map(|piece| lines.push(piece)).collect();
            read.extend(lines.rest());
            let expected: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
