//! The link model: a bandwidth trace and a token bucket over it. Pure and clock-free: time is told, never read.
//!
//! A trace is CSV, `duration_ms,bandwidth_kbps,latency_ms`, the format that the ABR simulator and the engine's virtual world
//! read too; it begins with the session and repeats.
//!
//! The bucket is kept as a time instead of a fill level: `free_at` is when the link has sent everything it took on. A piece is
//! reserved at most [`QUANTUM`] of link time at once, so that several connections of a session share the link fairly and no
//! window of 250 ms is empty (nginx's `limit_rate` leaves 75 % of them empty). Arithmetic is in integers: a kilobit a second for a
//! nanosecond is 10⁻⁶ bit, so nothing is rounded away over a long session.

use std::time::Duration;

/// The longest link time that one piece takes.
pub const QUANTUM: Duration = Duration::from_millis(10);
/// How much of its lateness a sender in the middle of a body may catch up; the machine's timers are late, the link is not.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Units of work (kbit/s × ns) in a byte.
const BYTE: u128 = 8_000_000;
/// Steps in a trace.
const MAX_STEPS: usize = 1_000_000;

/// Why a trace was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A line that is not three numbers.
    #[error("line {line} of the trace: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// No step, or none that ever sends anything.
    #[error("the trace never sends anything")]
    Empty,
    /// More steps than are read.
    #[error("the trace has more than {MAX_STEPS} steps")]
    TooLong,
}

/// What the link does for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long.
    pub duration: Duration,
    /// Kilobits (1,000 bits) a second; 0 is an outage.
    pub kbps: u64,
    /// Added before the first byte of a response.
    pub latency: Duration,
}

/// A bandwidth trace that repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    steps: Vec<Step>,
    /// When each step ends, from the beginning of a round.
    ends: Vec<Duration>,
    round: Duration,
    /// Work (kbit/s × ns) that a round does.
    work: u128,
}

impl Trace {
    /// Reads `duration_ms,bandwidth_kbps,latency_ms` lines; a header line, empty lines and lines that begin with `#` are passed
    /// over, a missing latency is 0, decimals are cut.
    ///
    /// # Errors
    /// When a line is not such a line, or the trace never sends anything.
    pub fn parse(csv: &str) -> Result<Self, TraceError> {
        let mut steps = Vec::new();
        for (index, line) in csv.lines().enumerate() {
            let line_text = line.trim_start_matches('\u{feff}').trim();
            let skipped = line_text.is_empty() || line_text.starts_with('#');
            if skipped || (steps.is_empty() && line_text.starts_with("duration_ms")) {
                continue;
            }
            steps.push(step(line_text).map_err(|reason| TraceError::Line { line: index + 1, reason })?);
            if steps.len() > MAX_STEPS {
                return Err(TraceError::TooLong);
            }
        }
        Self::new(steps)
    }

    /// A trace of the given steps; those of no duration are left out.
    ///
    /// # Errors
    /// When it would never send anything.
    pub fn new(steps: Vec<Step>) -> Result<Self, TraceError> {
        let steps: Vec<Step> = steps.into_iter().filter(|step| !step.duration.is_zero()).collect();
        let mut round = Duration::ZERO;
        let mut work = 0;
        let mut ends = Vec::with_capacity(steps.len());
        for step in &steps {
            round += step.duration;
            work += u128::from(step.kbps) * step.duration.as_nanos();
            ends.push(round);
        }
        if work == 0 {
            return Err(TraceError::Empty);
        }
        Ok(Self { steps, ends, round, work })
    }

    /// What the link does at a time since the session's beginning, and when that ends.
    pub fn at(&self, time: Duration) -> (Step, Duration) {
        let round = time.as_nanos() / self.round.as_nanos();
        let start = nanos(round * self.round.as_nanos());
        let within = time.saturating_sub(start);
        let index = self.ends.partition_point(|&end| end <= within).min(self.steps.len() - 1);
        (self.steps[index], start + self.ends[index])
    }

