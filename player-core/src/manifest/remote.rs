//! Parts of a manifest that lie in other files. The reader names those it needs, the engine fetches them, and the
//! manifest is read again with them.

use std::collections::BTreeMap;

use bytes::Bytes;
use url::Url;

/// More parts than this are not fetched.
const MOST: usize = 64;
/// A part larger than this counts as one that cannot be had.
const LARGEST: usize = 4 << 20;

/// Parts fetched so far, by address; `None` for those that could not be fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteElements(BTreeMap<Url, Option<Bytes>>);

impl RemoteElements {
    /// Takes a part, or notes that it cannot be had.
    pub fn insert(&mut self, url: Url, bytes: Option<Bytes>) {
        self.0.insert(url, bytes.filter(|bytes| bytes.len() <= LARGEST));
    }

    /// Returns the state of a part.
    pub(super) fn get(&self, url: &Url) -> Option<&Option<Bytes>> {
        self.0.get(url)
    }

    /// True when no part has been asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of parts that may still be fetched.
    pub fn room(&self) -> usize {
        MOST.saturating_sub(self.0.len())
    }
}
