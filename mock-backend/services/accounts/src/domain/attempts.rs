//! Rate limiting of sign-ins: a pure table of failures, given a monotonic time.
//!
//! A guess is reserved before its password is hashed, so that any number of simultaneous guesses counts one by one: no more are in
//! flight than may still fail. A device that has signed in to the account before is counted by itself. Every other guess counts
//! for the account and its peer together, and for the peer alone. So a stranger slows down only the stranger's own guesses, and
//! neighbours behind one address do not lock out a known device. After five failures (twenty of a peer) each further one doubles
//! the wait, from five seconds to thirty. A success forgets the failures of the account with the peer, not those of the peer.

use std::collections::HashMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Maximum number of subjects remembered; beyond it, those whose failures are oldest are forgotten.
const MAX_SUBJECTS: usize = 20_000;
/// Failures of an account with one peer, or of a known device, before it has to wait.
const FREE_FOR_ACCOUNT: u32 = 5;
/// Failures of one peer over all accounts before it has to wait.
const FREE_FOR_PEER: u32 = 20;
const FIRST_WAIT_MS: i64 = 5_000;
/// Maximum wait after a failure.
pub const LONGEST_WAIT_MS: i64 = 30_000;
/// Maximum lead of the clock that stamped a stored failure, before the stamp counts as one of a clock that has been set back.
const MAX_LEAD_MS: i64 = 60_000;
/// Time without a failure after which a subject starts anew.
pub const FORGET_MS: i64 = 60 * 60_000;

/// Someone whom failures are counted for: a digest, so that a stored table holds no address of anyone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

impl Subject {
    /// Makes the subject of a kind and its parts.
    pub fn new(kind: &str, parts: &[&str]) -> Self {
        let mut text = kind.to_owned();
        for part in parts {
            text.push('\n');
            text.push_str(part);
        }
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes())))
    }

    /// The subject of a name that was stored.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// Name in the store.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The subjects of one guess, with the failures that each has free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    subjects: Vec<(Subject, u32)>,
    /// Subjects whose failures a success forgets.
    forgiven: usize,
}

impl Guess {
    /// A guess from a device that has signed in to the account before.
    pub fn of_known_device(email: &str, device: &str) -> Self {
        Self { subjects: vec![(Subject::new("device", &[email, device]), FREE_FOR_ACCOUNT)], forgiven: 1 }
    }

    /// Any other guess.
    pub fn of_stranger(email: &str, peer: Option<IpAddr>) -> Self {
        let name = peer.map_or_else(String::new, network_of);
        let mut subjects = vec![(Subject::new("account", &[email, &name]), FREE_FOR_ACCOUNT)];
        if peer.is_some() {
            subjects.push((Subject::new("peer", &[&name]), FREE_FOR_PEER));
        }
        Self { subjects, forgiven: 1 }
    }

    /// The subjects.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.iter().map(|(subject, _)| subject)
    }
}

/// The network that one subscriber of an access provider is given: an IPv4 address, or the /64 of an IPv6 address.
pub(crate) fn network_of(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}/64")
        }
    }
}

/// Decision about a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is reserved: hash, then settle.
    Reserved,
    /// As many are in flight as may fail: ask again when one of them is settled.
    InLine,
    /// It has to wait for so many milliseconds, 1 to 30,000.
    Wait(u64),
}

/// Outcome of a reserved guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The password was right.
    Right,
    /// It was wrong.
    Wrong,
    /// It was not compared.
    NotCompared,
}

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    failures: u32,
    pending: u32,
    last_ms: i64,
}

impl Record {
    fn wait_ms(&self, free: u32, now_ms: i64) -> i64 {
        match self.failures.checked_sub(free) {
            None => 0,
            Some(excess) => {
                let wait = (FIRST_WAIT_MS << excess.min(16)).min(LONGEST_WAIT_MS);
                self.last_ms + wait - now_ms
            }
        }
    }

    /// Guesses that may be in flight at the same time: those that would still be free, and one at least.
    fn room(&self, free: u32) -> u32 {
        free.saturating_sub(self.failures).max(1)
    }
}

/// The table of failures.
#[derive(Debug, Default)]
pub struct Attempts {
    records: HashMap<Subject, Record>,
}

