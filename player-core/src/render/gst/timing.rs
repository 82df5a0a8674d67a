//! Maps presentation time to the pipeline's running time: piecewise linear, the same for all tracks.
//!
//! A change of rate adds a knot. It lies no earlier than the running time up to which any track has been handed to its
//! sink, so nothing has to be taken back and no buffer is stamped by two rates. It takes effect as much later: by what
//! sinks hold, some 20 ms, with an audio device up to 200 ms. A sink that waits with a buffer that is due in more than a
//! second does not count: that buffer keeps its time.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gstreamer as gst;

use crate::model::MediaKind;
use crate::time::MediaTime;

/// Running time in nanoseconds for which knots are kept: a track that lags by more is late in any case.
const KEPT: i64 = 60_000_000_000;

/// Running time in nanoseconds from the clock to what a sink holds beyond which a change of rate does not wait for it: the
/// sink waits with a single buffer, such as a slide. An audio device holds 200 ms.
const FAR: i64 = 1_000_000_000;

/// Maximum number of knots. Without data the clock runs on, and each change of rate adds one.
const MAX_KNOTS: usize = 4_096;

/// A point of the map and the rate from there on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Knot {
    /// Presentation time in nanoseconds.
    presentation: i64,
    /// Running time in nanoseconds.
    running: i64,
    /// Presentation time per running time; positive and finite.
    rate: f64,
}

impl Knot {
    fn presentation(&self, running: i64) -> i64 {
        self.presentation.saturating_add(((running - self.running) as f64 * self.rate).round() as i64)
    }

    fn running(&self, presentation: i64) -> i64 {
        self.running.saturating_add((presentation.saturating_sub(self.presentation) as f64 / self.rate).round() as i64)
    }
}

/// The map at one moment. Locked while a buffer is stamped, so that a change of rate comes before or after it.
#[derive(Debug)]
pub(super) struct TimeMap {
    /// The first instant that is presented.
    start: MediaTime,
    /// In order of both times; never empty.
    knots: VecDeque<Knot>,
    /// Running time up to which a track was handed to its sink, in nanoseconds.
    passed: [i64; 2],
}

impl TimeMap {
    fn new(start: MediaTime, rate: f64) -> Self {
        let first = Knot { presentation: start.as_nanos(), running: 0, rate };
        Self { start, knots: VecDeque::from([first]), passed: [0; 2] }
    }

    /// Returns the first instant that is presented.
    pub(super) fn start(&self) -> MediaTime {
        self.start
    }

    /// Returns the presentation time at a running time, both in nanoseconds.
    pub(super) fn presentation(&self, running: i64) -> i64 {
        self.at_running(running).presentation(running)
    }

    /// Returns the running time of a presentation time, both in nanoseconds. Negative before the start.
    pub(super) fn running(&self, presentation: MediaTime) -> i64 {
        let nanos = presentation.as_nanos();
        let after = self.knots.partition_point(|knot| knot.presentation <= nanos);
        self.knots[after.saturating_sub(1)].running(nanos)
    }

    /// Returns the rate at a running time in nanoseconds.
    pub(super) fn rate(&self, running: i64) -> f64 {
        self.at_running(running).rate
    }

    /// Returns true if the rate is 1 from one running time to the other, in nanoseconds.
    pub(super) fn is_unity(&self, from: i64, until: i64) -> bool {
        let begin = self.knots.partition_point(|knot| knot.running <= from).saturating_sub(1);
        self.knots.iter().skip(begin).take_while(|knot| knot.running < until).all(|knot| knot.rate == 1.0)
    }

    /// Notes that a track is handed to its sink up to a running time in nanoseconds.
    pub(super) fn pass(&mut self, track: MediaKind, until: i64) {
        let passed = &mut self.passed[usize::from(track == MediaKind::Audio)];
        *passed = until.max(*passed);
    }

    fn at_running(&self, running: i64) -> &Knot {
        let after = self.knots.partition_point(|knot| knot.running <= running);
        &self.knots[after.saturating_sub(1)]
    }

    fn set_rate(&mut self, rate: f64, now: i64) {
        let at = self.passed.into_iter().filter(|passed| passed - now <= FAR).fold(now, i64::max);
        // A knot that nothing has reached yet gives way.
        while self.knots.len() > 1 && self.knots.back().is_some_and(|knot| knot.running >= at) {
            self.knots.pop_back();
        }
        if let Some(last) = self.knots.back_mut() {
            if last.running >= at {
                last.rate = rate;
            } else {
                let presentation = last.presentation(at);
                self.knots.push_back(Knot { presentation, running: at, rate });
            }
        }
        while self.knots.len() > MAX_KNOTS || self.knots.get(1).is_some_and(|second| second.running + KEPT < at) {
            self.knots.pop_front();
        }
    }
}

/// The map that the render thread and the tails share.
#[derive(Debug)]
pub(super) struct Timing(Mutex<TimeMap>);

impl Timing {
    /// Returns the map that begins at `start` with a rate that is positive and finite.
    pub(super) fn new(start: MediaTime, rate: f64) -> Self {
        Self(Mutex::new(TimeMap::new(start, rate)))
    }

    /// Begins anew at running time zero. The tails must be flushing.
    pub(super) fn restart(&self, start: MediaTime, rate: f64) {
        *self.lock() = TimeMap::new(start, rate);
    }

    /// Changes the rate, positive and finite, as early as nothing that was handed to a sink is affected. `now` is the
    /// running time on screen, before which the map does not change either.
    pub(super) fn set_rate(&self, rate: f64, now: gst::ClockTime) {
        self.lock().set_rate(rate, i64::try_from(now.nseconds()).unwrap_or(i64::MAX));
    }

