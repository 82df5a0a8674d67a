//! The description of the calls: that of the code is the committed one, and the service gives it to anyone.

use std::path::Path;

use kinora_api::paths;
use kinora_services::description;
use kinora_services::members::Member;
use kinora_stage::Stage;
use serde_json::Value;

#[test]
fn the_committed_description_is_that_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let now = serde_json::to_string_pretty(&description::of(Member::ALL)).unwrap() + "\n";
    if std::env::var_os("KINORA_RECORD").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), now, "KINORA_RECORD=1 writes docs/openapi.json anew");
}

#[tokio::test]
async fn every_described_call_is_there_and_asks_who_it_is_unless_it_is_open() {
    let stage = Stage::new().await;
    let url = |path: &str| format!("{}{path}", stage.backend.url());
    let served: Value = stage.client.get(url(paths::OPENAPI)).send().await.unwrap().json().await.unwrap();
    assert_eq!(served, serde_json::to_value(description::of(Member::ALL)).unwrap());
    let mut calls = 0;
    for (path, item) in served["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let is_open = call["security"] == serde_json::json!([]);
            let ask = || stage.client.request(method.clone(), url(&path.replace(['{', '}'], "x")));
            for request in [ask(), ask().bearer_auth("e30.e30.AAAA")] {
                let status = request.json(&serde_json::json!({})).send().await.unwrap().status().as_u16();
                assert!(status != 405 && status < 500 && (is_open || status == 401), "{method} {path}: {status}");
            }
            calls += 1;
        }
    }
    assert!(calls >= 25, "{calls}");
}
