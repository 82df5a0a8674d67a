//! Data from before the services came apart, and data of later versions.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kinora_accounts::store as accounts;
use kinora_api::{PositionList, PutPosition, ResumePosition, paths};
use kinora_kit::clock::Clock;
use kinora_kit::signature::EdgeSecret;
use kinora_playback::store as playback;
use kinora_services::{self as services, demo};
use kinora_stage::{NOON, Stage, TITLE, client, write_title};
use kinora_store::{Location, Migration, Reads, Schema, Store, query};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

const LATER: Migration = Migration { version: 99, name: "later", sql: "CREATE TABLE later (name TEXT PRIMARY KEY);" };

pub async fn close(store: Store, writer: tokio::task::JoinHandle<()>) {
    store.reads().close().await;
    drop(store);
    writer.await.unwrap();
}

/// A data directory as the version before left it: an account with a position, a playback, and a session on the edges' list.
pub async fn old_data() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_title(dir.path());
    let together = Schema { migrations: &accounts::MIGRATIONS[..3], ..accounts::SCHEMA };
    let location = Location::file(&dir.path().join("kinora.db"));
    let (store, writer) = kinora_store::open(&location, &together).await.unwrap();
    let written = store.write((), |connection, ()| {
        Box::pin(async move {
            for sql in [
                "INSERT INTO accounts VALUES ('a', 'demo@kinora.example', 'Old', 'h', 7, 0)",
                "INSERT INTO profiles VALUES ('p', 'a', 0, 'Old', NULL, NULL)",
                "INSERT INTO token_families (id, account_id, device_id, device_name, platform, app_version, created_at, revoked_at)
                 VALUES ('f1', 'a', 'd', '', '', '', 0, NULL), ('f2', 'a', 'e', '', '', '', 0, 3999999999999)",
                "INSERT INTO playback_sessions (id, account_id, profile_id, title_id, duration_ms, started_at, expires_at,
                 last_seen_at, family_id, title_version) VALUES ('s', 'a', 'p', 'small-film', 100000, 0, 4000000900000, 1, 'f1', 3)",
                "INSERT INTO playback_events VALUES ('s', 4000000000000, 'playing', 1), ('s', 4000000000000, 'playing', 1)",
                "INSERT INTO positions VALUES ('p', 'small-film', 42000, 100000, 0, 7, 9)",
                "INSERT INTO revoked_sessions VALUES (3, 'gone', 4000000900000)",
                "INSERT INTO service_state VALUES ('revoked_seq', 3), ('ready', 1)",
            ] {
                query(sql).execute(&mut *connection).await?;
            }
            Ok(())
        })
    });
    written.await.unwrap();
    close(store, writer).await;
    // What that version did not have.
    let mut connection = SqliteConnectOptions::new().filename(dir.path().join("kinora.db")).connect().await.unwrap();
    for sql in
        ["DROP TABLE outbox", "DROP TABLE logged_events", "DROP TABLE store_state", "DROP TABLE _store_migrations"]
    {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    dir
}

async fn start(dir: &Path) -> Result<services::Running, services::BackendError> {
    let (clock, _) = Clock::manual(NOON);
    services::serve(services::Config { clock, demo_viewer: true, ..services::Config::new(dir) }).await
}

async fn stage(dir: TempDir) -> Stage {
    let (time, clock) = Clock::manual(NOON);
    let config = services::Config { clock: time.clone(), demo_viewer: true, ..services::Config::new(dir.path()) };
    let backend = services::serve(config).await.unwrap();
    Stage { dir, backend, clock, time, client: client() }
}

async fn count(reads: &Reads, sql: &'static str) -> Option<i64> {
    query(sql).scalar(reads).await.ok().flatten()
}

async fn assert_old_data_is_there(stage: &Stage) {
    let viewer = stage.viewer().await;
    assert_eq!(viewer.signed_in.account.max_streams, 7);
    let list: PositionList = viewer.read(&paths::positions(None)).await;
    assert_eq!(list.positions[0].position_ms, 42_000);
    let secret = EdgeSecret::load(&services::edge_secret_file(stage.dir.path())).unwrap();
    let url = format!("{}/revoked?after=0", stage.backend.origin_url());
    let page = stage.client.get(&url).header("kinora-origin-key", secret.origin_key()).send().await.unwrap();
    let page: serde_json::Value = page.json().await.unwrap();
    assert_eq!((&page["revoked"][0]["session"], &page["next"]), (&"gone".into(), &3.into()));
}

