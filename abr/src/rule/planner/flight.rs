//! A running transfer: how fast it is, and whether it is worth more given up.

use std::time::Duration;

use super::{
    Tuning,
    problem::Choice,
    value::{LEVELS, Problem, Values},
};
use crate::{
    Context, InFlight,
    estimator::{Outages, Pace, PaceTuning},
    rule::candidate,
};

/// Rates that the rest of a transfer may meet: deviations from the present rate, and their weights.
const LIKELY: [(f32, f32); 5] = [(-1.3, 0.15), (-0.6, 0.2), (0.0, 0.3), (0.6, 0.2), (1.3, 0.15)];
/// A transfer that ends with this share of the buffer at the present rate is left alone without a closer look.
const SURELY: f32 = 0.3;

/// Segments' worth of time between two transfers that count as watched: after a longer pause nothing is known.
const MOST_REST: u32 = 2;

/// What is in flight, and the pace of the link.
#[derive(Debug, Clone, Copy)]
pub struct Flight {
    /// Entry of the rung shown before, if any.
    from: Option<usize>,
    /// Seconds since the first byte was due, and bits, that were noted of it.
    seconds: f32,
    bits: f32,
    /// Time at which it began.
    began: Duration,
    pace: Pace,
}

impl Flight {
    /// Nothing is in flight and nothing is known.
    pub fn new(tuning: PaceTuning) -> Self {
        Self { from: None, seconds: 0.0, bits: 0.0, began: Duration::ZERO, pace: Pace::new(tuning) }
    }

    /// A transfer follows one at `from` and is expected to run at `rate`.
    pub fn begin(&mut self, from: Option<usize>, rate: f32, context: &Context<'_>) {
        let since = context.now.saturating_sub(self.began).min(context.segment_duration.saturating_mul(MOST_REST));
        self.pace.rest(since.as_secs_f32() - self.seconds);
        (self.from, self.seconds, self.bits, self.began) = (from, 0.0, 0.0, context.now);
        let lowest = context.rungs.first().map_or(f32::MAX, |rung| rung.bitrate_bps as f32);
        self.pace.begin(rate, lowest);
    }

    /// Notes that `bits` have arrived `seconds` after the first of them was due.
    pub fn note(&mut self, seconds: f32, bits: f32) {
        if seconds < self.seconds || bits < self.bits {
            // Another transfer of the same segment.
            (self.seconds, self.bits) = (0.0, 0.0);
        }
        self.pace.note(seconds - self.seconds, bits - self.bits);
        (self.seconds, self.bits) = (seconds, bits);
    }

    /// Entry of the rung shown before the segment in flight.
    pub const fn from(&self) -> Option<usize> {
        self.from
    }

    /// What is believed of outages.
    pub fn outages(&self) -> Outages {
        self.pace.outages()
    }

    /// The entry of `choice` that should replace the transfer, if one should.
    pub fn judge(
        &mut self,
        in_flight: &InFlight,
        context: &Context<'_>,
        (problem, values, choice): (&Problem, &Values, &Choice),
        tuning: &Tuning,
    ) -> Option<usize> {
        let entry = choice.nearest(in_flight.rung);
        if entry == 0 || entry >= problem.rungs || choice.rung(entry) != in_flight.rung {
            return None;
        }
        let speed = candidate::playback_rate(context) as f32;
        let size = in_flight.size.map_or(problem.sizes[0][entry], |bytes| bytes as f32 * 8.0);
        let received = in_flight.received as f32 * 8.0;
        // While nothing has come, the time beyond the usual one counts as time in which nothing came.
        let silent = in_flight.ttfb.map_or(problem.ttfb / speed, |ttfb| ttfb.as_secs_f32());
        self.note((in_flight.elapsed.as_secs_f32() - silent).max(0.0), received);
        let rest = (size - received).max(0.0);
        let rate = self.pace.rate(rest) / speed;
        let buffer = in_flight.buffer.as_secs_f32() - tuning.reserve;
        if rest / rate < buffer * SURELY {
            return None;
        }
        let value = |rung: usize, bits: f32, wait: f32| {
            let mut value = problem.quality_price * problem.quality[0][rung];
            if let Some(from) = self.from {
                value -= problem.change_of_rung(from.min(problem.rungs - 1), rung);
            }
            for (deviation, weight) in LIKELY {
                let rate = rate * (deviation * tuning.flight_sigma).exp();
                let state = (1..LEVELS).rev().find(|&state| problem.rates[state] <= rate * 1.1).unwrap_or(0);
                value += weight * values.landed(rung, state, buffer - wait - bits / rate);
            }
            value
        };
        let mut best = (value(entry, rest, 0.0) + tuning.abandon_gain * problem.stall, None);
        for rung in 0..entry {
            let bits = if context.knows_sizes() {
                problem.sizes[0][rung]
            } else {
                size * problem.tail_rates[rung] / problem.tail_rates[entry]
            };
            let value = value(rung, bits, problem.ttfb);
            if value > best.0 {
                best = (value, Some(rung));
            }
        }
        best.1
    }
}
