//! Limits the ladder to the rungs that this device decodes in time: presented and dropped frames become a cap. It never
//! sees the network, and it chooses no rung.
//!
//! A rung of which more than a share of frames is dropped over a window has failed: it and everything above it is
//! forbidden for a while. Then it may be tried again; each failure doubles the wait, and a rung that has been shown in
//! time for long enough is forgiven. Between the share that fails and the share that is forgiven nothing changes, so a
//! device on the edge does not flap. (The share is that of the rule of the same purpose in dash.js; the rest is ours.)
//!
//! ```
//! use std::time::Duration;
//! use abr::{Caps, Context, Rung, frames::{DroppedFrames, FrameReport}};
//!
//! let ladder = [Rung::new(1_000_000), Rung::new(4_000_000), Rung::new(9_000_000)];
//! let mut frames = DroppedFrames::new();
//! // Every second the renderer reports its frames: a third of them were too late.
//! for second in 0..20 {
//!     frames.observe(&FrameReport { at: Duration::from_secs(second), rung: ladder[2], presented: 40, dropped: 20 });
//! }
//! let now = Duration::from_secs(20);
//! let caps = Caps { max_height: Some(1080), ..Caps::default() }.and(frames.caps(now));
//! let context = Context { now, caps, ..Context::new(&ladder, Duration::from_secs(4)) };
//! assert_eq!(context.ceiling(), 1);
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Caps, Rung};

/// Parts of the window that are counted apart, so that it moves in steps of a tenth.
const PARTS: usize = 10;
/// Failed rungs that are remembered. Of more, the highest is forgotten: those below it bound it anyway.
const FAILED: usize = 8;

/// Presented and dropped frames of one rung since the report before.
///
/// Report at least once a second while playing at rate 1 with a visible picture, and nothing else: a renderer that
/// skips frames at double speed or in the background does not measure the decoder. A period in which the rung changed
/// belongs to neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameReport {
    /// Time at which it was made, on the clock of [`Context::now`](crate::Context::now).
    pub at: Duration,
    /// The rung that was on screen. It is known again by its rate.
    pub rung: Rung,
    /// Frames shown in time.
    pub presented: u64,
    /// Frames that were due and were not shown, or too late.
    pub dropped: u64,
}

/// Limits beyond which a rung has failed, and the time after which it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramePolicy {
    /// Over how long frames are counted.
    pub window: Duration,
    /// Frames without which nothing is concluded.
    pub least_frames: u64,
    /// A rung fails if more than this share of its frames is dropped, in percent.
    pub fails_percent: u8,
    /// A rung is in time if at most this share is dropped, in percent.
    pub fine_percent: u8,
    /// Time after a change of rung, a seek or a pause in which frames do not count: decoders start late.
    pub settle: Duration,
    /// Time for which a rung is forbidden after its first failure; it doubles with each further one.
    pub retry: Duration,
    /// Longest time for which it is forbidden.
    pub longest_retry: Duration,
    /// A rung that was shown in time for so long is forgiven its failures, and so is every rung below it.
    pub forgiven_after: Duration,
}

impl FramePolicy {
    /// 15 % of 10 seconds and of 120 frames at least; tried again after one minute, then two, at most thirty.
    pub const DEFAULT: Self = Self {
        window: Duration::from_secs(10),
        least_frames: 120,
        fails_percent: 15,
        fine_percent: 5,
        settle: Duration::from_secs(1),
        retry: Duration::from_secs(60),
        longest_retry: Duration::from_secs(1800),
        forgiven_after: Duration::from_secs(30),
    };
}

impl Default for FramePolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Turns reports into a cap. The same reports always give the same cap; nothing is allocated.
#[derive(Debug, Clone)]
pub struct DroppedFrames {
    policy: FramePolicy,
    window: Window,
    /// Ascending by rate, `None` last.
    failed: [Option<Failed>; FAILED],
}

/// A rung that was too much.
#[derive(Debug, Clone, Copy)]
struct Failed {
    bitrate_bps: u64,
    /// It is forbidden until then.
    until: Duration,
    times: u32,
}

impl Default for DroppedFrames {
    fn default() -> Self {
        Self::new()
    }
}

impl DroppedFrames {
    /// Nothing has failed yet; [`FramePolicy::DEFAULT`].
    #[must_use]
    pub const fn new() -> Self {
        Self::with(FramePolicy::DEFAULT)
    }

    /// The same with a policy of the host's.
    #[must_use]
    pub const fn with(policy: FramePolicy) -> Self {
        Self { policy, window: Window::new(), failed: [None; FAILED] }
    }

