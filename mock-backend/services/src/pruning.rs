//! Pruning: rows that nothing refers to any more are deleted, a few at a time, so that no table only grows.

use std::sync::Weak;
use std::time::Duration;

use super::Backend;
use super::database::Store;
use kinora_kit::http::problem::Problem;

/// Time from one pruning to the next.
const EVERY: Duration = Duration::from_secs(3600);
/// Maximum number of rows in one transaction: the writer has others to serve.
const BATCH: i64 = 500;

const DAY_MS: i64 = 86_400_000;

/// A table's rule: how long a row is of use, and the statement that deletes up to `$2` rows that ceased to be before `$1`.
struct Rule {
    keep_ms: i64,
    delete: &'static str,
}

/// What is kept for how long. Each is at least a day, so that a wall clock that is a day ahead deletes nothing of use.
const RULES: [Rule; 7] = [
    // Used tokens stay until they would have expired: their second use is how a theft is noticed.
    Rule {
        keep_ms: 7 * DAY_MS,
        delete: "DELETE FROM refresh_tokens WHERE digest IN
                 (SELECT digest FROM refresh_tokens WHERE expires_at < $1 LIMIT $2)",
    },
    // The latest sign-in of a device stays: by it the device is known.
    Rule {
        keep_ms: 7 * DAY_MS,
        delete: "DELETE FROM token_families WHERE id IN
                 (SELECT f.id FROM token_families f WHERE f.revoked_at < $1 AND EXISTS
                  (SELECT 1 FROM token_families g WHERE g.account_id = f.account_id AND g.device_id = f.device_id
                   AND g.id > f.id) LIMIT $2)",
    },
    Rule {
        keep_ms: 180 * DAY_MS,
        delete: "DELETE FROM token_families WHERE id IN
                 (SELECT f.id FROM token_families f WHERE f.created_at < $1 AND NOT EXISTS
                  (SELECT 1 FROM refresh_tokens t WHERE t.family_id = f.id) LIMIT $2)",
    },
    Rule {
        keep_ms: 30 * DAY_MS,
        delete: "DELETE FROM playback_events WHERE rowid IN (SELECT rowid FROM playback_events WHERE at < $1 LIMIT $2)",
    },
    Rule {
        keep_ms: 30 * DAY_MS,
        delete: "DELETE FROM playback_sessions WHERE id IN
                 (SELECT id FROM playback_sessions WHERE expires_at < $1 LIMIT $2)",
    },
    Rule {
        keep_ms: DAY_MS,
        delete: "DELETE FROM revoked_sessions WHERE seq IN
                 (SELECT seq FROM revoked_sessions WHERE until < $1 LIMIT $2)",
    },
    Rule {
        keep_ms: DAY_MS,
        delete: "DELETE FROM sign_in_attempts WHERE subject IN
                 (SELECT subject FROM sign_in_attempts WHERE last_at < $1 LIMIT $2)",
    },
];

/// Prunes at once and then every hour; ends with the backend.
pub async fn run(backend: Weak<Backend>) {
    loop {
        let Some(backend) = backend.upgrade() else { return };
        match prune(&backend.store, backend.clock.now_ms()).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old rows were deleted"),
            Err(problem) => tracing::error!(error = %problem.error(), "old rows could not be deleted"),
        }
        drop(backend);
        tokio::time::sleep(EVERY).await;
    }
}

/// Deletes what is of no use any more and returns the number of rows.
///
/// # Errors
/// Of the database.
pub async fn prune(store: &Store, now_ms: i64) -> Result<u64, Problem> {
    let mut total = 0;
    for Rule { keep_ms, delete } in RULES {
        loop {
            let before = now_ms - keep_ms;
            let deleted = store
                .write(move |connection| {
                    Box::pin(async move {
                        let done = sqlx::query(delete).bind(before).bind(BATCH).execute(connection).await?;
                        Ok(done.rows_affected())
                    })
                })
                .await?;
            total += deleted;
            if deleted < BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::super::database::{Store, open};
    use super::{DAY_MS, prune};
    use std::path::Path;

    const SEED: &str = "
        INSERT INTO accounts VALUES ('a', 'a@b', 'A', 'h', 1, 0);
        INSERT INTO profiles VALUES ('p', 'a', 0, 'P', NULL, NULL);
        INSERT INTO token_families (id, account_id, device_id, device_name, platform, app_version, created_at, revoked_at)
            VALUES ('f1', 'a', 'd', '', '', '', 0, 1), ('f2', 'a', 'd', '', '', '', 0, 1), ('f3', 'a', 'e', '', '', '', 0, NULL);
        INSERT INTO refresh_tokens VALUES ('old', 'f3', 0, 1, 1), ('new', 'f3', 0, 3 * 86400000, NULL);
        INSERT INTO playback_sessions (id, account_id, profile_id, title_id, duration_ms, started_at, expires_at, last_seen_at)
            VALUES ('s1', 'a', 'p', 't', 1, 0, 1, 1), ('s2', 'a', 'p', 't', 1, 0, 25 * 86400000, 1);
        INSERT INTO playback_events VALUES ('s1', 0, 'playing', 1), ('s2', 0, 'playing', 1), ('s2', 9 * 86400000, 'playing', 1);
        INSERT INTO revoked_sessions VALUES (1, 's1', 1), (2, 's2', 39 * 86400000);
        INSERT INTO sign_in_attempts VALUES ('x', 1, 0), ('y', 1, 39 * 86400000);";

    async fn names(store: &Store, table: &'static str) -> Vec<String> {
        let sql = match table {
            "families" => "SELECT id FROM token_families ORDER BY id",
            "tokens" => "SELECT digest FROM refresh_tokens ORDER BY digest",
            "sessions" => "SELECT id FROM playback_sessions ORDER BY id",
            "events" => "SELECT session_id || at FROM playback_events ORDER BY 1",
            "revoked" => "SELECT session_id FROM revoked_sessions ORDER BY 1",
            _ => "SELECT subject FROM sign_in_attempts ORDER BY 1",
        };
        sqlx::query_scalar(sql).fetch_all(store.reads()).await.expect("the table reads")
    }

    #[tokio::test]
    async fn what_is_of_no_use_goes_and_the_rest_stays() {
        let (store, _writer) = open(Some("sqlite::memory:"), Path::new(".")).await.expect("it opens");
        let seed = store.write(|connection| {
            Box::pin(async move {
                sqlx::raw_sql(SEED).execute(connection).await?;
                Ok(())
            })
        });
        seed.await.expect("the rows are written");
        assert_eq!(prune(&store, DAY_MS).await.expect("pruned"), 0, "a clock that is a day ahead deletes nothing");
        assert!(prune(&store, 39 * DAY_MS).await.expect("pruned") >= 6);
        assert_eq!(names(&store, "tokens").await, [] as [&str; 0]);
        assert_eq!(names(&store, "families").await, ["f2", "f3"], "the latest of each device stays");
        assert_eq!(names(&store, "sessions").await, ["s2"]);
        assert_eq!(names(&store, "events").await, ["s2777600000"]);
        assert_eq!(names(&store, "revoked").await, ["s2"]);
        assert_eq!(names(&store, "attempts").await, ["y"]);
        assert_eq!(prune(&store, 39 * DAY_MS).await.expect("pruned"), 0);
    }
}
