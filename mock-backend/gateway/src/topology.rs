//! The services behind the gateway and where their replicas are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use axum::http::uri::Authority;
use url::Url;

/// Maximum number of replicas of a service.
const MAX_REPLICAS: usize = 64;

/// A service behind the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Sign-in, accounts, profiles.
    Accounts,
    /// Home screen, titles, search, pictures.
    Catalogue,
    /// Playbacks, heartbeats, positions.
    Playback,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Accounts, Self::Catalogue, Self::Playback];

    /// Name in set-up, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Catalogue => "catalogue",
            Self::Playback => "playback",
        }
    }
}

/// Base address of a replica: `http://HOST:PORT` for HTTP/1.1, `h2c://HOST:PORT` for HTTP/2 without TLS (RFC 9113 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Host and port.
    pub authority: Authority,
    /// True: HTTP/2, which the replica is known to speak.
    pub is_http2: bool,
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_http2 { "h2c" } else { "http" }, self.authority)
    }
}

/// Reason why a set-up of routes is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Not `SERVICE=URL,…`.
    #[error("{0:?} is not SERVICE=URL,… with accounts, catalogue or playback as service")]
    Route(String),
    /// Not the base address of a replica.
    #[error("{0:?} is not http://HOST:PORT or h2c://HOST:PORT")]
    Address(String),
    /// A service has no replica, or has more than are looked at.
    #[error("{name} has {0} replicas; 1 to {MAX_REPLICAS} are possible", name = .1.name())]
    Replicas(usize, Service),
}

impl FromStr for Upstream {
    type Err = TopologyError;

    fn from_str(text: &str) -> Result<Self, TopologyError> {
        let refused = || TopologyError::Address(text.to_owned());
        let url = Url::parse(text).map_err(|_| refused())?;
        let is_http2 = match url.scheme() {
            "http" => false,
            "h2c" => true,
            _ => return Err(refused()),
        };
        let is_bare = url.path().trim_start_matches('/').is_empty()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host_str().filter(|_| is_bare).ok_or_else(refused)?;
        let port = url.port_or_known_default().ok_or_else(refused)?;
        let authority = format!("{host}:{port}").parse().map_err(|_| refused())?;
        Ok(Self { authority, is_http2 })
    }
}

/// One `SERVICE=URL,…` of the command line.
#[derive(Clone, Debug)]
pub struct Route {
    service: Service,
    replicas: Vec<Upstream>,
}

impl FromStr for Route {
    type Err = TopologyError;

    fn from_str(text: &str) -> Result<Self, TopologyError> {
        let refused = || TopologyError::Route(text.to_owned());
        let (name, addresses) = text.split_once('=').ok_or_else(refused)?;
        let service = Service::ALL.into_iter().find(|service| service.name() == name).ok_or_else(refused)?;
        let replicas = addresses.split(',').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { service, replicas })
    }
}

/// The replicas of every service.
#[derive(Clone, Debug)]
pub struct Topology(BTreeMap<Service, Vec<Upstream>>);

impl Topology {
    /// Joins routes; several of one service add up.
    ///
    /// # Errors
    /// When a service has no replica, or too many.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Result<Self, TopologyError> {
        let mut services: BTreeMap<Service, Vec<Upstream>> = Service::ALL.map(|service| (service, Vec::new())).into();
        for route in routes {
            services.entry(route.service).or_default().extend(route.replicas);
        }
        for (service, replicas) in &services {
            if !(1..=MAX_REPLICAS).contains(&replicas.len()) {
                return Err(TopologyError::Replicas(replicas.len(), *service));
            }
        }
        Ok(Self(services))
    }

    /// All services in one process.
    ///
    /// # Errors
    /// When the address is not that of a replica.
    pub fn all_in_one(url: &str) -> Result<Self, TopologyError> {
        let upstream: Upstream = url.parse()?;
        Ok(Self(Service::ALL.map(|service| (service, vec![upstream.clone()])).into()))
    }

    /// The replicas of a service.
    pub fn replicas(&self, service: Service) -> &[Upstream] {
        self.0.get(&service).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, Service, Topology, TopologyError, Upstream};
    use proptest::prelude::*;

    fn topology(routes: &[&str]) -> Result<Topology, TopologyError> {
        let routes: Result<Vec<Route>, _> = routes.iter().map(|route| route.parse()).collect();
        Topology::new(routes?)
    }

    #[test]
    fn routes_add_up_and_every_service_has_one() {
        let read = topology(&[
            "accounts=http://a:1",
            "catalogue=http://[::1]:2,h2c://c:3",
            "playback=http://p/",
            "accounts=http://b:1",
        ]);
        let read = read.expect("valid");
        let shown = |service| read.replicas(service).iter().map(Upstream::to_string).collect::<Vec<_>>();
        assert_eq!(shown(Service::Accounts), ["http://a:1", "http://b:1"]);
        assert_eq!(shown(Service::Playback), ["http://p:80"]);
        assert_eq!(
            topology(&["accounts=http://a:1"]).expect_err("no catalogue"),
            TopologyError::Replicas(0, Service::Catalogue)
        );
        assert!(Topology::all_in_one("http://127.0.0.1:80").is_ok());
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in
            ["http://a:1/path", "http://a:1?q", "http://u:p@a:1", "https://a", "a:1", "", "h2c://", "http://a:1#f"]
        {
            assert_eq!(text.parse::<Upstream>(), Err(TopologyError::Address(text.to_owned())), "{text}");
        }
        for text in ["accounts", "billing=http://a:1", "=http://a:1", "Accounts=http://a:1"] {
            assert!(matches!(text.parse::<Route>(), Err(TopologyError::Route(_))), "{text}");
        }
        let many = format!("accounts={}", vec!["http://a:1"; 65].join(","));
        assert_eq!(topology(&[&many]).expect_err("too many"), TopologyError::Replicas(65, Service::Accounts));
    }

    proptest! {
        #[test]
        fn an_address_that_is_read_is_written_as_the_same(
            text in "\\PC{0,40}|(http|h2c)://[a-z0-9.%\\[\\]:-]{0,12}(:[0-9]{1,6})?/{0,2}",
        ) {
            if let Ok(upstream) = text.parse::<Upstream>() {
                prop_assert_eq!(upstream.to_string().parse(), Ok(upstream), "{}", text);
            }
        }
    }
}
