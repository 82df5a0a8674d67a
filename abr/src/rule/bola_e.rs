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
    /// Seconds that are added to the buffer, so that BOLA gives the sustainable rung at the start.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;
    use std::time::Duration;

    /// Segments of two seconds: 2, 4, 8 and 16 megabit.
    const LADDER: [Rung; 4] = [Rung::new(1_000_000), Rung::new(2_000_000), Rung::new(4_000_000), Rung::new(8_000_000)];

    fn after(kbps: u64) -> BolaE {
        let mut rule = BolaE::new();
        rule.on_transfer(&Transfer {
            at: Duration::ZERO,
            bytes: kbps * 125,
            ttfb: Duration::ZERO,
            duration: Duration::from_secs(1),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        rule
    }

    fn context(buffer: u64, last: Option<usize>) -> Context<'static> {
        let buffer_goal = Duration::from_secs(20);
        Context {
            buffer: Duration::from_millis(buffer),
            last,
            buffer_goal,
            ..Context::new(&LADDER, Duration::from_secs(2))
        }
    }

    /// The answer, and the virtual buffer after it.
    fn answer(rule: &mut BolaE, buffer: u64, last: Option<usize>) -> (usize, Reason, f64) {
        let decision = rule.select(&context(buffer, last));
        (decision.representation, decision.reason, (rule.placeholder * 1e6).round() / 1e6)
    }

    #[test]
    fn the_virtual_buffer_is_the_least_that_gives_what_the_link_sustains() {
        // BOLA gives the second rung from 1.3 s on, the third from five and the fourth from 8.7, in steps of 5/16 s.
        let needed = [0, 1, 2, 3].map(|rung| BolaE::needed(&context(0, None), rung));
        assert_eq!(needed, [0.0, 1.5625, 5.0, 8.75]);
        assert_eq!(BolaE::needed(&context(0, None), 4), 20.0, "no buffer gives that");
        // 0.9 of 5 Mbit/s carry the third rung: five seconds less those that are there, and a tenth less each time.
        let mut rule = after(5000);
        assert_eq!(answer(&mut rule, 4000, None), (1, Reason::BufferHigh, 0.9));
        assert_eq!(answer(&mut rule, 4000, Some(1)), (1, Reason::BufferHigh, 0.81));
        rule.on_seek();
        assert_eq!(rule.placeholder, 0.0);
        assert_eq!(answer(&mut rule, 1000, Some(1)), (0, Reason::BufferHigh, 0.0), "only from the lowest rung");
        assert_eq!(answer(&mut rule, 1000, Some(0)), (0, Reason::BufferLow, 3.6));
        // No more than there is room below the goal.
        rule.placeholder = 9.0;
        assert_eq!(answer(&mut rule, 18_000, Some(3)).2, 2.0);
        assert_eq!(answer(&mut rule, 30_000, Some(3)).2, 0.0);
    }

    #[test]
    fn reasons_and_bounds_have_their_borders() {
        let mut rule = after(10_000);
        rule.placeholder = 4.0;
        // 8 Mbit at 10 Mbit/s need 1.6 s of buffer; 3.6 s of it are virtual.
        assert_eq!(answer(&mut rule, 1600, Some(1)), (2, Reason::StartUp, 3.6));
        rule.placeholder = 4.0;
        assert_eq!(answer(&mut rule, 1599, Some(1)), (1, Reason::BufferLow, 3.6));
        rule.placeholder = 4.0;
        assert_eq!(answer(&mut rule, 3600, Some(1)).1, Reason::BufferHigh, "as much as is there");
        // A climb beyond the sustainable rung stops there, or where it was.
        let held = |kbps, last| {
            let (rung, reason, _) = answer(&mut after(kbps), 15_000, last);
            (rung, reason)
        };
        assert_eq!([held(2500, Some(0)), held(2500, Some(2))], [(1, Reason::Hold), (2, Reason::Hold)]);
        assert_eq!([held(2500, Some(3)), held(9000, Some(2))], [(3, Reason::BufferHigh); 2]);
        assert_eq!(held(2500, None), (3, Reason::BufferHigh));
        assert_eq!(BolaE::new().select(&context(9000, None)).reason, Reason::StartUp);
        assert_eq!(after(9).select(&Context { rungs: &LADDER[..1], ..context(0, None) }).reason, Reason::Only);
    }
}
