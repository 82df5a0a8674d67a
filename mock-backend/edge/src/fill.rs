//! One download from the origin that any number of requests follow while it grows: request collapsing, and the first byte to
//! the client before the last one has come from the origin.

use std::collections::VecDeque;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::object::{Head, Object};
use super::origin::OriginError;

/// What a download turned out to be, known when its headers have come.
#[derive(Clone, Debug)]
pub enum Opening {
    /// A body follows.
    Body(Arc<Head>),
    /// The origin confirmed what we had.
    Confirmed(Arc<Object>),
    /// Larger than one entry of the cache, and the origin answers ranges: to be fetched slice by slice.
    Sliced(Arc<Object>),
    /// Not for the cache: to be fetched past it.
    Bypass,
    /// No answer that could be used.
    Failed(OriginError),
}

#[derive(Clone, Debug, Default)]
struct Progress {
    opening: Option<Opening>,
    received: u64,
    end: Option<Result<(), Arc<str>>>,
}

/// The followers' view of a download.
#[derive(Debug)]
pub struct Fill {
    progress: watch::Receiver<Progress>,
    chunks: Arc<Mutex<Chunks>>,
    demand: watch::Sender<Demand>,
    began: Instant,
    generation: u64,
}

/// How far the followers of a download have come.
#[derive(Clone, Copy, Debug, Default)]
struct Demand {
    followers: usize,
    /// The furthest byte that one of them asked for.
    wanted: u64,
}

/// A request that follows a download, counted so that a large one can be paused when none reads on and ended when none is left.
#[derive(Debug)]
pub struct Follower(Arc<Fill>);

/// What a follower gets.
#[derive(Debug)]
pub enum Read {
    /// Bytes from the offset on.
    Bytes(Bytes),
    /// The download ended before the offset, as it should.
    End,
    /// The bytes at the offset were here and are not any more.
    Dropped,
}

/// The downloader's side. When it is dropped early, the followers see a failure.
#[derive(Debug)]
pub struct Filler {
    progress: watch::Sender<Progress>,
    chunks: Arc<Mutex<Chunks>>,
    demand: watch::Receiver<Demand>,
    generation: u64,
}

/// Received pieces with their offsets, ascending and without gaps.
#[derive(Debug, Default)]
struct Chunks(VecDeque<(u64, Bytes)>);

impl Fill {
    /// A download that has not begun.
    pub fn begin() -> (Filler, Arc<Self>) {
        let (sender, receiver) = watch::channel(Progress::default());
        let (demand, demanded) = watch::channel(Demand::default());
        let chunks = Arc::new(Mutex::new(Chunks::default()));
        let generation = Uuid::now_v7().as_u64_pair().1;
        let filler = Filler { progress: sender, chunks: Arc::clone(&chunks), demand: demanded, generation };
        let fill = Self { progress: receiver, chunks, demand, began: Instant::now(), generation };
        (filler, Arc::new(fill))
    }

    /// Counts one more follower until the result is dropped.
    pub fn follow(self: &Arc<Self>) -> Follower {
        self.demand.send_modify(|demand| demand.followers += 1);
        Follower(Arc::clone(self))
    }

    /// When the download was begun.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Names the slices that the download is cut into when it is large.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What the download turned out to be.
    pub async fn opening(&self) -> Opening {
        let mut progress = self.progress.clone();
        let seen = progress.wait_for(|progress| progress.opening.is_some()).await;
        match seen.ok().and_then(|progress| progress.opening.clone()) {
            Some(opening) => opening,
            None => Opening::Failed(OriginError::Unreachable("the download was given up".into())),
        }
    }

    /// Bytes from `offset` on, as many as have come, as soon as there are any; `None` at the end.
    ///
    /// # Errors
    /// When the download broke off, or was so large that the bytes are no longer here.
    pub async fn read(&self, offset: u64) -> io::Result<Option<Bytes>> {
        match self.read_at(offset).await? {
            Read::Bytes(bytes) => Ok(Some(bytes)),
            Read::End => Ok(None),
            Read::Dropped => Err(io::Error::other("the bytes are no longer here")),
        }
    }

    /// The same, with bytes that are no longer here as a result of its own.
    ///
    /// # Errors
    /// When the download broke off.
    pub async fn read_at(&self, offset: u64) -> io::Result<Read> {
        self.demand.send_if_modified(|demand| {
            let further = offset > demand.wanted;
            demand.wanted = demand.wanted.max(offset);
            further
        });
        let mut progress = self.progress.clone();
        let seen = progress.wait_for(|progress| progress.received > offset || progress.end.is_some()).await;
        let (received, end) = match seen {
            Ok(progress) => (progress.received, progress.end.clone()),
            Err(_) => return Err(io::Error::other("the download was given up")),
        };
        if received > offset {
            return Ok(lock(&self.chunks).from(offset).map_or(Read::Dropped, Read::Bytes));
        }
        match end {
            Some(Err(reason)) => Err(io::Error::other(reason.to_string())),
            Some(Ok(())) | None => Ok(Read::End),
        }
    }
}

impl Deref for Follower {
    type Target = Arc<Fill>;

    fn deref(&self) -> &Arc<Fill> {
        &self.0
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.demand.send_modify(|demand| demand.followers -= 1);
    }
}

