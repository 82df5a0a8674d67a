//! The service of recommendations: it learns from the log of events, and says which titles to show to whom, and why.
//!
//! * [`domain`] — rules, pure; [`store`] — its tables; [`client`] — what other services ask of it;
//! * [`follow`] — from the log into the memory.

#![warn(missing_docs)]

pub mod client;
pub mod domain;
pub mod follow;
pub mod store;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, Weak};
use std::time::Duration;

use kinora_api::internal::{Catalogue, CatalogueFacts, PickedRow};
use kinora_api::{ProfileId, TitleId};
use kinora_eventlog::EventLog;
use kinora_kit::clock::Clock;
use kinora_kit::http::problem::Problem;
use kinora_store::{Location, Store, StoreError};
use tokio::task::JoinHandle;

use domain::audience::Insights;
use domain::memory::Memory;
use domain::parts::Parts;
use domain::rows::{Library, Ranking, Viewer, rows};

/// Time from one lesson of the model to the next, and from one ranking to the next.
const LEARN_EVERY: Duration = Duration::from_millis(500);

/// Time after which the catalogue is asked whether its titles changed.
const LIBRARY_EVERY: Duration = Duration::from_secs(2);

/// Time without events after which rows count as behind, in milliseconds: what breaks for a moment, such as a restart, is not said.
pub const BEHIND_AFTER_MS: i64 = 10_000;

/// Lessons after which it is looked whether other titles have come to be watched more than those of the model.
const LESSONS_PER_LOOK: u32 = 120;

/// Other services that it needs.
pub struct Deps {
    /// Knows the titles.
    pub catalogue: Arc<dyn Catalogue>,
    /// Log of the events of viewers.
    pub log: Arc<dyn EventLog>,
}

/// The recommendations.
pub struct Recommendations {
    store: Store,
    clock: Clock,
    /// Written by the follower and by lessons.
    memory: RwLock<Memory>,
    library: RwLock<Arc<Library>>,
    ranking: RwLock<Arc<Ranking>>,
    /// The ranking is older than the memory.
    is_stale: AtomicBool,
    /// Time since which events cannot be read, by the clock; 0 while they can.
    unread_since: AtomicI64,
}

impl Recommendations {
    /// Opens the store, and reads what is remembered. The writer ends when the last user of the store is gone.
    ///
    /// # Errors
    /// When the store cannot be opened, or not be read.
    pub async fn open(clock: Clock, location: &Location) -> Result<(Arc<Self>, JoinHandle<()>), StoreError> {
        let (store, writer) = kinora_store::open(location, &store::SCHEMA).await?;
        let recommendations = Self {
            store,
            clock,
            memory: RwLock::default(),
            library: RwLock::default(),
            ranking: RwLock::default(),
            is_stale: AtomicBool::new(true),
            unread_since: AtomicI64::new(0),
        };
        Ok((Arc::new(recommendations), writer))
    }

    /// The store, to be asked whether it can write.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the rows of a profile; `limit` is the age up to which titles are shown. Costs a few milliseconds at most.
    pub fn rows(&self, profile: &ProfileId, limit: Option<u8>) -> Vec<PickedRow> {
        let library = Arc::clone(&self.library.read().unwrap_or_else(PoisonError::into_inner));
        let ranking = Arc::clone(&self.ranking.read().unwrap_or_else(PoisonError::into_inner));
        let viewer = Viewer { profile, limit, now: self.clock.now_ms() };
        rows(&self.memory.read().unwrap_or_else(PoisonError::into_inner), &library, &ranking, &viewer)
    }

