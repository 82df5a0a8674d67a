//! The catalogue in memory: what the packager wrote, as the wire types want it. Re-read when the media directory changes.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use kinora_api::{
    AgeRating, ErrorCode, Image, Language, Profile, Protocol, ResumePosition, ThumbnailIndex, TitleCard, TitleDetail,
};
use tokio::sync::watch;

use super::pictures::PictureKeys;
use super::search::Index;
use super::shelves::{Shelf, Shelves};
use kinora_kit::http::path::SafePath;
use kinora_kit::http::problem::Problem;
use kinora_media::{self as media, IngestError, TitleRecord};

/// How often the media directory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Titles recommended on a title page.
const SIMILAR: usize = 8;

/// One title.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id, which is also its directory.
    pub id: String,
    /// Manifests relative to its directory, the preferred first.
    pub manifests: Vec<(Protocol, String)>,
    /// When it was added, milliseconds since the Unix epoch; also the number of its version.
    pub added_at: i64,
    card: TitleCard,
    description: String,
    audio: Vec<Language>,
    subtitles: Vec<Language>,
    max_height: Option<u32>,
    thumbnails: Option<ThumbnailIndex>,
}

impl Entry {
    /// What the poster wall shows, with the profile's position. A finished title has none.
    pub fn card(&self, resume: Option<&ResumePosition>) -> TitleCard {
        let resume = resume.filter(|resume| !resume.finished && resume.position_ms > 0).cloned();
        TitleCard { resume, ..self.card.clone() }
    }

    /// Its length.
    pub fn duration_ms(&self) -> u64 {
        self.card.duration_ms
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.card.name
    }

    /// The age from which it is suitable; `None` when it has no rating.
    pub fn min_age(&self) -> Option<u8> {
        self.card.rating.as_ref().map(|rating| rating.min_age)
    }

    /// Its genres.
    pub fn genres(&self) -> &[String] {
        &self.card.genres
    }

    /// Whether a profile may see it.
    pub fn suits(&self, profile: &Profile) -> bool {
        match (profile.max_age, &self.card.rating) {
            (None, _) => true,
            (Some(limit), Some(rating)) => rating.min_age <= limit,
            // What nobody rated is not shown to children.
            (Some(_), None) => false,
        }
    }

    fn from_record(record: TitleRecord, keys: &PictureKeys) -> Self {
        let version = record.version();
        let rating = Some(AgeRating { label: "ALL".to_owned(), min_age: 0 }).filter(|_| record.demo_revision > 0);
        let key = if is_for_everyone(rating.as_ref()) { String::new() } else { keys.key(&record.id, version) + "/" };
        let image = |file: &str| format!("/v1/images/{key}{}/{file}?v={version}", record.id);
        let language = |tag: &str, label: &str| Language { tag: tag.to_owned(), label: label.to_owned() };
        let best = record.rungs.iter().max_by_key(|rung| rung.height);
        let synopsis = record.description.split("\n\n").next().unwrap_or_default().to_owned();
        Self {
            manifests: vec![(Protocol::Hls, record.files.hls.clone()), (Protocol::Dash, record.files.dash.clone())],
            added_at: version,
            card: TitleCard {
                id: record.id.as_str().into(),
                name: record.title.clone(),
                poster: Image { path: image(&record.files.poster), width: 0, height: 0 },
                duration_ms: record.duration_ms,
                year: record.year,
                rating,
                genres: record.genres.clone(),
                synopsis,
                resume: None,
            },
            audio: record.audio.iter().map(|audio| language(&audio.language, &audio.label)).collect(),
            subtitles: record.text.iter().map(|text| language(&text.language, &text.label)).collect(),
            max_height: best.map(|rung| rung.height),
            thumbnails: Some(ThumbnailIndex { path: image("thumbs/thumbs.vtt") }),
            description: record.description,
            id: record.id,
        }
    }
}

/// Returns true if a title of this rating suits everyone. A title without a rating does not.
fn is_for_everyone(rating: Option<&AgeRating>) -> bool {
    rating.is_some_and(|rating| rating.min_age == 0)
}

/// The titles at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    titles: BTreeMap<String, Arc<Entry>>,
    index: Index,
    shelves: Shelves,
}

impl Snapshot {
    fn of(records: Vec<TitleRecord>, keys: &PictureKeys) -> Self {
        let titles: BTreeMap<String, Arc<Entry>> = records
            .into_iter()
            .map(|record| Entry::from_record(record, keys))
            .map(|entry| (entry.id.clone(), Arc::new(entry)))
            .collect();
        let mut index = Index::default();
        for entry in titles.values() {
            let languages = entry.audio.iter().chain(&entry.subtitles).map(|language| language.label.as_str());
            let minor: Vec<&str> = std::iter::once(entry.description.as_str()).chain(languages).collect();
            let year = entry.card.year.map(|year| year.to_string()).unwrap_or_default();
            let major: Vec<&str> = entry.card.genres.iter().map(String::as_str).chain([year.as_str()]).collect();
            index.add(&entry.id, &entry.card.name, &major, &minor);
        }
        let shelves = Shelves::of(titles.values());
        Self { titles, index, shelves }
    }

