//! Attackers: campaigns against the households of a service, until a budget of rows is spent.

use crate::calendar::{Calendar, DAY, HOUR, MINUTE, SECOND};
use crate::event::{Event, Kind, Row};
use crate::people::{Household, browser, email};
use crate::places::{CITIES, Line, draw_city, draw_city_of_country};
use crate::random::Random;

/// Kinds of campaigns with the fewest and the most rows of one, and their shares of all rows in percent.
const CAMPAIGNS: [(Kind, usize, usize, usize); 11] = [
    (Kind::GuessFast, 20, 200, 14),
    (Kind::GuessSlow, 15, 250, 8),
    (Kind::GuessBotnet, 15, 150, 8),
    (Kind::StuffOneAddress, 30, 800, 15),
    (Kind::StuffHosting, 30, 800, 12),
    (Kind::StuffBotnet, 30, 800, 12),
    (Kind::StuffSlow, 20, 300, 8),
    (Kind::TokenTheft, 4, 10, 6),
    (Kind::DeviceTheft, 4, 10, 4),
    (Kind::Resale, 24, 90, 9),
    (Kind::SoldPassword, 3, 8, 4),
];

/// Returns rows of attacks, not more than the budget. With a budget of less than 200 rows, some kinds do not occur.
/// `honest` has the rows of the households, by which attackers choose their moments. With `sign_ins` the budget counts
/// only sign-ins, and only these are returned.
pub(crate) fn attack(
    random: Random,
    households: &[Household],
    honest: &[Row],
    calendar: &Calendar,
    budget: usize,
    sign_ins: bool,
) -> Vec<Row> {
    let mut campaigns = CAMPAIGNS;
    let mut underworld = Underworld { random, households, honest, calendar, rows: Vec::new() };
    for left in (1..campaigns.len()).rev() {
        campaigns.swap(left, underworld.random.below(left + 1));
    }
    let mut rows = Vec::new();
    // One small campaign of each kind comes first, so that all kinds occur even in a small file; then each kind has its
    // share, and what is left is for any that fits.
    for round in 0..3 {
        for (kind, fewest, most, percent) in campaigns {
            let mut quota = [fewest, budget * percent / 100, budget - rows.len()][round];
            while quota >= fewest && rows.len() + fewest <= budget {
                let most = most.min(quota).min(budget - rows.len());
                let size = underworld.random.between(fewest as i64, most as i64) as usize;
                underworld.campaign(kind, size);
                underworld
                    .rows
                    .retain(|row| calendar.contains(row.time_ms) && !(sign_ins && row.event != Event::SignIn));
                if underworld.rows.is_empty() {
                    break;
                }
                quota = quota.saturating_sub(underworld.rows.len());
                rows.append(&mut underworld.rows);
            }
        }
    }
    rows
}

/// One machine of an attacker.
#[derive(Clone, Debug)]
struct Machine {
    line: Line,
    seed: u64,
    device: String,
    agent: String,
}

struct Underworld<'a> {
    random: Random,
    households: &'a [Household],
    honest: &'a [Row],
    calendar: &'a Calendar,
    /// Rows of the campaign.
    rows: Vec<Row>,
}

