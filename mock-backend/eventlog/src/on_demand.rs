//! A log that is opened when it is first used, and again after a failure: another process may have it open until it ends.

use std::path::PathBuf;
use std::sync::Arc;

use kinora_kit::clock::Clock;
use tokio::sync::Mutex;

use super::embedded::{Log, Settings};
use super::{Answer, Event, EventLog, LogError, Place, Record};

/// A log in a folder, opened on demand.
pub struct OnDemand {
    folder: PathBuf,
    settings: Settings,
    clock: Clock,
    open: Mutex<Option<Arc<Log>>>,
}

impl OnDemand {
    /// The log of a folder, which need not be there.
    pub fn new(folder: PathBuf, settings: Settings, clock: Clock) -> Self {
        Self { folder, settings, clock, open: Mutex::default() }
    }

    async fn log(&self) -> Result<Arc<Log>, LogError> {
        let mut open = self.open.lock().await;
        if let Some(log) = open.as_ref() {
            return Ok(Arc::clone(log));
        }
        let (folder, settings, clock) = (self.folder.clone(), self.settings.clone(), self.clock.clone());
        let opened = tokio::task::spawn_blocking(move || Log::open(&folder, settings, clock)).await;
        let log = Arc::new(opened.unwrap_or(Err(LogError::Failed))?);
        *open = Some(Arc::clone(&log));
        Ok(log)
    }

    /// Gives a log up that cannot be written any more; the next use opens it again.
    async fn checked<T>(&self, used: Arc<Log>, result: Result<T, LogError>) -> Result<T, LogError> {
        if matches!(result, Err(LogError::Failed | LogError::File { .. })) {
            let mut open = self.open.lock().await;
            if open.as_ref().is_some_and(|log| Arc::ptr_eq(log, &used)) {
                *open = None;
            }
        }
        result
    }
}

impl EventLog for OnDemand {
    fn partitions(&self) -> u32 {
        self.settings.partitions
    }

    fn append(&self, events: Vec<Event>) -> Answer<'_, Vec<Place>> {
        Box::pin(async move {
            let log = self.log().await?;
            let places = log.append(events).await;
            self.checked(log, places).await
        })
    }

    fn read<'a>(&'a self, group: &'a str, partition: u32, from: Option<u64>, max: usize) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            let log = self.log().await?;
            log.read(group, partition, from, max).await
        })
    }

    fn erase<'a>(&'a self, key: &'a str, before: Place) -> Answer<'a, ()> {
        Box::pin(async move {
            let log = self.log().await?;
            let erased = log.erase(key, before).await;
            self.checked(log, erased).await
        })
    }

    fn ack<'a>(&'a self, group: &'a str, place: Place) -> Answer<'a, ()> {
        Box::pin(async move {
            let log = self.log().await?;
            log.ack(group, place).await
        })
    }
}
