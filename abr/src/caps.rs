//! Limits of a decision: the bounds of [`Caps`], and how several of them become one.
//! Plain data; the host, or a policy such as [`crate::frames`], decides when a bound is set.

use serde::{Deserialize, Serialize};

use crate::Rung;

/// Upper bounds that a decision must respect. `None` bounds nothing, so the default permits every rung.
///
/// Each source of a bound (view port, user, data saver, dropped frames) makes its own `Caps`; [`Caps::and`] joins them.
/// Bounds are wishes: if they forbid everything, the lowest rung is fetched all the same. What the output must protect
/// is no wish: a rung whose [`Protection`] does not suffice is passed over, bounds or not, and is the answer only when
/// that is true of every rung; a host then shows an error instead of a picture ([`Context::is_showable`]).
///
/// ```
/// use abr::Caps;
///
/// let viewport = Caps { max_height: Some(720), ..Caps::default() };
/// let caps = viewport.and(Caps::data_saver(1_500_000, 128_000));
/// assert_eq!(caps, Caps { max_height: Some(720), max_bitrate_bps: Some(1_372_000) });
/// ```
///
/// [`Context::is_showable`]: crate::Context::is_showable
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// Tallest picture worth fetching, in pixels (view port, decoder).
    pub max_height: Option<u32>,
    /// Highest rate worth fetching, in bits per second (data saver, user setting, dropped frames).
    pub max_bitrate_bps: Option<u64>,
}

impl Caps {
    /// The bound of a data saver that allows the whole session `total_bps`, of which other streams (audio) take
    /// `reserved_bps`. Both are bits per second.
    ///
    /// How a budget of a month becomes a rate is the host's business. Rungs are compared by their declared rate, so the
    /// bound holds for the mean of a session, not for each segment of a film with a variable rate.
    #[must_use]
    pub const fn data_saver(total_bps: u64, reserved_bps: u64) -> Self {
        Self { max_height: None, max_bitrate_bps: Some(total_bps.saturating_sub(reserved_bps)) }
    }

    /// Both: of each bound the stricter one. The order does not matter.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            max_height: stricter(self.max_height, other.max_height),
            max_bitrate_bps: stricter(self.max_bitrate_bps, other.max_bitrate_bps),
        }
    }

    /// Returns true if `rung` is within the bounds and may be shown on the output. A rung of unknown height passes the
    /// bound on height.
    #[must_use]
    pub fn permits(&self, rung: &Rung) -> bool {
        let height = match (self.max_height, rung.height) {
            (Some(max), Some(height)) => height <= max,
            _ => true,
        };
        height && self.max_bitrate_bps.is_none_or(|max| rung.bitrate_bps <= max) && rung.protection.suffices()
    }
}

fn stricter<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hdcp, Protection};

    #[test]
    fn the_stricter_of_each_bound_holds() {
        let bounds = [
            Caps::default(),
            Caps { max_height: Some(720), ..Caps::default() },
            Caps { max_height: Some(1080), max_bitrate_bps: Some(2_000_000) },
            Caps::data_saver(1_000_000, 200_000),
        ];
        let all = bounds.into_iter().fold(Caps::default(), Caps::and);
        assert_eq!(all, Caps { max_height: Some(720), max_bitrate_bps: Some(800_000) });
        for a in bounds {
            assert_eq!(a.and(a), a);
            assert_eq!(a.and(Caps::default()), a);
            for b in bounds {
                assert_eq!(a.and(b), b.and(a));
            }
        }
    }

    #[test]
    fn a_saver_that_leaves_nothing_forbids_everything() {
        assert_eq!(Caps::data_saver(100_000, 128_000).max_bitrate_bps, Some(0));
        assert!(!Caps::data_saver(100_000, 128_000).permits(&Rung::new(1)));
    }

    #[test]
    fn an_output_must_have_what_a_rung_needs() {
        let levels = [Hdcp::None, Hdcp::Type0, Hdcp::Type1];
        for (need, needed) in levels.into_iter().enumerate() {
            for (have, present) in levels.into_iter().enumerate() {
                let rung = Rung { protection: Protection { needed, present }, ..Rung::new(1) };
                assert_eq!(Caps::default().permits(&rung), need <= have, "{needed:?} on {present:?}");
                assert_eq!(needed <= present, need <= have);
            }
        }
        let rung = Rung::new(1).protected_by(Hdcp::Type0);
        assert!(!Caps::default().permits(&rung), "nobody has vouched for the output");
        assert!(Caps::default().permits(&rung.shown_on(Hdcp::Type1)));
    }

    #[test]
    fn unknown_height_passes() {
        assert!(Caps { max_height: Some(1), max_bitrate_bps: None }.permits(&Rung::new(1)));
    }
}
