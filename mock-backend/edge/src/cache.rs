//! The pull-through cache: one download for any number of simultaneous requests, validation of what is too old, and old copies
//! while that takes long or the origin fails.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::absent::Absent;
use super::breaker::{Breaker, Failure, Pass};
use super::fill::{Fill, Follower, Opening, lock};
use super::freshness::{Lifetime, Moment, Policy};
use super::lookup::{Found, Lookup, Sliced, Source};
use super::object::{Body, Head, Key, Object, Outcome};
use super::origin::{self, HELD, Origin, OriginError};
use super::store::{Kept, Store};
use kinora_kit::address::is_manifest;
use kinora_kit::clock::Clock;
use kinora_kit::http::conditional::format_http_date;

/// Downloads from the origin at the same time.
const MAX_FILLS: usize = 64;
/// Longest header field that is kept, in bytes.
const MAX_FIELD: usize = 256;
/// Downloads that one lookup follows: the second, when the first turned out to be another request's affair.
const MAX_ATTEMPTS: usize = 2;

/// How a cache treats its origin.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Time after which an old copy is given instead of waiting on for the origin.
    pub stale_after: Duration,
    /// Time in which the origin has to begin its answer.
    pub first_byte: Duration,
    /// The same for a request that tries whether an origin works again that did not.
    pub probe: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            stale_after: Duration::from_millis(400),
            first_byte: Duration::from_secs(5),
            probe: Duration::from_secs(2),
        }
    }
}

