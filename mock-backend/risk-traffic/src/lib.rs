//! Makes labelled sign-in traffic of a streaming service that does not exist, by which scores of risk are judged.
//!
//! The world has households with homes, devices, networks and trips; they mistype passwords, share addresses with
//! hundreds, and live through an update and an outage. Attackers guess, try lists of stolen passwords, steal tokens and
//! sell accounts. A row's label says if it is part of an attack, and comes from the world alone: the crate knows of no
//! rule that scores such rows.
//!
//! A seed decides everything: the same seed, form, size and share of attacks give the same bytes. Only the last digits of
//! trigonometric functions, and by them the milliseconds of journeys, may differ between platforms.

#![warn(missing_docs)]

mod attacks;
mod calendar;
mod days;
mod event;
mod people;
mod places;
mod random;
mod writing;

use std::collections::BTreeMap;

pub use event::{Event, Kind, Row};
pub use places::{CITIES, City, distance_km};
pub use writing::Form;

use calendar::{Calendar, HOUR, MINUTE};
use random::Random;

/// Share of the rows that [`generate`] labels as attacks at most, per thousand.
pub const DEFAULT_ATTACKS: usize = 20;

/// File of traffic.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Comma-separated values with a header.
    pub csv: String,
    /// Rows in the order of the file.
    pub rows: Vec<Row>,
    /// Number of rows of each kind that occurs.
    pub summary: BTreeMap<Kind, usize>,
}

/// Returns the traffic of a number of accounts (1 to 100,000) in a number of days (1 to 365) from 2 March 2026 on; other
/// numbers are taken as the nearest of these. Of a thousand rows up to [`DEFAULT_ATTACKS`] are attacks. With 600 accounts
/// and 10 days all kinds of rows occur, if the form has them; a smaller file may lack some kinds.
pub fn generate(seed: u64, form: Form, accounts: usize, days: usize) -> Traffic {
    generate_with(seed, form, accounts, days, DEFAULT_ATTACKS)
}

/// Does the same with another share of attacks: `attacks` rows of a thousand (5 to 50, or the nearest of these) at most.
pub fn generate_with(seed: u64, form: Form, accounts: usize, days: usize, attacks: usize) -> Traffic {
    let random = Random::new(seed);
    let calendar = Calendar::new(days.clamp(1, 365) as i64);
    let households = people::settle(&random.fork(1), accounts.clamp(1, 100_000), &calendar);
    let mut rows: Vec<_> = households.iter().flat_map(|household| days::live(household, &calendar)).collect();
    rows.retain(|row| writing::keeps(form, row));
    if form != Form::Clean {
        let attacks = attacks.clamp(5, 50);
        let budget = rows.len() * attacks / (1_000 - attacks);
        let only_sign_ins = form.has_only_sign_ins();
        rows.extend(attacks::attack(random.fork(2), &households, &rows, &calendar, budget, only_sign_ins));
    }
    rows.sort_by(|one, other| {
        (one.time_ms, &one.account, &one.device).cmp(&(other.time_ms, &other.account, &other.device))
    });
    if form == Form::Full {
        rows = delay_some(rows, random.fork(3));
    }
    let mut summary = BTreeMap::new();
    for row in &rows {
        *summary.entry(row.kind).or_default() += 1;
    }
    Traffic { csv: writing::write(form, &rows), rows, summary }
}

/// Moves one row of a hundred to a later place, as if it had come up to two hours late. Rows keep their times.
fn delay_some(rows: Vec<Row>, mut random: Random) -> Vec<Row> {
    let mut arrivals: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let late = if random.chance(0.01) { random.between(MINUTE, 2 * HOUR) } else { 0 };
            (row.time_ms + late, row)
        })
        .collect();
    arrivals.sort_by_key(|(arrival, _)| *arrival);
    arrivals.into_iter().map(|(_, row)| row).collect()
}
