//! BBA-0: the rung is a linear map of the buffer between a reservoir and a cushion.
//!
//! Huang, Johari, McKeown, Trunnell, Watson: "A Buffer-Based Approach to Rate Adaptation: Evidence from a Large Video
//! Streaming Service", SIGCOMM 2014, §4: at the reservoir the lowest rate, at its end the highest, and a rung is kept
//! until the map passes the next one in either direction. The reservoir here is a share of the goal, not a constant.

use crate::{
    Context, Decision, History, InFlight, Reason, Rule, Transfer, Verdict, abandon, estimator::Bandwidth,
    rule::candidate,
};

/// Share of the goal below which the lowest rung is fetched.
const RESERVOIR: f64 = 0.25;
/// Share of the goal at which the highest one is reached.
const FULL: f64 = 0.9;

/// The buffer alone decides; the estimate serves only to give up transfers.
#[derive(Debug, Clone, Default)]
pub struct Bba {
    bandwidth: Bandwidth,
}

impl Bba {
    /// A rule that knows nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bandwidth: Bandwidth::new() }
    }
}

/// The rate that the map gives at the present buffer.
fn mapped(context: &Context<'_>) -> f64 {
    let rate = |rung: Option<&crate::Rung>| rung.map_or(0.0, |rung| rung.bitrate_bps as f64);
    let (low, high) = (rate(context.rungs.first()), rate(context.rungs.last()));
    let goal = context.buffer_goal.as_secs_f64().max(2.0 * context.segment_duration.as_secs_f64()).max(0.1);
    let part = (context.buffer.as_secs_f64() / goal - RESERVOIR) / (FULL - RESERVOIR);
    low + (high - low) * part.clamp(0.0, 1.0)
}

impl Rule for Bba {
    fn name(&self) -> &'static str {
        "bba"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        if context.rungs.len() <= 1 {
            return Decision::new(0, Reason::Only);
        }
        let rate = mapped(context);
        let below = candidate::sustainable(context, rate);
        let above = context.rungs.iter().position(|rung| rung.bitrate_bps as f64 >= rate).unwrap_or(usize::MAX);
        let last = context.last.unwrap_or(0).min(context.rungs.len() - 1);
        // `below` is what the map has passed on the way up, `above` what it has passed on the way down.
        let (wanted, reason) = if last < below {
            (below, Reason::BufferHigh)
        } else if last > above {
            (above, Reason::BufferLow)
        } else {
            (last, Reason::Hold)
        };
        candidate::within_caps(context, wanted, reason)
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
