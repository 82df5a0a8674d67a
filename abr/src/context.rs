//! Input of a decision: the ladder, the buffer and the limits. Plain data, no policy.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Caps, Rung};

/// Model of the viewer's opinion that the rule maximises.
///
/// Every objective subtracts the change of quality from one segment to the next, and charges each second without
/// picture with the value of a segment of the top rung (Yin et al., SIGCOMM 2015, §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Quality grows with the bitrate.
    #[default]
    Linear,
    /// Quality grows with the logarithm of the bitrate.
    Logarithmic,
    /// Quality is VMAF, known or estimated from the bitrate (Comyn et al. as fitted for Pensieve's successors).
    Perceptual,
}

/// State of playback as far as it matters to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Phase {
    /// Nothing has been shown yet: each second of download is a second of waiting for the viewer.
    StartUp,
    /// Playing, or paused, with media ahead.
    #[default]
    Steady,
    /// Stalled because the buffer ran dry.
    Rebuffering,
    /// Waiting for the first picture at a new position; the estimate of the network still holds.
    AfterSeek,
}

/// Latency of a live session and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Time by which the playhead is behind the live edge.
    pub latency: Duration,
    /// Time by which it is meant to be behind.
    pub target: Duration,
}

/// Part of the next segment that a viewer waits for: the first picture of a start or a seek comes once it is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FirstPicture<'a> {
    /// Media from the begin of the segment up to the target, and what playback needs from there to begin.
    pub media: Duration,
    /// Time for which the viewer waits already.
    pub waited: Duration,
    /// For each rung the requests that must be answered, one after the other, before that for the segment can be sent:
    /// index, initialisation data, key. A rung without an entry needs none.
    pub requests: &'a [u8],
}

/// Everything that a decision may depend on, except the rule's knowledge of past transfers.
///
/// Times count from an arbitrary monotonic origin, the same for all calls on one rule; rates are bits per second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Context<'a> {
    /// Current time, since the origin that all calls on one rule share.
    pub now: Duration,
    /// The ladder, ascending by bitrate. An empty ladder is answered with index 0.
    pub rungs: &'a [Rung],
    /// Rung of the previous decision in this ladder.
    pub last: Option<usize>,
    /// State of playback: start-up, steady, after a seek or stalled.
    pub phase: Phase,
    /// Complete segments ahead of the playhead, the renderer's lead included.
    pub buffer: Duration,
    /// Buffer level that load control fills up to.
    pub buffer_goal: Duration,
    /// Nominal duration of a segment.
    pub segment_duration: Duration,
    /// Bytes of the next segment for each rung, then of the one after it, and so on, as far as they are known.
    /// Used only if it holds a whole number of segments, that is, if its length is a multiple of that of `rungs`.
    pub next_sizes: Option<&'a [u64]>,
    /// Perceptual quality (VMAF, 0 to 100) of the next segments in the layout of `next_sizes`, when known.
    pub next_quality: Option<&'a [f32]>,
    /// Objective by which the session is judged.
    pub objective: Objective,
    /// Segments still to fetch, the next one included; `None` when the end is not known.
    pub segments_left: Option<u32>,
    /// Playback rate; 2.0 drains the buffer twice as fast.
    pub rate: f32,
    /// Latency against its target; `None` for video on demand.
    pub latency: Option<Live>,
    /// Bandwidth that other streams of the session (audio) need.
    pub reserved_bps: u64,
    /// Part of the next segment that a viewer waits for; `None`, the default, if the next segment holds up no viewer.
    pub first_picture: Option<FirstPicture<'a>>,
    /// Upper bounds of the choice; none by default.
    pub caps: Caps,
}

impl<'a> Context<'a> {
    /// A session that plays on demand at rate 1 with an empty buffer, a goal of 30 s, unknown sizes and no bounds.
    ///
    /// Meant for functional update: `Context { buffer, ..Context::new(&ladder, segment) }`.
    #[must_use]
    pub fn new(rungs: &'a [Rung], segment_duration: Duration) -> Self {
        Self {
            now: Duration::ZERO,
            rungs,
            last: None,
            phase: Phase::default(),
            buffer: Duration::ZERO,
            buffer_goal: Duration::from_secs(30),
            segment_duration,
            next_sizes: None,
            next_quality: None,
            objective: Objective::default(),
            segments_left: None,
            rate: 1.0,
            latency: None,
            reserved_bps: 0,
            first_picture: None,
            caps: Caps::default(),
        }
    }