    /// When `work` is done that begins at `start`.
    fn finish(&self, start: Duration, mut work: u128) -> Duration {
        // Whole rounds at once, so that the walk below is bounded by the length of the trace.
        let mut time = start + nanos(work / self.work * self.round.as_nanos());
        work %= self.work;
        while work > 0 {
            let (step, end) = self.at(time);
            let able = u128::from(step.kbps) * (end - time).as_nanos();
            if able >= work && step.kbps > 0 {
                return time + nanos(work.div_ceil(u128::from(step.kbps)));
            }
            work -= able;
            time = end;
        }
        time
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn step(line: &str) -> Result<Step, &'static str> {
    let mut fields = line.split(',').map(str::trim);
    let mut number = |what: &'static str| -> Result<Option<u64>, &'static str> {
        let Some(text) = fields.next() else {
            return Ok(None);
        };
        let value: f64 = text.parse().map_err(|_| what)?;
        if !(0.0..=1e12).contains(&value) {
            return Err(what);
        }
        Ok(Some(value as u64))
    };
    let duration_ms = number("duration_ms is not a number of milliseconds")?.ok_or("it is empty")?;
    let kbps = number("bandwidth_kbps is not a number of kilobits a second")?.ok_or("it has no bandwidth")?;
    let latency_ms = number("latency_ms is not a number of milliseconds")?.unwrap_or(0);
    if fields.next().is_some() {
        return Err("it has more than three fields");
    }
    if duration_ms > 10_000_000_000 || latency_ms > 600_000 {
        return Err("it is longer than any session");
    }
    Ok(Step { duration: Duration::from_millis(duration_ms), kbps, latency: Duration::from_millis(latency_ms) })
}

/// Whether a sender begins, or goes on with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The first piece of a body: time in which the link was idle is gone.
    Begins,
    /// A later piece: the link was waiting for the machine, not the other way round, and lateness of up to 100 ms is made up.
    GoesOn,
}

/// A piece of link time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// How many bytes it carries; at least one.
    pub bytes: usize,
    /// When the last of them has arrived: send the piece then, not before.
    pub done_at: Duration,
}

/// One link, shared by the connections of a session. Times are since the session's beginning.
#[derive(Clone, Debug)]
pub struct Shaper {
    trace: Trace,
    free_at: Duration,
}

impl Shaper {
    /// An idle link.
    pub fn new(trace: Trace) -> Self {
        Self { trace, free_at: Duration::ZERO }
    }

    /// How long a response waits for its first byte when asked for now.
    pub fn latency(&self, now: Duration) -> Duration {
        self.trace.at(now).0.latency
    }

    /// Takes link time for up to `wanted` bytes, after whatever was reserved before. `wanted` of 0 is taken as 1.
    pub fn reserve(&mut self, now: Duration, flow: Flow, wanted: usize) -> Reservation {
        let earliest = match flow {
            Flow::Begins => now,
            Flow::GoesOn => now.saturating_sub(CATCH_UP),
        };
        let mut start = self.free_at.max(earliest);
        let (mut step, mut end) = self.trace.at(start);
        while step.kbps == 0 {
            // Some step of a round sends something, so this ends within one round.
            start = end;
            (step, end) = self.trace.at(start);
        }
        let in_quantum = u128::from(step.kbps) * QUANTUM.as_nanos() / BYTE;
        let bytes = usize::try_from(in_quantum).unwrap_or(usize::MAX).clamp(1, wanted.max(1));
        self.free_at = self.trace.finish(start, bytes as u128 * BYTE);
        Reservation { bytes, done_at: self.free_at }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, QUANTUM, Shaper, Step, Trace, TraceError};
    use proptest::prelude::*;
    use std::time::Duration;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn trace(steps: &[(u64, u64)]) -> Trace {
        let steps = steps.iter().map(|&(d, kbps)| Step { duration: ms(d), kbps, latency: Duration::ZERO }).collect();
        Trace::new(steps).expect("it sends something")
    }

    /// Sends `total` bytes with timers that are `late`; answers (time, bytes) of every piece.
    fn send(shaper: &mut Shaper, total: usize, late: Duration) -> Vec<(Duration, usize)> {
        let (mut now, mut left, mut flow) = (Duration::ZERO, total, Flow::Begins);
        let mut pieces = Vec::new();
        while left > 0 {
            let piece = shaper.reserve(now, flow, left);
            assert!(piece.bytes > 0 && piece.bytes <= left);
            now = now.max(piece.done_at) + late;
            pieces.push((now, piece.bytes));
            left -= piece.bytes;
            flow = Flow::GoesOn;
        }
        pieces
    }

    #[test]
    fn a_constant_link_takes_exactly_its_time() {
        // 1,000,000 bytes at 8,000 kbit/s are one second.
        let pieces = send(&mut Shaper::new(trace(&[(1000, 8000)])), 1_000_000, Duration::ZERO);
        assert_eq!(pieces.last().expect("pieces").0, Duration::from_secs(1));
        assert!(pieces.iter().all(|&(_, bytes)| bytes <= 10_000), "no piece is longer than a quantum");
    }

    #[test]
    fn late_timers_cost_no_bandwidth() {
        let pieces = send(&mut Shaper::new(trace(&[(1000, 8000)])), 1_000_000, ms(7));
        assert_eq!(pieces.last().expect("pieces").0, Duration::from_secs(1) + ms(7));
    }

