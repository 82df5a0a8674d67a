//! `cargo xtask bench serve`: a server of files over a shaped link with faults, a process apart from what it measures.
//!
//! Trace and link are those of [`abr::link`], the fault plan is that of [`kinora_faults`]. The edge of the backend has
//! both too, and a cache, signatures and HTTP/2 as well; this one adds nothing to a request but the link.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use abr::link::{Link, Trace};
use anyhow::Context as _;
use clap::Args;
use kinora_faults::{Effect, FaultPlan, Request};
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::http::{Head, MAX_HEAD, media_type};

/// Bytes written at once over a link without a limit.
const UNSHAPED_PIECE: usize = 256 * 1024;
/// Time between the last byte and a reset, so that the client has read what was sent.
const BEFORE_RESET: Duration = Duration::from_millis(50);

/// Command line of the server. It prints its address, and ends when its standard input does.
#[derive(Debug, Args)]
pub struct Options {
    /// Folder of the files.
    root: PathBuf,
    /// Trace of the link, CSV (`duration_ms,bandwidth_kbps,latency_ms`). Without it the link has no limit.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Fault plan, TOML. Times of the plan count from the first request.
    #[arg(long)]
    faults: Option<PathBuf>,
    /// File for the log: one JSON object for each answer.
    #[arg(long)]
    log: PathBuf,
}

/// Line of the log: an answer that has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Time of the request in seconds since the first one.
    pub at_s: f64,
    /// Path without its first slash.
    pub path: String,
    /// First byte of the range, if one was asked for.
    pub from: Option<u64>,
    /// HTTP status.
    pub status: u16,
    /// Length of the body in bytes, as declared.
    pub length: u64,
    /// Bytes of the body that were sent.
    pub sent: u64,
    /// Name of the fault that struck.
    pub fault: Option<String>,
}

struct Server {
    root: PathBuf,
    bucket: Option<Mutex<Bucket>>,
    plan: Mutex<FaultPlan>,
    log: Mutex<File>,
    /// Time of the first request.
    began: OnceLock<Instant>,
}

/// An answer before it is sent.
struct Reply {
    status: u16,
    body: Vec<u8>,
    /// Further lines of the head.
    range: String,
    /// Bytes after which the connection is reset.
    reset_after: Option<usize>,
    /// Bytes after which the body pauses, and for how long.
    pause: Option<(usize, Duration)>,
}

