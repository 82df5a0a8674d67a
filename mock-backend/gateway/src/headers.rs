//! Headers on their way through: those of one connection stay behind, and so do those that only a gateway may write.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use kinora_kit::http::attested::{CLIENT, GATEWAY_KEY};
use kinora_kit::signature::ORIGIN_KEY_HEADER;

/// Fields of one connection (RFC 9110 §7.6.1), and old ones that were used as such.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Fields of requests that services do not get from outside: what the gateway decides, or makes anew.
const OURS: [HeaderName; 11] = [
    CLIENT,
    GATEWAY_KEY,
    HeaderName::from_static(ORIGIN_KEY_HEADER),
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::FORWARDED,
    header::HOST,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// Removes the fields of a connection, named by the standard or by `Connection`.
pub fn strip_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Returns the headers of a request as a service gets them, without what the gateway adds.
pub fn of_request(received: &HeaderMap, version: Version) -> HeaderMap {
    let mut headers = received.clone();
    strip_connection(&mut headers);
    for name in &OURS {
        headers.remove(name);
    }
    // RFC 9110 §7.6.3. Our name is a pseudonym: where the gateway listens is nobody's business.
    let via = if version == Version::HTTP_2 { "2 kinora" } else { "1.1 kinora" };
    headers.append(header::VIA, HeaderValue::from_static(via));
    headers
}

#[cfg(test)]
mod tests {
    use super::of_request;
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};

    #[test]
    fn fields_of_the_connection_and_of_gateways_stay_behind() {
        let mut received = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private , te"),
            ("connection", "other"),
            ("x-private", "1"),
            ("other", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic eA=="),
            ("kinora-client", "192.0.2.1"),
            ("kinora-gateway-key", "guess"),
            ("kinora-origin-key", "guess"),
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
            ("host", "kinora.example"),
            ("content-length", "5"),
            ("expect", "100-continue"),
            ("accept", "application/json"),
            ("authorization", "Bearer x"),
            ("if-none-match", "\"a\""),
        ] {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            received.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let sent = of_request(&received, Version::HTTP_2);
        let mut names: Vec<&str> = sent.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "authorization", "if-none-match", "via"]);
        assert_eq!(sent[header::VIA], "2 kinora");
    }
}
