//! Rules: signals of an event by what stands around it.
//!
//! Around an event stand those of its account within a day, and counts of the accounts that a source tried. Online all of it is
//! earlier; with hindsight it is earlier and later.

use crate::assessment::{Assessment, LIMITED, Reason};
use crate::event::{DAY_MS, Event, HOUR_MS, Kind, MINUTE_MS};
use crate::habits::{Grade, Relation, Standing, place_of};
use crate::key::Key;

/// Speed that nobody travels at, in kilometres an hour: airliners cruise at 900.
const FASTEST_KMH: f64 = 1_000.0;
/// Distance below which no speed counts, in kilometres: addresses are placed at their provider's next large town.
const LEAST_KM: f64 = 400.0;
/// Distance from which on two places are two for an account that is used at both, in kilometres.
const APART_KM: f64 = 500.0;
/// Number of events before and after one that it is compared with for travel.
const NEIGHBOURS: usize = 12;
/// Weighted guesses at an account from which on further ones are limited.
const LIMITED_GUESSES: f64 = 20.0;
/// Accounts from which on further tries of one source are limited.
const LIMITED_ACCOUNTS: u32 = 25;
/// Maximum number of refusals before a success that makes them typing errors.
const TYPING_ERRORS: usize = 5;

/// An event with its standing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) event: Event,
    pub(crate) standing: Standing,
    /// True if the device, or without one the network, is let in with other accounts or at other times.
    pub(crate) is_reputable: bool,
    /// True if the network is one through which many go who are elsewhere.
    pub(crate) is_relay: bool,
    /// True if the token was first used by the device; `None` where that is not known.
    pub(crate) owns_token: Option<bool>,
    /// True if another device than its own uses the token, on a network on which no owner of a token of the account ever was.
    pub(crate) is_foreign_use: bool,
}

impl Seen {
    pub(crate) const fn new(event: Event, standing: Standing) -> Self {
        Self { event, standing, is_reputable: false, is_relay: false, owns_token: None, is_foreign_use: false }
    }
}

/// Accounts that a source tried within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Accounts that only refused.
    pub(crate) bad: u32,
    /// Accounts that let it in.
    pub(crate) good: u32,
}

/// Signal of a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Signal {
    pub(crate) reason: Reason,
    pub(crate) strength: f64,
    /// True if further tries have to wait because of it.
    pub(crate) limits: bool,
}

impl Signal {
    pub(crate) const fn new(reason: Reason, strength: f64) -> Self {
        Self { reason, strength, limits: false }
    }
}

/// Events by which another one is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Those before it.
    Past,
    /// Those before and after it.
    Whole,
}

/// Source of tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    Device,
    Network,
    Subnet,
    Agent,
    Country,
    /// All who are strangers to the account that they try.
    Strangers,
    /// Everybody.
    All,
}

impl Source {
    pub(crate) const ALL: [Self; 7] =
        [Self::Device, Self::Network, Self::Subnet, Self::Agent, Self::Country, Self::Strangers, Self::All];

    /// Returns the windows to each side that tries are counted in, with the number of accounts from which on they are an attack.
    ///
    /// OWASP's Credential Stuffing Prevention Cheat Sheet names the signs: many accounts from one source, a low share of
    /// successes, and, if it is distributed, many sources with one try each.
    pub(crate) const fn windows(self) -> [(i64, u32); 2] {
        match self {
            Self::Device => [(HOUR_MS, 3), (DAY_MS, 4)],
            Self::Network => [(HOUR_MS, 4), (DAY_MS, 6)],
            Self::Subnet => [(HOUR_MS, 8), (DAY_MS, 16)],
            Self::Agent => [(HOUR_MS, 12), (DAY_MS, 30)],
            Self::Country => [(HOUR_MS, 12), (DAY_MS, 30)],
            Self::Strangers => [(HOUR_MS, 8), (DAY_MS, 25)],
            Self::All => [(10 * MINUTE_MS, 20), (HOUR_MS, 40)],
        }
    }

