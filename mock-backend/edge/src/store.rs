//! Memory and disk below the cache, by foyer.
//!
//! Everything is written to the disk when it is stored, and what writes waits until the disk has taken it: entries that find the
//! flush buffer full would be lost without a word. So a restart finds what was stored, and a slow disk slows downloads down, not
//! viewers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use foyer::{
    BlockEngineConfig, DeviceBuilder as _, FsDeviceBuilder, HybridCache, HybridCacheBuilder, HybridCacheProperties,
    Location,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::object::{Body, Object};

/// Largest entry, in bytes: larger objects are stored in slices.
pub const MAX_WHOLE: u64 = 16 * 1024 * 1024;
/// Bytes of a slice.
pub const SLICE: u64 = 2 * 1024 * 1024;
/// Largest part of the cache that lives in memory when there is a disk below it, in bytes.
const MAX_MEMORY: usize = 256 * 1024 * 1024;
/// Least part of it: an entry of the largest size has to fit.
const MIN_MEMORY: usize = 8 * 1024 * 1024;
/// Bytes of the flush buffer: at least two of the largest entries, with their heads.
const FLUSH_BUFFER: usize = 2 * MAX_WHOLE as usize + 8 * 1024 * 1024;
/// Bytes that are handed to the disk before it is waited for; with one entry more they still fit into the buffer.
const FLUSH_AFTER: usize = FLUSH_BUFFER - MAX_WHOLE as usize - 4 * 1024 * 1024;
/// Bytes of a block of the disk, which is written and reclaimed as one.
const BLOCK: usize = 64 * 1024 * 1024;
/// Version of what is stored: entries of another one are not found.
const FORMAT: &str = "2";

/// An entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Value {
    Object(Box<Object>),
    Slice(Bytes),
}

impl Value {
    fn weight(&self) -> usize {
        256 + match self {
            Self::Slice(bytes) => bytes.len(),
            Self::Object(object) => match &object.body {
                Body::Whole(bytes) => bytes.len(),
                Body::Sliced { .. } => 0,
            },
        }
    }
}

/// The store of one origin's objects. Cloning is cheap.
#[derive(Clone)]
pub struct Store {
    cache: HybridCache<String, Value>,
    /// Before every name: the format, and the origin whose bytes these are.
    scope: Arc<str>,
    /// Bytes given to the disk since it was last waited for; locked while it is.
    unflushed: Arc<Mutex<usize>>,
    largest: u64,
}

