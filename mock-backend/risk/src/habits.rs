//! Habits of an account: the devices, networks, countries and places at which it was let in.

use std::collections::BTreeMap;

use crate::event::{Event, HOUR_MS};
use crate::key::Key;

/// Least time between an event and another one that vouches for its device or network: what somebody does within it may be one visit.
const APART_MS: i64 = 3 * HOUR_MS;
/// Time after which another visit to a place counts anew.
const VISIT_MS: i64 = 12 * HOUR_MS;
/// Time after which a device that came to an account is one of its own.
const ARRIVAL_MS: i64 = 12 * HOUR_MS;
/// Visits after which a place is one of the account's.
const HABITUAL_VISITS: u32 = 3;
/// Refusals for each time that the account was let in which are still those of somebody who mistypes.
const TYPING_ERRORS: u32 = 5;
/// Events with which an account has a history.
const HISTORY: u32 = 3;

/// Aspect of an event that may be a habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Aspect {
    Device,
    Network,
    Subnet,
    Provider,
    Country,
    Place,
    /// Region of coordinates, whatever the country.
    Region,
}

/// Use of one value by one account.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) let_in: u32,
    refused: u32,
    /// Refusals before somebody was let in with it.
    refused_before: u32,
    first: i64,
    last: i64,
    visits: u32,
    counted: i64,
    seen: i64,
    /// First program that was let in with it.
    program: Option<Key>,
}

/// Relation of a value to an account at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The event does not have it, or it tells nothing.
    Unknown,
    /// The account was never let in with it, or was refused far more often.
    Strange,
    /// The account was let in with it, but only now.
    Recent,
    /// The account was let in with it at another time.
    Familiar,
}

/// Relation of who acts to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grade {
    /// Device or network are the account's.
    Familiar,
    /// Nothing is known for or against it.
    Neutral,
    /// Neither device nor network are the account's.
    Stranger,
}

/// Standing of an event among the habits of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) grade: Grade,
    pub(crate) device: Relation,
    pub(crate) network: Relation,
    pub(crate) country: Relation,
    /// Visits to the place of the event.
    pub(crate) visits: u32,
    /// Visits to the region of its coordinates, or to its place where no region is known.
    near_visits: u32,
    /// Events that were let in at the place of the event.
    let_in_here: u32,
    /// True if the provider is one that the account was let in from.
    is_own_provider: bool,
    /// True if the device is away from where the account is, and new to an account that was there long before it.
    is_arrival_away: bool,
    /// True if the device came to an account that was there long before it, a short while ago.
    pub(crate) is_new_device: bool,
    /// True if the network did.
    pub(crate) is_new_network: bool,
    /// True if the device is new to an account that was there long before it.
    is_arrival: bool,
    /// True if the network is new to an account that was there long before it.
    is_passing: bool,
    /// True if the device had another program before.
    pub(crate) is_other_program: bool,
    /// True if the place is not the one where the account is most.
    pub(crate) is_away: bool,
    /// True if the account was let in a few times, some of them at another time.
    pub(crate) has_history: bool,
    /// True if the account's networks come again, rather than being new each time.
    pub(crate) networks_recur: bool,
}

impl Standing {
    /// Returns true if the device has been the account's for a while.
    pub(crate) fn has_own_device(&self) -> bool {
        self.device == Relation::Familiar && !self.is_arrival
    }

    /// Returns true if the device came to the account from elsewhere a short while ago, or is not the account's at all.
    pub(crate) fn is_newcomer(&self) -> bool {
        self.device != Relation::Unknown && (!self.has_own_device() || self.is_arrival_away)
    }

    /// Returns true if who acts is at home: on the account's network, or with its device at its provider.
    pub(crate) fn is_on_own_ground(&self) -> bool {
        self.has_own_network()
            || (self.device == Relation::Familiar && (self.network == Relation::Familiar || self.is_own_provider))
    }

    /// Returns true if the network has been the account's for a while.
    pub(crate) fn has_own_network(&self) -> bool {
        self.network == Relation::Familiar && !self.is_passing
    }

    /// Returns true if who acts was let in with the same device or, without a device, on the same network.
    pub(crate) fn is_vouched_for(&self) -> bool {
        match self.device {
            Relation::Unknown => matches!(self.network, Relation::Recent | Relation::Familiar),
            device => matches!(device, Relation::Recent | Relation::Familiar),
        }
    }

    /// Returns how much ties the event to its account: visits to its place, then its device and network, then events at its place.
    pub(crate) fn ties(&self) -> (u32, u32, u32) {
        let is_familiar = |relation: Relation| u32::from(relation == Relation::Familiar);
        let visits = self.visits.min(HABITUAL_VISITS);
        (visits, is_familiar(self.device) + is_familiar(self.network), self.let_in_here)
    }

    /// Returns true if the region is one of the account's: being often in a large country explains no leap across it.
    pub(crate) fn is_near_home(&self) -> bool {
        self.near_visits >= HABITUAL_VISITS
    }

    /// Returns true if the place is one of the account's.
    pub(crate) fn is_at_home(&self) -> bool {
        self.visits >= HABITUAL_VISITS
    }
}

