//! State that the handlers of the catalogue share.

use std::sync::Arc;

use crate::searching::Searching;
use crate::shown::Shown;
use crate::{Catalogue, Deps};

/// State that handlers share.
pub(crate) struct Shared {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) deps: Deps,
    pub(crate) shown: Shown,
    pub(crate) searching: Searching,
}
