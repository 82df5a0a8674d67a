//! The service of the catalogue: what there is to see, and the media behind the edges.
//!
//! * [`domain`] — titles, screens, search, pure; [`store`] — what the packager wrote; [`client`] — what other services ask of it;
//! * [`http`] — its routes; `origin` — media for edges; `live` — media of channels for them; [`pictures`] — who may see them; `shown` — what screens showed, for the log of events;
//! * `searching` — searches in turn; `tagged` — answers that a client may have already; [`retention`] — replaced versions.

#![warn(missing_docs)]

pub mod client;
pub mod domain;
pub mod http;
mod live;
mod origin;
pub mod pictures;
pub mod retention;
mod searching;
mod shared;
mod shown;
pub mod store;
mod tagged;

use std::sync::Arc;

use axum::Router;
use kinora_api::internal::{Accounts, Playback, Recommendations};
use kinora_eventlog::EventLog;
use kinora_kit::clock::Clock;
use kinora_kit::signature::EdgeSecret;

pub use store::Catalogue;

/// Other services and settings that it needs.
pub struct Deps {
    /// Knows who asks.
    pub accounts: Arc<dyn Accounts>,
    /// Knows where viewers left off, and which versions are played.
    pub playback: Arc<dyn Playback>,
    /// Takes what screens showed and what was searched for.
    pub log: Arc<dyn EventLog>,
    /// For the times of those.
    pub clock: Clock,
    /// Chooses what is recommended.
    pub recommendations: Arc<dyn Recommendations>,
    /// What edges show to be let into the origin is checked against this.
    pub secret: EdgeSecret,
}

/// Returns the router of the service and starts what it does by itself, which ends with the router.
pub fn service(catalogue: Arc<Catalogue>, deps: Deps) -> Router {
    http::router(catalogue, deps)
}
