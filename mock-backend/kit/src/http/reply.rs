//! From a request and a representation to status, headers and the parts of the body. Pure: where the bytes come from is the
//! caller's affair.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use kinora_api::ErrorCode;

use super::conditional::{self, Validators, Verdict};
use super::problem::Problem;
use super::range::{self, ByteRange, RangeRequest};

/// What there is to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Representation {
    /// Bytes of the whole; `None` while that is not known, which rules ranges out.
    pub length: Option<u64>,
    /// Media type.
    pub content_type: String,
    /// State of the representation.
    pub validators: Validators,
    /// How long others may keep it.
    pub cache_control: String,
}

/// One piece of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These very bytes: the framing of a multipart body.
    Literal(Bytes),
    /// These bytes of the representation.
    Span(ByteRange),
    /// The representation from its first byte to its end, whatever its length turns out to be.
    Everything,
}

/// A response but for its bytes.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200, 206, 304; the rest are problems.
    pub status: StatusCode,
    /// With `Content-Length` where the length is known.
    pub headers: HeaderMap,
    /// What the body consists of, in order; empty for `HEAD` and 304.
    pub parts: Vec<Part>,
}

impl Reply {
    /// Decides what the request gets.
    ///
    /// # Errors
    /// 412 and 416, as problems ready to be sent.
    pub fn to(method: &Method, request: &HeaderMap, what: &Representation) -> Result<Self, Unsent> {
        match conditional::evaluate(method, request, &what.validators) {
            Verdict::Proceed => {}
            Verdict::NotModified => {
                let headers = describe(what, None);
                return Ok(Self { status: StatusCode::NOT_MODIFIED, headers, parts: Vec::new() });
            }
            Verdict::Failed => return Err(Unsent::PreconditionFailed),
        }
        let mut reply = match (what.length, wanted_ranges(method, request, what)) {
            (Some(length), RangeRequest::Spans(spans)) => Self::partial(what, length, &spans),
            (Some(length), RangeRequest::Unsatisfiable) => return Err(Unsent::RangeNotSatisfiable { length }),
            (Some(length), RangeRequest::Whole) => Self::whole(what, length),
            (None, _) => Self {
                status: StatusCode::OK,
                headers: describe(what, Some(&what.content_type)),
                parts: vec![Part::Everything],
            },
        };
        if method == Method::HEAD {
            reply.parts.clear();
        }
        Ok(reply)
    }

    fn whole(what: &Representation, length: u64) -> Self {
        let mut headers = describe(what, Some(&what.content_type));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        Self { status: StatusCode::OK, headers, parts: ByteRange::whole(length).map(Part::Span).into_iter().collect() }
    }

    fn partial(what: &Representation, length: u64, spans: &[ByteRange]) -> Self {
        let (mut headers, parts, size) = match spans {
            [span] => {
                let mut headers = describe(what, Some(&what.content_type));
                put(&mut headers, header::CONTENT_RANGE, &content_range(*span, length));
                (headers, vec![Part::Span(*span)], span.length())
            }
            _ => {
                let boundary = uuid::Uuid::now_v7().simple().to_string();
                let parts = multipart(what, length, spans, &boundary);
                let size = parts.iter().map(part_length).sum();
                (describe(what, Some(&format!("multipart/byteranges; boundary={boundary}"))), parts, size)
            }
        };
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        Self { status: StatusCode::PARTIAL_CONTENT, headers, parts }
    }
}

/// Why a representation is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The client wanted another state of it.
    PreconditionFailed,
    /// Nothing of the ranges lies within it.
    RangeNotSatisfiable {
        /// Its length in bytes.
        length: u64,
    },
}

impl axum::response::IntoResponse for Unsent {
    fn into_response(self) -> axum::response::Response {
        match self {
            Self::PreconditionFailed => {
                Problem::new(ErrorCode::InvalidRequest, "the file is not in the state that the request named")
                    .with_status(StatusCode::PRECONDITION_FAILED)
                    .into_response()
            }
            Self::RangeNotSatisfiable { length } => {
                let message = format!("no requested range lies within the {length} bytes of the file");
                let mut response = Problem::new(ErrorCode::RangeNotSatisfiable, message).into_response();
                put(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{length}"));
                response
            }
        }
    }
}

/// `Range` is defined for `GET` only (RFC 9110 §14.2).
fn wanted_ranges(method: &Method, request: &HeaderMap, what: &Representation) -> RangeRequest {
    let Some(length) = what.length else {
        return RangeRequest::Whole;
    };
    if method != Method::GET || !conditional::range_applies(request, &what.validators) {
        return RangeRequest::Whole;
    }
    range::parse(request.get(header::RANGE).and_then(|value| value.to_str().ok()), length)
}

fn describe(what: &Representation, content_type: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        put(&mut headers, header::CONTENT_TYPE, content_type);
    }
    if let Some(etag) = &what.validators.etag {
        put(&mut headers, header::ETAG, etag);
    }
    if let Some(date) = what.validators.last_modified.and_then(conditional::format_http_date) {
        put(&mut headers, header::LAST_MODIFIED, &date);
    }
    if !what.cache_control.is_empty() {
        put(&mut headers, header::CACHE_CONTROL, &what.cache_control);
    }
    headers
}

