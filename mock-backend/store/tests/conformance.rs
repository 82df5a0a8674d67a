//! What a store promises, on SQLite and on PostgreSQL: the same tests run against both.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kinora_api::ErrorCode;
use kinora_kit::http::problem::Problem;
use kinora_store::pruning::{Rule, prune};
use kinora_store::{Location, Migration, Schema, Store, StoreError, outbox, query, state};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SCHEMA: Schema = Schema {
    name: "shelf",
    is_first: true,
    tables: &["things"],
    migrations: &[Migration {
        version: 1,
        name: "things",
        sql: "CREATE TABLE things (name TEXT PRIMARY KEY, value BIGINT NOT NULL, note TEXT);",
    }],
};

/// An empty place for stores.
struct Place {
    location: Location,
    dir: Option<tempfile::TempDir>,
}

impl Place {
    fn file() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { location: Location::file(&dir.path().join("kinora.db")), dir: Some(dir) }
    }

    async fn open(&self) -> (Store, JoinHandle<()>) {
        kinora_store::open(&self.location, &SCHEMA).await.unwrap()
    }
}

/// Runs each test on a file of SQLite, on SQLite in memory, and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::Place::file()).await; })+
        }
        mod memory {
            $(#[tokio::test] async fn $name() {
                super::$name(super::Place { location: kinora_store::Location::Memory, dir: None }).await;
            })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                let Ok(url) = kinora_test_postgres::database(concat!("conformance::postgres::", stringify!($name))) else {
                    return;
                };
                let location = kinora_store::Location::parse(Some(&url), std::path::Path::new(".")).unwrap();
                super::$name(super::Place { location, dir: None }).await;
            })+
        }
    };
}

on_both!(
    a_write_is_seen_and_kept_types,
    one_bad_row_fails_itself_and_not_its_group,
    a_refused_job_leaves_nothing,
    a_statement_that_fails_unnoticed_fails_its_job_alone,
    a_panic_of_a_job_ends_that_job_alone,
    a_transaction_that_ended_by_itself_costs_its_connection_only,
    readers_cannot_write,
    an_event_is_written_with_its_change_or_not_at_all,
    old_rows_are_pruned_and_the_rest_stays,
    many_jobs_are_all_durable_and_numbered_without_gaps,
    tables_of_a_newer_version_are_refused_and_not_changed,
    a_text_with_a_nul_fails_its_job_alone,
);

async fn value(store: &Store, name: &str) -> Option<i64> {
    query("SELECT value FROM things WHERE name = $1").bind(name).scalar(store.reads()).await.unwrap()
}

async fn put(store: &Store, name: &str) -> Result<(), Problem> {
    store
        .write(name.to_owned(), |connection, name| {
            Box::pin(async move {
                query("INSERT INTO things (name, value) VALUES ($1, 1)").bind(name).execute(connection).await?;
                Ok(())
            })
        })
        .await
}

fn kind(problem: &Problem) -> Option<ErrorCode> {
    problem.error().kind()
}

async fn a_write_is_seen_and_kept_types(place: Place) {
    let (store, _writer) = place.open().await;
    let written = store.write((), |connection, ()| {
        Box::pin(async move {
            let insert = "INSERT INTO things (name, value, note) VALUES ($1, $2, $3)";
            query(insert).bind("a").bind(i64::MAX).bind(None::<String>).execute(&mut *connection).await?;
            query(insert).bind("b").bind(i64::MIN).bind("ä").execute(&mut *connection).await?;
            Ok(query("UPDATE things SET value = value + 1 WHERE name = $1").bind("b").execute(connection).await?)
        })
    });
    assert_eq!(written.await.unwrap(), 1);
    let rows: Vec<(String, i64, Option<String>)> =
        query("SELECT name, value, note FROM things ORDER BY name").rows(store.reads()).await.unwrap();
    let expected = [("a".to_owned(), i64::MAX, None), ("b".to_owned(), i64::MIN + 1, Some("ä".to_owned()))];
    assert_eq!(rows, expected);
    let count: Option<i64> = query("SELECT count(*) FROM things").scalar(store.reads()).await.unwrap();
    assert_eq!(count, Some(2));
}

