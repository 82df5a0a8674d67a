//! Days of a household: its plan of visits to the service, and the rows that the visits leave.

use crate::calendar::{Calendar, DAY, HOUR, MINUTE, SECOND};
use crate::event::{Event, Kind, Row};
use crate::people::{DeviceKind, Habit, Household};
use crate::places::{CITIES, Endpoint};
use crate::random::{Random, hash};

/// Network that a visit comes from, unless its owner travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Home,
    Carrier,
    Work,
    Friend,
    Vpn(usize),
}

/// Sign-in with some wrong passwords before the right one.
#[derive(Clone, Copy, Debug)]
struct Trial {
    kind: Option<Kind>,
    failures: i64,
    /// Bounds of the seconds between tries.
    gap: (i64, i64),
    /// Bounds of the seconds before the right password, after the last wrong one.
    pause: (i64, i64),
    succeeds: bool,
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    Watch,
    SignIn(Trial),
    Refresh,
}

#[derive(Clone, Copy, Debug)]
struct Visit {
    at: i64,
    device: usize,
    place: Place,
    purpose: Purpose,
}

/// Returns the rows of a household in the time of the calendar, in no order.
pub(crate) fn live(household: &Household, calendar: &Calendar) -> Vec<Row> {
    let mut random = household.random.clone();
    let tokens = household.devices.iter().map(|_| random.name()).collect();
    let mut diary = Diary { household, calendar, random, tokens, visits: Vec::new(), rows: Vec::new() };
    for day in 0..calendar.days {
        diary.plan_day(day);
    }
    diary.plan_oddities();
    diary.visits.sort_by_key(|visit| (visit.at, visit.device));
    for visit in std::mem::take(&mut diary.visits) {
        diary.carry_out(visit);
    }
    diary.rows
}

struct Diary<'a> {
    household: &'a Household,
    calendar: &'a Calendar,
    random: Random,
    /// Token that each device has.
    tokens: Vec<String>,
    visits: Vec<Visit>,
    rows: Vec<Row>,
}

