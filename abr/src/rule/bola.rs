//! BOLA: the rung follows from the buffer level alone.
//!
//! Spiteri, Urgaonkar, Sitaraman: "BOLA: Near-Optimal Bitrate Adaptation for Online Videos", INFOCOM 2016 (IEEE/ACM
//! Transactions on Networking 28(4), 2020). Each segment takes the rung with the greatest
//! `(V·(utility + γp) − buffer) / size`; utility is the logarithm of the rate over the lowest one.

use crate::{
    Context, Decision, History, InFlight, Reason, Rule, Transfer, Verdict, abandon,
    estimator::Bandwidth,
    rule::candidate::{self, Link},
};

/// Share of the goal at which the lowest rung is left.
const RESERVOIR: f64 = 0.25;
/// Longest reservoir in seconds: a minute of goal does not need a quarter of a minute of caution.
const MAX_RESERVOIR: f64 = 10.0;

/// The two parameters of BOLA, derived from the buffer so that the lowest rung is left at the reservoir and the highest
/// is reached two segments below the goal, a level that load control really reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Parameters {
    v: f64,
    gamma: f64,
}

impl Parameters {
    /// For a ladder whose top has `top` times the rate of its bottom.
    fn new(context: &Context<'_>, top: f64) -> Self {
        let segment = context.segment_duration.as_secs_f64().max(0.01);
        let goal = context.buffer_goal.as_secs_f64().max(3.0 * segment);
        let reservoir = (goal * RESERVOIR).min(MAX_RESERVOIR);
        let full = (goal - 2.0 * segment).max(reservoir * 1.5);
        // The objective of rung k is zero at a buffer of V·(u_k + γ): γ·V is where the lowest has spent its value, and
        // V·(u_top + γ) where the highest has.
        let utility = top.max(1.01).ln();
        let v = (full - reservoir) / utility;
        Self { v, gamma: reservoir / v }
    }
}

/// The rung that BOLA gives at `buffer` seconds, caps aside.
pub(crate) fn choose(context: &Context<'_>, buffer: f64) -> usize {
    let Some(lowest) = context.rungs.first() else {
        return 0;
    };
    let bottom = lowest.bitrate_bps.max(1) as f64;
    let top = context.rungs.last().map_or(bottom, |rung| rung.bitrate_bps.max(1) as f64);
    let parameters = Parameters::new(context, top / bottom);
    let mut best = (f64::NEG_INFINITY, 0);
    for (index, rung) in context.rungs.iter().enumerate() {
        let rate = rung.bitrate_bps.max(1) as f64;
        let utility = (rate / bottom).max(1.0).ln();
        let objective = (parameters.v * (utility + parameters.gamma) - buffer) / rate;
        if objective >= best.0 {
            best = (objective, index);
        }
    }
    best.1
}

/// BOLA with the start-up of the throughput rule: until the buffer has been built, BOLA alone would crawl.
#[derive(Debug, Clone, Default)]
pub struct Bola {
    bandwidth: Bandwidth,
    /// True if the buffer has carried BOLA's choice up to what the link sustains.
    steady: bool,
}

impl Bola {
    /// A rule that knows nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bandwidth: Bandwidth::new(), steady: false }
    }
}

impl Rule for Bola {
    fn name(&self) -> &'static str {
        "bola"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        if context.rungs.len() <= 1 {
            return Decision::new(0, Reason::Only);
        }
        let bola = choose(context, context.buffer.as_secs_f64());
        if !self.steady {
            let Some(link) = Link::new(&self.bandwidth, context) else {
                return Decision::new(context.clamp(0), Reason::StartUp);
            };
            let sustained = candidate::sustainable(context, link.safe * 0.9);
            if bola < sustained {
                return candidate::within_caps(context, sustained, Reason::StartUp);
            }
            self.steady = true;
        }
        let reason = match bola {
            0 => Reason::BufferLow,
            _ => Reason::BufferHigh,
        };
        candidate::within_caps(context, bola, reason)
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.bandwidth.observe(transfer);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        abandon::judge(in_flight, context, &self.bandwidth)
    }

    fn on_seek(&mut self) {
        self.steady = false;
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.bandwidth.safe_bps()
    }

    fn seed(&mut self, history: &History) {
        self.bandwidth.seed(history);
    }
}
