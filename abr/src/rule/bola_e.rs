//! BOLA-E: BOLA with a virtual buffer for the start, a bound while the buffer is short, and no climb that cannot last.
//!
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference Player",
//! MMSys 2018, §3: the placeholder buffer (§3.2), the insufficient-buffer rule (§3.3) and BOLA-O's cap on climbs.

use crate::{
    Context, Decision, History, InFlight, Reason, Rule, Transfer, Verdict, abandon,
    estimator::Bandwidth,
    rule::{
        bola,
        candidate::{self, Link},
    },
};

/// Share of the buffer that a segment may take to arrive at the safe rate while the buffer is short.
const INSUFFICIENT: f64 = 0.5;
/// Share of the virtual buffer that is left after each segment.
const KEPT: f64 = 0.9;

/// BOLA as the reference player ships it.
#[derive(Debug, Clone, Default)]
pub struct BolaE {
    bandwidth: Bandwidth,
    /// Seconds that are added to the buffer, so that BOLA gives at the start what the link sustains.
    placeholder: f64,
}

impl BolaE {
    /// A rule that knows nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bandwidth: Bandwidth::new(), placeholder: 0.0 }
    }

    /// The least virtual buffer at which BOLA gives at least `rung`.
    fn needed(context: &Context<'_>, rung: usize) -> f64 {
        let goal = context.buffer_goal.as_secs_f64().clamp(1.0, 600.0);
        let steps = 64;
        (0..=steps)
            .map(|step| goal * f64::from(step) / f64::from(steps))
            .find(|&buffer| bola::choose(context, buffer) >= rung)
            .unwrap_or(goal)
    }
}

impl Rule for BolaE {
    fn name(&self) -> &'static str {
        "bola-e"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        if context.rungs.len() <= 1 {
            return Decision::new(0, Reason::Only);
        }
        let Some(link) = Link::new(&self.bandwidth, context) else {
            return Decision::new(context.clamp(0), Reason::StartUp);
        };
        let buffer = context.buffer.as_secs_f64();
        let sustained = candidate::sustainable(context, link.safe * 0.9);
        if context.last.is_none_or(|last| last == 0) && self.placeholder <= 0.0 {
            self.placeholder = (Self::needed(context, sustained) - buffer).max(0.0);
        }
        let goal = context.buffer_goal.as_secs_f64();
        self.placeholder = (self.placeholder * KEPT).min((goal - buffer).max(0.0));
        let mut wanted = bola::choose(context, buffer + self.placeholder);
        let mut reason = if self.placeholder > buffer { Reason::StartUp } else { Reason::BufferHigh };
        if let Some(last) = context.last.filter(|&last| last < wanted)
            && wanted > sustained
        {
            (wanted, reason) = (last.max(sustained), Reason::Hold);
        }
        while wanted > 0 && link.seconds(context.next_bytes(wanted)) > buffer * INSUFFICIENT {
            wanted -= 1;
            reason = Reason::BufferLow;
        }
        candidate::within_caps(context, wanted, reason)
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.bandwidth.observe(transfer);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        abandon::judge(in_flight, context, &self.bandwidth)
    }

    fn on_seek(&mut self) {
        self.placeholder = 0.0;
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.bandwidth.safe_bps()
    }

    fn seed(&mut self, history: &History) {
        self.bandwidth.seed(history);
    }
}
