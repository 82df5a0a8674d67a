//! Copying the stores into PostgreSQL.

use std::path::Path;

use kinora_accounts::store as accounts;
use kinora_api::{PositionList, paths};
use kinora_playback::store as playback;
use kinora_recommendations::store as recommendations;
use kinora_services as services;
use kinora_stage::Stage;
use kinora_store::{Location, Schema, query};

use super::apart::{close, old_data};

#[tokio::test]
async fn both_sides_agree_and_the_backend_goes_on_from_the_copy() {
    let Ok(url) = kinora_test_postgres::database("migrate::both_sides_agree") else { return };
    let dir = old_data().await;
    let data = dir.path().to_str().unwrap().to_owned();
    let reports = services::copy_stores(&data, &url).await.unwrap();
    assert!(reports.iter().all(|report| report.source == report.target));
    let rows = |table| reports.iter().find(|report| report.table == table).map(|report| report.target.rows);
    assert_eq!(rows("accounts.accounts"), Some(1));
    assert_eq!(rows("accounts.token_families"), Some(2));
    assert_eq!(rows("playback.positions"), Some(1));
    assert_eq!(rows("playback.playback_events"), Some(2));
    assert_eq!(rows("playback.store_state"), Some(1));

    let error = services::copy_stores(&data, &url).await.unwrap_err().to_string();
    assert_eq!(error, "the target is not empty: accounts.accounts has rows");
    let error = services::copy_stores("/nowhere", &url).await.unwrap_err().to_string();
    assert!(error.contains("is not the URL of a database"), "{error}");
    let error = services::copy_stores(&data, "sqlite:x.db").await.unwrap_err().to_string();
    assert!(error.contains("from files of SQLite into PostgreSQL"), "{error}");

    let stage = Stage::with(|config| config.database = Some(url)).await;
    let list: PositionList = stage.viewer().await.read(&paths::positions(None)).await;
    assert_eq!(list.positions[0].position_ms, 42_000);
    stage.backend.shutdown().await;
}

/// Tables of all services.
const SCHEMAS: [Schema; 3] = [accounts::SCHEMA, playback::SCHEMA, recommendations::SCHEMA];

/// Rows for every table: what registration, a PIN, devices, lists and marks leave.
const ROWS: [&[&str]; 3] = [
    &[
        "INSERT INTO accounts (id, email, display_name, password_hash, max_streams, created_at, pin_hash)
         VALUES ('a', 'a@b', 'A', 'h', 4, 1, 'pin')",
        "INSERT INTO profiles (id, account_id, position, name, max_age, language, avatar, subtitle_style, data_saver)
         VALUES ('p', 'a', 0, 'P', 6, 'de', 'owl', '{}', 1)",
        "INSERT INTO token_families (id, account_id, device_id, device_name, platform, app_version, created_at, last_seen_at,
         entered_profile) VALUES ('f', 'a', 'd', 'T' || char(0) || 'V', 'tv', '1', 1, 2, 'p')",
        "INSERT INTO refresh_tokens VALUES ('digest', 'f', 1, 2, NULL)",
        "INSERT INTO sign_in_attempts VALUES ('x', 1, 2)",
        "INSERT INTO mailed_codes VALUES ('email', 'a', 'h', 9, 1, 'c@d')",
        "INSERT INTO paced_attempts VALUES ('y', 3, 4)",
        "INSERT INTO device_codes VALUES ('dc', 'uc', '{}', 9, 5000, 1, 'ticket', 'a', 'allowed')",
        "INSERT INTO earlier_addresses VALUES ('a', 'e@f')",
    ],
    &[
        "INSERT INTO playback_sessions (id, account_id, profile_id, title_id, title_version, duration_ms, started_at, expires_at,
         last_seen_at, family_id, device_name, title_name, manifest_filter)
         VALUES ('s', 'a', 'p', 't', 3, 9, 1, 2, 3, 'f', 'TV', 'T', 'h480')",
        "INSERT INTO playback_events VALUES ('e', 's', 1, 'playing', 2)",
        "INSERT INTO positions (profile_id, title_id, position_ms, duration_ms, finished, recorded_at, ordered_at, is_removed)
         VALUES ('p', 't', 9, 9, 1, 1, 1, 1)",
        "INSERT INTO revoked_sessions VALUES (1, 's', 2)",
        "INSERT INTO ended_sign_ins VALUES ('f', 1)",
        "INSERT INTO my_list VALUES ('p', 't', 1, 2)",
        "INSERT INTO ratings VALUES ('p', 't', 'up', 1)",
    ],
    &["INSERT INTO interests VALUES ('p', 't', '{}')", "INSERT INTO progress VALUES (0, 1)"],
];