    /// Learns from a report. One that is older than the last is counted as if it were made with it.
    pub fn observe(&mut self, report: &FrameReport) {
        let rate = report.rung.bitrate_bps;
        let at = report.at.max(self.window.latest);
        if self.window.rate != Some(rate) {
            self.window.rate = Some(rate);
            self.window.restart(at);
        }
        self.window.latest = at;
        // What is left in the buffer of a rung that has failed already is no new failure.
        let forbidden = self.failed.iter().flatten().any(|failed| failed.bitrate_bps <= rate && failed.until > at);
        if forbidden || at.saturating_sub(self.window.since) < self.policy.settle {
            return;
        }
        self.window.count(self.policy.window, report);
        let (presented, dropped) = self.window.sum(self.policy.window);
        let frames = presented.saturating_add(dropped);
        let above = |percent: u8| u128::from(dropped) * 100 > u128::from(frames) * u128::from(percent);
        if frames < self.policy.least_frames {
            return;
        }
        if above(self.policy.fails_percent) {
            self.fail(rate, at);
            self.window.restart(at);
        } else if above(self.policy.fine_percent) {
            // Neither good nor bad: what is to be forgiven has to be good from here on.
            self.window.fine_since = at;
        } else if at.saturating_sub(self.window.fine_since) >= self.policy.forgiven_after {
            self.forgive(rate);
        }
    }

    /// The picture was interrupted (a seek, a pause, a hidden window): the frames around `at` count for nothing.
    pub fn restart(&mut self, at: Duration) {
        self.window.restart(at.max(self.window.latest));
    }

    /// The bound that holds at `now`; [`Caps::and`] joins it with those of others.
    #[must_use]
    pub fn caps(&self, now: Duration) -> Caps {
        let lowest = self.failed.iter().flatten().find(|failed| failed.until > now);
        Caps { max_bitrate_bps: lowest.map(|failed| failed.bitrate_bps.saturating_sub(1)), ..Caps::default() }
    }

    fn fail(&mut self, rate: u64, at: Duration) {
        let before = self.failed.iter().flatten().find(|failed| failed.bitrate_bps == rate);
        let times = before.map_or(0, |failed| failed.times).saturating_add(1);
        let wait = self.policy.retry.saturating_mul(1 << (times - 1).min(20)).min(self.policy.longest_retry);
        let until = at.saturating_add(wait);
        self.remove(|failed| failed.bitrate_bps == rate);
        // What is above it waits until it has had its trial, so that they come back one at a time.
        for higher in self.failed.iter_mut().flatten().filter(|failed| failed.bitrate_bps > rate) {
            higher.until = higher.until.max(until.saturating_add(self.policy.retry));
        }
        let place = self.failed.iter().position(|slot| slot.is_none_or(|failed| failed.bitrate_bps > rate));
        if let Some(place) = place {
            self.failed[place..].rotate_right(1);
            self.failed[place] = Some(Failed { bitrate_bps: rate, until, times });
        }
    }

    fn forgive(&mut self, rate: u64) {
        self.remove(|failed| failed.bitrate_bps <= rate);
    }

    fn remove(&mut self, unwanted: impl Fn(&Failed) -> bool) {
        let mut kept = [None; FAILED];
        let stay = self.failed.iter().flatten().filter(|failed| !unwanted(failed));
        for (slot, failed) in kept.iter_mut().zip(stay) {
            *slot = Some(*failed);
        }
        self.failed = kept;
    }
}

/// The frames of the rung on screen over the last while.
#[derive(Debug, Clone, Copy)]
struct Window {
    rate: Option<u64>,
    /// Time at which this rung, or this stretch of it, began.
    since: Duration,
    /// Since when it has been in time.
    fine_since: Duration,
    latest: Duration,
    parts: [Part; PARTS],
}

/// A tenth of the window.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Number of the tenth, counted from the origin of the clock.
    number: u128,
    presented: u64,
    dropped: u64,
}

impl Window {
    const fn new() -> Self {
        Self {
            rate: None,
            since: Duration::ZERO,
            fine_since: Duration::ZERO,
            latest: Duration::ZERO,
            parts: [Part { number: 0, presented: 0, dropped: 0 }; PARTS],
        }
    }

    fn restart(&mut self, at: Duration) {
        *self = Self { rate: self.rate, since: at, fine_since: at, latest: at, ..Self::new() };
    }

    fn number(&self, window: Duration) -> u128 {
        self.latest.as_nanos() / (window.as_nanos() / PARTS as u128).max(1)
    }

