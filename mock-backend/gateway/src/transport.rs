//! One replica as a tower service: requests out, answers back, failures as the gateway tells them apart.

use std::time::Duration;

use axum::body::Body;
use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::util::BoxCloneSyncService;

use crate::topology::Upstream;

/// Time for a connection to a replica.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time that an idle connection is kept; shorter than services keep theirs (60 s), so that they seldom close under a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle connections that are kept for each replica.
const MAX_IDLE: usize = 64;
/// Bytes of the head of an answer.
const MAX_HEAD: usize = 64 * 1024;

/// Reason why there is no answer of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No connection: nobody has read the request.
    #[error("it cannot be reached")]
    Unreached,
    /// The connection broke, or what came is not HTTP: the request may have been carried out.
    #[error("its answer broke off")]
    Broken,
    /// No answer in time: the request may have been carried out.
    #[error("it does not answer")]
    Silent,
}

/// Sends requests to one replica. Their URI has a path only.
pub type Transport = BoxCloneSyncService<Request<Body>, Response<Body>, Fault>;

/// Returns the transport to a replica over HTTP, with its own connections.
pub fn connect(upstream: &Upstream) -> Transport {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE)
        .http1_max_buf_size(MAX_HEAD)
        .http2_only(upstream.is_http2)
        .build(connector);
    let authority = upstream.authority.clone();
    BoxCloneSyncService::new(tower::service_fn(move |mut request: Request<Body>| {
        let (client, authority) = (client.clone(), authority.clone());
        async move {
            let path = request.uri().path_and_query().cloned();
            let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
            *request.uri_mut() = Uri::builder()
                .scheme(Scheme::HTTP)
                .authority(authority)
                .path_and_query(path)
                .build()
                .map_err(|_| Fault::Broken)?;
            match client.request(request).await {
                Ok(response) => Ok(response.map(Body::new)),
                Err(error) if error.is_connect() => Err(Fault::Unreached),
                Err(_) => Err(Fault::Broken),
            }
        }
    }))
}
