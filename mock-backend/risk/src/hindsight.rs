//! Assessment of a whole file: habits are learnt from all of it, and what follows an event within a day counts as what came before.

use std::collections::{HashMap, HashSet};

use crate::assessment::{ATTACK, Assessment, Reason};
use crate::event::{DAY_MS, Event, Kind};
use crate::habits::{Aspect, Habits, Relation, Telling};
use crate::key::Key;
use crate::rules::{Seen, Signal, Source, Tried, View, assess, stuffing};

/// Devices, networks, countries and places that are kept of an account.
const VALUES: usize = 4_096;
/// Events of the account that an event is compared with, to each side.
const AROUND: usize = 96;
/// Score from which on a session is an attack even when it has become a habit.
const SURE: f64 = 0.7;
/// Least number of accounts that go through a relay.
const RELAYED: usize = 3;
/// Least number of events by which an aspect is judged.
const ENOUGH: u32 = 20;

/// Returns the assessments of events, in their order, which need not be that of time.
pub fn score(events: &[Event]) -> Vec<Assessment> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|index| events[*index].at);
    let mut habits: HashMap<Key, Habits> = HashMap::new();
    let mut of_account: HashMap<Key, Vec<usize>> = HashMap::new();
    for (place, index) in order.iter().enumerate() {
        let event = &events[*index];
        if let Some(account) = event.account {
            habits.entry(account).or_default().learn(event, VALUES);
            of_account.entry(account).or_default().push(place);
        }
    }
    let telling = telling(&habits);
    let none = Habits::default();
    let stand = |index: &usize| {
        let event = events[*index];
        let own = event.account.and_then(|account| habits.get(&account)).unwrap_or(&none);
        Seen::new(event, own.standing(&event, telling))
    };
    let mut seen: Vec<Seen> = order.iter().map(stand).collect();
    own_tokens(&mut seen);
    repute(&mut seen, telling);
    relay(&mut seen);
    let flood = flood(&seen);
    let mut result = vec![None; events.len()];
    let mut around = Vec::new();
    for (place, (index, own)) in order.iter().zip(&seen).enumerate() {
        around.clear();
        let mut before = 0;
        if let Some(list) = own.event.account.and_then(|account| of_account.get(&account)) {
            let at = list.partition_point(|other| *other < place);
            let is_near = |other: &&usize| (seen[**other].event.at - own.event.at).abs() <= DAY_MS;
            let earlier = list[at.saturating_sub(AROUND)..at].iter().filter(is_near);
            around.extend(earlier.map(|other| &seen[*other]));
            before = around.len();
            let later = list[at + 1..].iter().take(AROUND).take_while(is_near);
            around.extend(later.map(|other| &seen[*other]));
        }
        result[*index] = Some(assess(own, &around, (before, View::Whole), flood[place].iter().copied()));
    }
    let mut result: Vec<Assessment> = result.into_iter().flatten().collect();
    take_over(&order, &seen, &mut result);
    go_on(&order, &seen, &mut result);
    result
}

/// Raises the scores of sign-ins of newcomers from elsewhere within a day after the password was found out.
fn take_over(order: &[usize], seen: &[Seen], result: &mut [Assessment]) {
    let mut found_out: HashMap<Key, i64> = HashMap::new();
    for (index, own) in order.iter().zip(seen) {
        let Some(account) = own.event.account else { continue };
        let assessment = &mut result[*index];
        let is_sign_in = own.event.kind == Kind::SignIn && own.event.is_let_in();
        let is_newcomer = own.standing.is_newcomer() && own.standing.is_away;
        let is_after = found_out.get(&account).is_some_and(|at| own.event.at - at <= DAY_MS);
        if is_sign_in && is_newcomer && is_after && assessment.score < ATTACK {
            assessment.add(Reason::Session, 0.7);
        }
        if is_sign_in && assessment.score >= ATTACK {
            found_out.insert(account, own.event.at);
        }
    }
}