impl Attempts {
    /// Takes over what an earlier process recorded, `age_ms` after the failure by the wall clock. A failure of tomorrow was stamped
    /// by a clock that has been set back since: it counts, but its wait is over.
    pub fn restore(&mut self, subject: Subject, failures: u32, age_ms: i64, now_ms: i64) {
        let age_ms = if age_ms < -MAX_LEAD_MS { LONGEST_WAIT_MS } else { age_ms.max(0) };
        if age_ms < FORGET_MS && self.records.len() < MAX_SUBJECTS {
            self.records.insert(subject, Record { failures, pending: 0, last_ms: now_ms - age_ms });
        }
    }

    /// Decides about a guess, and reserves it if it may be made now.
    pub fn reserve(&mut self, guess: &Guess, now_ms: i64) -> Verdict {
        let (mut wait, mut has_room) = (0, true);
        for (subject, free) in &guess.subjects {
            let Some(record) = self.records.get_mut(subject) else { continue };
            if now_ms - record.last_ms >= FORGET_MS {
                record.failures = 0;
            }
            wait = wait.max(record.wait_ms(*free, now_ms));
            has_room &= record.pending < record.room(*free);
        }
        if let Some(wait) = u64::try_from(wait).ok().filter(|&wait| wait > 0) {
            return Verdict::Wait(wait);
        }
        if !has_room {
            return Verdict::InLine;
        }
        for (subject, _) in &guess.subjects {
            if self.records.len() >= MAX_SUBJECTS && !self.records.contains_key(subject) {
                self.forget(now_ms);
            }
            self.records.entry(subject.clone()).or_insert(Record { last_ms: now_ms, ..Record::default() }).pending += 1;
        }
        Verdict::Reserved
    }

    /// Records the outcome of a guess that was reserved.
    pub fn settle(&mut self, guess: &Guess, outcome: Settled, now_ms: i64) {
        for (index, (subject, _)) in guess.subjects.iter().enumerate() {
            let Some(record) = self.records.get_mut(subject) else { continue };
            record.pending = record.pending.saturating_sub(1);
            match outcome {
                Settled::Wrong => {
                    record.failures = record.failures.saturating_add(1);
                    record.last_ms = now_ms;
                }
                Settled::Right if index < guess.forgiven => record.failures = 0,
                Settled::Right | Settled::NotCompared => {}
            }
            if record.failures == 0 && record.pending == 0 {
                self.records.remove(subject);
            }
        }
    }

    /// Failures of a subject as they are to be stored: a guess that is in flight counts, so that a crash forgives none.
    pub fn to_store(&self, subject: &Subject) -> u32 {
        self.records.get(subject).map_or(0, |record| record.failures.saturating_add(record.pending))
    }

