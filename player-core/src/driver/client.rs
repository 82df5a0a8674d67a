//! The HTTP clients of a player: one for `http` addresses, and one that knows the system's authorities, made when the first
//! `https` address is asked for. Reading a few hundred certificates takes longer than fetching a manifest from nearby.

use std::sync::{Arc, OnceLock};

use reqwest::{Certificate, Client, ClientBuilder};
use url::Url;

use super::connect::TimingLayer;
use super::resolver::SystemResolver;
use crate::engine::io::FetchError;
use crate::error::{ErrorCode, PlayerError};

/// Header lines read of one answer; browsers limit only their size.
const MAX_HEADERS: usize = 4096;
/// Bytes of header fields read of one HTTP/2 answer.
const MAX_HEADER_BYTES: u32 = 256 << 10;
/// Variables that name the proxy of `http` addresses.
const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// Makes and keeps the clients of one player, with their connections.
#[derive(Debug)]
pub struct Clients {
    /// Trusts no authority. `None` if `http` addresses are reached through a proxy that needs a secure connection.
    plain: Option<Client>,
    secure: OnceLock<Result<Client, String>>,
}

impl Clients {
    /// Makes clients that trust the authorities in `pem` and those of the system.
    ///
    /// # Errors
    /// `InvalidArgument` for certificates that cannot be read, `Internal` when there can be no client.
    pub fn new(pem: Option<&[u8]>) -> Result<Self, PlayerError> {
        let internal = |error: String| PlayerError::fatal(ErrorCode::Internal, error);
        let secure = OnceLock::new();
        if let Some(pem) = pem {
            let certificates = Certificate::from_pem_bundle(pem)
                .map_err(|error| PlayerError::fatal(ErrorCode::InvalidArgument, format!("certificates: {error}")))?;
            let client = make(builder().tls_certs_merge(certificates)).map_err(internal)?;
            secure.get_or_init(|| Ok(client));
        }
        let proxies = PROXY_VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
        let plain = if has_secure_proxy(proxies) { None } else { Some(make(builder().tls_certs_only([]))) };
        let plain = plain.transpose().map_err(internal)?;
        Ok(Self { plain, secure })
    }

    /// Returns the client for an address.
    ///
    /// # Errors
    /// [`FetchError::Tls`] when the authorities of the system cannot be read.
    pub fn for_url(&self, url: &Url) -> Result<&Client, FetchError> {
        match &self.plain {
            Some(plain) if url.scheme() == "http" => Ok(plain),
            _ => self.secure.get_or_init(|| make(builder())).as_ref().map_err(|error| FetchError::Tls(error.clone())),
        }
    }
}

/// Returns true if a proxy's address is `https`.
fn has_secure_proxy(mut proxies: impl Iterator<Item = String>) -> bool {
    proxies.any(|address| address.trim_start().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")))
}

fn make(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| format!("no HTTP client: {error}"))
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("Kinora/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(SystemResolver))
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_max_headers(MAX_HEADERS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .tcp_nodelay(true)
        .connector_layer(TimingLayer)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_authorities_are_read_for_the_first_secure_address_only() {
        let clients = Clients::new(None).unwrap();
        clients.for_url(&url("http://localhost/")).unwrap();
        assert!(clients.secure.get().is_none());
        clients.for_url(&url("https://localhost/")).unwrap();
        assert!(clients.secure.get().is_some());
    }

    #[test]
    fn unreadable_certificates_are_refused_at_once() {
        let pem = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert_eq!(Clients::new(Some(pem)).unwrap_err().code, ErrorCode::InvalidArgument);
    }

    #[test]
    fn a_proxy_that_needs_a_secure_connection_is_found() {
        let has = |addresses: &[&str]| has_secure_proxy(addresses.iter().map(|address| (*address).to_owned()));
        assert!(has(&["http://a:3128", "HTTPS://b:3128"]));
        assert!(!has(&["http://a:3128", "socks5://b", "é", ""]));
    }
}