impl Diary<'_> {
    fn plan_day(&mut self, day: i64) {
        let household = self.household;
        let weekend = day % 7 >= 5;
        let midnight = self.calendar.start + day * DAY - CITIES[household.city].utc_offset * HOUR;
        for (index, device) in household.devices.iter().enumerate() {
            let visits = match device.kind {
                DeviceKind::Television => 0.8,
                DeviceKind::Phone => 0.7,
                DeviceKind::Tablet => 0.4,
                DeviceKind::Laptop => 0.45,
            } * if weekend { 1.3 } else { 1.0 };
            for _ in 0..2 {
                if !self.random.chance(visits * 0.6) {
                    continue;
                }
                let (early, late) = match device.kind {
                    _ if household.habit == Habit::ShiftWork => (24, 32),
                    DeviceKind::Television => (17, 23),
                    DeviceKind::Tablet if household.children => (14, 19),
                    DeviceKind::Tablet | DeviceKind::Laptop => (11, 23),
                    DeviceKind::Phone => (7, 24),
                };
                // The mean of two draws: few watch at the edges of their hours.
                let draw = |random: &mut Random| random.between(early * HOUR, late * HOUR);
                let hour = (draw(&mut self.random) + draw(&mut self.random)) / 2;
                let place = self.draw_place(index, hour / HOUR, weekend);
                self.visits.push(Visit { at: midnight + hour, device: index, place, purpose: Purpose::Watch });
            }
        }
    }

    /// Draws the network of a device at a local hour.
    fn draw_place(&mut self, device: usize, hour: i64, weekend: bool) -> Place {
        let (kind, random) = (self.household.devices[device].kind, &mut self.random);
        if !matches!(kind, DeviceKind::Phone | DeviceKind::Laptop) {
            return Place::Home;
        }
        if self.household.habit == Habit::Vpn && random.chance(0.5) {
            return Place::Vpn(random.below(2));
        }
        let phone = kind == DeviceKind::Phone;
        let (work, carrier) = match hour {
            9..17 if !weekend && self.household.habit != Habit::ShiftWork => (0.55, 0.35),
            7..9 | 17..19 => (0.0, 0.65),
            _ => (0.0, 0.2),
        };
        if random.chance(work) {
            Place::Work
        } else if phone && random.chance(carrier) {
            Place::Carrier
        } else if random.chance(0.04) {
            Place::Friend
        } else {
            Place::Home
        }
    }

    /// Draws a sign-in as people do it: most know their password, and some type it wrong, more often with a remote.
    fn draw_trial(&mut self, device: usize, kind: Option<Kind>) -> Trial {
        let wrong = if self.household.devices[device].kind == DeviceKind::Television { 0.18 } else { 0.08 };
        // The less of two draws: most are right at the second try.
        let draw = |random: &mut Random| random.between(1, 4);
        let failures = if self.random.chance(wrong) { draw(&mut self.random).min(draw(&mut self.random)) } else { 0 };
        let kind = kind.or((failures > 0).then_some(Kind::TypingError));
        // After three or four wrong ones, most people reset their password.
        let pause = if failures > 2 { (90, 600) } else { (6, 40) };
        Trial { kind, failures, gap: (5, 40), pause, succeeds: true }
    }

    fn push(&mut self, at: i64, device: usize, purpose: Purpose) {
        self.visits.push(Visit { at, device, place: Place::Home, purpose });
    }

    fn plan_oddities(&mut self) {
        let (household, calendar) = (self.household, self.calendar);
        let devices = household.devices.len();
        for (index, device) in household.devices.iter().enumerate() {
            if calendar.contains(device.from) {
                let trial = self.draw_trial(index, Some(Kind::NewDevice));
                self.push(device.from, index, Purpose::SignIn(trial));
            } else if device.kind != DeviceKind::Laptop && self.random.chance(0.7) {
                let at = calendar.update + self.random.between(0, 20 * MINUTE);
                self.push(at, index, Purpose::Refresh);
            }
        }
        let mut signed_out: Vec<_> = (0..devices).filter(|_| self.random.chance(0.35)).collect();
        signed_out.truncate(3);
        for index in signed_out {
            let trial = self.draw_trial(index, Some(Kind::OutageReturn));
            let at = calendar.outage + self.random.between(0, 10 * MINUTE - 10 * SECOND);
            self.push(at, index, Purpose::SignIn(trial));
        }
        for trip in &household.trips {
            for &index in trip.devices.iter().filter(|&&index| household.devices[index].until == i64::MAX) {
                if self.random.chance(0.35) {
                    let trial = self.draw_trial(index, None);
                    let at = trip.arrive + self.random.between(HOUR, 6 * HOUR);
                    self.push(at, index, Purpose::SignIn(trial));
                }
            }
        }
        let days = calendar.days as f64;
        let evening = |random: &mut Random| {
            let day = random.between(0, calendar.days - 1);
            let local = random.between(15 * HOUR, 22 * HOUR) - CITIES[household.city].utc_offset * HOUR;
            calendar.start + day * DAY + local
        };
        if self.random.chance(days / 250.0) {
            let (at, device) = (evening(&mut self.random), self.random.below(devices));
            let failures = self.random.between(3, 7);
            let kind = Some(Kind::ForgottenPassword);
            let trial = Trial { kind, failures, gap: (15, 120), pause: (180, 1_500), succeeds: true };
            self.push(at, device, Purpose::SignIn(trial));
        }
        if devices >= 3 && self.random.chance(days / 400.0) {
            let at = evening(&mut self.random);
            let kind = Some(Kind::OldPassword);
            let change = Trial { kind, failures: 0, gap: (1, 1), pause: (1, 1), succeeds: true };
            self.push(at, 0, Purpose::SignIn(change));
            for index in 1..devices.min(6) {
                let failures = self.random.between(2, 5);
                let trial = Trial { kind, failures, gap: (4, 90), pause: (300, 9_000), succeeds: true };
                let at = at + self.random.between(MINUTE, 2 * HOUR);
                self.push(at, index, Purpose::SignIn(trial));
            }
        }
        if household.children && self.random.chance(days / 150.0) {
            let (at, device) = (evening(&mut self.random), self.random.below(devices));
            let kind = Some(Kind::ChildGuess);
            let (failures, succeeds) = (self.random.between(5, 14), self.random.chance(0.25));
            let trial = Trial { kind, failures, gap: (8, 70), pause: (60, 600), succeeds };
            self.push(at, device, Purpose::SignIn(trial));
        }
    }

    fn carry_out(&mut self, visit: Visit) {
        let Visit { mut at, device, mut place, purpose } = visit;
        match purpose {
            Purpose::Refresh => self.write(Event::Refresh, true, device, place, at, Some(Kind::AppUpdate)),
            Purpose::SignIn(trial) => at = self.sign_in(device, place, at, trial),
            Purpose::Watch if self.household.devices[device].private => {
                let trial = self.draw_trial(device, Some(Kind::PrivateWindow));
                at = self.sign_in(device, place, at, trial);
            }
            Purpose::Watch if self.random.chance(0.05) => {
                // The sign-in has run out.
                self.write(Event::Refresh, false, device, place, at, None);
                let trial = self.draw_trial(device, None);
                at += self.random.between(5, 60) * SECOND;
                at = self.sign_in(device, place, at, trial);
            }
            Purpose::Watch if self.random.chance(0.7) => self.write(Event::Refresh, true, device, place, at, None),
            Purpose::Watch => {}
        }
        let watches = match purpose {
            Purpose::Refresh => false,
            Purpose::SignIn(trial) => trial.succeeds,
            Purpose::Watch => true,
        };
        if !watches {
            return;
        }
        for _ in 0..self.random.between(1, 3) {
            at += self.random.between(5, 90) * SECOND;
            self.write(Event::Play, true, device, place, at, None);
            at += self.random.between(12 * MINUTE, 55 * MINUTE);
            // Phones leave their networks between titles.
            if self.household.devices[device].kind == DeviceKind::Phone && self.random.chance(0.3) {
                place = if place == Place::Carrier { Place::Home } else { Place::Carrier };
                self.write(Event::Refresh, true, device, place, at, None);
            }
        }
    }

    /// Writes the tries of a sign-in, and returns the time of the last.
    fn sign_in(&mut self, device: usize, place: Place, mut at: i64, trial: Trial) -> i64 {
        for _ in 0..trial.failures {
            self.write(Event::SignIn, false, device, place, at, trial.kind);
            at += self.random.between(trial.gap.0, trial.gap.1) * SECOND;
        }
        if trial.succeeds {
            if trial.failures > 0 {
                at += self.random.between(trial.pause.0, trial.pause.1) * SECOND;
            }
            self.tokens[device] = self.random.name();
            self.write(Event::SignIn, true, device, place, at, trial.kind);
        }
        at
    }

    /// Returns the network of a device and the reason that it gives, or nothing if its owner is under way or the
    /// household does not have the device at that time.
    fn connect(&self, index: usize, place: Place, at: i64) -> Option<(Endpoint, Kind)> {
        let (household, device) = (self.household, &self.household.devices[index]);
        if !(device.from..device.until).contains(&at) || !self.calendar.contains(at) {
            return None;
        }
        let (line, kind) = match household.trips.iter().find(|trip| (trip.leave..trip.home).contains(&at)) {
            Some(trip) if trip.devices.contains(&index) => {
                let roams = hash(&[device.seed, (at / (6 * HOUR)) as u64]) % 100 < 35;
                if !(trip.arrive..trip.back).contains(&at) {
                    return None;
                } else if device.kind == DeviceKind::Phone && roams {
                    (household.carrier, Kind::Roaming)
                } else {
                    (trip.hotel, if trip.business { Kind::BusinessTrip } else { Kind::Holiday })
                }
            }
            Some(trip) if trip.everyone => return None,
            _ => match place {
                Place::Carrier => (household.carrier, Kind::CarrierNat),
                Place::Work if household.habit == Habit::CompanyProxy => (household.work, Kind::CompanyProxy),
                Place::Work => (household.work, Kind::Ordinary),
                Place::Friend => (household.friend, Kind::Ordinary),
                Place::Vpn(exit) => (household.exits[exit], Kind::VpnHabit),
                Place::Home => {
                    let kind = match household.habit {
                        Habit::Student => Kind::Dormitory,
                        Habit::ShiftWork => Kind::ShiftWork,
                        Habit::SplitFamily if device.home == 1 => Kind::SplitFamily,
                        _ => Kind::Ordinary,
                    };
                    (household.homes[device.home], kind)
                }
            },
        };
        let endpoint = line.endpoint(device.seed, at);
        Some((endpoint, if endpoint.mislocated { Kind::Mislocated } else { kind }))
    }

    fn write(&mut self, event: Event, success: bool, index: usize, place: Place, at: i64, kind: Option<Kind>) {
        let Some((endpoint, reason)) = self.connect(index, place, at) else { return };
        let device = &self.household.devices[index];
        let kind = kind.unwrap_or(reason);
        let mut account = self.household.account.clone();
        if !success && kind == Kind::TypingError && event == Event::SignIn && self.random.chance(0.2) {
            account.remove(self.random.below(5));
        }
        // A browser without cookies is a new device on every second day.
        let stamp = (at / DAY) as u64;
        let id = if device.private && hash(&[device.seed, stamp]).is_multiple_of(2) {
            format!("{:012x}", hash(&[device.seed, stamp, 1]) >> 16)
        } else {
            device.id.clone()
        };
        self.rows.push(Row {
            time_ms: at,
            account,
            event,
            success,
            device: id,
            token: if event == Event::SignIn && !success { String::new() } else { self.tokens[index].clone() },
            address: endpoint.address,
            city: endpoint.city,
            latitude: endpoint.latitude,
            longitude: endpoint.longitude,
            agent: device.agent(at, self.calendar),
            kind,
        });
    }
}
