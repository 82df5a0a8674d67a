//! Answers with an entity tag: a client that has the answer already gets none (RFC 9110 §13).

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_kit::http::conditional::{Validators, Verdict, evaluate};
use kinora_kit::http::problem::Problem;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Bytes of a digest that make a tag.
const TAG_BYTES: usize = 16;

/// Answers with JSON and a weak tag of it, or with 304 if the request names that tag. An answer is for one viewer, and may be kept
/// and used again once the service has confirmed it.
///
/// # Errors
/// 7099 when the answer cannot be written.
pub(crate) fn tagged(method: &Method, headers: &HeaderMap, answer: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(answer).map_err(|error| Problem::internal(&error))?;
    let digest = Sha256::digest(&body);
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..TAG_BYTES]));
    let etag = HeaderValue::try_from(&tag).map_err(|error| Problem::internal(&error))?;
    let lasting = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::VARY, HeaderValue::from_static("authorization")),
    ];
    // `If-Match` is for changes (RFC 9110 §13.1.1), of which these calls make none.
    let mut asked = HeaderMap::new();
    for known in headers.get_all(header::IF_NONE_MATCH) {
        asked.append(header::IF_NONE_MATCH, known.clone());
    }
    let verdict = evaluate(method, &asked, &Validators { etag: Some(tag), last_modified: None });
    if verdict == Verdict::NotModified {
        return Ok((StatusCode::NOT_MODIFIED, lasting).into_response());
    }
    let json = HeaderValue::from_static("application/json");
    Ok((lasting, [(header::CONTENT_TYPE, json)], body).into_response())
}