impl Underworld<'_> {
    fn campaign(&mut self, kind: Kind, size: usize) {
        match kind {
            Kind::GuessFast => self.guess(kind, size, (400, 4 * SECOND), usize::MAX, 0.35),
            Kind::GuessSlow => self.guess(kind, size, (8 * MINUTE, 13 * MINUTE), usize::MAX, 0.25),
            Kind::GuessBotnet => self.guess(kind, size, (20 * SECOND, 4 * MINUTE), 2, 0.25),
            Kind::StuffOneAddress => self.stuff(kind, size, (150, 3 * SECOND)),
            Kind::StuffHosting => self.stuff(kind, size, (300, 20 * SECOND)),
            Kind::StuffBotnet => self.stuff(kind, size, (5 * SECOND, 90 * SECOND)),
            Kind::StuffSlow => self.stuff(kind, size, (3 * MINUTE, 40 * MINUTE)),
            Kind::TokenTheft | Kind::DeviceTheft => self.steal(kind, size),
            Kind::Resale => self.resell(size),
            _ => self.sell(size),
        }
    }

    /// Draws a time that leaves room for a campaign of some length, if the calendar has it.
    fn draw_start(&mut self, length: i64) -> i64 {
        let room = (self.calendar.end - self.calendar.start - length).max(HOUR);
        self.calendar.start + self.random.between(0, room)
    }

    /// Draws a machine with a program that pretends to be an app or a browser, or is a script and admits it.
    fn machine(&mut self, line: Line) -> Machine {
        let agent = match self.random.below(4) {
            0 => "python-requests/2.31.0".to_owned(),
            1 => "okhttp/4.12.0".to_owned(),
            2 => "Kinora/4.1 (Pixel 8; Android 14)".to_owned(),
            _ => browser(self.random.below(4)),
        };
        let device = if self.random.chance(0.3) { String::new() } else { self.random.name() };
        Machine { line, seed: self.random.next(), device, agent }
    }

    /// Draws a machine of a person who uses the account of another: an app or a browser on a line somewhere.
    fn buyer(&mut self, city: usize) -> Machine {
        let line = match self.random.below(10) {
            0..6 => Line::home(city, self.random.next()),
            6..8 => Line::carrier(city, self.random.next() % 2, 3),
            8 => Line::hosting(self.random.below(9), 90).pooled(6),
            _ => Line::hosting(self.random.below(9), self.random.next()),
        };
        let agent = match self.random.below(4) {
            0 => "KinoraTV/4.1 (Android TV 12; BRAVIA)".to_owned(),
            1 => "Kinora/4.1 (SM-S911B; Android 14)".to_owned(),
            _ => browser(self.random.below(4)),
        };
        Machine { line, seed: self.random.next(), device: self.random.name(), agent }
    }

    /// Draws the line of a machine in a botnet: mostly homes, some of them those of customers, and phones.
    fn bot(&mut self) -> Line {
        match self.random.below(10) {
            0 => self.random.pick(self.households).homes[0],
            1 => self.random.pick(self.households).carrier,
            _ => {
                let city = self.random.below(CITIES.len());
                Line::home(city, self.random.next())
            }
        }
    }

    fn write(&mut self, kind: Kind, machine: &Machine, at: i64, account: &str, event: Event, token: Option<&str>) {
        let endpoint = machine.line.endpoint(machine.seed, at);
        self.rows.push(Row {
            time_ms: at,
            account: account.to_owned(),
            event,
            success: token.is_some(),
            device: machine.device.clone(),
            token: token.unwrap_or_default().to_owned(),
            address: endpoint.address,
            city: endpoint.city,
            latitude: endpoint.latitude,
            longitude: endpoint.longitude,
            agent: machine.agent.clone(),
            kind,
        });
    }

    /// Writes the use of an account with a token, from `at` on.
    fn enjoy(&mut self, kind: Kind, machine: &Machine, mut at: i64, account: &str, token: &str, count: usize) {
        for _ in 0..count {
            let event = if self.random.chance(0.3) { Event::Refresh } else { Event::Play };
            self.write(kind, machine, at, account, event, Some(token));
            at += self.random.between(MINUTE, 50 * MINUTE);
        }
    }

    /// Writes the use of an account whose password was found: by the machine that found it, or after a sign-in from
    /// the attacker's home.
    fn take_over(&mut self, finder: &Machine, at: i64, account: &str, token: &str, count: usize) {
        let at = at + self.random.between(MINUTE, 3 * HOUR);
        if count == 0 {
            return;
        }
        if self.random.chance(0.4) {
            self.enjoy(Kind::Takeover, finder, at, account, token, count);
            return;
        }
        let city = draw_city(&mut self.random);
        let (buyer, token) = (self.buyer(city), self.random.name());
        self.write(Kind::Takeover, &buyer, at, account, Event::SignIn, Some(&token));
        let at = at + self.random.between(20, 200) * SECOND;
        self.enjoy(Kind::Takeover, &buyer, at, account, &token, count - 1);
    }

    /// Guesses the password of one account, with a new address after each `each` tries at most.
    fn guess(&mut self, kind: Kind, size: usize, gap: (i64, i64), each: usize, luck: f64) {
        let uses = if self.random.chance(luck) { self.random.between(3, 8).min(size as i64 / 3) as usize } else { 0 };
        let tries = size - uses;
        let account = self.random.pick(self.households).account.clone();
        let mut at = self.draw_start(tries as i64 * gap.1 + 4 * HOUR);
        let line = match self.random.chance(0.5) {
            true => Line::hosting(self.random.below(9), self.random.next()),
            false => self.bot().pooled(1),
        };
        let mut machine = self.machine(line);
        let mut left = each;
        for count in 1..=tries {
            if left == 0 {
                left = self.random.between(1, each as i64) as usize;
                (machine.line, machine.seed) = (self.bot(), self.random.next());
                if !machine.device.is_empty() {
                    machine.device = self.random.name();
                }
            }
            left -= 1;
            if count == tries && uses > 0 {
                let token = self.random.name();
                self.write(kind, &machine, at, &account, Event::SignIn, Some(&token));
                self.take_over(&machine, at, &account, &token, uses);
            } else {
                self.write(kind, &machine, at, &account, Event::SignIn, None);
            }
            at += self.random.between(gap.0, gap.1);
        }
    }

    /// Tries a list of stolen e-mail addresses and passwords: 0.1 to 2 percent of them open an account.
    fn stuff(&mut self, kind: Kind, size: usize, gap: (i64, i64)) {
        let expected = size as f64 * self.random.between(1, 20) as f64 / 1_000.0;
        let hits = expected as usize + usize::from(self.random.chance(expected.fract()));
        let uses = (size / 4).checked_div(hits).unwrap_or_default().min(self.random.between(2, 6) as usize);
        let tries = size - hits * uses;
        let mut successes: Vec<_> = (0..hits).map(|_| self.random.below(tries)).collect();
        successes.sort_unstable();
        successes.dedup();
        let known = self.random.between(2, 12) as f64 / 100.0;
        let mut at = self.draw_start(tries as i64 * (gap.0 + gap.1) / 2 + 4 * HOUR);
        let line = Line::hosting(self.random.below(9), self.random.next());
        let mut machine = self.machine(line);
        let first = self.random.below(9);
        let addresses = self.random.between(3, 24) as usize;
        let mut lines: Vec<_> = match kind {
            Kind::StuffHosting => {
                (0..addresses).map(|host| Line::hosting(first + host % 3, self.random.next())).collect()
            }
            Kind::StuffSlow => (0..addresses).map(|_| self.bot()).collect(),
            _ => vec![machine.line],
        };
        let mut left = 0;
        for number in 0..tries {
            if kind == Kind::StuffBotnet && left == 0 {
                (lines[0], machine.seed) = (self.bot(), self.random.next());
                left = self.random.between(1, 2);
            }
            left -= 1;
            machine.line = *self.random.pick(&lines);
            if !machine.device.is_empty() {
                machine.device = self.random.name();
            }
            let hit = successes.binary_search(&number).is_ok();
            let account = if hit || self.random.chance(known) {
                self.random.pick(self.households).account.clone()
            } else {
                let stranger = self.households.len() as i64 + self.random.between(0, 2_000_000);
                email(&mut self.random, stranger)
            };
            let token = hit.then(|| self.random.name());
            self.write(kind, &machine, at, &account, Event::SignIn, token.as_deref());
            if let Some(token) = token {
                self.take_over(&machine, at, &account, &token, uses);
            }
            at += self.random.between(gap.0, gap.1);
        }
    }

    /// Draws a row in which an owner uses an account, and a city that is elsewhere: abroad, or one time in five in
    /// the same country.
    fn draw_moment(&mut self) -> Option<(Row, usize)> {
        for _ in 0..100 {
            if self.honest.is_empty() {
                return None;
            }
            let row = self.random.pick(self.honest).clone();
            let here = CITIES.iter().position(|city| city == row.city).unwrap_or_default();
            let abroad = !self.random.chance(0.2);
            let city =
                if abroad { self.random.below(CITIES.len()) } else { draw_city_of_country(&mut self.random, here) };
            if row.success && city != here && (!abroad || CITIES[city].country != row.city.country) {
                return Some((row, city));
            }
        }
        None
    }

    /// Uses the stolen token of an owner, or a copy of the identity of a device, while the owner uses it.
    fn steal(&mut self, kind: Kind, size: usize) {
        let Some((owner, city)) = self.draw_moment() else { return };
        let mut thief = self.buyer(city);
        let mut at = owner.time_ms + self.random.between(-5 * MINUTE, 20 * MINUTE);
        if kind == Kind::TokenTheft {
            if self.random.chance(0.5) {
                (thief.device, thief.agent) = (owner.device.clone(), owner.agent.clone());
            }
            self.enjoy(kind, &thief, at, &owner.account, &owner.token, size);
            return;
        }
        thief.device = owner.device.clone();
        let token = self.random.name();
        self.write(kind, &thief, at, &owner.account, Event::SignIn, Some(&token));
        at += self.random.between(5, 120) * SECOND;
        self.enjoy(kind, &thief, at, &owner.account, &token, size - 1);
    }

    /// Sells an account to many, who sign in within two days and watch in the same evenings.
    fn resell(&mut self, size: usize) {
        let account = self.random.pick(self.households).account.clone();
        let buyers = self.random.between(6, 15).min(size as i64 / 3).max(6) as usize;
        let start = self.draw_start(2 * DAY) / DAY * DAY + 16 * HOUR;
        let far = self.random.chance(0.5);
        let home = draw_city(&mut self.random);
        for number in 0..buyers {
            let city = if far { draw_city(&mut self.random) } else { draw_city_of_country(&mut self.random, home) };
            let (buyer, token) = (self.buyer(city), self.random.name());
            let mut at = start + self.random.between(0, 4 * HOUR);
            self.write(Kind::Resale, &buyer, at, &account, Event::SignIn, Some(&token));
            let uses = size / buyers - 1 + usize::from(number < size % buyers);
            at += self.random.between(10, 90) * SECOND;
            for _ in 0..uses {
                let event = if self.random.chance(0.25) { Event::Refresh } else { Event::Play };
                self.write(Kind::Resale, &buyer, at, &account, event, Some(&token));
                at += if self.random.chance(0.6) {
                    self.random.between(15 * MINUTE, 50 * MINUTE)
                } else {
                    DAY + self.random.between(-HOUR, HOUR)
                };
            }
        }
    }

    /// Sells the password to somebody far away, who uses it within the hour of the owner's own use.
    fn sell(&mut self, size: usize) {
        for _ in 0..50 {
            let Some((owner, city)) = self.draw_moment() else { return };
            if owner.city.distance_to(&CITIES[city]) < 3_000.0 {
                continue;
            }
            let (buyer, token) = (self.buyer(city), self.random.name());
            let at = owner.time_ms + self.random.between(5 * MINUTE, 55 * MINUTE);
            self.write(Kind::SoldPassword, &buyer, at, &owner.account, Event::SignIn, Some(&token));
            let at = at + self.random.between(10, 90) * SECOND;
            self.enjoy(Kind::SoldPassword, &buyer, at, &owner.account, &token, size - 1);
            return;
        }
    }
}
