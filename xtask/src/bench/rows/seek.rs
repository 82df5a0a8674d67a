//! Exact seeks.

use std::time::Duration;

use super::{Bench, row};
use crate::bench::content::{DASH, HLS};
use crate::bench::origin::Conditions;
use crate::bench::players::{Job, Player};
use crate::bench::session::{BETWEEN_SEEKS, Session};
use crate::bench::statistics::{Draws, percentile};
use crate::bench::table::{Goal, Measured, Row};

/// Name and method of the part.
pub const DESCRIPTION: (&str, &str) = (
    "Seeks",
    "Milliseconds from the command to the picture of the target. For media that is not buffered: 40 random targets of the \
     ladder at 5 Mbit/s and 20 ms, in ten sessions (half HLS, half DASH) of four targets at least 20 s apart and 3 s of play \
     between; ours buffers at most 8 s there, so that no target is in its buffer; peers play \
     the first two of these sessions only. A hold is playback of ours \
     that stands still for 50 ms, by its state, before the next seek. For buffered media: 20 targets 1 to 10 s ahead \
     over a link without a limit. The targets are the same for all players, and others in each round.",
);

/// Players that take commands.
const ABLE: [Player; 3] = [Player::Kinora, Player::Playbin3, Player::Mpv];
/// Sessions of a round, and seeks of each, to media that is not buffered.
const SESSIONS: usize = 10;
const SEEKS: usize = 4;
/// Sessions of these in which the peers take part: a seek takes some of them half a minute.
const PEER_SESSIONS: usize = 2;
/// Least distance of these targets in seconds, from one another and from the start.
const APART: f64 = 20.0;
/// Last target in seconds.
const LAST: f64 = 112.0;
/// Most media that ours buffers in these sessions, in seconds.
const MAX_BUFFER_S: u32 = 8;
/// Sessions of a round, and seeks of each, to buffered media.
const BUFFERED_SESSIONS: usize = 2;
const BUFFERED_SEEKS: usize = 10;

/// Name of the row of holds.
const HELD: &str = "not buffered, seeks with a hold afterwards";

/// Latencies of a player's seeks, and how many of them had a hold.
#[derive(Debug, Default)]
struct Seeks {
    latencies: Vec<Option<f64>>,
    held: usize,
}

impl Seeks {
    fn add(&mut self, session: &Session, count: usize) {
        for index in 0..count {
            self.latencies.push(session.seeks.get(index).and_then(|seek| seek.latency_ms()));
            self.held += usize::from(session.hold_after(index) > Duration::ZERO);
        }
    }

    fn percentile(&self, percent: usize) -> Measured {
        let shown: Vec<f64> = self.latencies.iter().copied().flatten().collect();
        let lost = self.latencies.len() - shown.len();
        if lost > 0 {
            return Err(format!("{lost} of {} without a picture", self.latencies.len()));
        }
        percentile(&shown, percent).ok_or_else(|| "no seek".to_owned())
    }
}

