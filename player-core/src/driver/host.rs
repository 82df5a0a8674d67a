//! The parts that a host may give a player in place of the usual ones.

use std::sync::Arc;

use super::decorator::FetchDecorator;
use super::fetcher::Fetcher;
use super::http::HttpFetcher;
use super::key_system::{ClearKeySystem, KeySystem};
use super::network_config::NetworkConfig;
use super::store::MediaStore;
use super::transfer::Pipeline;
use crate::engine::recovery::LoadErrorPolicy;
use crate::error::PlayerError;

/// Parts of the host. `Default` is a player with HTTP, without a store, with ClearKey, and with the usual policy.
#[derive(Clone, Default)]
pub struct HostParts {
    /// Settings of HTTP; unused if `fetcher` is given.
    pub network: NetworkConfig,
    /// Network of the host, in place of HTTP.
    pub fetcher: Option<Arc<dyn Fetcher>>,
    /// Changes to requests, in this order, and to answers, in reverse order.
    pub decorators: Vec<Arc<dyn FetchDecorator>>,
    /// Media that is kept; `None` keeps nothing.
    pub media_store: Option<Arc<dyn MediaStore>>,
    /// Licence exchange of the host, in place of ClearKey and key files.
    pub key_system: Option<Arc<dyn KeySystem>>,
    /// Decisions about failed requests, in place of the usual table. A recorded session replays only with the same.
    pub load_errors: Option<Arc<dyn LoadErrorPolicy>>,
}

impl HostParts {
    /// Returns the parts that requests pass.
    pub(crate) fn pipeline(&self) -> Result<Pipeline, PlayerError> {
        let fetcher = match &self.fetcher {
            Some(fetcher) => Arc::clone(fetcher),
            None => Arc::new(HttpFetcher::new(&self.network)?),
        };
        Ok(Pipeline {
            fetcher,
            decorators: self.decorators.clone(),
            store: self.media_store.clone(),
            keys: self.key_system.clone().unwrap_or_else(|| Arc::new(ClearKeySystem)),
        })
    }
}
