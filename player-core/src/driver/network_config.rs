//! Settings of the usual network.

/// Fields that every request of a player carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Header names and values, added to every request. `Authorization`, `Cookie` and `Proxy-Authorization` of these
    /// go to no origin that only a redirect led to, neither with the redirect nor with later requests.
    pub headers: Vec<(String, String)>,
    /// More certification authorities to trust, PEM.
    pub authorities_pem: Option<Vec<u8>>,
    /// Keeps the cookies that servers set and sends them back (RFC 6265). The jar belongs to one player and lives in
    /// memory only. Default true.
    pub cookies: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { headers: Vec::new(), authorities_pem: None, cookies: true }
    }
}
