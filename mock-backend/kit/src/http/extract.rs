//! What handlers take out of requests, with our error body when it is not there.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use kinora_api::{ErrorCode, internal};
use serde::de::DeserializeOwned;

use super::body::{self, BodyError, BodyLimits};
use super::problem::Problem;
use crate::signature::{EdgeSecret, ORIGIN_KEY_HEADER};

/// Bearer of a valid access token whose sign-in was not revoked. The state of the router has a client of the accounts.
#[derive(Clone, Debug)]
pub struct Viewer(pub internal::Viewer);

impl<S> FromRequestParts<S> for Viewer
where
    S: Send + Sync,
    Arc<dyn internal::Accounts>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers)
            .ok_or_else(|| Problem::new(ErrorCode::SignInExpired, "the request carries no access token"))?;
        let accounts = Arc::<dyn internal::Accounts>::from_ref(state);
        Ok(Self(accounts.identify(token).await?))
    }
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Refuses a request that does not show the key of the edges.
///
/// # Errors
/// 7012 when it does not.
pub fn check_edge(secret: &EdgeSecret, headers: &HeaderMap) -> Result<(), Problem> {
    let shown = headers.get(ORIGIN_KEY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if secret.is_origin_key(shown) {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::GrantInvalid, "the origin answers edges only"))
}

/// A JSON body. The state of the router has its limits.
#[derive(Clone, Debug)]
pub struct Payload<T>(pub T);

impl<S, T> FromRequest<S> for Payload<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    BodyLimits: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            let message = "the body is not declared as application/json";
            return Err(Problem::new(ErrorCode::InvalidRequest, message));
        }
        let bytes = body::read(&parts.headers, body, &BodyLimits::from_ref(state)).await.map_err(unread)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| refused(&error))
    }
}

/// True for `application/json` and `application/…+json` (RFC 6839 §3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
}

fn unread(error: BodyError) -> Problem {
    match error {
        BodyError::TooLarge => Problem::new(ErrorCode::RequestTooLarge, error.to_string()),
        BodyError::TooSlow => {
            Problem::new(ErrorCode::InvalidRequest, error.to_string()).with_status(StatusCode::REQUEST_TIMEOUT)
        }
        BodyError::Broken => Problem::new(ErrorCode::InvalidRequest, error.to_string()),
    }
}

fn refused(error: &serde_json::Error) -> Problem {
    // The parser's own words name a line and a field, never a value that was sent.
    let message = match error.classify() {
        serde_json::error::Category::Data => {
            format!("the body is not what the call takes: {}", shape(&error.to_string()))
        }
        _ => "the body is not JSON".to_owned(),
    };
    Problem::new(ErrorCode::InvalidRequest, message)
}

/// What serde says about the shape; its "invalid type" messages repeat the value, which may be a password, and are cut there.
fn shape(text: &str) -> String {
    if text.contains("missing field") || text.contains("unknown variant") && !text.contains("password") {
        text.chars().take(160).collect()
    } else {
        "a field has another type than it should".to_owned()
    }
}

/// A query string.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(value) = Query::<T>::try_from_uri(&parts.uri)
            .map_err(|_| Problem::new(ErrorCode::InvalidRequest, "the query string is not what the call takes"))?;
        Ok(Self(value))
    }
}
