//! Position of playback: the renderer's last report, carried on with the host's clock. No other file extrapolates.

use std::time::Duration;

use crate::time::{MediaTime, Now};

/// A report is carried on for so long; after that the renderer is taken to stand still.
const LONGEST_CARRY: Duration = Duration::from_millis(500);

/// Clock of the playhead.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Clock {
    anchor: MediaTime,
    at: Now,
    running: bool,
    /// The last report, or where playback was held: a report beyond it shows that the position moves.
    reported: MediaTime,
    permille: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { anchor: MediaTime::ZERO, at: Now::ZERO, running: false, reported: MediaTime::ZERO, permille: 1000 }
    }
}

impl Clock {
    /// Stands still at a place: a seek, a pause, a stall, the end.
    pub(in crate::engine) fn hold(&mut self, position: MediaTime, now: Now) {
        self.anchor = position;
        self.at = now;
        self.running = false;
        self.reported = position;
    }

    /// Takes a report of the renderer; `playing` is true if the position should move. The position is carried on only
    /// once a report has moved, because a renderer may take its time to start.
    pub(in crate::engine) fn report(&mut self, position: MediaTime, now: Now, playing: bool) {
        self.running = playing && position > self.reported;
        self.anchor = position;
        self.at = now;
        self.reported = position;
    }

    /// Presentation seconds a second while running, kept to a thousandth.
    pub(in crate::engine) fn set_rate(&mut self, rate: f64, now: Now) {
        self.anchor = self.position(now);
        self.at = now;
        self.permille = (rate * 1000.0).round() as u64;
    }

    /// Presentation seconds a second while running.
    pub(in crate::engine) fn rate(&self) -> f64 {
        self.permille as f64 / 1000.0
    }

    /// True while the position moves.
    pub(in crate::engine) const fn is_running(&self) -> bool {
        self.running
    }

    /// True while the position moves on by itself: it is carried on no longer than [`LONGEST_CARRY`] after a report.
    pub(in crate::engine) fn moves_at(&self, now: Now) -> bool {
        self.running && now.since(self.at) < LONGEST_CARRY
    }

    /// Returns the position of playback at `now`.
    pub(in crate::engine) fn position(&self, now: Now) -> MediaTime {
        if !self.running {
            return self.anchor;
        }
        self.anchor + self.media(now.since(self.at).min(LONGEST_CARRY))
    }

    /// Returns the presentation time that passes in a span of wall time.
    pub(in crate::engine) fn media(&self, wall: Duration) -> Duration {
        let nanos = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos.saturating_mul(self.permille) / 1000)
    }

    /// Returns the wall time in which a span of presentation time passes, rounded up.
    pub(in crate::engine) fn wall(&self, media: Duration) -> Duration {
        let nanos = u64::try_from(media.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos.saturating_mul(1000).div_ceil(self.permille.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Now {
        Now::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn the_position_is_carried_on_at_the_rate_but_not_for_ever() {
        let mut clock = Clock::default();
        clock.set_rate(1.5, at(0));
        clock.report(MediaTime::ZERO, at(50), true);
        assert_eq!(clock.position(at(90)), MediaTime::ZERO, "told to play is not moving yet");
        clock.report(MediaTime::from_millis(10_000), at(100), true);
        assert_eq!(clock.position(at(300)), MediaTime::from_millis(10_300));
        assert_eq!(clock.position(at(9_000)), MediaTime::from_millis(10_750));
        assert_eq!(clock.wall(Duration::from_millis(300)), Duration::from_millis(200));
    }

    #[test]
    fn the_position_moves_by_itself_for_as_long_as_a_report_is_carried_on() {
        let mut clock = Clock::default();
        assert!(!clock.moves_at(at(0)));
        clock.report(MediaTime::from_millis(40), at(100), true);
        assert_eq!([100, 599, 600].map(|millis| clock.moves_at(at(millis))), [true, true, false]);
        clock.hold(MediaTime::from_millis(40), at(110));
        assert!(!clock.moves_at(at(110)));
    }

    #[test]
    fn a_held_clock_stands_still() {
        let mut clock = Clock::default();
        clock.hold(MediaTime::from_millis(7), at(0));
        assert_eq!(clock.position(at(5_000)), MediaTime::from_millis(7));
    }

    #[test]
    fn a_report_moves_the_clock_once_it_lies_beyond_the_one_before() {
        let ms = MediaTime::from_millis;
        let mut clock = Clock::default();
        clock.hold(ms(1000), at(0));
        clock.report(ms(1000), at(10), true);
        assert!(!clock.is_running(), "it stands where it was held");
        clock.report(ms(1001), at(20), true);
        assert!(clock.is_running());
        assert_eq!(
            (clock.position(at(20)), clock.position(at(520)), clock.position(at(521))),
            (ms(1001), ms(1501), ms(1501))
        );
        clock.report(ms(1101), at(120), false);
        assert!(!clock.is_running());
        assert_eq!(clock.position(at(220)), ms(1101));
        clock.report(ms(1201), at(220), true);
        clock.set_rate(2.0, at(320));
        assert_eq!(
            (clock.position(at(320)), clock.position(at(420))),
            (ms(1301), ms(1501)),
            "a new rate counts from now"
        );
        clock.hold(ms(5), at(400));
        assert_eq!((clock.is_running(), clock.position(at(500))), (false, ms(5)));
        clock.report(ms(5), at(500), true);
        assert!(!clock.is_running());
    }

    #[test]
    fn media_and_wall_time_convert_at_a_rate_that_is_kept_to_a_thousandth() {
        let mut clock = Clock::default();
        let nanos = Duration::from_nanos;
        assert_eq!((clock.rate(), clock.media(nanos(7)), clock.wall(nanos(7))), (1.0, nanos(7), nanos(7)));
        clock.set_rate(1.2346, at(0));
        assert_eq!(clock.rate(), 1.235);
        assert_eq!((clock.media(nanos(1000)), clock.wall(nanos(1235))), (nanos(1235), nanos(1000)));
        assert_eq!((clock.media(nanos(999)), clock.wall(nanos(1234))), (nanos(1233), nanos(1000)), "down, and up");
        clock.set_rate(0.0, at(0));
        assert_eq!((clock.media(nanos(9)), clock.wall(nanos(9))), (Duration::ZERO, nanos(9000)), "no division by zero");
    }
}
