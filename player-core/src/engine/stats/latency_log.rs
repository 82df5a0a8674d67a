//! Latency of a session over time: its mean and a quantile, in bounded memory.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::time::Now;

/// Width of a class of the histogram.
const CLASS: i64 = 10_000_000;
/// Latencies beyond this many classes count as the last one: twenty minutes.
const MOST_CLASSES: i64 = 120_000;

/// Time spent at each latency.
#[derive(Clone, Debug, Default)]
pub(super) struct LatencyLog {
    last: Option<(Now, i64)>,
    /// Sum of latency times time, in nanoseconds times seconds, and the time.
    sum: f64,
    time: f64,
    classes: BTreeMap<i64, f64>,
}

impl LatencyLog {
    /// Takes the latency at a time, in nanoseconds; it held since the sample before if playback `moves` since then.
    pub(super) fn note(&mut self, latency: i64, moves: bool, now: Now) {
        if let Some((then, before)) = self.last.take()
            && moves
        {
            let span = now.since(then).min(Duration::from_secs(1)).as_secs_f64();
            let mean = (before as f64 + latency as f64) / 2.0;
            self.sum += mean * span;
            self.time += span;
            let class = (mean as i64).div_euclid(CLASS).clamp(-MOST_CLASSES, MOST_CLASSES);
            *self.classes.entry(class).or_default() += span;
        }
        self.last = moves.then_some((now, latency));
    }

    /// Returns mean and 95th percentile in seconds; `None` before anything counted.
    pub(super) fn get(&self) -> (Option<f64>, Option<f64>) {
        if self.time <= 0.0 {
            return (None, None);
        }
        let mut left = self.time * 0.95;
        let mut quantile = None;
        for (class, time) in &self.classes {
            left -= time;
            quantile = Some((*class + 1) as f64 * CLASS as f64 / 1e9);
            if left <= 0.0 {
                break;
            }
        }
        (Some(self.sum / self.time / 1e9), quantile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn at(millis: u64) -> Now {
        Now::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn only_time_in_which_playback_moves_counts() {
        let mut log = LatencyLog::default();
        assert_eq!(log.get(), (None, None));
        log.note(9000 * MS, false, at(0));
        log.note(1000 * MS, true, at(100));
        log.note(1000 * MS, true, at(600));
        log.note(3000 * MS, false, at(700));
        log.note(2000 * MS, true, at(800));
        log.note(2000 * MS, true, at(1300));
        let (mean, p95) = log.get();
        assert!(mean.is_some_and(|mean| (mean - 1.5).abs() < 1e-9), "{mean:?}");
        assert_eq!(p95, Some(2.01));
    }

    #[test]
    fn a_long_silence_counts_as_a_second() {
        let mut log = LatencyLog::default();
        log.note(1000 * MS, true, at(0));
        log.note(1000 * MS, true, at(1000));
        log.note(5000 * MS, true, at(500_000));
        assert_eq!(log.get().0, Some(2.0));
    }
}
