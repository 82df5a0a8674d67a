//! Holds a latency: by the playback rate while it is near its target, and by a jump when it is far off. Pure.
//!
//! The rate follows the error in steps and within bounds. It is engaged outside of one band and released inside of
//! another, so that a latency near its target changes nothing (hysteresis). The target rises where the media ahead
//! would run out before the next of it can be there, and after each stall, and comes back slowly: a latency that cannot
//! be held without stalls is no goal.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Now;

/// Errors from here on are closed at the greatest or least rate that is allowed, in nanoseconds.
const FAR: i64 = 400_000_000;
/// Errors from here on are closed at half of the usual bounds, in nanoseconds.
const NEAR: i64 = 100_000_000;
/// Errors from here on engage the rate, in nanoseconds.
const ENGAGE: i64 = 15_000_000;
/// Playback is held this much nearer to the edge than its target, so that the latency stays below it, in nanoseconds.
const BIAS: i64 = 20_000_000;
/// Playback nearer to the edge than this slows down; a little too near costs nothing. In nanoseconds.
const SLOW_DOWN: i64 = -60_000_000;
/// The rate is decided at most this often.
const DECIDE_EVERY: Duration = Duration::from_millis(100);
/// The rise of the target comes back by this share of the time that passes without a stall.
const RETURN: u32 = 100;
/// Rise of the target after a stall; it doubles with each further one.
const STALL_RISE: Duration = Duration::from_millis(250);
/// Time over which the error is smoothed.
const SMOOTHING: Duration = Duration::from_millis(800);
/// Time after a start or jump in which the media ahead does not count.
const SETTLING: Duration = Duration::from_secs(1);
/// Maximum rise of the target.
const MOST_RISE: Duration = Duration::from_secs(10);

/// Latency as it is now, and what is allowed.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct LatencySample {
    /// Time of the sample.
    pub now: Now,
    /// Latency in nanoseconds; negative if playback is ahead of the live edge.
    pub latency: i64,
    /// Latency that is wanted.
    pub target: Duration,
    /// Error from which on playback jumps.
    pub jump_above: Duration,
    /// Least and greatest rate, in thousandths.
    pub rates: (i64, i64),
    /// Media ahead of the playhead.
    pub ahead: Duration,
    /// Media ahead that must remain when the next of it arrives.
    pub margin: Duration,
    /// Time in which media arrives at least once.
    pub period: Duration,
}

/// Result of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum LatencyVerdict {
    /// Play at this rate, in thousandths.
    Rate(i64),
    /// Jump ahead by this much.
    Jump(Duration),
}

/// State of the control.
#[derive(Clone, Debug)]
pub(in crate::engine) struct LatencyControl {
    rate: i64,
    decided_at: Option<Now>,
    /// Rise of the target, of which part follows from what was seen ahead and part from stalls.
    rise: Duration,
    stalls: u32,
    /// Least media ahead in each of the last spans, with its time.
    ahead: VecDeque<(Now, Duration)>,
    returned_at: Option<Now>,
    /// Time from which the media ahead counts: after a start or jump it is being filled.
    settled_at: Option<Now>,
    /// Error without the unrest of single updates, and the time of its last sample.
    error: Option<(Now, i64)>,
}

impl Default for LatencyControl {
    fn default() -> Self {
        Self {
            rate: 1000,
            decided_at: None,
            rise: Duration::ZERO,
            stalls: 0,
            ahead: VecDeque::new(),
            returned_at: None,
            settled_at: None,
            error: None,
        }
    }
}

impl LatencyControl {
    /// Returns the target with its rise.
    pub(in crate::engine) fn target(&self, wanted: Duration) -> Duration {
        wanted + self.rise
    }

    /// Notes a stall of playback: the latency was too low for the media that arrived.
    pub(in crate::engine) fn note_stall(&mut self, now: Now) {
        let rise = STALL_RISE.saturating_mul(1 << self.stalls.min(4));
        self.stalls = self.stalls.saturating_add(1);
        self.rise = (self.rise + rise).min(MOST_RISE);
        self.returned_at = Some(now);
        self.settled_at = None;
        self.ahead.clear();
    }

    /// Begins to measure the media ahead anew, after a jump or seek. The rise of the target stays.
    pub(in crate::engine) fn note_jump(&mut self) {
        self.ahead.clear();
        (self.settled_at, self.error) = (None, None);
        self.rate = 1000;
    }

