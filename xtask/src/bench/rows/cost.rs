//! Processor time and memory.

use std::time::Duration;

use super::{Bench, row};
use crate::bench::content::{HLS, ONE_RUNG};
use crate::bench::origin::Conditions;
use crate::bench::players::{Job, Player};
use crate::bench::table::{Goal, Row};

/// Name and method of the part `cpu`.
pub const CPU: (&str, &str) = (
    "Processor time",
    "Each player plays 40 s of the 720p rung alone (HLS) over a link without a limit, decoded in software into outputs that \
     show nothing. Counted is the time in user and kernel mode of the whole process from its start, scaled to a minute.",
);
/// Name and method of the part `memory`.
pub const MEMORY: (&str, &str) = (
    "Memory",
    "The largest resident set (`VmHWM`) in 118 s of play over a link without a limit, of the 720p rung alone and of the \
     whole ladder. Ours plays alone, because it gives pages back \
     while media arrives; the peers play at the same time.",
);

const CPU_SECONDS: u64 = 40;
const MEMORY_SECONDS: u64 = 118;
/// Peers that the goal compares with.
const MEASURE: &[Player] = &[Player::Mpv, Player::Playbin3];

/// Measures a round of processor time.
pub fn cpu(bench: &Bench<'_>, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let length = Duration::from_secs(CPU_SECONDS);
    let row =
        row(rows, "played minute, 720p", || Row::new("cpu", "played minute, 720p", "s", 2, Goal::OfBest(1.0, MEASURE)));
    for player in bench.players.among(&Player::ALL) {
        let job = Job { length, ..Job::default() };
        let (session, _) = bench.play(player, &Conditions::default(), ONE_RUNG, &job)?;
        row.add(
            player,
            if session.length < length {
                Err(format!("ended after {:.0} s", session.length.as_secs_f64()))
            } else {
                Ok(session.cpu.as_secs_f64() * 60.0 / session.length.as_secs_f64())
            },
        );
    }
    Ok(())
}

/// Measures a round of memory.
pub fn memory(bench: &Bench<'_>, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let length = Duration::from_secs(MEMORY_SECONDS);
    for (name, path, goal) in [("peak, 720p", ONE_RUNG, 80.0), ("peak, adaptive", HLS, 90.0)] {
        let play = |player: &Player| {
            let job = Job { length, ..Job::default() };
            Ok(bench.play(*player, &Conditions::default(), path, &job)?.0)
        };
        let (ours, peers): (Vec<_>, Vec<_>) =
            bench.players.among(&Player::ALL).into_iter().partition(|player| *player == Player::Kinora);
        let mut results = Bench::in_lanes(&ours, play)?;
        results.extend(Bench::in_lanes(&peers, play)?);
        let players = ours.into_iter().chain(peers);
        let row = row(rows, name, || Row::new("memory", name, "MiB", 0, Goal::AtMost(goal)));
        for (player, session) in players.zip(results) {
            row.add(
                player,
                if session.length < length {
                    Err(format!("ended after {:.0} s", session.length.as_secs_f64()))
                } else {
                    Ok(session.peak_bytes as f64 / f64::from(1 << 20))
                },
            );
        }
    }
    Ok(())
}
