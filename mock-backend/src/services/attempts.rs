//! Rate limiting of sign-ins: a pure table of failures, told the time.
//!
//! After five failures for one address (or twenty from one peer) each further one doubles the wait, from two seconds to fifteen
//! minutes. A success forgets the address's failures, not the peer's.

use std::collections::HashMap;
use std::net::IpAddr;

/// Entries remembered; when more come, the ones that have waited longest are forgotten.
const MAX_ENTRIES: usize = 20_000;
/// Failures of one address before it has to wait.
const FREE_FOR_ADDRESS: u32 = 5;
/// Failures of one peer before it has to wait.
const FREE_FOR_PEER: u32 = 20;
const FIRST_WAIT_MS: i64 = 2_000;
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// After this long without a failure, an entry starts anew.
const FORGET_MS: i64 = 60 * 60_000;

/// Whom a failure is counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Address(String),
    Peer(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_ms: i64,
}

/// The table of failures.
#[derive(Debug, Default)]
pub struct Attempts {
    failures: HashMap<Who, Failures>,
}

impl Attempts {
    /// How long this attempt has to wait; `None` when it may go on.
    pub fn wait_ms(&self, email: &str, peer: Option<IpAddr>, now_ms: i64) -> Option<u64> {
        let address = self.wait_of(&Who::Address(email.to_owned()), FREE_FOR_ADDRESS, now_ms);
        let peer = peer.map_or(0, |peer| self.wait_of(&Who::Peer(peer), FREE_FOR_PEER, now_ms));
        u64::try_from(address.max(peer)).ok().filter(|&wait| wait > 0)
    }

    /// Counts a failure.
    pub fn failed(&mut self, email: &str, peer: Option<IpAddr>, now_ms: i64) {
        self.count(Who::Address(email.to_owned()), now_ms);
        if let Some(peer) = peer {
            self.count(Who::Peer(peer), now_ms);
        }
    }

    /// Forgets an address's failures.
    pub fn succeeded(&mut self, email: &str) {
        self.failures.remove(&Who::Address(email.to_owned()));
    }

    fn wait_of(&self, who: &Who, free: u32, now_ms: i64) -> i64 {
        let Some(failures) = self.failures.get(who).filter(|failures| now_ms - failures.last_ms < FORGET_MS) else {
            return 0;
        };
        let Some(excess) = failures.count.checked_sub(free) else {
            return 0;
        };
        let wait = (FIRST_WAIT_MS << excess.min(16)).min(LONGEST_WAIT_MS);
        failures.last_ms + wait - now_ms
    }

    fn count(&mut self, who: Who, now_ms: i64) {
        if self.failures.len() >= MAX_ENTRIES && !self.failures.contains_key(&who) {
            self.forget(now_ms);
        }
        let failures = self.failures.entry(who).or_insert(Failures { count: 0, last_ms: now_ms });
        if now_ms - failures.last_ms >= FORGET_MS {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last_ms = now_ms;
    }

    /// Forgets what is over, and at least half of all.
    fn forget(&mut self, now_ms: i64) {
        let mut times: Vec<i64> = self.failures.values().map(|failures| failures.last_ms).collect();
        let middle = times.len() / 2;
        let (_, &mut middle, _) = times.select_nth_unstable(middle);
        self.failures.retain(|_, failures| failures.last_ms > middle && now_ms - failures.last_ms < FORGET_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempts, MAX_ENTRIES};
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn waits_grow_after_five_failures_and_end() {
        let mut attempts = Attempts::default();
        for _ in 0..4 {
            attempts.failed("a@b", None, 0);
        }
        assert_eq!(attempts.wait_ms("a@b", None, 0), None);
        let mut waits = Vec::new();
        for _ in 0..12 {
            attempts.failed("a@b", None, 0);
            waits.push(attempts.wait_ms("a@b", None, 0).unwrap_or(0));
        }
        assert_eq!(waits[..4], [2_000, 4_000, 8_000, 16_000]);
        assert_eq!(waits.last(), Some(&900_000));
        assert_eq!(attempts.wait_ms("other@b", None, 0), None);
        assert_eq!(attempts.wait_ms("a@b", None, 900_000), None);
        attempts.succeeded("a@b");
        assert_eq!(attempts.wait_ms("a@b", None, 0), None);
    }

    #[test]
    fn a_peer_that_tries_many_addresses_waits_too() {
        let mut attempts = Attempts::default();
        let peer = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        for n in 0..20 {
            attempts.failed(&format!("{n}@b"), peer, 0);
        }
        assert_eq!(attempts.wait_ms("new@b", peer, 0), Some(2_000));
        assert_eq!(attempts.wait_ms("new@b", None, 0), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut attempts = Attempts::default();
        for n in 0..MAX_ENTRIES as i64 + 100 {
            attempts.failed(&n.to_string(), None, n);
        }
        assert!(attempts.failures.len() <= MAX_ENTRIES);
    }
}
