//! The answer to one request on its way from a fetcher to the transfer that reads it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::completion::{Cancellation, call};
use super::identity::{FileIdentity, Rest};
use crate::engine::io::{ConnectTimes, FetchError, FetchReport, RangeNotice, ResponseHead};

/// Number of bytes of one answer that may wait for their reader before the reply counts as full.
pub const MAX_WAITING_BYTES: usize = 256 << 10;

/// A part of an answer, in order.
#[derive(Debug, PartialEq)]
pub enum Piece {
    Head {
        head: ResponseHead,
        /// The bytes are those of the rest that was asked for.
        is_rest: bool,
        identity: FileIdentity,
    },
    Notice(RangeNotice),
    Bytes(Bytes),
    /// The rest comes with another answer, which has the time limit of a first byte.
    Continues,
    End(Result<(), FetchError>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    BeforeHead,
    Body,
    Ended,
}

struct Queue {
    pieces: VecDeque<Piece>,
    stage: Stage,
    /// Bytes among the pieces.
    waiting: usize,
    written: u64,
    announced: Option<u64>,
    connect_start: Option<Instant>,
    connect_end: Option<Instant>,
    first_byte: Option<Instant>,
    last_byte: Option<Instant>,
    from_cache: bool,
    keeps_out_of_store: bool,
    identity: FileIdentity,
    on_room: Vec<Box<dyn FnOnce() + Send>>,
}

struct Shared {
    queue: Mutex<Queue>,
    max_bytes: u64,
    rest: Option<Rest>,
    filled: Notify,
    room: Notify,
    cancellation: Cancellation,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates both ends of an answer of at most `max_bytes`, or of the rest of one.
pub(super) fn channel(max_bytes: u64, rest: Option<Rest>) -> (FetchReply, FetchAnswer) {
    let shared = Arc::new(Shared {
        queue: Mutex::new(Queue {
            pieces: VecDeque::new(),
            stage: Stage::BeforeHead,
            waiting: 0,
            written: 0,
            announced: None,
            connect_start: None,
            connect_end: None,
            first_byte: None,
            last_byte: None,
            from_cache: false,
            keeps_out_of_store: false,
            identity: FileIdentity::default(),
            on_room: Vec::new(),
        }),
        max_bytes,
        rest,
        filled: Notify::new(),
        room: Notify::new(),
        cancellation: Cancellation::default(),
    });
    (FetchReply(Arc::clone(&shared)), FetchAnswer(shared))
}

/// Takes the answer to one request from a [`Fetcher`](super::Fetcher), from any thread: first [`begin`](Self::begin),
/// then bytes, then [`end`](Self::end). Calls in another order end the request with [`FetchError::Host`], as does
/// dropping the reply before its end. Such an end cancels. After the end or a cancellation everything is ignored.
pub struct FetchReply(Arc<Shared>);

impl FetchReply {
    /// Gives the head of an answer with a status of success. Other answers have no head and end with
    /// [`FetchError::Status`].
    pub fn begin(&self, head: ResponseHead) {
        self.start(head, false);
    }

    /// Returns the rest that suffices: the request continues one that broke off. A fetcher may ignore it, or begin anew
    /// because the file is another one; it gives the whole part then, with [`begin`](Self::begin).
    pub fn rest(&self) -> Option<&Rest> {
        self.0.rest.as_ref()
    }

    /// Gives the head of an answer that brings [`rest`](Self::rest) only; its length is that of the rest. The bytes that
    /// follow go on where the others ended. The fetcher vouches for the file being the same.
    pub fn begin_rest(&self, head: ResponseHead) {
        if self.0.rest.is_some() {
            self.start(head, true);
        } else {
            self.fail(self.0.lock(), broken("the rest of nothing"));
        }
    }

    /// Gives the means by which the file can be recognised, before the head. An answer without that, or without a declared length, is
    /// not continued after a break: its bytes are asked for again.
    pub fn identify(&self, identity: FileIdentity) {
        self.0.lock().identity = identity;
    }

