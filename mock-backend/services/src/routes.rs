//! The router of the whole backend: that of each service, and what belongs to all of them.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::try_join_all;
use kinora_api::{ErrorCode, internal, paths};
use kinora_eventlog::EventLog;
use kinora_kit::http::attested::GatewayKey;
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::extract::bearer_token;
use kinora_kit::http::host;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::trace;
use kinora_kit::signature::EdgeSecret;
use kinora_store::Store;

use super::Backend;
use super::members::Member;

type Shared = State<Arc<Backend>>;

/// Every call of the services that run here. They ask one another without a detour, or over HTTP those that run elsewhere.
///
/// # Errors
/// When a client cannot be set up.
pub fn router(
    backend: &Arc<Backend>,
    (secret, gateway): (EdgeSecret, GatewayKey),
    body: BodyLimits,
    log: Option<Arc<dyn EventLog>>,
    used: &Arc<dyn EventLog>,
) -> Result<Router, reqwest::Error> {
    let clients = Clients::of(backend)?;
    let mut router = Router::new()
        .route(paths::HEALTH, get(health))
        .route(paths::READY, get(ready))
        .route("/metrics", get(metrics))
        .route(paths::OPENAPI, get(openapi))
        .with_state(Arc::clone(backend));
    let key = backend.peers.key();
    if let (Some(log), Some(key)) = (log, key.clone()) {
        router = router.merge(kinora_eventlog::remote::routes(log, key));
    }
    if let Some(accounts) = &backend.accounts {
        let deps = kinora_accounts::Deps { playback: Arc::clone(&clients.playback), body, gateway };
        router = router.merge(kinora_accounts::service(Arc::clone(accounts), deps));
        if let Some(key) = key.clone() {
            router = router.merge(kinora_accounts::client::routes(Arc::clone(accounts), key));
        }
    }
    if let Some(catalogue) = &backend.catalogue {
        let (accounts, playback) = (Arc::clone(&clients.accounts), Arc::clone(&clients.playback));
        let deps = kinora_catalogue::Deps {
            accounts,
            playback,
            log: Arc::clone(used),
            clock: backend.clock.clone(),
            recommendations: clients.recommendations,
            secret,
        };
        router = router.merge(kinora_catalogue::service(Arc::clone(catalogue), deps));
        if let Some(key) = key.clone() {
            router = router.merge(kinora_catalogue::client::routes(Arc::clone(catalogue), key));
        }
    }
    if let Some(recommendations) = &backend.recommendations {
        let deps = kinora_recommendations::Deps { catalogue: Arc::clone(&clients.catalogue), log: Arc::clone(used) };
        kinora_recommendations::start(recommendations, deps);
        if let Some(key) = key.clone() {
            router = router.merge(kinora_recommendations::client::routes(Arc::clone(recommendations), key));
        }
    }
    if let Some(playback) = &backend.playback {
        let deps = kinora_playback::Deps { accounts: clients.accounts, catalogue: clients.catalogue, body };
        router = router.merge(kinora_playback::service(Arc::clone(playback), deps));
        if let Some(key) = key {
            router = router.merge(kinora_playback::client::routes(Arc::clone(playback), key));
        }
    }
    let router = router
        .fallback(async || Problem::new(ErrorCode::NotFound, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(ErrorCode::MethodNotAllowed, "the path does not take this method")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(backend), count))
        .layer(middleware::from_fn(host::check))
        .layer(middleware::from_fn(trace::follow));
    Ok(router)
}

/// Clients of all services.
struct Clients {
    accounts: Arc<dyn internal::Accounts>,
    catalogue: Arc<dyn internal::Catalogue>,
    playback: Arc<dyn internal::Playback>,
    recommendations: Arc<dyn internal::Recommendations>,
}

impl Clients {
    fn of(backend: &Backend) -> Result<Self, reqwest::Error> {
        let Backend { accounts, catalogue, playback, recommendations, peers, .. } = backend;
        Ok(Self {
            accounts: match (peers.is_remote(Member::Accounts), accounts) {
                (false, Some(accounts)) => Arc::<kinora_accounts::Accounts>::clone(accounts),
                _ => Arc::new(kinora_accounts::client::HttpClient::new(peers.caller(Member::Accounts)?)),
            },
            catalogue: match (peers.is_remote(Member::Catalogue), catalogue) {
                (false, Some(catalogue)) => Arc::<kinora_catalogue::Catalogue>::clone(catalogue),
                _ => Arc::new(kinora_catalogue::client::HttpClient::new(peers.caller(Member::Catalogue)?)),
            },
            playback: match (peers.is_remote(Member::Playback), playback) {
                (false, Some(playback)) => Arc::<kinora_playback::Playback>::clone(playback),
                _ => Arc::new(kinora_playback::client::HttpClient::new(peers.caller(Member::Playback)?)),
            },
            recommendations: match (peers.is_remote(Member::Recommendations), recommendations) {
                (false, Some(here)) => Arc::<kinora_recommendations::Recommendations>::clone(here),
                _ => Arc::new(kinora_recommendations::client::HttpClient::new(peers.caller(Member::Recommendations)?)),
            },
        })
    }
}

async fn count(State(backend): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    backend.counters.answered(response.status().as_u16());
    response
}

impl Backend {
    pub(crate) fn stores(&self) -> impl Iterator<Item = &Store> {
        let accounts = self.accounts.as_ref().map(|accounts| accounts.store());
        let playback = self.playback.as_ref().map(|playback| playback.store());
        let recommendations = self.recommendations.as_ref().map(|recommendations| recommendations.store());
        accounts.into_iter().chain(playback).chain(recommendations)
    }
}

/// Alive, and not known to be unable to write. After a write that failed, this asks for another, so that the answer is 200 again
/// as soon as writing works.
async fn health(State(backend): Shared) -> Result<impl IntoResponse, Problem> {
    for store in backend.stores() {
        if store.is_failing() {
            store.prove_writable(backend.clock.now_ms()).await?;
        }
    }
    Ok("ok\n")
}

/// Ready for work: each store made a write durable just now.
async fn ready(State(backend): Shared) -> Result<impl IntoResponse, Problem> {
    let now_ms = backend.clock.now_ms();
    try_join_all(backend.stores().map(|store| store.prove_writable(now_ms))).await?;
    Ok("ready\n")
}

/// The description of the calls that this process answers.
async fn openapi(State(backend): Shared) -> axum::Json<utoipa::openapi::OpenApi> {
    let members = Member::ALL.into_iter().filter(|member| match member {
        Member::Accounts => backend.accounts.is_some(),
        Member::Catalogue => backend.catalogue.is_some(),
        Member::Playback => backend.playback.is_some(),
        Member::Recommendations => backend.recommendations.is_some(),
    });
    axum::Json(crate::description::of(members))
}

/// The counters, for whoever has the token in `keys/metrics.token`.
async fn metrics(State(backend): Shared, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let shown = bearer_token(&headers).unwrap_or_default();
    if verify_slices_are_equal(shown.as_bytes(), backend.metrics_token.trim().as_bytes()).is_err() {
        return Err(Problem::new(ErrorCode::SignInExpired, "the counters are for operators"));
    }
    let titles = backend.catalogue.as_ref().map(|catalogue| catalogue.now().count());
    let playback = match &backend.playback {
        None => None,
        Some(playback) => Some((&playback.counts, playback.running().await?)),
    };
    let accounts = backend.accounts.as_ref().map(|accounts| &accounts.counts);
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((headers, backend.counters.render(accounts, playback, titles)))
}
