//! One service in trouble, or one client too eager: what the others notice of it.

use std::slice::from_ref;
use std::time::Duration;

use axum::http::Method;
use kinora_gateway::gateway::Bounds;
use kinora_gateway::quota::Allowance;
use kinora_gateway::topology::Service;
use tokio::task::JoinSet;

use crate::fake::{Does, Replica, ask, ask_as, bounds, gateway};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

#[tokio::test]
async fn a_catalogue_that_hangs_costs_its_own_calls_only() {
    let (catalogue, playback) = (Replica::that(Does::Hang), Replica::that(Does::Answer));
    let replicas = [(Service::Catalogue, from_ref(&catalogue)), (Service::Playback, from_ref(&playback))];
    let bounds = Bounds { service_places: 8, account: Allowance::new(10_000, 10_000), ..bounds() };
    let bounds = Bounds { address: Allowance::new(10_000, 10_000), ..bounds };
    let (router, _) = gateway(&replicas, bounds);
    let mut browsing = JoinSet::new();
    for _ in 0..50 {
        let router = router.clone();
        browsing.spawn(async move { ask(&router, GET, "/v1/home").await });
    }
    // Those for which there is no place are refused at once, the others hang.
    for _ in 0..42 {
        let refused = browsing.join_next().await.unwrap().unwrap();
        assert_eq!((refused.status, refused.retry_after.as_deref()), (503, Some("1")));
        assert!(refused.error().message.starts_with("catalogue "), "{}", refused.body);
    }
    for _ in 0..500 {
        assert_eq!(ask(&router, POST, "/v1/playback").await.status, 200);
        assert_eq!(ask(&router, POST, "/v1/playback/s/heartbeat").await.status, 200);
    }
    assert_eq!((catalogue.hits(), playback.hits(), browsing.len()), (8, 1_000, 8));
    assert!(browsing.try_join_next().is_none(), "browsing goes on hanging");
    assert_eq!(ask(&router, GET, "/readyz").await.status, 200);
    // Clients that leave give their places back.
    browsing.shutdown().await;
    let again = tokio::spawn(async move { ask(&router, GET, "/v1/home").await });
    catalogue.asked(9).await;
    again.abort();
}

#[tokio::test]
async fn browse_yields_to_play_when_the_gateway_is_busy() {
    let (catalogue, playback) = (Replica::that(Does::Hang), Replica::that(Does::Hang));
    let replicas = [(Service::Catalogue, from_ref(&catalogue)), (Service::Playback, from_ref(&playback))];
    let (router, _) = gateway(&replicas, Bounds { places: 10, ..bounds() });
    let hang = |method: Method, path: &'static str| {
        let router = router.clone();
        tokio::spawn(async move { ask(&router, method, path).await })
    };
    let mut hung = Vec::new();
    for wanted in 1..=6 {
        hung.push(hang(GET, "/v1/search?q=x"));
        catalogue.asked(wanted).await;
    }
    for path in ["/v1/home", "/v1/titles/a", "/v1/search", "/v1/images/a/poster.jpg"] {
        let shed = ask(&router, GET, path).await;
        assert_eq!((shed.status, shed.retry_after.as_deref()), (503, Some("1")), "{path}");
        assert_eq!(shed.error().name, "service_unavailable");
    }
    assert_eq!(ask(&router, GET, "/v1/account").await.status, 200);
    for (wanted, path) in [(1, "/v1/playback"), (2, "/v1/playback/s/heartbeat"), (3, "/v1/playback/s/renew")] {
        hung.push(hang(POST, path));
        playback.asked(wanted).await;
    }
    assert_eq!(ask(&router, GET, "/v1/account").await.status, 503, "nine of ten places are taken");
    hung.push(hang(Method::PUT, "/v1/positions/a"));
    playback.asked(4).await;
    assert_eq!(ask(&router, POST, "/v1/playback").await.status, 503, "all places are taken");
    assert_eq!(ask(&router, GET, "/livez").await.status, 200);
    let counters = ask_as(&router, GET, "/metrics", Some("metrics")).await.body;
    assert!(counters.contains("kinora_gateway_requests 10"), "{counters}");
    assert!(counters.contains("kinora_gateway_refused_total{service=\"catalogue\",reason=\"shed\"} 4"), "{counters}");
    for hung in hung {
        hung.abort();
    }
}

#[tokio::test]
async fn quotas_hold_for_addresses_and_for_accounts() {
    let bounds = Bounds { address: Allowance::new(10, 5), account: Allowance::new(1, 2), ..bounds() };
    let (router, hand) = gateway(&[], bounds);
    for _ in 0..2 {
        assert_eq!(ask_as(&router, GET, "/v1/home", Some("ours")).await.status, 200);
    }
    let refused = ask_as(&router, GET, "/v1/home", Some("ours")).await;
    assert_eq!((refused.status, refused.retry_after.as_deref()), (429, Some("1")));
    assert_eq!(refused.error().retry_after_ms, Some(1_000));
    assert_eq!(ask_as(&router, GET, "/v1/home", Some("theirs")).await.status, 200, "another account");
    assert_eq!(ask(&router, GET, "/v1/home").await.status, 200, "the fifth of the address");
    assert_eq!(ask(&router, GET, "/v1/home").await.status, 429);
    // The state of the gateway is answered in any case.
    assert_eq!(ask(&router, GET, "/healthz").await.status, 200);
    hand.advance_ms(100);
    assert_eq!(ask(&router, GET, "/v1/home").await.status, 200);
    assert_eq!(ask(&router, GET, "/v1/home").await.status, 429);
    hand.advance_ms(900);
    assert_eq!(ask_as(&router, GET, "/v1/home", Some("ours")).await.status, 200);
}

#[tokio::test]
async fn a_service_that_does_not_answer_in_time_is_named() {
    let silent = Replica::that(Does::Hang);
    let bounds = Bounds { deadline: Duration::from_millis(20), ..bounds() };
    let (router, hand) = gateway(&[(Service::Playback, from_ref(&silent))], bounds);
    for _ in 0..5 {
        let refused = ask(&router, POST, "/v1/playback").await;
        assert_eq!((refused.status, refused.retry_after.as_deref()), (504, Some("1")));
        assert_eq!(refused.error().message, "playback: it does not answer");
    }
    // From now on nobody waits for it.
    assert_eq!(ask(&router, POST, "/v1/playback").await.status, 503);
    assert_eq!(silent.hits(), 5);
    hand.advance_ms(1_000);
    assert_eq!(ask(&router, POST, "/v1/playback").await.status, 504);
    let refused = ask(&router, POST, "/v1/playback").await;
    assert_eq!((refused.status, refused.retry_after.as_deref()), (503, Some("2")));
}

#[tokio::test]
async fn only_whoever_has_the_token_reads_the_counters() {
    let (router, _) = gateway(&[], bounds());
    for token in [None, Some(""), Some("metric"), Some("metricss")] {
        assert_eq!(ask_as(&router, GET, "/metrics", token).await.status, 401, "{token:?}");
    }
    assert_eq!(ask_as(&router, GET, "/metrics", Some("metrics")).await.status, 200);
}
