//! DYNAMIC: throughput while the buffer is short, BOLA while it is long, slow to climb and slow to give way.
//!
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference Player",
//! MMSys 2018: §4 DYNAMIC, §3.3 the insufficient-buffer rule, and BOLA-O's answer to oscillation.
//! Added here: the estimate is discounted by recent downside errors; real sizes are used where they are known; a rung is
//! kept while the buffer affords it, because a change of picture costs the viewer too; start-up takes the highest rung
//! that begins to play within about a second.

use std::time::Duration;

use crate::{
    Context, Decision, History, InFlight, Phase, Reason, Rule, Transfer, Verdict, abandon,
    estimator::Bandwidth,
    rule::{
        bola,
        candidate::{self, Link},
        first_picture,
    },
};

/// The waiting time that start-up aims at, in seconds of playback.
const START_WITHIN: f64 = 1.0;
/// Share of the safe rate that a rung may need.
const MARGIN: f64 = 0.9;
/// A climb stops at the rung that needs this multiple of the likely rate: the buffer pays for the difference.
/// With a goal of [`SHORT_SECONDS`] or less (live) there is nothing to pay with, and the multiple is 1.
const CLIMB: f64 = 1.25;
/// A rung that the link does not sustain is climbed to only if the buffer pays for this many segments of it.
const CLIMB_SEGMENTS: f64 = 4.0;
/// Share of the goal, and seconds, below which the buffer is short and BOLA is not asked.
const SHORT_SHARE: f64 = 0.4;
const SHORT_SECONDS: f64 = 10.0;
/// Share of the buffer that the next segment may take to arrive, at the safe rate.
const ARRIVE_WITHIN: f64 = 0.5;
/// A rung is kept if the buffer, after this many more segments of it at the safe rate, …
const KEEP_SEGMENTS: f64 = 3.0;
/// … is still above this share of the goal (of [`KEEP_GOAL`] seconds at most).
const KEEP_SHARE: f64 = 0.3;
const KEEP_GOAL: f64 = 20.0;
/// Time for which advice to give a transfer up waits for the decision that follows it.
const ADVICE: Duration = Duration::from_millis(250);

/// Throughput and buffer combined.
#[derive(Debug, Clone, Default)]
pub struct Dynamic {
    bandwidth: Bandwidth,
    /// The rung that was advised in place of a running transfer, and when.
    advised: Option<(Duration, usize)>,
}

impl Dynamic {
    /// A rule that knows nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bandwidth: Bandwidth::new(), advised: None }
    }

    /// The advised rung, if this question follows the advice at once.
    fn advice(&mut self, context: &Context<'_>) -> Option<usize> {
        let (at, rung) = self.advised.take()?;
        (context.now.saturating_sub(at) <= ADVICE && rung < context.rungs.len()).then_some(rung)
    }
}

impl Rule for Dynamic {
    fn name(&self) -> &'static str {
        "dynamic"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        if context.rungs.len() <= 1 {
            return Decision::new(0, Reason::Only);
        }
        if let Some(rung) = self.advice(context) {
            return candidate::within_caps(context, rung, Reason::Abandoned);
        }
        let Some(link) = Link::new(&self.bandwidth, context) else {
            return Decision::new(context.clamp(0), Reason::StartUp);
        };
        let likely = self.bandwidth.likely().unwrap_or_default();
        if let Some(rung) = first_picture::choose(context, likely, self.bandwidth.ttfb().as_secs_f64()) {
            return candidate::within_caps(context, rung, Reason::StartUp);
        }
        let (wanted, reason) = match context.phase {
            Phase::Steady => steady(context, &link),
            Phase::StartUp | Phase::AfterSeek => (soonest(context, &link), Reason::StartUp),
            Phase::Rebuffering => (soonest(context, &link), Reason::Panic),
        };
        candidate::within_caps(context, wanted, reason)
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.bandwidth.observe(transfer);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        let verdict = abandon::judge(in_flight, context, &self.bandwidth);
        self.advised = match verdict {
            Verdict::Continue => None,
            Verdict::AbandonTo(rung) => Some((in_flight.now, rung)),
        };
        verdict
    }

    fn on_seek(&mut self) {
        self.advised = None;
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.bandwidth.safe_bps()
    }

    fn seed(&mut self, history: &History) {
        self.bandwidth.seed(history);
    }
}