    /// Returns how a whole title is watched; `None` if it never was.
    pub fn insights(&self, title: &TitleId) -> Option<Insights> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.audience(title).map(domain::audience::Audience::insights)
    }

    /// Returns true if events could not be read for [`BEHIND_AFTER_MS`].
    pub fn is_behind(&self) -> bool {
        let since = self.unread_since.load(Ordering::Relaxed);
        since > 0 && self.clock.now_ms().saturating_sub(since) >= BEHIND_AFTER_MS
    }

    /// Notes whether events can be read.
    fn note_reading(&self, can_read: bool) {
        if can_read {
            self.unread_since.store(0, Ordering::Relaxed);
        } else {
            let now = self.clock.now_ms().max(1);
            // The first failure of a row counts.
            let _ = self.unread_since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Returns a digest of everything that events have led to.
    pub fn digest(&self) -> String {
        self.memory.read().unwrap_or_else(PoisonError::into_inner).digest()
    }

    /// Replaces what is remembered by what the store has, and returns the offset of the next event of each partition.
    async fn reload(&self) -> Result<BTreeMap<u32, u64>, Problem> {
        let reads = self.store.reads();
        let (interests, progress) = (store::interests(reads).await?, store::progress(reads).await?);
        let parts = self.memory.read().unwrap_or_else(PoisonError::into_inner).parts().clone();
        let memory = tokio::task::spawn_blocking(move || Memory::restore(parts, interests)).await;
        self.memory_mut().replace_with(memory.map_err(|error| Problem::internal(&error))?);
        self.is_changed();
        Ok(progress.into_iter().collect())
    }

    fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_changed(&self) {
        self.is_stale.store(true, Ordering::Release);
    }

    /// Puts what changed into the model, away from whoever asks, and ranks the titles anew.
    async fn learn(self: &Arc<Self>, looks: bool) {
        let this = Arc::clone(self);
        let learned = tokio::task::spawn_blocking(move || {
            if this.is_stale.swap(false, Ordering::AcqRel) {
                let ranking = {
                    let memory = this.memory.read().unwrap_or_else(PoisonError::into_inner);
                    Ranking::new(&memory, this.clock.now_ms())
                };
                *this.ranking.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ranking);
            }
            loop {
                let Some(lesson) = this.memory_mut().lesson() else { break };
                let learned = lesson.learn();
                this.memory_mut().take_learned(learned);
            }
            let outgrown = || {
                let memory = this.memory.read().unwrap_or_else(PoisonError::into_inner);
                memory.is_outgrown().then(|| memory.training())
            };
            // The memory is not held meanwhile: rows are made, and events are taken.
            if let Some(training) = looks.then(outgrown).flatten() {
                let trained = training.train();
                this.memory_mut().take_trained(trained);
            }
        });
        if let Err(error) = learned.await {
            tracing::error!(%error, "the model could not learn");
        }
    }

    async fn read_library(self: &Arc<Self>, catalogue: &dyn Catalogue, known: &mut Option<u64>) {
        match catalogue.facts(*known).await {
            Ok(Some(CatalogueFacts { version, titles })) => {
                *known = Some(version);
                let this = Arc::clone(self);
                let read = tokio::task::spawn_blocking(move || {
                    this.memory_mut().set_parts(Parts::of(&titles));
                    *this.library.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Library::new(titles));
                    this.is_changed();
                });
                if let Err(error) = read.await {
                    tracing::error!(%error, "the titles of the catalogue could not be taken over");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "the catalogue could not be asked for its titles"),
        }
    }
}

/// Starts what the service does by itself, which ends with the recommendations.
pub fn start(recommendations: &Arc<Recommendations>, deps: Deps) {
    tokio::spawn(follow::run(Arc::downgrade(recommendations), deps.log));
    tokio::spawn(keep_learning(Arc::downgrade(recommendations)));
    tokio::spawn(keep_library(Arc::downgrade(recommendations), deps.catalogue));
}

async fn keep_learning(recommendations: Weak<Recommendations>) {
    for lesson in 0_u32.. {
        tokio::time::sleep(LEARN_EVERY).await;
        let Some(recommendations) = recommendations.upgrade() else { return };
        recommendations.learn(lesson % LESSONS_PER_LOOK == 0).await;
    }
}

async fn keep_library(recommendations: Weak<Recommendations>, catalogue: Arc<dyn Catalogue>) {
    let mut known = None;
    while let Some(recommendations) = recommendations.upgrade() {
        recommendations.read_library(catalogue.as_ref(), &mut known).await;
        drop(recommendations);
        tokio::time::sleep(LIBRARY_EVERY).await;
    }
}
