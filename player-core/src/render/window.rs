//! The part of a run of media that may be presented: a period, or the rest that the media after it leaves of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Time stamps are rounded: a picture that begins this much before the end of its window, or ends this much after the
/// begin, lies outside of it.
const ROUNDING: Duration = Duration::from_millis(1);

/// The span outside of which media is decoded, because other media may depend on it, and not presented: media before
/// the start of a period (encoder delay, a segment that straddles the boundary) and media past its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First instant of the window.
    pub from: MediaTime,
    /// The instant after the last.
    pub until: MediaTime,
}

impl Window {
    /// Everything may be presented.
    pub const ALL: Self = Self { from: MediaTime::from_nanos(i64::MIN), until: MediaTime::MAX };

    /// True when something of a picture or sound with these times may be presented.
    pub fn shows(&self, begin: MediaTime, end: MediaTime) -> bool {
        let after = self.from == Self::ALL.from || end > self.from + ROUNDING || begin >= self.from;
        after && !self.is_over(begin)
    }

    /// True when nothing that begins at `begin` may be presented, because the window is over.
    pub fn is_over(&self, begin: MediaTime) -> bool {
        self.until != MediaTime::MAX && begin + ROUNDING >= self.until
    }

    /// True when nothing of the same media is cut off at the end of this window if `next` follows, so that a decoder
    /// goes on without being emptied: what was handed out ends at `end`, and what follows begins at `begin`.
    pub fn continues(&self, next: Self, end: MediaTime, begin: MediaTime) -> bool {
        let whole = self.until == MediaTime::MAX || end <= self.until + ROUNDING;
        let clean = next.from == Self::ALL.from || begin + ROUNDING >= next.from;
        whole && clean && begin.nanos_from(end).unsigned_abs() <= (ROUNDING * 2).as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: i64) -> MediaTime {
        MediaTime::from_millis(value)
    }

    #[test]
    fn what_lies_outside_is_not_shown_and_rounding_does_not_matter() {
        let window = Window { from: ms(10_000), until: ms(20_000) };
        assert!(!window.shows(ms(9_960), ms(10_000)));
        assert!(!window.shows(MediaTime::from_nanos(9_960_400_000), MediaTime::from_nanos(10_000_400_000)));
        assert!(window.shows(MediaTime::from_nanos(9_999_600_000), ms(10_040)));
        assert!(window.shows(ms(10_000), ms(10_000)), "without a duration");
        assert!(window.shows(ms(19_960), ms(20_000)));
        assert!(!window.shows(MediaTime::from_nanos(19_999_600_000), ms(20_040)));
        assert!(Window::ALL.shows(ms(-5_000), ms(-4_000)));
    }

    #[test]
    fn only_media_that_fits_goes_on_without_a_break() {
        let (first, second) =
            (Window { from: ms(0), until: ms(10_000) }, Window { from: ms(10_000), until: ms(20_000) });
        assert!(first.continues(second, ms(10_000), ms(10_000)));
        assert!(!first.continues(second, ms(10_040), ms(10_000)), "it overruns");
        assert!(!first.continues(second, ms(10_000), ms(9_979)), "encoder delay");
        assert!(!first.continues(second, ms(9_000), ms(10_000)), "a hole");
        assert!(Window::ALL.continues(Window::ALL, ms(4), ms(4)));
    }
}
