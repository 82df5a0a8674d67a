//! Limits of buffering: whether a stream may fetch more, and whether there is enough to play. Numbers in, yes or no
//! out.

use std::time::Duration;

use crate::engine::download::Demand;

/// No goal is shorter: below it, playback would start and stall at the same instant.
const LEAST_GOAL: Duration = Duration::from_secs(1);
/// No threshold is lower, for the same reason.
const LEAST_AHEAD: Duration = Duration::from_millis(250);

/// The policy of one session: a goal in seconds and in bytes, and what it takes to start and to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct LoadControl {
    /// Media ahead of the playhead to hold.
    pub goal: Duration,
    /// Bytes to hold or to await in all.
    pub bytes: u64,
    /// Media ahead needed to start or to go on after a seek.
    pub start: Duration,
    /// Media ahead needed to go on after a stall.
    pub resume: Duration,
}

/// Reason for which playback waits for media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Waiting {
    /// The start, or the end of a seek.
    ToStart,
    /// The end of a stall.
    ToResume,
}

impl LoadControl {
    /// Returns true if a stream with `ahead` of media may fetch more while `taken` bytes are held or under way in
    /// all. The byte budget never keeps a stream below what it needs to play.
    pub(in crate::engine) fn wants(&self, ahead: Duration, taken: u64) -> bool {
        ahead < self.goal() && (taken < self.bytes || ahead < self.least())
    }

    /// Returns the media that must be played until a stream drops below the goal; `None` if it is below, and only bytes
    /// are in the way.
    pub(in crate::engine) fn until_room(&self, ahead: Duration) -> Option<Duration> {
        Some(ahead.checked_sub(self.goal())? + Duration::from_nanos(1))
    }

    /// Returns true if `ahead` of media suffices for a demand. Faster playback needs more, but never more than may be
    /// held.
    pub(in crate::engine) fn enough(&self, ahead: Duration, waiting: Waiting, demand: Demand) -> bool {
        let threshold = match waiting {
            Waiting::ToStart => self.start,
            Waiting::ToResume => self.resume,
        };
        ahead >= scale(threshold.max(LEAST_AHEAD), demand.rate).min(self.goal())
    }

    /// Returns true if `ahead` of media suffices when no more may be held.
    pub(in crate::engine) fn enough_when_full(&self, ahead: Duration, demand: Demand) -> bool {
        ahead >= scale(LEAST_AHEAD, demand.rate).min(self.goal())
    }

    fn goal(&self) -> Duration {
        self.goal.max(LEAST_GOAL)
    }

    fn least(&self) -> Duration {
        (self.start.max(self.resume) * 2).max(LEAST_GOAL)
    }
}

/// Returns the media that a time takes at a rate in thousandths: more at faster rates, and never less than the time.
fn scale(media: Duration, permille: u64) -> Duration {
    media.saturating_mul(u32::try_from(permille.max(1000)).unwrap_or(u32::MAX)) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ids::StreamId;

    /// A demand at a rate in thousandths.
    fn at(rate: u64) -> Demand {
        Demand { rate, ..Demand::of(StreamId::Main, 1.0) }
    }

    const CONTROL: LoadControl = LoadControl {
        goal: Duration::from_secs(30),
        bytes: 1000,
        start: Duration::from_millis(400),
        resume: Duration::from_secs(2),
    };

    #[test]
    fn whichever_limit_is_reached_first_stops_fetching() {
        assert!(CONTROL.wants(Duration::from_secs(29), 999));
        assert!(!CONTROL.wants(Duration::from_secs(30), 0));
        assert!(!CONTROL.wants(Duration::from_secs(10), 1000));
    }

    #[test]
    fn the_byte_budget_never_starves_playback() {
        assert!(CONTROL.wants(Duration::from_secs(3), 5000));
    }

    #[test]
    fn thresholds_grow_with_the_rate_and_never_exceed_the_goal() {
        let enough = |seconds, waiting, rate| CONTROL.enough(Duration::from_secs(seconds), waiting, at(rate));
        assert!(enough(2, Waiting::ToResume, 1000));
        assert!(enough(2, Waiting::ToResume, 500));
        assert!(!enough(2, Waiting::ToResume, 2000));
        assert!(enough(1, Waiting::ToStart, 2000));
        let small = LoadControl { goal: Duration::from_millis(1), ..CONTROL };
        assert!(
            small.enough(Duration::from_secs(1), Waiting::ToResume, at(4000)),
            "a small goal must not wait for ever"
        );
        assert!(!small.enough(Duration::from_millis(100), Waiting::ToResume, at(1000)), "nor start only to stall");
        assert!(small.wants(Duration::from_millis(500), 0));
    }

    const NANO: Duration = Duration::from_nanos(1);

    #[test]
    fn each_threshold_is_met_exactly() {
        let (goal, least) = (CONTROL.goal, Duration::from_secs(4));
        assert!(CONTROL.wants(goal - NANO, 999) && !CONTROL.wants(goal, 999) && !CONTROL.wants(least, 1000));
        assert!(CONTROL.wants(least - NANO, 1000), "twice what it takes to go on");
        assert_eq!(CONTROL.until_room(goal - NANO), None);
        assert_eq!((CONTROL.until_room(goal), CONTROL.until_room(goal + NANO)), (Some(NANO), Some(NANO * 2)));
        for (waiting, threshold) in [(Waiting::ToStart, CONTROL.start), (Waiting::ToResume, CONTROL.resume)] {
            for (rate, needed) in [(500, threshold), (1000, threshold), (1500, threshold * 3 / 2)] {
                assert!(CONTROL.enough(needed, waiting, at(rate)), "{waiting:?} {rate}");
                assert!(!CONTROL.enough(needed - NANO, waiting, at(rate)), "{waiting:?} {rate}");
            }
        }
        let least = Duration::from_millis(250);
        for (rate, needed) in [(1000, least), (2000, least * 2), (9000, LEAST_GOAL.max(least * 9))] {
            let demand = at(rate);
            assert!(CONTROL.enough_when_full(needed, demand) && !CONTROL.enough_when_full(needed - NANO, demand));
        }
    }

    #[test]
    fn no_goal_and_no_threshold_is_too_small_to_play_with() {
        let none = LoadControl { goal: NANO, bytes: 0, start: Duration::ZERO, resume: NANO };
        let (goal, ahead) = (Duration::from_secs(1), Duration::from_millis(250));
        assert!(none.wants(goal - NANO, 5) && !none.wants(goal, 0));
        let (normal, fast) = (at(1000), at(16_000));
        assert!(none.enough(ahead, Waiting::ToStart, normal) && !none.enough(ahead - NANO, Waiting::ToStart, normal));
        assert!(none.enough(goal, Waiting::ToResume, fast) && !none.enough(goal - NANO, Waiting::ToResume, fast));
        assert!(none.enough_when_full(goal, fast) && !none.enough_when_full(goal - NANO, fast));
    }
}
