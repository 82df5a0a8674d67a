//! The router of the whole backend: that of each service, and what belongs to all of them.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kinora_api::{ErrorCode, internal, paths};
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::extract::bearer_token;
use kinora_kit::http::host;
use kinora_kit::http::problem::Problem;
use kinora_kit::signature::EdgeSecret;
use kinora_store::Store;

use super::Backend;

type Shared = State<Arc<Backend>>;

/// Every call of the backend. Services of one process call one another without a detour.
pub fn router(backend: &Arc<Backend>, secret: EdgeSecret, body: BodyLimits) -> Router {
    let accounts: Arc<dyn internal::Accounts> = Arc::<kinora_accounts::Accounts>::clone(&backend.accounts);
    let catalogue: Arc<dyn internal::Catalogue> = Arc::<kinora_catalogue::Catalogue>::clone(&backend.catalogue);
    let playback: Arc<dyn internal::Playback> = Arc::<kinora_playback::Playback>::clone(&backend.playback);
    let of_accounts = kinora_accounts::Deps { playback: Arc::clone(&playback), body };
    let of_catalogue = kinora_catalogue::Deps { accounts: Arc::clone(&accounts), playback, secret };
    let of_playback = kinora_playback::Deps { accounts, catalogue, body };
    Router::new()
        .route(paths::HEALTH, get(health))
        .route(paths::READY, get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(backend))
        .merge(kinora_accounts::service(Arc::clone(&backend.accounts), of_accounts))
        .merge(kinora_catalogue::service(Arc::clone(&backend.catalogue), of_catalogue))
        .merge(kinora_playback::service(Arc::clone(&backend.playback), of_playback))
        .fallback(async || Problem::new(ErrorCode::NotFound, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(ErrorCode::MethodNotAllowed, "the path does not take this method")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(backend), count))
        .layer(middleware::from_fn(host::check))
}

async fn count(State(backend): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    backend.counters.answered(response.status().as_u16());
    response
}

impl Backend {
    fn stores(&self) -> [&Store; 2] {
        [self.accounts.store(), self.playback.store()]
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
    let [accounts, playback] = backend.stores();
    let now_ms = backend.clock.now_ms();
    tokio::try_join!(accounts.prove_writable(now_ms), playback.prove_writable(now_ms))?;
    Ok("ready\n")
}

/// The counters, for whoever has the token in `keys/metrics.token`.
async fn metrics(State(backend): Shared, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let shown = bearer_token(&headers).unwrap_or_default();
    if verify_slices_are_equal(shown.as_bytes(), backend.metrics_token.trim().as_bytes()).is_err() {
        return Err(Problem::new(ErrorCode::SignInExpired, "the counters are for operators"));
    }
    let titles = backend.catalogue.now().count();
    let running = backend.playback.running().await?;
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((headers, backend.counters.render(&backend.accounts.counts, &backend.playback.counts, titles, running)))
}
