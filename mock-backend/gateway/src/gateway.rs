//! A request's way through the gateway: who asks, whether there is room, which service answers, and what comes back.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, on};
use kinora_api::{ErrorCode, paths};
use kinora_kit::clock::Clock;
use kinora_kit::http::attested::GatewayKey;
use kinora_kit::http::body::{self, BodyError, BodyLimits};
use kinora_kit::http::host;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::Connection;
use kinora_kit::http::trace::Hop;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use crate::admission::{Admission, Class, Place};
use crate::body::carry;
use crate::caller::TokenKeys;
use crate::headers;
use crate::kept::{Answer, Kept, MAX_BODY, Name, Silence};
use crate::metrics::{Counters, Reason};
use crate::quota::{Allowance, Quotas};
use crate::routes::{CALLS, Call, DESCRIPTION};
use crate::topology::Service;
use crate::transport::{Fault, Replicas};
use crate::upstream::{Outgoing, Refusal, RepeatBudget, Terms, UpstreamService};

/// Delay after which a request that found no room may be tried again.
const COME_BACK_MS: u64 = 1_000;

/// Limits of the load that the gateway takes.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Maximum number of requests under way; default 1,024.
    pub places: usize,
    /// Maximum number of requests under way to one service; default 256.
    pub service_places: usize,
    /// Quota of an address, behind which may be a whole house or school; default 2,000 a second, 4,000 at once.
    pub address: Allowance,
    /// Quota of an account; default 300 a second, 600 at once.
    pub account: Allowance,
    /// Repeats; default 20 % of the requests of 10 s, and 10 a second.
    pub repeats: RepeatBudget,
    /// Time for which a request waits while no replica of its service can be reached; default 2 s.
    pub grace: Duration,
    /// Bodies of requests; default 64 KiB.
    pub body: BodyLimits,
    /// Time without progress after which an answer is given up; default 30 s.
    pub patience: Duration,
    /// Time until an answer begins, if that is shorter than the call's own; default: the call's own.
    pub deadline: Duration,
    /// Time without an answer after which a service is thought silent, and what was kept is given; default 1 s.
    pub silent_after: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            places: 1_024,
            service_places: 256,
            address: Allowance::per_second(2_000),
            account: Allowance::per_second(300),
            repeats: RepeatBudget { percent: 20, per_second: 10, window: Duration::from_secs(10) },
            grace: Duration::from_secs(2),
            body: BodyLimits::up_to(64 * 1024),
            patience: Duration::from_secs(30),
            deadline: Duration::MAX,
            silent_after: Duration::from_secs(1),
        }
    }
}

/// Secrets and keys of a gateway.
#[derive(Debug)]
pub struct Keys {
    /// Attests the client's address to services.
    pub gateway: GatewayKey,
    /// Bearer token of whoever reads the counters.
    pub metrics_token: String,
    /// Public keys that access tokens are signed with; none: each token has its own quota.
    pub tokens: RwLock<Arc<TokenKeys>>,
}

/// A gateway without its sockets.
pub struct Gateway {
    services: BTreeMap<Service, UpstreamService>,
    admission: Admission,
    quotas: Quotas,
    keys: Keys,
    metrics: Counters,
    bounds: Bounds,
    kept: Kept,
    silences: BTreeMap<Service, Silence>,
    clock: Clock,
}

/// A request on its way to a service.
struct Onward {
    call: &'static Call,
    outgoing: Outgoing,
    place: Place,
    connection: Option<Connection>,
}