    /// Takes a sample of undisturbed playback and decides.
    pub(in crate::engine) fn decide(&mut self, sample: &LatencySample) -> LatencyVerdict {
        self.note_ahead(sample);
        if self.decided_at.is_some_and(|at| sample.now.since(at) < DECIDE_EVERY) {
            return LatencyVerdict::Rate(self.rate);
        }
        self.adapt_target(sample);
        self.decided_at = Some(sample.now);
        let target = nanos(self.target(sample.target));
        let error = sample.latency.saturating_sub(target);
        if error > nanos(sample.jump_above) {
            self.note_jump();
            return LatencyVerdict::Jump(Duration::from_nanos(error.unsigned_abs()));
        }
        let error = self.smoothed(error + BIAS, sample.now);
        // Faster playback must not eat what has to remain ahead.
        let (least, most) = sample.rates;
        let is_low = self.lowest_ahead().is_some_and(|lowest| lowest < sample.margin / 2);
        let most = if is_low { 1000 } else { most.max(1000) };
        self.rate = (1000 + self.correction(error)).clamp(least.min(1000), most);
        LatencyVerdict::Rate(self.rate)
    }

    /// Returns the error without the unrest of single updates of a playlist.
    fn smoothed(&mut self, error: i64, now: Now) -> i64 {
        let smooth = match self.error {
            Some((at, before)) if (error - before).abs() < FAR => {
                let share = (now.since(at).as_secs_f64() / SMOOTHING.as_secs_f64()).min(1.0);
                before + ((error - before) as f64 * share) as i64
            }
            _ => error,
        };
        self.error = Some((now, smooth));
        smooth
    }

    /// Returns the correction of the rate for an error, in thousandths: in three steps, so that it changes seldom.
    fn correction(&self, error: i64) -> i64 {
        let size = match error.abs() {
            FAR.. => 1000,
            NEAR.. => 25,
            _ if error > ENGAGE || error < SLOW_DOWN => 10,
            _ => 0,
        };
        let step = size * error.signum();
        // Once engaged, the last bit of an error is closed too.
        let is_closing = (self.rate > 1000 && error > 0) || (self.rate < 1000 && error < 0);
        if step == 0 && is_closing { 10 * (self.rate - 1000).signum() } else { step }
    }

    /// Returns true if the media ahead has been observed for as long as it is remembered.
    fn is_seen_for(&self, sample: &LatencySample) -> bool {
        self.settled_at.is_some_and(|at| sample.now.since(at) >= memory(sample))
    }

    fn note_ahead(&mut self, sample: &LatencySample) {
        // At first the buffer is being filled.
        let settled_at = *self.settled_at.get_or_insert(sample.now + SETTLING);
        if sample.now < settled_at {
            return;
        }
        let span = memory(sample);
        while self.ahead.front().is_some_and(|(at, _)| sample.now.since(*at) > span) {
            self.ahead.pop_front();
        }
        // What is not lower than a later value will never be the lowest.
        while self.ahead.back().is_some_and(|(_, ahead)| *ahead >= sample.ahead) {
            self.ahead.pop_back();
        }
        self.ahead.push_back((sample.now, sample.ahead));
    }

    /// Returns the least media ahead that was seen lately.
    fn lowest_ahead(&self) -> Option<Duration> {
        self.ahead.front().map(|(_, ahead)| *ahead)
    }

    fn adapt_target(&mut self, sample: &LatencySample) {
        let since = self.returned_at.map_or(Duration::ZERO, |at| sample.now.since(at));
        self.returned_at = Some(sample.now);
        let Some(lowest) = self.lowest_ahead() else { return };
        if let Some(missing) = sample.margin.checked_sub(lowest).filter(|missing| !missing.is_zero()) {
            // A latency that is above its target already explains nothing away: media ran low at this latency.
            let latency = Duration::from_nanos(u64::try_from(sample.latency).unwrap_or(0));
            let needed = (latency + missing).saturating_sub(sample.target).min(MOST_RISE);
            self.rise = self.rise.max(needed);
        } else if let Some(spare) = lowest.checked_sub(sample.margin + sample.margin / 4) {
            self.rise = self.rise.saturating_sub(since / RETURN);
            // Without a stall, what is ahead shows how near playback can be.
            let latency = Duration::from_nanos(u64::try_from(sample.latency).unwrap_or(0));
            if self.stalls == 0 && self.is_seen_for(sample) {
                self.rise = self.rise.min(latency.saturating_sub(spare).saturating_sub(sample.target));
            }
            if self.rise.is_zero() {
                self.stalls = 0;
            }
        }
    }
}

