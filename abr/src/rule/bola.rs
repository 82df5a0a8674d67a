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
    /// True if the buffer has carried BOLA's choice up to the sustainable rung.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;
    use std::time::Duration;

    const LADDER: [Rung; 4] = [Rung::new(500_000), Rung::new(1_000_000), Rung::new(2_000_000), Rung::new(4_000_000)];

    fn context(buffer: u64) -> Context<'static> {
        Context { buffer: Duration::from_secs(buffer), ..Context::new(&LADDER, Duration::from_secs(4)) }
    }

    fn after(kbps: u64) -> Bola {
        let mut rule = Bola::new();
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

    #[test]
    fn the_lowest_rung_is_left_at_the_reservoir_and_the_highest_reached_below_the_goal() {
        // A goal of 30 s: a reservoir of 7.5, and full at 22; between them 14.5 for a utility of ln 8.
        let parameters = Parameters::new(&context(0), 8.0);
        assert!((parameters.v * parameters.gamma - 7.5).abs() < 1e-9);
        assert!((parameters.v * (8_f64.ln() + parameters.gamma) - 22.0).abs() < 1e-9);
        // A goal of a minute has a reservoir of ten seconds, and one of 12 s is full at a reservoir and a half.
        let of = |goal, segment| {
            let goal = Duration::from_secs(goal);
            let context = Context { buffer_goal: goal, ..Context::new(&LADDER, Duration::from_secs(segment)) };
            let parameters = Parameters::new(&context, 8.0);
            let at = [0.0, 8_f64.ln()].map(|utility| parameters.v * (utility + parameters.gamma));
            at.map(|seconds| (seconds * 1e6).round() / 1e6)
        };
        assert_eq!([of(60, 4), of(12, 4), of(1, 4)], [[10.0, 52.0], [3.0, 4.5], [3.0, 4.5]]);
        // Where two rungs are worth the same, (V(u + γ) − buffer) / size, the higher one is chosen from there on: by
        // V(2(u₀ + γ) − u₁ − γ) for neighbours that double.
        let v = 14.5 / 8_f64.ln();
        let border = |rung: i32| v * (f64::from(rung - 1) * 2_f64.ln() * 2.0 - f64::from(rung) * 2_f64.ln()) + 7.5;
        for rung in 1..4 {
            let at = border(rung);
            let around = [at - 1e-6, at + 1e-6].map(|buffer| choose(&context(0), buffer));
            assert_eq!(around, [rung as usize - 1, rung as usize], "{at}");
        }
        assert_eq!([choose(&context(0), 0.0), choose(&context(0), 900.0)], [0, 3]);
        assert_eq!(choose(&Context { rungs: &[], ..context(0) }, 5.0), 0);
    }

    #[test]
    fn the_link_decides_until_the_buffer_has_carried_the_choice_that_far() {
        let answer = |rule: &mut Bola, buffer| {
            let decision = rule.select(&context(buffer));
            (decision.representation, decision.reason)
        };
        assert_eq!(answer(&mut Bola::new(), 9), (0, Reason::StartUp), "nothing is known");
        // 0.9 of 2.3 Mbit/s carry the third rung.
        let mut rule = after(2300);
        let sustained = (2, Reason::StartUp);
        assert_eq!([answer(&mut rule, 1), answer(&mut rule, 7)], [sustained; 2]);
        assert_eq!(answer(&mut rule, 9), (2, Reason::BufferHigh));
        assert_eq!(answer(&mut rule, 1), (0, Reason::BufferLow), "from here on the buffer alone");
        assert_eq!(answer(&mut rule, 20), (3, Reason::BufferHigh));
        rule.on_seek();
        assert_eq!(answer(&mut rule, 1), sustained);
        assert_eq!(rule.select(&Context { rungs: &LADDER[..1], ..context(1) }).reason, Reason::Only);
    }
}