/// The cache in front of one origin. Cloning is cheap.
#[derive(Clone)]
pub struct Cache {
    store: Store,
    origin: Origin,
    clock: Clock,
    patience: Patience,
    fills: Arc<Mutex<HashMap<String, Arc<Fill>>>>,
    places: Arc<Semaphore>,
    breaker: Arc<Mutex<Breaker>>,
    absent: Arc<Mutex<Absent>>,
    downloads: TaskTracker,
    closing: CancellationToken,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache of `megabytes`, on disk when a directory is given, else in memory.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub async fn open(
        origin: Origin,
        clock: Clock,
        patience: Patience,
        directory: Option<PathBuf>,
        megabytes: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            store: Store::open(origin.base(), directory, megabytes).await?,
            origin,
            clock,
            patience,
            fills: Arc::default(),
            places: Arc::new(Semaphore::new(MAX_FILLS)),
            breaker: Arc::default(),
            absent: Arc::default(),
            downloads: TaskTracker::new(),
            closing: CancellationToken::new(),
        })
    }

    /// The object of a key, from here or from the origin; answered as soon as its headers are known. `wants_range` says that the
    /// client wants a part only.
    ///
    /// # Errors
    /// When neither has it.
    pub async fn find(&self, key: &Key, wants_range: bool) -> Result<Lookup, OriginError> {
        let name = key.text();
        if let Some(status) = lock(&self.absent).status(&name, self.clock.monotonic_ms()) {
            return Err(OriginError::Status(status));
        }
        let kept = self.store.object(&name).await;
        let now = self.now();
        if let Some(object) = kept.as_ref().filter(|object| object.head.lifetime.is_fresh(now)) {
            return Ok(self.found(key, object, Outcome::Hit));
        }
        let stand_in = kept.clone().filter(|object| object.head.lifetime.may_stand_in(now));
        for _ in 0..MAX_ATTEMPTS {
            let (fill, outcome) = match self.join_or_begin(key, &name, kept.clone(), wants_range) {
                Joined::Fresh(object) => return Ok(self.found(key, &object, Outcome::Hit)),
                Joined::Fill(fill, outcome) => (fill, outcome),
            };
            let opening = match &stand_in {
                None => fill.opening().await,
                Some(object) => {
                    let deadline = fill.began() + self.patience.stale_after;
                    match tokio::time::timeout_at(deadline, fill.opening()).await {
                        Ok(opening) => opening,
                        Err(_) => return Ok(self.found(key, object, Outcome::Stale)),
                    }
                }
            };
            match opening {
                // What is for one client only is not another's.
                Opening::Body(head) if !head.is_shareable && outcome == Outcome::Collapsed => {
                    return Ok(Lookup::Bypass);
                }
                Opening::Body(head) => return Ok(self.growing(key, head, fill, outcome, kept.is_some())),
                Opening::Confirmed(object) => return Ok(self.found(key, &object, Outcome::Revalidated)),
                Opening::Sliced(object) => {
                    let source = self.sliced(key, &Arc::new(object.head.clone()), &object.body, None);
                    let head = Arc::new(object.head.clone());
                    return Ok(Lookup::Found(Found { head, source, outcome, had_older: kept.is_some() }));
                }
                Opening::Bypass if wants_range || outcome != Outcome::Collapsed => return Ok(Lookup::Bypass),
                // It was begun for a client that wanted a part. This one wants the whole.
                Opening::Bypass => {}
                Opening::Failed(error) => {
                    return match stand_in {
                        Some(object) if error.allows_stale() => {
                            tracing::warn!(path = key.path, %error, "an old copy stands in for the origin");
                            Ok(self.found(key, &object, Outcome::Stale))
                        }
                        _ => Err(error),
                    };
                }
            }
        }
        Ok(Lookup::Bypass)
    }

    /// The origin's own answer, for what is not for the cache.
    ///
    /// # Errors
    /// When there was none.
    pub async fn bypass(&self, key: &Key, headers: HeaderMap) -> Result<reqwest::Response, OriginError> {
        self.ask(key, headers).await
    }

    /// Ends what is still being fetched, and writes what is only in memory to the disk, where there is one.
    pub async fn close(&self) {
        self.closing.cancel();
        self.downloads.close();
        self.downloads.wait().await;
        self.store.close().await;
    }

    /// The objects and slices that are here.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The present moment on the cache's clock.
    pub fn now(&self) -> Moment {
        Moment::now(&self.clock)
    }

    fn found(&self, key: &Key, object: &Object, outcome: Outcome) -> Lookup {
        let head = Arc::new(object.head.clone());
        let source = self.sliced(key, &head, &object.body, None);
        Lookup::Found(Found { head, source, outcome, had_older: true })
    }

    fn growing(&self, key: &Key, head: Arc<Head>, fill: Follower, outcome: Outcome, had_older: bool) -> Lookup {
        let is_whole = head.length.is_some_and(|length| length <= self.store.largest());
        let source = if is_whole {
            Source::Growing(Arc::clone(&fill))
        } else {
            let body = Body::Sliced { generation: fill.generation() };
            self.sliced(key, &head, &body, Some(fill))
        };
        Lookup::Found(Found { head, source, outcome, had_older })
    }

    fn sliced(&self, key: &Key, head: &Arc<Head>, body: &Body, stream: Option<Follower>) -> Source {
        match body {
            Body::Whole(bytes) => Source::Whole(bytes.clone()),
            Body::Sliced { generation } => {
                let (key, head) = (key.clone(), Arc::clone(head));
                Source::Sliced(Sliced { key, head, generation: *generation, stream })
            }
        }
    }

    /// Joins the download of a key or begins one.
    fn join_or_begin(&self, key: &Key, name: &str, kept: Option<Arc<Object>>, wants_range: bool) -> Joined {
        let mut fills = lock(&self.fills);
        if let Some(fill) = fills.get(name) {
            return Joined::Fill(fill.follow(), Outcome::Collapsed);
        }
        // A download may have ended since we looked: its object is in memory before it leaves the table.
        if let Some(object) = self.store.object_in_memory(name)
            && object.head.lifetime.is_fresh(self.now())
        {
            return Joined::Fresh(object);
        }
        let (filler, fill) = Fill::begin();
        let follower = fill.follow();
        fills.insert(name.to_owned(), fill);
        drop(fills);
        // Not tied to the request: when its client leaves, others may have joined, and the object is worth keeping.
        let (cache, key, name) = (self.clone(), key.clone(), name.to_owned());
        self.downloads.spawn(async move {
            let leave = Leave { fills: Arc::clone(&cache.fills), name };
            let closing = cache.closing.clone();
            let kept = tokio::select! {
                () = closing.cancelled() => return,
                kept = cache.download(&key, kept, wants_range, filler, leave) => kept,
            };
            // What is whole goes to the disk though the edge ends.
            write(kept).await;
        });
        Joined::Fill(follower, Outcome::Miss)
    }

    /// Asks the origin within the bounds of the breaker and of patience. An answer of any status is `Ok`.
    pub(super) async fn ask(&self, key: &Key, headers: HeaderMap) -> Result<reqwest::Response, OriginError> {
        let pass = lock(&self.breaker).admit(self.clock.monotonic_ms()).ok_or(OriginError::Suspended)?;
        let out = Out { breaker: &self.breaker, pass: Some(pass) };
        let is_held = key.is_held();
        let limit = match (is_held, pass.is_probe()) {
            (true, _) => HELD,
            (false, true) => self.patience.probe,
            (false, false) => self.patience.first_byte,
        };
        let asked = self.origin.get(&key.path, key.query.as_deref(), headers, is_held);
        let answer = tokio::time::timeout(limit, asked).await.unwrap_or(Err(OriginError::Timeout));
        match &answer {
            Ok(response) if response.status().is_server_error() => out.fail(Failure::Broken),
            Ok(_) => out.succeed(self.clock.monotonic_ms()),
            Err(OriginError::Timeout) => out.fail(Failure::Silence),
            Err(_) => out.fail(Failure::Broken),
        }
        answer
    }

    /// The head of an answer that arrives now.
    pub(super) fn head(&self, key: &Key, headers: &HeaderMap, length: Option<u64>) -> Head {
        let field = |name| {
            let text = headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
            text.filter(|text| text.len() <= MAX_FIELD).map(str::to_owned)
        };
        let validators = origin::validators(headers);
        let policy = Policy::of(headers, is_manifest(&key.path));
        Head {
            content_type: field(header::CONTENT_TYPE).unwrap_or_else(|| "application/octet-stream".to_owned()),
            content_encoding: field(header::CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity")),
            cache_control: field(header::CACHE_CONTROL),
            vary: field(header::VARY),
            etag: validators.etag,
            last_modified: validators.last_modified,
            length,
            takes_ranges: headers.get(header::ACCEPT_RANGES).is_some_and(|value| value == "bytes"),
            is_shareable: policy.store,
            lifetime: Lifetime::begin(&policy, self.now()),
        }
    }

    /// The table of downloads.
    pub(super) fn fills(&self) -> &Arc<Mutex<HashMap<String, Arc<Fill>>>> {
        &self.fills
    }

    /// Where downloads run, so that they end before the store is closed.
    pub(super) fn downloads(&self) -> (&TaskTracker, &CancellationToken, &Arc<Semaphore>) {
        (&self.downloads, &self.closing, &self.places)
    }

    /// Names that the origin does not have.
    pub(super) fn absent(&self) -> &Mutex<Absent> {
        &self.absent
    }

    /// The clock of freshness.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

enum Joined {
    Fresh(Arc<Object>),
    Fill(Follower, Outcome),
}

/// Takes a download out of the table when it is over, however it ended.
pub(super) struct Leave {
    pub(super) fills: Arc<Mutex<HashMap<String, Arc<Fill>>>>,
    pub(super) name: String,
}

impl Drop for Leave {
    fn drop(&mut self) {
        lock(&self.fills).remove(&self.name);
    }
}

/// A request that the breaker let out; one that is dropped without an end was given up.
struct Out<'b> {
    breaker: &'b Mutex<Breaker>,
    pass: Option<Pass>,
}

impl Out<'_> {
    fn succeed(mut self, now_ms: i64) {
        self.pass = None;
        lock(self.breaker).succeed(now_ms);
    }

    fn fail(mut self, failure: Failure) {
        if let Some(pass) = self.pass.take() {
            lock(self.breaker).fail(pass, failure);
        }
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        if let Some(pass) = self.pass {
            lock(self.breaker).abandon(pass);
        }
    }
}

/// An entry on its way to the disk, with the place of its download: a slow disk slows downloads down.
pub(super) type Stored = Option<(Kept, Option<OwnedSemaphorePermit>)>;

pub(super) async fn write(stored: Stored) {
    if let Some((kept, place)) = stored {
        kept.write().await;
        drop(place);
    }
}

/// Header fields that make the origin answer 304 when it has nothing newer.
pub(super) fn conditions(head: &Head) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name, value: Option<&str>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    };
    put(header::IF_NONE_MATCH, head.etag.as_deref());
    put(header::IF_MODIFIED_SINCE, head.last_modified.and_then(format_http_date).as_deref());
    headers
}

/// Whether a status says that the name is there no more.
pub(super) fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}
