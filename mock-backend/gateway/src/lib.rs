//! The one address before the services: it decides which service answers a request, and protects each from the others and all of
//! them from clients (`docs/adr/0026`).
//!
//! * [`routes`], [`topology`] — the calls that exist outside, and where services are;
//! * [`gateway`] — a request's way through; [`headers`], [`body`] — what comes through;
//! * [`caller`], [`quota`], [`admission`] — who asks, how often, and who yields when it is busy;
//! * `kept` — answers that are given while their service is silent;
//! * [`upstream`], [`breaker`], [`transport`] — a service, its replicas, one of them;
//! * [`metrics`] — counters.

#![warn(missing_docs)]

pub mod admission;
pub mod body;
pub mod breaker;
pub mod caller;
pub mod gateway;
pub mod headers;
mod kept;
pub mod metrics;
pub mod quota;
pub mod routes;
pub mod topology;
pub mod transport;
pub mod upstream;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, Weak};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_kit::clock::Clock;
use kinora_kit::http::attested::GatewayKey;
use kinora_kit::http::handed;
use kinora_kit::http::server::{self, Limits, Transport, listen_with};
use kinora_kit::http::tls::{Identity, KeyPin, TlsError};
use kinora_kit::keyfile;

use caller::{NotKeys, TokenKeys};
use gateway::{Bounds, Gateway, Keys, router};
use transport::Replicas;

/// Time between two rounds of tidying up.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// Settings of a gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address for plain HTTP; port 0 takes a free one.
    pub address: SocketAddr,
    /// Socket that the parent bound, to listen on in place of `address`.
    pub socket: Option<Arc<TcpListener>>,
    /// Place at which TLS is spoken; nowhere by default.
    pub tls: Tls,
    /// Data directory: keys and certificate.
    pub data: PathBuf,
    /// File with the public keys that access tokens are signed with (RFC 7517); `None`: each token has its own quota.
    pub token_keys: Option<PathBuf>,
    /// Limits of connections.
    pub limits: Limits,
    /// Limits of the load.
    pub bounds: Bounds,
    /// For quotas and breakers.
    pub clock: Clock,
}

/// Place at which a gateway speaks TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Nowhere: plain HTTP only.
    #[default]
    Nowhere,
    /// At an address of its own; port 0 takes a free one.
    At(SocketAddr),
    /// At the address of plain HTTP, as the first byte of each connection says.
    BesidePlain,
}

impl Config {
    /// A gateway on a free port of the loopback interface, without TLS.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            socket: None,
            tls: Tls::Nowhere,
            data: data.into(),
            token_keys: None,
            limits: Limits::default(),
            bounds: Bounds::default(),
            clock: Clock::system(),
        }
    }
}

/// Reason why a gateway did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// A file cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The keys of access tokens.
    #[error("{}: {source}", path.display())]
    TokenKeys {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: NotKeys,
    },
    /// Key and certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Cause.
        source: io::Error,
    },
}

/// File of a data directory that holds the pin of the gateway's key, for clients on the same machine.
pub fn pin_file(data: &Path) -> PathBuf {
    data.join("keys").join("gateway.pin")
}

/// File of a data directory that holds the key by which services believe the client's address.
pub fn key_file(data: &Path) -> PathBuf {
    data.join("keys").join("gateway.key")
}

/// A gateway that runs. Dropping it cuts every connection.
pub struct Running {
    plain: server::Running,
    tls: Option<server::Running>,
    secure: Option<(String, KeyPin)>,
}

impl Running {
    /// The base address for plain HTTP, without a slash at its end.
    pub fn url(&self) -> String {
        self.plain.url()
    }

    /// The base address for TLS, and the pin of its key.
    pub fn tls(&self) -> Option<(String, KeyPin)> {
        self.secure.clone()
    }

    /// Stops accepting, lets running answers finish within [`Limits::drain`], then cuts the rest.
    pub async fn shutdown(self) {
        let tls = async {
            if let Some(server) = self.tls {
                server.shutdown().await;
            }
        };
        tokio::join!(self.plain.shutdown(), tls);
    }
}