async fn one_bad_row_fails_itself_and_not_its_group(place: Place) {
    let (store, _writer) = place.open().await;
    put(&store, "there").await.unwrap();
    // The writer is held, so that what follows gathers in one group.
    let (release, held) = oneshot::channel::<()>();
    let held = tokio::sync::Mutex::new(Some(held));
    let holding = store.write(held, |_, held| {
        Box::pin(async move {
            if let Some(held) = held.lock().await.take() {
                let _ = held.await;
            }
            Ok(())
        })
    });
    let others = async {
        let queued = async { tokio::join!(put(&store, "a"), put(&store, "there"), put(&store, "b")) };
        let (results, _) = tokio::join!(queued, async {
            tokio::task::yield_now().await;
            release.send(())
        });
        results
    };
    let (held, (a, bad, b)) = tokio::join!(holding, others);
    held.unwrap();
    a.unwrap();
    assert_eq!(kind(&bad.unwrap_err()), Some(ErrorCode::ServiceInternal));
    b.unwrap();
    assert_eq!((value(&store, "a").await, value(&store, "b").await), (Some(1), Some(1)));
    assert!(!store.is_failing());
}

async fn a_refused_job_leaves_nothing(place: Place) {
    let (store, _writer) = place.open().await;
    let refused = store.write((), |connection, ()| {
        Box::pin(async move {
            query("INSERT INTO things (name, value) VALUES ('lost', 1)").execute(connection).await?;
            Err::<(), _>(Problem::new(ErrorCode::TooManyStreams, "no place").into())
        })
    });
    assert_eq!(kind(&refused.await.unwrap_err()), Some(ErrorCode::TooManyStreams));
    assert_eq!(value(&store, "lost").await, None);
    assert!(!store.is_failing());
}

async fn a_statement_that_fails_unnoticed_fails_its_job_alone(place: Place) {
    let (store, _writer) = place.open().await;
    put(&store, "there").await.unwrap();
    let careless = store.write((), |connection, ()| {
        Box::pin(async move {
            let again = query("INSERT INTO things (name, value) VALUES ('there', 1)").execute(connection).await;
            assert!(again.is_err());
            Ok(())
        })
    });
    let (careless, after) = tokio::join!(careless, put(&store, "after"));
    // PostgreSQL undoes the job, SQLite the statement alone; either way the others go on.
    if let Err(problem) = careless {
        assert_eq!(kind(&problem), Some(ErrorCode::ServiceInternal));
    }
    after.unwrap();
    assert_eq!(value(&store, "after").await, Some(1));
    assert!(!store.is_failing());
}

async fn a_panic_of_a_job_ends_that_job_alone(place: Place) {
    let (store, _writer) = place.open().await;
    let panicking = store.write::<_, (), _>((), |_, ()| Box::pin(async { panic!("a defect") })).await;
    assert_eq!(kind(&panicking.unwrap_err()), Some(ErrorCode::ServiceInternal));
    put(&store, "after").await.unwrap();
}

async fn a_transaction_that_ended_by_itself_costs_its_connection_only(place: Place) {
    let (store, _writer) = place.open().await;
    for name in ["one", "two"] {
        // What SQLite does on its own after an I/O error.
        let ended = store.write((), |connection, ()| {
            Box::pin(async move {
                query("ROLLBACK").execute(connection).await?;
                Ok(())
            })
        });
        let problem = ended.await.unwrap_err();
        assert!(matches!(kind(&problem), Some(ErrorCode::ServiceUnavailable | ErrorCode::ServiceInternal)));
        assert!(store.is_failing());
        put(&store, name).await.unwrap();
        assert!(!store.is_failing());
    }
}

async fn readers_cannot_write(place: Place) {
    let (store, _writer) = place.open().await;
    let insert = query("INSERT INTO things (name, value) VALUES ('sly', 1)");
    assert!(insert.execute(store.reads()).await.is_err());
    assert_eq!(value(&store, "sly").await, None);
}

