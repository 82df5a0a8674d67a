//! Notices that the service has gone away while the interface asks for nothing.
//!
//! The interface's own retries notice that it is back; this only starts them. Nothing wakes the interface while all is
//! well, so an idle app stays idle.

use std::sync::Arc;
use std::time::Duration;

use kinora_api::paths;
use tokio::time::MissedTickBehavior;

use super::service::Answers;
use super::session::Session;
use super::{Client, Reply};

/// Pause between two looks: a refused connection is said within 4 s.
const EVERY: Duration = Duration::from_secs(3);
/// Maximum bytes of an answer.
const MAX_ANSWER: usize = 4096;

/// Looks for the service for ever; the caller ends it by dropping it. Asks nothing while there is no session.
pub async fn watch(client: Client, session: Arc<Session>, answers: Answers) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_there = true;
    loop {
        interval.tick().await;
        if !session.is_open().await {
            was_there = true;
            continue;
        }
        let outcome = client.file(paths::HEALTH, MAX_ANSWER).await;
        // Another answer than 200 may be that of a proxy that does not know the path: something is there.
        let is_there = !outcome.is_err_and(|failure| failure.is_unreachable());
        if was_there && !is_there {
            answers.send(Reply::Unreachable).await;
        }
        was_there = is_there;
    }
}
