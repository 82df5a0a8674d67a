//! What is sent twice and what never, and to whom.

use std::slice::from_ref;
use std::time::Duration;

use axum::http::Method;
use kinora_gateway::gateway::Bounds;
use kinora_gateway::topology::Service;
use kinora_gateway::transport::Fault;
use kinora_gateway::upstream::RepeatBudget;
use tokio::task::JoinSet;

use crate::fake::{Does, Replica, ask, bounds, gateway};

const SERVICE: Service = Service::Playback;
const CALLS: [(Method, &str); 3] =
    [(Method::GET, "/v1/positions/a"), (Method::PUT, "/v1/positions/a"), (Method::POST, "/v1/playback")];

/// Two replicas that do the same with their first request and answer the next; returns how often both were asked, and the status.
async fn first_time(does: Does, method: Method, path: &str) -> (usize, u16) {
    let shared = Replica::by_number(move |number| if number == 1 { does } else { Does::Answer });
    let (router, _) = gateway(&[(SERVICE, &[shared.clone(), shared.clone()])], bounds());
    let answered = ask(&router, method, path).await;
    (shared.hits(), answered.status)
}

#[tokio::test]
async fn only_what_asks_is_sent_again_after_it_was_read() {
    for (method, path) in CALLS {
        let is_get = method == Method::GET;
        for does in [Does::Fail(Fault::Broken), Does::Unavailable] {
            let expected = if is_get { (2, 200) } else { (1, 502) };
            assert_eq!(first_time(does, method.clone(), path).await, expected, "{method} {does:?}");
        }
        // Nobody read it.
        let unreached = first_time(Does::Fail(Fault::Unreached), method.clone(), path).await;
        assert_eq!(unreached, (2, 200), "{method}");
        assert_eq!(first_time(Does::Answer, method, path).await, (1, 200));
    }
}

#[tokio::test]
async fn a_replica_that_is_silent_leaves_half_of_the_time_to_another() {
    let shared = Replica::by_number(|number| if number == 1 { Does::Hang } else { Does::Answer });
    let bounds = Bounds { deadline: Duration::from_millis(200), ..bounds() };
    let (router, _) = gateway(&[(SERVICE, &[shared.clone(), shared.clone()])], bounds);
    assert_eq!(ask(&router, Method::GET, "/v1/positions").await.status, 200);
    assert_eq!(shared.hits(), 2);
}

#[tokio::test]
async fn a_single_replica_is_sent_a_request_three_times_at_most() {
    for (fault, method, hits) in [
        (Fault::Unreached, Method::POST, 1),
        (Fault::Broken, Method::GET, 3),
        (Fault::Broken, Method::POST, 1),
        (Fault::Silent, Method::GET, 1),
    ] {
        let replica = Replica::that(Does::Fail(fault));
        let path = if method == Method::GET { "/v1/positions" } else { "/v1/playback" };
        let (router, _) = gateway(&[(SERVICE, from_ref(&replica))], bounds());
        let status = ask(&router, method, path).await.status;
        let expected = match fault {
            Fault::Unreached => 503,
            Fault::Broken => 502,
            Fault::Silent => 504,
        };
        assert_eq!((replica.hits(), status), (hits, expected), "{fault}");
    }
}

#[tokio::test]
async fn repeats_stay_within_their_budget() {
    // Every second request fails, so that no breaker opens.
    let replica = Replica::by_number(|number| if number % 2 == 1 { Does::Fail(Fault::Broken) } else { Does::Answer });
    let repeats = RepeatBudget { percent: 20, per_second: 0, window: Duration::from_secs(60) };
    let (router, _) = gateway(&[(SERVICE, from_ref(&replica))], Bounds { repeats, ..bounds() });
    for _ in 0..60 {
        ask(&router, Method::GET, "/v1/positions").await;
    }
    let repeated = replica.hits() - 60;
    assert!((1..=12).contains(&repeated), "{repeated} of 60 requests were repeated");
}