/// The highest rung whose next segment arrives within [`START_WITHIN`].
fn soonest(context: &Context<'_>, link: &Link) -> usize {
    let arrives = |rung: usize| link.seconds(context.next_bytes(rung)) <= START_WITHIN;
    (1..context.rungs.len()).rev().find(|&rung| arrives(rung)).unwrap_or(0)
}

/// The rung for a session that plays.
fn steady(context: &Context<'_>, link: &Link) -> (usize, Reason) {
    let buffer = context.buffer.as_secs_f64();
    let (mut wanted, mut reason) = proposal(context, link, buffer);
    let last = context.last.filter(|&last| last < context.rungs.len());
    if let Some(last) = last.filter(|&last| last < wanted) {
        // Where BOLA alone would go up only to come down again, stop at what the link sustains (BOLA-O).
        let climb = if context.buffer_goal.as_secs_f64() > SHORT_SECONDS { CLIMB } else { 1.0 };
        let mut highest = candidate::sustainable(context, link.likely * climb);
        while highest > last && borrows(context, link, highest) {
            highest -= 1;
        }
        if wanted > highest {
            (wanted, reason) = (last.max(highest), Reason::Hold);
        }
    }
    let in_time = |rung: usize| link.seconds(context.next_bytes(rung)) <= buffer * ARRIVE_WITHIN;
    while wanted > 0 && !in_time(wanted) {
        wanted -= 1;
        reason = Reason::BufferLow;
    }
    match last {
        Some(last) if last > wanted && in_time(last) && affordable(context, link, last, KEEP_SEGMENTS) => {
            (last, Reason::Hold)
        }
        _ => (wanted, reason),
    }
}

/// DYNAMIC: what the link carries, or what the buffer allows if it is long and that is more.
fn proposal(context: &Context<'_>, link: &Link, buffer: f64) -> (usize, Reason) {
    let carried = candidate::sustainable(context, link.safe * MARGIN);
    let short = (context.buffer_goal.as_secs_f64() * SHORT_SHARE).min(SHORT_SECONDS);
    let by_buffer = bola::choose(context, buffer);
    if buffer < short || by_buffer <= carried { (carried, Reason::Throughput) } else { (by_buffer, Reason::BufferHigh) }
}

/// Returns true if the buffer pays for `segments` more segments of `rung` and is still comfortable.
fn affordable(context: &Context<'_>, link: &Link, rung: usize, segments: f64) -> bool {
    let goal = context.buffer_goal.as_secs_f64().min(KEEP_GOAL);
    context.buffer.as_secs_f64() - link.drain(context, rung) * segments > goal * KEEP_SHARE
}

