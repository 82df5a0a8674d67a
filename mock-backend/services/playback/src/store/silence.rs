//! Players that fell silent: their viewers count as gone, which is logged once. Their playbacks do not end by it: one that is heard
//! of again goes on.

use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Outcome, Store, query};

use super::log;
use crate::domain::{NEVER_SEEN, millis};
use crate::viewing::Played;

/// Time without a heartbeat after which a viewer counts as gone, milliseconds: fifteen minutes. A player that is paused sends
/// heartbeats.
pub const GONE_AFTER_MS: i64 = 15 * 60_000;

/// Maximum number of playbacks in one transaction.
const BATCH: i64 = 200;

/// Row of a playback: id, account, profile, title, duration, last sign of life.
type SilentRow = (String, String, String, String, i64, i64);

/// Logs the end of what silent players played, and returns the number of playbacks.
///
/// # Errors
/// Of the database.
pub async fn leave(store: &Store, now_ms: i64) -> Result<u64, Problem> {
    let mut left = 0;
    loop {
        let batch = store.write(now_ms, |connection, now_ms| Box::pin(leave_batch(connection, *now_ms))).await?;
        left += batch;
        if batch < BATCH.unsigned_abs() {
            return Ok(left);
        }
    }
}

async fn leave_batch(connection: &mut Connection, now_ms: i64) -> Outcome<u64> {
    let silent: Vec<SilentRow> = query(
        "UPDATE playback_sessions SET left_at = $1 WHERE id IN
             (SELECT id FROM playback_sessions
              WHERE stopped_at IS NULL AND left_at IS NULL AND last_seen_at > $2 AND last_seen_at < $3
              ORDER BY last_seen_at LIMIT $4)
         RETURNING id, account_id, profile_id, title_id, duration_ms, last_seen_at",
    )
    .bind(now_ms)
    .bind(NEVER_SEEN)
    .bind(now_ms.saturating_sub(GONE_AFTER_MS))
    .bind(BATCH)
    .rows(&mut *connection)
    .await?;
    let count = silent.len();
    for row in silent {
        log_end(connection, row, now_ms).await?;
    }
    Ok(count as u64)
}

async fn log_end(connection: &mut Connection, row: SilentRow, now_ms: i64) -> Result<(), Error> {
    let (session, account, profile, title, duration_ms, seen) = row;
    let last = log::latest(connection, (&session, &profile, &title), seen).await?;
    let played = Played { title, playback: session, duration_ms: millis(duration_ms) };
    if let Some(event) = played.left(last) {
        log::log(connection, (Some(&account), &profile), now_ms, event).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{GONE_AFTER_MS, leave};
    use crate::domain::Terms;
    use crate::store::SCHEMA;
    use crate::store::sessions::{self, Beat, Entry, Session};
    use kinora_api::internal::Viewer;
    use kinora_api::{Heartbeat, PlaybackPhase};
    use kinora_store::{Location, Store, query};

    const BEGUN: i64 = 1_000_000;

    struct Scene {
        store: Store,
        who: Viewer,
        terms: Terms,
    }

    impl Scene {
        async fn new() -> Self {
            let store = kinora_store::open(&Location::Memory, &SCHEMA).await.expect("it opens").0;
            let who = Viewer {
                account: "a".to_owned(),
                sign_in: "f".to_owned(),
                places: 2,
                device_name: String::new(),
                profiles: Vec::new(),
                entered: None,
            };
            Self { store, who, terms: Terms { grant_ms: 900_000, heartbeat_ms: 10_000 } }
        }

        async fn begin(&self, id: &str, entry: Entry, now_ms: i64) {
            let session = Session {
                id: id.to_owned(),
                profile: "p".to_owned(),
                title: "t".to_owned(),
                title_name: "T".to_owned(),
                version: 1,
                duration_ms: 3_600_000,
                expires_at: i64::MAX,
                filter: String::new(),
            };
            sessions::begin(&self.store, &self.who, session, (&self.terms, entry), now_ms).await.expect("it begins");
        }

        async fn beat(&self, id: &str, position_ms: u64, phase: PlaybackPhase, now_ms: i64) {
            let (who, terms) = (self.who.clone(), self.terms.clone());
            let heartbeat = Heartbeat { position_ms, phase };
            let beat = Beat { who, session: id.to_owned(), heartbeat, now_ms, ordered_at: now_ms, terms };
            sessions::heartbeat(&self.store, beat).await.expect("it is recorded");
        }

        async fn leave(&self, now_ms: i64) -> u64 {
            leave(&self.store, now_ms).await.expect("it is written")
        }

        /// Names of the logged events in order.
        async fn logged(&self) -> Vec<String> {
            let all: Vec<String> = query("SELECT body FROM logged_events ORDER BY seq")
                .scalars(self.store.reads())
                .await
                .expect("the table reads");
            let name = |body: &String| {
                Some(serde_json::from_str::<serde_json::Value>(body).ok()?["event"].as_str()?.to_owned())
            };
            all.iter().filter_map(name).collect()
        }
    }

    #[tokio::test]
    async fn the_end_of_a_silent_playback_is_logged_once_and_taken_back_by_a_heartbeat() {
        let scene = Scene::new().await;
        scene.begin("s", Entry::Now, BEGUN).await;
        scene.begin("ahead", Entry::Ahead, BEGUN).await;
        let heard = BEGUN + 10_000;
        scene.beat("s", 10_000, PlaybackPhase::Playing, heard).await;
        assert_eq!(scene.leave(heard + GONE_AFTER_MS).await, 0, "the border belongs to those who play");
        assert_eq!(scene.leave(heard + GONE_AFTER_MS + 1).await, 1, "what was granted ahead never began");
        assert_eq!(scene.leave(heard + 9 * GONE_AFTER_MS).await, 0);
        assert_eq!(scene.logged().await, ["play", "watch", "abandon"]);
        // A lid is opened again.
        let awake = heard + 9 * GONE_AFTER_MS;
        scene.beat("s", 20_000, PlaybackPhase::Playing, awake).await;
        assert_eq!(scene.logged().await[3..], ["watch"]);
        assert_eq!(scene.leave(awake + GONE_AFTER_MS).await, 0);
        assert_eq!(scene.leave(awake + GONE_AFTER_MS + 1).await, 1);
        // The end comes late, as from an outbox of the app.
        scene.beat("s", 20_000, PlaybackPhase::Stopped, awake + 3 * GONE_AFTER_MS).await;
        assert_eq!(scene.logged().await[4..], ["abandon"]);
    }

    #[tokio::test]
    async fn a_silent_playback_that_loses_its_place_later_is_not_left_twice() {
        let scene = Scene::new().await;
        for id in ["one", "two"] {
            scene.begin(id, Entry::Now, BEGUN).await;
        }
        let late = BEGUN + GONE_AFTER_MS + 1;
        assert_eq!(scene.leave(late).await, 2);
        scene.begin("three", Entry::Now, late).await;
        assert_eq!(scene.logged().await, ["play", "play", "abandon", "abandon", "play"]);
    }

    #[tokio::test]
    async fn more_silent_playbacks_than_one_transaction_takes_are_all_left() {
        let mut scene = Scene::new().await;
        scene.who.places = 1_000;
        for number in 0..450 {
            scene.begin(&format!("s{number}"), Entry::Now, BEGUN).await;
        }
        assert_eq!(scene.leave(BEGUN + GONE_AFTER_MS + 1).await, 450);
    }
}
