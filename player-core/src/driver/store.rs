//! Media bytes that the host keeps, so that they need not come over the network again.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use url::Url;

use super::completion::Completion;
use crate::engine::io::{FetchKind, FetchRequest};
use crate::model::ByteRange;

/// Name of a part of media.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaKey {
    /// Kind of the media: initialisation data, a segment, or subtitles. Nothing else is offered.
    pub kind: FetchKind,
    /// Address that the engine asked for, before decorators and redirects.
    pub url: Url,
    /// Part of the file; `None` for all of it.
    pub range: Option<ByteRange>,
}

impl MediaKey {
    /// Returns the name of what a request asks for; `None` if it is no media.
    pub(super) fn of(request: &FetchRequest) -> Option<Self> {
        let is_media = matches!(request.kind, FetchKind::Init | FetchKind::Segment | FetchKind::Text);
        (is_media && request.post.is_none()).then(|| Self {
            kind: request.kind,
            url: request.url.clone(),
            range: request.range,
        })
    }
}

/// Bytes of a part of media.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredMedia {
    /// Address after redirects.
    pub url: Url,
    /// `Content-Type` without parameters, in lower case.
    pub content_type: Option<String>,
    /// The bytes as received, after decorators: encrypted media stays encrypted.
    pub body: Bytes,
}

impl fmt::Debug for StoredMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredMedia({} bytes)", self.body.len())
    }
}

/// Keeps media bytes, in memory or elsewhere. A player without one keeps nothing.
///
/// The methods are called on I/O threads that requests share, so they must not block; what takes time is finished later
/// through the completion. A store that fails, or takes more than half of
/// [`FetchRequest::first_byte_timeout`], is passed over: the media is fetched.
pub trait MediaStore: Send + Sync {
    /// Returns true if media of this name is to be offered to [`write`](Self::write). It is then collected while it is
    /// read.
    fn keeps(&self, key: &MediaKey) -> bool;

    /// Gives the media of a name, or `None` if it is not kept.
    fn read(&self, key: &MediaKey, completion: Completion<Option<StoredMedia>>);

    /// Keeps media. It has arrived whole, and its server permits keeping it.
    fn write(&self, key: MediaKey, media: StoredMedia);
}

/// A store in memory that drops what was used least recently.
#[derive(Debug)]
pub struct MemoryStore {
    max_bytes: u64,
    kept: Mutex<Kept>,
}

/// Answers of a [`MemoryStore`] since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Number of names for which media was kept.
    pub hits: u64,
    /// Number of names for which none was.
    pub misses: u64,
    /// Bytes of the media that was given.
    pub served_bytes: u64,
}

#[derive(Debug, Default)]
struct Kept {
    counts: StoreCounts,
    media: HashMap<MediaKey, (u64, StoredMedia)>,
    /// Names by the time of their last use.
    uses: BTreeMap<u64, MediaKey>,
    next_use: u64,
    bytes: u64,
}

impl MemoryStore {
    /// Creates an empty store of at most `max_bytes` of media. Media of more than a quarter of that is not kept.
    pub fn new(max_bytes: u64) -> Arc<Self> {
        Arc::new(Self { max_bytes, kept: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of bytes kept.
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Returns how often the store had the media that it was asked for.
    pub fn counts(&self) -> StoreCounts {
        self.lock().counts
    }
}

impl Kept {
    fn get(&mut self, key: &MediaKey) -> Option<StoredMedia> {
        let Some((used, media)) = self.media.get_mut(key) else {
            self.counts.misses += 1;
            return None;
        };
        self.counts.hits += 1;
        self.counts.served_bytes += media.body.len() as u64;
        let media = media.clone();
        let last = std::mem::replace(used, self.next_use);
        self.uses.remove(&last);
        self.uses.insert(self.next_use, key.clone());
        self.next_use += 1;
        Some(media)
    }

    fn remove(&mut self, key: &MediaKey) {
        if let Some((used, media)) = self.media.remove(key) {
            self.uses.remove(&used);
            self.bytes -= media.body.len() as u64;
        }
    }
}

impl MediaStore for MemoryStore {
    fn keeps(&self, _: &MediaKey) -> bool {
        true
    }

    fn read(&self, key: &MediaKey, completion: Completion<Option<StoredMedia>>) {
        let found = self.lock().get(key);
        completion.complete(Ok(found));
    }

    fn write(&self, key: MediaKey, media: StoredMedia) {
        let size = media.body.len() as u64;
        let mut kept = self.lock();
        kept.remove(&key);
        if size > self.max_bytes / 4 {
            return;
        }
        let used = kept.next_use;
        kept.next_use += 1;
        kept.bytes += size;
        kept.uses.insert(used, key.clone());
        kept.media.insert(key, (used, media));
        while kept.bytes > self.max_bytes
            && let Some(oldest) = kept.uses.values().next().cloned()
        {
            kept.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use futures_util::FutureExt as _;

    use super::super::completion::ask;
    use super::*;

    fn key(number: u32) -> MediaKey {
        MediaKey { kind: FetchKind::Segment, url: format!("http://h/{number}").parse().unwrap(), range: None }
    }

    fn media(length: usize) -> StoredMedia {
        StoredMedia { url: key(0).url, content_type: None, body: vec![7; length].into() }
    }

    fn read(store: &MemoryStore, key: &MediaKey) -> Option<usize> {
        let found = ask(|completion| store.read(key, completion)).now_or_never().unwrap().unwrap();
        found.map(|media| media.body.len())
    }

    #[test]
    fn the_least_recently_used_goes_first_and_the_bound_holds() {
        let store = MemoryStore::new(400);
        for number in 0..4 {
            store.write(key(number), media(100));
        }
        assert_eq!((store.bytes(), read(&store, &key(0))), (400, Some(100)));
        store.write(key(4), media(60));
        assert_eq!([0, 1, 2, 3, 4].map(|number| read(&store, &key(number)).is_some()), [true, false, true, true, true]);
        assert_eq!(store.bytes(), 360);
        store.write(key(4), media(90));
        assert_eq!(
            (store.bytes(), read(&store, &key(4))),
            (390, Some(90)),
            "the newer bytes take the place of the older"
        );
        store.write(key(0), media(101));
        assert_eq!((store.bytes(), read(&store, &key(0))), (290, None), "too large to keep");
        let part = MediaKey { range: Some(ByteRange { offset: 0, length: Some(5) }), ..key(2) };
        assert_eq!(read(&store, &part), None, "another part of a file is another thing");
    }

    #[test]
    fn answers_are_counted() {
        let store = MemoryStore::new(400);
        store.write(key(0), media(100));
        assert_eq!(store.counts(), StoreCounts::default(), "keeping is no answer");
        for number in [0, 1, 0] {
            read(&store, &key(number));
        }
        assert_eq!(store.counts(), StoreCounts { hits: 2, misses: 1, served_bytes: 200 });
    }
}