/// Aspects that tell something: those whose values come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) device: bool,
    pub(crate) network: bool,
    pub(crate) country: bool,
}

impl Telling {
    pub(crate) const ALL: Self = Self { device: true, network: true, country: true };
}

/// Habits of one account. Deterministic: of two that may go, the one with the lower key goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    tallies: BTreeMap<(Aspect, Key), Tally>,
    let_in: u32,
    first: i64,
    last: i64,
}

/// Returns the name of the place of an event: its country, else the region of its coordinates.
pub(crate) fn place_of(event: &Event) -> Option<Key> {
    event.country.or_else(|| event.place.and_then(|place| place.region()))
}

/// Returns the region of the coordinates of an event; `None` where no more than a country is known.
fn region_of(event: &Event) -> Option<Key> {
    event.place.and_then(|place| place.region())
}

fn aspects(event: &Event) -> impl Iterator<Item = (Aspect, Key)> {
    [
        (Aspect::Device, event.device),
        (Aspect::Network, event.network),
        (Aspect::Subnet, event.subnet),
        (Aspect::Provider, event.provider),
        (Aspect::Country, event.country),
        (Aspect::Place, place_of(event)),
        (Aspect::Region, region_of(event)),
    ]
    .into_iter()
    .filter_map(|(aspect, key)| key.map(|key| (aspect, key)))
}

impl Habits {
    /// Takes note of an event. Beyond `most` values those go first that never let anybody in, then the oldest.
    pub(crate) fn learn(&mut self, event: &Event, most: usize) {
        let is_let_in = event.is_let_in();
        if is_let_in {
            if self.let_in == 0 {
                (self.first, self.last) = (event.at, event.at);
            }
            self.let_in = self.let_in.saturating_add(1);
            (self.first, self.last) = (self.first.min(event.at), self.last.max(event.at));
        }
        for key in aspects(event) {
            if !self.tallies.contains_key(&key) && self.tallies.len() >= most {
                let oldest = self.tallies.iter().min_by_key(|(_, tally)| (tally.let_in > 0, tally.seen));
                if let Some(oldest) = oldest.map(|(key, _)| *key) {
                    self.tallies.remove(&oldest);
                }
            }
            let tally = self.tallies.entry(key).or_default();
            tally.seen = tally.seen.max(event.at);
            if event.is_refused() {
                tally.refused = tally.refused.saturating_add(1);
            }
            if !is_let_in {
                continue;
            }
            if tally.let_in == 0 {
                (tally.first, tally.last) = (event.at, event.at);
                tally.refused_before = tally.refused;
            }
            tally.program = tally.program.or(event.program);
            if tally.visits == 0 || event.at - tally.counted >= VISIT_MS {
                tally.visits += 1;
                tally.counted = event.at;
            }
            tally.let_in = tally.let_in.saturating_add(1);
            (tally.first, tally.last) = (tally.first.min(event.at), tally.last.max(event.at));
        }
    }

    fn tally(&self, aspect: Aspect, key: Option<Key>) -> Option<&Tally> {
        self.tallies.get(&(aspect, key?))
    }

    fn relation(&self, aspect: Aspect, key: Option<Key>, at: i64) -> Relation {
        if key.is_none() {
            return Relation::Unknown;
        }
        match self.tally(aspect, key) {
            // It was the account's before anybody was refused with it.
            Some(tally)
                if tally.let_in > 0 && tally.refused_before <= TYPING_ERRORS && tally.first <= at - APART_MS =>
            {
                Relation::Familiar
            }
            Some(tally) if tally.let_in > 0 && tally.refused <= tally.let_in.saturating_mul(TYPING_ERRORS) => {
                let is_apart = tally.first <= at - APART_MS || tally.last >= at + APART_MS;
                if is_apart { Relation::Familiar } else { Relation::Recent }
            }
            _ => Relation::Strange,
        }
    }