    fn count(&mut self, window: Duration, report: &FrameReport) {
        let number = self.number(window);
        let part = &mut self.parts[(number % PARTS as u128) as usize];
        if part.number != number {
            *part = Part { number, presented: 0, dropped: 0 };
        }
        part.presented = part.presented.saturating_add(report.presented);
        part.dropped = part.dropped.saturating_add(report.dropped);
    }

    /// Frames presented and dropped in the parts that are not too old.
    fn sum(&self, window: Duration) -> (u64, u64) {
        let oldest = (self.number(window) + 1).saturating_sub(PARTS as u128);
        let recent = self.parts.iter().filter(|part| part.number >= oldest);
        recent.fold((0, 0), |(presented, dropped), part| {
            (u64::saturating_add(presented, part.presented), u64::saturating_add(dropped, part.dropped))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATES: [u64; 4] = [1_000_000, 2_000_000, 4_000_000, 8_000_000];

    /// A screen at 50 frames a second that reports twice a second.
    struct Screen {
        frames: DroppedFrames,
        /// Elapsed time in half seconds.
        ticks: u64,
    }

    impl Screen {
        fn new() -> Self {
            Self { frames: DroppedFrames::new(), ticks: 0 }
        }

        fn now(&self) -> Duration {
            Duration::from_millis(self.ticks * 500)
        }

        /// Shows a rung for some seconds and drops this percentage of its frames.
        fn show(&mut self, rung: usize, seconds: u64, percent: u64) {
            for _ in 0..seconds * 2 {
                self.ticks += 1;
                let dropped = percent * 25 / 100;
                let report =
                    FrameReport { at: self.now(), rung: Rung::new(RATES[rung]), presented: 25 - dropped, dropped };
                self.frames.observe(&report);
            }
        }

        fn ceiling(&self) -> usize {
            let ladder = RATES.map(Rung::new);
            let caps = self.frames.caps(self.now());
            crate::Context { caps, ..crate::Context::new(&ladder, Duration::from_secs(2)) }.ceiling()
        }
    }

    #[test]
    fn a_rung_that_is_too_much_is_forbidden_and_tried_again() {
        let mut screen = Screen::new();
        screen.show(2, 60, 0);
        screen.show(3, 3, 40);
        assert_eq!(screen.ceiling(), 3, "three seconds are too few frames");
        screen.show(3, 2, 40);
        assert_eq!(screen.ceiling(), 2);
        screen.show(3, 10, 40);
        screen.show(2, 44, 0);
        assert_eq!(screen.ceiling(), 2, "what was left of it in the buffer changes nothing");
        screen.show(2, 6, 0);
        assert_eq!(screen.ceiling(), 3, "a minute has passed");
    }

    #[test]
    fn each_failure_doubles_the_wait_until_it_is_forgiven() {
        let mut screen = Screen::new();
        let waited = |screen: &mut Screen| {
            screen.show(3, 5, 40);
            let start = screen.now();
            while screen.ceiling() < 3 {
                screen.show(2, 1, 0);
            }
            (screen.now() - start).as_secs()
        };
        assert_eq!([(); 4].map(|()| waited(&mut screen)), [59, 119, 239, 479]);
        screen.show(3, 40, 0);
        assert_eq!(waited(&mut screen), 59, "forty good seconds have cleared it");
        let longest = (0..12).map(|_| waited(&mut screen)).max();
        assert!(longest.is_some_and(|longest| (1790..=1800).contains(&longest)), "{longest:?}");
    }

    #[test]
    fn between_good_and_bad_nothing_changes() {
        let mut screen = Screen::new();
        screen.show(3, 300, 12);
        assert_eq!(screen.ceiling(), 3, "below the share that fails");
        screen.show(3, 12, 40);
        assert_eq!(screen.ceiling(), 2);
        screen.show(2, 60, 0);
        // On trial, neither good nor bad for a long time: it is not forgiven, so the next failure counts double.
        screen.show(3, 300, 12);
        screen.show(3, 12, 40);
        screen.show(2, 70, 0);
        assert_eq!(screen.ceiling(), 2);
        screen.show(2, 60, 0);
        assert_eq!(screen.ceiling(), 3);
    }

    #[test]
    fn a_short_good_stretch_forgives_nothing() {
        let mut screen = Screen::new();
        screen.show(3, 5, 40);
        screen.show(2, 60, 0);
        assert_eq!(screen.ceiling(), 3);
        // Twenty good seconds of a trial, then it fails again: two minutes.
        screen.show(3, 20, 0);
        screen.show(3, 10, 60);
        screen.show(2, 100, 0);
        assert_eq!(screen.ceiling(), 2);
        screen.show(2, 20, 0);
        assert_eq!(screen.ceiling(), 3);
    }

    #[test]
    fn what_is_fine_must_stay_fine_to_be_forgiven() {
        let mut screen = Screen::new();
        screen.show(3, 5, 40);
        screen.show(2, 60, 0);
        // Neither good nor bad for forty seconds, then good for twenty: not yet thirty good ones, so two minutes.
        screen.show(3, 40, 12);
        screen.show(3, 20, 0);
        screen.show(3, 10, 60);
        screen.show(2, 100, 0);
        assert_eq!(screen.ceiling(), 2);
    }

    #[test]
    fn frames_of_a_minute_ago_are_forgotten() {
        let mut screen = Screen::new();
        screen.show(3, 3, 40);
        screen.ticks += 120;
        screen.show(3, 2, 40);
        assert_eq!(screen.ceiling(), 3, "the last ten seconds have too few frames");
        screen.show(3, 1, 40);
        assert_eq!(screen.ceiling(), 2);
    }

    #[test]
    fn failures_stack_and_come_back_one_at_a_time() {
        let mut screen = Screen::new();
        screen.show(3, 5, 50);
        screen.show(2, 6, 50);
        assert_eq!(screen.ceiling(), 1);
        screen.show(1, 62, 0);
        assert_eq!(screen.ceiling(), 2, "the lower one is tried first, though the higher one failed before it");
        screen.show(2, 40, 0);
        assert_eq!(screen.ceiling(), 2);
        screen.show(2, 25, 0);
        assert_eq!(screen.ceiling(), 3);
    }

    #[test]
    fn the_frames_after_a_change_or_a_seek_do_not_count() {
        let mut screen = Screen::new();
        for _ in 0..60 {
            // Every two seconds another rung, whose first frames come late.
            screen.show(3, 1, 80);
            screen.show(2, 1, 80);
        }
        assert_eq!(screen.ceiling(), 3);
        screen.show(3, 20, 0);
        for _ in 0..20 {
            screen.show(3, 1, 80);
            screen.frames.restart(screen.now());
        }
        assert_eq!(screen.ceiling(), 3);
    }

    #[test]
    fn the_lowest_rung_may_fail_and_is_fetched_all_the_same() {
        let mut screen = Screen::new();
        screen.show(0, 10, 90);
        assert_eq!(screen.frames.caps(screen.now()).max_bitrate_bps, Some(999_999));
        assert_eq!(screen.ceiling(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 6 / 5))]

        /// Whatever is reported: no panic, the same cap each time, and a cap only if something was dropped.
        #[test]
        fn any_reports_give_a_cap_that_repeats(
            reports in prop::collection::vec((any::<u64>(), 0_usize..20, any::<u64>(), prop_oneof![Just(0), any::<u64>()]), 0..80),
            policy in (any::<u32>(), any::<u64>(), any::<u8>(), any::<u8>(), any::<u32>(), any::<u64>()),
        ) {
            let (window, least_frames, fails_percent, fine_percent, settle, retry) = policy;
            let policy = FramePolicy {
                window: Duration::from_nanos(window.into()), least_frames, fails_percent, fine_percent,
                settle: Duration::from_nanos(settle.into()), retry: Duration::from_nanos(retry),
                ..FramePolicy::DEFAULT
            };
            for policy in [policy, FramePolicy::DEFAULT] {
                let (mut one, mut other) = (DroppedFrames::with(policy), DroppedFrames::with(policy));
                let mut dropped_any = false;
                for &(at, rung, presented, dropped) in &reports {
                    let at = Duration::from_nanos(at);
                    let report = FrameReport { at, rung: Rung::new(rung as u64 * 100_000), presented, dropped };
                    one.observe(&report);
                    other.observe(&report);
                    dropped_any |= dropped > 0;
                    prop_assert_eq!(one.caps(at), other.caps(at));
                    prop_assert!(dropped_any || one.caps(at) == Caps::default());
                    let rates: Vec<u64> = one.failed.iter().flatten().map(|failed| failed.bitrate_bps).collect();
                    prop_assert!(rates.is_sorted() && rates.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", rates);
                }
                prop_assert_eq!(one.caps(Duration::MAX), Caps::default(), "nothing is forbidden for ever");
            }
        }
    }
}

#[cfg(test)]
mod borders;
