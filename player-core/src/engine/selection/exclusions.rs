//! Representations that are excluded for a time or for good.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::ids::RepKey;
use crate::time::Now;

/// Representations that are excluded, and until when (`None`: for ever).
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Exclusions(BTreeMap<RepKey, Option<Now>>);

impl Exclusions {
    /// Excludes a representation for a time; [`Duration::MAX`] is for ever.
    pub(in crate::engine) fn exclude(&mut self, key: RepKey, span: Duration, now: Now) {
        let until = (span != Duration::MAX).then(|| now + span);
        let entry = self.0.entry(key).or_insert(until);
        *entry = match (*entry, until) {
            (Some(known), Some(new)) => Some(known.max(new)),
            _ => None,
        };
    }

    /// Returns true while a representation is excluded.
    pub(in crate::engine) fn holds(&self, key: RepKey, now: Now) -> bool {
        self.0.get(&key).is_some_and(|until| until.is_none_or(|until| until > now))
    }

    /// Keeps the exclusions of some representations only.
    pub(in crate::engine) fn retain(&mut self, stays: impl Fn(&RepKey) -> bool) {
        self.0.retain(|key, _| stays(key));
    }

    /// True when it will never be asked for again.
    pub(in crate::engine) fn is_final(&self, key: RepKey) -> bool {
        self.0.get(&key).is_some_and(Option::is_none)
    }
}
