//! Events that are assessed. Whatever names somebody is kept as a digest.

use std::net::IpAddr;

use crate::key::Key;
use crate::place::Place;

/// One minute in milliseconds.
pub(crate) const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in milliseconds.
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A sign-in with a password.
    SignIn,
    /// A refresh token was traded.
    Refresh,
    /// A playback, or anything else for which a token was shown.
    Use,
}

/// Something that an account, or somebody in its place, did. Every part but the time may be absent; absence is no signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Time, milliseconds since the Unix epoch.
    pub at: i64,
    /// Kind.
    pub kind: Kind,
    /// True if it was accepted, false if it was refused.
    pub accepted: Option<bool>,
    /// Account, also one that does not exist.
    pub account: Option<Key>,
    /// Device.
    pub device: Option<Key>,
    /// Token or session.
    pub token: Option<Key>,
    /// Network of one subscriber; see [`Event::set_address`].
    pub network: Option<Key>,
    /// Network of about 256 subscribers.
    pub subnet: Option<Key>,
    /// Network of a provider, or a part of it.
    pub provider: Option<Key>,
    /// Name of the program.
    pub agent: Option<Key>,
    /// Name of the program without its versions, which stay no device's for long.
    pub program: Option<Key>,
    /// True if the program is a tool for calls rather than an app or a browser.
    pub is_tool: bool,
    /// Country.
    pub country: Option<Key>,
    /// Place on the earth.
    pub place: Option<Place>,
    /// True if the device is known, by other means than these events, to have signed in to the account before.
    pub is_known_device: bool,
}

impl Event {
    /// Makes an event of which nothing but time and kind is known.
    pub fn new(at: i64, kind: Kind) -> Self {
        Self {
            at,
            kind,
            accepted: None,
            account: None,
            device: None,
            token: None,
            network: None,
            subnet: None,
            provider: None,
            agent: None,
            program: None,
            is_tool: false,
            country: None,
            place: None,
            is_known_device: false,
        }
    }

    /// Sets the networks of an address: that of one subscriber is an IPv4 address or the /64 of an IPv6 address (RFC 6177), the
    /// wider one a /24 or a /48, and a part of a provider's a /16 or a /32.
    pub fn set_address(&mut self, address: IpAddr) {
        let (network, subnet, provider) = match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                (v4.to_string(), format!("{a}.{b}.{c}/24"), format!("{a}.{b}/16"))
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                let subnet = format!("{a:x}:{b:x}:{c:x}/48");
                (format!("{a:x}:{b:x}:{c:x}:{d:x}/64"), subnet, format!("{a:x}:{b:x}/32"))
            }
        };
        self.network = Key::of(&network);
        self.subnet = Key::of(&subnet);
        self.provider = Key::of(&provider);
    }

    /// Sets the program by its `User-Agent`.
    pub fn set_agent(&mut self, agent: &str) {
        // Names that the tools send unless they are made to send another.
        const TOOLS: [&str; 18] = [
            "curl",
            "wget",
            "python",
            "aiohttp",
            "httpx",
            "go-http-client",
            "okhttp",
            "java/",
            "libwww",
            "scrapy",
            "headless",
            "phantomjs",
            "selenium",
            "puppeteer",
            "hydra",
            "sqlmap",
            "openbullet",
            "axios",
        ];
        let lower = agent.to_lowercase();
        self.agent = Key::of(agent);
        let letters: String = lower.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '_')).collect();
        self.program = Key::of(&letters);
        self.is_tool = TOOLS.iter().any(|tool| lower.contains(tool));
    }

    /// Returns true if it is a sign-in or a refresh that was refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.accepted == Some(false)
    }

    /// Returns true if it shows that the account's owner, or somebody with the owner's password or token, was let in.
    pub(crate) fn is_let_in(&self) -> bool {
        self.accepted.unwrap_or(self.kind != Kind::SignIn)
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Kind};
    use crate::key::Key;

    #[test]
    fn networks_are_those_of_subscribers() {
        assert_eq!(Event::new(0, Kind::SignIn).network, None::<Key>);
        let at = |text: &str| {
            let mut event = Event::new(0, Kind::SignIn);
            event.set_address(text.parse().expect("an address"));
            (event.network, event.subnet)
        };
        assert_eq!(at("192.0.2.1"), at("::ffff:192.0.2.1"));
        assert_eq!(at("192.0.2.1").1, at("192.0.2.9").1);
        assert_ne!(at("192.0.2.1").0, at("192.0.2.9").0);
        assert_eq!(at("2001:db8:0:1::1"), at("2001:db8:0:1::2"));
        assert_ne!(at("2001:db8:0:1::1").0, at("2001:db8:0:2::1").0);
    }

    #[test]
    fn tools_are_known_by_the_names_that_they_send() {
        let mut event = Event::new(0, Kind::SignIn);
        event.set_agent("python-requests/2.31");
        assert!(event.is_tool);
        event.set_agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0");
        assert!(!event.is_tool);
    }
}
