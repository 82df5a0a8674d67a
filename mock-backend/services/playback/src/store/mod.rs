//! The tables of playback, and every statement over them.
//!
//! * [`sessions`] — playbacks; [`now`] — those that run; [`my_list`] — titles that profiles keep; [`ratings`] — opinions; [`positions`] — where profiles left off; [`silence`] — players that fell silent; [`revocation`] — what edges have to refuse.

mod log;
pub mod my_list;
pub mod now;
pub mod positions;
pub mod ratings;
pub mod revocation;
pub mod sessions;
pub mod silence;

use kinora_store::expired;
use kinora_store::pruning::Rule;
use kinora_store::{Migration, Schema};

/// Tables of the service.
pub const SCHEMA: Schema = Schema {
    name: "playback",
    is_first: false,
    tables: &[
        "playback_sessions",
        "playback_events",
        "positions",
        "revoked_sessions",
        "ended_sign_ins",
        "my_list",
        "ratings",
    ],
    migrations: &[
        Migration { version: 1, name: "playback", sql: include_str!("../../migrations/0001_playback.sql") },
        Migration { version: 2, name: "lists_handoff", sql: include_str!("../../migrations/0002_lists_handoff.sql") },
        Migration { version: 3, name: "filters", sql: include_str!("../../migrations/0003_filters.sql") },
        Migration { version: 4, name: "ratings", sql: include_str!("../../migrations/0004_ratings.sql") },
        Migration { version: 5, name: "silence", sql: include_str!("../../migrations/0005_silence.sql") },
    ],
};

const DAY_MS: i64 = 86_400_000;

/// Rows that are deleted, and when.
pub const RULES: [Rule; 4] = [
    Rule { keep_ms: 30 * DAY_MS, delete: expired!("playback_events", "id", "at") },
    Rule { keep_ms: 30 * DAY_MS, delete: expired!("playback_sessions", "id", "expires_at") },
    Rule { keep_ms: DAY_MS, delete: expired!("revoked_sessions", "seq", "until") },
    // Access tokens of a sign-in last for minutes.
    Rule { keep_ms: 7 * DAY_MS, delete: expired!("ended_sign_ins", "family_id", "at") },
];

#[cfg(test)]
mod tests {
    use super::{DAY_MS, RULES, SCHEMA, revocation, sessions};
    use crate::domain::Terms;
    use kinora_api::ErrorCode;
    use kinora_api::internal::{ProfilesDeleted, SignInChange, Viewer};
    use kinora_store::pruning::prune;
    use kinora_store::{Location, Store, query};

    async fn names(store: &Store, sql: &'static str) -> Vec<String> {
        query(sql).scalars(store.reads()).await.expect("the table reads")
    }

    async fn open() -> Store {
        kinora_store::open(&Location::Memory, &SCHEMA).await.expect("it opens").0
    }