/// Sets a header; a value that cannot stand in a header (it came from another server) is left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn content_range(span: ByteRange, length: u64) -> String {
    format!("bytes {}-{}/{length}", span.first, span.last)
}

/// The body of RFC 9110 §14.6: each span under its own header, closed by the boundary.
fn multipart(what: &Representation, length: u64, spans: &[ByteRange], boundary: &str) -> Vec<Part> {
    let mut parts = Vec::with_capacity(spans.len() * 2 + 1);
    for (index, span) in spans.iter().enumerate() {
        let line = if index == 0 { "" } else { "\r\n" };
        let head = format!(
            "{line}--{boundary}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
            what.content_type,
            content_range(*span, length)
        );
        parts.push(Part::Literal(Bytes::from(head)));
        parts.push(Part::Span(*span));
    }
    parts.push(Part::Literal(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    parts
}

fn part_length(part: &Part) -> u64 {
    match part {
        Part::Literal(bytes) => bytes.len() as u64,
        Part::Span(span) => span.length(),
        Part::Everything => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{ByteRange, Part, Reply, Representation, Unsent};
    use crate::http::conditional::Validators;
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

    fn film() -> Representation {
        Representation {
            length: Some(1000),
            content_type: "video/mp4".to_owned(),
            validators: Validators { etag: Some("\"v1\"".to_owned()), last_modified: Some(784_111_777) },
            cache_control: "no-cache".to_owned(),
        }
    }

    fn reply(method: &Method, list: &[(&'static str, &'static str)]) -> Result<Reply, Unsent> {
        let headers: HeaderMap = list
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Reply::to(method, &headers, &film())
    }

    fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
        reply.headers.get(name).map_or("", |value| value.to_str().expect("our headers are text"))
    }

    #[test]
    fn one_range() {
        let reply = reply(&Method::GET, &[("range", "bytes=10-19")]).expect("it is sent");
        assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(header(&reply, "content-range"), "bytes 10-19/1000");
        assert_eq!(header(&reply, "content-length"), "10");
        assert_eq!(reply.parts, [Part::Span(ByteRange { first: 10, last: 19 })]);
    }

    #[test]
    fn several_ranges_are_framed_and_counted() {
        let reply = reply(&Method::GET, &[("range", "bytes=0-1,-2")]).expect("it is sent");
        assert_eq!(reply.parts.len(), 5);
        let mut text = String::new();
        let mut spans = 0;
        for part in &reply.parts {
            match part {
                Part::Literal(bytes) => text.push_str(std::str::from_utf8(bytes).expect("framing is text")),
                Part::Span(span) => spans += span.length(),
                Part::Everything => unreachable!("the length is known"),
            }
        }
        let boundary = header(&reply, "content-type").strip_prefix("multipart/byteranges; boundary=").expect("framed");
        assert_eq!(text.matches(&format!("--{boundary}\r\n")).count(), 2);
        assert!(text.ends_with(&format!("\r\n--{boundary}--\r\n")));
        assert!(text.contains("Content-Range: bytes 998-999/1000\r\n"));
        assert_eq!(header(&reply, "content-length"), (text.len() as u64 + spans).to_string());
    }

    #[test]
    fn a_stale_if_range_gets_the_whole() {
        let reply = reply(&Method::GET, &[("range", "bytes=0-1"), ("if-range", "\"v0\"")]).expect("it is sent");
        assert_eq!((reply.status, header(&reply, "content-length")), (StatusCode::OK, "1000"));
    }

    #[test]
    fn nothing_is_sent_twice_to_who_has_it() {
        let reply =
            reply(&Method::GET, &[("if-none-match", "\"v1\""), ("range", "bytes=0-1")]).expect("it is answered");
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
        assert!(reply.parts.is_empty());
        assert_eq!(header(&reply, "etag"), "\"v1\"");
    }

    #[test]
    fn head_has_the_headers_only_and_no_range() {
        let reply = reply(&Method::HEAD, &[("range", "bytes=0-1")]).expect("it is answered");
        assert_eq!((reply.status, header(&reply, "content-length")), (StatusCode::OK, "1000"));
        assert!(reply.parts.is_empty());
    }

    #[test]
    fn ranges_outside_are_refused() {
        assert_eq!(
            reply(&Method::GET, &[("range", "bytes=1000-")]).err(),
            Some(Unsent::RangeNotSatisfiable { length: 1000 })
        );
    }

    #[test]
    fn an_unknown_length_rules_ranges_out() {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("range"), HeaderValue::from_static("bytes=0-1"))]);
        let reply = Reply::to(&Method::GET, &headers, &Representation { length: None, ..film() }).expect("it is sent");
        assert_eq!((reply.status, header(&reply, "content-length")), (StatusCode::OK, ""));
        assert_eq!(reply.parts, [Part::Everything]);
    }
}