async fn an_event_is_written_with_its_change_or_not_at_all(place: Place) {
    let (store, _writer) = place.open().await;
    for (name, is_refused) in [("a", false), ("b", true), ("c", false)] {
        let written = store.write((name, is_refused), |connection, &(name, is_refused)| {
            Box::pin(async move {
                query("INSERT INTO things (name, value) VALUES ($1, 1)").bind(name).execute(&mut *connection).await?;
                outbox::append(connection, "thing", &format!("{{\"name\":\"{name}\"}}"), 7).await?;
                if is_refused {
                    return Err(Problem::new(ErrorCode::InvalidRequest, "no").into());
                }
                Ok(())
            })
        });
        assert_eq!(written.await.is_err(), is_refused);
    }
    let events = outbox::waiting(&store).await.unwrap();
    let told: Vec<(i64, &str, &str)> = events.iter().map(|e| (e.seq, e.topic.as_str(), e.payload.as_str())).collect();
    assert_eq!(told, [(1, "thing", r#"{"name":"a"}"#), (2, "thing", r#"{"name":"c"}"#)]);
    outbox::forget(&store, 1).await.unwrap();
    assert_eq!(outbox::waiting(&store).await.unwrap(), events[1..]);
    outbox::forget(&store, 2).await.unwrap();
    assert_eq!(state::latest_number(store.reads(), "outbox").await.unwrap(), 2, "numbers outlive their rows");
}

async fn old_rows_are_pruned_and_the_rest_stays(place: Place) {
    let (store, _writer) = place.open().await;
    let names = (0..1_201).map(|n| format!("t{n}"));
    let writes = names.map(|name| {
        let store = store.clone();
        async move { put(&store, &name).await }
    });
    for written in futures_util::future::join_all(writes).await {
        written.unwrap();
    }
    let rule = Rule {
        keep_ms: 10,
        delete: "DELETE FROM things WHERE name IN (SELECT name FROM things WHERE value < $1 AND name <> 't7' LIMIT $2)",
    };
    assert_eq!(prune(&store, &[rule], 11).await.unwrap(), 0);
    assert_eq!(prune(&store, &[rule], 12).await.unwrap(), 1_200);
    assert_eq!(value(&store, "t7").await, Some(1));
}

async fn many_jobs_are_all_durable_and_numbered_without_gaps(place: Place) {
    let (store, _writer) = place.open().await;
    let writes = (0..200_u32).map(|n| {
        store.write(n, |connection, n| {
            Box::pin(async move {
                let number = state::next_number(connection, "n").await?;
                // Numbers of jobs that are undone are given again.
                if n % 5 == 0 {
                    return Err(Problem::new(ErrorCode::InvalidRequest, "undone").into());
                }
                Ok(number)
            })
        })
    });
    let results = futures_util::future::join_all(writes).await;
    let mut numbers: Vec<i64> = results.into_iter().filter_map(Result::ok).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=160).collect::<Vec<i64>>());
}

async fn tables_of_a_newer_version_are_refused_and_not_changed(place: Place) {
    // Memory ends with its store.
    if matches!(place.location, Location::Memory) {
        return;
    }
    const LATER: &[Migration] = &[
        SCHEMA.migrations[0],
        Migration { version: 9, name: "later", sql: "CREATE TABLE later (name TEXT PRIMARY KEY);" },
    ];
    let later = Schema { migrations: LATER, ..SCHEMA };
    let (store, writer) = kinora_store::open(&place.location, &later).await.unwrap();
    put(&store, "kept").await.unwrap();
    store.reads().close().await;
    drop(store);
    writer.await.unwrap();
    let error = kinora_store::open(&place.location, &SCHEMA).await.err().unwrap();
    assert!(matches!(error, StoreError::Newer { version: 9, known: 1, .. }), "{error}");
    let sentence = error.to_string();
    assert!(sentence.contains("was written by a newer version of Kinora"), "{sentence}");
    let (store, _writer) = kinora_store::open(&place.location, &later).await.unwrap();
    assert_eq!(value(&store, "kept").await, Some(1));
}

async fn a_text_with_a_nul_fails_its_job_alone(place: Place) {
    let (store, _writer) = place.open().await;
    let (nul, after) = tokio::join!(put(&store, "a\0b"), put(&store, "after"));
    assert_eq!(kind(&nul.unwrap_err()), Some(ErrorCode::InvalidRequest));
    after.unwrap();
    assert!(!store.is_failing());
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_file_is_opened_twice_and_is_private() {
    let place = Place::file();
    let file = place.dir.as_ref().unwrap().path().join("kinora.db");
    std::fs::write(&file, b"").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    for name in ["first", "second"] {
        let (store, writer) = place.open().await;
        put(&store, name).await.unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let path = PathBuf::from(format!("{}{suffix}", file.display()));
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        assert_eq!(value(&store, "first").await, Some(1));
        let reads = store.reads().clone();
        drop(store);
        writer.await.unwrap();
        reads.close().await;
    }
}

#[tokio::test]
async fn a_full_disk_ends_nothing_but_the_writes_meanwhile() {
    let place = Place::file();
    let (store, _writer) = place.open().await;
    for round in 0..3 {
        // A limit of pages stands for the end of the disk; it ends with its connection.
        let full = store.write((), |connection, ()| {
            Box::pin(async move {
                query("INSERT INTO things (name, value) VALUES ('lost', 1)").execute(&mut *connection).await?;
                query("PRAGMA max_page_count = 1").execute(&mut *connection).await?;
                query("INSERT INTO things (name, value) VALUES (hex(zeroblob(400000)), 1)").execute(connection).await?;
                Ok(())
            })
        });
        assert_eq!(kind(&full.await.unwrap_err()), Some(ErrorCode::ServiceUnavailable), "{round}");
        assert!(store.is_failing(), "{round}");
        assert_eq!(value(&store, "lost").await, None, "nothing of a failed write remains");
    }
    store.prove_writable(7).await.unwrap();
    assert!(!store.is_failing());
    assert_eq!(state::latest_number(store.reads(), "ready").await.unwrap(), 7);
}

async fn postgres(test: &str) -> Option<(Place, Store)> {
    let url = kinora_test_postgres::database(&format!("conformance::{test}")).ok()?;
    let place = Place { location: Location::parse(Some(&url), Path::new(".")).unwrap(), dir: None };
    let (store, _writer) = place.open().await;
    Some((place, store))
}

#[tokio::test]
async fn a_group_runs_again_when_postgres_asks_for_it_and_ends_when_it_never_succeeds() {
    let Some((_place, store)) = postgres("a_group_runs_again").await else { return };
    let attempt = |runs: &Arc<AtomicU32>, failures: u32| {
        store.write((Arc::clone(runs), failures), |connection, (runs, failures)| {
            Box::pin(async move {
                let run = runs.fetch_add(1, Ordering::Relaxed);
                query(
                    "INSERT INTO things (name, value) VALUES ('counted', $1)
                     ON CONFLICT (name) DO UPDATE SET value = things.value + 100",
                )
                .bind(i64::from(run))
                .execute(&mut *connection)
                .await?;
                if run < *failures {
                    query("DO $$ BEGIN RAISE EXCEPTION 'a conflict' USING ERRCODE = '40001'; END $$")
                        .execute(connection)
                        .await?;
                }
                Ok(())
            })
        })
    };
    let runs = Arc::new(AtomicU32::new(0));
    let (job, other) = tokio::join!(attempt(&runs, 2), put(&store, "other"));
    job.unwrap();
    other.unwrap();
    assert_eq!((runs.load(Ordering::Relaxed), value(&store, "counted").await), (3, Some(2)), "once, by the third run");
    assert_eq!(value(&store, "other").await, Some(1));

    let runs = Arc::new(AtomicU32::new(0));
    let problem = attempt(&runs, u32::MAX).await.unwrap_err();
    assert_eq!(kind(&problem), Some(ErrorCode::ServiceUnavailable));
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    put(&store, "after").await.unwrap();
}

#[tokio::test]
async fn writers_of_two_processes_take_turns_on_postgres() {
    let Some((place, one)) = postgres("writers_of_two_processes").await else { return };
    let (two, _writer) = place.open().await;
    let count = |store: &Store| {
        let store = store.clone();
        async move {
            store
                .write((), |connection, ()| {
                    Box::pin(async move {
                        // A read and a write that depends on it: without turns some of these would be lost.
                        let seen: Option<i64> =
                            query("SELECT value FROM things WHERE name = 'sum'").scalar(&mut *connection).await?;
                        query(
                            "INSERT INTO things (name, value) VALUES ('sum', $1)
                             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                        )
                        .bind(seen.unwrap_or(0) + 1)
                        .execute(connection)
                        .await?;
                        Ok(())
                    })
                })
                .await
        }
    };
    let writes = (0..200).map(|n| count(if n % 2 == 0 { &one } else { &two }));
    for written in futures_util::future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!(value(&one, "sum").await, Some(200));
}

#[tokio::test]
async fn a_connection_that_postgres_ends_costs_the_writes_meanwhile_only() {
    let Some((_place, store)) = postgres("a_connection_that_postgres_ends").await else { return };
    let ended = store.write((), |connection, ()| {
        Box::pin(async move {
            query("INSERT INTO things (name, value) VALUES ('lost', 1)").execute(&mut *connection).await?;
            query("SELECT pg_terminate_backend(pg_backend_pid())").execute(connection).await?;
            Ok(())
        })
    });
    assert_eq!(kind(&ended.await.unwrap_err()), Some(ErrorCode::ServiceUnavailable));
    assert!(store.is_failing());
    put(&store, "after").await.unwrap();
    assert_eq!((value(&store, "lost").await, value(&store, "after").await), (None, Some(1)));
}
