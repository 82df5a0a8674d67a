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
/// How long advice to give a transfer up waits for the question that follows it.
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