    fn start(&self, head: ResponseHead, is_rest: bool) {
        let mut queue = self.0.lock();
        match queue.stage {
            Stage::BeforeHead => {
                queue.stage = Stage::Body;
                queue.announced = head.content_length;
                queue.first_byte = Some(Instant::now());
                let identity = queue.identity.clone();
                queue.pieces.push_back(Piece::Head { head, is_rest, identity });
            }
            Stage::Body => return self.fail(queue, broken("a second head")),
            Stage::Ended => {}
        }
        self.0.filled.notify_one();
    }

    /// Reports that a byte range is served in a way that the standard does not permit, or not in full.
    pub fn notice(&self, notice: RangeNotice) {
        let mut queue = self.0.lock();
        match queue.stage {
            Stage::BeforeHead => return self.fail(queue, broken("a notice before the head")),
            Stage::Body => queue.pieces.push_back(Piece::Notice(notice)),
            Stage::Ended => {}
        }
        self.0.filled.notify_one();
    }

    /// Gives the next bytes of the part that was asked for. Returns false if [`MAX_WAITING_BYTES`] or more now wait for
    /// their reader: the fetcher should wait for [`on_room`](Self::on_room) before it gives more. More bytes than the
    /// request permits end it with [`FetchError::TooLarge`].
    pub fn write(&self, bytes: Bytes) -> bool {
        let mut queue = self.0.lock();
        match queue.stage {
            Stage::BeforeHead => {
                self.fail(queue, broken("bytes before the head"));
                return true;
            }
            Stage::Body if self.0.cancellation.is_cancelled() => queue.stage = Stage::Ended,
            Stage::Body => {
                queue.written = queue.written.saturating_add(bytes.len() as u64);
                if queue.written > self.0.max_bytes {
                    self.fail(queue, FetchError::TooLarge { limit: self.0.max_bytes });
                    return true;
                } else if !bytes.is_empty() {
                    queue.waiting += bytes.len();
                    queue.pieces.push_back(Piece::Bytes(bytes));
                }
            }
            Stage::Ended => {}
        }
        self.0.filled.notify_one();
        queue.waiting < MAX_WAITING_BYTES
    }

    /// Ends the request by a fault of the fetcher, and cancels, so that a fetcher that watches its cancellation stops.
    fn fail(&self, mut queue: MutexGuard<'_, Queue>, error: FetchError) {
        queue.end(Err(error));
        drop(queue);
        self.0.filled.notify_one();
        self.0.cancellation.cancel();
    }

    /// Calls `callback` once fewer than [`MAX_WAITING_BYTES`] wait, on the thread that reads them, or at once. It must not
    /// block. It is called after a cancellation too.
    pub fn on_room(&self, callback: impl FnOnce() + Send + 'static) {
        let mut queue = self.0.lock();
        if queue.waiting < MAX_WAITING_BYTES || self.0.cancellation.is_cancelled() {
            drop(queue);
            call(Box::new(callback));
        } else {
            queue.on_room.push(Box::new(callback));
        }
    }

    /// Notes that a connection is being opened for the request now.
    pub fn connecting(&self) {
        self.set_connect(Some(Instant::now()), None);
    }

    /// Notes that the connection can be used now.
    pub fn connected(&self) {
        self.set_connect(None, Some(Instant::now()));
    }

    pub(super) fn set_connect(&self, start: Option<Instant>, end: Option<Instant>) {
        let mut queue = self.0.lock();
        queue.connect_start = start.or(queue.connect_start);
        queue.connect_end = end.or(queue.connect_end);
    }

    /// Notes that the bytes were kept by the host and do not come over the network now: the adaptive rule learns nothing
    /// from them.
    pub fn mark_from_cache(&self) {
        self.0.lock().from_cache = true;
    }

    /// Keeps the bytes of this answer out of the [`MediaStore`](super::MediaStore).
    pub fn keep_out_of_store(&self) {
        self.0.lock().keeps_out_of_store = true;
    }

    /// Returns the signal that the answer is no longer wanted.
    pub fn cancellation(&self) -> Cancellation {
        self.0.cancellation.clone()
    }

    /// Ends the answer. Fewer bytes than its head announced are [`FetchError::Truncated`].
    pub fn end(self, result: Result<(), FetchError>) {
        let (announced, received) = {
            let queue = self.0.lock();
            (queue.announced, queue.written)
        };
        let is_short = result.is_ok() && announced.is_some_and(|announced| received < announced);
        self.finish(if is_short { Err(FetchError::Truncated { received, expected: announced }) } else { result });
    }