/// Marks the events of the device that was the first to use its token: a token is given to one device. That it was given to this one
/// is certain where it signed in with it, or is the account's otherwise.
fn own_tokens(seen: &mut [Seen]) {
    let hand = |own: &Seen| Some(((own.event.account?, own.event.token?), own.event.device?));
    let mut owners: HashMap<(Key, Key), (Key, bool)> = HashMap::new();
    for own in seen.iter().filter(|own| own.event.is_let_in()) {
        let Some((token, device)) = hand(own) else { continue };
        let (owner, is_certain) = owners.entry(token).or_insert((device, false));
        let is_own = own.event.kind == Kind::SignIn || own.standing.device == Relation::Familiar;
        *is_certain |= *owner == device && is_own;
    }
    for own in seen.iter_mut() {
        let Some((token, device)) = hand(own) else { continue };
        own.owns_token = owners.get(&token).filter(|(_, is_certain)| *is_certain).map(|(owner, _)| *owner == device);
    }
    let place = |own: &Seen| own.event.account.zip(own.event.network);
    let owned: HashSet<(Key, Key)> = seen.iter().filter(|own| own.owns_token == Some(true)).filter_map(place).collect();
    for own in seen.iter_mut().filter(|own| own.owns_token == Some(false)) {
        own.is_foreign_use = place(own).is_some_and(|place| !owned.contains(&place));
    }
}

/// Marks events whose device, or without one whose network, is let in about as often as people are.
fn repute(seen: &mut [Seen], telling: Telling) {
    let key = |seen: &Seen| match seen.event.device.filter(|_| telling.device) {
        Some(device) => Some((Source::Device, device)),
        None => Some((Source::Network, seen.event.network?)),
    };
    let mut counts: HashMap<(Source, Key), (u32, u32)> = HashMap::new();
    for own in seen.iter() {
        if let Some(key) = key(own) {
            let (let_in, refused) = counts.entry(key).or_default();
            *let_in += u32::from(own.event.is_let_in());
            *refused += u32::from(own.event.is_refused());
        }
    }
    for own in seen.iter_mut() {
        let count = key(own).and_then(|key| counts.get(&key));
        own.is_reputable = count.is_some_and(|(let_in, refused)| *let_in > 0 && *refused <= *let_in * 5);
    }
}

/// Marks events from providers through which mostly people go who are at home elsewhere, with devices of their own: relays, and
/// gateways of roaming telephones.
fn relay(seen: &mut [Seen]) {
    let mut accounts: HashMap<Key, HashMap<Key, bool>> = HashMap::new();
    for own in seen.iter().filter(|own| own.event.is_let_in() && own.standing.has_own_device()) {
        if let (Some(provider), Some(account)) = (own.event.provider, own.event.account) {
            *accounts.entry(provider).or_default().entry(account).or_default() |= own.standing.is_away;
        }
    }
    for own in seen.iter_mut() {
        let known = own.event.provider.and_then(|provider| accounts.get(&provider));
        own.is_relay = known.is_some_and(|known| {
            let away = known.values().filter(|is_away| **is_away).count();
            away >= RELAYED && away * 3 >= known.len() * 2
        });
    }
}

/// Raises the scores of what goes on in a session of which a part is an attack: with the same token or device, or where neither is
/// known at all, from the same network.
fn go_on(order: &[usize], seen: &[Seen], result: &mut [Assessment]) {
    let sessions = |own: &Seen| {
        let event = &own.event;
        let is_own = own.standing.has_own_network() && own.standing.has_own_device() && !own.standing.is_away;
        let is_blind = event.token.is_none() && event.device.is_none();
        let hands = [event.token, event.device, event.network.filter(|_| is_blind && !own.standing.has_own_network())];
        let place = event.account.zip(event.network).filter(|_| event.is_let_in() && !is_own);
        hands.map(|hand| place.zip(hand))
    };
    let mut worst: HashMap<((Key, Key), Key), f64> = HashMap::new();
    for (index, own) in order.iter().zip(seen) {
        let score = result[*index].score;
        // A device stands for a session only where the token is not known: it has others.
        for session in sessions(own).into_iter().flatten().take(1).filter(|_| score >= ATTACK) {
            let worst = worst.entry(session).or_default();
            *worst = worst.max(score);
        }
    }
    for (index, own) in order.iter().zip(seen) {
        let known = sessions(own).into_iter().flatten().filter_map(|session| worst.get(&session));
        let worst = known.copied().fold(0.0, f64::max);
        let has_settled = own.standing.has_own_network() && own.standing.has_own_device();
        // What has become a habit meanwhile takes more than a doubtful beginning.
        let score = if has_settled && worst < SURE { 0.0 } else { worst * 0.95 };
        if result[*index].score < ATTACK && score >= ATTACK {
            result[*index].add(Reason::Session, score);
        }
    }
}