/// Measures a round.
pub fn measure(bench: &Bench<'_>, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let players = bench.players.among(&ABLE);
    let mut draws = Draws(bench.round as u64);
    let mut far: Vec<Seeks> = players.iter().map(|_| Seeks::default()).collect();
    let mut near: Vec<Seeks> = players.iter().map(|_| Seeks::default()).collect();
    for number in 0..SESSIONS {
        let targets = far_targets(&mut draws);
        let path = if number % 2 == 0 { HLS } else { DASH };
        for (player, seeks) in players.iter().zip(&mut far) {
            if *player != Player::Kinora && number >= PEER_SESSIONS {
                continue;
            }
            let job = Job { max_buffer_s: Some(MAX_BUFFER_S), ..job(*player, &targets) };
            let (session, _) = bench.play(*player, &Conditions::shaped(), path, &job)?;
            seeks.add(&session, targets.len());
        }
    }
    for number in 0..BUFFERED_SESSIONS {
        let targets = near_targets(&mut draws);
        let path = if number % 2 == 0 { HLS } else { DASH };
        for (player, seeks) in players.iter().zip(&mut near) {
            let (session, _) = bench.play(*player, &Conditions::default(), path, &job(*player, &targets))?;
            seeks.add(&session, targets.len());
        }
    }
    for ((player, far), near) in players.iter().zip(&far).zip(&near) {
        let mut add = |name: &str, unit, goal, result| {
            row(rows, name, || Row::new("seek", name, unit, 0, goal)).add(*player, result);
        };
        add("not buffered, median", "ms", Goal::AtMost(350.0), far.percentile(50));
        add("not buffered, 95th percentile", "ms", Goal::AtMost(500.0), far.percentile(95));
        let held = || Row::new("seek", HELD, "of 40", 0, Goal::AtMost(0.0)).without_ratios();
        add("buffered, median", "ms", Goal::AtMost(60.0), near.percentile(50));
        add("buffered, 95th percentile", "ms", Goal::None, near.percentile(95));
        if *player == Player::Kinora {
            row(rows, HELD, held).add(*player, Ok(far.held as f64));
        }
    }
    Ok(())
}

/// Returns the job of a session. Ours ends by itself; peers end after their last seek, or when they take too long.
fn job(player: Player, targets: &[f64]) -> Job<'_> {
    let steps = u32::try_from(targets.len()).unwrap_or(u32::MAX).saturating_add(1);
    let length = if player == Player::Kinora { BETWEEN_SEEKS * steps } else { BETWEEN_SEEKS * steps * 6 };
    Job { length, seeks: targets, is_watched: true, ..Job::default() }
}

/// Draws targets that are apart from one another and from the start.
fn far_targets(draws: &mut Draws) -> Vec<f64> {
    loop {
        let targets: Vec<f64> = (0..SEEKS).map(|_| APART + draws.next() * (LAST - APART)).collect();
        let are_apart = |(index, to): (usize, &f64)| targets[..index].iter().all(|other| (to - other).abs() >= APART);
        if targets.iter().enumerate().all(are_apart) {
            return targets;
        }
    }
}

/// Draws targets of which each is 1 to 10 s ahead of playback, if seeks take no time.
fn near_targets(draws: &mut Draws) -> Vec<f64> {
    let mut at = 0.0;
    let mut next = || {
        at += BETWEEN_SEEKS.as_secs_f64() + 1.0 + draws.next() * 9.0;
        at
    };
    (0..BUFFERED_SEEKS).map(|_| next()).filter(|to| *to <= LAST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::session::{Hold, Seek};

    #[test]
    fn far_targets_are_apart_and_near_ones_ahead() {
        let mut draws = Draws(7);
        for _ in 0..20 {
            let mut far = far_targets(&mut draws);
            assert_eq!(far.len(), SEEKS);
            far.sort_by(f64::total_cmp);
            assert!(far.windows(2).all(|pair| pair[1] - pair[0] >= APART) && far[0] >= APART && far[3] <= LAST);
            let near = near_targets(&mut draws);
            assert!(near.len() > 5);
            assert!(near.windows(2).all(|pair| (4.0..=13.0).contains(&(pair[1] - pair[0]))));
        }
    }

    #[test]
    fn seeks_without_a_picture_are_no_figure() {
        let ms = Duration::from_millis;
        let seek = |asked, shown: Option<u64>| Seek { to: 1.0, asked: ms(asked), shown: shown.map(ms) };
        let mut seeks = Seeks::default();
        let mut session = Session { seeks: vec![seek(0, Some(100)), seek(3000, Some(3300))], ..Session::default() };
        session.holds.push(Hold { at: ms(3400), length: ms(500) });
        seeks.add(&session, 2);
        assert_eq!((seeks.percentile(50), seeks.percentile(95), seeks.held), (Ok(100.0), Ok(300.0), 1));
        session.seeks.push(seek(6000, None));
        seeks.add(&session, 3);
        assert_eq!(seeks.percentile(50), Err("1 of 5 without a picture".to_owned()));
    }
}
