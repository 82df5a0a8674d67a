//! Request ids and W3C trace context (Recommendation of 2021-11-23): each hop continues the trace of the one before under a span
//! of its own, and every line of the log that belongs to a request carries both.

use std::fmt;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use uuid::Uuid;

/// Header with the id of a request, the same at all hops; in the answer too.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Header with trace, span and flags of the sender (§3.2).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Header with the state of vendors (§3.3); passed on as it came.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Maximum number of characters of a request id.
const MAX_REQUEST_ID: usize = 64;
/// Maximum number of bytes of `tracestate` that is passed on (§3.3.1.5 asks for at least 512).
const MAX_STATE: usize = 512;
/// Number of characters of a `traceparent` of version 00.
const PARENT_LENGTH: usize = 55;

/// Trace, span and flags, as `traceparent` carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    is_sampled: bool,
}

impl TraceContext {
    /// Begins a trace with one span, not sampled.
    pub fn begin() -> Self {
        Self { trace: Uuid::now_v7().as_u128(), span: new_span(), is_sampled: false }
    }

    /// Reads a `traceparent` (§3.2.2). Later versions are read as far as version 00 goes (§4.3); everything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let head = text.get(..PARENT_LENGTH)?;
        let mut fields = head.split('-');
        let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let lengths = [version.len(), trace.len(), span.len(), flags.len()];
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_well_formed = fields.next().is_none()
            && lengths == [2, 32, 16, 2]
            && head.bytes().all(|byte| byte == b'-' || is_hex(byte))
            && version != "ff";
        let goes_on = text.len() > PARENT_LENGTH;
        if !is_well_formed || goes_on && (version == "00" || text.as_bytes().get(PARENT_LENGTH) != Some(&b'-')) {
            return None;
        }
        let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
        let flags = u8::from_str_radix(flags, 16).ok()?;
        (trace != 0 && span != 0).then_some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }

    /// Returns a new span of the same trace.
    pub fn child(self) -> Self {
        Self { span: new_span(), ..self }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}

/// Returns the half of a new id that is random; never 0, because it holds the id's variant.
fn new_span() -> u64 {
    Uuid::now_v7().as_u64_pair().1
}

/// One request at one process: its id, and the span that this process has in its trace.
#[derive(Clone, Debug)]
pub struct Hop {
    request_id: String,
    context: TraceContext,
    state: Option<HeaderValue>,
}

impl Hop {
    /// Reads the headers of a request: keeps its id if that is 1 to 64 letters, digits, `-`, `_` or `.`, continues its trace if
    /// there is one valid `traceparent`, and makes what is missing.
    pub fn receive(headers: &HeaderMap) -> Self {
        let parent = single(headers, &TRACEPARENT).and_then(TraceContext::parse);
        let request_id = single(headers, &REQUEST_ID).filter(|id| is_request_id(id)).map(str::to_owned);
        // §3.3.1: without a parent the state belongs to nothing.
        let state = parent.and_then(|_| headers.get(&TRACESTATE));
        let is_passed_on =
            |value: &&HeaderValue| value.len() <= MAX_STATE && headers.get_all(&TRACESTATE).iter().count() == 1;
        Self {
            request_id: request_id.unwrap_or_else(|| Uuid::now_v7().to_string()),
            context: parent.map_or_else(TraceContext::begin, TraceContext::child),
            state: state.filter(is_passed_on).cloned(),
        }
    }

    /// Id of the request.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Writes id and trace into the headers of a request to the next process, in place of those that are there.
    pub fn send(&self, headers: &mut HeaderMap) {
        headers.remove(&TRACESTATE);
        self.answer(headers);
        if let Ok(value) = HeaderValue::try_from(self.context.to_string()) {
            headers.insert(TRACEPARENT, value);
        }
        if let Some(state) = &self.state {
            headers.insert(TRACESTATE, state.clone());
        }
    }

    /// Writes the request's id into the headers of an answer.
    pub fn answer(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(self.request_id.as_str()) {
            headers.insert(REQUEST_ID, value);
        }
    }

