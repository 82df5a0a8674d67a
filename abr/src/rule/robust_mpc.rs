//! RobustMPC: the best sequence of the next five segments at one cautious prediction.
//!
//! Yin, Jindal, Sekar, Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over HTTP", SIGCOMM
//! 2015, §4.3: the harmonic mean of the last five rates, divided by one plus the largest of their recent relative errors.
//! The search is exhaustive up to pruning: a branch that cannot beat the best one any more is left.

use crate::{
    Context, Decision, History, InFlight, Reason, Rule, Transfer, Verdict, abandon, estimator::Bandwidth,
    rule::candidate,
};

/// Segments planned.
const HORIZON: usize = 5;
/// Rates remembered, and errors.
const WINDOW: usize = 5;
/// Branches looked at for one decision at most: the bound on its cost.
const MOST_BRANCHES: u32 = 20_000;

/// Model predictive control with a robust prediction.
#[derive(Debug, Clone, Default)]
pub struct RobustMpc {
    bandwidth: Bandwidth,
    rates: [f64; WINDOW],
    errors: [f64; WINDOW],
    count: usize,
}

impl RobustMpc {
    /// A rule that knows nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bandwidth: Bandwidth::new(), rates: [0.0; WINDOW], errors: [0.0; WINDOW], count: 0 }
    }

    fn harmonic(&self) -> Option<f64> {
        let known = &self.rates[..self.count.min(WINDOW)];
        let sum: f64 = known.iter().map(|rate| 1.0 / rate).sum();
        (sum > 0.0).then(|| known.len() as f64 / sum)
    }

    fn robust(&self) -> Option<f64> {
        let worst = self.errors.iter().copied().fold(0.0, f64::max);
        self.harmonic().or_else(|| self.bandwidth.likely()).map(|rate| rate / (1.0 + worst))
    }
}

/// The search: what is constant, and the best so far.
struct Search<'a> {
    context: &'a Context<'a>,
    rate: f64,
    ttfb: f64,
    segment: f64,
    top: f64,
    best: (f64, usize),
    branches: u32,
}

impl Search<'_> {
    fn quality(&self, rung: usize) -> f64 {
        self.context.rungs[rung].bitrate_bps as f64 / 1e6
    }

    fn walk(&mut self, depth: usize, buffer: f64, last: Option<usize>, first: usize, value: f64) {
        if depth == HORIZON {
            if value > self.best.0 {
                self.best = (value, first);
            }
            return;
        }
        if value + self.top * (HORIZON - depth) as f64 <= self.best.0 || self.branches == 0 {
            return;
        }
        for rung in (0..self.context.rungs.len()).rev() {
            if !self.context.caps.permits(&self.context.rungs[rung]) {
                continue;
            }
            self.branches = self.branches.saturating_sub(1);
            let time = self.ttfb + self.context.bytes_ahead(depth, rung) as f64 * 8.0 / self.rate;
            let stall = (time - buffer).max(0.0);
            let change = last.map_or(0.0, |last| (self.quality(rung) - self.quality(last)).abs());
            let value = value + self.quality(rung) - change - self.top * stall;
            let first = if depth == 0 { rung } else { first };
            self.walk(depth + 1, (buffer - time).max(0.0) + self.segment, Some(rung), first, value);
        }
    }
}

impl Rule for RobustMpc {
    fn name(&self) -> &'static str {
        "robust-mpc"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        if context.rungs.len() <= 1 {
            return Decision::new(0, Reason::Only);
        }
        let Some(rate) = self.robust() else {
            return Decision::new(context.clamp(0), Reason::StartUp);
        };
        let speed = candidate::playback_rate(context);
        let mut search = Search {
            context,
            rate: (rate - context.reserved_bps as f64).max(1.0) / speed,
            ttfb: self.bandwidth.ttfb().as_secs_f64() * speed,
            segment: context.segment_duration.as_secs_f64(),
            top: context.rungs.last().map_or(1.0, |rung| rung.bitrate_bps as f64 / 1e6),
            best: (f64::NEG_INFINITY, 0),
            branches: MOST_BRANCHES,
        };
        let last = context.last.filter(|&last| last < context.rungs.len());
        search.walk(0, context.buffer.as_secs_f64(), last, 0, 0.0);
        candidate::within_caps(context, search.best.1, Reason::Throughput)
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        if transfer.cached || transfer.bytes == 0 {
            return;
        }
        self.bandwidth.observe(transfer);
        let rate = transfer.bytes as f64 * 8.0 / transfer.duration.as_secs_f64().max(0.001);
        let at = self.count % WINDOW;
        if let Some(predicted) = self.harmonic() {
            self.errors[at] = (predicted - rate).abs() / rate.max(1.0);
        }
        self.rates[at] = rate.max(1.0);
        self.count = self.count.saturating_add(1);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        abandon::judge(in_flight, context, &self.bandwidth)
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.robust().map(|rate| rate as u64)
    }

    fn seed(&mut self, history: &History) {
        self.bandwidth.seed(history);
    }
}