#[tokio::test]
async fn a_breaker_sends_requests_elsewhere_and_lets_one_try() {
    let broken = Replica::by_number(|number| if number <= 5 { Does::Fail(Fault::Broken) } else { Does::Answer });
    // It has a request under way, so the broken one is the first choice.
    let sound = Replica::by_number(|number| if number == 1 { Does::Hang } else { Does::Answer });
    let (router, hand) = gateway(&[(SERVICE, &[broken.clone(), sound.clone()])], bounds());
    let under_way = {
        let router = router.clone();
        tokio::spawn(async move { ask(&router, Method::GET, "/v1/positions").await })
    };
    sound.asked(1).await;
    for _ in 0..20 {
        let answered = ask(&router, Method::GET, "/v1/positions").await;
        assert_eq!(answered.status, 200, "the other replica answers");
    }
    assert_eq!(broken.hits(), 5, "five failures close it off");
    hand.advance_ms(1_000);
    // What must not be sent twice is no probe while another replica answers.
    for _ in 0..20 {
        assert_eq!(ask(&router, Method::POST, "/v1/playback").await.status, 200);
    }
    assert_eq!((broken.hits(), sound.hits()), (5, 41));
    for expected in 6..10 {
        assert_eq!(ask(&router, Method::GET, "/v1/positions").await.status, 200);
        assert_eq!(broken.hits(), expected, "its probe was answered");
    }
    under_way.abort();
}

#[tokio::test]
async fn a_request_waits_for_a_service_that_is_started_again() {
    let away = Replica::by_number(|number| if number <= 6 { Does::Fail(Fault::Unreached) } else { Does::Answer });
    let bounds = Bounds { grace: Duration::from_secs(3600), ..bounds() };
    let (router, hand) = gateway(&[(SERVICE, from_ref(&away))], bounds);
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        let router = router.clone();
        waiting.spawn(async move { ask(&router, Method::POST, "/v1/playback").await.status });
    }
    away.asked(5).await;
    // The breaker is open; the first probe fails, the second is answered, and all others after it.
    hand.advance_ms(1_000);
    away.asked(6).await;
    assert!(waiting.try_join_next().is_none());
    hand.advance_ms(2_000);
    assert_eq!(waiting.join_all().await, [200; 20]);
    assert_eq!(away.hits(), 6 + 20);
}

#[tokio::test]
async fn nobody_waits_for_a_service_that_is_away_for_long() {
    let away = Replica::that(Does::Fail(Fault::Unreached));
    let (router, _) = gateway(&[(SERVICE, from_ref(&away))], bounds());
    for _ in 0..5 {
        assert_eq!(ask(&router, Method::POST, "/v1/playback").await.error().message, "playback: it cannot be reached");
    }
    let refused = ask(&router, Method::POST, "/v1/playback").await;
    assert_eq!(refused.error().message, "playback does not answer at present");
    assert_eq!(away.hits(), 5);
}

#[tokio::test]
async fn the_replica_with_less_to_do_is_asked() {
    let (slow, quick) = (Replica::that(Does::Hang), Replica::that(Does::Answer));
    let (router, _) = gateway(&[(SERVICE, &[slow.clone(), quick.clone()])], bounds());
    let mut asking = JoinSet::new();
    for _ in 0..200 {
        let router = router.clone();
        asking.spawn(async move { ask(&router, Method::POST, "/v1/playback").await.status });
    }
    quick.asked(195).await;
    assert!(slow.hits() <= 5, "{} requests hang", slow.hits());
    asking.shutdown().await;
}

#[tokio::test]
async fn a_client_that_leaves_is_no_failure_of_the_service() {
    let replica = Replica::by_number(|number| if number <= 20 { Does::Hang } else { Does::Answer });
    let (router, _) = gateway(&[(SERVICE, from_ref(&replica))], bounds());
    for number in 1..=20 {
        let router = router.clone();
        let asking = tokio::spawn(async move { ask(&router, Method::GET, "/v1/positions").await });
        replica.asked(number).await;
        asking.abort();
        drop(asking.await);
    }
    assert_eq!(ask(&router, Method::GET, "/v1/positions").await.status, 200);
}