    /// Returns the key under which an event counts for the source; `None` if it does not.
    pub(crate) fn key(self, seen: &Seen) -> Option<Key> {
        let event = &seen.event;
        if event.kind != Kind::SignIn || event.accepted.is_none() || event.account.is_none() {
            return None;
        }
        match self {
            Self::Device => event.device,
            Self::Network => event.network,
            Self::Subnet => event.subnet,
            Self::Agent => event.agent,
            Self::Country => event.country,
            Self::Strangers => {
                Key::of("strangers").filter(|_| seen.standing.grade == Grade::Stranger && !seen.is_reputable)
            }
            Self::All => Key::of("all"),
        }
    }
}

/// Returns the logistic function.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Returns the strength of stuffing by a source for an event of it.
pub(crate) fn stuffing(seen: &Seen, source: Source, tried: Tried, attack_from: u32) -> Signal {
    let is_wide = matches!(source, Source::Strangers | Source::All | Source::Country | Source::Agent);
    let reason = if is_wide { Reason::DistributedStuffing } else { Reason::Stuffing };
    let (bad, from) = (f64::from(tried.bad), f64::from(attack_from));
    let share = bad / f64::from(tried.bad + tried.good).max(1.0);
    // Honest people share networks (RFC 6269 §13.1): a source that mostly succeeds is one of them. Lists of leaked passwords
    // succeed with 0.1 to 2 % (OWASP).
    let is_mostly_bad = share >= 0.6 || (share >= 0.35 && bad >= 4.0 * from && !is_wide);
    if !is_mostly_bad || tried.bad < 2 {
        return Signal::new(reason, 0.0);
    }
    let flood = sigmoid((bad - from + 0.5) / (from / 4.0));
    let part = match (seen.event.is_refused(), seen.standing.grade) {
        (true, Grade::Familiar) => 0.3,
        (true, _) if seen.standing.network == Relation::Familiar => 0.3,
        (true, _) if seen.is_reputable && is_wide => 0.3,
        (true, Grade::Neutral) if seen.standing.is_vouched_for() => 0.4,
        (true, Grade::Neutral) if source == Source::Country && seen.standing.country == Relation::Familiar => 0.4,
        (true, _) => 1.0,
        (false, Grade::Familiar) => 0.1,
        (false, _) if !is_wide && share >= 0.6 => 0.9,
        (false, Grade::Stranger) => 0.7,
        (false, Grade::Neutral) => 0.2,
    };
    let limits = !is_wide && seen.event.is_refused() && tried.bad >= LIMITED_ACCOUNTS;
    Signal { reason, strength: flood * part, limits }
}

/// Returns the weight of a refused sign-in: owners mistype, strangers guess. Who gets in within the hour is rather an owner.
fn weight(seen: &Seen, gets_in: bool) -> f64 {
    match seen.standing.grade {
        _ if seen.standing.is_on_own_ground() => 0.3,
        // The device of somebody who mistypes the address, perhaps.
        Grade::Stranger if seen.is_reputable => 0.7,
        Grade::Stranger => 1.0,
        Grade::Neutral if gets_in => 0.6,
        Grade::Neutral => 0.9,
        Grade::Familiar if gets_in => 0.5,
        Grade::Familiar => 0.8,
    }
}

fn is_refused_sign_in(seen: &Seen) -> bool {
    seen.event.kind == Kind::SignIn && seen.event.is_refused()
}

/// Returns true if two events are of the same device or network, or neither has one.
fn is_same_hand(one: &Event, other: &Event) -> bool {
    let is_same = |own: Option<Key>, others: Option<Key>| own.is_some() && own == others;
    let is_blind = one.device.is_none() && one.network.is_none();
    is_blind || is_same(one.device, other.device) || is_same(one.network, other.network)
}

/// Returns true if a refusal was a typing error: its hand was let in within ten minutes, after few tries.
fn is_made_good(refusal: &Seen, account: &[&Seen]) -> bool {
    let is_let_in = |other: &Event| {
        other.kind == Kind::SignIn
            && other.accepted == Some(true)
            && (0..=10 * MINUTE_MS).contains(&(other.at - refusal.event.at))
            && is_same_hand(&refusal.event, other)
    };
    let Some(success) = account.iter().find(|other| is_let_in(&other.event)) else { return false };
    let tries = account.iter().filter(|other| {
        is_refused_sign_in(other)
            && (0..=HOUR_MS).contains(&(success.event.at - other.event.at))
            && is_same_hand(&success.event, &other.event)
    });
    tries.count() <= TYPING_ERRORS
}

