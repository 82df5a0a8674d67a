//! Errors as answers: the JSON body of `kinora-api` with its status and headers.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kinora_api::{ApiError, ErrorCode, NowPlaying};

/// The header that carries the error's name, for clients that do not read bodies (and for `HEAD`).
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("kinora-error");

/// An error on its way to the client. What it says is fit for the client's eyes.
#[derive(Clone, Debug)]
pub struct Problem {
    error: ApiError,
    status: StatusCode,
}

impl Problem {
    /// The error with the status that belongs to its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { error: ApiError::new(code, message), status }
    }

    /// The same error under a more exact status.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same error with a delay after which a retry makes sense.
    pub fn with_retry_after_ms(mut self, delay_ms: u64) -> Self {
        self.error = self.error.with_retry_after_ms(delay_ms);
        self
    }

    /// Returns the same error with the playbacks that take the places of the account.
    pub fn with_playing(mut self, playing: Vec<NowPlaying>) -> Self {
        self.error = self.error.with_playing(playing);
        self
    }

    /// A defect of ours: the cause goes to the log, the client learns only that there was one.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(ErrorCode::ServiceInternal, "the service failed to answer; the cause is in its log")
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body of the answer.
    pub fn error(&self) -> &ApiError {
        &self.error
    }
}

impl From<ApiError> for Problem {
    /// The error under the status that belongs to its code; one of an unknown code is a failure of ours.
    fn from(error: ApiError) -> Self {
        let status = error.kind().map_or(500, ErrorCode::http_status);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { error, status }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        problem.error
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(&self.error)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(name) = HeaderValue::from_str(&self.error.name) {
            headers.insert(ERROR_HEADER, name);
        }
        if let Some(delay_ms) = self.error.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(delay_ms.div_ceil(1000)));
        }
        response
    }
}