/// The call that an answer belongs to; in the answer's extensions on its way out.
#[derive(Clone, Copy)]
struct Answered(&'static str);

impl Gateway {
    /// A gateway to the named replicas of each service.
    pub fn new(mut replicas: Replicas, keys: Keys, bounds: Bounds, clock: &Clock) -> Self {
        let services = Service::ALL.map(|service| {
            let replicas = replicas.remove(&service).unwrap_or_default();
            let terms = Terms { places: bounds.service_places, repeats: bounds.repeats, grace: bounds.grace };
            (service, UpstreamService::new(service, replicas, terms, clock.clone()))
        });
        Self {
            services: services.into(),
            admission: Admission::new(bounds.places),
            quotas: Quotas::new(bounds.address, bounds.account, clock.clone()),
            keys,
            metrics: Counters::default(),
            bounds,
            kept: Kept::default(),
            silences: Service::ALL.map(|service| (service, Silence::default())).into(),
            clock: clock.clone(),
        }
    }

    /// Forgets idle callers and sums up counters. To be called every few seconds.
    pub fn tidy_up(&self) {
        self.quotas.forget_idle();
        self.metrics.upkeep();
    }

    /// Takes other public keys of access tokens.
    pub fn set_token_keys(&self, keys: TokenKeys) {
        *self.keys.tokens.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn token_keys(&self) -> Arc<TokenKeys> {
        Arc::clone(&self.keys.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(self: Arc<Self>, call: &'static Call, request: Request) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        let connection = parts.extensions.get::<Connection>().cloned();
        let client = connection.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |connection| connection.peer.ip());
        let service = call.service.name();
        let token_keys = self.token_keys();
        let caller = token_keys.caller(&parts.headers);
        self.quotas.take(client.into(), caller.as_ref()).map_err(|wait| {
            self.metrics.refused(service, Reason::Quota);
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            let problem = Problem::new(ErrorCode::ServiceUnavailable, "too many requests in a short time");
            problem.with_status(StatusCode::TOO_MANY_REQUESTS).with_retry_after_ms(wait_ms)
        })?;
        let place = self.admission.enter(call.class).ok_or_else(|| {
            self.metrics.refused(service, Reason::Shed);
            unavailable("the service is busy", COME_BACK_MS)
        })?;
        if parts.uri.path().split('/').any(is_dots) {
            return Err(Problem::new(ErrorCode::NotFound, "there is nothing at this path"));
        }
        let body = body::read(&parts.headers, body, &self.bounds.body).await.map_err(unread)?;
        let mut headers = headers::of_request(&parts.headers, parts.version);
        if let Some(hop) = parts.extensions.get::<Hop>() {
            hop.send(&mut headers);
        }
        self.keys.gateway.attest(client, &mut headers);
        let path = parts.uri.into_parts().path_and_query.map_or_else(Uri::default, Uri::from);
        let viewer = token_keys.viewer(&parts.headers, self.clock.now_ms());
        let name = viewer.as_ref().filter(|_| call.is_kept && parts.method == Method::GET);
        let name = name.map(|viewer| Name::new(viewer, &path.to_string(), &headers));
        let is_change = call.class == Class::Account && parts.method != Method::GET;
        let outgoing = Outgoing { method: parts.method, uri: path, headers, body };
        let onward = Onward { call, outgoing, place, connection };
        if let Some(name) = name {
            return self.answer_or_keep(name, onward, &parts.headers).await;
        }
        let answer = self.forward(onward, None).await;
        if is_change && let Some(viewer) = viewer {
            self.kept.forget(&viewer.account);
        }
        answer
    }

    /// Asks the service, and gives what was kept if it is silent or away.
    async fn answer_or_keep(
        self: Arc<Self>,
        name: Name,
        onward: Onward,
        asked: &HeaderMap,
    ) -> Result<Response, Problem> {
        let call = onward.call;
        let Some(kept) = self.kept.get(&name, self.clock.monotonic_ms()) else {
            return self.forward(onward, Some(name)).await;
        };
        let give = |gateway: &Self| {
            gateway.metrics.kept(call.service.name());
            Ok(kept.response(asked, gateway.clock.monotonic_ms()))
        };
        let silence = self.silence(call.service);
        let is_silent = silence.is_some_and(Silence::is_silent);
        if is_silent && !silence.is_some_and(Silence::begins_to_ask) {
            return give(&self);
        }
        // The request goes on after its client was answered: its answer says that the service is back.
        let gateway = Arc::clone(&self);
        let asking = tokio::spawn(
            async move {
                let answer = gateway.forward(onward, Some(name)).await;
                if is_silent && let Some(silence) = gateway.silence(call.service) {
                    silence.asked();
                }
                answer
            }
            .in_current_span(),
        );
        if is_silent {
            return give(&self);
        }
        match timeout(self.bounds.silent_after, asking).await {
            Ok(Ok(Ok(response))) if response.status() != StatusCode::SERVICE_UNAVAILABLE => Ok(response),
            Ok(Ok(_)) => give(&self),
            Ok(Err(panicked)) => Err(Problem::internal(&panicked)),
            Err(_) => {
                if let Some(silence) = silence {
                    silence.set(true);
                }
                give(&self)
            }
        }
    }

    fn silence(&self, service: Service) -> Option<&Silence> {
        self.silences.get(&service)
    }

    /// Sends a request to its service. An answer with status 200 is kept by its name.
    async fn forward(&self, onward: Onward, name: Option<Name>) -> Result<Response, Problem> {
        let Onward { call, outgoing, place, connection } = onward;
        let service = call.service.name();
        let upstream = self.services.get(&call.service).ok_or_else(|| unavailable("there is no such service", 0))?;
        let answer = upstream.send(&outgoing, call.deadline.min(self.bounds.deadline)).await;
        let answer = answer.map_err(|refusal| self.refused(service, refusal))?;
        if let Some(silence) = self.silence(call.service) {
            silence.set(false);
        }
        let (mut head, body) = answer.response.into_parts();
        headers::strip_connection(&mut head.headers);
        head.headers.append(header::VIA, HeaderValue::from_static("1.1 kinora"));
        head.version = Version::HTTP_11;
        let is_short = body.size_hint().exact().is_some_and(|length| length <= MAX_BODY as u64);
        if let Some(name) = name.filter(|_| is_short && head.status == StatusCode::OK) {
            let read = timeout(self.bounds.patience, to_bytes(body, MAX_BODY)).await;
            let broken = |_| self.refused(service, Refusal::Failed(Fault::Broken));
            let body = read.map_err(|_| self.refused(service, Refusal::Failed(Fault::Silent)))?.map_err(broken)?;
            self.kept.put(name, Answer::new(&head.headers, body.clone(), self.clock.monotonic_ms()));
            return Ok(Response::from_parts(head, Body::from(body)));
        }
        let close = move || {
            if let Some(connection) = connection {
                connection.close();
            }
        };
        Ok(Response::from_parts(head, carry(body, answer.place, place, self.bounds.patience, close)))
    }

    fn refused(&self, service: &'static str, refusal: Refusal) -> Problem {
        let (reason, problem) = match refusal {
            Refusal::Crowded => {
                (Reason::Bulkhead, unavailable(&format!("{service} has all the requests it takes"), COME_BACK_MS))
            }
            Refusal::Closed { wait_ms } => {
                let wait_ms = u64::try_from(wait_ms).unwrap_or(0).max(COME_BACK_MS);
                (Reason::Breaker, unavailable(&format!("{service} does not answer at present"), wait_ms))
            }
            Refusal::Failed(fault) => {
                let problem = unavailable(&format!("{service}: {fault}"), COME_BACK_MS);
                (
                    Reason::Failed,
                    match fault {
                        Fault::Unreached => problem,
                        Fault::Broken => problem.with_status(StatusCode::BAD_GATEWAY),
                        Fault::Silent => problem.with_status(StatusCode::GATEWAY_TIMEOUT),
                    },
                )
            }
        };
        self.metrics.refused(service, reason);
        problem
    }
}

fn unavailable(message: &str, retry_after_ms: u64) -> Problem {
    Problem::new(ErrorCode::ServiceUnavailable, message).with_retry_after_ms(retry_after_ms)
}

fn unread(error: BodyError) -> Problem {
    let code = if error == BodyError::TooLarge { ErrorCode::RequestTooLarge } else { ErrorCode::InvalidRequest };
    let problem = Problem::new(code, error.to_string());
    if error == BodyError::TooSlow { problem.with_status(StatusCode::REQUEST_TIMEOUT) } else { problem }
}

/// Returns true for a part of a path that leads elsewhere (RFC 3986 §5.2.4), in any spelling.
fn is_dots(part: &str) -> bool {
    part.len() <= 6 && matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// Every call that exists outside.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let mut router = Router::new();
    for call in &CALLS {
        let forward = async move |State(gateway): State<Arc<Gateway>>, request: Request| {
            let answer = gateway.answer(call, request).await;
            let mut response = answer.unwrap_or_else(IntoResponse::into_response);
            response.extensions_mut().insert(Answered(call.path));
            response
        };
        router = router.route(call.path, on(call.method, forward));
    }
    router
        .route(paths::HEALTH, get(async || "ok\n"))
        .route("/livez", get(async || "ok\n"))
        .route(paths::READY, get(ready))
        .route("/metrics", get(counters))
        .route(paths::OPENAPI, get(async || ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)))
        .fallback(async || Problem::new(ErrorCode::NotFound, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(ErrorCode::MethodNotAllowed, "the path does not take this method")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&gateway), observe))
        .with_state(gateway)
}

/// Gives a request its id and trace, and counts its answer.
async fn observe(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let (hop, begun) = (Hop::receive(request.headers()), Instant::now());
    let span = hop.log_span();
    // HTTP/2 has the host in a field that is part of the target (RFC 9113 §8.3.1).
    let names_host = request.version() == Version::HTTP_2 && request.uri().authority().is_some();
    let mut response = if names_host || host::is_valid(request.version(), request.headers()) {
        request.extensions_mut().insert(hop.clone());
        next.run(request).instrument(span.clone()).await
    } else {
        Problem::new(ErrorCode::InvalidRequest, "a request has exactly one Host, and it names a host").into_response()
    };
    hop.answer(response.headers_mut());
    let call = response.extensions_mut().remove::<Answered>().map_or("-", |answered| answered.0);
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    gateway.metrics.answered(call, status, took);
    span.in_scope(|| tracing::debug!(call, status, ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX)));
    response
}

