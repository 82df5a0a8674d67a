//! One download from the origin that any number of requests follow while it grows: request collapsing, and the first byte to
//! the client before the last one has come from the origin.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::cache::{Head, Object};
use super::origin::OriginError;

/// What a download turned out to be, known when its headers have come.
#[derive(Clone, Debug)]
pub enum Opening {
    /// A body follows.
    Body(Arc<Head>),
    /// The origin confirmed what we had.
    Confirmed(Arc<Object>),
    /// Larger than the cache takes: to be fetched past it.
    TooLarge,
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
}

/// The downloader's side. When it is dropped early, the followers see a failure.
#[derive(Debug)]
pub struct Filler {
    progress: watch::Sender<Progress>,
    chunks: Arc<Mutex<Chunks>>,
}

/// Received pieces with their offsets, ascending and without gaps.
#[derive(Debug, Default)]
struct Chunks(Vec<(u64, Bytes)>);

impl Fill {
    /// A download that has not begun.
    pub fn begin() -> (Filler, Arc<Self>) {
        let (sender, receiver) = watch::channel(Progress::default());
        let chunks = Arc::new(Mutex::new(Chunks::default()));
        (Filler { progress: sender, chunks: Arc::clone(&chunks) }, Arc::new(Self { progress: receiver, chunks }))
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
    /// When the download broke off.
    pub async fn read(&self, offset: u64) -> io::Result<Option<Bytes>> {
        let mut progress = self.progress.clone();
        let seen = progress.wait_for(|progress| progress.received > offset || progress.end.is_some()).await;
        let (received, end) = match seen {
            Ok(progress) => (progress.received, progress.end.clone()),
            Err(_) => return Err(io::Error::other("the download was given up")),
        };
        if received > offset {
            return Ok(lock(&self.chunks).from(offset));
        }
        match end {
            Some(Err(reason)) => Err(io::Error::other(reason.to_string())),
            Some(Ok(())) | None => Ok(None),
        }
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
        lock(&self.chunks).whole()
    }

    /// Says that no more will come, and whether that is as it should be.
    pub fn end(&self, result: Result<(), String>) {
        self.progress.send_modify(|progress| progress.end = Some(result.map_err(Arc::from)));
    }
}

impl Chunks {
    fn push(&mut self, bytes: Bytes) -> u64 {
        let offset = self.0.last().map_or(0, |(offset, last)| offset + last.len() as u64);
        let end = offset + bytes.len() as u64;
        self.0.push((offset, bytes));
        end
    }

    fn from(&self, offset: u64) -> Option<Bytes> {
        let index = self.0.partition_point(|(start, _)| *start <= offset).checked_sub(1)?;
        let (start, bytes) = self.0.get(index)?;
        let skip = usize::try_from(offset - start).ok()?;
        (skip < bytes.len()).then(|| bytes.slice(skip..))
    }

    fn whole(&self) -> Bytes {
        if let [(_, only)] = self.0.as_slice() {
            return only.clone();
        }
        let mut all = BytesMut::with_capacity(self.0.iter().map(|(_, bytes)| bytes.len()).sum());
        for (_, bytes) in &self.0 {
            all.extend_from_slice(bytes);
        }
        all.freeze()
    }
}

/// The lists below the locks of the edge are valid after every statement, so a panic elsewhere leaves nothing half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Fill, Opening};
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
    async fn a_download_that_breaks_off_is_an_error_to_every_follower() {
        let (filler, fill) = Fill::begin();
        filler.push(Bytes::from_static(b"abc"));
        drop(filler);
        assert!(fill.read(0).await.is_ok());
        assert!(fill.read(3).await.is_err());
        assert!(matches!(fill.opening().await, Opening::Failed(_)));
    }
}