/// Serves until standard input ends.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let read =
        |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let trace = options.trace.as_ref().map(read).transpose()?.map(|text| Trace::parse(&text)).transpose()?;
    let plan = options.faults.as_ref().map(read).transpose()?.map(|text| FaultPlan::parse(&text)).transpose()?;
    let log = File::create(&options.log).with_context(|| format!("cannot create {}", options.log.display()))?;
    let server = Arc::new(Server {
        root: options.root.clone(),
        bucket: trace.map(|trace| Mutex::new(Bucket::new(Link::new(trace)))),
        plan: Mutex::new(plan.unwrap_or_default()),
        log: Mutex::new(log),
        began: OnceLock::new(),
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&server);
            // A connection that breaks ends itself; the log has what was sent.
            std::thread::spawn(move || server.converse(&stream));
        }
    });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Returns the time since the first request.
    fn now(&self) -> Duration {
        self.began.get_or_init(Instant::now).elapsed()
    }

    fn wait_until(&self, time: Duration) {
        std::thread::sleep(time.saturating_sub(self.now()));
    }

    /// Answers the requests of a connection one after the other.
    fn converse(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut is_first = true;
        while let Some(head) = read_head(&mut reader)? {
            self.answer(stream, &head, is_first)?;
            is_first = false;
            if head.closes {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, stream: &TcpStream, head: &Head, is_first: bool) -> std::io::Result<()> {
        let at = self.now();
        if let Some(bucket) = &self.bucket {
            let latency = lock(bucket).latency(at, is_first);
            self.wait_until(at + latency);
        }
        let verdict = lock(&self.plan).verdict(&Request { path: &head.path, at, ..Request::default() });
        std::thread::sleep(verdict.delay);
        let reply = reply(&self.root, head, verdict.effect);
        let mut answer = Answer {
            at_s: at.as_secs_f64(),
            path: head.path.clone(),
            from: head.range.map(|range| range.0),
            status: reply.status,
            length: reply.body.len() as u64,
            sent: 0,
            fault: verdict.faults.into_iter().next(),
        };
        let sent = self.send(stream, head, &reply, &mut answer.sent);
        let mut line = serde_json::to_string(&answer)?;
        line.push('\n');
        lock(&self.log).write_all(line.as_bytes())?;
        sent
    }

    /// Sends head and body at the pace of the link, and counts the bytes of the body.
    fn send(&self, mut stream: &TcpStream, head: &Head, reply: &Reply, sent: &mut u64) -> std::io::Result<()> {
        let text = format!(
            "HTTP/1.1 {} Answer\r\nContent-Type: {}\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\n{}\r\n",
            reply.status,
            media_type(&head.path),
            reply.body.len(),
            reply.range,
        );
        stream.write_all(text.as_bytes())?;
        let body = if head.is_head { &[][..] } else { &reply.body };
        let stops = [reply.reset_after, reply.pause.map(|(after, _)| after)];
        let mut done = 0;
        let mut is_first = true;
        loop {
            if reply.reset_after == Some(done) {
                std::thread::sleep(BEFORE_RESET);
                // Closing with a linger of zero sends RST (tcp(7)).
                rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
                return Err(std::io::ErrorKind::ConnectionReset.into());
            }
            if let Some((_, pause)) = reply.pause.filter(|(after, _)| *after == done) {
                std::thread::sleep(pause);
            }
            if done == body.len() {
                return Ok(());
            }
            let end = stops.into_iter().flatten().filter(|stop| *stop > done).fold(body.len(), usize::min);
            let count = match &self.bucket {
                None => (end - done).min(UNSHAPED_PIECE),
                Some(bucket) => {
                    let piece = lock(bucket).take(self.now(), is_first, end - done);
                    self.wait_until(piece.at);
                    piece.bytes
                }
            };
            stream.write_all(&body[done..done + count])?;
            done += count;
            *sent = done as u64;
            is_first = false;
        }
    }
}

/// Reads the next head; `None` at the end of the connection and for a request that cannot be served.
fn read_head(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Head>> {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let room = (MAX_HEAD - text.len()) as u64;
        if room == 0 || reader.take(room).read_line(&mut text)? == 0 {
            return Ok(None);
        }
    }
    Ok(Head::parse(&text))
}

/// Makes the answer to a request, with the effect of a fault on it.
fn reply(root: &Path, head: &Head, effect: Option<Effect>) -> Reply {
    let plain = |status, body: Vec<u8>| Reply { status, body, range: String::new(), reset_after: None, pause: None };
    if let Some(Effect::Status(status) | Effect::Busy(status, _)) = effect {
        return plain(status, b"a fault of the plan\n".to_vec());
    }
    let Some(file) = head.file(root).and_then(|path| std::fs::read(path).ok()) else {
        return plain(404, b"no such file\n".to_vec());
    };
    let Some(wanted) = head.wanted(file.len() as u64) else {
        let mut reply = plain(416, Vec::new());
        reply.range = format!("Content-Range: bytes */{}\r\n", file.len());
        return reply;
    };
    // Both ends lie within the file, which is in memory.
    let mut reply = plain(200, file[wanted.start as usize..wanted.end as usize].to_vec());
    if head.range.is_some() {
        reply.status = 206;
        reply.range = format!("Content-Range: bytes {}-{}/{}\r\n", wanted.start, wanted.end - 1, file.len());
    }
    let length = reply.body.len();
    let within = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX).min(length);
    match effect.map(|effect| effect.in_bytes(wanted.start, length as u64)) {
        Some(Effect::Shorten { after_bytes }) => reply.body.truncate(within(after_bytes)),
        Some(Effect::Empty) => reply.body.clear(),
        Some(Effect::Html) => reply.body = b"<!DOCTYPE html><title>Not a film</title>\n".to_vec(),
        Some(Effect::Reset | Effect::Refuse) => reply.reset_after = Some(0),
        Some(Effect::ResetAt { after_bytes }) => reply.reset_after = Some(within(after_bytes)),
        Some(Effect::StallAt { after_bytes, pause }) => {
            reply.pause = Some((within(after_bytes), pause.unwrap_or(Duration::from_secs(3600))));
        }
        Some(Effect::CorruptAt { from, every }) => {
            for (offset, byte) in (wanted.start..).zip(&mut reply.body) {
                if offset >= from && (offset - from) % every.max(1) == 0 {
                    *byte ^= Effect::CHANGED_BITS;
                }
            }
        }
        _ => {}
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(range: &str, effect: Option<Effect>) -> Reply {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.m4s"), b"0123456789").expect("a file");
        let head = Head::parse(&format!("GET /a.m4s HTTP/1.1\r\n{range}\r\n")).expect("a head");
        reply(folder.path(), &head, effect)
    }

    #[test]
    fn files_and_ranges_are_served() {
        let whole = answer("", None);
        assert_eq!((whole.status, whole.body.as_slice()), (200, &b"0123456789"[..]));
        let part = answer("Range: bytes=2-4\r\n", None);
        assert_eq!((part.status, part.body.as_slice()), (206, &b"234"[..]));
        assert_eq!(part.range, "Content-Range: bytes 2-4/10\r\n");
        assert_eq!(answer("Range: bytes=10-\r\n", None).status, 416);
    }

    #[test]
    fn a_file_outside_or_absent_is_404() {
        let head = Head::parse("GET /../a HTTP/1.1\r\n\r\n").expect("a head");
        assert_eq!(reply(Path::new("/tmp"), &head, None).status, 404);
    }

    #[test]
    fn effects_strike_the_body() {
        assert_eq!(answer("", Some(Effect::Status(503))).status, 503);
        assert_eq!(answer("", Some(Effect::Shorten { after_bytes: 4 })).body, b"0123");
        assert_eq!(answer("", Some(Effect::Truncate(500))).reset_after, Some(5));
        let pause = Duration::from_secs(15);
        let stalled = answer("", Some(Effect::StallAt { after_bytes: 3, pause: Some(pause) }));
        assert_eq!(stalled.pause, Some((3, pause)));
        // The same bytes of the file are wrong, whatever range they are in.
        let corrupt = Effect::CorruptAt { from: 1, every: 3 };
        let whole = answer("", Some(corrupt.clone())).body;
        let part = answer("Range: bytes=4-7\r\n", Some(corrupt)).body;
        assert_eq!(whole[4..8], part[..]);
        let changed: Vec<usize> = (0..10).filter(|at| whole[*at] != b'0' + *at as u8).collect();
        assert_eq!(changed, [1, 4, 7]);
    }

    /// Sends requests over one connection to a server of `a.m4s`; returns what was read, the error at the end of it,
    /// and the log.
    fn converse(requests: &str, trace: Option<&str>, faults: &str) -> (String, Option<std::io::ErrorKind>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.m4s"), b"0123456789").expect("a file");
        let log = folder.path().join("log");
        let server = Server {
            root: folder.path().to_owned(),
            bucket: trace.map(|trace| Mutex::new(Bucket::new(Link::new(Trace::parse(trace).expect("a trace"))))),
            plan: Mutex::new(FaultPlan::parse(faults).expect("a plan")),
            log: Mutex::new(File::create(&log).expect("a log")),
            began: OnceLock::new(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        client.write_all(requests.as_bytes()).expect("sent");
        let served = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            server.converse(&stream)
        });
        let mut answers = Vec::new();
        let error = client.read_to_end(&mut answers).err().map(|error| error.kind());
        assert_eq!(served.join().expect("no panic").is_err(), error.is_some());
        (String::from_utf8_lossy(&answers).into_owned(), error, std::fs::read_to_string(log).expect("a log"))
    }

    #[test]
    fn a_connection_is_answered_in_order_and_logged() {
        let requests = "GET /a.m4s HTTP/1.1\r\n\r\nHEAD /a.m4s HTTP/1.1\r\n\r\n\
                        GET /b HTTP/1.1\r\nConnection: close\r\n\r\n";
        // 8 Mbit/s and no latency: ten bytes take ten microseconds.
        for trace in [None, Some("1000,8000,0")] {
            let (answers, error, log) = converse(requests, trace, "");
            assert_eq!(error, None);
            let head = "HTTP/1.1 200 Answer\r\nContent-Type: video/iso.segment\r\nContent-Length: 10\r\n\
                        Accept-Ranges: bytes\r\n\r\n";
            assert!(answers.starts_with(&format!("{head}0123456789{head}HTTP/1.1 404 Answer\r\n")), "{answers}");
            let log: Vec<Answer> = log.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
            let counts: Vec<_> = log.iter().map(|answer| (answer.status, answer.sent, answer.length)).collect();
            assert_eq!(counts, [(200, 10, 10), (200, 0, 10), (404, 13, 13)]);
        }
    }

    #[test]
    fn a_reset_is_one_and_is_logged() {
        let faults = "[[rule]]\nname = \"cut\"\nfault = { type = \"reset\", after_permille = 500 }";
        let (answers, error, log) = converse("GET /a.m4s HTTP/1.1\r\n\r\n", None, faults);
        assert!(answers.ends_with("\r\n\r\n01234"), "{answers}");
        assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset));
        let answer: Answer = serde_json::from_str(log.trim()).expect("a line");
        assert_eq!((answer.sent, answer.fault.as_deref()), (5, Some("cut")));
    }
}
