//! Answers to browsing that are kept for the time when their service is silent: the viewer sees what was last there, marked with
//! its age, and the start of a film does not wait for a screen.
//!
//! An answer is kept for the account whose verified token asked, and given to nobody else.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::caller::Viewer;

/// Maximum number of bytes of all kept answers.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Maximum number of bytes of the body of a kept answer.
pub(crate) const MAX_BODY: usize = 256 * 1024;
/// Time after which an answer is too old to be shown.
const MAX_AGE_MS: i64 = 3_600_000;
/// Expected number of answers; bytes limit them.
const EXPECTED: usize = 4_096;
/// Bytes that an entry takes beside its body, headers and name.
const OVERHEAD: usize = 512;
/// Cache-Status (RFC 9211).
const CACHE_STATUS: &str = "cache-status";

/// Name of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    /// Account whose token asked.
    account: Box<str>,
    /// Digest of the claims that narrow it.
    view: [u8; 32],
    /// Path and query, and the headers by which a service chooses a representation.
    target: Box<str>,
}

impl Name {
    /// Returns the name of the answer to a request.
    pub(crate) fn new(viewer: &Viewer, path_and_query: &str, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        let (encoding, language) = (text(header::ACCEPT_ENCODING), text(header::ACCEPT_LANGUAGE));
        let target = format!("{path_and_query}\n{encoding}\n{language}").into();
        Self { account: viewer.account.clone(), view: viewer.view, target }
    }
}

/// An answer that came whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    headers: HeaderMap,
    body: Bytes,
    at_ms: i64,
}

impl Answer {
    /// An answer with status 200 that came at `at_ms` of a monotonic clock.
    pub(crate) fn new(headers: &HeaderMap, body: Bytes, at_ms: i64) -> Self {
        Self { headers: headers.clone(), body, at_ms }
    }

    /// Returns the answer as it is given while its service is silent: with its age, and with a mark that it was kept. A client
    /// that has the same gets 304 (RFC 9110 §15.4.5).
    pub(crate) fn response(&self, asked: &HeaderMap, now_ms: i64) -> Response<Body> {
        let age = (now_ms - self.at_ms).max(0) / 1000;
        let tag = self.headers.get(header::ETAG);
        let is_same = tag.is_some() && asked.get(header::IF_NONE_MATCH) == tag;
        let mut response = Response::new(if is_same { Body::empty() } else { Body::from(self.body.clone()) });
        *response.headers_mut() = self.headers.clone();
        if is_same {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        response.headers_mut().insert(header::AGE, HeaderValue::from(age));
        let status = format!("kinora-gateway; hit; ttl=-{age}; detail=service-silent");
        if let Ok(status) = HeaderValue::try_from(status) {
            response.headers_mut().insert(CACHE_STATUS, status);
        }
        response
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Name, Answer> for Weight {
    fn weight(&self, name: &Name, answer: &Answer) -> u64 {
        let headers: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        (answer.body.len() + headers + name.account.len() + name.target.len() + OVERHEAD) as u64
    }
}

/// The answers that are kept.
pub(crate) struct Kept(Cache<Name, Answer, Weight>);

impl Default for Kept {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, MAX_BYTES, Weight))
    }
}

impl Kept {
    /// Returns an answer, unless it is too old to be shown.
    pub(crate) fn get(&self, name: &Name, now_ms: i64) -> Option<Answer> {
        self.0.get(name).filter(|answer| now_ms - answer.at_ms < MAX_AGE_MS)
    }

    /// Keeps an answer in the place of an earlier one.
    pub(crate) fn put(&self, name: Name, answer: Answer) {
        self.0.insert(name, answer);
    }

    /// Forgets all that was kept for an account: it has changed what may be seen.
    pub(crate) fn forget(&self, account: &str) {
        self.0.retain(|name, _| &*name.account != account);
    }
}

/// State of a service that may be silent. While it is, kept answers are given at once, and one request at a time asks it.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    is_silent: AtomicBool,
    is_asked: AtomicBool,
}

