//! One request and its answer: redirects, cookies, user information, and the names of errors on the way.
//!
//! Answers are read as leniently as browsers read them; a head that cannot be read even so is a separate error.
//! Redirects are followed here and not in the HTTP client, so that every step carries what belongs to its own origin
//! and nothing that belongs to another.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::client::Clients;
use super::cookies::CookieJar;
use super::credentials::Credentials;
use super::network_config::NetworkConfig;
use super::resolver::ResolveError;
use crate::engine::io::{FetchError, FetchKind, FetchRequest, Ingest};
use crate::error::{ErrorCode, PlayerError};

/// Redirects followed for one request.
const MAX_REDIRECTS: usize = 10;
/// Most origins whose first mention is kept.
const MAX_ORIGINS: usize = 1024;
/// Fields of the host that are meant for one origin.
const SENSITIVE: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// Names of header fields that a request must not carry, in lower case: the player and HTTP write them themselves.
pub const REFUSED_HEADERS: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "if-range",
    "keep-alive",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Part of a file that a request asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Value of `Range`; `None` asks for the whole file.
    pub range: Option<&'a str>,
    /// Value of `If-Range`: validator of the file that the part must be of, or else the whole file comes.
    pub of: Option<&'a str>,
}

/// Checks the header fields of a request.
///
/// # Errors
/// [`FetchError::Host`] for a name that is refused, and for a name or a value that cannot be written.
pub fn check_headers(fields: &[(String, String)]) -> Result<(), FetchError> {
    for (name, value) in fields {
        let lower = name.to_ascii_lowercase();
        if REFUSED_HEADERS.contains(&lower.as_str()) {
            return Err(FetchError::Host(format!("the player writes the header field {name:?} itself")));
        }
        if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
            return Err(FetchError::Host(format!("the header field {name:?} cannot be written")));
        }
    }
    Ok(())
}