    /// The titles that a profile may see, in the orders of the screens.
    pub fn shelf(&self, profile: &Profile) -> &Arc<Shelf> {
        self.shelves.for_profile(profile)
    }

    /// The titles of positions that a profile may see, in the order of the positions.
    pub fn begun(&self, positions: &[ResumePosition], profile: &Profile) -> Vec<Arc<Entry>> {
        let titles = positions.iter().filter_map(|position| self.titles.get(position.title_id.as_str()));
        titles.filter(|entry| entry.suits(profile)).cloned().collect()
    }

    /// How many titles there are.
    pub fn count(&self) -> usize {
        self.titles.len()
    }

    /// A title that a profile wants to see.
    ///
    /// # Errors
    /// 7008 when there is none, 7007 when the profile may not.
    pub fn title(&self, id: &str, profile: &Profile) -> Result<Arc<Entry>, Problem> {
        let entry =
            self.titles.get(id).ok_or_else(|| Problem::new(ErrorCode::TitleNotFound, "there is no such title"))?;
        if !entry.suits(profile) {
            return Err(Problem::new(ErrorCode::ParentalRestriction, "the profile may not see titles of this rating"));
        }
        Ok(Arc::clone(entry))
    }

    /// Everything for a title page.
    pub fn detail(&self, entry: &Entry, profile: &Profile, resume: Option<&ResumePosition>) -> TitleDetail {
        let similar = self.shelf(profile).similar(entry, SIMILAR);
        TitleDetail {
            card: entry.card(resume),
            description: entry.description.clone(),
            audio_languages: entry.audio.clone(),
            subtitle_languages: entry.subtitles.clone(),
            max_height: entry.max_height,
            protocols: entry.manifests.iter().map(|&(protocol, _)| protocol).collect(),
            thumbnails: entry.thumbnails.clone(),
            similar: similar.iter().map(|other| other.card(None)).collect(),
        }
    }

    /// What matches a query, the best first.
    pub fn search(&self, query: &str, profile: &Profile, limit: usize) -> Vec<Arc<Entry>> {
        let found = self.index.search(query);
        let titles = found.into_iter().filter_map(|id| self.titles.get(&id));
        titles.filter(|entry| entry.suits(profile)).take(limit).cloned().collect()
    }
}

/// The catalogue of a data directory.
#[derive(Debug)]
pub struct Catalogue {
    data: PathBuf,
    keys: PictureKeys,
    current: RwLock<Arc<Snapshot>>,
    /// Time of the directory's latest change as it was read.
    seen: Mutex<Option<SystemTime>>,
    /// Number of times that the titles were read again.
    changes: watch::Sender<u64>,
}

impl Catalogue {
    /// Reads the catalogue of `data`.
    ///
    /// # Errors
    /// When the media directory is there and cannot be listed.
    pub fn open(data: &Path, keys: PictureKeys) -> Result<Self, IngestError> {
        let changed = changed(data);
        let snapshot = Snapshot::of(media::titles(data)?, &keys);
        let (current, seen) = (RwLock::new(Arc::new(snapshot)), Mutex::new(changed));
        Ok(Self { data: data.to_owned(), keys, current, seen, changes: watch::Sender::new(0) })
    }

    /// Returns a receiver that notices each change of the titles.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The titles as they were read last. No request waits for the directory.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the directory once a second and reads it again when a title has come or gone; ends with the last other owner.
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
        titles.titles.get(title).is_some_and(|entry| {
            is_for_everyone(entry.card.rating.as_ref())
                || key.is_some_and(|key| self.keys.is_key(key, title, entry.added_at))
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
        if self.now().titles.get(title).is_some_and(|entry| entry.added_at == version) {
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
        let now = changed(&self.data);
        if *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == now {
            return;
        }
        match media::titles(&self.data) {
            Ok(records) => {
                let snapshot = Arc::new(Snapshot::of(records, &self.keys));
                tracing::info!(titles = snapshot.count(), "the catalogue has changed");
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
                self.changes.send_modify(|count| *count += 1);
            }
            Err(error) => tracing::error!(%error, "the catalogue could not be read again"),
        }
    }
}

/// When the media directory changed last: titles are renamed into and out of it as wholes.
fn changed(data: &Path) -> Option<SystemTime> {
    std::fs::metadata(media::media_dir(data)).and_then(|metadata| metadata.modified()).ok()
}
