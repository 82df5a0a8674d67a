//! The plain throughput rule: the highest rung that the safe estimate carries with a margin.
//!
//! Jiang, Sekar, Zhang: "Improving Fairness, Efficiency, and Stability in HTTP-based Adaptive Video Streaming with
//! FESTIVE", CoNEXT 2012, names its ingredients: a robust mean, a margin below it, and caution in going up.

use crate::{
    Context, Decision, History, InFlight, Reason, Rule, Transfer, Verdict, abandon,
    estimator::Bandwidth,
    rule::candidate::{self, Link},
};

/// Share of the safe estimate that may be spent.
const MARGIN: f64 = 0.9;

/// The highest rung whose rate the estimate carries.
#[derive(Debug, Clone, Default)]
pub struct Throughput {
    bandwidth: Bandwidth,
}

impl Throughput {
    /// A rule that knows nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bandwidth: Bandwidth::new() }
    }
}

impl Rule for Throughput {
    fn name(&self) -> &'static str {
        "throughput"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        if context.rungs.len() <= 1 {
            return Decision::new(0, Reason::Only);
        }
        let Some(link) = Link::new(&self.bandwidth, context) else {
            return Decision::new(context.clamp(0), Reason::StartUp);
        };
        let wanted = candidate::sustainable(context, link.safe * MARGIN);
        candidate::within_caps(context, wanted, Reason::Throughput)
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.bandwidth.observe(transfer);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        abandon::judge(in_flight, context, &self.bandwidth)
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.bandwidth.safe_bps()
    }

    fn seed(&mut self, history: &History) {
        self.bandwidth.seed(history);
    }
}
