//! Downloads into the cache: of objects whole, of large ones as they are cut into slices, and of single slices.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::Response;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use super::absent::Absent;
use super::cache::{Cache, Leave, Stored, conditions, is_gone, write};
use super::fill::{Fill, Filler, Opening, lock};
use super::freshness::{Lifetime, Policy};
use super::object::{Body, Head, Key, Object};
use super::origin::{self, OriginError};
use super::slices::{Slice, content_range, span};
use super::store::{Kept, SLICE};

/// Bytes that a large download keeps behind its end for those who follow it.
const RETAINED: u64 = 8 * 1024 * 1024;
/// Bytes that it runs ahead of the furthest of them.
const AHEAD: u64 = 8 * 1024 * 1024;

impl Cache {
    /// Waits for a place among the downloads and asks the origin. A failure opens the download for those who follow `filler`.
    async fn ask_in_turn(
        &self,
        key: &Key,
        fields: HeaderMap,
        filler: &Filler,
    ) -> Option<(Option<OwnedSemaphorePermit>, Response)> {
        let (_, _, places) = self.downloads();
        // A request that the origin holds waits and transfers nothing: it takes no place from others.
        let place = if key.is_held() { None } else { Some(Arc::clone(places).acquire_owned().await.ok()?) };
        match self.ask(key, fields).await {
            Ok(response) => Some((place, response)),
            Err(error) => {
                filler.open(Opening::Failed(error));
                None
            }
        }
    }

    /// Downloads the object of a key, or has the origin confirm the copy that was kept.
    pub(super) async fn download(
        &self,
        key: &Key,
        kept: Option<Arc<Object>>,
        wants_range: bool,
        filler: Filler,
        leave: Leave,
    ) -> Stored {
        let fields = kept.as_ref().map(|object| conditions(&object.head)).unwrap_or_default();
        let (place, response) = self.ask_in_turn(key, fields, &filler).await?;
        match (response.status(), kept) {
            (StatusCode::OK, _) => {}
            (StatusCode::NOT_MODIFIED, Some(object)) => {
                let head = self.confirmed(key, &object.head, response.headers());
                let object = Arc::new(Object { head, body: object.body.clone() });
                // The disk keeps what it has: after a restart the origin is asked again, which costs no body.
                drop(self.store().keep(&leave.name, Object::clone(&object)));
                filler.open(Opening::Confirmed(object));
                return None;
            }
            (status, _) => {
                if is_gone(status) {
                    self.store().remove(&leave.name);
                }
                if Absent::is_lasting(status.as_u16()) {
                    lock(self.absent()).add(&leave.name, status.as_u16(), self.clock().monotonic_ms());
                }
                filler.open(Opening::Failed(OriginError::Status(status.as_u16())));
                return None;
            }
        }
        lock(self.absent()).remove(&leave.name);
        let head = self.head(key, response.headers(), response.content_length());
        let is_large = head.length.is_some_and(|length| length > self.store().largest());
        if is_large && (wants_range || !head.is_shareable) && !(head.takes_ranges && head.is_shareable) {
            filler.open(Opening::Bypass);
            return None;
        }
        if let Some(length) = head.length.filter(|_| is_large && head.takes_ranges) {
            // The body is not read: it comes in slices.
            let generation = head.strong_etag().map_or(filler.generation(), |etag| state(etag, length));
            let object = Object { head, body: Body::Sliced { generation } };
            let kept = self.store().keep(&leave.name, object.clone());
            filler.open(Opening::Sliced(Arc::new(object)));
            drop((leave, response));
            return Some((kept, place));
        }
        filler.open(Opening::Body(Arc::new(head.clone())));
        let place = place.filter(|_| !is_large);
        Receiver { cache: self, head, response, filler, leave, place, cut: 0, is_sliced: is_large }.run().await
    }

    fn confirmed(&self, key: &Key, old: &Head, headers: &HeaderMap) -> Head {
        let fresh = self.head(key, headers, None);
        let says_how_long = headers.contains_key(header::CACHE_CONTROL) || headers.contains_key(header::EXPIRES);
        let lifetime = if says_how_long {
            fresh.lifetime
        } else {
            let Lifetime { fresh_ms, must_revalidate, .. } = old.lifetime;
            let policy = Policy { store: true, fresh_ms, must_revalidate, age_ms: fresh.lifetime.age_then_ms };
            Lifetime::begin(&policy, self.now())
        };
        let cache_control = fresh.cache_control.or_else(|| old.cache_control.clone());
        Head { lifetime, cache_control, ..old.clone() }
    }

    /// Joins the download of a slice or begins one.
    pub(super) fn join_slice(&self, key: &Key, head: &Arc<Head>, generation: u64, index: u64) -> Slice {
        let name = format!("{}\n{generation:x}\n{index}", key.text());
        let mut fills = lock(self.fills());
        if let Some(fill) = fills.get(&name) {
            return Slice::Growing(Arc::clone(fill));
        }
        // A download may have ended since we looked: its slice is in memory before it leaves the table.
        if let Some(bytes) = self.store().slice_in_memory(&key.text(), generation, index) {
            return Slice::Whole(bytes);
        }
        let (filler, fill) = Fill::begin();
        fills.insert(name.clone(), Arc::clone(&fill));
        drop(fills);
        let (cache, key, head) = (self.clone(), key.clone(), Arc::clone(head));
        let (downloads, closing, _) = self.downloads();
        let closing = closing.clone();
        downloads.spawn(async move {
            let leave = Leave { fills: Arc::clone(cache.fills()), name };
            let kept = tokio::select! {
                () = closing.cancelled() => return,
                kept = cache.download_slice(&key, &head, generation, index, filler, leave) => kept,
            };
            write(kept).await;
        });
        Slice::Growing(fill)
    }