    /// Returns true if a sink waits with a buffer that is due more than a second after the running time `now`.
    pub(super) fn is_held_up(&self, now: gst::ClockTime) -> bool {
        let most = self.lock().passed.into_iter().fold(0, i64::max);
        most.saturating_sub(i64::try_from(now.nseconds()).unwrap_or(i64::MAX)) > FAR
    }

    /// Returns the presentation time at a running time.
    pub(super) fn position(&self, running: gst::ClockTime) -> MediaTime {
        let running = i64::try_from(running.nseconds()).unwrap_or(i64::MAX);
        MediaTime::from_nanos(self.lock().presentation(running))
    }

    /// Returns the map; the render thread waits for it, so it must not be held while data is handed on.
    pub(super) fn lock(&self) -> MutexGuard<'_, TimeMap> {
        // The map is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn clock(nanos: i64) -> gst::ClockTime {
        gst::ClockTime::from_nseconds(nanos as u64)
    }

    #[test]
    fn position_follows_the_rate() {
        let start = MediaTime::from_millis(-1_000);
        let timing = Timing::new(start, 1.5);
        assert_eq!(timing.position(gst::ClockTime::ZERO), start);
        assert_eq!(timing.position(clock(2 * SECOND)), MediaTime::from_millis(2_000));
        assert_eq!(timing.lock().running(MediaTime::from_millis(2_000)), 2 * SECOND);
    }

    #[test]
    fn a_change_begins_after_all_that_was_handed_on() {
        const STEP: i64 = SECOND / 10;
        let timing = Timing::new(MediaTime::ZERO, 1.0);
        timing.lock().pass(MediaKind::Audio, 3 * STEP);
        timing.lock().pass(MediaKind::Video, 2 * STEP);
        timing.set_rate(2.0, clock(STEP));
        assert_eq!(timing.position(clock(3 * STEP)), MediaTime::from_millis(300));
        assert_eq!(timing.position(clock(4 * STEP)), MediaTime::from_millis(500));
        timing.set_rate(0.5, clock(STEP));
        assert_eq!(timing.position(clock(4 * STEP)), MediaTime::from_millis(350), "nothing was presented at 2");
        timing.set_rate(1.0, clock(5 * STEP));
        assert_eq!(timing.position(clock(5 * STEP)), MediaTime::from_millis(400), "no sink has data: the clock counts");
        assert_eq!(timing.position(clock(6 * STEP)), MediaTime::from_millis(500));
        assert!(timing.lock().is_unity(0, 3 * STEP) && !timing.lock().is_unity(0, 3 * STEP + 1));
        assert!(timing.lock().is_unity(5 * STEP, 9 * STEP) && !timing.lock().is_unity(4 * STEP, 9 * STEP));
    }

    #[test]
    fn a_buffer_far_ahead_does_not_put_a_change_off() {
        let timing = Timing::new(MediaTime::ZERO, 1.0);
        timing.lock().pass(MediaKind::Video, 10 * SECOND);
        timing.lock().pass(MediaKind::Audio, SECOND / 10);
        assert!(
            timing.is_held_up(clock(0))
                && timing.is_held_up(clock(8 * SECOND))
                && !timing.is_held_up(clock(9 * SECOND))
        );
        timing.set_rate(1.1, clock(0));
        assert_eq!(timing.position(clock(SECOND / 10)), MediaTime::from_millis(100));
        assert_eq!(timing.position(clock(SECOND / 10 + SECOND)), MediaTime::from_millis(1_200));
        timing.set_rate(1.0, clock(9 * SECOND + 1));
        assert_eq!(
            timing.position(clock(11 * SECOND)),
            MediaTime::from_millis(12_000 - 10),
            "close enough to wait for"
        );
    }

    proptest! {
        /// Whatever changes come: the map is monotone, its two directions agree, and nothing that was handed on moves.
        #[test]
        fn any_changes_leave_a_monotone_map(steps in prop::collection::vec((0.1..8.0_f64, 0..SECOND, 0..SECOND), 1..300)) {
            let timing = Timing::new(MediaTime::from_millis(-500), 1.0);
            let (mut now, mut handed) = (0, Vec::new());
            for (rate, elapsed, ahead) in steps {
                now += elapsed;
                timing.lock().pass(MediaKind::Audio, now + ahead / 4);
                let known = (now + ahead / 4, timing.position(clock(now + ahead / 4)));
                handed.push((now, timing.position(clock(now))));
                handed.push(known);
                timing.set_rate(rate, clock(now));
                let recent = handed.iter().filter(|(running, _)| running + KEPT / 2 > now);
                for (running, position) in recent {
                    prop_assert_eq!(timing.position(clock(*running)), *position);
                    let back = timing.lock().running(*position) - running;
                    prop_assert!(back.abs() <= 6, "off by {} ns", back);
                }
                let later = timing.position(clock(now + SECOND));
                prop_assert!(later > timing.position(clock(now)));
            }
        }
    }

    #[test]
    fn a_flood_of_changes_is_bounded() {
        let timing = Timing::new(MediaTime::ZERO, 1.0);
        for step in 0..100_000_i64 {
            timing.set_rate(if step % 2 == 0 { 1.5 } else { 0.5 }, clock(step * 1_000));
        }
        assert!(timing.lock().knots.len() <= MAX_KNOTS);
        assert_eq!(timing.position(clock(99_999_000)), MediaTime::from_nanos(99_999_500));
    }
}
