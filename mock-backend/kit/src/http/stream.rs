//! The TCP stream of a connection: it ends a peer that takes its answer too slowly, and can be made to end with RST.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Least pace at which a peer has to take what is ready for it.
#[derive(Clone, Copy, Debug)]
pub struct WritePace {
    /// Time that the server may be blocked by the peer before bytes are counted. Time in which nothing was ready does not count.
    pub window: Duration,
    /// Bytes that have to be taken in each window.
    pub least: u64,
}

/// Counts the bytes that a peer has taken while it kept the server waiting. Pure: given the time.
#[derive(Debug)]
struct WriteProgress {
    pace: WritePace,
    blocked_since: Option<Instant>,
    blocked: Duration,
    taken: u64,
}

impl WriteProgress {
    fn new(pace: WritePace) -> Self {
        Self { pace, blocked_since: None, blocked: Duration::ZERO, taken: 0 }
    }

    /// The peer takes nothing. Returns the time at which that has to be judged.
    fn on_blocked(&mut self, now: Instant) -> Instant {
        let since = *self.blocked_since.get_or_insert(now);
        since + self.pace.window.saturating_sub(self.blocked)
    }

    /// The peer took `bytes`.
    fn on_taken(&mut self, bytes: u64, now: Instant) {
        if let Some(since) = self.blocked_since.take() {
            self.blocked += now.saturating_duration_since(since);
        }
        self.taken = self.taken.saturating_add(bytes);
    }

    /// Returns true if a window is over in which the peer took too little. A new one begins otherwise.
    fn is_too_slow(&mut self, now: Instant) -> bool {
        let current = self.blocked_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if self.blocked + current < self.pace.window {
            return false;
        }
        if self.taken < self.pace.least {
            return true;
        }
        self.taken = 0;
        self.blocked = Duration::ZERO;
        self.blocked_since = self.blocked_since.map(|_| now);
        false
    }
}

/// A TCP stream with a least pace of writing.
pub struct PacedStream {
    stream: TcpStream,
    /// True: the stream ends with RST instead of FIN.
    reset: Arc<AtomicBool>,
    /// True: the next bytes that are written are changed.
    garble: Arc<AtomicBool>,
    progress: WriteProgress,
    judge: Pin<Box<Sleep>>,
}

impl PacedStream {
    /// Wraps a stream. With `reset` it ends with RST, with `garble` its next bytes are not HTTP; both may be set at any time.
    pub fn new(stream: TcpStream, reset: Arc<AtomicBool>, garble: Arc<AtomicBool>, pace: WritePace) -> Self {
        let judge = Box::pin(tokio::time::sleep(Duration::ZERO));
        Self { stream, reset, garble, progress: WriteProgress::new(pace), judge }
    }

    /// Passes on what a write came to, and ends the stream when the peer is too slow.
    fn judged(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.progress.on_taken(bytes as u64, now);
                if self.progress.is_too_slow(now) { Poll::Ready(Err(self.too_slow())) } else { Poll::Ready(Ok(bytes)) }
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => loop {
                let at = self.progress.on_blocked(now);
                if self.judge.deadline() != at {
                    self.judge.as_mut().reset(at);
                }
                ready!(self.judge.as_mut().poll(cx));
                if self.progress.is_too_slow(Instant::now().max(at)) {
                    return Poll::Ready(Err(self.too_slow()));
                }
            },
        }
    }

    /// RST also frees what the kernel holds for a peer that does not take it.
    fn too_slow(&self) -> io::Error {
        self.reset.store(true, Ordering::Relaxed);
        io::Error::new(io::ErrorKind::TimedOut, "the peer takes the answer too slowly")
    }
}

impl Drop for PacedStream {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "the connection closes without RST");
        }
    }
}

impl AsyncRead for PacedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = if self.garble.load(Ordering::Relaxed) && !buf.is_empty() {
            // Zero bytes instead of `HTTP/1.1`; a client reads no further than these.
            let zeros = [0; 8];
            let written = Pin::new(&mut self.stream).poll_write(cx, &zeros[..zeros.len().min(buf.len())]);
            if written.is_ready() {
                self.garble.store(false, Ordering::Relaxed);
            }
            written
        } else {
            Pin::new(&mut self.stream).poll_write(cx, buf)
        };
        self.judged(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.garble.load(Ordering::Relaxed)
            && let Some(first) = bufs.iter().find(|buf| !buf.is_empty())
        {
            return self.poll_write(cx, first);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.judged(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            // A FIN would go out before the RST and make the end look orderly.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{WritePace, WriteProgress};
    use proptest::prelude::*;
    use std::time::Duration;
    use tokio::time::Instant;

    const PACE: WritePace = WritePace { window: Duration::from_secs(30), least: 16 * 1024 };

    #[test]
    fn a_peer_that_takes_nothing_is_too_slow_after_the_window() {
        let begin = Instant::now();
        let mut progress = WriteProgress::new(PACE);
        progress.on_taken(1 << 20, begin);
        assert_eq!(progress.on_blocked(begin), begin + PACE.window);
        // What it took before it blocked counts for the first window only.
        assert!(!progress.is_too_slow(begin + PACE.window));
        assert!(!progress.is_too_slow(begin + PACE.window * 2 - Duration::from_millis(1)));
        assert!(progress.is_too_slow(begin + PACE.window * 2));
    }

    #[test]
    fn time_without_anything_to_send_does_not_count() {
        let mut now = Instant::now();
        let mut progress = WriteProgress::new(PACE);
        for _ in 0..100 {
            progress.on_taken(100, now);
            now += Duration::from_secs(600);
            assert!(!progress.is_too_slow(now));
        }
    }

    proptest! {
        /// A peer at twice the least rate is never ended, one at half of it always is.
        #[test]
        fn the_rate_decides(pause_ms in 100..10_000_u64, half in any::<bool>()) {
            let per_s = PACE.least / PACE.window.as_secs() * if half { 1 } else { 4 } / 2;
            let mut now = Instant::now();
            let mut progress = WriteProgress::new(PACE);
            let mut ended = false;
            for _ in 0..(300_000 / pause_ms) {
                progress.on_blocked(now);
                now += Duration::from_millis(pause_ms);
                progress.on_taken(per_s * pause_ms / 1000 + 1, now);
                ended |= progress.is_too_slow(now);
            }
            prop_assert_eq!(ended, half);
        }
    }
}