    async fn download_slice(
        &self,
        key: &Key,
        head: &Head,
        generation: u64,
        index: u64,
        filler: Filler,
        leave: Leave,
    ) -> Stored {
        let Some((first, last)) = head.length.and_then(|length| span(index, length)) else {
            filler.open(Opening::Failed(OriginError::Changed));
            return None;
        };
        let (place, mut response) = self.ask_in_turn(key, range_of(head, first, last), &filler).await?;
        if !is_slice_of(head, (first, last), &response) {
            // The object under the name is another one by now, or the origin takes no ranges after all.
            let status = response.status().as_u16();
            let error = if status >= 400 { OriginError::Status(status) } else { OriginError::Changed };
            if error == OriginError::Changed {
                self.store().remove(&key.text());
            }
            filler.open(Opening::Failed(error));
            return None;
        }
        filler.open(Opening::Body(Arc::new(head.clone())));
        let size = last - first + 1;
        let result = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => filler.push(bytes),
                Ok(None) if filler.received() == size => break Ok(()),
                Ok(None) => break Err(format!("{} of {size} bytes came from the origin", filler.received())),
                Err(error) => break Err(origin::failure(&error).to_string()),
            }
            if filler.received() > size {
                break Err("the origin sent more than was asked for".to_owned());
            }
        };
        let kept = result.is_ok().then(|| self.store().keep_slice(&key.text(), generation, index, filler.whole()));
        filler.end(result);
        drop(leave);
        kept.map(|kept| (kept, place))
    }

    /// The origin's whole body of an object that is in the cache.
    pub(super) async fn whole_again(&self, key: &Key, head: &Head) -> Result<Response, OriginError> {
        let response = self.ask(key, HeaderMap::new()).await?;
        if response.status() != StatusCode::OK {
            return Err(OriginError::Status(response.status().as_u16()));
        }
        let found = origin::validators(response.headers());
        let same = found.etag == head.etag && found.last_modified == head.last_modified;
        let same_length = response.content_length().is_none() || response.content_length() == head.length;
        if same && same_length { Ok(response) } else { Err(OriginError::Changed) }
    }
}

/// Receives the body of a download.
struct Receiver<'c> {
    cache: &'c Cache,
    head: Head,
    response: Response,
    filler: Filler,
    leave: Leave,
    /// Given back when the download goes at its followers' pace.
    place: Option<OwnedSemaphorePermit>,
    /// Bytes that have become slices.
    cut: u64,
    /// True if the object is too large for one entry.
    is_sliced: bool,
}

impl Receiver<'_> {
    async fn run(mut self) -> Stored {
        let result = self.receive().await;
        let kept = match &result {
            Ok(()) if self.head.is_shareable => Some(self.keep()),
            _ => None,
        };
        self.filler.end(result);
        // The object is in memory: whoever asks from now on finds it there.
        drop(self.leave);
        kept.map(|kept| (kept, self.place))
    }

    async fn receive(&mut self) -> Result<(), String> {
        loop {
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.filler.push(bytes),
                Ok(None) => break,
                Err(error) => return Err(origin::failure(&error).to_string()),
            }
            if self.filler.received() > self.cache.store().largest() {
                self.is_sliced = true;
                self.place = None;
            }
            if self.is_sliced {
                self.cut(false).await;
                if !self.filler.is_wanted(AHEAD).await {
                    return Err("everyone who wanted it has left".to_owned());
                }
            }
        }
        match self.head.length {
            Some(length) if length != self.filler.received() => {
                Err(format!("{} of {length} bytes came from the origin", self.filler.received()))
            }
            _ => {
                if self.is_sliced {
                    self.cut(true).await;
                }
                Ok(())
            }
        }
    }

    /// Makes slices of what has come, and lets go of what lies far behind.
    async fn cut(&mut self, is_end: bool) {
        let received = self.filler.received();
        while self.cut + SLICE <= received || (is_end && self.cut < received) {
            let end = received.min(self.cut + SLICE);
            if self.head.is_shareable {
                let bytes = self.filler.part(self.cut, end);
                let (name, generation) = (&self.leave.name, self.filler.generation());
                self.cache.store().keep_slice(name, generation, self.cut / SLICE, bytes).write().await;
            }
            self.cut = end;
        }
        self.filler.drop_before(self.cut.min(received.saturating_sub(RETAINED)));
    }

    fn keep(&self) -> Kept {
        let length = Some(self.filler.received());
        let body = if self.is_sliced {
            Body::Sliced { generation: self.filler.generation() }
        } else {
            Body::Whole(self.filler.whole())
        };
        self.cache.store().keep(&self.leave.name, Object { head: Head { length, ..self.head.clone() }, body })
    }
}

/// Header fields that ask for bytes of the object of `head` and of no other.
fn range_of(head: &Head, first: u64, last: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(range) = HeaderValue::from_str(&format!("bytes={first}-{last}")) {
        headers.insert(header::RANGE, range);
    }
    if let Some(etag) = head.strong_etag().and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(header::IF_RANGE, etag);
    }
    headers
}

fn is_slice_of(head: &Head, (first, last): (u64, u64), response: &Response) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
    let found = origin::validators(response.headers());
    response.status() == StatusCode::PARTIAL_CONTENT
        && range.is_some_and(|range| Some(range) == head.length.map(|length| (first, last, length)))
        && (found.etag.is_none() || found.etag == head.etag)
}

/// Names the state that a strong tag identifies, so that its slices are found again after the object was.
fn state(etag: &str, length: u64) -> u64 {
    let digest = Sha256::digest(format!("{length}\n{etag}").as_bytes());
    digest.iter().take(8).fold(0, |state, byte| state << 8 | u64::from(*byte))
}
