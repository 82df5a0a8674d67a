//! Fetching from the server behind the edge. Nothing is cached here.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use kinora_api::ErrorCode;
use url::Url;

use kinora_kit::http::conditional::{Validators, parse_http_date};
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::KEPT_IDLE;
use kinora_kit::signature::{EdgeSecret, ORIGIN_KEY_HEADER};

/// Why the origin gave nothing that could be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It answered with an error.
    #[error("the origin answered {0}")]
    Status(u16),
    /// It could not be reached, or broke off.
    #[error("the origin cannot be reached: {0}")]
    Unreachable(Arc<str>),
    /// It did not answer in time.
    #[error("the origin did not answer in time")]
    Timeout,
    /// It does not answer at the moment, and another request is trying it.
    #[error("the origin does not answer at the moment")]
    Suspended,
    /// It has another object under the name than the one whose parts were asked for.
    #[error("the object has changed at the origin")]
    Changed,
}

impl OriginError {
    /// Whether an older copy may stand in (RFC 5861 §4): not when the origin said that there is no such thing.
    pub fn allows_stale(&self) -> bool {
        !matches!(self, Self::Status(400 | 404 | 405 | 410 | 414 | 425))
    }

    /// What the client is told.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Status(404 | 405 | 410 | 414) => Problem::new(ErrorCode::NotFound, "there is no such file"),
            Self::Status(425) => {
                Problem::new(ErrorCode::NotFound, "the media is not there yet").with_status(StatusCode::TOO_EARLY)
            }
            Self::Status(400) => Problem::new(ErrorCode::InvalidRequest, "the origin does not take the request")
                .with_status(StatusCode::BAD_REQUEST),
            Self::Suspended => Problem::new(ErrorCode::ServiceUnavailable, self.to_string())
                .with_status(StatusCode::SERVICE_UNAVAILABLE)
                .with_retry_after_ms(1_000),
            Self::Timeout => {
                Problem::new(ErrorCode::ServiceUnavailable, self.to_string()).with_status(StatusCode::GATEWAY_TIMEOUT)
            }
            Self::Status(_) | Self::Unreachable(_) | Self::Changed => {
                // The cause may name hosts inside; the log has it.
                Problem::new(ErrorCode::ServiceUnavailable, "the origin gave no answer that can be passed on")
                    .with_status(StatusCode::BAD_GATEWAY)
            }
        }
    }
}

/// The server behind the edge.
#[derive(Clone, Debug)]
pub struct Origin {
    base: Url,
    client: reqwest::Client,
    /// For requests that the origin holds.
    patient: reqwest::Client,
    key: Option<String>,
}

/// Time within which each piece of a body has to follow the one before.
const BETWEEN_PIECES: Duration = Duration::from_secs(5);
/// The same for a request that the origin holds: three times the longest target duration that it is made for, 10 s.
pub const HELD: Duration = Duration::from_secs(30);

impl Origin {
    /// An origin at `base`; paths are put behind it. With a secret, each request shows the key derived from it.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(base: &Url, secret: Option<&EdgeSecret>) -> Result<Self, reqwest::Error> {
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = |between: Duration| {
            reqwest::Client::builder()
                .no_gzip()
                .no_brotli()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(2))
                .pool_idle_timeout(KEPT_IDLE)
                .read_timeout(between)
                .build()
        };
        let key = secret.map(EdgeSecret::origin_key);
        Ok(Self { base, client: client(BETWEEN_PIECES)?, patient: client(HELD)?, key })
    }

    /// The base URL, which identifies the origin.
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Asks for `path` (already percent-encoded, without a leading slash). Any answer is `Ok`. One that the origin holds may take
    /// [`HELD`] to begin.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn get(
        &self,
        path: &str,
        query: Option<&str>,
        headers: HeaderMap,
        is_held: bool,
    ) -> Result<reqwest::Response, OriginError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url.set_query(query);
        let client = if is_held { &self.patient } else { &self.client };
        let mut request = client.get(url).headers(headers).header(header::ACCEPT_ENCODING, "identity");
        if let Some(key) = &self.key {
            request = request.header(ORIGIN_KEY_HEADER, key);
        }
        request.send().await.map_err(|error| failure(&error))
    }
}

/// What a broken transfer is called; the URL is left out, for it may carry a query.
pub fn failure(error: &reqwest::Error) -> OriginError {
    if error.is_timeout() {
        return OriginError::Timeout;
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    OriginError::Unreachable(cause.to_string().into())
}

/// The validators of an answer.
pub fn validators(headers: &HeaderMap) -> Validators {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Validators {
        etag: text(header::ETAG).filter(|etag| etag.len() <= 256).map(str::to_owned),
        last_modified: text(header::LAST_MODIFIED).and_then(parse_http_date),
    }
}

#[cfg(test)]
mod tests {
    use super::OriginError;

    #[test]
    fn what_is_gone_is_not_served_from_the_past() {
        assert!(!OriginError::Status(404).allows_stale());
        assert!(OriginError::Status(500).allows_stale());
        assert!(OriginError::Timeout.allows_stale());
    }
}