/// Returns true if `rung` would live on the buffer, and the buffer does not pay for enough of it.
fn borrows(context: &Context<'_>, link: &Link, rung: usize) -> bool {
    link.drain(context, rung) > 0.0 && !affordable(context, link, rung, CLIMB_SEGMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;

    /// Segments of two seconds: 2, 4, 8 and 16 megabit.
    const LADDER: [Rung; 4] = [Rung::new(1_000_000), Rung::new(2_000_000), Rung::new(4_000_000), Rung::new(8_000_000)];

    fn context(goal: u64, buffer: u64, last: Option<usize>) -> Context<'static> {
        let (buffer_goal, buffer) = (Duration::from_millis(goal), Duration::from_millis(buffer));
        Context { buffer_goal, buffer, last, ..Context::new(&LADDER, Duration::from_secs(2)) }
    }

    fn link(likely: f64, safe: f64, ttfb: f64) -> Link {
        Link { likely: likely * 1e6, safe: safe * 1e6, ttfb }
    }

    #[test]
    fn what_begins_soonest_arrives_within_a_second() {
        let start = |safe, ttfb| soonest(&context(30_000, 0, None), &link(9.0, safe, ttfb));
        assert_eq!([start(4.0, 0.0), start(4.0, 0.01), start(16.0, 0.0), start(0.1, 0.0)], [1, 0, 3, 0]);
        let sizes = [0, 500_001, 125_000, 2_000_000];
        let known = Context { next_sizes: Some(&sizes), ..context(30_000, 0, None) };
        assert_eq!(soonest(&known, &link(9.0, 4.0, 0.75)), 2, "of the real sizes");
    }

    #[test]
    fn a_stall_has_its_own_reason_and_advice_is_dropped_when_the_transfer_recovers() {
        let mut rule = Dynamic::new();
        let (at, duration) = (Duration::from_secs(1), Duration::from_secs(1));
        let bytes = 1_000_000;
        rule.on_transfer(&Transfer {
            at,
            bytes,
            ttfb: Duration::ZERO,
            duration,
            cached: false,
            concurrent: 1,
            others: 0,
        });
        let now = Duration::from_secs(60);
        let playing = Context { now, ..context(30_000, 9_000, Some(3)) };
        let stalled = Context { phase: Phase::Rebuffering, ..playing.clone() };
        assert_eq!(rule.select(&stalled).reason, Reason::Panic);
        let started = Context { phase: Phase::StartUp, ..playing.clone() };
        assert_eq!(rule.select(&started).reason, Reason::StartUp);
        let in_flight = |received| InFlight {
            now,
            rung: 3,
            size: Some(2_000_000),
            received,
            elapsed: Duration::from_secs(1),
            ttfb: Some(Duration::ZERO),
            buffer: Duration::from_secs(1),
            segment_duration: Duration::from_secs(2),
            others: 0,
        };
        let late = |rule: &mut Dynamic| rule.on_progress(&in_flight(50_000), &playing);
        assert!(matches!(late(&mut rule), Verdict::AbandonTo(_)));
        assert_eq!(rule.select(&playing).reason, Reason::Abandoned);
        assert_ne!(rule.select(&playing).reason, Reason::Abandoned, "advice is taken once");
        assert!(matches!(late(&mut rule), Verdict::AbandonTo(_)));
        assert_eq!(rule.on_progress(&in_flight(1_990_000), &playing), Verdict::Continue);
        assert_ne!(rule.select(&playing).reason, Reason::Abandoned, "it goes on after all");
    }

    #[test]
    fn a_first_picture_is_chosen_by_its_part_of_the_segment() {
        let mut rule = Dynamic::new();
        let (at, duration) = (Duration::from_secs(1), Duration::from_secs(1));
        let bytes = 1_000_000;
        rule.on_transfer(&Transfer {
            at,
            bytes,
            ttfb: Duration::ZERO,
            duration,
            cached: false,
            concurrent: 1,
            others: 0,
        });
        let first = |millis| {
            let media = Duration::from_millis(millis);
            Some(crate::FirstPicture { media, ..crate::FirstPicture::default() })
        };
        let mut choose = |millis| {
            let waiting = Context { phase: Phase::AfterSeek, first_picture: first(millis), ..context(30_000, 0, None) };
            rule.select(&waiting).representation
        };
        // Two megabit come within a quarter of a second: a tenth of 16 do, a third of 8 does not.
        assert_eq!([0, 200, 600, 2000].map(&mut choose), [3, 2, 1, 0]);
        let without = Context { phase: Phase::AfterSeek, ..context(30_000, 0, None) };
        assert_eq!(rule.select(&without).representation, 2, "a whole segment within a second");
    }

    #[test]
    fn the_buffer_pays_down_to_a_share_of_the_goal() {
        // At 4 Mbit/s the top rung costs two seconds a segment, the next one nothing.
        let link = link(4.0, 4.0, 0.0);
        let pays = |goal, buffer, segments| affordable(&context(goal, buffer, None), &link, 3, segments);
        assert!(pays(30_000, 12_001, 3.0) && !pays(30_000, 12_000, 3.0), "six of twenty seconds are left");
        assert!(pays(10_000, 9001, 3.0) && !pays(10_000, 9000, 3.0));
        let owes = |rung, buffer| borrows(&context(30_000, buffer, None), &link, rung);
        assert!(owes(3, 14_000) && !owes(3, 14_001), "four segments");
        assert!(!owes(2, 0), "what the link sustains owes nothing");
    }

    #[test]
    fn the_buffer_proposes_where_it_is_not_short() {
        let proposed = |safe, goal, buffer: u64| {
            proposal(&context(goal, buffer, None), &link(safe, safe, 0.0), buffer as f64 / 1e3)
        };
        let (carried, high) = ((0, Reason::Throughput), (2, Reason::BufferHigh));
        assert_eq!([proposed(1.0, 20_000, 7999), proposed(1.0, 20_000, 8000)], [carried, high]);
        assert_eq!([proposed(1.0, 60_000, 9999), proposed(1.0, 60_000, 10_000)], [carried, high]);
        assert_eq!(proposed(4.5, 20_000, 8000), (2, Reason::Throughput), "as much as the link carries");
        assert_eq!(proposed(9.0, 20_000, 8000), (3, Reason::Throughput));
    }

    #[test]
    fn a_climb_stops_at_what_the_link_sustains() {
        let chosen = |likely, safe, goal, buffer, last| steady(&context(goal, buffer, last), &link(likely, safe, 0.0));
        // A quarter more than is likely, unless the goal is short.
        assert_eq!(chosen(1.6, 1.2, 30_000, 28_000, Some(0)), (1, Reason::Hold));
        assert_eq!(chosen(1.6, 1.2, 10_001, 9000, Some(0)), (1, Reason::Hold));
        assert_eq!(chosen(1.6, 1.2, 10_000, 9000, Some(0)), (0, Reason::Hold));
        assert_eq!(chosen(1.6, 1.2, 30_000, 28_000, None), (3, Reason::BufferHigh), "nothing was climbed from");
        assert_eq!(chosen(1.6, 1.2, 30_000, 28_000, Some(4)), (3, Reason::BufferHigh), "no such rung");
        // Not on credit, but never below the last rung.
        assert_eq!(chosen(3.3, 1.2, 30_000, 11_000, Some(0)), (0, Reason::Hold));
        assert_eq!(chosen(3.3, 1.2, 30_000, 11_000, Some(1)), (1, Reason::Hold));
        assert_eq!(chosen(9.0, 9.0, 30_000, 9000, Some(0)), (3, Reason::Throughput), "as high as was wanted");
    }

    #[test]
    fn a_segment_takes_half_of_the_buffer_at_most() {
        let chosen = |buffer, last| steady(&context(30_000, buffer, last), &link(10.0, 10.0, 0.0));
        assert_eq!([chosen(3200, None), chosen(3199, None)], [(3, Reason::Throughput), (2, Reason::BufferLow)]);
        assert_eq!([chosen(800, None), chosen(799, None)], [(1, Reason::BufferLow), (0, Reason::BufferLow)]);
        assert_eq!(chosen(0, None), (0, Reason::BufferLow));
        assert_eq!(chosen(3199, Some(3)), (2, Reason::BufferLow), "also if it was the last one");
    }

    #[test]
    fn a_rung_is_kept_while_the_buffer_affords_it() {
        // 3 Mbit/s carry the second rung; three segments of the third cost two seconds.
        let chosen = |buffer, last| steady(&context(30_000, buffer, last), &link(3.0, 3.0, 0.0));
        assert_eq!([chosen(8100, Some(2)), chosen(7900, Some(2))], [(2, Reason::Hold), (1, Reason::Throughput)]);
        assert_eq!(chosen(8100, Some(1)), (1, Reason::Throughput));
        let sizes = [250_000, 500_000, 1_600_000, 2_000_000];
        let large = Context { next_sizes: Some(&sizes), ..context(30_000, 8100, Some(2)) };
        assert_eq!(steady(&large, &link(3.0, 3.0, 0.0)), (1, Reason::Throughput), "it would come too late");
    }

    #[test]
    fn advice_is_followed_at_once_or_never() {
        let answer = |waited: u64, rung: usize| {
            let mut rule = Dynamic::new();
            rule.on_transfer(&Transfer {
                at: Duration::ZERO,
                bytes: 1_125_000,
                ttfb: Duration::ZERO,
                duration: Duration::from_secs(1),
                cached: false,
                concurrent: 1,
                others: 0,
            });
            let now = Duration::from_secs(60);
            rule.advised = Some((now - Duration::from_millis(waited), rung));
            let decision = rule.select(&Context { now, ..context(30_000, 9000, None) });
            assert_eq!(rule.advised, None);
            (decision.representation, decision.reason)
        };
        let own = (3, Reason::Throughput);
        assert_eq!([answer(0, 1), answer(250, 3)], [(1, Reason::Abandoned), (3, Reason::Abandoned)]);
        assert_eq!([answer(251, 1), answer(0, 4)], [own, own]);
        let mut rule = Dynamic { advised: Some((Duration::ZERO, 1)), ..Dynamic::new() };
        rule.on_seek();
        assert_eq!(rule.advised, None);
    }
}
