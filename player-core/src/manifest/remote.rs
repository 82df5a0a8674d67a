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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn parts_are_counted_and_large_ones_cannot_be_had() {
        let url = |number: usize| Url::parse(&format!("http://h/{number}.xml")).unwrap();
        let mut remotes = RemoteElements::default();
        assert!(remotes.is_empty());
        for number in 0..MOST + 2 {
            assert_eq!(remotes.room(), MOST.saturating_sub(number));
            remotes.insert(url(number), (number % 2 == 0).then(|| Bytes::from_static(b"<Period/>")));
        }
        assert!(!remotes.is_empty());
        assert_eq!(remotes.get(&url(0)), Some(&Some(Bytes::from_static(b"<Period/>"))));
        assert_eq!((remotes.get(&url(1)), remotes.get(&url(MOST + 2))), (Some(&None), None));
        for (length, kept) in [(LARGEST, true), (LARGEST + 1, false)] {
            remotes.insert(url(0), Some(vec![b' '; length].into()));
            assert_eq!(remotes.get(&url(0)).map(Option::is_some), Some(kept), "{length}");
        }
    }
}
