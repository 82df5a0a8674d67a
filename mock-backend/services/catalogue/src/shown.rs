//! Events of screens that were shown and searches that were made, into the log: beside the answer, which does not wait for it.
//!
//! These events are observations: no viewer waits for them and none is acknowledged. While the log does not take them, at most
//! [`WAITING`] wait, and those that come then are dropped, with a warning.

use std::sync::Arc;
use std::time::Duration;

use kinora_api::events::{LoggedEvent, ViewerEvent};
use kinora_api::{Home, ProfileId, RowKind, UnixMillis};
use kinora_eventlog::{Event, EventLog};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Maximum number of events that wait.
const WAITING: usize = 1_024;

/// Maximum number of events that are appended at once.
const BATCH: usize = 200;

/// Time until another try of a log that did not take events.
const RETRY: Duration = Duration::from_secs(2);

/// Titles of a row that count as shown.
const SHOWN: usize = 10;

/// The way of events into the log.
#[derive(Clone, Debug)]
pub(crate) struct Shown(mpsc::Sender<Event>);

impl Shown {
    /// Starts the task that appends, which ends with the last clone of what is returned.
    pub(crate) fn start(log: Arc<dyn EventLog>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(append(log, receiver));
        Self(sender)
    }

    /// Logs the titles that were chosen for a profile and that a home screen shows.
    pub(crate) fn home(&self, profile: &ProfileId, home: &Home, now: UnixMillis) {
        let chosen = |kind: &RowKind| matches!(kind, RowKind::ForYou | RowKind::BecauseWatched { .. });
        for row in home.rows.iter().filter(|row| chosen(&row.kind)) {
            let titles = row.titles.iter().take(SHOWN).map(|card| card.id.clone()).collect();
            self.log(profile, ViewerEvent::Impression { row: row.id.clone(), titles }, now);
        }
    }

    /// Logs a search. One for nothing is none.
    pub(crate) fn search(&self, profile: &ProfileId, query: &str, found: usize, now: UnixMillis) {
        if !query.is_empty() {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            self.log(profile, ViewerEvent::Search { query: query.to_owned(), found }, now);
        }
    }

    fn log(&self, profile: &ProfileId, event: ViewerEvent, at: UnixMillis) {
        let logged = LoggedEvent { account: None, profile: Some(profile.clone()), at, event };
        let Ok(body) = serde_json::to_vec(&logged) else { return };
        let event =
            Event { key: profile.as_str().to_owned(), id: Uuid::now_v7().simple().to_string(), at_ms: at, body };
        if self.0.try_send(event).is_err() {
            tracing::warn!("the log of events does not keep up: what a screen showed is not recorded");
        }
    }
}

async fn append(log: Arc<dyn EventLog>, mut events: mpsc::Receiver<Event>) {
    let mut waiting = Vec::new();
    while events.recv_many(&mut waiting, BATCH).await > 0 {
        // The same identifiers again: an event is taken once.
        while let Err(error) = log.append(waiting.clone()).await {
            if matches!(error, kinora_eventlog::LogError::Refused(_)) {
                tracing::warn!(%error, "what screens showed is not recorded");
                break;
            }
            tracing::debug!(%error, "what screens showed waits for the log");
            tokio::time::sleep(RETRY).await;
            if events.is_closed() {
                return;
            }
        }
        waiting.clear();
    }
}
