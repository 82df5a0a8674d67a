//! What handlers take out of requests, with our error body when it is not there.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use kinora_api::{ErrorCode, ProfileId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::tokens::Bearer;
use super::{Backend, revocation};
use crate::http::problem::Problem;

/// Bearer of a valid access token whose sign-in was not revoked.
#[derive(Clone, Debug)]
pub struct Viewer(pub Bearer);

impl FromRequestParts<Arc<Backend>> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, backend: &Arc<Backend>) -> Result<Self, Problem> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| Problem::new(ErrorCode::SignInExpired, "the request carries no access token"))?;
        let bearer = backend.sign_ins.tokens().check(token, backend.clock.now_ms())?;
        revocation::check_family(backend.store.reads(), &bearer.family).await?;
        Ok(Self(bearer))
    }
}

/// A JSON body.
#[derive(Clone, Debug)]
pub struct Payload<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Backend>> for Payload<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, backend: &Arc<Backend>) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, backend).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused(&rejection)),
        }
    }
}

fn refused(rejection: &JsonRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(ErrorCode::RequestTooLarge, "the body is larger than the service reads");
    }
    // The parser's own words name a line and a field, never a value that was sent.
    let message = match rejection {
        JsonRejection::JsonDataError(error) => {
            format!("the body is not what the call takes: {}", shape(&error.body_text()))
        }
        JsonRejection::JsonSyntaxError(_) => "the body is not JSON".to_owned(),
        JsonRejection::MissingJsonContentType(_) => "the body is not declared as application/json".to_owned(),
        _ => "the body could not be read".to_owned(),
    };
    Problem::new(ErrorCode::InvalidRequest, message)
}

/// What serde says about the shape; its "invalid type" messages repeat the value, which may be a password, and are cut there.
fn shape(text: &str) -> String {
    let text = text.rsplit_once("target type: ").map_or(text, |(_, tail)| tail);
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
