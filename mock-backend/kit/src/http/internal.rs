//! Calls between services that run in different processes: JSON over HTTP, with a key that only services have.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{self, Next};
use axum::response::Response;
use kinora_api::{ApiError, ErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::extract::bearer_token;
use super::problem::Problem;
use super::server::KEPT_IDLE;
use super::trace;

/// Time in which a service has to answer another one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time after which a call to a service that is not there is worth another try, in milliseconds.
const RETRY_AFTER_MS: u64 = 1_000;

/// Key that services show one another. Cloning is cheap.
#[derive(Clone)]
pub struct InternalKey(Arc<str>);

impl InternalKey {
    /// The key of a text; white space around it does not count.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    fn is(&self, shown: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(shown.as_bytes(), self.0.as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for InternalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InternalKey(***)")
    }
}

/// Puts the key before all routes of a router.
pub fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>, key: InternalKey) -> Router<S> {
    router.route_layer(middleware::from_fn_with_state(key, check))
}

async fn check(State(key): State<InternalKey>, request: Request, next: Next) -> Result<Response, Problem> {
    if bearer_token(request.headers()).is_some_and(|shown| key.is(shown)) {
        return Ok(next.run(request).await);
    }
    // As where there is nothing: who is no service need not know of it.
    Err(Problem::new(ErrorCode::NotFound, "there is nothing at this path"))
}

/// Address of a service in another process, which may be told later and may change.
#[derive(Debug, Default)]
pub struct Peer(RwLock<Option<String>>);

impl Peer {
    /// A peer at a base URL; `None` if it is not known yet.
    pub fn new(url: Option<&Url>) -> Self {
        let peer = Self::default();
        if let Some(url) = url {
            peer.set(url);
        }
        peer
    }

    /// Sets the base URL.
    pub fn set(&self, url: &Url) {
        let base = url.as_str().trim_end_matches('/').to_owned();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(base);
    }
}

/// Calls a service in another process.
#[derive(Clone, Debug)]
pub struct Caller {
    peer: Arc<Peer>,
    key: InternalKey,
    client: reqwest::Client,
}

impl Caller {
    /// Sets the client up.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(peer: Arc<Peer>, key: InternalKey) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).pool_idle_timeout(KEPT_IDLE).build()?;
        Ok(Self { peer, key, client })
    }

    /// Sends `body` to a path of the service and returns its answer.
    ///
    /// # Errors
    /// That of the service; 7018 when it is not known, not there or does not answer within 5 s.
    pub async fn call<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiError> {
        let base = self.peer.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let base = base.ok_or_else(|| absent(&"its address is not known"))?;
        let mut trace = HeaderMap::new();
        trace::send_current(&mut trace);
        let ask = || {
            let request = self.client.post(format!("{base}{path}")).bearer_auth(&self.key.0).json(body);
            request.headers(trace.clone()).send()
        };
        // A connection that was kept may have ended with the process behind it; every call may come twice.
        let answer = match ask().await {
            Err(error) if !error.is_timeout() && !error.is_builder() => ask().await,
            answer => answer,
        };
        let answer = answer.map_err(|error| absent(&error.without_url()))?;
        if answer.status().is_success() {
            return answer.json().await.map_err(|error| absent(&error.without_url()));
        }
        let status = answer.status();
        Err(answer.json().await.unwrap_or_else(|_| absent(&format!("status {status}"))))
    }
}

fn absent(cause: &dyn std::fmt::Display) -> ApiError {
    tracing::warn!(%cause, "another service did not answer");
    ApiError::new(ErrorCode::ServiceUnavailable, "a part of the service does not answer")
        .with_retry_after_ms(RETRY_AFTER_MS)
}
