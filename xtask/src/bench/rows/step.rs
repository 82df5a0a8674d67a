//! A link that gets slower for a while.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Bench, row};
use crate::bench::content::{DASH, HLS, LADDER, video_segment};
use crate::bench::origin::Conditions;
use crate::bench::players::{Job, Player};
use crate::bench::server::Answer;
use crate::bench::table::{Goal, Measured, Row};

/// Name and method of the part.
pub const DESCRIPTION: (&str, &str) = (
    "A link that gets slower",
    "85 s of play at 5 Mbit/s for 20 s, 800 kbit/s for 30 s, then 5 Mbit/s again, all with 20 ms. Stood still: pictures (or \
     positions) that did not advance for 400 ms, and every stall that ours reports. Quality: the mean of the nominal video bitrate of the rung \
     that was fetched last for each segment, from the server's log. Wasted: video bytes of segments that were fetched again \
     in another rung, or not to their end, of all video bytes.",
);

/// Trace of the link; its last row lasts longer than a session.
const TRACE: &str = "20000,5000,20\n30000,800,20\n600000,5000,20\n";
const LENGTH: Duration = Duration::from_secs(85);

/// Measures a round.
pub fn measure(bench: &Bench<'_>, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let conditions = Conditions { trace: Some(TRACE.to_owned()), faults: None };
    for (form, path) in [("HLS", HLS), ("DASH", DASH)] {
        let players = bench.players.among(&Player::ALL);
        let results = Bench::in_lanes(&players, |player| {
            let job = Job { length: LENGTH, is_watched: true, ..Job::default() };
            bench.play(*player, &conditions, path, &job)
        })?;
        for (player, (session, log)) in players.into_iter().zip(results) {
            let failed = session.error.clone().map(|error| format!("stops: {error}"));
            let none = session.first_frame.is_none().then(|| "no picture".to_owned());
            let reason = failed.or(none);
            let mut add = |name: &str, unit, digits, goal, result: Measured| {
                let name = format!("{name}, {form}");
                let result = reason.clone().map_or(result, Err);
                row(rows, &name, || Row::new("step", &*name, unit, digits, goal).without_ratios()).add(player, result);
            };
            // Only the first picture of VLC is known.
            if player != Player::Vlc {
                add("stood still", "s", 1, Goal::AtMost(0.0), Ok(session.frozen_s()));
            }
            let fetched = Fetched::of(&log);
            add("quality", "kbit/s", 0, Goal::AtLeast(2300.0), Ok(fetched.mean_kbps));
            add("wasted", "%", 1, Goal::AtMost(1.0), Ok(fetched.wasted_percent));
        }
    }
    Ok(())
}

/// Segments of a session by the server's log.
#[derive(Debug, PartialEq)]
struct Fetched {
    mean_kbps: f64,
    wasted_percent: f64,
}

impl Fetched {
    fn of(log: &[Answer]) -> Self {
        let (mut all, mut wasted) = (0, 0);
        // By segment: the rung that was fetched last, whole, and its bytes.
        let mut last: BTreeMap<u32, (usize, u64)> = BTreeMap::new();
        for answer in log {
            let Some((rung, number)) = video_segment(&answer.path) else { continue };
            all += answer.sent;
            let is_whole = answer.status < 300 && answer.sent == answer.length;
            if !is_whole {
                wasted += answer.sent;
                continue;
            }
            match last.get_mut(&number) {
                // A range of the same file.
                Some(before) if before.0 == rung && answer.from.is_some() => before.1 += answer.sent,
                Some(before) => wasted += std::mem::replace(before, (rung, answer.sent)).1,
                None => drop(last.insert(number, (rung, answer.sent))),
            }
        }
        let sum: f64 = last.values().map(|(rung, _)| f64::from(LADDER[*rung].1)).sum();
        Self { mean_kbps: sum / last.len().max(1) as f64, wasted_percent: wasted as f64 * 100.0 / all.max(1) as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(path: &str, sent: u64, length: u64) -> Answer {
        Answer { path: path.to_owned(), status: 200, sent, length, ..Answer::default() }
    }

    #[test]
    fn the_last_rung_of_a_segment_counts_and_the_others_are_waste() {
        let log = [
            answer("manifest.mpd", 900, 900),
            answer("chunk-4-1.m4s", 500, 500),
            answer("chunk-3-1.m4s", 400, 400),
            answer("chunk-3-2.m4s", 100, 400),
            answer("chunk-1-2.m4s", 200, 200),
            answer("chunk-0-3.m4s", 100, 100),
            answer("chunk-3-3.m4s", 200, 200),
        ];
        // Of 1000 video bytes, 100 were not to the end and 100 were replaced.
        assert_eq!(Fetched::of(&log), Fetched { mean_kbps: (2600.0 + 550.0 + 2600.0) / 3.0, wasted_percent: 20.0 });
    }

    #[test]
    fn ranges_of_a_file_are_not_waste() {
        let part = |from| Answer { from: Some(from), status: 206, ..answer("chunk-2-1.m4s", 100, 100) };
        assert_eq!(Fetched::of(&[part(0), part(100)]), Fetched { mean_kbps: 1200.0, wasted_percent: 0.0 });
        assert_eq!(Fetched::of(&[]), Fetched { mean_kbps: 0.0, wasted_percent: 0.0 });
    }
}
