//! State of the router of a service: what its handlers share, and what the extractors of this crate need of it.

use std::sync::Arc;

use axum::extract::FromRef;
use kinora_api::internal;

use super::body::BodyLimits;

/// State of a router. Cloning is cheap.
pub struct Service<S>(pub Arc<S>);

/// Parts of what handlers share that extractors need.
pub trait Extracted: Send + Sync {
    /// Returns what knows the bearers of tokens.
    fn accounts(&self) -> Arc<dyn internal::Accounts>;

    /// Returns the bounds of a request's body; default: nothing is read.
    fn body(&self) -> BodyLimits {
        BodyLimits::up_to(0)
    }
}

impl<S> Clone for Service<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Extracted> FromRef<Service<S>> for BodyLimits {
    fn from_ref(service: &Service<S>) -> Self {
        service.0.body()
    }
}

impl<S: Extracted> FromRef<Service<S>> for Arc<dyn internal::Accounts> {
    fn from_ref(service: &Service<S>) -> Self {
        service.0.accounts()
    }
}
