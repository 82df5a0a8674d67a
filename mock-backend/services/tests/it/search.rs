//! Search with filters, and answers that a client has already.

use kinora_api::{ErrorCode, SearchFilter, SearchResults, TitleKind, paths};
use kinora_stage::{Viewer, error};
use reqwest::header;
use serde_json::json;

use super::series::{stage, write};

async fn ids(viewer: &Viewer, path: &str) -> Vec<String> {
    let results: SearchResults = viewer.read(path).await;
    assert!(!results.is_simple);
    results.titles.into_iter().map(|card| card.id.into_string()).collect()
}

#[tokio::test]
async fn a_search_is_filtered_and_says_by_what_it_can_be() {
    let stage = stage(|data| {
        write(
            data,
            "storm",
            &json!({ "names": { "sv": "Oväder" } }),
            &json!({ "title": "Storm", "genres": ["Nature"] }),
        );
        let about = json!({ "kind": "episode", "part_of": { "title": "seas", "season": 1, "number": 1 } });
        write(data, "seas-1", &about, &json!({ "title": "Storm Front" }));
        write(data, "seas", &json!({ "kind": "series" }), &json!({ "title": "Seas" }));
        write(data, "card", &json!({ "is_hidden": true }), &json!({ "title": "Storm Card" }));
    })
    .await;
    let viewer = stage.viewer().await;
    let search = |text: &str, filter: &SearchFilter| paths::search_filtered(text, 20, filter, None);
    let none = SearchFilter::default();
    assert_eq!(ids(&viewer, &search("storm", &none)).await, ["storm", "seas-1"]);
    assert_eq!(ids(&viewer, &search("ovader", &none)).await, ["storm"]);
    assert_eq!(ids(&viewer, &search("storm card", &none)).await, ["card"]);
    let episodes = SearchFilter { kind: Some(TitleKind::Episode), ..none.clone() };
    assert_eq!(ids(&viewer, &search("storm", &episodes)).await, ["seas-1"]);
    let nature = SearchFilter { genre: Some("Nature".to_owned()), max_minutes: Some(2), ..none.clone() };
    assert_eq!(ids(&viewer, &search("", &nature)).await, ["storm"]);
    assert!(ids(&viewer, &search("", &SearchFilter { max_minutes: Some(1), ..nature })).await.is_empty());
    let results: SearchResults = viewer.read(&search("storm", &episodes)).await;
    let kinds: Vec<(TitleKind, u32)> = results.filters.kinds.iter().map(|count| (count.value, count.titles)).collect();
    assert_eq!(kinds, [(TitleKind::Film, 1), (TitleKind::Episode, 1)]);

    for wrong in ["kind=opera", "kind=other", "max_minutes=-1", "limit=many"] {
        let refused = error(viewer.get(&format!("/v1/search?q=storm&{wrong}")).await).await;
        assert_eq!((refused.0, refused.1.kind()), (400, Some(ErrorCode::InvalidRequest)), "{wrong}");
    }
}

#[tokio::test]
async fn an_answer_that_a_client_has_is_not_sent_again() {
    let stage = stage(|data| write(data, "storm", &json!({}), &json!({}))).await;
    let viewer = stage.viewer().await;
    let token = viewer.signed_in.tokens.access_token.expose();
    let ask = |path: &str, known: Option<&str>| {
        let request = stage.client.get(format!("{}{path}", stage.backend.url())).bearer_auth(token);
        known.map_or(request.try_clone().unwrap(), |tag| request.header(header::IF_NONE_MATCH, tag)).send()
    };
    for path in [paths::home(None), paths::title(&"storm".into(), None), paths::search("small", 5, None)] {
        let whole = ask(&path, None).await.unwrap();
        assert_eq!(whole.headers()[header::CACHE_CONTROL], "private, no-cache");
        let tag = whole.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/\"") && !whole.bytes().await.unwrap().is_empty(), "{tag}");
        let again = ask(&path, Some(&format!("\"other\", {tag}"))).await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers()[header::ETAG].to_str().unwrap()), (304, tag.as_str()));
        assert!(again.bytes().await.unwrap().is_empty());
        assert_eq!(ask(&path, Some("W/\"other\"")).await.unwrap().status(), 200);
    }
    let page = paths::title(&"storm".into(), None);
    let before = ask(&page, None).await.unwrap().headers()[header::ETAG].clone();
    assert_eq!(viewer.put(&paths::my_list_title(&"storm".into(), None), &()).await.status(), 200);
    let after = ask(&page, Some(before.to_str().unwrap())).await.unwrap();
    assert_eq!(after.status(), 200, "the page has changed");
    assert_ne!(after.headers()[header::ETAG], before);
}
