//! Conditional requests (RFC 9110 §13): validators against headers. Pure.

use axum::http::{HeaderMap, Method, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

pub use super::date::parse_http_date;

/// What identifies the state of a representation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag with its quotes, and `W/` before them when weak.
    pub etag: Option<String>,
    /// When it last changed, in whole seconds since the Unix epoch.
    pub last_modified: Option<i64>,
}

/// What the preconditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as usual.
    Proceed,
    /// 304: the client has it already.
    NotModified,
    /// 412: the client wanted another state.
    Failed,
}

/// Evaluates the preconditions in the order of RFC 9110 §13.2.2; `If-Range` is left to [`range_applies`].
pub fn evaluate(method: &Method, headers: &HeaderMap, validators: &Validators) -> Verdict {
    if let Some(wanted) = text(headers, header::IF_MATCH) {
        if !any_tag(wanted, validators.etag.as_deref(), strong_match) {
            return Verdict::Failed;
        }
    } else if let Some(limit) = date(headers, header::IF_UNMODIFIED_SINCE)
        && validators.last_modified.is_some_and(|changed| changed > limit)
    {
        return Verdict::Failed;
    }
    let safe = matches!(*method, Method::GET | Method::HEAD);
    if let Some(known) = text(headers, header::IF_NONE_MATCH) {
        return match (any_tag(known, validators.etag.as_deref(), weak_match), safe) {
            (false, _) => Verdict::Proceed,
            (true, true) => Verdict::NotModified,
            (true, false) => Verdict::Failed,
        };
    }
    match (date(headers, header::IF_MODIFIED_SINCE), validators.last_modified) {
        (Some(since), Some(changed)) if safe && changed <= since => Verdict::NotModified,
        _ => Verdict::Proceed,
    }
}

/// Whether a `Range` header counts: without `If-Range` always, with it only when the state is exactly the one named
/// (RFC 9110 §13.1.5).
pub fn range_applies(headers: &HeaderMap, validators: &Validators) -> bool {
    let Some(wanted) = text(headers, header::IF_RANGE) else {
        return !headers.contains_key(header::IF_RANGE);
    };
    if wanted.starts_with('"') || wanted.starts_with("W/") {
        return validators.etag.as_deref().is_some_and(|etag| strong_match(wanted, etag));
    }
    parse_http_date(wanted).is_some_and(|date| Some(date) == validators.last_modified)
}

/// An instant as an HTTP date, such as `Sun, 06 Nov 1994 08:49:37 GMT`; `None` beyond the year 9999.
pub fn format_http_date(seconds: i64) -> Option<String> {
    static PRINTER: DateTimePrinter = DateTimePrinter::new();
    PRINTER.timestamp_to_rfc9110_string(&Timestamp::from_second(seconds).ok()?).ok()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn date(headers: &HeaderMap, name: header::HeaderName) -> Option<i64> {
    parse_http_date(text(headers, name)?)
}

fn any_tag(list: &str, current: Option<&str>, matches: fn(&str, &str) -> bool) -> bool {
    let Some(current) = current else {
        return false;
    };
    // A tag of ours holds no comma, so splitting at commas cannot make a match of two halves of a foreign one.
    list == "*" || list.split(',').any(|tag| matches(tag.trim(), current))
}

fn strong_match(a: &str, b: &str) -> bool {
    !a.starts_with("W/") && a == b
}

fn weak_match(a: &str, b: &str) -> bool {
    a.trim_start_matches("W/") == b.trim_start_matches("W/")
}

#[cfg(test)]
mod tests {
    use super::{Validators, Verdict, evaluate, format_http_date, parse_http_date, range_applies};
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn validators() -> Validators {
        Validators { etag: Some("\"abc\"".to_owned()), last_modified: Some(784_111_777) }
    }

    #[test]
    fn dates_in_the_preferred_form() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(format_http_date(784_111_777).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(parse_http_date("yesterday"), None);
    }

    #[test]
    fn preconditions_in_their_order() {
        let cases: &[(&[(&'static str, &'static str)], Verdict)] = &[
            (&[], Verdict::Proceed),
            (&[("if-none-match", "\"abc\"")], Verdict::NotModified),
            (&[("if-none-match", "W/\"abc\"")], Verdict::NotModified),
            (&[("if-none-match", "\"x\", \"abc\"")], Verdict::NotModified),
            (&[("if-none-match", "*")], Verdict::NotModified),
            (&[("if-none-match", "\"x\"")], Verdict::Proceed),
            (&[("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")], Verdict::NotModified),
            (&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")], Verdict::Proceed),
            // If-None-Match hides If-Modified-Since.
            (&[("if-none-match", "\"x\""), ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")], Verdict::Proceed),
            (&[("if-match", "\"x\"")], Verdict::Failed),
            (&[("if-match", "W/\"abc\"")], Verdict::Failed),
            (&[("if-match", "\"abc\"")], Verdict::Proceed),
            (&[("if-unmodified-since", "Sun, 06 Nov 1994 08:49:36 GMT")], Verdict::Failed),
        ];
        for (list, expected) in cases {
            assert_eq!(evaluate(&Method::GET, &headers(list), &validators()), *expected, "{list:?}");
        }
    }

    #[test]
    fn if_range_wants_the_very_same_state() {
        for (value, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", false),
            ("\"x\"", false),
            ("Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("Sun, 06 Nov 1994 08:49:38 GMT", false),
            ("nonsense", false),
        ] {
            assert_eq!(range_applies(&headers(&[("if-range", value)]), &validators()), expected, "{value}");
        }
        assert!(range_applies(&HeaderMap::new(), &validators()));
    }
}
