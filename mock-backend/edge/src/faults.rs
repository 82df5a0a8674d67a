//! The fault plan at the edge: the verdict about a request, and the effects that come before a body. Those on bodies are applied by
//! [`kinora_chaos::apply`].

use std::borrow::Cow;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use kinora_api::ErrorCode;
use kinora_chaos::apply::{LONGEST_STALL, Piece, Pieces};
use kinora_chaos::server::{UnfitPlan, check, first_part};
use kinora_faults::{Effect, FaultPlan, Request, Verdict};

use super::fill::lock;
use kinora_kit::clock::Clock;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::Connection;

/// Page that stands for a sign-in page of a network.
const PAGE: &[u8] = b"<!DOCTYPE html><html><body>Sign in to this network</body></html>";

/// The plan of an edge, and the time at which it began.
pub(super) struct Faults {
    plan: Mutex<FaultPlan>,
    clock: Clock,
    began_ms: i64,
}

impl Faults {
    /// # Errors
    /// [`UnfitPlan`] if the plan has an effect that no server can have.
    pub(super) fn new(plan: FaultPlan, clock: Clock) -> Result<Self, UnfitPlan> {
        check(&plan)?;
        let began_ms = clock.monotonic_ms();
        Ok(Self { plan: Mutex::new(plan), clock, began_ms })
    }

    /// Decides about a request for `path`, which has neither token nor version.
    pub(super) fn verdict(&self, request: &Parts, path: &str, edge: &str) -> Verdict {
        let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let elapsed_ms = self.clock.monotonic_ms().saturating_sub(self.began_ms);
        lock(&self.plan).verdict(&Request {
            path,
            alias: None,
            address: &format!("http://{host}/{path}"),
            edge,
            kind: None,
            at: Duration::from_millis(u64::try_from(elapsed_ms).unwrap_or(0)),
        })
    }
}

/// Returns the error body for an effect that is one.
pub(super) fn refusal(effect: &Effect) -> Option<Problem> {
    let (code, retry_after) = match effect {
        Effect::Status(code) => (*code, None),
        Effect::Busy(code, delay) => (*code, Some(*delay)),
        _ => return None,
    };
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let problem = Problem::new(ErrorCode::InjectedFault, "a fault of the fault plan").with_status(status);
    Some(match retry_after {
        Some(delay) => problem.with_retry_after_ms(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
        None => problem,
    })
}

/// Returns the answer that an effect gives instead of the file, if it does. [`Effect::Silence`] waits for the client to leave.
pub(super) async fn substitute(effect: &Effect, request: &Parts) -> Option<(Response, Option<Pieces>)> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match effect {
        Effect::Silence => {
            tokio::time::sleep(LONGEST_STALL).await;
            *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
            Some((response, None))
        }
        Effect::Html => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(PAGE.len()));
            let page = Piece { offset: None, bytes: Bytes::from_static(PAGE) };
            let body: Pieces = Box::pin(stream::iter([Ok(page)]));
            Some((response, (request.method != Method::HEAD).then_some(body)))
        }
        Effect::Redirect(host) => {
            let target = request.uri.path_and_query().map_or("/", |target| target.as_str());
            // A plan's host has only characters of names and addresses, and a target those of a URI.
            let location = HeaderValue::from_str(&format!("http://{host}{target}")).ok()?;
            headers.insert(header::LOCATION, location);
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
            *response.status_mut() = StatusCode::FOUND;
            Some((response, None))
        }
        _ => None,
    }
}

/// Returns the request as the effect lets the edge see it: without its range, or with the first part of it.
pub(super) fn altered<'r>(effect: Option<&Effect>, request: &'r Parts) -> Cow<'r, Parts> {
    let range = || request.headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    match effect {
        Some(Effect::WholeFile) => {
            let mut request = request.clone();
            request.headers.remove(header::RANGE);
            Cow::Owned(request)
        }
        Some(Effect::Parts(parts)) => {
            let part = range().and_then(|range| first_part(range, *parts));
            let Some(part) = part.and_then(|part| HeaderValue::from_str(&part).ok()) else {
                return Cow::Borrowed(request);
            };
            let mut request = request.clone();
            request.headers.insert(header::RANGE, part);
            Cow::Owned(request)
        }
        _ => Cow::Borrowed(request),
    }
}

/// Changes the head of an answer with a body. Returns false if the effect takes the body away.
pub(super) fn change_head(effect: &Effect, response: &mut Response, connection: Option<&Connection>) -> bool {
    match effect {
        Effect::Empty => {
            let headers = response.headers_mut();
            headers.remove(header::CONTENT_RANGE);
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
            *response.status_mut() = StatusCode::OK;
            false
        }
        Effect::Garbled => {
            if let Some(connection) = connection {
                connection.garble_next();
            }
            true
        }
        _ => true,
    }
}
