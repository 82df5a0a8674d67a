//! The pull-through cache: memory and disk by foyer, one download for any number of simultaneous requests, validation of what is
//! too old, and old copies when the origin fails.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use foyer::{BlockEngineConfig, DeviceBuilder as _, FsDeviceBuilder, HybridCache, HybridCacheBuilder};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::fill::{Fill, Filler, Opening, lock};
use super::origin::{self, Origin, OriginError};
use crate::clock::Clock;
use crate::http::conditional::{Validators, format_http_date};

/// The largest object that is kept; larger ones are fetched past the cache.
pub const MAX_OBJECT: u64 = 32 * 1024 * 1024;
/// Downloads from the origin at the same time.
const MAX_FILLS: usize = 64;
/// How long a manifest is fresh when the origin does not say.
const MANIFEST_FRESH_MS: i64 = 1_000;
/// How long anything else is: segments never change under their name.
const SEGMENT_FRESH_MS: i64 = 3_600_000;
/// How old a copy may be that stands in for a failing origin.
const STALE_LIMIT_MS: i64 = 24 * 3_600_000;
/// Largest part of the cache that lives in memory when there is a disk below it, in bytes.
const MAX_MEMORY: usize = 256 * 1024 * 1024;

/// What is known of an object before its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Media type as the origin gave it.
    pub content_type: String,
    /// Entity tag.
    pub etag: Option<String>,
    /// Seconds since the Unix epoch.
    pub last_modified: Option<i64>,
    /// Bytes of the body, where the origin said so.
    pub length: Option<u64>,
    /// When it was fetched or confirmed, milliseconds since the Unix epoch.
    pub checked_at: i64,
    /// How long it is fresh from then on.
    pub fresh_ms: i64,
}

impl Head {
    /// The validators of the object.
    pub fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified }
    }

    fn is_fresh(&self, now: i64) -> bool {
        now - self.checked_at < self.fresh_ms
    }
}

/// An object in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What is known of it.
    pub head: Head,
    /// Its bytes.
    pub body: Bytes,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// From the cache.
    Hit,
    /// From the origin, and kept.
    Miss,
    /// From the download that another request had caused.
    Collapsed,
    /// From the cache after the origin had confirmed it.
    Revalidated,
    /// From the cache although too old, because the origin failed.
    Stale,
    /// From the origin, past the cache.
    Bypass,
    /// Without looking: errors, preflights.
    None,
}

/// Where the bytes of a response come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// They are all here.
    Whole(Bytes),
    /// They are on their way.
    Growing(Arc<Fill>),
}

/// An object found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is known of it.
    pub head: Arc<Head>,
    /// Its bytes.
    pub source: Source,
    /// How it was found.
    pub outcome: Outcome,
}

/// What a lookup comes to.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// Here it is.
    Found(Found),
    /// It is too large: ask the origin for the part that is wanted.
    TooLarge,
}

/// What to ask for: the path without its token, and the query where one is passed on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Percent-encoded, without a leading slash.
    pub path: String,
    /// Without its question mark.
    pub query: Option<String>,
}

