//! One exchange with the service over HTTP, with limits. Knows nothing of sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kinora_api::{ApiError, Secret};
use kinora_pin::KeyPin;
use reqwest::header::{AGE, DATE, HeaderMap};
use reqwest::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::Failure;
use super::clock::now_ms;

/// An answer, and how old it is when a gateway gave one that it had kept because its service is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aged<A> {
    /// The answer.
    pub answer: A,
    /// Seconds since the service gave it; `None` when it comes from the service itself.
    pub age_s: Option<u64>,
}

/// HTTP or TLS is not available.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum ClientError {
    /// HTTP is not.
    Http(#[from] reqwest::Error),
    /// The cryptography lacks what a pin needs.
    Tls(#[from] rustls::Error),
}

/// Time allowed until the connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time allowed for a whole exchange.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest answer in JSON.
const MAX_JSON: usize = 4 << 20;

/// Speaks HTTP with one service.
#[derive(Clone)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
    /// Milliseconds by which the service's clock is ahead, by its last answer.
    ahead_ms: Arc<AtomicI64>,
}

impl Client {
    /// Creates a client of the service at an address. With a pin it talks to the server with that key alone, whatever its
    /// certificate says.
    ///
    /// # Errors
    /// HTTP or TLS is not available.
    pub fn new(base: Url, pin: Option<KeyPin>) -> Result<Self, ClientError> {
        let builder = match pin {
            Some(pin) => reqwest::Client::builder().tls_backend_preconfigured(kinora_pin::client_config(pin)?),
            None => reqwest::Client::builder(),
        };
        let http = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .user_agent(concat!("kinora/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { base, http, ahead_ms: Arc::default() })
    }

    /// The service's address.
    pub const fn base(&self) -> &Url {
        &self.base
    }

    /// Returns by how many milliseconds the service's clock is ahead of this computer's, by its last answer; 0 before it.
    /// Half a second is how well it is known.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Sends a request and reads the answer.
    pub async fn exchange<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Option<&impl Serialize>,
    ) -> Result<A, Failure> {
        self.exchange_aged(method, path, token, body).await.map(|aged| aged.answer)
    }

    /// Sends a request and reads the answer, and its age when a gateway had kept it.
    pub async fn exchange_aged<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Option<&impl Serialize>,
    ) -> Result<Aged<A>, Failure> {
        let (bytes, status, url, age_s) = self.send(method, path, token, body).await?;
        let answer = serde_json::from_slice(&bytes).map_err(|_| Failure::not_the_service(status, &url))?;
        Ok(Aged { answer, age_s })
    }

    /// Sends a request whose answer has no body.
    pub async fn tell(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Option<&impl Serialize>,
    ) -> Result<(), Failure> {
        self.send(method, path, token, body).await.map(drop)
    }

    /// Fetches a file of at most `limit` bytes, without signing in.
    pub async fn file(&self, path: &str, limit: usize) -> Result<Vec<u8>, Failure> {
        let url = self.url(path)?;
        let answer = self.http.get(url.clone()).send().await.map_err(|error| Failure::transport(&error, &url))?;
        let status = answer.status();
        let bytes = read_limited(answer, limit, &url).await?;
        if status.is_success() { Ok(bytes) } else { Err(Failure::not_the_service(status.as_u16(), &url)) }
    }

