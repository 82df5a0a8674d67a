//! Copying the stores into PostgreSQL.

use std::path::Path;

use kinora_api::{PositionList, paths};
use kinora_playback::store as playback;
use kinora_services as services;
use kinora_stage::Stage;
use kinora_store::{Location, query};

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
