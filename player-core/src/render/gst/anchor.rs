//! The one relation between presentation time and the time stamps of buffers up to the retimers.
//!
//! Time stamps of buffers are presentation times shifted by a constant, because GStreamer has no negative ones.
//! All tracks of an epoch carry the same TIME segment, which begins at the anchor: decoders clip by it. Its rate is 1;
//! the retimer in front of each sink knows the rate.

use gstreamer as gst;

use crate::time::MediaTime;

/// A thousand hours: the offset that turns a presentation time into a time stamp. Earlier times saturate.
const SHIFT_NANOS: i64 = 1_000 * 3_600 * 1_000_000_000;

/// The buffer time stamp of a presentation time.
pub(super) fn to_clock(time: MediaTime) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(time.shifted(SHIFT_NANOS).as_nanos()).unwrap_or(0))
}

/// The presentation time of a buffer time stamp.
pub(super) fn from_clock(time: gst::ClockTime) -> MediaTime {
    MediaTime::from_nanos(i64::try_from(time.nseconds()).unwrap_or(i64::MAX)).shifted(-SHIFT_NANOS)
}

/// The presentation time at running time zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Anchor {
    /// The first instant that is presented.
    pub(super) start: MediaTime,
}

impl Anchor {
    /// The segment that every track carries.
    pub(super) fn segment(&self) -> gst::FormattedSegment<gst::ClockTime> {
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        let start = to_clock(self.start);
        segment.set_start(start);
        segment.set_time(start);
        segment.set_position(start);
        segment.set_base(gst::ClockTime::ZERO);
        segment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_hold_negative_times_and_saturate() {
        let early = MediaTime::from_millis(-2_500);
        assert_eq!(from_clock(to_clock(early)), early);
        assert_eq!(to_clock(MediaTime::from_nanos(i64::MIN)), gst::ClockTime::ZERO);
        let late = MediaTime::from_nanos(1_800_000_000_000_000_000);
        assert_eq!(from_clock(to_clock(late)), late);
    }
}