/// Guessing at one account. NIST SP 800-63B §5.2.2 bounds consecutive failures by 100; people need three tries (Brostoff and Sasse
/// 2003 found that 93 % succeed with ten, most with three).
fn guessing(seen: &Seen, account: &[&Seen], view: View) -> Signal {
    let event = &seen.event;
    let refused = || account.iter().filter(|other| is_refused_sign_in(other));
    if event.kind != Kind::SignIn {
        return Signal::new(Reason::Guessing, 0.0);
    }
    let is_owner = seen.standing.grade == Grade::Familiar || seen.standing.is_vouched_for();
    if event.is_refused() {
        let near = refused().filter(|other| (other.event.at - event.at).abs() <= HOUR_MS);
        // The owner's typing errors in the middle of an attack are counted by themselves.
        let counted = near.filter(|other| !is_owner || is_same_hand(event, &other.event));
        // Owners get in at last.
        let is_in = |other: &Event| other.kind == Kind::SignIn && other.is_let_in() && is_same_hand(event, other);
        let gets_in = account.iter().any(|other| is_in(&other.event) && (other.event.at - event.at).abs() <= HOUR_MS);
        let weight = |other: &Seen| {
            let weight = weight(other, gets_in);
            if is_made_good(other, account) { weight.min(0.5) } else { weight }
        };
        let hour: f64 = counted.map(|other| weight(other)).sum::<f64>() + weight(seen);
        let strangers = refused().filter(|other| other.standing.grade == Grade::Stranger).count() as f64;
        let day = if seen.standing.grade == Grade::Stranger { (strangers + 1.0) / 2.0 } else { 0.0 };
        let tries = hour.max(day);
        return Signal { limits: tries >= LIMITED_GUESSES, ..Signal::new(Reason::Guessing, sigmoid(tries - 7.3)) };
    }
    if event.accepted.is_none() || seen.standing.grade == Grade::Familiar {
        return Signal::new(Reason::GuessedRight, 0.0);
    }
    // Who has guessed right may come back later, as long as no more is known.
    let within = if view == View::Past { DAY_MS } else { 30 * MINUTE_MS };
    let before = refused().filter(|other| (0..=within).contains(&(event.at - other.event.at)));
    let tries: f64 = before
        .filter(|other| seen.standing.grade == Grade::Stranger || is_same_hand(event, &other.event))
        .filter(|other| !is_made_good(other, account))
        .map(|other| weight(other, false))
        .sum();
    Signal::new(Reason::GuessedRight, sigmoid(tries - 6.8))
}

/// Travel faster than anybody travels, between events of one device or of devices that are not both the account's.
fn travel(seen: &Seen, account: &[&Seen], before: usize) -> f64 {
    let (event, standing) = (&seen.event, &seen.standing);
    let Some(place) = event.place else { return 0.0 };
    // Within its country, a device or a network of the account's own may be placed in the wrong town.
    let is_own = standing.has_own_device() || standing.has_own_network();
    if if is_own { standing.is_at_home() } else { standing.is_near_home() } {
        return 0.0;
    }
    let mut strongest: f64 = 0.0;
    for (index, other) in account.iter().enumerate().take(before + NEIGHBOURS).skip(before.saturating_sub(NEIGHBOURS)) {
        let Some(elsewhere) = other.event.place else { continue };
        if !other.event.is_let_in() {
            continue;
        }
        let is_same_device = event.device.is_some() && event.device == other.event.device;
        let are_two_people = !is_same_device
            && standing.has_own_device()
            && (other.standing.has_own_device() || !other.standing.is_away);
        if are_two_people {
            continue;
        }
        let km = place.least_km(&elsewhere);
        let hours = ((other.event.at - event.at).abs() as f64 / HOUR_MS as f64).max(1.0 / 60.0);
        if km < LEAST_KM || km / hours < FASTEST_KMH {
            continue;
        }
        // One of both events is odd: the one with fewer ties; of equal ones the later, or both if nothing else is known.
        let is_odd = match standing.ties().cmp(&other.standing.ties()) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => index < before || !(standing.has_history || other.standing.has_history),
        };
        if !is_odd {
            continue;
        }
        let speed = km / hours / FASTEST_KMH;
        let strength = if speed >= 3.0 {
            0.9
        } else if speed >= 1.5 {
            0.75
        } else {
            0.6
        };
        // A refused try from afar is a guess, and takes nobody there. A device of the account abroad for the first time may be
        // behind a relay.
        let part = match event.is_let_in() {
            // Relays and wrong databases of addresses put people where they are not.
            true if (seen.is_relay || (is_same_device && other.is_relay)) && standing.has_own_device() => 0.4,
            true if standing.has_own_network() => 0.4,
            true => 1.0,
            false => 0.35,
        };
        strongest = strongest.max(strength * part);
    }
    strongest
}

