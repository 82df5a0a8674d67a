//! From the stores into the event log (`docs/adr/0029-event-log.md`): what services wrote with their changes is appended to the log
//! and forgotten then. An event that is appended twice, because the process ended in between, is taken once by its identifier.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kinora_eventlog::embedded::Settings;
use kinora_eventlog::on_demand::OnDemand;
use kinora_eventlog::remote::Remote;
use kinora_eventlog::{Event, EventLog, LogError};
use kinora_jetstream::JetStream;
use kinora_kit::clock::Clock;
use kinora_kit::http::problem::Problem;
use kinora_store::Store;
use kinora_store::events::{self, WaitingEvent};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::BackendError;
use super::members::{Member, Peers};

/// Time between two looks at a store.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Time between two tries of a log that did not take events.
const RETRY_EVERY: Duration = Duration::from_secs(2);
/// Maximum time that the end of a process waits for the log. What is not appended then is appended by the next process.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Folder of the log in a data directory.
pub fn folder(data: &Path) -> std::path::PathBuf {
    data.join("events")
}

/// Log of the processes of a data directory: the process of playback has it, others ask that one.
pub(crate) struct Logs {
    /// The log, if this process has it.
    pub(crate) own: Option<Arc<dyn EventLog>>,
    /// The log that this process appends to.
    pub(crate) used: Arc<dyn EventLog>,
}

impl Logs {
    /// The log of a process in which playback runs or does not.
    pub(crate) fn new(data: &Path, has_playback: bool, peers: &Peers, clock: &Clock) -> Result<Self, reqwest::Error> {
        let open = || Arc::new(OnDemand::new(folder(data), Settings::default(), clock.clone()));
        let own = has_playback.then(|| open() as Arc<dyn EventLog>);
        let used = match &own {
            Some(own) => Arc::clone(own),
            None => Arc::new(Remote::new(peers.caller(Member::Playback)?)),
        };
        Ok(Self { own, used })
    }

    /// The log on JetStream, which every process asks by itself.
    pub(crate) async fn on_jetstream(url: &str) -> Result<Self, BackendError> {
        match JetStream::connect(url).await {
            Ok(log) => Ok(Self { own: None, used: Arc::new(log) }),
            Err(source) => Err(BackendError::Events { url: url.to_owned(), source }),
        }
    }
}

/// Reason why events were not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The store.
    #[error("the store: {}", .0.error())]
    Store(Problem),
    /// The log.
    #[error("the log: {0}")]
    Log(#[from] LogError),
}

/// Appends the events that wait in a store to the log, and forgets them.
///
/// # Errors
/// When the log or the store does not take them; they stay.
pub async fn move_all(store: &Store, log: &dyn EventLog) -> Result<(), MoveError> {
    loop {
        let waiting = events::waiting(store).await.map_err(MoveError::Store)?;
        let Some(last) = waiting.last().map(|event| event.seq) else { return Ok(()) };
        let places = log.append(waiting.iter().map(event).collect()).await?;
        for (event, place) in waiting.iter().zip(places).filter(|(event, _)| event.erases) {
            log.erase(&event.subject, place).await?;
        }
        events::forget(store, last).await.map_err(MoveError::Store)?;
    }
}

fn event(waiting: &WaitingEvent) -> Event {
    let WaitingEvent { id, subject, at, body, .. } = waiting.clone();
    Event { key: subject, id, at_ms: at, body: body.into_bytes() }
}

/// Moves events of stores into the log until it is told to end, and once more then; ends at once when nobody can tell it any more.
pub(crate) fn keep_moving(stores: Vec<Store>, log: Arc<dyn EventLog>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (end, mut ended) = oneshot::channel();
    let task = tokio::spawn(async move {
        let mut is_failing = false;
        loop {
            let moved = move_each(&stores, log.as_ref()).await;
            if let Err(error) = &moved
                && !is_failing
            {
                tracing::warn!(%error, "events wait for the log; it is tried again");
            }
            is_failing = moved.is_err();
            let pause = if is_failing { RETRY_EVERY } else { LOOK_EVERY };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                told = &mut ended => {
                    if told.is_ok() {
                        let _ = tokio::time::timeout(LAST_LOOK, move_each(&stores, log.as_ref())).await;
                    }
                    return;
                }
            }
        }
    });
    (end, task)
}

async fn move_each(stores: &[Store], log: &dyn EventLog) -> Result<(), MoveError> {
    for store in stores {
        move_all(store, log).await?;
    }
    Ok(())
}