    /// The highest rung within the caps, or the fallback of [`Context::clamp`] if none is.
    ///
    /// Heights need not ascend with bitrates, so a rung below this one may still be forbidden: see [`Context::clamp`].
    #[must_use]
    pub fn ceiling(&self) -> usize {
        self.clamp(usize::MAX)
    }

    /// The highest permitted rung that is not above `rung`, or the lowest permitted one.
    ///
    /// If the caps forbid every rung, it is the lowest that the output may show; if there is none, it is 0.
    #[must_use]
    pub fn clamp(&self, rung: usize) -> usize {
        let permits = |rung: &Rung| self.caps.permits(rung);
        let end = rung.saturating_add(1).min(self.rungs.len());
        self.rungs[..end]
            .iter()
            .rposition(permits)
            .or_else(|| self.rungs.iter().position(permits))
            .or_else(|| self.rungs.iter().position(|rung| rung.protection.suffices()))
            .unwrap_or(0)
    }

    /// Returns true if the output may show at least one rung. If not, decisions name a rung that must not be shown.
    #[must_use]
    pub fn is_showable(&self) -> bool {
        self.rungs.iter().any(|rung| rung.protection.suffices())
    }

    /// The playback rate as a positive number; a paused or absurd rate counts as 1.
    pub(crate) fn playback_rate(&self) -> f64 {
        let rate = f64::from(self.rate).abs();
        if rate.is_finite() && rate > 0.0 { rate.clamp(0.25, 16.0) } else { 1.0 }
    }

    /// Bytes that the next segment has at `rung`: the known size, else the declared rate times the duration.
    ///
    /// 0 for a rung that does not exist.
    #[must_use]
    pub fn next_bytes(&self, rung: usize) -> u64 {
        self.bytes_ahead(0, rung)
    }

    /// Bytes that the segment `ahead` of the next one has at `rung`: the known size, else the declared rate times the
    /// duration. 0 for a rung that does not exist.
    #[must_use]
    pub fn bytes_ahead(&self, ahead: usize, rung: usize) -> u64 {
        let known = self.row(self.next_sizes, ahead).and_then(|sizes| sizes.get(rung));
        known.copied().unwrap_or_else(|| self.nominal_bytes(rung))
    }

    /// Returns true if the sizes of the next segment are known.
    #[must_use]
    pub fn has_sizes(&self) -> bool {
        self.has_sizes_ahead(0)
    }

    /// Returns true if the sizes of the segment `ahead` of the next one are known.
    #[must_use]
    pub fn has_sizes_ahead(&self, ahead: usize) -> bool {
        self.row(self.next_sizes, ahead).is_some()
    }

    /// Perceptual quality of the segment `ahead` of the next one at `rung`, when known.
    #[must_use]
    pub fn quality_ahead(&self, ahead: usize, rung: usize) -> Option<f32> {
        self.row(self.next_quality, ahead)?.get(rung).copied()
    }