    /// Returns the standing of an event, by all that was learnt.
    pub(crate) fn standing(&self, event: &Event, telling: Telling) -> Standing {
        let relation = |is_telling: bool, aspect, key| {
            if is_telling { self.relation(aspect, key, event.at) } else { Relation::Unknown }
        };
        let mut device = relation(telling.device, Aspect::Device, event.device);
        if event.is_known_device {
            device = Relation::Familiar;
        }
        let mut network = relation(telling.network, Aspect::Network, event.network);
        // Addresses of one subscriber change within the provider's network.
        let is_guessed_from = self.tally(Aspect::Network, event.network).is_some_and(|own| own.refused > TYPING_ERRORS);
        if network == Relation::Strange && event.subnet.is_some() && !is_guessed_from {
            network = relation(telling.network, Aspect::Subnet, event.subnet);
        }
        let country = relation(telling.country, Aspect::Country, event.country);
        let grade = match (device, network) {
            (Relation::Familiar, _) | (Relation::Unknown | Relation::Recent, Relation::Familiar) => Grade::Familiar,
            (Relation::Recent, _) | (Relation::Unknown, Relation::Recent) => Grade::Neutral,
            (Relation::Strange, Relation::Familiar) => Grade::Neutral,
            (Relation::Strange, _) | (_, Relation::Strange) => Grade::Stranger,
            (Relation::Unknown, Relation::Unknown) if country == Relation::Strange => Grade::Stranger,
            (Relation::Unknown, Relation::Unknown) => Grade::Neutral,
        };
        let is_new = |tally: &Tally| {
            tally.let_in > 0 && tally.first >= event.at - ARRIVAL_MS && tally.first - self.first >= 2 * ARRIVAL_MS
        };
        let is_arrival = |tally: &Tally| is_new(tally) && tally.last - tally.first < 2 * ARRIVAL_MS;
        let is_away = place_of(event).is_some_and(|place| self.main_place().is_some_and(|main| main != place));
        let here_on = self.tally(Aspect::Network, event.network);
        let own = self.tally(Aspect::Device, event.device).filter(|_| telling.device);
        let here = self.tally(Aspect::Place, place_of(event));
        let is_apart = self.first <= event.at - APART_MS || self.last >= event.at + APART_MS;
        Standing {
            grade,
            device,
            network,
            country,
            visits: here.map_or(0, |tally| tally.visits),
            near_visits: match region_of(event) {
                Some(region) => self.tally(Aspect::Region, Some(region)).map_or(0, |tally| tally.visits),
                None => here.map_or(0, |tally| tally.visits),
            },
            let_in_here: here.map_or(0, |tally| tally.let_in),
            is_own_provider: relation(true, Aspect::Provider, event.provider) == Relation::Familiar,
            is_new_device: own.is_some_and(is_new),
            is_new_network: here_on.is_some_and(is_new),
            is_arrival_away: is_away && own.is_some_and(is_new),
            is_arrival: own.is_some_and(is_arrival),
            is_passing: here_on.is_some_and(is_arrival),
            is_other_program: event.program.is_some()
                && own.and_then(|own| own.program).is_some_and(|program| Some(program) != event.program),
            is_away,
            has_history: self.let_in >= HISTORY && is_apart,
            networks_recur: self.recurs(Aspect::Network),
        }
    }

    /// Returns true if most events of the account have a value of an aspect that another one has, too.
    fn recurs(&self, aspect: Aspect) -> bool {
        let (mut all, mut single) = (0, 0);
        for tally in self.of(aspect).filter(|tally| tally.let_in > 0) {
            all += tally.let_in;
            single += u32::from(tally.let_in == 1);
        }
        single * 2 <= all
    }

    /// Returns the place of the account: the first one at which it was let in for a fifth of all times.
    fn main_place(&self) -> Option<Key> {
        let is_main = |tally: &Tally| tally.let_in > 0 && tally.let_in.saturating_mul(5) >= self.let_in;
        let places = self.tallies.iter().filter(|((aspect, _), tally)| *aspect == Aspect::Place && is_main(tally));
        places.min_by_key(|(_, tally)| tally.first).map(|((_, place), _)| *place)
    }

    /// Iterates over the values of an aspect.
    pub(crate) fn of(&self, aspect: Aspect) -> impl Iterator<Item = &Tally> {
        self.tallies.iter().filter(move |((own, _), _)| *own == aspect).map(|(_, tally)| tally)
    }

    /// Number of events that let somebody in.
    pub(crate) fn let_in(&self) -> u32 {
        self.let_in
    }
}

#[cfg(test)]
mod tests {
    use super::{Grade, Habits, Relation, Telling};
    use crate::event::{DAY_MS, Event, Kind, MINUTE_MS};
    use crate::key::Key;

    fn sign_in(at: i64, device: &str, accepted: bool) -> Event {
        Event {
            accepted: Some(accepted),
            device: Key::of(device),
            country: Key::of("DE"),
            ..Event::new(at, Kind::SignIn)
        }
    }

    #[test]
    fn a_device_becomes_familiar_by_another_visit_and_not_by_refusals() {
        let mut habits = Habits::default();
        for day in 0..3 {
            habits.learn(&sign_in(day * DAY_MS, "own", true), 32);
        }
        let now = 3 * DAY_MS;
        let standing = habits.standing(&sign_in(now, "own", false), Telling::ALL);
        assert_eq!((standing.grade, standing.device), (Grade::Familiar, Relation::Familiar));
        assert!(standing.has_history && standing.is_at_home());
        for n in 0..9 {
            habits.learn(&sign_in(now + n * MINUTE_MS, "other", n == 8), 32);
        }
        let standing = habits.standing(&sign_in(now + DAY_MS, "other", true), Telling::ALL);
        assert_eq!(standing.grade, Grade::Stranger, "it was refused more often than let in");
    }

    #[test]
    fn strangers_do_not_push_the_devices_of_the_account_out() {
        let mut habits = Habits::default();
        habits.learn(&sign_in(0, "own", true), 4);
        for n in 1..1_000 {
            habits.learn(&sign_in(n, &n.to_string(), false), 4);
        }
        assert_eq!(habits.tallies.len(), 4);
        assert_eq!(habits.standing(&sign_in(DAY_MS, "own", true), Telling::ALL).grade, Grade::Familiar);
    }
}