impl Key {
    fn text(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// The cache in front of one origin. Cloning is cheap.
#[derive(Clone)]
pub struct Cache {
    store: HybridCache<String, Object>,
    origin: Origin,
    clock: Clock,
    fills: Arc<Mutex<HashMap<String, Arc<Fill>>>>,
    places: Arc<Semaphore>,
}

impl Cache {
    /// A cache of `megabytes`, on disk when a directory is given (and then at most 256 MB of it in memory), else in memory.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub async fn open(origin: Origin, clock: Clock, directory: Option<PathBuf>, megabytes: usize) -> io::Result<Self> {
        let bytes = megabytes.max(8) * 1024 * 1024;
        let memory = if directory.is_some() { (bytes / 4).min(MAX_MEMORY) } else { bytes };
        let builder = HybridCacheBuilder::new()
            .with_name("edge")
            .memory(memory)
            // A shard has to hold the largest object.
            .with_shards(1)
            .with_weighter(|key: &String, object: &Object| key.len() + object.body.len() + 256)
            .storage();
        let store = match directory {
            None => builder.build().await,
            Some(directory) => {
                std::fs::create_dir_all(&directory)?;
                let device = FsDeviceBuilder::new(directory)
                    .with_capacity(bytes.max(4 * 64 * 1024 * 1024))
                    .build()
                    .map_err(io::Error::other)?;
                let engine = BlockEngineConfig::new(device).with_block_size(64 * 1024 * 1024);
                builder.with_engine_config(engine).build().await
            }
        }
        .map_err(io::Error::other)?;
        Ok(Self { store, origin, clock, fills: Arc::default(), places: Arc::new(Semaphore::new(MAX_FILLS)) })
    }

    /// The object of a key, from here or from the origin; answered as soon as its headers are known.
    ///
    /// # Errors
    /// When neither has it.
    pub async fn find(&self, key: &Key) -> Result<Lookup, OriginError> {
        let text = key.text();
        let kept = self.kept(&text).await;
        let now = self.clock.now_ms();
        if let Some(object) = kept.as_deref().filter(|object| object.head.is_fresh(now)) {
            return Ok(Lookup::Found(whole(object, Outcome::Hit)));
        }
        let (fill, outcome) = match self.join_or_begin(key, &text, kept.clone()) {
            Joined::Fresh(object) => return Ok(Lookup::Found(whole(&object, Outcome::Hit))),
            Joined::Fill(fill, outcome) => (fill, outcome),
        };
        match fill.opening().await {
            Opening::Body(head) => Ok(Lookup::Found(Found { head, source: Source::Growing(fill), outcome })),
            Opening::Confirmed(object) => Ok(Lookup::Found(whole(&object, Outcome::Revalidated))),
            Opening::TooLarge => Ok(Lookup::TooLarge),
            Opening::Failed(error) => match kept {
                Some(object) if error.allows_stale() && now - object.head.checked_at < STALE_LIMIT_MS => {
                    tracing::warn!(path = key.path, %error, "an old copy stands in for the origin");
                    Ok(Lookup::Found(whole(&object, Outcome::Stale)))
                }
                _ => Err(error),
            },
        }
    }

    /// The origin's own answer, for what does not fit into the cache.
    ///
    /// # Errors
    /// When there was none.
    pub async fn bypass(&self, key: &Key, headers: HeaderMap) -> Result<reqwest::Response, OriginError> {
        self.origin.get(&key.path, key.query.as_deref(), headers).await
    }

    /// Writes what is only in memory to the disk, where there is one.
    pub async fn close(&self) {
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the cache could not be written to disk");
        }
    }

    async fn kept(&self, text: &str) -> Option<Arc<Object>> {
        match self.store.get(text).await {
            Ok(entry) => entry.map(|entry| Arc::new(entry.value().clone())),
            Err(error) => {
                // A damaged disk costs a download, not an answer.
                tracing::warn!(%error, "the cache could not be read");
                None
            }
        }
    }

    /// Joins the download of a key or begins one.
    fn join_or_begin(&self, key: &Key, text: &str, kept: Option<Arc<Object>>) -> Joined {
        let mut fills = lock(&self.fills);
        if let Some(fill) = fills.get(text) {
            return Joined::Fill(Arc::clone(fill), Outcome::Collapsed);
        }
        // A download may have ended since we looked: its object is in memory before it leaves the table.
        if let Some(entry) = self.store.memory().get(text)
            && entry.value().head.is_fresh(self.clock.now_ms())
        {
            return Joined::Fresh(Arc::new(entry.value().clone()));
        }
        let (filler, fill) = Fill::begin();
        fills.insert(text.to_owned(), Arc::clone(&fill));
        drop(fills);
        // Not tied to the request: when its client leaves, others may have joined, and the object is worth keeping.
        let (cache, key, text) = (self.clone(), key.clone(), text.to_owned());
        tokio::spawn(async move {
            let leave = Leave { fills: Arc::clone(&cache.fills), text };
            cache.fill(&key, &leave.text, kept, &filler).await;
        });
        Joined::Fill(fill, Outcome::Miss)
    }

