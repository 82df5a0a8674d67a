//! The token bucket of the shaped server. Pure: the caller passes the time, which counts from the first request.
//!
//! The bucket is kept as the time at which the link is free again. All connections share it, in pieces of a few
//! milliseconds of link time, so that two downloads progress together and a body arrives at the link's pace.

use std::time::Duration;

use abr::link::Link;

/// Longest link time that one piece takes.
pub const PIECE: Duration = Duration::from_millis(5);
/// Maximum lateness of a sender that is made up: timers are late, the link is not.
const CATCH_UP: Duration = Duration::from_millis(50);

/// Bytes of a body, and the time at which the last of them has arrived. They are sent then, not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Number of bytes, at least 1.
    pub bytes: usize,
    /// Time of arrival.
    pub at: Duration,
}

/// Link time that is taken.
#[derive(Debug)]
pub struct Bucket {
    link: Link,
    free_at: Duration,
}

impl Bucket {
    /// Creates the bucket of an idle link.
    pub const fn new(link: Link) -> Self {
        Self { link, free_at: Duration::ZERO }
    }

    /// Returns the time from a request to its first byte. The first request of a connection pays twice, because
    /// connecting takes a round trip as well.
    pub fn latency(&self, now: Duration, is_first: bool) -> Duration {
        self.link.latency_at(now) * if is_first { 2 } else { 1 }
    }

    /// Takes link time for up to `wanted` bytes after everything that was taken before. `is_first` is true for the
    /// first piece of a body: the time in which the link was idle before it is lost.
    pub fn take(&mut self, now: Duration, is_first: bool, wanted: usize) -> Piece {
        let earliest = if is_first { now } else { now.saturating_sub(CATCH_UP) };
        let start = self.link.carrying_from(self.free_at.max(earliest));
        let bits = u128::from(self.link.bandwidth_at(start)) * PIECE.as_nanos() / 1_000_000_000;
        let bytes = usize::try_from(bits / 8).unwrap_or(usize::MAX).clamp(1, wanted.max(1));
        self.free_at = self.link.arrival(start, bytes as u64);
        Piece { bytes, at: self.free_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abr::link::Trace;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn bucket(trace: &str) -> Bucket {
        Bucket::new(Link::new(Trace::parse(trace).expect("a trace")))
    }

    #[test]
    fn a_body_arrives_at_the_pace_of_the_link() {
        let mut bucket = bucket("1000,800,20");
        let (mut now, mut left, mut pieces) = (MS(100), 100_000, 0);
        while left > 0 {
            let piece = bucket.take(now, pieces == 0, left);
            assert!(piece.at > now && piece.bytes <= 500, "{piece:?}");
            (now, left, pieces) = (piece.at, left - piece.bytes, pieces + 1);
        }
        // 100,000 bytes at 100,000 bytes a second, in pieces of 5 ms.
        assert_eq!((now, pieces), (MS(1100), 200));
    }

    #[test]
    fn two_bodies_share_the_link() {
        let mut bucket = bucket("1000,800,0");
        let first = bucket.take(MS(0), true, 1000);
        let other = bucket.take(MS(0), true, 1000);
        assert_eq!([first.at, other.at], [MS(5), MS(10)]);
    }

    #[test]
    fn lateness_is_made_up_within_a_body_and_idle_time_is_lost_before_one() {
        let mut bucket = bucket("1000,800,0");
        assert_eq!(bucket.take(MS(0), true, 500).at, MS(5));
        assert_eq!(bucket.take(MS(9), false, 500).at, MS(10), "4 ms late: sent at once");
        assert_eq!(bucket.take(MS(200), false, 500).at, MS(155), "at most 50 ms are made up");
        assert_eq!(bucket.take(MS(300), true, 500).at, MS(305));
    }

    #[test]
    fn the_rate_and_the_latency_follow_the_trace() {
        let mut bucket = bucket("1000,800,20\n1000,80,50");
        assert_eq!(bucket.take(MS(0), true, 10_000).bytes, 500);
        assert_eq!(bucket.take(MS(1500), true, 10_000).bytes, 50);
        assert_eq!(
            [(0, true), (0, false), (1500, false)].map(|(at, is_first)| bucket.latency(MS(at), is_first)),
            [MS(40), MS(20), MS(50)]
        );
    }
}
