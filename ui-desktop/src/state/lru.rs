//! A map that holds at most so many bytes and forgets what was used longest ago.

use std::collections::HashMap;
use std::hash::Hash;

/// Holds values whose sizes sum to at most a limit.
#[derive(Debug)]
pub struct ByteLru<K, V> {
    entries: HashMap<K, Entry<V>>,
    limit: usize,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Eq + Hash + Ord + Clone, V> ByteLru<K, V> {
    /// An empty map for so many bytes.
    pub fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), limit, bytes: 0, clock: 0 }
    }

    /// The value, which counts as used now.
    pub fn get<Q>(&mut self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        Some(&entry.value)
    }

    /// Puts a value in and drops the least recently used others until the limit holds. One that is larger than the
    /// limit by itself stays until the next comes: it is wanted now.
    pub fn insert(&mut self, key: K, value: V, bytes: usize) {
        self.clock += 1;
        let entry = Entry { value, bytes, used: self.clock };
        self.bytes += bytes;
        if let Some(old) = self.entries.insert(key.clone(), entry) {
            self.bytes -= old.bytes;
        }
        while self.bytes > self.limit && self.entries.len() > 1 {
            let oldest =
                self.entries.iter().filter(|(name, _)| **name != key).min_by_key(|(name, entry)| (entry.used, *name));
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else { break };
            if let Some(gone) = self.entries.remove(&oldest) {
                self.bytes -= gone.bytes;
            }
        }
    }

    /// How many bytes are held.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::ByteLru;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = ByteLru::new(10);
        cache.insert("a", 1, 4);
        cache.insert("b", 2, 4);
        assert_eq!(cache.get("a"), Some(&1));
        cache.insert("c", 3, 4);
        assert_eq!(cache.get("b"), None);
        assert_eq!(cache.get("a"), Some(&1));
        assert_eq!(cache.bytes(), 8);
        cache.insert("a", 9, 2);
        assert_eq!(cache.get("a"), Some(&9));
        assert_eq!(cache.bytes(), 6);
        cache.insert("huge", 4, 50);
        assert_eq!(cache.get("huge"), Some(&4));
        assert_eq!(cache.get("a"), None);
        assert_eq!(cache.bytes(), 50);
    }
}