    /// Ends the answer, whatever its head announced.
    pub(super) fn finish(self, result: Result<(), FetchError>) {
        let mut queue = self.0.lock();
        match (queue.stage, &result) {
            (Stage::BeforeHead, Ok(())) => queue.end(Err(broken("an end without a head"))),
            _ => queue.end(result),
        }
        self.0.filled.notify_one();
    }

    /// Gives bytes and waits until there is room for more.
    pub(super) async fn send(&self, bytes: Bytes) {
        let mut has_room = self.write(bytes);
        while !has_room {
            self.0.room.notified().await;
            has_room = self.0.lock().waiting < MAX_WAITING_BYTES;
        }
    }

    /// Notes that the rest of the bytes comes with another answer.
    pub(super) fn continues(&self) {
        let mut queue = self.0.lock();
        if queue.stage == Stage::Body {
            queue.pieces.push_back(Piece::Continues);
        }
        self.0.filled.notify_one();
    }
}

impl Drop for FetchReply {
    fn drop(&mut self) {
        self.0.lock().end(Err(broken("a reply that was dropped before its end")));
        self.0.filled.notify_one();
    }
}

impl fmt::Debug for FetchReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.0.lock();
        write!(f, "FetchReply({:?}, {} bytes written, {} waiting)", queue.stage, queue.written, queue.waiting)
    }
}

impl Queue {
    fn end(&mut self, result: Result<(), FetchError>) {
        if self.stage != Stage::Ended {
            self.stage = Stage::Ended;
            self.last_byte = result.is_ok().then(Instant::now);
            self.pieces.push_back(Piece::End(result));
        }
    }
}

fn broken(what: &str) -> FetchError {
    FetchError::Host(format!("{what} from the fetcher"))
}

/// The reading end. Dropping it cancels the answer, unless its end was read.
pub(super) struct FetchAnswer(Arc<Shared>);

impl FetchAnswer {
    /// Waits for the next piece.
    pub(super) async fn next(&self) -> Piece {
        loop {
            if let Some(piece) = self.take() {
                return piece;
            }
            self.0.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Piece> {
        let mut queue = self.0.lock();
        let piece = queue.pieces.pop_front()?;
        let mut callbacks = Vec::new();
        if let Piece::Bytes(bytes) = &piece {
            queue.waiting -= bytes.len();
            if queue.waiting < MAX_WAITING_BYTES {
                callbacks = std::mem::take(&mut queue.on_room);
            }
        }
        drop(queue);
        if matches!(piece, Piece::End(_)) {
            self.0.cancellation.finish();
        }
        self.0.room.notify_one();
        callbacks.into_iter().for_each(call);
        Some(piece)
    }

    /// Returns true if the bytes may be kept.
    pub(super) fn may_be_stored(&self) -> bool {
        let queue = self.0.lock();
        !queue.keeps_out_of_store && !queue.from_cache
    }

    /// Returns the measurements of the answer, counted from `start`.
    pub(super) fn report(&self, start: Instant) -> FetchReport {
        let queue = self.0.lock();
        let since = |at: Instant| at.saturating_duration_since(start);
        let connect = queue.connect_start.zip(queue.connect_end);
        FetchReport {
            connect: connect.map(|(start, end)| ConnectTimes { start: since(start), end: since(end) }),
            first_byte: queue.first_byte.map(since),
            last_byte: queue.last_byte.map(since),
            from_cache: queue.from_cache,
            is_kept: false,
        }
    }
}

impl Drop for FetchAnswer {
    fn drop(&mut self) {
        let callbacks = {
            let mut queue = self.0.lock();
            if queue.stage == Stage::Ended && queue.pieces.is_empty() {
                return;
            }
            (queue.waiting, queue.stage) = (0, Stage::Ended);
            queue.pieces.clear();
            std::mem::take(&mut queue.on_room)
        };
        self.0.cancellation.cancel();
        self.0.room.notify_one();
        callbacks.into_iter().for_each(call);
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
