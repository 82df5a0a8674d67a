//! The rules for `Host` (RFC 9112 §3.2): a request of HTTP/1.1 has exactly one, and it is an authority.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kinora_api::ErrorCode;

use super::problem::Problem;

/// Answers 400 to a request whose `Host` breaks the rules, and lets every other one through. For `axum::middleware::from_fn`.
pub async fn check(request: Request, next: Next) -> Response {
    if is_valid(request.version(), request.headers()) {
        next.run(request).await
    } else {
        Problem::new(ErrorCode::InvalidRequest, "a request has exactly one Host, and it names a host").into_response()
    }
}

/// Returns true if the `Host` fields of a request are as RFC 9112 §3.2 demands: one of them from HTTP/1.1 on, at most one before,
/// with an empty value or `host[:port]`.
pub fn is_valid(version: Version, headers: &HeaderMap) -> bool {
    let mut fields = headers.get_all(header::HOST).iter();
    match (fields.next(), fields.next()) {
        (None, _) => version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
        (Some(value), None) => {
            let Ok(text) = value.to_str() else { return false };
            text.is_empty() || text.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_valid;
    use axum::http::{HeaderMap, HeaderValue, Version, header};

    #[test]
    fn a_request_names_one_host() {
        let valid = |version, hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            is_valid(version, &headers)
        };
        for host in ["e", "edge.example:8080", "127.0.0.1:80", "[::1]:80", ""] {
            assert!(valid(Version::HTTP_11, &[host]), "{host}");
        }
        for host in ["a b", "user@edge", "a/b", "a,b?", "http://edge/"] {
            assert!(!valid(Version::HTTP_11, &[host]), "{host}");
        }
        assert!(!valid(Version::HTTP_11, &[]));
        assert!(!valid(Version::HTTP_11, &["a", "a"]));
        assert!(valid(Version::HTTP_10, &[]));
        assert!(!valid(Version::HTTP_10, &["a", "b"]));
    }
}