/// Returns the time over which the least media ahead is remembered.
fn memory(sample: &LatencySample) -> Duration {
    sample.period.saturating_mul(3).max(Duration::from_secs(2))
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn at(millis: u64) -> Now {
        Now::from_nanos(millis * 1_000_000)
    }

    fn sample(now: u64, latency_ms: i64, ahead_ms: u64) -> LatencySample {
        LatencySample {
            now: at(now),
            latency: latency_ms * MS,
            target: Duration::from_millis(1500),
            jump_above: Duration::from_secs(4),
            rates: (950, 1050),
            ahead: Duration::from_millis(ahead_ms),
            margin: Duration::from_millis(200),
            period: Duration::from_millis(200),
        }
    }

    /// Plays for `seconds` in steps of 50 ms; returns the latency at the end, the number of changes of the rate and
    /// the greatest error of the last half.
    fn play(control: &mut LatencyControl, from: u64, seconds: u64, mut latency: f64, ahead: u64) -> (f64, u32, f64) {
        let (mut changes, mut rate, mut worst) = (0, control.rate, 0.0_f64);
        let steps = seconds * 20;
        for step in 0..steps {
            let now = from + step * 50;
            let LatencyVerdict::Rate(next) = control.decide(&sample(now, latency.round() as i64, ahead)) else {
                panic!("a jump at {latency} ms")
            };
            changes += u32::from(next != rate);
            rate = next;
            latency -= 50.0 * (rate as f64 - 1000.0) / 1000.0;
            if step > steps / 2 {
                worst = worst.max((latency - 1500.0).abs());
            }
        }
        (latency, changes, worst)
    }

    #[test]
    fn an_error_is_closed_and_then_nothing_hunts() {
        for start in [2500.0, 1540.0, 1500.0, 1200.0] {
            let mut control = LatencyControl::default();
            let (end, changes, worst) = play(&mut control, 0, 120, start, 900);
            assert!((end - 1480.0).abs() < 30.0 && worst < 50.0, "from {start} to {end}, {worst}");
            assert!(changes <= 4, "{changes} changes from {start}");
        }
    }

    #[test]
    fn rates_stay_within_their_bounds_and_a_far_error_jumps() {
        let mut control = LatencyControl { settled_at: Some(at(0)), ..LatencyControl::default() };
        assert_eq!(control.decide(&sample(0, 3500, 900)), LatencyVerdict::Rate(1050));
        assert_eq!(control.decide(&sample(50, 1000, 900)), LatencyVerdict::Rate(1050), "decided 50 ms ago");
        assert_eq!(control.decide(&sample(100, 1000, 900)), LatencyVerdict::Rate(950));
        let ahead = LatencyVerdict::Jump(Duration::from_millis(4001));
        assert_eq!(control.decide(&sample(200, 5501, 900)), ahead);
        assert_eq!(control.rate, 1000);
        assert_eq!(control.decide(&sample(300, 5500, 900)), LatencyVerdict::Rate(1050), "at the border it is played");
    }

    #[test]
    fn nothing_is_played_faster_while_media_runs_low_and_the_target_rises() {
        let mut control = LatencyControl::default();
        control.decide(&sample(0, 1500, 20));
        assert_eq!(control.target(Duration::from_millis(1500)), Duration::from_millis(1500), "it is being filled");
        assert_eq!(control.decide(&sample(1000, 1500, 100)), LatencyVerdict::Rate(990), "100 ms are missing");
        assert_eq!(control.target(Duration::from_millis(1500)), Duration::from_millis(1600));
        assert_eq!(
            control.decide(&sample(1100, 1600, 100)),
            LatencyVerdict::Rate(990),
            "more is missing at that latency"
        );
        assert_eq!(control.target(Duration::from_millis(1500)), Duration::from_millis(1700));
        // Later there is enough: the target comes back, a hundredth of the time.
        play(&mut control, 10_000, 60, 1700.0, 900);
        let target = control.target(Duration::from_millis(1500));
        assert!(target < Duration::from_millis(1600), "{target:?}");
    }

    #[test]
    fn each_stall_raises_the_target_more_and_quiet_brings_it_back() {
        let mut control = LatencyControl::default();
        let wanted = Duration::from_millis(1500);
        control.note_stall(at(0));
        assert_eq!(control.target(wanted), Duration::from_millis(1750));
        control.note_stall(at(100));
        assert_eq!(control.target(wanted), Duration::from_millis(2250));
        for _ in 0..10 {
            control.note_stall(at(200));
        }
        assert_eq!(control.target(wanted), wanted + MOST_RISE);
        let mut control = LatencyControl::default();
        control.note_stall(at(0));
        play(&mut control, 0, 30, 1750.0, 900);
        assert_eq!(control.target(wanted), wanted, "a quarter of a second in 25 s");
    }
}