impl Filler {
    /// Says what the download is.
    pub fn open(&self, opening: Opening) {
        self.progress.send_modify(|progress| progress.opening = Some(opening));
    }

    /// Adds bytes.
    pub fn push(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let received = lock(&self.chunks).push(bytes);
        self.progress.send_modify(|progress| progress.received = received);
    }

    /// Bytes so far.
    pub fn received(&self) -> u64 {
        self.progress.borrow().received
    }

    /// The whole body in one piece.
    pub fn whole(&self) -> Bytes {
        self.part(0, self.received())
    }

    /// The bytes `start..end` in one piece; they have been received and not dropped.
    pub fn part(&self, start: u64, end: u64) -> Bytes {
        lock(&self.chunks).part(start, end)
    }

    /// Lets go of pieces that lie before `offset` altogether.
    pub fn drop_before(&self, offset: u64) {
        lock(&self.chunks).drop_before(offset);
    }

    /// Names the slices of the download.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Waits until a follower has come within `ahead` bytes of what is received; false when none is left.
    pub async fn is_wanted(&mut self, ahead: u64) -> bool {
        let received = self.received();
        let near = |demand: &Demand| demand.followers == 0 || received < demand.wanted.saturating_add(ahead);
        self.demand.wait_for(near).await.is_ok_and(|demand| demand.followers > 0)
    }

    /// Says that no more will come, and whether that is as it should be.
    pub fn end(&self, result: Result<(), String>) {
        self.progress.send_modify(|progress| progress.end = Some(result.map_err(Arc::from)));
    }
}

impl Chunks {
    fn push(&mut self, bytes: Bytes) -> u64 {
        let offset = self.0.back().map_or(0, |(offset, last)| offset + last.len() as u64);
        let end = offset + bytes.len() as u64;
        self.0.push_back((offset, bytes));
        end
    }

    fn from(&self, offset: u64) -> Option<Bytes> {
        let index = self.0.partition_point(|(start, _)| *start <= offset).checked_sub(1)?;
        let (start, bytes) = self.0.get(index)?;
        let skip = usize::try_from(offset - start).ok()?;
        (skip < bytes.len()).then(|| bytes.slice(skip..))
    }

    fn part(&self, start: u64, end: u64) -> Bytes {
        let mut all = BytesMut::new();
        let mut at = start;
        while at < end {
            let Some(mut bytes) = self.from(at) else { break };
            bytes.truncate(usize::try_from(end - at).unwrap_or(usize::MAX));
            at += bytes.len() as u64;
            if at == end && all.is_empty() {
                return bytes;
            }
            all.extend_from_slice(&bytes);
        }
        all.freeze()
    }

    /// The last piece stays, for the next one is counted from it.
    fn drop_before(&mut self, offset: u64) {
        while self.0.len() > 1 && self.0.front().is_some_and(|(start, bytes)| start + bytes.len() as u64 <= offset) {
            self.0.pop_front();
        }
    }
}

/// The lists below the locks of the edge are valid after every statement, so a panic elsewhere leaves nothing half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Fill, Opening, Read};
    use bytes::Bytes;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn followers_read_what_has_come_and_wait_for_the_rest() {
        let (filler, fill) = Fill::begin();
        assert!(fill.read(0).now_or_never().is_none());
        filler.push(Bytes::from_static(b"abc"));
        filler.push(Bytes::from_static(b"defg"));
        assert_eq!(fill.read(1).await.expect("it grows").as_deref(), Some(&b"bc"[..]));
        assert_eq!(fill.read(3).await.expect("it grows").as_deref(), Some(&b"defg"[..]));
        assert!(fill.read(7).now_or_never().is_none());
        filler.end(Ok(()));
        assert_eq!(fill.read(7).await.expect("it ended well"), None);
        assert_eq!(filler.whole(), Bytes::from_static(b"abcdefg"));
    }

    #[tokio::test]
    async fn a_large_download_lets_go_of_what_was_read_and_waits_for_its_followers() {
        let (mut filler, fill) = Fill::begin();
        assert!(!filler.is_wanted(5).await, "nobody follows");
        let follower = fill.follow();
        assert!(filler.is_wanted(5).await);
        for piece in ["abcd", "efgh", "ijkl"] {
            filler.push(Bytes::from_static(piece.as_bytes()));
        }
        assert!(filler.is_wanted(5).now_or_never().is_none(), "12 bytes are here and none is read");
        assert_eq!(filler.part(2, 9), "cdefghi");
        filler.drop_before(9);
        assert!(matches!(follower.read_at(3).await, Ok(Read::Dropped)));
        assert!(matches!(follower.read_at(8).await, Ok(Read::Bytes(bytes)) if bytes == "ijkl"));
        assert!(filler.is_wanted(5).await);
        filler.push(Bytes::from_static(b"mn"));
        assert_eq!(filler.part(8, 14), "ijklmn");
        drop(follower);
        assert!(!filler.is_wanted(5).await, "the last one has left");
    }

    #[tokio::test]
    async fn a_download_that_breaks_off_is_an_error_to_every_follower() {
        let (filler, fill) = Fill::begin();
        filler.push(Bytes::from_static(b"abc"));
        drop(filler);
        assert!(fill.read(0).await.is_ok());
        assert!(fill.read(3).await.is_err());
        assert!(matches!(fill.opening().await, Opening::Failed(_)));
    }
}