/// Adds the checked fields of a request to those of all requests, whose values they replace. Fields that are meant for one
/// origin go to that of the request only, and those that describe a body go with a body.
fn add_own(headers: &mut HeaderMap, request: &FetchRequest, is_own_origin: bool, has_body: bool) {
    let mut replaced = BTreeSet::new();
    for (name, value) in &request.headers {
        let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) else {
            continue;
        };
        let is_sensitive = SENSITIVE.contains(&name);
        if is_sensitive && !is_own_origin || !has_body && name.as_str().starts_with("content-") {
            continue;
        }
        value.set_sensitive(is_sensitive);
        if replaced.insert(name.as_str().to_owned()) {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
}

/// State that the requests of one player share.
#[derive(Debug)]
pub struct Exchange {
    clients: Clients,
    /// Fields that the host adds to every request.
    headers: HeaderMap,
    credentials: Mutex<Credentials>,
    /// `None` when cookies are turned off.
    cookies: Option<Mutex<CookieJar>>,
    trust: Mutex<OriginTrust>,
}

/// Origins by the way that first led to them: fields of the host that are meant for one origin go only where an
/// address of the host or of a manifest led, and not where a redirect led.
#[derive(Debug, Default)]
struct OriginTrust {
    addressed: BTreeSet<String>,
    redirected: BTreeSet<String>,
}

impl OriginTrust {
    /// Notes a request to an address, and gives whether its origin may have those fields. An origin that is neither
    /// known nor can be kept may not.
    fn admit(&mut self, url: &Url, is_redirect: bool) -> bool {
        let origin = url.origin().ascii_serialization();
        let is_known = self.addressed.contains(&origin) || self.redirected.contains(&origin);
        if !is_known && self.addressed.len() + self.redirected.len() < MAX_ORIGINS {
            let kept = if is_redirect { &mut self.redirected } else { &mut self.addressed };
            kept.insert(origin.clone());
        }
        self.addressed.contains(&origin)
    }
}

impl Exchange {
    /// An exchange with an empty jar.
    ///
    /// # Errors
    /// `InvalidArgument` for headers or certificates that cannot be read.
    pub fn new(network: &NetworkConfig) -> Result<Self, PlayerError> {
        let invalid = |message: String| PlayerError::fatal(ErrorCode::InvalidArgument, message);
        let mut headers = HeaderMap::new();
        for (name, value) in &network.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("header name {name:?}")))?;
            let value = HeaderValue::from_str(value).map_err(|_| invalid(format!("value of header {name}")))?;
            headers.append(name, value);
        }
        let clients = Clients::new(network.authorities_pem.as_deref())?;
        let cookies = network.cookies.then(Mutex::default);
        Ok(Self { clients, headers, credentials: Mutex::default(), cookies, trust: Mutex::default() })
    }

    /// Removes the user information from an address and keeps it for the address's origin, in place of what is kept.
    pub fn take_credentials(&self, url: &mut Url) {
        lock(&self.credentials).learn(url, true);
    }

    /// Sends a request and gives the answer that is no redirect.
    ///
    /// # Errors
    /// When there is none.
    pub async fn send(&self, request: &FetchRequest, wanted: Wanted<'_>) -> Result<Response, FetchError> {
        let mut url = request.url.clone();
        lock(&self.credentials).learn(&mut url, request.kind == FetchKind::Manifest);
        let origin = url.origin();
        let mut post = request.post.clone();
        let mut is_trusted = lock(&self.trust).admit(&url, false);
        for _ in 0..=MAX_REDIRECTS {
            let method = match post {
                Some(_) => Method::POST,
                None if request.is_head => Method::HEAD,
                None => Method::GET,
            };
            let mut builder = self.clients.for_url(&url)?.request(method, url.clone());
            let mut headers = self.headers_for(&url, is_trusted, request, wanted);
            add_own(&mut headers, request, url.origin() == origin, post.is_some());
            builder = builder.headers(headers);
            if let Some(body) = &post {
                builder = builder.body(body.clone());
            }
            let response = builder.send().await.map_err(connect_error)?;
            if let Some(cookies) = &self.cookies {
                lock(cookies).store(&url, response.headers());
            }
            let Some(next) = redirect(&url, &response)? else { return Ok(response) };
            // RFC 9110 §15.4: 303 always becomes GET, 301 and 302 do in practice; 307 and 308 repeat the request.
            if !matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
                post = None;
            }
            url = next;
            let same_origin = url.origin() == origin;
            is_trusted = lock(&self.trust).admit(&url, !same_origin) && same_origin;
            lock(&self.credentials).learn(&mut url, false);
        }
        Err(FetchError::BadAddress(format!("more than {MAX_REDIRECTS} redirects")))
    }

    fn headers_for(&self, url: &Url, is_trusted: bool, request: &FetchRequest, wanted: Wanted<'_>) -> HeaderMap {
        let mut headers = self.headers.clone();
        if !is_trusted {
            for name in SENSITIVE {
                headers.remove(name);
            }
        }
        if !headers.contains_key(header::AUTHORIZATION)
            && let Some(value) = lock(&self.credentials).authorization(url)
        {
            headers.insert(header::AUTHORIZATION, value);
        }
        let jar = self.cookies.as_ref().and_then(|cookies| lock(cookies).header(url));
        let own = headers.get(header::COOKIE).and_then(|own| own.to_str().ok()).map(str::to_owned);
        let cookies: Vec<String> = own.into_iter().chain(jar).collect();
        if let Ok(mut value) = HeaderValue::from_str(&cookies.join("; "))
            && !cookies.is_empty()
        {
            value.set_sensitive(true);
            headers.insert(header::COOKIE, value);
        }
        for (name, value) in [(header::RANGE, wanted.range), (header::IF_RANGE, wanted.of)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        // A part of a compressed file cannot be read, and media gains nothing.
        if wanted.range.is_some() || matches!(request.ingest, Ingest::Media(_)) {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        headers
    }
}

/// Returns the address that a redirect leads to; `None` for every other answer.
fn redirect(from: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(header::LOCATION) else { return Ok(None) };
    let next = from
        .join(&String::from_utf8_lossy(location.as_bytes()))
        .map_err(|error| FetchError::BadAddress(format!("a redirect to an address that cannot be read: {error}")))?;
    match next.scheme() {
        "http" | "https" => Ok(Some(next)),
        scheme => Err(FetchError::BadAddress(format!("a redirect to an address of the scheme {scheme:?}"))),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The causes of an error, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// Returns the name of an error that occurred before the answer.
fn connect_error(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let texts: Vec<String> = causes(&error).map(ToString::to_string).collect();
    let text = if texts.is_empty() { error.to_string() } else { texts.join(": ") };
    if error.is_builder() || error.is_redirect() {
        return FetchError::BadAddress(text);
    }
    if error.is_timeout() {
        return FetchError::Timeout { started: false };
    }
    if causes(&error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(hyper::Error::is_parse) {
        return FetchError::MalformedHead(text);
    }
    if causes(&error).any(|cause| cause.is::<ResolveError>()) {
        return FetchError::UnknownHost(text);
    }
    if text.contains("certificate") || text.contains("tls") || text.contains("TLS") {
        return FetchError::Tls(text);
    }
    let kinds = causes(&error).filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    for kind in kinds {
        if let Some(error) = error_of_kind(kind, &text) {
            return error;
        }
    }
    FetchError::Unreachable(text)
}

/// Returns the name of an error of the operating system, if it names what keeps the host from being reached.
fn error_of_kind(kind: ErrorKind, text: &str) -> Option<FetchError> {
    match kind {
        ErrorKind::ConnectionRefused => Some(FetchError::Refused(text.to_owned())),
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Some(FetchError::NoRoute(text.to_owned())),
        _ => None,
    }
}

/// The name of an error inside a body.
pub fn body_error(error: &reqwest::Error, in_part: bool) -> FetchError {
    if error.is_timeout() {
        FetchError::Timeout { started: true }
    } else if in_part && error.is_decode() && !causes(error).any(|cause| cause.is::<hyper::Error>()) {
        FetchError::RangeIgnored("the part of the file is compressed and cannot be decompressed by itself".to_owned())
    } else {
        FetchError::Truncated { received: 0, expected: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_told_apart_by_what_can_be_done() {
        let found = |kind| error_of_kind(kind, "text");
        assert_eq!(found(ErrorKind::ConnectionRefused), Some(FetchError::Refused("text".to_owned())));
        let no_route = [
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
            ErrorKind::NetworkDown,
            ErrorKind::AddrNotAvailable,
        ];
        for kind in no_route {
            assert_eq!(found(kind), Some(FetchError::NoRoute("text".to_owned())), "{kind}");
        }
        for kind in [ErrorKind::ConnectionReset, ErrorKind::TimedOut, ErrorKind::UnexpectedEof, ErrorKind::Other] {
            assert_eq!(found(kind), None, "{kind}");
        }
    }
}
