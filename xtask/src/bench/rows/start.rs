//! The first picture.

use std::time::Duration;

use super::{Bench, row};
use crate::bench::content::{DASH, HLS};
use crate::bench::origin::Conditions;
use crate::bench::players::{Job, Player};
use crate::bench::statistics::median;
use crate::bench::table::{Goal, Measured, Row};

/// Name and method of the part.
pub const DESCRIPTION: (&str, &str) = (
    "First picture",
    "Milliseconds from the start of the process to the first picture, for all players alike: loading the program is part of \
     it. The median of five starts in each round. The rows “from the load” are the player's own figure (`startup_ms`).",
);

/// Starts in a round.
const STARTS: usize = 5;
/// Time after which a player that has shown nothing is given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Measures a round.
pub fn measure(bench: &Bench<'_>, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let links = [("no limit", Conditions::default(), 60.0), ("5 Mbit/s, 20 ms", Conditions::shaped(), 165.0)];
    for (link, conditions, goal) in links {
        for (form, path) in [("HLS", HLS), ("DASH", DASH)] {
            let players = bench.players.among(&Player::ALL);
            let mut times = vec![Vec::new(); players.len()];
            let mut own = Vec::new();
            for _ in 0..STARTS {
                for (player, times) in players.iter().zip(&mut times) {
                    let job = Job { length: PATIENCE, is_watched: true, only_start: true, ..Job::default() };
                    let (session, _) = bench.play(*player, &conditions, path, &job)?;
                    times.push(session.first_frame.map(|time| time.as_secs_f64() * 1000.0));
                    own.extend(session.startup_ms);
                }
            }
            let name = format!("{link}, {form}");
            let line = row(rows, &name, || Row::new("start", &*name, "ms", 0, Goal::AtMost(goal)));
            for (player, times) in players.iter().zip(&times) {
                line.add(*player, typical(times));
            }
            let name = format!("{link}, {form}, from the load");
            let line = row(rows, &name, || Row::new("start", &*name, "ms", 0, Goal::None));
            if let Some(own) = median(&own) {
                line.add(Player::Kinora, Ok(own));
            }
        }
    }
    Ok(())
}

/// Returns the median of times, all of which must be there.
fn typical(times: &[Option<f64>]) -> Measured {
    let shown: Vec<f64> = times.iter().copied().flatten().collect();
    let nothing = times.len() - shown.len();
    if nothing > 0 {
        return Err(format!("no picture in {nothing} of {} starts", times.len()));
    }
    median(&shown).ok_or_else(|| "no start".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_without_a_picture_is_no_median() {
        assert_eq!(typical(&[Some(3.0), Some(1.0), Some(2.0)]), Ok(2.0));
        assert_eq!(typical(&[Some(3.0), None]), Err("no picture in 1 of 2 starts".to_owned()));
    }
}