/// Values that are different among some events.
fn distinct<'a>(events: impl Iterator<Item = &'a Seen>, value: impl Fn(&Seen) -> Option<Key>) -> usize {
    let mut values: Vec<Key> = events.filter_map(value).collect();
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// Number of places that are apart from one another.
fn places_apart<'a>(events: impl Iterator<Item = &'a Seen>) -> usize {
    let mut places: Vec<crate::place::Place> = Vec::new();
    let mut unplaced: Vec<Key> = Vec::new();
    for seen in events {
        match (seen.event.place, place_of(&seen.event)) {
            (Some(place), _) if places.iter().all(|other| place.least_km(other) >= APART_KM) => places.push(place),
            (None, Some(name)) if !unplaced.contains(&name) => unplaced.push(name),
            _ => {}
        }
    }
    places.len() + unplaced.len()
}

/// Use of one token, or one account, by more than its people. A token belongs to one device (RFC 9700 §4.14).
fn sharing(seen: &Seen, account: &[&Seen], view: View) -> f64 {
    let event = &seen.event;
    if !event.is_let_in() {
        return 0.0;
    }
    let is_near = |other: &&&Seen| (other.event.at - event.at).abs() <= HOUR_MS && other.event.is_let_in();
    let near: Vec<&Seen> = account.iter().filter(is_near).copied().chain(std::iter::once(seen)).collect();
    let mut strength: f64 = 0.0;
    if event.token.is_some() {
        let same = || near.iter().copied().filter(|other| other.event.token == event.token);
        let (devices, places) = (distinct(same(), |other| other.event.device), places_apart(same()));
        let subnets = distinct(same(), |other| other.event.subnet);
        let of_devices = match devices {
            0 | 1 => 0.0,
            // A browser that forgets, for example, is another device on the same network.
            _ if distinct(same(), |other| other.event.network) <= 1 && subnets > 0 => 0.2,
            2 => 0.6,
            _ => 0.9,
        };
        let of_places = match (devices, places) {
            (_, 0 | 1) => 0.0,
            // A relay or a roaming telephone, perhaps: the speed counts.
            (0 | 1, _) if seen.standing.has_own_device() => 0.1,
            (0 | 1, 2) => 0.1,
            _ => 0.8,
        };
        let of_networks = if devices <= 1 && subnets >= 5 && seen.standing.networks_recur { 0.6 } else { 0.0 };
        // The device to which the token was given goes on while others use it. Where that is not known, a device that is the
        // account's is taken for it, if there is only one other: each has become a habit where a token is shared for days.
        let is_own = seen.standing.device == Relation::Familiar && devices == 2;
        let is_owner = devices > 1 && seen.owns_token.unwrap_or(is_own);
        let part = if is_owner { 0.4 } else { 1.0 };
        // The owner need not be there at the same time.
        if seen.is_foreign_use {
            strength = strength.max(0.6);
        }
        strength = strength.max(of_devices * part).max(of_places * part).max(of_networks);
    }
    let is_strange = seen.standing.is_newcomer() || !seen.standing.has_own_device() || !seen.standing.is_at_home();
    if is_strange {
        let near = || near.iter().copied();
        let (devices, places) = (distinct(near(), |other| other.event.device), places_apart(near()));
        let has_devices = near().any(|other| other.event.device.is_some());
        if places >= 3 && (devices >= 3 || !has_devices) {
            strength = strength.max(0.8);
        }
        let new = || near().filter(|other| other.standing.is_newcomer());
        let new_devices = distinct(new(), |other| other.event.device);
        let new_networks =
            distinct(new(), |other| other.event.network.filter(|_| other.standing.network != Relation::Familiar));
        let has_networks = near().any(|other| other.event.network.is_some());
        // A family of five with a phone each has six networks. That its devices come again is known afterwards only.
        let most = if seen.standing.has_history && view == View::Whole { 3 } else { 7 };
        let crowd = match has_networks {
            true => new_devices.min(new_networks),
            false if seen.standing.has_history && view == View::Whole => new_devices,
            false => 0,
        };
        let is_newcomer = seen.standing.is_newcomer();
        if is_newcomer && crowd >= most {
            strength = strength.max(if crowd > most { 0.8 } else { 0.6 });
        }
        if is_newcomer && crowd >= 4 && places >= 2 {
            strength = strength.max(0.7);
        }
        // Access that was sold comes in from one place after another within the day.
        let day = account
            .iter()
            .copied()
            .filter(|other| (other.event.at - event.at).abs() <= DAY_MS / 2 && other.event.is_let_in());
        let strangers: Vec<&Seen> =
            day.chain(std::iter::once(seen)).filter(|other| other.standing.is_new_device).collect();
        let strangers = || strangers.iter().copied();
        let crowd =
            distinct(strangers(), |other| other.event.device).min(distinct(strangers(), |other| other.event.subnet));
        let is_new_here =
            seen.standing.is_new_device && (seen.standing.is_new_network || !seen.standing.has_own_network());
        if view == View::Whole && is_new_here && crowd >= 3 {
            strength = strength.max(0.8);
        }
        // One device, or an account without devices, on one new network after another.
        let subnets = distinct(
            near().filter(|other| other.event.device == event.device && other.standing.network != Relation::Familiar),
            |other| other.event.subnet,
        );
        let most = if event.device.is_none() && view == View::Whole { 4 } else { 5 };
        if seen.standing.has_history && seen.standing.networks_recur && subnets >= most {
            strength = strength.max(0.6);
        }
    }
    // A device keeps its program: another one has taken its name.
    if seen.standing.is_other_program && (seen.standing.is_away || !seen.standing.has_own_network()) {
        strength = strength.max(0.7);
    }
    strength
}

