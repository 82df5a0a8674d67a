//! Times of the requests to the steering server, and the effect of its answers on the next one. `locations` decides on
//! the pathway, and `session::pathways` carries out a change of it.

use std::time::Duration;

use url::Url;

use crate::engine::io::FetchError;
use crate::manifest::{SteeringManifest, steering_request};
use crate::model::{ContentSteering, Protocol};
use crate::time::Now;

/// Time between requests, unless the server declares a `TTL`.
const TTL: Duration = Duration::from_secs(300);
/// Gone (RFC 9110 §15.5.11): the server does not steer this session any more (RFC 8216bis §7.2).
const GONE: u16 = 410;

/// The steering of a session.
#[derive(Clone, Debug)]
pub(super) struct Steering {
    protocol: Protocol,
    server: Url,
    ttl: Duration,
    due: Option<Now>,
}

impl Steering {
    /// Steering that is asked for at once; `None` when there is no address to ask.
    pub(super) fn new(protocol: Protocol, declared: &ContentSteering, now: Now) -> Option<Self> {
        let server = declared.server.urls.first()?.clone();
        Some(Self { protocol, server, ttl: TTL, due: Some(now) })
    }

    /// Returns the time of the next request; `None` while one is under way and after the server has gone.
    pub(super) const fn due(&self) -> Option<Now> {
        self.due
    }

    /// Returns the address of the request, with the pathway in use and its throughput as parameters. Nothing is due
    /// until it was answered.
    pub(super) fn ask(&mut self, pathway: Option<&str>, throughput_bps: Option<u64>) -> Url {
        self.due = None;
        steering_request(self.protocol, &self.server, pathway, throughput_bps)
    }

    /// Takes an answer that was received from `url` after redirects.
    pub(super) fn answered(&mut self, orders: &SteeringManifest, url: &Url, now: Now) {
        if let Some(next) = orders.reload.as_deref().and_then(|reload| url.join(reload).ok()) {
            self.server = next;
        }
        self.ttl = orders.ttl;
        self.due = Some(now + self.ttl);
    }

    /// Takes a request without an answer, or with one that cannot be read: the old orders hold. A server that has gone
    /// is not asked again.
    pub(super) fn failed(&mut self, error: Option<&FetchError>, now: Now) {
        self.due = match error {
            Some(FetchError::Status { status: GONE, .. }) => None,
            Some(FetchError::Status { status: 429, retry_after: Some(wait) }) => Some(now + *wait),
            _ => Some(now + self.ttl),
        };
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::parse_steering;
    use crate::model::Resource;

    fn at(seconds: u64) -> Now {
        Now::ZERO + Duration::from_secs(seconds)
    }

    fn steering() -> Steering {
        let server = Resource::new("http://s/orders?k=1".parse().unwrap());
        Steering::new(Protocol::Hls, &ContentSteering { server, pathway: None }, at(0)).unwrap()
    }

    #[test]
    fn answers_say_when_and_where_to_ask_next() {
        let mut steering = steering();
        assert_eq!(steering.due(), Some(at(0)));
        assert_eq!(steering.ask(Some("a"), None).as_str(), "http://s/orders?k=1&_HLS_pathway=a");
        assert_eq!(steering.due(), None, "one question at a time");
        let orders = br#"{"VERSION":1,"TTL":20,"RELOAD-URI":"/next","PATHWAY-PRIORITY":["a"]}"#;
        steering.answered(&parse_steering(orders).unwrap(), &"http://t/x/y".parse().unwrap(), at(3));
        assert_eq!(steering.due(), Some(at(23)));
        assert_eq!(steering.ask(None, Some(9)).as_str(), "http://t/next?_HLS_throughput=9");
    }

    #[test]
    fn a_server_that_is_busy_is_asked_later_and_one_that_has_gone_never() {
        let status =
            |status, wait: Option<u64>| FetchError::Status { status, retry_after: wait.map(Duration::from_secs) };
        let mut steering = steering();
        steering.failed(Some(&status(429, Some(7))), at(1));
        assert_eq!(steering.due(), Some(at(8)));
        steering.failed(Some(&status(500, None)), at(9));
        assert_eq!(steering.due(), Some(at(309)));
        steering.failed(None, at(10));
        assert_eq!(steering.due(), Some(at(310)));
        let orders = br#"{"VERSION":1,"TTL":20,"PATHWAY-PRIORITY":["a"]}"#;
        steering.answered(&parse_steering(orders).unwrap(), &"http://s/orders".parse().unwrap(), at(320));
        steering.failed(Some(&status(500, None)), at(340));
        assert_eq!(steering.due(), Some(at(360)), "the last answer says how often");
        steering.failed(Some(&status(410, None)), at(400));
        assert_eq!(steering.due(), None);
    }
}