    #[test]
    fn every_window_carries_its_share() {
        let pieces = send(&mut Shaper::new(trace(&[(1000, 500)])), 625_000, Duration::ZERO);
        for window in 0..39 {
            let (from, to) = (ms(250) * window, ms(250) * (window + 1));
            let bytes: usize = pieces.iter().filter(|&&(at, _)| at > from && at <= to).map(|&(_, bytes)| bytes).sum();
            // 500 kbit/s are 15,625 bytes in 250 ms; a quantum of 625 bytes may fall on either side of the edge.
            assert!((15_000..=16_250).contains(&bytes), "window {window}: {bytes}");
        }
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut shaper = Shaper::new(trace(&[(1000, 8000)]));
        let piece = shaper.reserve(Duration::from_secs(60), Flow::Begins, 10_000);
        assert_eq!(piece.done_at, Duration::from_secs(60) + ms(10));
        let piece = shaper.reserve(Duration::from_secs(90), Flow::GoesOn, 10_000);
        assert_eq!(piece.done_at, Duration::from_secs(90) - ms(90), "what a slow reader missed is limited");
    }

    #[test]
    fn an_outage_holds_everything_back_and_the_trace_repeats() {
        let mut shaper = Shaper::new(trace(&[(100, 800), (900, 0)]));
        // 10,000 bytes a round of one second, all in its first 100 ms.
        let pieces = send(&mut shaper, 30_000, Duration::ZERO);
        assert_eq!(pieces.last().expect("pieces").0, ms(2_100));
        assert!(pieces.iter().all(|&(at, _)| at.subsec_millis() <= 100));
    }

    #[test]
    fn a_thin_link_still_sends() {
        let piece = Shaper::new(trace(&[(1000, 0), (10, 1)])).reserve(Duration::ZERO, Flow::Begins, 5);
        assert_eq!(piece.bytes, 1, "1 kbit/s carries 1.25 bytes in a quantum");
        assert_eq!(piece.done_at, ms(1_008));
    }

    #[test]
    fn connections_share_a_link_in_turns() {
        let mut shaper = Shaper::new(trace(&[(1000, 8000)]));
        let ends: Vec<Duration> =
            (0..4).map(|_| shaper.reserve(Duration::ZERO, Flow::Begins, 1_000_000).done_at).collect();
        assert_eq!(ends, [ms(10), ms(20), ms(30), ms(40)]);
    }

    #[test]
    fn traces_are_read() {
        let text = "\u{feff}duration_ms,bandwidth_kbps,latency_ms\r\n# outage\n1000,2500.7,40\n\n500, 0\n";
        let trace = Trace::parse(text).expect("a trace");
        assert_eq!(trace.at(ms(999)), (Step { duration: ms(1000), kbps: 2500, latency: ms(40) }, ms(1000)));
        assert_eq!(trace.at(ms(1000)).0.kbps, 0);
        assert_eq!(trace.at(ms(1500)), (Step { duration: ms(1000), kbps: 2500, latency: ms(40) }, ms(2500)));
        for (text, expected) in [
            ("", TraceError::Empty),
            ("1000,0,0", TraceError::Empty),
            ("0,5,0", TraceError::Empty),
            ("5", TraceError::Line { line: 1, reason: "it has no bandwidth" }),
            ("5,5\n5,x", TraceError::Line { line: 2, reason: "bandwidth_kbps is not a number of kilobits a second" }),
            ("5,-1", TraceError::Line { line: 1, reason: "bandwidth_kbps is not a number of kilobits a second" }),
            ("5,5,5,5", TraceError::Line { line: 1, reason: "it has more than three fields" }),
            ("NaN,1", TraceError::Line { line: 1, reason: "duration_ms is not a number of milliseconds" }),
        ] {
            assert_eq!(Trace::parse(text), Err(expected), "{text:?}");
        }
    }

    proptest! {
        /// Whatever the trace: a busy link does exactly the work of its trace, and pieces follow each other.
        #[test]
        fn a_busy_link_does_its_work(
            steps in prop::collection::vec((1_u64..300, 0_u64..5000), 1..12),
            total in 1_usize..200_000,
        ) {
            prop_assume!(steps.iter().any(|&(_, kbps)| kbps > 100));
            let trace = trace(&steps);
            let pieces = send(&mut Shaper::new(trace.clone()), total, Duration::ZERO);
            let end = trace.finish(Duration::ZERO, total as u128 * super::BYTE);
            let last = pieces.last().expect("at least one piece").0;
            // Each piece rounds its end up to a nanosecond.
            prop_assert!(last >= end && last - end <= Duration::from_micros(pieces.len() as u64), "{last:?} {end:?}");
            for pair in pieces.windows(2) {
                prop_assert!(pair[0].0 <= pair[1].0);
            }
            prop_assert!(pieces.len() as u128 >= total as u128 * 8 / (5000 * QUANTUM.as_millis()));
        }
    }
}