/// Signals of what is new about an event. Weak by itself: people buy telephones and travel.
fn novelty(seen: &Seen) -> impl Iterator<Item = Signal> {
    let standing = &seen.standing;
    let is_new = |relation: Relation| matches!(relation, Relation::Strange | Relation::Recent);
    let is_in = seen.event.is_let_in() && seen.event.kind == Kind::SignIn && standing.has_history;
    let device = (is_in && is_new(standing.device)).then_some(Signal::new(Reason::NewDevice, 0.12));
    let country = (is_in && is_new(standing.country)).then_some(Signal::new(Reason::NewCountry, 0.18));
    // A token of an app or a browser in the hands of a tool was taken.
    let of_tool = if seen.event.kind == Kind::SignIn || standing.is_on_own_ground() { 0.25 } else { 0.55 };
    let is_tool = seen.event.is_tool && (standing.grade != Grade::Familiar || of_tool > 0.5);
    let tool = is_tool.then_some(Signal::new(Reason::Tool, of_tool));
    device.into_iter().chain(country).chain(tool)
}

/// Assesses an event. `account` has the events of its account within a day, in order of time, of which the first `before` are
/// earlier. `stuffing` are the signals of its sources.
pub(crate) fn assess(
    seen: &Seen,
    account: &[&Seen],
    (before, view): (usize, View),
    stuffing: impl IntoIterator<Item = Signal>,
) -> Assessment {
    let signals = [
        guessing(seen, account, view),
        Signal::new(Reason::Sharing, sharing(seen, account, view)),
        Signal::new(Reason::ImpossibleTravel, travel(seen, account, before)),
    ];
    let signals: Vec<Signal> = signals.into_iter().chain(stuffing).chain(novelty(seen)).collect();
    let is_owner = seen.standing.grade == Grade::Familiar || seen.standing.is_vouched_for();
    let limits = !is_owner && signals.iter().any(|signal| signal.limits && signal.strength >= LIMITED);
    Assessment::of(signals.iter().map(|signal| (signal.reason, signal.strength)), limits)
}
