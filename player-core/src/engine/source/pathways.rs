//! Pathways of the presentation and the orders of its steering server (RFC 8216bis §7, ISO/IEC 23009-1 annex K).

use url::Url;

use super::{Source, Steering};
use crate::engine::io::FetchError;
use crate::manifest::SteeringManifest;
use crate::time::Now;

impl Source {
    /// Takes the pathways of a presentation that has become known. Its steering server, if any, is due at once.
    pub(in crate::engine) fn begin_steering(&mut self, now: Now) {
        let presentation = &self.presentation;
        let declared = presentation.steering.as_ref();
        self.locations.set_pathways(&presentation.pathways, declared.and_then(|declared| declared.pathway.as_deref()));
        self.steering = declared.and_then(|declared| Steering::new(presentation.protocol, declared, now));
    }

    /// Takes the pathways of a manifest that was read again and lists others, or another steering server.
    pub(in crate::engine) fn renew_steering(&mut self, now: Now) {
        let presentation = &self.presentation;
        self.locations.renew_pathways(&presentation.pathways);
        let declared = presentation.steering.as_ref();
        self.steering = declared.and_then(|declared| Steering::new(presentation.protocol, declared, now));
    }

    /// Returns the time of the next request to the steering server; `None` while one is under way.
    pub(in crate::engine) fn steering_due(&self) -> Option<Now> {
        self.steering.as_ref().and_then(Steering::due)
    }

    /// Returns the address to ask for orders, with the pathway in use and `throughput_bps` as parameters.
    pub(in crate::engine) fn ask_steering(&mut self, throughput_bps: Option<u64>) -> Option<Url> {
        let Self { steering, locations, .. } = self;
        steering.as_mut().map(|steering| steering.ask(locations.pathway(), throughput_bps))
    }

    /// Takes the orders of the steering server, received from `url` after redirects. Returns true if another pathway is
    /// preferred now.
    pub(in crate::engine) fn obey_steering(&mut self, orders: &SteeringManifest, url: &Url, now: Now) -> bool {
        if let Some(steering) = self.steering.as_mut() {
            steering.answered(orders, url, now);
        }
        for clone in &orders.clones {
            if self.locations.add_clone(clone) {
                self.add_addresses(clone, url);
                self.clones.push((clone.clone(), url.clone()));
            }
        }
        self.locations.prefer(&orders.priority, now)
    }

    /// Takes a failed request for orders; `error` is `None` for an answer that cannot be read.
    pub(in crate::engine) fn steering_failed(&mut self, error: Option<&FetchError>, now: Now) {
        if let Some(steering) = self.steering.as_mut() {
            steering.failed(error, now);
        }
    }
}