    #[tokio::test]
    async fn what_is_of_no_use_goes_and_the_rest_stays() {
        let store = open().await;
        let seed = store.write((), |connection, ()| {
            Box::pin(async move {
                for sql in [
                    "INSERT INTO playback_sessions (id, account_id, profile_id, title_id, title_version, duration_ms, started_at,
                     expires_at, last_seen_at) VALUES ('s1', 'a', 'p', 't', 0, 1, 0, 1, 1),
                     ('s2', 'a', 'p', 't', 0, 1, 0, 25 * 86400000, 1)",
                    "INSERT INTO playback_events VALUES ('e1', 's1', 0, 'playing', 1), ('e2', 's2', 0, 'playing', 1),
                     ('e3', 's2', 10 * 86400000, 'playing', 1)",
                    "INSERT INTO revoked_sessions VALUES (1, 's1', 1), (2, 's2', 39 * 86400000)",
                    "INSERT INTO ended_sign_ins VALUES ('f1', 1), ('f2', 35 * 86400000)",
                ] {
                    query(sql).execute(&mut *connection).await?;
                }
                Ok(())
            })
        });
        seed.await.expect("the rows are written");
        assert_eq!(
            prune(&store, &RULES, DAY_MS).await.expect("pruned"),
            0,
            "a clock that is a day ahead deletes nothing"
        );
        assert_eq!(prune(&store, &RULES, 39 * DAY_MS).await.expect("pruned"), 5);
        assert_eq!(names(&store, "SELECT id FROM playback_sessions").await, ["s2"]);
        assert_eq!(names(&store, "SELECT id FROM playback_events").await, ["e3"]);
        assert_eq!(names(&store, "SELECT session_id FROM revoked_sessions").await, ["s2"]);
        assert_eq!(names(&store, "SELECT family_id FROM ended_sign_ins").await, ["f2"]);
        assert_eq!(prune(&store, &RULES, 39 * DAY_MS).await.expect("pruned"), 0);
    }

    fn viewer(sign_in: &str) -> Viewer {
        Viewer {
            account: "a".to_owned(),
            sign_in: sign_in.to_owned(),
            places: 9,
            device_name: String::new(),
            profiles: Vec::new(),
            entered: None,
        }
    }

    async fn begin(store: &Store, sign_in: &str, id: &str) -> Option<ErrorCode> {
        let session = sessions::Session {
            id: id.to_owned(),
            profile: "p".to_owned(),
            title: "t".to_owned(),
            title_name: "T".to_owned(),
            version: 1,
            duration_ms: 1,
            expires_at: 900,
            filter: String::new(),
        };
        let terms = Terms { grant_ms: 900, heartbeat_ms: 10 };
        let begun = sessions::begin(store, &viewer(sign_in), session, (&terms, sessions::Entry::Now), 5).await;
        begun.err().and_then(|problem| problem.error().kind())
    }

    async fn tell(store: &Store, change: SignInChange) {
        // Twice, as an outbox may.
        for _ in 0..2 {
            let told = store.write(change.clone(), |connection, change| {
                Box::pin(async move { Ok(revocation::sign_in_changed(connection, change).await?) })
            });
            told.await.expect("it is written");
        }
    }

    #[tokio::test]
    async fn a_deleted_profile_takes_its_positions_list_and_playbacks_along() {
        let store = open().await;
        let seed = store.write((), |connection, ()| {
            Box::pin(async move {
                for sql in [
                    "INSERT INTO positions (profile_id, title_id, position_ms, duration_ms, finished, recorded_at, ordered_at)
                     VALUES ('p', 't', 1, 2, 0, 0, 0), ('q', 't', 1, 2, 0, 0, 0)",
                    "INSERT INTO my_list (profile_id, title_id, added_at, ordered_at) VALUES ('p', 't', 0, 0), ('q', 't', 0, 0)",
                ] {
                    query(sql).execute(&mut *connection).await?;
                }
                Ok(())
            })
        });
        seed.await.expect("the rows are written");
        assert_eq!(begin(&store, "f1", "s1").await, None);
        let deleted = ProfilesDeleted { profiles: vec!["p".into()], erased: false, at: 7 };
        // Twice, as an outbox may.
        for _ in 0..2 {
            let written = store.write(deleted.clone(), |connection, deleted| {
                Box::pin(async move { Ok(revocation::profiles_deleted(connection, deleted).await?) })
            });
            written.await.expect("it is written");
            assert_eq!(names(&store, "SELECT profile_id FROM positions").await, ["q"]);
            assert_eq!(names(&store, "SELECT profile_id FROM my_list").await, ["q"]);
            assert!(names(&store, "SELECT id FROM playback_sessions WHERE stopped_at IS NULL").await.is_empty());
            assert_eq!(names(&store, "SELECT id FROM playback_sessions").await, ["s1"]);
        }
        let erased = ProfilesDeleted { erased: true, ..deleted };
        let written = store.write(erased, |connection, deleted| {
            Box::pin(async move { Ok(revocation::profiles_deleted(connection, deleted).await?) })
        });
        written.await.expect("it is written");
        assert!(names(&store, "SELECT id FROM playback_sessions").await.is_empty());
    }

    #[tokio::test]
    async fn a_grant_that_comes_after_the_end_of_its_sign_in_is_refused() {
        let store = open().await;
        assert_eq!(begin(&store, "f1", "s1").await, None);
        tell(&store, SignInChange::Replaced { sign_ins: vec!["f1".to_owned()], by: "f2".to_owned(), at: 6 }).await;
        assert_eq!(begin(&store, "f1", "s2").await, Some(ErrorCode::SignInRevoked));
        assert_eq!(names(&store, "SELECT family_id FROM playback_sessions WHERE stopped_at IS NULL").await, ["f2"]);
        tell(&store, SignInChange::Revoked { sign_in: "f2".to_owned(), at: 7 }).await;
        assert_eq!(begin(&store, "f2", "s3").await, Some(ErrorCode::SignInRevoked));
        assert_eq!(names(&store, "SELECT end_reason FROM playback_sessions").await, ["signed_out"]);
        let page = revocation::list(store.reads(), 0).await.expect("it reads");
        assert_eq!((page.revoked.len(), page.next), (1, 1), "once on the list, though it was told twice");
    }
}
