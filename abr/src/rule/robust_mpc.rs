//! RobustMPC: the best sequence of the next five segments at one cautious prediction.
//!
//! Yin, Jindal, Sekar, Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over HTTP", SIGCOMM
//! 2015, §4.3: the harmonic mean of the last five rates, divided by one plus the largest of their recent relative errors.
//! The search is exhaustive up to pruning: a branch that cannot beat the best one any more is left.

use crate::{
    Context, Decision, History, InFlight, Reason, Rule, Transfer, Verdict, abandon, estimator::Bandwidth,
    rule::candidate,
};

/// Number of segments planned.
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

/// The search: its constants, and the best plan so far.
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
        let speed = context.playback_rate();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;
    use std::time::Duration;

    const LADDER: [Rung; 3] = [Rung::new(500_000), Rung::new(1_500_000), Rung::new(4_000_000)];

    fn transfer(kbps: u64) -> Transfer {
        Transfer {
            at: Duration::ZERO,
            bytes: kbps * 125,
            ttfb: Duration::from_millis(60),
            duration: Duration::from_secs(1),
            cached: false,
            concurrent: 1,
            others: 0,
        }
    }

    fn after(rates: &[u64]) -> RobustMpc {
        let mut rule = RobustMpc::new();
        rates.iter().for_each(|&kbps| rule.on_transfer(&transfer(kbps)));
        rule
    }

    #[test]
    fn a_prediction_is_the_harmonic_mean_over_the_worst_error() {
        let bps = |rates: &[u64]| after(rates).estimate_bps();
        assert_eq!([bps(&[]), bps(&[3000])], [None, Some(3_000_000)]);
        // 3 was predicted and 6 observed: half of that is the error; the mean of both is 4.
        assert_eq!(bps(&[3000, 6000]), Some(2_666_666));
        // 4 predicted and 2 observed is an error of one; the mean is 3.
        assert_eq!(bps(&[3000, 6000, 2000]), Some(1_500_000));
        // Five rates and errors are remembered.
        let calm = [3000, 6000, 2000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000, 3000];
        assert_eq!([bps(&calm[..12]), bps(&calm)], [Some(2_750_000), Some(3_000_000)]);
        let mut rule = RobustMpc::new();
        rule.on_transfer(&Transfer { cached: true, ..transfer(9000) });
        rule.on_transfer(&Transfer { bytes: 0, ..transfer(9000) });
        assert_eq!(rule.estimate_bps(), None);
        rule.on_transfer(&Transfer { duration: Duration::ZERO, ..transfer(9) });
        assert_eq!(rule.estimate_bps(), Some(9_000_000), "no time is a millisecond");
    }

    /// The first rung of the best of all sequences, each of them valued in full.
    fn best(context: &Context<'_>, rate: f64, ttfb: f64) -> usize {
        let quality = |rung: usize| context.rungs[rung].bitrate_bps as f64 / 1e6;
        let value = |sequence: usize| {
            let (mut buffer, mut last, mut value) = (context.buffer.as_secs_f64(), context.last, 0.0);
            let mut rest = sequence;
            for depth in 0..HORIZON {
                // The digits of a number with three digits each, the highest rung first.
                let rung = 2 - rest / 3_usize.pow((HORIZON - 1 - depth) as u32);
                rest %= 3_usize.pow((HORIZON - 1 - depth) as u32);
                let time = ttfb + context.bytes_ahead(depth, rung) as f64 * 8.0 / rate;
                value += quality(rung) - last.map_or(0.0, |last| (quality(rung) - quality(last)).abs());
                value -= quality(2) * (time - buffer).max(0.0);
                buffer = (buffer - time).max(0.0) + context.segment_duration.as_secs_f64();
                last = Some(rung);
            }
            value
        };
        let all = 3_usize.pow(HORIZON as u32);
        let best = (0..all).fold((f64::NEG_INFINITY, 0), |best, sequence| {
            let value = value(sequence);
            if value > best.0 { (value, sequence) } else { best }
        });
        2 - best.1 / 3_usize.pow(HORIZON as u32 - 1)
    }

    #[test]
    fn the_search_finds_what_trying_everything_finds() {
        let sizes: Vec<u64> =
            [90, 130, 70, 110, 100].iter().flat_map(|percent| [2500, 7500, 20_000].map(|kb| kb * percent)).collect();
        let mut found = [0; 3];
        for kbps in [400, 900, 1600, 2600, 4200, 9000] {
            for buffer in [0, 1500, 4000, 9000, 20_000] {
                for (last, rate) in [(None, 1.0), (Some(0), 1.0), (Some(1), 2.0), (Some(2), 1.0)] {
                    let context = Context {
                        buffer: Duration::from_millis(buffer),
                        last,
                        rate,
                        reserved_bps: 100_000,
                        next_sizes: (kbps > 1000).then_some(&sizes),
                        ..Context::new(&LADDER, Duration::from_secs(4))
                    };
                    let chosen = after(&[kbps]).select(&context).representation;
                    let speed = f64::from(rate);
                    let link = (kbps as f64 * 1e3 - 1e5) / speed;
                    assert_eq!(chosen, best(&context, link, 0.06 * speed), "{kbps} {buffer} {last:?}");
                    found[chosen] += 1;
                }
            }
        }
        assert!(found.iter().all(|count| *count > 5), "{found:?}");
    }
}