    /// Forgets what is over, and at least half of all that has nothing in flight.
    fn forget(&mut self, now_ms: i64) {
        let mut times: Vec<i64> = self.records.values().map(|record| record.last_ms).collect();
        let middle = times.len() / 2;
        let (_, &mut middle, _) = times.select_nth_unstable(middle);
        self.records
            .retain(|_, record| record.pending > 0 || record.last_ms > middle && now_ms - record.last_ms < FORGET_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempts, FORGET_MS, Guess, LONGEST_WAIT_MS, MAX_SUBJECTS, Settled, Verdict};
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn peer(last: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    /// Makes a guess with a wrong password, if it may be made.
    fn fail(attempts: &mut Attempts, guess: &Guess, now_ms: i64) -> Verdict {
        let verdict = attempts.reserve(guess, now_ms);
        if verdict == Verdict::Reserved {
            attempts.settle(guess, Settled::Wrong, now_ms);
        }
        verdict
    }

    #[test]
    fn waits_grow_after_five_failures_to_thirty_seconds() {
        let mut attempts = Attempts::default();
        let guess = Guess::of_stranger("a@b", None);
        for _ in 0..5 {
            assert_eq!(fail(&mut attempts, &guess, 0), Verdict::Reserved);
        }
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..8 {
            let Verdict::Wait(wait) = attempts.reserve(&guess, now) else { panic!("it has to wait") };
            waits.push(wait);
            now += i64::try_from(wait).expect("small");
            assert_eq!(fail(&mut attempts, &guess, now), Verdict::Reserved);
        }
        assert_eq!(waits, [5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000, 30_000]);
        assert_eq!(attempts.reserve(&Guess::of_stranger("other@b", None), now), Verdict::Reserved);
        assert_eq!(fail(&mut attempts, &guess, now + FORGET_MS), Verdict::Reserved);
        assert_eq!(attempts.reserve(&guess, now + FORGET_MS), Verdict::Reserved, "it started anew");
    }

    #[test]
    fn a_stranger_locks_out_neither_the_owner_nor_the_neighbours() {
        let mut attempts = Attempts::default();
        for _ in 0..30 {
            fail(&mut attempts, &Guess::of_stranger("owner@b", peer(1)), 0);
        }
        assert_eq!(attempts.reserve(&Guess::of_stranger("owner@b", peer(2)), 0), Verdict::Reserved);
        assert_eq!(attempts.reserve(&Guess::of_known_device("owner@b", "phone"), 0), Verdict::Reserved);
        // The stranger's own network, where the owner may live too: the known device is let in.
        for n in 0..30 {
            fail(&mut attempts, &Guess::of_stranger(&format!("{n}@b"), peer(1)), 0);
        }
        assert!(matches!(attempts.reserve(&Guess::of_stranger("new@b", peer(1)), 0), Verdict::Wait(_)));
        assert_eq!(attempts.reserve(&Guess::of_known_device("owner@b", "tablet"), 0), Verdict::Reserved);
        let host = |text: &str| Some(text.parse().expect("an address"));
        assert_eq!(
            Guess::of_stranger("a@b", host("2001:db8::1")),
            Guess::of_stranger("a@b", host("2001:db8::ffff:2")),
            "one subscriber has a whole /64"
        );
        assert_eq!(Guess::of_stranger("a@b", host("::ffff:192.0.2.1")), Guess::of_stranger("a@b", peer(1)));
    }

    #[test]
    fn a_restart_forgives_nothing_and_a_clock_that_went_back_adds_nothing() {
        let guess = Guess::of_stranger("a@b", None);
        let mut before = Attempts::default();
        for _ in 0..7 {
            fail(&mut before, &guess, 0);
            before.reserve(&guess, 0);
        }
        let subject = guess.subjects().next().expect("an account").clone();
        let stored = before.to_store(&subject);
        assert!(stored >= 5);
        for (age_ms, waits) in
            [(0, true), (-1_000, true), (-86_400_000, false), (LONGEST_WAIT_MS, false), (86_400_000, false)]
        {
            let mut after = Attempts::default();
            after.restore(subject.clone(), stored, age_ms, 77);
            let verdict = after.reserve(&guess, 77);
            assert_eq!(matches!(verdict, Verdict::Wait(wait) if wait <= 30_000), waits, "{age_ms}: {verdict:?}");
            if age_ms == -86_400_000 {
                after.settle(&guess, Settled::Wrong, 77);
                assert!(matches!(after.reserve(&guess, 77), Verdict::Wait(_)), "its failures still count");
            }
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let mut attempts = Attempts::default();
        for n in 0..MAX_SUBJECTS as i64 + 100 {
            fail(&mut attempts, &Guess::of_stranger(&n.to_string(), None), n);
        }
        assert!(attempts.records.len() <= MAX_SUBJECTS);
    }

    proptest! {
        /// However guesses, outcomes and time interleave: no burst compares more than five wrong passwords before a wait, no wait is
        /// longer than thirty seconds, and whoever waits gets a turn.
        #[test]
        fn simultaneous_guesses_count_one_by_one(
            steps in proptest::collection::vec((0..10_u8, 0..3_000_i64), 1..300),
        ) {
            let guess = Guess::of_stranger("a@b", None);
            let mut attempts = Attempts::default();
            let (mut now, mut in_flight, mut compared, mut first) = (0_i64, 0_u32, 0_u32, 0_i64);
            for (what, pass) in steps {
                now += pass;
                match what {
                    0..=5 => match attempts.reserve(&guess, now) {
                        Verdict::Reserved => in_flight += 1,
                        Verdict::InLine => prop_assert!(in_flight > 0),
                        Verdict::Wait(wait) => prop_assert!((1..=30_000).contains(&wait)),
                    },
                    6..=8 if in_flight > 0 => {
                        attempts.settle(&guess, Settled::Wrong, now);
                        (in_flight, compared) = (in_flight - 1, compared + 1);
                        if compared == 1 {
                            first = now;
                        }
                    }
                    9 if in_flight > 0 => {
                        attempts.settle(&guess, Settled::NotCompared, now);
                        in_flight -= 1;
                    }
                    _ => {}
                }
                prop_assert!(in_flight <= 5);
                // Five are free; each further one needs a wait of five seconds at least after the one before.
                let waited = u32::try_from((now - first) / 5_000).unwrap_or(u32::MAX);
                prop_assert!(compared <= 5 + waited, "{compared} compared in {} ms", now - first);
            }
            if in_flight == 0 {
                prop_assert_eq!(attempts.reserve(&guess, now + LONGEST_WAIT_MS), Verdict::Reserved);
            }
        }
    }
}