#[tokio::test]
async fn every_table_is_copied_with_what_is_in_it() {
    let Ok(url) = kinora_test_postgres::database("migrate::every_table_is_copied") else { return };
    let dir = tempfile::tempdir().unwrap();
    let location = Location::file(&dir.path().join("kinora.db"));
    for (schema, rows) in SCHEMAS.iter().zip(ROWS) {
        let (store, writer) = kinora_store::open(&location, schema).await.unwrap();
        let written = store.write(rows, |connection, rows| {
            Box::pin(async move {
                for sql in *rows {
                    query(sql).execute(&mut *connection).await?;
                }
                for sql in [
                    "INSERT INTO store_state VALUES ('x', 1)",
                    "INSERT INTO outbox VALUES (1, 2, 'sign_in', '{}')",
                    "INSERT INTO logged_events VALUES (1, 'id', 'p', 2, '{}', 0)",
                ] {
                    query(sql).execute(&mut *connection).await?;
                }
                Ok(())
            })
        });
        written.await.unwrap();
        close(store, writer).await;
    }
    let reports = services::copy_stores(dir.path().to_str().unwrap(), &url).await.unwrap();
    let tables = SCHEMAS.iter().map(|schema| schema.tables.len() + 3).sum::<usize>();
    assert_eq!(reports.len(), tables);
    for report in &reports {
        let source = (report.source.rows, report.source.checksum);
        assert_eq!((source, report.source.rows), ((report.target.rows, report.target.checksum), 1), "{}", report.table);
        // A text that PostgreSQL cannot hold is copied without the character, and counted.
        assert_eq!(report.source.replaced, u64::from(report.table.ends_with("token_families")), "{}", report.table);
    }
}

#[tokio::test]
async fn what_differs_is_not_kept() {
    let Ok(url) = kinora_test_postgres::database("migrate::what_differs_is_not_kept") else { return };
    let location = Location::parse(Some(&url), Path::new(".")).unwrap();
    let (store, writer) = kinora_store::open(&location, &playback::SCHEMA).await.unwrap();
    let spoiled = store.write((), |connection, ()| {
        Box::pin(async move {
            for sql in [
                "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN NEW.position_ms := NEW.position_ms + 1; RETURN NEW; END $$",
                "CREATE TRIGGER spoil BEFORE INSERT ON positions FOR EACH ROW EXECUTE FUNCTION spoil()",
            ] {
                query(sql).execute(&mut *connection).await?;
            }
            Ok(())
        })
    });
    spoiled.await.unwrap();
    close(store, writer).await;
    let dir = old_data().await;
    let reports = services::copy_stores(dir.path().to_str().unwrap(), &url).await.unwrap();
    let differing: Vec<&str> =
        reports.iter().filter(|report| report.source != report.target).map(|report| report.table.as_str()).collect();
    assert_eq!(differing, ["playback.positions"]);
    let (store, writer) = kinora_store::open(&location, &playback::SCHEMA).await.unwrap();
    let rows: Option<i64> = query("SELECT count(*) FROM playback_sessions").scalar(store.reads()).await.unwrap();
    assert_eq!(rows, Some(0));
    close(store, writer).await;
}
