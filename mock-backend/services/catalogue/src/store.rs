//! The store of the catalogue: what the packager wrote, in memory, and read again when the media directory changes.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use kinora_kit::clock::Clock;
use kinora_kit::http::path::SafePath;
use kinora_kit::http::problem::Problem;
use kinora_media::live::LiveChannel;
use kinora_media::{self as media, IngestError};
use tokio::sync::watch;
use url::Url;

use crate::domain::Snapshot;
use crate::domain::facts::Setting;
use crate::pictures::PictureKeys;

/// How often the media directory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at the directory from one look at the record of each title to the next: a record that is changed in its place, which the
/// packager never does and people do, is taken over within ten seconds.
const LOOKS_PER_RECORDS: u32 = 10;

/// The catalogue of a data directory.
#[derive(Debug)]
pub struct Catalogue {
    data: PathBuf,
    keys: PictureKeys,
    /// Region of the deployment.
    region: Option<String>,
    clock: Clock,
    /// Warnings about records that were given, each once.
    warned: Mutex<BTreeSet<String>>,
    current: RwLock<Arc<Snapshot>>,
    /// Time of the directory's latest change as it was read, and the latest of its records.
    seen: Mutex<(Option<SystemTime>, Option<SystemTime>)>,
    looks: AtomicU32,
    /// Number of times that the titles were read again.
    changes: watch::Sender<u64>,
    /// Milliseconds since the Unix epoch at which it was opened.
    opened_ms: u64,
    /// Authorities of the edges, for the steering of live channels.
    edges: RwLock<Vec<String>>,
}

impl Catalogue {
    /// Reads the catalogue of `data`, as it is offered in a region (ISO 3166-1 alpha-2; `None`: only rules without regions hold)
    /// at the times of a clock.
    ///
    /// # Errors
    /// When the media directory is there and cannot be listed.
    pub fn open(data: &Path, keys: PictureKeys, region: Option<String>, clock: Clock) -> Result<Self, IngestError> {
        let opened = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let catalogue = Self {
            data: data.to_owned(),
            keys,
            region,
            clock,
            warned: Mutex::default(),
            current: RwLock::default(),
            seen: Mutex::new((changed(data), records_changed(data))),
            looks: AtomicU32::new(0),
            changes: watch::Sender::new(0),
            opened_ms: u64::try_from(opened.as_millis()).unwrap_or_default(),
            edges: RwLock::default(),
        };
        let snapshot = catalogue.read()?;
        *catalogue.current.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
        Ok(catalogue)
    }

    /// Reads the records, and warns of what is wrong with them.
    fn read(&self) -> Result<Arc<Snapshot>, IngestError> {
        let setting = Setting { region: self.region.clone(), now: self.clock.now_ms() };
        let snapshot = Snapshot::of(media::titles(&self.data)?, &self.keys, &setting).with_channels(self.channels()?);
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in snapshot.warnings() {
            if warned.insert(warning.clone()) {
                tracing::warn!("{warning}; it is offered without that");
            }
        }
        Ok(Arc::new(snapshot))
    }

    /// Reads the live channels; one that cannot be played is named in the log, and not there.
    fn channels(&self) -> Result<Vec<LiveChannel>, IngestError> {
        let mut channels = Vec::new();
        for record in media::live::channels(&self.data)? {
            let id = record.id.clone();
            match LiveChannel::open(&self.data, record) {
                Ok(channel) => channels.push(channel),
                Err(error) => tracing::warn!(%error, channel = id, "a live channel cannot be played"),
            }
        }
        Ok(channels)
    }