    /// The span of the log that names this request in every line.
    pub fn log_span(&self) -> tracing::Span {
        tracing::info_span!("request", id = self.request_id, trace = %self.context)
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn is_request_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(is_plain)
}

tokio::task_local! {
    /// The request that this task answers.
    static CURRENT: Hop;
}

/// Writes id and trace of the request that this task answers into the headers of a request to another process. Nothing is written
/// by a task that answers none, as one that was spawned.
pub fn send_current(headers: &mut HeaderMap) {
    // An error says that there is none.
    let _ = CURRENT.try_with(|hop| hop.send(headers));
}

/// Runs a request within its span of the log, names its id in the answer, and lets [`send_current`] pass both on. For
/// `axum::middleware::from_fn`, in every process; handlers find the [`Hop`] in the request's extensions.
pub async fn follow(mut request: Request, next: Next) -> Response {
    let hop = Hop::receive(request.headers());
    let span = hop.log_span();
    request.extensions_mut().insert(hop.clone());
    let path = request.uri().path().to_owned();
    let answer = CURRENT.scope(hop.clone(), next.run(request));
    let mut response = answer.instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(path, status = response.status().as_u16(), "answered"));
    hop.answer(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::{Hop, REQUEST_ID, TRACEPARENT, TRACESTATE, TraceContext};
    use axum::http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn a_traceparent_is_read_as_the_recommendation_says() {
        let context = TraceContext::parse(PARENT).expect("valid");
        assert_eq!(context.to_string(), PARENT);
        let later = TraceContext::parse(&PARENT.replacen("00", "cc", 1)).expect("a later version");
        assert_eq!(later.to_string(), PARENT);
        assert!(TraceContext::parse(&format!("{}-what-comes", PARENT.replacen("00", "01", 1))).is_some());
        for wrong in [
            "",
            &PARENT[..54],
            &format!("{PARENT}-more"),
            &format!("{}.", PARENT.replacen("00", "01", 1)),
            &PARENT.replacen("00", "ff", 1),
            &PARENT.to_uppercase(),
            &PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &PARENT.replace("b7ad6b7169203331", &"0".repeat(16)),
            &PARENT.replace("-01", "-0g"),
            &PARENT.replacen('-', "0", 1),
            "00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_hop_continues_the_trace_under_its_own_span() {
        let came = headers(&[("traceparent", PARENT), ("tracestate", "a=1"), ("x-request-id", "app-1.2_3")]);
        let hop = Hop::receive(&came);
        let mut sent = headers(&[("traceparent", "nonsense"), ("tracestate", "b=2"), ("x-request-id", "other")]);
        hop.send(&mut sent);
        assert_eq!(sent[REQUEST_ID], "app-1.2_3");
        assert_eq!(sent[TRACESTATE], "a=1");
        let parent = sent[TRACEPARENT].to_str().expect("text");
        assert_eq!((&parent[..36], &parent[52..]), (&PARENT[..36], "-01"));
        assert_ne!(parent[36..52], PARENT[36..52]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_made() {
        let long = "x".repeat(65);
        for id in ["", "a b", "ü", "a\"b", long.as_str()] {
            let hop = Hop::receive(&headers(&[("x-request-id", id), ("tracestate", "a=1")]));
            assert_eq!(hop.request_id().len(), 36, "{id}");
            let mut sent = HeaderMap::new();
            hop.send(&mut sent);
            assert!(TraceContext::parse(sent[TRACEPARENT].to_str().expect("text")).is_some());
            assert!(!sent.contains_key(TRACESTATE), "a state without its parent");
        }
        let twice =
            headers(&[("x-request-id", "a"), ("x-request-id", "b"), ("traceparent", PARENT), ("traceparent", PARENT)]);
        let hop = Hop::receive(&twice);
        assert_ne!(hop.request_id(), "a");
        assert_ne!(hop.context.trace, TraceContext::parse(PARENT).expect("valid").trace);
        let large = headers(&[("traceparent", PARENT), ("tracestate", &"a".repeat(513))]);
        assert!(Hop::receive(&large).state.is_none());
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}|[0-9a-f]{2}-[0-9a-f]{30,33}-[0-9a-f]{16}-[0-9a-f]{2}-?.{0,4}") {
            if let Some(context) = TraceContext::parse(&text) {
                prop_assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
            }
        }
    }
}