/// 200 while any service has a replica that takes requests: without one of them the others are still worth asking for.
async fn ready(State(gateway): State<Arc<Gateway>>) -> Result<String, Problem> {
    let mut text = String::new();
    let mut any = false;
    for (service, upstream) in &gateway.services {
        let states: Vec<bool> = upstream.replicas().map(|(_, takes)| takes).collect();
        let count = states.iter().filter(|takes| **takes).count();
        any |= count > 0;
        text += &format!("{} {count}/{}\n", service.name(), states.len());
    }
    if any { Ok(text) } else { Err(unavailable("no service answers", COME_BACK_MS)) }
}

/// The counters, for whoever has the token in `keys/metrics.token`.
async fn counters(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = gateway.keys.metrics_token.trim();
    if verify_slices_are_equal(shown.unwrap_or_default().as_bytes(), token.as_bytes()).is_err() {
        return Err(Problem::new(ErrorCode::SignInExpired, "the counters are for operators"));
    }
    gateway.metrics.set_under_way(gateway.admission.taken());
    for (service, upstream) in &gateway.services {
        gateway.metrics.set_service(service.name(), upstream.repeats(), upstream.free_places());
        for (replica, takes) in upstream.replicas() {
            gateway.metrics.set_replica(service.name(), replica, takes);
        }
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, gateway.metrics.render()))
}