    /// Names the edges that have the media, which clients of live channels may choose from.
    pub fn set_edges(&self, edges: &[Url]) {
        let authority = |url: &Url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        };
        let authorities = edges.iter().filter_map(authority).collect();
        *self.edges.write().unwrap_or_else(PoisonError::into_inner) = authorities;
    }

    /// Returns the authorities of the edges.
    pub fn edges(&self) -> Vec<String> {
        self.edges.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns a receiver that notices each change of the titles.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Returns the version of the titles: another one after each change, and after a restart.
    pub fn version(&self) -> u64 {
        self.opened_ms.wrapping_shl(16).wrapping_add(*self.changes.borrow())
    }

    /// The titles as they were read last. No request waits for the directory.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the directory and the clock once a second, and reads the titles again when one has come or gone, or a window of one
    /// has opened or ended; ends with the last other owner.
    pub async fn watch(catalogue: Weak<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(catalogue) = catalogue.upgrade() else { return };
            if let Err(error) = tokio::task::spawn_blocking(move || catalogue.refresh()).await {
                tracing::error!(%error, "the catalogue could not be read again");
            }
        }
    }

    /// Returns true if the pictures of a title may be shown to a peer that gave `key` in their address.
    pub fn may_see_pictures(&self, title: &str, key: Option<&str>) -> bool {
        let titles = self.now();
        titles.any_title(title).is_ok_and(|entry| {
            entry.is_for_everyone() || key.is_some_and(|key| self.keys.is_key(key, title, entry.version))
        })
    }

    /// The file that a safe path names below the media directory.
    pub fn file(&self, path: &SafePath) -> PathBuf {
        media::media_dir(&self.data).join(path.to_path_buf())
    }

    /// Opens a file of the media tree, in the version that the address names.
    ///
    /// # Errors
    /// Those of [`media::versions::open`].
    pub async fn open_file(&self, address: SafePath) -> io::Result<media::versions::Opened> {
        let data = self.data.clone();
        let opened = tokio::task::spawn_blocking(move || media::versions::open(&data, &address)).await;
        opened.map_err(io::Error::other)?
    }

    /// Returns true if a version of a title is there for the edges.
    ///
    /// # Errors
    /// When the question could not be put to the file system.
    pub async fn has_version(&self, title: &str, version: i64) -> Result<bool, Problem> {
        if self.now().any_title(title).is_ok_and(|entry| entry.version == version) {
            return Ok(true);
        }
        let (data, title) = (self.data.clone(), title.to_owned());
        let there = tokio::task::spawn_blocking(move || media::versions::is_there(&data, &title, version)).await;
        there.map_err(|error| Problem::internal(&error))
    }

    /// Removes replaced versions except those that `needed` holds, by title and version.
    ///
    /// # Errors
    /// When the work could not be begun.
    pub async fn sweep_versions(&self, needed: HashSet<(String, i64)>) -> Result<(), Problem> {
        let data = self.data.clone();
        let sweep = move || media::versions::sweep(&data, |id, version| needed.contains(&(id.to_owned(), version)));
        tokio::task::spawn_blocking(sweep).await.map_err(|error| Problem::internal(&error))
    }

    fn refresh(&self) {
        let before = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        let looks_at_records = looks % LOOKS_PER_RECORDS == LOOKS_PER_RECORDS - 1;
        let directory = changed(&self.data);
        let records = if looks_at_records || directory != before.0 { records_changed(&self.data) } else { before.1 };
        let now = (directory, records);
        if now == before && self.now().holds_at(self.clock.now_ms()) {
            return;
        }
        match self.read() {
            Ok(snapshot) => {
                tracing::info!(titles = snapshot.count(), "the catalogue has changed");
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
                self.changes.send_modify(|count| *count += 1);
            }
            Err(error) => tracing::error!(%error, "the catalogue could not be read again"),
        }
    }
}

/// Time of the last change of the directories of titles and channels: both are renamed into and out of them as wholes.
fn changed(data: &Path) -> Option<SystemTime> {
    let directories = [media::media_dir(data), media::live::record::live_dir(data)];
    let times = directories.iter().map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok());
    times.max().flatten()
}

/// Returns the time of the latest change of a record; `None` if there is none.
fn records_changed(data: &Path) -> Option<SystemTime> {
    let titles = std::fs::read_dir(media::media_dir(data)).ok()?;
    let records = titles.flatten().map(|title| title.path().join("title.json"));
    records.filter_map(|record| std::fs::metadata(record).and_then(|record| record.modified()).ok()).max()
}