#[tokio::test]
async fn old_data_comes_apart_at_the_first_start_and_a_copy_is_kept() {
    let stage = stage(old_data().await).await;
    assert_old_data_is_there(&stage).await;
    let viewer = stage.viewer().await;
    let request = PutPosition { profile_id: None, position_ms: 60_000, recorded_at: None };
    let position: ResumePosition =
        viewer.put(&paths::position(&TITLE.into(), None), &request).await.json().await.unwrap();
    assert_eq!(position.position_ms, 60_000);
    let Stage { dir, backend, .. } = stage;
    backend.shutdown().await;

    let copy = dir.path().join("kinora.before-services.db");
    for file in ["kinora.db", "kinora.playback.db", "kinora.before-services.db"] {
        let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // The copy is what the version before takes.
    let together = Schema { migrations: &accounts::MIGRATIONS[..3], ..accounts::SCHEMA };
    let (store, writer) = kinora_store::open(&Location::file(&copy), &together).await.unwrap();
    assert_eq!(count(store.reads(), "SELECT position_ms FROM positions").await, Some(42_000));
    close(store, writer).await;
    let (store, writer) =
        kinora_store::open(&Location::file(&dir.path().join("kinora.db")), &accounts::SCHEMA).await.unwrap();
    assert_eq!(count(store.reads(), "SELECT count(*) FROM accounts").await, Some(1));
    assert_eq!(count(store.reads(), "SELECT count(*) FROM positions").await, None, "the table is gone");
    close(store, writer).await;
    let location = Location::file(&dir.path().join("kinora.db"));
    let (store, writer) = kinora_store::open(&location, &playback::SCHEMA).await.unwrap();
    assert_eq!(count(store.reads(), "SELECT count(*) FROM playback_sessions WHERE family_id = 'f1'").await, Some(1));
    assert_eq!(count(store.reads(), "SELECT count(*) FROM playback_events").await, Some(2));
    assert_eq!(count(store.reads(), "SELECT at FROM ended_sign_ins WHERE family_id = 'f2'").await, Some(NOON - 1));
    close(store, writer).await;

    // The next start changes nothing of it.
    let again = self::stage(dir).await;
    let list: PositionList = again.viewer().await.read(&paths::positions(None)).await;
    assert_eq!(list.positions[0].position_ms, 60_000);
    again.backend.shutdown().await;
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_is_repeated() {
    let dir = old_data().await;
    for leftover in ["kinora.playback.db", "kinora.playback.db.part", "kinora.before-services.db.part"] {
        std::fs::write(dir.path().join(leftover), b"half of a database").unwrap();
    }
    let stage = stage(dir).await;
    assert_old_data_is_there(&stage).await;
    assert!(!stage.dir.path().join("kinora.playback.db.part").exists());
    assert!(!stage.dir.path().join("kinora.before-services.db.part").exists());
    stage.backend.shutdown().await;
}

#[tokio::test]
async fn newer_data_is_refused_with_a_sentence() {
    for schema in [accounts::SCHEMA, playback::SCHEMA] {
        let dir = tempfile::tempdir().unwrap();
        start(dir.path()).await.unwrap().shutdown().await;
        let location = Location::file(&dir.path().join("kinora.db"));
        let later: &'static [Migration] = Vec::leak([schema.migrations, &[LATER]].concat());
        let (store, writer) = kinora_store::open(&location, &Schema { migrations: later, ..schema }).await.unwrap();
        close(store, writer).await;
        let file = location.path(&schema).unwrap();
        let before = std::fs::read(&file).unwrap();
        let error = start(dir.path()).await.err().unwrap().to_string();
        assert!(error.contains("was written by a newer version of Kinora"), "{error}");
        assert!(error.contains(file.to_str().unwrap()) && error.contains("version 99"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), before, "nothing is changed");
    }
}

#[tokio::test]
async fn an_account_is_added_beside_a_backend_that_runs() {
    let stage = stage(old_data().await).await;
    let account = services::NewAccount {
        email: "Second@Kinora.example".to_owned(),
        password: "a password".into(),
        display_name: "Second".to_owned(),
        max_streams: 1,
        profiles: vec![("Second".to_owned(), None)],
    };
    let config = services::Config::new(stage.dir.path());
    services::add_account(&config, &account).await.unwrap();
    assert_eq!(stage.sign_in("second@kinora.example", "a password").await.status(), 200);
    let nobody = services::NewAccount { email: "nobody".to_owned(), ..account };
    let error = services::add_account(&config, &nobody).await.unwrap_err().to_string();
    assert!(error.contains("not an e-mail address"), "{error}");
    assert_eq!(stage.sign_in(demo::EMAIL, demo::PASSWORD).await.status(), 200);
    stage.backend.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_the_same_time_take_turns() {
    for is_old in [true, false] {
        let dir = if is_old { old_data().await } else { tempfile::tempdir().unwrap() };
        // Drafts of keys are named after the process, and here all starts share one.
        services::prepare_keys(dir.path()).unwrap();
        let starts = (0..4).map(|_| {
            let config = services::Config::new(dir.path());
            tokio::spawn(async move { services::prepare(&config).await })
        });
        for started in starts.collect::<Vec<_>>() {
            started.await.unwrap().unwrap();
        }
        if is_old {
            let stage = stage(dir).await;
            assert_old_data_is_there(&stage).await;
            stage.backend.shutdown().await;
        }
    }
}