impl Silence {
    /// Returns true from the first answer that did not come in time until one comes.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Relaxed)
    }

    /// Records that an answer did not come in time, or that one came.
    pub(crate) fn set(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::Relaxed);
    }

    /// Returns true for the caller that has to ask the service; it says so by [`Self::asked`] when it has the result.
    pub(crate) fn begins_to_ask(&self) -> bool {
        !self.is_asked.swap(true, Ordering::Relaxed)
    }

    /// Ends what [`Self::begins_to_ask`] began.
    pub(crate) fn asked(&self) {
        self.is_asked.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Kept, MAX_AGE_MS, Name, Silence};
    use crate::caller::Viewer;
    use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
    use bytes::Bytes;

    fn viewer(account: &str, view: u8) -> Viewer {
        Viewer { account: account.into(), view: [view; 32] }
    }

    fn name(account: &str, path: &str) -> Name {
        Name::new(&viewer(account, 0), path, &HeaderMap::new())
    }

    fn tagged(tag: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static(tag))])
    }

    #[test]
    fn an_answer_belongs_to_its_account_and_representation_and_grows_old() {
        let kept = Kept::default();
        kept.put(name("a", "/v1/home"), Answer::new(&HeaderMap::new(), Bytes::from_static(b"home"), 1_000));
        assert!(kept.get(&name("a", "/v1/home"), 1_000).is_some());
        assert!(kept.get(&name("b", "/v1/home"), 1_000).is_none());
        assert!(kept.get(&name("a", "/v1/home?profile=p"), 1_000).is_none());
        let french = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static("fr"))]);
        assert!(kept.get(&Name::new(&viewer("a", 0), "/v1/home", &french), 1_000).is_none());
        let bound = Name::new(&viewer("a", 1), "/v1/home", &HeaderMap::new());
        assert!(kept.get(&bound, 1_000).is_none(), "a token that shows something else");
        assert!(kept.get(&name("a", "/v1/home"), 999 + MAX_AGE_MS).is_some());
        assert!(kept.get(&name("a", "/v1/home"), 1_000 + MAX_AGE_MS).is_none());
        kept.forget("b");
        assert!(kept.get(&name("a", "/v1/home"), 1_000).is_some());
        kept.forget("a");
        assert!(kept.get(&name("a", "/v1/home"), 1_000).is_none());
    }

    #[test]
    fn bytes_are_bounded() {
        let kept = Kept::default();
        for n in 0..400 {
            let body = Bytes::from(vec![0; super::MAX_BODY]);
            kept.put(name("a", &n.to_string()), Answer::new(&HeaderMap::new(), body, 0));
        }
        assert!(kept.0.weight() <= super::MAX_BYTES && kept.0.len() > 50, "{} in {}", kept.0.weight(), kept.0.len());
    }

    #[test]
    fn a_kept_answer_says_so_with_its_age_and_spares_who_has_it() {
        let answer = Answer::new(&tagged("\"x\""), Bytes::from_static(b"home"), 1_000);
        let given = answer.response(&tagged("\"x\""), 8_500);
        assert_eq!((given.status(), &given.headers()[header::AGE]), (StatusCode::OK, &HeaderValue::from(7)));
        assert_eq!(given.headers()["cache-status"], "kinora-gateway; hit; ttl=-7; detail=service-silent");
        let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("\"x\""))]);
        let same = answer.response(&asked, 0);
        assert_eq!((same.status().as_u16(), &same.headers()[header::AGE]), (304, &HeaderValue::from(0)));
        let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("\"y\""))]);
        assert_eq!(answer.response(&asked, 0).status(), 200);
    }

    #[test]
    fn one_at_a_time_asks_a_silent_service() {
        let silence = Silence::default();
        assert!(silence.begins_to_ask() && !silence.begins_to_ask());
        silence.asked();
        assert!(silence.begins_to_ask());
    }
}
