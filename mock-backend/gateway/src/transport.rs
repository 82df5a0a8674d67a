//! One replica as a tower service: requests out, answers back, failures as the gateway tells them apart.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{HeaderValue, Request, Response, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kinora_kit::http::server::KEPT_IDLE;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use crate::topology::{Service, Topology, Upstream};

/// Time for a connection to a replica.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
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

/// The replicas of each service, by name.
pub type Replicas = BTreeMap<Service, Vec<(String, Transport)>>;

/// Returns the replicas of a topology, over HTTP.
pub fn over_http(topology: &Topology) -> Replicas {
    let named = |upstream: &Upstream| (upstream.to_string(), connect(upstream));
    Service::ALL.map(|service| (service, topology.replicas(service).iter().map(named).collect())).into()
}

/// Returns one replica of every service that is a router of this process: nothing is sent.
pub fn in_process(router: &Router) -> Replicas {
    let answers = ServiceExt::<Request<Body>>::map_err(router.clone(), |never: Infallible| -> Fault { match never {} });
    let transport: Transport = BoxCloneSyncService::new(answers.map_request(|mut request: Request<Body>| {
        // Over HTTP/1.1 every request has one.
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("kinora"));
        request
    }));
    Service::ALL.map(|service| (service, vec![("in process".to_owned(), transport.clone())])).into()
}

/// Returns the transport to a replica over HTTP, with its own connections.
fn connect(upstream: &Upstream) -> Transport {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(KEPT_IDLE)
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
