//! The default rule: a plan of the next segments over likely futures of the link.
//!
//! The control problem is that of Yin, Jindal, Sekar, Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video
//! Streaming over HTTP", SIGCOMM 2015 (§3 states the objective, §4 plans over a horizon with one predicted rate). Here
//! the link is not one number but a Markov chain over likely rates, and the plan is a policy found by backward induction,
//! as in Yan et al.: "Learning in situ: a randomized experiment in video streaming" (Fugu), NSDI 2020, §4.
//!
//! Added here:
//!
//! - States of the link persist and return to a home level; deviations are measured in this session, downward and
//!   upward apart.
//! - The plan includes abandonment: a transfer that goes badly is given up after the abandon delay, so that a high rung
//!   risks less than it seems.
//! - A link that was seen to rise for good recovers again at the rate that was counted.
//! - The plan ends with the film, and live sessions pay for latency.
//! - A running transfer is compared with lower rungs by the value function that chose it. Where sizes are not announced,
//!   the first answer reveals them and the plan is made again.

mod flight;
mod problem;
mod tuning;
mod value;

use std::time::Duration;

pub use tuning::Tuning;

use crate::{
    Context, Decision, EXPLAINED, Explanation, History, InFlight, Phase, Reason, Rule, Transfer, Verdict,
    estimator::{Forecast, Sizes},
    rule::{candidate, first_picture},
};
use flight::Flight;
use problem::CandidateRungs;
use value::{Problem, RUNGS, Values};

/// Time for which advice to give a transfer up waits for the decision that follows it.
const ADVICE: Duration = Duration::from_millis(250);

/// Plans over likely futures of the link; [`crate::default_rule`] makes it.
#[derive(Debug, Clone)]
pub struct Planner {
    tuning: Tuning,
    forecast: Forecast,
    choice: CandidateRungs,
    problem: Box<Problem>,
    values: Values,
    /// True if `problem` and `values` are about the segment that is in flight.
    planned: bool,
    /// Value of each entry of `choice` at the latest decision.
    action_values: [f32; RUNGS],
    flight: Flight,
    sizes: Sizes,
    /// True if the size of the segment asked for last is in `sizes`.
    sized: bool,
    /// True if the segment in flight was chosen for its first picture, and not by the plan.
    hurried: bool,
    /// The rung that was advised in place of a running transfer, and when.
    advised: Option<(Duration, usize)>,
}

impl Default for Planner {
    fn default() -> Self {
        Self::new()
    }
}

impl Planner {
    /// A rule that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Tuning::DEFAULT)
    }

    /// A rule with other constants, for experiments.
    #[must_use]
    pub fn with(tuning: Tuning) -> Self {
        Self {
            tuning,
            forecast: Forecast::new(tuning.forecast),
            choice: CandidateRungs::default(),
            problem: Box::new(Problem::new()),
            values: Values::new(),
            planned: false,
            action_values: [f32::NEG_INFINITY; RUNGS],
            flight: Flight::new(tuning.pace),
            sizes: Sizes::new(),
            sized: false,
            hurried: false,
            advised: None,
        }
    }

    /// Plans, and returns the best rung; `None` while nothing is known about the link.
    fn plan(&mut self, context: &Context<'_>) -> Option<usize> {
        let outlook = self.forecast.outlook()?;
        self.choice = CandidateRungs::new(context);
        let outages = self.flight.outages();
        problem::fill(&mut self.problem, context, &self.choice, &outlook, outages, &self.sizes, &self.tuning);
        self.values.solve(&self.problem);
        self.planned = true;
        let from = context.last.map(|last| self.choice.nearest(last));
        self.flight.begin(from, outlook.level.exp() as f32, context);
        let buffer = context.buffer.as_secs_f32().min(self.problem.buffer_cap);
        let values = self.values.of_requests(&self.problem, buffer);
        let mut best = (f32::NEG_INFINITY, 0);
        self.action_values = [f32::NEG_INFINITY; RUNGS];
        for (entry, value) in values.iter().enumerate().take(self.problem.rungs) {
            let value = value - from.map_or(0.0, |from| self.problem.change_of_rung(from, entry));
            self.action_values[entry] = value;
            if value > best.0 {
                best = (value, entry);
            }
        }
        Some(self.choice.rung(best.1))
    }

    /// Returns the rung of a segment whose first picture is waited for; `None` of any other, and while nothing is known
    /// about the link.
    fn first_picture(&self, context: &Context<'_>) -> Option<usize> {
        let outlook = self.forecast.outlook()?;
        first_picture::choose(context, outlook.level.exp(), outlook.ttfb)
    }

    /// Plans again once the size of the segment in flight reveals its size at every rung.
    ///
    /// Returns the rung, higher or lower, that is worth beginning again for.
    fn reconsider(&mut self, in_flight: &InFlight, context: &Context<'_>, size: u64) -> Option<usize> {
        let outlook = self.forecast.outlook()?;
        let outages = self.flight.outages();
        let entry = self.choice.nearest(in_flight.rung);
        if self.choice.rung(entry) != in_flight.rung {
            return None;
        }
        problem::fill(&mut self.problem, context, &self.choice, &outlook, outages, &self.sizes, &self.tuning);
        self.values.solve(&self.problem);
        let buffer = in_flight.buffer.as_secs_f32().min(self.problem.buffer_cap);
        let price = |entry: usize| self.flight.from().map_or(0.0, |from| self.problem.change_of_rung(from, entry));
        let again = self.values.of_requests(&self.problem, buffer);
        let own_price = price(entry);
        let mut best = (f32::NEG_INFINITY, entry);
        for (other, value) in again.iter().enumerate().take(self.problem.rungs) {
            let value = value - price(other);
            if other != entry && value > best.0 {
                best = (value, other);
            }
        }
        // The running transfer needs the rest only, and its first byte has arrived.
        let (whole, ttfb) = (self.problem.sizes[0][entry], self.problem.ttfb);
        self.problem.sizes[0][entry] = size.saturating_sub(in_flight.received) as f32 * 8.0;
        self.problem.ttfb = 0.0;
        let own = self.values.of_requests(&self.problem, buffer)[entry] - own_price;
        (self.problem.sizes[0][entry], self.problem.ttfb) = (whole, ttfb);
        (best.0 > own + self.tuning.resize_gain * self.problem.stall).then(|| self.choice.rung(best.1))
    }

    fn reason(&self, context: &Context<'_>, rung: usize) -> Reason {
        let top = self.choice.rung(usize::MAX);
        let likely = self.forecast.outlook().map_or(0.0, |outlook| outlook.level.exp());
        let carried = candidate::sustainable(context, likely - context.reserved_bps as f64);
        match context.phase {
            Phase::StartUp | Phase::AfterSeek => Reason::StartUp,
            Phase::Rebuffering => Reason::Panic,
            Phase::Steady if rung == top && carried > top => Reason::Capped,
            Phase::Steady if context.last == Some(rung) => Reason::Hold,
            Phase::Steady if rung > carried => Reason::BufferHigh,
            Phase::Steady if rung < carried => Reason::BufferLow,
            Phase::Steady => Reason::Throughput,
        }
    }
}

