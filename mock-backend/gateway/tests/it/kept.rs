//! A service that falls silent: what was kept is given, to whom it belongs, and the service is asked until it answers.

use std::slice::from_ref;
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use axum::http::Method;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kinora_gateway::caller::TokenKeys;
use kinora_gateway::gateway::Bounds;
use kinora_gateway::topology::Service;
use kinora_gateway::transport::Fault;

use crate::fake::{Answered, Does, Replica, ask, ask_as, bounds, gateway_with_keys};

const GET: Method = Method::GET;

/// A key, and the set in which the gateway finds it.
struct Signer(EncodingKey);

impl Signer {
    fn new() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        Self(EncodingKey::from_ed_der(document.as_ref()))
    }

    fn keys(&self) -> TokenKeys {
        let mut public = Jwk::from_encoding_key(&self.0, Algorithm::EdDSA).unwrap();
        public.common.key_id = Some("a".to_owned());
        TokenKeys::parse(&serde_json::to_vec(&JwkSet { keys: vec![public] }).unwrap()).unwrap()
    }

    /// A token of the account that expires after so many seconds.
    fn token(&self, account: &str, exp: i64) -> String {
        let claims = serde_json::json!({ "iss": "kinora-backend", "aud": "kinora-api", "sub": account, "exp": exp });
        encode(&Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::EdDSA) }, &claims, &self.0).unwrap()
    }
}

/// Bounds under which a service is thought silent almost at once.
fn impatient() -> Bounds {
    Bounds { silent_after: Duration::from_millis(5), ..bounds() }
}

fn is_kept(answered: &Answered) -> bool {
    answered.cache_status.as_ref().is_some_and(|status| status.starts_with("kinora-gateway; hit;"))
}

#[tokio::test]
async fn who_asks_a_silent_service_gets_what_was_there_and_nobody_else_does() {
    let signer = Signer::new();
    let (anna, bert) = (signer.token("anna", 60), signer.token("bert", 60));
    let catalogue = Replica::by_number(|n| if n == 1 { Does::Answer } else { Does::Hang });
    let (router, hand) = gateway_with_keys(&[(Service::Catalogue, from_ref(&catalogue))], impatient(), signer.keys());
    let first = ask_as(&router, GET, "/v1/home", Some(&anna)).await;
    assert_eq!((first.status, is_kept(&first)), (200, false));
    hand.advance_ms(9_000);
    for _ in 0..50 {
        let again = ask_as(&router, GET, "/v1/home", Some(&anna)).await;
        assert_eq!((again.status, again.body.as_str()), (200, "answered"));
        let status = again.cache_status.unwrap();
        assert_eq!(status, "kinora-gateway; hit; ttl=-9; detail=service-silent");
    }
    // The request that found it silent, and one more that asks in the background.
    catalogue.asked(3).await;
    assert_eq!(catalogue.hits(), 3);
    let counters = ask_as(&router, GET, "/metrics", Some("metrics")).await.body;
    assert!(counters.contains("kinora_gateway_kept_total{service=\"catalogue\"} 50"), "{counters}");
    for (token, path) in [(&bert, "/v1/home"), (&anna, "/v1/home?profile=p"), (&signer.token("anna", 9), "/v1/home")] {
        let (router, token, hits) = (router.clone(), token.clone(), catalogue.hits());
        let asking = tokio::spawn(async move { ask_as(&router, GET, path, Some(&token)).await });
        catalogue.asked(hits + 1).await;
        assert!(!asking.is_finished(), "{path}");
        asking.abort();
    }
}

#[tokio::test]
async fn an_answer_ends_the_silence() {
    let signer = Signer::new();
    let anna = signer.token("anna", 60);
    let catalogue = Replica::by_number(|n| if n == 2 { Does::Hang } else { Does::Answer });
    let (router, _) = gateway_with_keys(&[(Service::Catalogue, from_ref(&catalogue))], impatient(), signer.keys());
    let home = async || ask_as(&router, GET, "/v1/home", Some(&anna)).await;
    assert!(!is_kept(&home().await));
    assert!(is_kept(&home().await), "it is silent");
    assert!(is_kept(&home().await), "it was silent: it is asked in the background");
    catalogue.asked(3).await;
    let mut tries = 0;
    while is_kept(&home().await) {
        tries += 1;
        assert!(tries < 10_000, "it stays silent");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_replaced_by_what_was_kept_and_its_refusal_is_not() {
    let signer = Signer::new();
    let anna = signer.token("anna", 60);
    for (fault, is_given) in [
        (Does::Fail(Fault::Unreached), true),
        (Does::Fail(Fault::Broken), true),
        (Does::Unavailable, true),
        (Does::Answer, false),
    ] {
        let catalogue = Replica::by_number(move |n| if n == 1 { Does::Answer } else { fault });
        let patient = Bounds { silent_after: Duration::from_secs(3600), ..bounds() };
        let (router, _) = gateway_with_keys(&[(Service::Catalogue, from_ref(&catalogue))], patient, signer.keys());
        ask_as(&router, GET, "/v1/search?q=a", Some(&anna)).await;
        let again = ask_as(&router, GET, "/v1/search?q=a", Some(&anna)).await;
        assert_eq!((again.status, is_kept(&again)), (200, is_given), "{fault:?}");
    }
}

#[tokio::test]
async fn nothing_is_kept_of_other_calls_strangers_and_changed_accounts() {
    let signer = Signer::new();
    let anna = signer.token("anna", 60);
    let services = [Service::Accounts, Service::Playback, Service::Catalogue].map(|service| {
        let answers_first = Replica::by_number(|n| if n == 1 { Does::Answer } else { Does::Fail(Fault::Broken) });
        (service, [answers_first])
    });
    let replicas = services.each_ref().map(|(service, replicas)| (*service, &replicas[..]));
    let (router, _) = gateway_with_keys(&replicas, impatient(), signer.keys());
    for path in ["/v1/account", "/v1/positions"] {
        assert_eq!(ask_as(&router, GET, path, Some(&anna)).await.status, 200, "{path}");
        assert_eq!(ask_as(&router, GET, path, Some(&anna)).await.status, 502, "{path}");
    }
    assert_eq!(ask(&router, GET, "/v1/home").await.status, 200);
    assert_eq!(ask(&router, GET, "/v1/home").await.status, 502, "without a token");

    let catalogue = Replica::by_number(|n| if n == 1 { Does::Answer } else { Does::Fail(Fault::Broken) });
    let (router, _) = gateway_with_keys(&[(Service::Catalogue, from_ref(&catalogue))], impatient(), signer.keys());
    ask_as(&router, GET, "/v1/home", Some(&anna)).await;
    assert!(is_kept(&ask_as(&router, GET, "/v1/home", Some(&anna)).await));
    assert_eq!(ask_as(&router, Method::POST, "/v1/sign-out", Some(&anna)).await.status, 200);
    assert_eq!(ask_as(&router, GET, "/v1/home", Some(&anna)).await.status, 502, "it was forgotten");
}