    async fn fill(&self, key: &Key, text: &str, kept: Option<Arc<Object>>, filler: &Filler) {
        let Ok(_place) = self.places.acquire().await else {
            return;
        };
        let mut conditions = HeaderMap::new();
        if let Some(object) = &kept {
            condition(&mut conditions, &object.head);
        }
        let answer = self.origin.get(&key.path, key.query.as_deref(), conditions).await;
        let mut response = match answer {
            Ok(response) => response,
            Err(error) => return filler.open(Opening::Failed(error)),
        };
        match (response.status(), kept) {
            (StatusCode::OK, _) => {}
            (StatusCode::NOT_MODIFIED, Some(object)) => {
                let head = self.confirmed(key, &object.head, response.headers());
                let object = Arc::new(Object { head, body: object.body.clone() });
                self.store.insert(text.to_owned(), Object::clone(&object));
                return filler.open(Opening::Confirmed(object));
            }
            (status, _) => {
                if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
                    self.store.remove(text);
                }
                return filler.open(Opening::Failed(OriginError::Status(status.as_u16())));
            }
        }
        let head = self.head(key, response.headers(), response.content_length());
        if head.length.is_some_and(|length| length > MAX_OBJECT) {
            return filler.open(Opening::TooLarge);
        }
        filler.open(Opening::Body(Arc::new(head.clone())));
        let result = receive(&mut response, head.length, filler).await;
        if result.is_ok() {
            let body = filler.whole();
            let head = Head { length: Some(body.len() as u64), ..head };
            self.store.insert(text.to_owned(), Object { head, body });
        }
        filler.end(result);
    }

    fn head(&self, key: &Key, headers: &HeaderMap, length: Option<u64>) -> Head {
        let validators = origin::validators(headers);
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Head {
            content_type: content_type
                .filter(|text| text.len() <= 256)
                .unwrap_or("application/octet-stream")
                .to_owned(),
            etag: validators.etag,
            last_modified: validators.last_modified,
            length,
            checked_at: self.clock.now_ms(),
            fresh_ms: origin::max_age_ms(headers).unwrap_or(if is_manifest(&key.path) {
                MANIFEST_FRESH_MS
            } else {
                SEGMENT_FRESH_MS
            }),
        }
    }

    fn confirmed(&self, key: &Key, old: &Head, headers: &HeaderMap) -> Head {
        let fresh = self.head(key, headers, None);
        let fresh_ms = origin::max_age_ms(headers).unwrap_or(old.fresh_ms);
        Head { checked_at: fresh.checked_at, fresh_ms, ..old.clone() }
    }
}

enum Joined {
    Fresh(Arc<Object>),
    Fill(Arc<Fill>, Outcome),
}

/// Takes a download out of the table when it is over, however it ended.
struct Leave {
    fills: Arc<Mutex<HashMap<String, Arc<Fill>>>>,
    text: String,
}

impl Drop for Leave {
    fn drop(&mut self) {
        lock(&self.fills).remove(&self.text);
    }
}

async fn receive(response: &mut reqwest::Response, length: Option<u64>, filler: &Filler) -> Result<(), String> {
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => filler.push(bytes),
            Ok(None) => break,
            Err(error) => return Err(origin::failure(&error).to_string()),
        }
        if filler.received() > MAX_OBJECT {
            return Err("the object outgrew the cache".to_owned());
        }
    }
    match length {
        Some(length) if length != filler.received() => {
            Err(format!("{} of {length} bytes came from the origin", filler.received()))
        }
        _ => Ok(()),
    }
}

fn whole(object: &Object, outcome: Outcome) -> Found {
    Found { head: Arc::new(object.head.clone()), source: Source::Whole(object.body.clone()), outcome }
}

fn condition(headers: &mut HeaderMap, head: &Head) {
    let mut put = |name, value: Option<&str>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    };
    put(header::IF_NONE_MATCH, head.etag.as_deref());
    put(header::IF_MODIFIED_SINCE, head.last_modified.and_then(format_http_date).as_deref());
}

/// Whether a path names something that changes under its name.
pub fn is_manifest(path: &str) -> bool {
    let extension = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, extension)| extension);
    matches!(extension, Some("m3u8" | "mpd" | "json"))
}