impl Rule for Planner {
    fn name(&self) -> &'static str {
        "default"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        let advised = self.advised.take();
        if context.rungs.len() <= 1 {
            return Decision::new(0, Reason::Only);
        }
        let again = advised.is_some_and(|(at, _)| context.now.saturating_sub(at) <= ADVICE);
        if !again {
            self.sizes.advance();
            self.sized = false;
        }
        let planned = self.plan(context);
        let soon = self.first_picture(context);
        self.hurried = soon.is_some();
        if let Some((at, rung)) = advised
            && context.now.saturating_sub(at) <= ADVICE
            && rung < context.rungs.len()
        {
            return candidate::within_caps(context, rung, Reason::Abandoned);
        }
        match soon.or(planned) {
            Some(rung) => Decision::new(rung, self.reason(context, rung)),
            None => Decision::new(context.clamp(0), Reason::StartUp),
        }
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.forecast.observe(transfer);
        if !transfer.cached {
            let bytes = transfer.bytes.saturating_add(transfer.others);
            self.flight.observe(transfer.duration.as_secs_f32(), bytes as f32 * 8.0);
        }
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        self.advised = None;
        if let Some(size) = in_flight.size
            && !self.sized
            && in_flight.rung < context.rungs.len()
        {
            self.sizes.observe(size as f32, context.nominal_bytes(in_flight.rung) as f32);
            self.sized = true;
            // Beginning again would cost what the choice for the first picture gained.
            if self.planned
                && !self.hurried
                && !context.has_sizes()
                && let Some(rung) = self.reconsider(in_flight, context, size)
                && context.clamp(rung) == rung
            {
                self.advised = Some((in_flight.now, rung));
                return Verdict::AbandonTo(rung);
            }
        }
        if !self.planned || in_flight.rung >= context.rungs.len() {
            return Verdict::Continue;
        }
        if self.hurried && context.first_picture.is_some() {
            let usual = self.forecast.outlook().map_or(0.0, |outlook| outlook.ttfb);
            let Some(rung) = first_picture::judge(context, in_flight, usual) else { return Verdict::Continue };
            self.advised = Some((in_flight.now, rung));
            return Verdict::AbandonTo(rung);
        }
        let plan = (&*self.problem, &self.values, &self.choice);
        let Some(entry) = self.flight.best_replacement(in_flight, context, plan, &self.tuning) else {
            return Verdict::Continue;
        };
        let rung = self.choice.rung(entry);
        if context.clamp(rung) != rung {
            return Verdict::Continue;
        }
        self.advised = Some((in_flight.now, rung));
        Verdict::AbandonTo(rung)
    }

    fn on_seek(&mut self) {
        self.advised = None;
        self.planned = false;
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.forecast.outlook().map(|outlook| (outlook.level - outlook.down).exp() as u64)
    }

    fn explain(&self) -> Option<Explanation> {
        let outlook = self.forecast.outlook().filter(|_| self.planned)?;
        let outages = self.flight.outages();
        let best = self.action_values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut rungs = [None; EXPLAINED];
        for (entry, (slot, worth)) in rungs.iter_mut().zip(self.action_values).enumerate().take(self.problem.rungs) {
            *slot = Some((self.choice.rung(entry), f64::from((worth - best) / self.problem.stall)));
        }
        Some(Explanation {
            likely_bps: outlook.level.exp(),
            home_bps: outlook.home.exp(),
            down: outlook.down.exp(),
            up: outlook.up.exp(),
            outages_per_minute: f64::from(outages.per_second) * 60.0,
            outage_seconds: f64::from(outages.length),
            rungs,
        })
    }

    fn seed(&mut self, history: &History) {
        self.forecast.seed(history);
    }
}

#[cfg(test)]
mod tests;