    /// The entries of one segment in a list that has one for each rung of each segment.
    fn row<T>(&self, list: Option<&'a [T]>, ahead: usize) -> Option<&'a [T]> {
        let list = list.filter(|list| !self.rungs.is_empty() && list.len().is_multiple_of(self.rungs.len()))?;
        let start = ahead.checked_mul(self.rungs.len())?;
        list.get(start..start.checked_add(self.rungs.len())?)
    }

    /// Bytes of an average segment at `rung`: the declared rate times the duration; 0 for a rung that does not exist.
    #[must_use]
    pub fn nominal_bytes(&self, rung: usize) -> u64 {
        let Some(rung) = self.rungs.get(rung) else {
            return 0;
        };
        let bits = u128::from(rung.bitrate_bps).saturating_mul(self.segment_duration.as_nanos()) / 1_000_000_000;
        u64::try_from(bits / 8).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hdcp;

    const LADDER: [Rung; 3] = [
        Rung::new(400_000).with_height(240),
        Rung::new(900_000).with_height(720),
        Rung::new(1_500_000).with_height(480),
    ];

    fn capped(caps: Caps) -> Context<'static> {
        Context { caps, ..Context::new(&LADDER, Duration::from_secs(4)) }
    }

    #[test]
    fn clamp_skips_a_forbidden_rung_in_the_middle() {
        let context = capped(Caps { max_height: Some(480), max_bitrate_bps: None });
        assert_eq!(context.ceiling(), 2);
        assert_eq!(context.clamp(2), 2);
        assert_eq!(context.clamp(1), 0);
    }

    #[test]
    fn the_lowest_rung_is_left_when_everything_is_forbidden() {
        let context = capped(Caps { max_height: Some(100), max_bitrate_bps: Some(1) });
        assert_eq!((context.ceiling(), context.clamp(2)), (0, 0));
    }

    #[test]
    fn protection_is_no_wish_and_bounds_are() {
        let [low, middle, high] = LADDER;
        let ladder = [low.protected_by(Hdcp::Type1), middle.protected_by(Hdcp::Type0), high];
        let on = |output: Hdcp| ladder.map(|rung| rung.shown_on(output));
        let clamp = |ladder: &[Rung; 3], caps| {
            let context = Context { caps, ..Context::new(ladder, Duration::from_secs(4)) };
            [0, 1, 2].map(|rung| context.clamp(rung))
        };
        assert_eq!(clamp(&on(Hdcp::None), Caps::default()), [2, 2, 2], "the clear rung is the highest");
        assert_eq!(clamp(&on(Hdcp::Type0), Caps::default()), [1, 1, 2]);
        assert_eq!(clamp(&on(Hdcp::Type1), Caps::default()), [0, 1, 2]);
        let nothing = Caps { max_height: None, max_bitrate_bps: Some(1) };
        assert_eq!(clamp(&on(Hdcp::Type0), nothing), [1, 1, 1], "the lowest that may be shown");
        let all = ladder.map(|rung| rung.protected_by(Hdcp::Type1));
        assert_eq!(clamp(&all, Caps::default()), [0, 0, 0]);
        assert!(!Context::new(&all, Duration::ZERO).is_showable());
        assert!(Context::new(&ladder, Duration::ZERO).is_showable());
    }

    #[test]
    fn unknown_sizes_follow_the_rate() {
        let context = capped(Caps::default());
        assert_eq!(context.next_bytes(0), 200_000);
        let sizes = [1, 2, 3];
        let context = Context { next_sizes: Some(&sizes), ..context };
        assert_eq!(context.next_bytes(2), 3);
        let context = Context { next_sizes: Some(&sizes[..1]), ..context };
        assert_eq!(context.next_bytes(0), 200_000, "a list of another length is not about this ladder");
        assert_eq!(context.next_bytes(9), 0);
    }

    #[test]
    fn lists_hold_one_segment_after_the_other() {
        let (sizes, quality) = ([1, 2, 3, 4, 5, 6], [10.0, 20.0, 30.0]);
        let context = Context { next_sizes: Some(&sizes), next_quality: Some(&quality), ..capped(Caps::default()) };
        assert_eq!([0, 1, 2].map(|ahead| context.bytes_ahead(ahead, 2)), [3, 6, 750_000]);
        assert_eq!([0, 1, 2, usize::MAX].map(|ahead| context.has_sizes_ahead(ahead)), [true, true, false, false]);
        assert_eq!([0, 1].map(|ahead| context.quality_ahead(ahead, 1)), [Some(20.0), None]);
        assert_eq!(context.quality_ahead(0, 3), None);
        assert!(context.has_sizes() && !Context { next_sizes: None, ..context.clone() }.has_sizes());
        let none = Context { rungs: &[], ..context.clone() };
        assert!(!none.has_sizes_ahead(0), "of no rung");
        let odd = Context { next_sizes: Some(&sizes[..5]), ..context };
        assert!(!odd.has_sizes_ahead(0), "five sizes are no segments of three rungs");
    }

    #[test]
    fn an_average_segment_is_the_rate_times_the_duration() {
        let bytes = |bps, nanos| Context::new(&[Rung::new(bps)], Duration::from_nanos(nanos)).nominal_bytes(0);
        assert_eq!([bytes(1_000_000, 1_000_000_000), bytes(8, 2_999_999_999), bytes(8, 999_999_999)], [125_000, 2, 0]);
        assert_eq!(bytes(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(Context::new(&LADDER, Duration::from_secs(1)).nominal_bytes(3), 0);
    }
}