/// Returns the aspects whose values come again. In a file where each row has another address, a new one tells nothing.
fn telling(habits: &HashMap<Key, Habits>) -> Telling {
    let comes_again = |aspect| {
        let (mut all, mut single) = (0_u32, 0_u32);
        let tallies = habits.values().filter(|own| own.let_in() >= 4).flat_map(|own| own.of(aspect));
        tallies.filter(|tally| tally.let_in > 0).for_each(|tally| {
            all = all.saturating_add(tally.let_in);
            single += u32::from(tally.let_in == 1);
        });
        all < ENOUGH || u64::from(single) * 2 <= u64::from(all)
    };
    Telling {
        device: comes_again(Aspect::Device),
        network: comes_again(Aspect::Network) || comes_again(Aspect::Subnet),
        country: comes_again(Aspect::Country),
    }
}

/// Returns the strongest signals of stuffing for each event: one for sources by themselves, one for those that are many.
fn flood(seen: &[Seen]) -> Vec<[Signal; 2]> {
    let none = [Reason::Stuffing, Reason::DistributedStuffing].map(|reason| Signal::new(reason, 0.0));
    let mut strongest = vec![none; seen.len()];
    for source in Source::ALL {
        let mut keyed: Vec<(Key, usize)> =
            seen.iter().enumerate().filter_map(|(place, own)| Some((source.key(own)?, place))).collect();
        keyed.sort_unstable();
        for group in keyed.chunk_by(|(a, _), (b, _)| a == b) {
            for (window_ms, attack_from) in source.windows() {
                if group.len() >= attack_from as usize / 2 {
                    count(seen, group, window_ms, |place, tried| {
                        let signal = stuffing(&seen[place], source, tried, attack_from);
                        for known in &mut strongest[place] {
                            if known.reason == signal.reason {
                                known.strength = known.strength.max(signal.strength);
                                known.limits |= signal.limits;
                            }
                        }
                    });
                }
            }
        }
    }
    strongest
}

/// Counts, for each event of a source, the accounts that it tried within a window to both sides.
fn count(seen: &[Seen], group: &[(Key, usize)], window_ms: i64, mut each: impl FnMut(usize, Tried)) {
    let mut accounts: HashMap<Key, (u32, u32)> = HashMap::new();
    let mut tried = Tried::default();
    let mut change = |tried: &mut Tried, event: &Event, is_added: bool| {
        let Some(account) = event.account else { return };
        let (refused, let_in) = accounts.entry(account).or_default();
        let count = if event.is_let_in() { &mut *let_in } else { &mut *refused };
        let kind = |refused: u32, let_in: u32| (u32::from(refused > 0 && let_in == 0), u32::from(let_in > 0));
        let own = if event.is_let_in() { (0, 1) } else { (1, 0) };
        *count = if is_added { *count + 1 } else { *count - 1 };
        let now = (*refused, *let_in);
        let then = if is_added { (now.0 - own.0, now.1 - own.1) } else { (now.0 + own.0, now.1 + own.1) };
        let ((bad, good), (was_bad, was_good)) = (kind(now.0, now.1), kind(then.0, then.1));
        tried.bad = tried.bad + bad - was_bad;
        tried.good = tried.good + good - was_good;
        if now == (0, 0) {
            accounts.remove(&account);
        }
    };
    let (mut begin, mut end) = (0, 0);
    for (_, place) in group {
        let at = seen[*place].event.at;
        while let Some((_, next)) = group.get(end).filter(|(_, next)| seen[*next].event.at <= at + window_ms) {
            change(&mut tried, &seen[*next].event, true);
            end += 1;
        }
        while let Some((_, first)) = group.get(begin).filter(|(_, first)| seen[*first].event.at < at - window_ms) {
            change(&mut tried, &seen[*first].event, false);
            begin += 1;
        }
        each(*place, tried);
    }
}
