//! Reads the log of events and learns from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kinora_api::events::LoggedEvent;
use kinora_api::{ProfileId, TitleId};
use kinora_eventlog::{EventLog, Place, Record};
use kinora_kit::http::problem::Problem;
use kinora_store::Store;

use crate::Recommendations;
use crate::domain::memory::{Changed, Memory};
use crate::store::{self, Batch};

/// Name of the group of readers.
pub const GROUP: &str = "recommendations";

/// Events in one transaction.
const BATCH: usize = 500;

/// Time until the log is looked at again when it had nothing new.
const IDLE: Duration = Duration::from_millis(250);

/// Time until another try after a failure.
const RETRY: Duration = Duration::from_secs(2);

/// Reads the log until the recommendations are gone. After a failure it begins again with what the store has.
pub(crate) async fn run(recommendations: Weak<Recommendations>, log: Arc<dyn EventLog>) {
    let mut progress: Option<BTreeMap<u32, u64>> = None;
    loop {
        let Some(recommendations) = recommendations.upgrade() else { return };
        let stepped = step(&recommendations, log.as_ref(), &mut progress).await;
        recommendations.note_reading(stepped.is_ok());
        let pause = match stepped {
            Ok(true) => None,
            Ok(false) => Some(IDLE),
            Err(error) => {
                tracing::warn!(%error, "the log of events could not be followed");
                progress = None;
                Some(RETRY)
            }
        };
        drop(recommendations);
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
}

/// Reason why a step failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Log(#[from] kinora_eventlog::LogError),
    #[error("{}", .0.error())]
    Store(Problem),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Store(problem)
    }
}

/// Takes the next events of each partition. Returns true if there were any.
async fn step(
    recommendations: &Recommendations,
    log: &dyn EventLog,
    progress: &mut Option<BTreeMap<u32, u64>>,
) -> Result<bool, Failure> {
    let places = match progress {
        Some(places) => places,
        None => progress.insert(recommendations.reload().await?),
    };
    let mut any = false;
    for partition in 0..log.partitions() {
        let from = places.get(&partition).copied().unwrap_or(0);
        let records = log.read(GROUP, partition, Some(from), BATCH).await?;
        let Some(last) = records.last().map(|record| record.offset) else { continue };
        any = true;
        let batch = take(&mut recommendations.memory_mut(), &records, partition, last + 1);
        let forgets = !batch.forgotten.is_empty();
        store::write(&recommendations.store, batch).await?;
        if forgets {
            scrub(recommendations.store.clone());
        }
        places.insert(partition, last + 1);
        recommendations.is_changed();
        log.ack(GROUP, Place { partition, offset: last }).await?;
    }
    Ok(any)
}

/// Writes the file of the store anew without what was forgotten, while events are followed.
fn scrub(store: Store) {
    tokio::spawn(async move {
        if let Err(error) = store.scrub().await {
            tracing::error!(%error, "what was forgotten may still be in the file of the recommendations");
        }
    });
}

/// Takes events into the memory, and returns what has to be written for it.
fn take(memory: &mut Memory, records: &[Record], partition: u32, next: u64) -> Batch {
    let mut changed: BTreeSet<(ProfileId, TitleId)> = BTreeSet::new();
    let mut forgotten: BTreeSet<ProfileId> = BTreeSet::new();
    for record in records {
        // An event that was erased has no content.
        if record.event.body.is_empty() {
            continue;
        }
        let event: LoggedEvent = match serde_json::from_slice(&record.event.body) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, partition, offset = record.offset, "an event cannot be read, and is passed over");
                continue;
            }
        };
        match memory.take(&event) {
            Changed::Nothing => {}
            Changed::Interest(profile, title) => drop(changed.insert((profile, title))),
            Changed::Forgotten(profile) => {
                changed.retain(|(of, _)| *of != profile);
                forgotten.insert(profile);
            }
        }
    }
    let interests = changed.into_iter().filter_map(|(profile, title)| {
        let interest = memory.recorded(&profile, &title)?.clone();
        Some((profile, title, interest))
    });
    Batch { interests: interests.collect(), forgotten: forgotten.into_iter().collect(), partition, next }
}
