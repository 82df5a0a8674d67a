//! The 33-bit clock of MPEG-2 systems (ISO/IEC 13818-1 §2.4.3.7), unrolled inside one segment.

use crate::time::MediaTime;

/// Ticks of time stamps per second (ISO/IEC 13818-1 §2.4.3.7).
pub(in crate::container) const RATE: u32 = 90_000;
/// Ticks until it begins anew, about 26.5 hours.
const TURN: i64 = 1 << 33;

/// Times at which a packet's first access unit is presented and decoded, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::container) struct Stamp {
    pub pts: i64,
    pub dts: i64,
}

/// Puts time stamps on the turn nearest to the stamps before; the first one stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::container) struct Clock {
    near: Option<i64>,
}

impl Clock {
    /// Returns true once there was a stamp.
    pub fn is_running(&self) -> bool {
        self.near.is_some()
    }

    /// The stamp of a packet, from 33-bit counters.
    pub fn unroll(&mut self, pts: u64, dts: Option<u64>) -> Stamp {
        let near = |raw: u64, near: i64| {
            let raw = (raw % (1 << 33)).cast_signed();
            raw + (near - raw + TURN / 2).div_euclid(TURN) * TURN
        };
        let dts = dts.unwrap_or(pts);
        let dts = near(dts, self.near.unwrap_or(dts.cast_signed()));
        self.near = Some(dts);
        Stamp { pts: near(pts, dts), dts }
    }
}

/// An instant in ticks.
pub(in crate::container) fn instant(ticks: i64) -> MediaTime {
    MediaTime::from_ticks(ticks, RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_may_wrap_both_ways() {
        let mut clock = Clock::default();
        let end = (1u64 << 33) - 10;
        assert_eq!(clock.unroll(end, None), Stamp { pts: TURN - 10, dts: TURN - 10 });
        assert_eq!(clock.unroll(5, Some(2)), Stamp { pts: TURN + 5, dts: TURN + 2 });
        assert_eq!(clock.unroll(end, None), Stamp { pts: TURN - 10, dts: TURN - 10 });
        let mut clock = Clock::default();
        assert_eq!(clock.unroll(5, Some(end)), Stamp { pts: TURN + 5, dts: TURN - 10 });
        let mut clock = Clock::default();
        clock.unroll(3, None);
        assert_eq!(clock.unroll(end, None), Stamp { pts: -10, dts: -10 });
    }
}