    /// Fetches at most `limit` bytes from an edge and drops them, so that the edge has them. No token is sent.
    pub async fn warm(&self, url: &Url, limit: usize) -> Result<(), Failure> {
        let answer = self.http.get(url.clone()).send().await.map_err(|error| Failure::transport(&error, url))?;
        let status = answer.status();
        read_limited(answer, limit, url).await?;
        if status.is_success() { Ok(()) } else { Err(Failure::not_the_service(status.as_u16(), url)) }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Option<&impl Serialize>,
    ) -> Result<(Vec<u8>, u16, Url, Option<u64>), Failure> {
        let url = self.url(path)?;
        let mut request = self.http.request(method, url.clone());
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| Failure::transport(&error, &url))?;
        let status = answer.status();
        let age_s = kept_age(answer.headers());
        // A kept answer has the time of its making.
        if let Some(date) = date_ms(answer.headers()).filter(|_| age_s.is_none()) {
            self.ahead_ms.store(date.saturating_sub(now_ms()), Ordering::Relaxed);
        }
        let bytes = read_limited(answer, MAX_JSON, &url).await?;
        if status.is_success() {
            return Ok((bytes, status.as_u16(), url, age_s));
        }
        Err(match serde_json::from_slice::<ApiError>(&bytes) {
            Ok(error) => Failure::refused(error, status.as_u16(), &url),
            Err(_) => Failure::not_the_service(status.as_u16(), &url),
        })
    }

    /// Answers hold paths; one that leads elsewhere is not followed, so that a token never leaves the service.
    fn url(&self, path: &str) -> Result<Url, Failure> {
        let url = self.base.join(path).map_err(|_| Failure::bad_address(path))?;
        if url.origin() == self.base.origin() { Ok(url) } else { Err(Failure::bad_address(path)) }
    }
}

/// Returns the age in seconds of an answer that the gateway had kept (RFC 9211, RFC 9111 section 5.1); `None` for every
/// other answer. An age that cannot be read counts as 0: that the answer is kept is the more important half.
fn kept_age(headers: &HeaderMap) -> Option<u64> {
    let texts = headers.get_all("cache-status").iter().filter_map(|value| value.to_str().ok());
    let is_kept = texts.flat_map(|text| text.split(',')).any(|member| {
        let mut parts = member.split(';').map(str::trim);
        parts.next() == Some("kinora-gateway") && parts.any(|part| part == "hit")
    });
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    is_kept.then(|| age.unwrap_or(0))
}

/// Returns the time of an answer in milliseconds since 1970: the middle of the second that it names (RFC 9110 section 6.6.1).
fn date_ms(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.as_millisecond() + 500)
}

async fn read_limited(mut answer: Response, limit: usize, url: &Url) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| Failure::transport(&error, url))? {
        if bytes.len() + chunk.len() > limit {
            return Err(Failure::too_large(url));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read_to_the_middle_of_its_second() {
        let at = |date: &'static str| {
            let pair = (DATE, reqwest::header::HeaderValue::from_static(date));
            date_ms(&[pair].into_iter().collect())
        };
        assert_eq!(at("Fri, 27 Nov 2026 10:42:30 GMT"), Some(1_795_776_150_500));
        assert_eq!((at("yesterday"), date_ms(&HeaderMap::new())), (None, None));
    }

    #[test]
    fn only_an_answer_that_the_gateway_kept_has_an_age() {
        let age = |headers: &[(&'static str, &'static str)]| {
            let pairs = headers
                .iter()
                .map(|(name, value)| (name.parse().expect("a name"), reqwest::header::HeaderValue::from_static(value)));
            kept_age(&pairs.collect::<HeaderMap>())
        };
        assert_eq!(age(&[("cache-status", "kinora-gateway; hit; detail=x"), ("age", "75")]), Some(75));
        assert_eq!(age(&[("cache-status", "edge; fwd=miss, kinora-gateway;hit"), ("age", "3")]), Some(3));
        assert_eq!(age(&[("cache-status", "kinora-gateway; hit"), ("age", "-1")]), Some(0));
        assert_eq!(age(&[("cache-status", "kinora-gateway; hit")]), Some(0));
        assert_eq!(age(&[("age", "75")]), None);
        assert_eq!(age(&[("cache-status", "kinora-gateway; fwd=miss"), ("age", "75")]), None);
        assert_eq!(age(&[("cache-status", "other; hit"), ("age", "75")]), None);
    }

    #[test]
    fn a_path_cannot_lead_to_another_server() {
        let client = Client::new("http://127.0.0.1:8000".parse().expect("a valid address"), None).expect("a client");
        assert!(client.url("/v1/home?profile=p").is_ok());
        for path in ["http://evil.example/v1/home", "//evil.example/x", "ftp://127.0.0.1:8000/"] {
            assert!(client.url(path).is_err(), "{path}");
        }
    }
}
