//! The client's address as a gateway attests it. A service behind a gateway sees the gateway's address on every connection; it
//! believes the header only together with the gateway's key, so that no client can name itself.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keyfile;

/// Header with the client's address.
pub const CLIENT: HeaderName = HeaderName::from_static("kinora-client");
/// Header with the key of the gateway that wrote it.
pub const GATEWAY_KEY: HeaderName = HeaderName::from_static("kinora-gateway-key");

/// Least number of characters of a key.
const MIN_KEY: usize = 16;

/// The key that gateways and services of one installation share.
#[derive(Clone)]
pub struct GatewayKey(HeaderValue);

impl GatewayKey {
    /// The key of a file, which is made with a random one when there is none.
    ///
    /// # Errors
    /// Of the file system, or when the file does not hold a key.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        let text = keyfile::load_or_create(path, || Ok(URL_SAFE_NO_PAD.encode(keyfile::random::<32>()?)))?;
        Self::new(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the file holds no gateway key"))
    }

    /// Takes a key as text; blanks around it do not count. `None` when it is too short, or cannot stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(text.trim()).ok().filter(|value| value.len() >= MIN_KEY)?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// Writes the client's address and the key into the headers of a request to a service.
    pub fn attest(&self, client: IpAddr, headers: &mut HeaderMap) {
        if let Ok(address) = HeaderValue::try_from(client.to_canonical().to_string()) {
            headers.insert(CLIENT, address);
            headers.insert(GATEWAY_KEY, self.0.clone());
        }
    }

    /// Returns the address of the client that a request came from: the attested one, or that of the connection.
    pub fn client(&self, headers: &HeaderMap, connection: IpAddr) -> IpAddr {
        let shown = headers.get(GATEWAY_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        if verify_slices_are_equal(shown, self.0.as_bytes()).is_err() {
            return connection;
        }
        let attested = headers.get(CLIENT).and_then(|value| value.to_str().ok()?.parse().ok());
        attested.unwrap_or(connection)
    }
}

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewayKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::{CLIENT, GATEWAY_KEY, GatewayKey};
    use axum::http::{HeaderMap, HeaderValue};
    use std::net::IpAddr;

    #[test]
    fn an_address_is_believed_with_the_key_only() {
        let (client, connection): (IpAddr, IpAddr) = ([192, 0, 2, 7].into(), [127, 0, 0, 1].into());
        let key = GatewayKey::new(" 0123456789abcdef\n").expect("long enough");
        let mut headers = HeaderMap::new();
        assert_eq!(key.client(&headers, connection), connection);
        key.attest(client, &mut headers);
        assert_eq!(key.client(&headers, connection), client);
        assert_eq!(GatewayKey::new("0123456789abcdeg").expect("a key").client(&headers, connection), connection);
        headers.insert(CLIENT, HeaderValue::from_static("not an address"));
        assert_eq!(key.client(&headers, connection), connection);
        headers.insert(CLIENT, HeaderValue::from_static("192.0.2.7"));
        headers.insert(GATEWAY_KEY, HeaderValue::from_static(""));
        assert_eq!(key.client(&headers, connection), connection);
        assert!(GatewayKey::new("short").is_none() && GatewayKey::new("0123456789\nabcdef").is_none());
    }

    #[test]
    fn the_key_is_kept_and_not_shown() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("gateway.key");
        let (first, again) = (GatewayKey::load_or_create(&path), GatewayKey::load_or_create(&path));
        let (first, again) = (first.expect("made"), again.expect("read"));
        assert_eq!(first.0, again.0);
        assert_eq!(format!("{first:?} {:?}", first.0), "GatewayKey(***) Sensitive");
    }
}
