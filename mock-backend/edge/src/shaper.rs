//! A token bucket over a link. Pure and clock-free: the caller passes the time.
//!
//! Trace, reader and link are those of [`abr::link`], which the ABR simulator and the engine's virtual world use too; a trace
//! begins with the session and repeats.
//!
//! The bucket is kept as a time instead of a fill level: `free_at` is when the link has sent everything it took on. A piece is
//! reserved at most [`QUANTUM`] of link time at once, so that several connections of a session share the link fairly and no
//! window of 250 ms is empty (nginx's `limit_rate` leaves 75 % of them empty). The link's arithmetic is exact: each piece ends at
//! the nanosecond at which its last byte arrives, and the next one begins there.

use std::sync::Arc;
use std::time::Duration;

use abr::link::Link;

/// The longest link time that one piece takes.
pub const QUANTUM: Duration = Duration::from_millis(10);
/// How much of its lateness a sender in the middle of a body may catch up; the machine's timers are late, the link is not.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Bits times nanoseconds a second in a byte.
const BYTE: u128 = 8_000_000_000;

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
    link: Arc<Link>,
    free_at: Duration,
}

impl Shaper {
    /// Creates the shaper of an idle link.
    pub fn new(link: Arc<Link>) -> Self {
        Self { link, free_at: Duration::ZERO }
    }

    /// How long a response waits for its first byte when asked for now.
    pub fn latency(&self, now: Duration) -> Duration {
        self.link.latency_at(now)
    }

    /// Takes link time for up to `wanted` bytes, after whatever was reserved before. `wanted` of 0 is taken as 1.
    pub fn reserve(&mut self, now: Duration, flow: Flow, wanted: usize) -> Reservation {
        let earliest = match flow {
            Flow::Begins => now,
            Flow::GoesOn => now.saturating_sub(CATCH_UP),
        };
        let start = self.link.carrying_from(self.free_at.max(earliest));
        let in_quantum = u128::from(self.link.bandwidth_at(start)) * QUANTUM.as_nanos() / BYTE;
        let bytes = usize::try_from(in_quantum).unwrap_or(usize::MAX).clamp(1, wanted.max(1));
        self.free_at = self.link.arrival(start, bytes as u64);
        Reservation { bytes, done_at: self.free_at }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, QUANTUM, Shaper};
    use abr::link::{Link, Row, Trace};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn link(rows: &[(u64, u64)]) -> Arc<Link> {
        let row = |&(duration_ms, kbps): &(u64, u64)| Row {
            duration: ms(duration_ms),
            bandwidth_bps: kbps * 1000,
            latency: Duration::ZERO,
        };
        Arc::new(Link::new(Trace::from_rows(rows.iter().map(row).collect()).expect("it carries something")))
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
        let pieces = send(&mut Shaper::new(link(&[(1000, 8000)])), 1_000_000, Duration::ZERO);
        assert_eq!(pieces.last().expect("pieces").0, Duration::from_secs(1));
        assert!(pieces.iter().all(|&(_, bytes)| bytes <= 10_000), "no piece is longer than a quantum");
    }

    #[test]
    fn late_timers_cost_no_bandwidth() {
        let pieces = send(&mut Shaper::new(link(&[(1000, 8000)])), 1_000_000, ms(7));
        assert_eq!(pieces.last().expect("pieces").0, Duration::from_secs(1) + ms(7));
    }

    #[test]
    fn every_window_carries_its_share() {
        let pieces = send(&mut Shaper::new(link(&[(1000, 500)])), 625_000, Duration::ZERO);
        for window in 0..39 {
            let (from, to) = (ms(250) * window, ms(250) * (window + 1));
            let bytes: usize = pieces.iter().filter(|&&(at, _)| at > from && at <= to).map(|&(_, bytes)| bytes).sum();
            // 500 kbit/s are 15,625 bytes in 250 ms; a quantum of 625 bytes may fall on either side of the edge.
            assert!((15_000..=16_250).contains(&bytes), "window {window}: {bytes}");
        }
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let mut shaper = Shaper::new(link(&[(1000, 8000)]));
        let piece = shaper.reserve(Duration::from_secs(60), Flow::Begins, 10_000);
        assert_eq!(piece.done_at, Duration::from_secs(60) + ms(10));
        let piece = shaper.reserve(Duration::from_secs(90), Flow::GoesOn, 10_000);
        assert_eq!(piece.done_at, Duration::from_secs(90) - ms(90), "what a slow reader missed is limited");
    }

    #[test]
    fn an_outage_holds_everything_back_and_the_trace_repeats() {
        let mut shaper = Shaper::new(link(&[(100, 800), (900, 0)]));
        // 10,000 bytes a round of one second, all in its first 100 ms.
        let pieces = send(&mut shaper, 30_000, Duration::ZERO);
        assert_eq!(pieces.last().expect("pieces").0, ms(2_100));
        assert!(pieces.iter().all(|&(at, _)| at.subsec_millis() <= 100));
    }

    #[test]
    fn a_thin_link_still_sends() {
        let piece = Shaper::new(link(&[(1000, 0), (10, 1)])).reserve(Duration::ZERO, Flow::Begins, 5);
        assert_eq!(piece.bytes, 1, "1 kbit/s carries 1.25 bytes in a quantum");
        assert_eq!(piece.done_at, ms(1_008));
    }

    #[test]
    fn connections_share_a_link_in_turns() {
        let mut shaper = Shaper::new(link(&[(1000, 8000)]));
        let ends: Vec<Duration> =
            (0..4).map(|_| shaper.reserve(Duration::ZERO, Flow::Begins, 1_000_000).done_at).collect();
        assert_eq!(ends, [ms(10), ms(20), ms(30), ms(40)]);
    }

    proptest! {
        /// Whatever the trace: a busy link does exactly the work of its trace, and pieces follow each other.
        #[test]
        fn a_busy_link_does_its_work(
            steps in prop::collection::vec((1_u64..300, 0_u64..5000), 1..12),
            total in 1_usize..200_000,
        ) {
            prop_assume!(steps.iter().any(|&(_, kbps)| kbps > 100));
            let link = link(&steps);
            let pieces = send(&mut Shaper::new(Arc::clone(&link)), total, Duration::ZERO);
            let end = link.arrival(Duration::ZERO, total as u64);
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