/// Starts a gateway before these services ([`transport::over_http`] or [`transport::in_process`]) on the current runtime.
///
/// # Errors
/// When it cannot start; nothing is left running then.
pub async fn serve(config: Config, replicas: Replicas) -> Result<Running, GatewayError> {
    let keys = open_keys(&config.data, config.token_keys.as_deref())?;
    let identity = (config.tls != Tls::Nowhere).then(|| identity(&config)).transpose()?;
    let gateway = Arc::new(Gateway::new(replicas, keys, config.bounds, &config.clock));
    tokio::spawn(tidy_up(Arc::downgrade(&gateway), config.token_keys));
    let router = router(gateway);
    if !config.address.ip().is_loopback() {
        tracing::warn!(address = %config.address, "plain HTTP can be reached from other machines");
    }
    let refused = |address| move |source| GatewayError::Listen { address, source };
    let transport = match (&identity, config.tls) {
        (Some(identity), Tls::BesidePlain) => Transport::Either(identity.server_config()),
        _ => Transport::Plain,
    };
    let socket = config.socket.as_deref();
    let plain =
        handed::listen_at(config.address, socket, router.clone(), config.limits.clone(), transport, async {}).await;
    let plain = plain.map_err(refused(config.address))?;
    let tls = match (&identity, config.tls) {
        (Some(identity), Tls::At(address)) => {
            let transport = Transport::Tls(identity.server_config());
            let server = listen_with(address, router, config.limits, transport, async {}).await;
            Some(server.map_err(refused(address))?)
        }
        _ => None,
    };
    let url = tls.as_ref().map_or_else(|| format!("https://{}", plain.address()), server::Running::url);
    Ok(Running { secure: identity.map(|identity| (url, identity.pin())), plain, tls })
}

/// Returns key and certificate, made at the first start, and writes the pin for clients on this machine.
fn identity(config: &Config) -> Result<Identity, GatewayError> {
    let address = match config.tls {
        Tls::At(address) => address,
        Tls::Nowhere | Tls::BesidePlain => config.address,
    };
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.ip().to_string()];
    let identity = Identity::load_or_create(&config.data.join("keys").join("gateway.pem"), &names)?;
    identity.write_pin(&pin_file(&config.data))?;
    Ok(identity)
}

/// Reads the keys of a data directory and makes those that are missing.
fn open_keys(data: &Path, token_keys: Option<&Path>) -> Result<Keys, GatewayError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| GatewayError::File { path, source }
    };
    let (key_file, metrics_file) = (key_file(data), data.join("keys").join("metrics.token"));
    let random = || Ok(URL_SAFE_NO_PAD.encode(keyfile::random::<32>()?));
    let tokens = token_keys.map(read_token_keys).transpose()?.unwrap_or_default();
    Ok(Keys {
        gateway: GatewayKey::load_or_create(&key_file).map_err(unusable(&key_file))?,
        metrics_token: keyfile::load_or_create(&metrics_file, random).map_err(unusable(&metrics_file))?,
        tokens: RwLock::new(Arc::new(tokens)),
    })
}

fn read_token_keys(path: &Path) -> Result<TokenKeys, GatewayError> {
    let text = std::fs::read(path).map_err(|source| GatewayError::File { path: path.to_owned(), source })?;
    TokenKeys::parse(&text).map_err(|source| GatewayError::TokenKeys { path: path.to_owned(), source })
}

/// Tidies up, and follows the file of public keys, for as long as anyone else holds the gateway.
async fn tidy_up(gateway: Weak<Gateway>, token_keys: Option<PathBuf>) {
    let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let mut last = token_keys.as_ref().and_then(changed);
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        let Some(gateway) = gateway.upgrade() else { return };
        gateway.tidy_up();
        let Some(path) = &token_keys else { continue };
        let now = changed(path);
        if now == last {
            continue;
        }
        match read_token_keys(path) {
            Ok(keys) => {
                gateway.set_token_keys(keys);
                last = now;
            }
            Err(error) => tracing::error!(%error, "the public keys stay as they were"),
        }
    }
}
