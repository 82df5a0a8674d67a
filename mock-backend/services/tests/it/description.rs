//! The description of the calls: that of the code is the committed one, and the service gives it to anyone.

use std::path::Path;

use kinora_api::{PinRequest, ProfileList, paths};
use kinora_services::members::Member;
use kinora_services::{demo, description};
use kinora_stage::{Stage, TITLE, error};
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

/// Returns true if a call takes the id of a profile, in its query or its body.
fn names_a_profile(description: &Value, call: &Value) -> bool {
    let in_query =
        call["parameters"].as_array().is_some_and(|list| list.iter().any(|field| field["name"] == "profile"));
    let schema = call["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
    let schema = schema.and_then(|path| description.pointer(path.trim_start_matches('#')));
    in_query || schema.is_some_and(|schema| schema["properties"].get("profile_id").is_some())
}

#[tokio::test]
async fn no_described_call_uses_a_profile_that_is_locked() {
    let stage = Stage::new().await;
    let (parent, child) = (stage.viewer().await, stage.viewer_on("children").await);
    let pin = PinRequest { password: demo::PASSWORD.into(), pin: Some("2468".into()) };
    assert_eq!(parent.put(paths::PIN, &pin).await.status(), 204);
    let profiles: ProfileList = child.read(paths::PROFILES).await;
    let locked = profiles.profiles.iter().find(|profile| profile.locked).unwrap().id.as_str().to_owned();
    let description = serde_json::to_value(description::of(Member::ALL)).unwrap();
    let body = serde_json::json!({ "profile_id": locked, "title_id": TITLE, "position_ms": 1, "protocols": [], "rating": "up" });
    let mut refused = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            if !names_a_profile(&description, call) {
                continue;
            }
            let path = path.replace("{title}", TITLE).replace("{id}", TITLE).replace("{session}", "s");
            let url = format!("{}{path}?profile={locked}&q=a&id=all&from=0", stage.backend.url());
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let token = child.signed_in.tokens.access_token.expose();
            let answer = stage.client.request(method.clone(), url).bearer_auth(token).json(&body).send().await.unwrap();
            let (status, problem) = error(answer).await;
            assert_eq!((status, problem.name.as_str()), (403, "profile_locked"), "{method} {path}: {problem}");
            refused.push(format!("{method} {path}"));
        }
    }
    assert!(refused.len() >= 10, "{refused:?}");
}