impl Store {
    /// Opens a store of `megabytes` for the objects of `origin`, on disk when a directory is given (and then at most 256 MB of it
    /// in memory), else in memory.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub async fn open(origin: &str, directory: Option<PathBuf>, megabytes: usize) -> io::Result<Self> {
        let bytes = megabytes.max(8) * 1024 * 1024;
        let memory = if directory.is_some() { (bytes / 4).clamp(MIN_MEMORY, MAX_MEMORY) } else { bytes };
        let builder = HybridCacheBuilder::new()
            .with_name("edge")
            // Entries are written as they come, see `keep`.
            .with_flush_on_close(false)
            .memory(memory)
            // A shard has to hold the largest entry.
            .with_shards(1)
            .with_weighter(|key: &String, value: &Value| key.len() + value.weight())
            .storage();
        let cache = match directory {
            None => builder.build().await,
            Some(directory) => {
                std::fs::create_dir_all(&directory)?;
                let device = FsDeviceBuilder::new(directory)
                    .with_capacity(bytes.max(4 * BLOCK))
                    .build()
                    .map_err(io::Error::other)?;
                let engine = BlockEngineConfig::new(device)
                    .with_block_size(BLOCK)
                    .with_buffer_pool_size(FLUSH_BUFFER)
                    .with_submit_queue_size_threshold(FLUSH_BUFFER);
                builder.with_engine_config(engine).build().await
            }
        }
        .map_err(io::Error::other)?;
        Ok(Self {
            cache,
            scope: scope(origin).into(),
            unflushed: Arc::default(),
            largest: MAX_WHOLE.min(memory as u64 / 2),
        })
    }

    /// Largest object that is stored as one entry, in bytes.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// The object of a name.
    pub async fn object(&self, name: &str) -> Option<Arc<Object>> {
        match self.get(&self.key(name)).await? {
            Value::Object(object) => Some(Arc::from(object)),
            Value::Slice(_) => None,
        }
    }

    /// The object of a name if it is in memory.
    pub fn object_in_memory(&self, name: &str) -> Option<Arc<Object>> {
        let entry = self.cache.memory().get(&self.key(name))?;
        match entry.value() {
            Value::Object(object) => Some(Arc::from(object.clone())),
            Value::Slice(_) => None,
        }
    }

    /// A slice of an object.
    pub async fn slice(&self, name: &str, generation: u64, index: u64) -> Option<Bytes> {
        match self.get(&self.slice_key(name, generation, index)).await? {
            Value::Slice(bytes) => Some(bytes),
            Value::Object(_) => None,
        }
    }

    /// A slice of an object if it is in memory.
    pub fn slice_in_memory(&self, name: &str, generation: u64, index: u64) -> Option<Bytes> {
        let entry = self.cache.memory().get(&self.slice_key(name, generation, index))?;
        match entry.value() {
            Value::Slice(bytes) => Some(bytes.clone()),
            Value::Object(_) => None,
        }
    }

    /// Stores an object in memory; [`Kept::write`] brings it to the disk.
    pub fn keep(&self, name: &str, object: Object) -> Kept {
        self.insert(self.key(name), Value::Object(Box::new(object)))
    }

    /// Stores a slice in memory; [`Kept::write`] brings it to the disk.
    pub fn keep_slice(&self, name: &str, generation: u64, index: u64, bytes: Bytes) -> Kept {
        self.insert(self.slice_key(name, generation, index), Value::Slice(bytes))
    }

    /// Forgets an object. Slices of it are no longer found.
    pub fn remove(&self, name: &str) {
        self.cache.remove(&self.key(name));
    }

    /// Waits until the disk has everything that was written, and closes it.
    pub async fn close(&self) {
        // Whoever writes holds the lock and is waited for.
        let _unflushed = self.unflushed.lock().await;
        self.cache.storage().wait().await;
        if let Err(error) = self.cache.close().await {
            tracing::warn!(%error, "the cache could not be written to disk");
        }
    }

    async fn get(&self, key: &str) -> Option<Value> {
        match self.cache.get(key).await {
            Ok(entry) => entry.map(|entry| entry.value().clone()),
            Err(error) => {
                // A damaged disk costs a download, not an answer.
                tracing::warn!(%error, "the cache could not be read");
                None
            }
        }
    }

    fn insert(&self, key: String, value: Value) -> Kept {
        let bytes = key.len() + value.weight();
        // The eviction from memory writes nothing: the disk has it by then.
        let in_memory = HybridCacheProperties::default().with_location(Location::InMem);
        let entry = self.cache.insert_with_properties(key, value, in_memory);
        Kept { store: self.clone(), entry, bytes }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.scope)
    }

    fn slice_key(&self, name: &str, generation: u64, index: u64) -> String {
        format!("{}{name}\n{generation:x}\n{index}", self.scope)
    }
}

/// An entry in memory that is not on the disk yet.
pub struct Kept {
    store: Store,
    entry: foyer::HybridCacheEntry<String, Value>,
    bytes: usize,
}

impl Kept {
    /// Writes the entry to the disk, where there is one; waits when the disk lags behind.
    pub async fn write(self) {
        if !self.store.cache.is_hybrid() {
            return;
        }
        let mut unflushed = self.store.unflushed.lock().await;
        if *unflushed + self.bytes > FLUSH_AFTER {
            self.store.cache.storage().wait().await;
            *unflushed = 0;
        }
        *unflushed += self.bytes;
        self.store.cache.storage().enqueue(self.entry.piece(), false);
    }
}

/// Names the origin: a cache directory that served another one before has nothing under these names.
fn scope(origin: &str) -> String {
    let digest = Sha256::digest(origin.as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{FORMAT}\n{short}\n")
}
