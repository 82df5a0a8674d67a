//! Services that are functions, and a gateway before them without sockets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response};
use kinora_api::ApiError;
use kinora_gateway::caller::TokenKeys;
use kinora_gateway::gateway::{Bounds, Gateway, Keys, router};
use kinora_gateway::topology::Service;
use kinora_gateway::transport::{Fault, Replicas, Transport};
use kinora_kit::clock::{Clock, ManualClock};
use kinora_kit::http::attested::GatewayKey;
use kinora_stage::PATIENCE;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

/// What a replica does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Answer,
    Fail(Fault),
    /// Answers as a proxy whose server is away.
    Unavailable,
    Hang,
}

/// A replica that does the same with each request, until it is told otherwise, and counts them.
#[derive(Clone)]
pub struct Replica {
    pub hits: Arc<AtomicUsize>,
    behaviour: Arc<dyn Fn(usize) -> Does + Send + Sync>,
}

impl Replica {
    pub fn that(does: Does) -> Self {
        Self::by_number(move |_| does)
    }

    /// A replica that decides by the number of the request, from 1.
    pub fn by_number(behaviour: impl Fn(usize) -> Does + Send + Sync + 'static) -> Self {
        Self { hits: Arc::default(), behaviour: Arc::new(behaviour) }
    }

    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Waits until the replica has been asked `count` times.
    pub async fn asked(&self, count: usize) {
        let begun = Instant::now();
        while self.hits() < count {
            assert!(begun.elapsed() < PATIENCE, "asked {} of {count} times", self.hits());
            tokio::task::yield_now().await;
        }
    }

    fn transport(&self) -> Transport {
        let replica = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |_: Request<Body>| {
            let does = (replica.behaviour)(replica.hits.fetch_add(1, Ordering::SeqCst) + 1);
            async move {
                match does {
                    Does::Answer => Ok(Response::new(Body::from("answered"))),
                    Does::Unavailable => Ok(Response::builder().status(503).body(Body::empty()).unwrap()),
                    Does::Fail(fault) => Err(fault),
                    Does::Hang => std::future::pending().await,
                }
            }
        }))
    }
}

/// Bounds under which nothing waits: neither for a deadline nor for a service that is away.
pub fn bounds() -> Bounds {
    let long = Duration::from_secs(3600);
    Bounds { deadline: long, patience: long, grace: Duration::ZERO, ..Bounds::default() }
}

/// A gateway before these replicas; services that are not named answer.
pub fn gateway(replicas: &[(Service, &[Replica])], bounds: Bounds) -> (Router, ManualClock) {
    gateway_with_keys(replicas, bounds, TokenKeys::default())
}

/// The same with keys by which it knows accounts.
pub fn gateway_with_keys(
    replicas: &[(Service, &[Replica])],
    bounds: Bounds,
    tokens: TokenKeys,
) -> (Router, ManualClock) {
    let (clock, hand) = Clock::manual(0);
    let mut services: Replicas = Service::ALL
        .map(|service| (service, vec![("other".to_owned(), Replica::that(Does::Answer).transport())]))
        .into();
    for (service, replicas) in replicas {
        let named = replicas.iter().enumerate().map(|(n, replica)| (format!("replica-{n}"), replica.transport()));
        services.insert(*service, named.collect());
    }
    let keys = Keys {
        gateway: GatewayKey::new("0123456789abcdef").unwrap(),
        metrics_token: "metrics".to_owned(),
        tokens: RwLock::new(Arc::new(tokens)),
    };
    (router(Arc::new(Gateway::new(services, keys, bounds, &clock))), hand)
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    /// Mark of an answer that was kept.
    pub cache_status: Option<String>,
    pub retry_after: Option<String>,
    pub body: String,
}

impl Answered {
    /// The error that the answer carries.
    pub fn error(&self) -> ApiError {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Asks and reads the answer.
pub async fn ask(router: &Router, method: Method, path: &str) -> Answered {
    ask_as(router, method, path, None).await
}

/// Asks with a token.
pub async fn ask_as(router: &Router, method: Method, path: &str, token: Option<&str>) -> Answered {
    let mut request = Request::builder().method(method).uri(path).header("host", "kinora");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, retry_after) = (response.status().as_u16(), response.headers().get("retry-after").cloned());
    let cache_status = response.headers().get("cache-status").map(|value| value.to_str().unwrap().to_owned());
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    Answered {
        status,
        cache_status,
        retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}
