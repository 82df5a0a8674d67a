//! What handlers take out of requests, with our error body when it is not there.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use kinora_api::{ErrorCode, ProfileId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::tokens::Bearer;
use super::{Backend, revocation};
use kinora_kit::http::body::{self, BodyError};
use kinora_kit::http::problem::Problem;

/// Bearer of a valid access token whose sign-in was not revoked.
#[derive(Clone, Debug)]
pub struct Viewer(pub Bearer);

impl FromRequestParts<Arc<Backend>> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, backend: &Arc<Backend>) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers)
            .ok_or_else(|| Problem::new(ErrorCode::SignInExpired, "the request carries no access token"))?;
        let bearer = backend.sign_ins.tokens().check(token, backend.clock.now_ms())?;
        revocation::check_family(backend.store.reads(), &bearer.family).await?;
        Ok(Self(bearer))
    }
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A JSON body.
#[derive(Clone, Debug)]
pub struct Payload<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Backend>> for Payload<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, backend: &Arc<Backend>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            let message = "the body is not declared as application/json";
            return Err(Problem::new(ErrorCode::InvalidRequest, message));
        }
        let bytes = body::read(&parts.headers, body, &backend.body).await.map_err(unread)?;
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

/// The query string of calls that are about a profile.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ProfileQuery {
    /// Absent: the default profile.
    pub profile: Option<ProfileId>,
}

/// The query string of the home screen and its rows.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct HomeQuery {
    /// Absent: the default profile.
    pub profile: Option<ProfileId>,
    /// Id of a row; only for rows.
    pub id: Option<String>,
    /// Number of the first genre row, or of the first title of a row; absent: 0.
    pub from: Option<usize>,
}

/// The query string of a search.
#[derive(Clone, Debug, Deserialize)]
pub struct SearchQuery {
    /// What to look for.
    #[serde(default)]
    pub q: String,
    /// At most so many titles.
    pub limit: Option<usize>,
    /// Absent: the default profile.
    pub profile: Option<ProfileId>,
}

/// The query string of the list of revoked sessions.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RevokedQuery {
    /// `next` of the answer before; absent: from the beginning.
    pub after: Option<i64>,
}

/// A query string.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Backend>> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Backend>) -> Result<Self, Problem> {
        let Query(value) = Query::<T>::try_from_uri(&parts.uri)
            .map_err(|_| Problem::new(ErrorCode::InvalidRequest, "the query string is not what the call takes"))?;
        Ok(Self(value))
    }
}
