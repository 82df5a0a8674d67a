//! Assessment while events come: a bounded memory of what was, and nothing of what will be.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::assessment::Assessment;
use crate::event::{DAY_MS, Event};
use crate::habits::{Habits, Telling};
use crate::key::Key;
use crate::rules::{Seen, Signal, Source, Tried, View, assess, stuffing};

/// Accounts that are remembered. Beyond it, the tenth that was quiet for the longest time is forgotten.
pub const MAX_ACCOUNTS: usize = 10_000;
/// Sources that are remembered.
pub const MAX_SOURCES: usize = 20_000;
/// Events that are remembered of an account.
const RECENT: usize = 32;
/// Tries that are remembered of a source.
const TRIES: usize = 64;
/// Devices, networks, countries and places that are remembered of an account.
const VALUES: usize = 32;

/// A try of a source.
#[derive(Clone, Copy, Debug)]
struct Try {
    at: i64,
    account: Key,
    is_let_in: bool,
}

#[derive(Debug, Default)]
struct Account {
    habits: Habits,
    recent: VecDeque<Seen>,
}

/// Memory of events. It takes 100 MB at most, of which an account has up to 8 kB and a source up to 2 kB.
#[derive(Debug, Default)]
pub struct Memory {
    accounts: HashMap<Key, (i64, Account)>,
    sources: HashMap<(Source, Key), (i64, VecDeque<Try>)>,
}

/// Forgets the entries that were quiet for the longest time, if there is no room for another.
fn make_room<K: Eq + Hash, V>(map: &mut HashMap<K, (i64, V)>, most: usize) {
    if map.len() < most {
        return;
    }
    let mut times: Vec<i64> = map.values().map(|(last, _)| *last).collect();
    let (_, oldest, _) = times.select_nth_unstable(most / 10);
    let oldest = *oldest;
    map.retain(|_, (last, _)| *last > oldest);
}

impl Memory {
    fn seen(&self, event: &Event) -> Seen {
        let habits = event.account.and_then(|account| self.accounts.get(&account));
        let standing = match habits {
            Some((_, account)) => account.habits.standing(event, Telling::ALL),
            None => Habits::default().standing(event, Telling::ALL),
        };
        Seen::new(*event, standing)
    }

    /// Counts the accounts that a source tried, with a try that is made now.
    fn tried(&self, source: Source, key: Key, window_ms: i64, now: Try) -> Tried {
        let mut accounts: Vec<(Key, bool)> = vec![(now.account, now.is_let_in)];
        if let Some((_, tries)) = self.sources.get(&(source, key)) {
            let near = tries.iter().filter(|other| (now.at - other.at).abs() <= window_ms);
            accounts.extend(near.map(|other| (other.account, other.is_let_in)));
        }
        // Of the tries at an account one that let in comes last.
        accounts.sort_unstable();
        let mut tried = Tried::default();
        for (index, (account, is_let_in)) in accounts.iter().enumerate() {
            match accounts.get(index + 1) {
                Some((next, _)) if next == account => {}
                _ if *is_let_in => tried.good += 1,
                _ => tried.bad += 1,
            }
        }
        tried
    }

    /// Assesses an event without learning from it.
    pub fn preview(&self, event: &Event) -> Assessment {
        self.assess_seen(&self.seen(event))
    }

    fn assess_seen(&self, seen: &Seen) -> Assessment {
        let event = &seen.event;
        let mut flood: Vec<Signal> = Vec::new();
        for source in Source::ALL {
            let (Some(key), Some(account)) = (source.key(seen), event.account) else { continue };
            let now = Try { at: event.at, account, is_let_in: event.is_let_in() };
            for (window_ms, attack_from) in source.windows() {
                let tried = self.tried(source, key, window_ms, now);
                flood.push(stuffing(seen, source, tried, attack_from));
            }
        }
        let recent = event.account.and_then(|account| self.accounts.get(&account));
        let is_near = |other: &&Seen| (event.at - other.event.at).abs() <= DAY_MS;
        let around: Vec<&Seen> = recent.iter().flat_map(|(_, account)| &account.recent).filter(is_near).collect();
        assess(seen, &around, (around.len(), View::Past), flood)
    }

    /// Assesses an event and learns from it. Events come in order of time, or nearly so.
    pub fn assess(&mut self, event: &Event) -> Assessment {
        let seen = self.seen(event);
        let assessment = self.assess_seen(&seen);
        self.learn(&seen);
        assessment
    }

    fn learn(&mut self, seen: &Seen) {
        let event = &seen.event;
        let Some(name) = event.account else { return };
        for source in Source::ALL {
            let Some(key) = source.key(seen) else { continue };
            if !self.sources.contains_key(&(source, key)) {
                make_room(&mut self.sources, MAX_SOURCES);
            }
            let (last, tries) = self.sources.entry((source, key)).or_default();
            *last = (*last).max(event.at);
            if tries.len() == TRIES {
                tries.pop_front();
            }
            tries.push_back(Try { at: event.at, account: name, is_let_in: event.is_let_in() });
        }
        if !self.accounts.contains_key(&name) {
            make_room(&mut self.accounts, MAX_ACCOUNTS);
        }
        let (last, account) = self.accounts.entry(name).or_default();
        *last = (*last).max(event.at);
        account.habits.learn(event, VALUES);
        if account.recent.len() == RECENT {
            account.recent.pop_front();
        }
        account.recent.push_back(*seen);
    }

    /// Returns the time since the last try of the network or the device of an event, the shorter one, in milliseconds.
    pub fn quiet_ms(&self, event: &Event) -> Option<i64> {
        let sources = [(Source::Device, event.device), (Source::Network, event.network)];
        let last = sources.into_iter().filter_map(|(source, key)| self.sources.get(&(source, key?)));
        last.map(|(last, _)| event.at - last).min()
    }

    /// Forgets an account. Tries of sources at it are forgotten with time.
    pub fn forget(&mut self, account: Key) {
        self.accounts.remove(&account);
    }

    /// Returns the numbers of accounts and sources that are remembered.
    pub fn size(&self) -> (usize, usize) {
        (self.accounts.len(), self.sources.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_ACCOUNTS, MAX_SOURCES, Memory};
    use crate::event::{Event, Kind};
    use crate::key::Key;

    #[test]
    fn the_memory_has_an_end_and_forgets_who_was_quiet() {
        let mut memory = Memory::default();
        let most = i64::try_from(MAX_ACCOUNTS).expect("small");
        for n in 0..most * 3 {
            let text = n.to_string();
            let mut event = Event::new(n, Kind::SignIn);
            (event.account, event.device, event.accepted) = (Key::of(&text), Key::of(&text), Some(true));
            memory.assess(&event);
            let (accounts, sources) = memory.size();
            assert!(accounts <= MAX_ACCOUNTS && sources <= MAX_SOURCES);
        }
        let is_there = |n: i64| memory.accounts.contains_key(&Key::of(&n.to_string()).expect("a name"));
        assert!(is_there(most * 3 - 1) && !is_there(0));
        memory.forget(Key::of(&(most * 3 - 1).to_string()).expect("a name"));
        let last = Key::of(&(most * 3 - 1).to_string()).expect("a name");
        assert!(!memory.accounts.contains_key(&last));
    }
}
