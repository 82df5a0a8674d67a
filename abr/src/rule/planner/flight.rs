//! A running transfer: how fast it is, and whether it is worth more given up.

use std::time::Duration;

use super::{
    Tuning,
    problem::CandidateRungs,
    value::{LEVELS, Problem, Values},
};
use crate::{
    Context, InFlight,
    estimator::{Outages, Pace, PaceTuning},
};

/// Rates that the rest of a transfer may meet: deviations from the present rate, and their weights.
const LIKELY: [(f32, f32); 5] = [(-1.3, 0.15), (-0.6, 0.2), (0.0, 0.3), (0.6, 0.2), (1.3, 0.15)];
/// Share of the buffer within which a transfer at the present rate may end without being examined further.
const SURELY: f32 = 0.3;

/// Segments' worth of time between two transfers that count as watched: after a longer pause nothing is known.
const MOST_REST: u32 = 2;

/// The transfer in flight, and the pace of the link.
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
        self.pace.pass_idle_time(since.as_secs_f32() - self.seconds);
        (self.from, self.seconds, self.bits, self.began) = (from, 0.0, 0.0, context.now);
        let lowest = context.rungs.first().map_or(f32::MAX, |rung| rung.bitrate_bps as f32);
        self.pace.begin(rate, lowest);
    }

    /// Notes that the link has carried `bits` in the `seconds` since the first of the transfer were due.
    pub fn observe(&mut self, seconds: f32, bits: f32) {
        if seconds < self.seconds || bits < self.bits {
            // Another transfer of the same segment.
            (self.seconds, self.bits) = (0.0, 0.0);
        }
        self.pace.observe(seconds - self.seconds, bits - self.bits);
        (self.seconds, self.bits) = (seconds, bits);
    }

    /// Entry of the rung shown before the segment in flight.
    pub const fn from(&self) -> Option<usize> {
        self.from
    }

    /// Returns the expected outages.
    pub fn outages(&self) -> Outages {
        self.pace.outages()
    }

    /// The entry of `choice` that should replace the transfer, if one should.
    pub fn best_replacement(
        &mut self,
        in_flight: &InFlight,
        context: &Context<'_>,
        (problem, values, choice): (&Problem, &Values, &CandidateRungs),
        tuning: &Tuning,
    ) -> Option<usize> {
        let entry = choice.nearest(in_flight.rung);
        if entry == 0 || entry >= problem.rungs || choice.rung(entry) != in_flight.rung {
            return None;
        }
        let speed = context.playback_rate() as f32;
        let size = in_flight.size.map_or(problem.sizes[0][entry], |bytes| bytes as f32 * 8.0);
        let received = in_flight.received as f32 * 8.0;
        // Before the first byte, the time beyond the usual one counts as time in which nothing arrived.
        let silent = in_flight.ttfb.map_or(problem.ttfb / speed, |ttfb| ttfb.as_secs_f32());
        // Other transfers slow this one down as long as they last, and are no sign of a slow link.
        let carried = in_flight.received.saturating_add(in_flight.others) as f32 * 8.0;
        self.observe((in_flight.elapsed.as_secs_f32() - silent).max(0.0), carried);
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
                value += weight * values.value_on_arrival(rung, state, buffer - wait - bits / rate);
            }
            value
        };
        let mut best = (value(entry, rest, 0.0) + tuning.abandon_gain * problem.stall, None);
        for rung in 0..entry {
            let bits = if context.has_sizes() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;

    const LADDER: [Rung; 2] = [Rung::new(500_000), Rung::new(2_000_000)];

    fn begin(flight: &mut Flight, seconds: u64) {
        let now = Duration::from_secs(seconds);
        flight.begin(Some(1), 2e6, &Context { now, ..Context::new(&LADDER, Duration::from_secs(4)) });
    }

    /// Seconds that were watched: what is believed of outages before any was seen is two in 300 s.
    fn watched(flight: &Flight) -> f32 {
        ((2.0 / flight.outages().per_second - 300.0) * 10.0).round() / 10.0
    }

    #[test]
    fn time_between_transfers_is_watched_up_to_two_segments() {
        let mut flight = Flight::new(PaceTuning::DEFAULT);
        begin(&mut flight, 10);
        assert_eq!(watched(&flight), 8.0, "ten seconds since the origin");
        flight.observe(3.0, 6e6);
        assert_eq!(watched(&flight), 11.0);
        begin(&mut flight, 14);
        assert_eq!(watched(&flight), 12.0, "three of four seconds were noted");
        begin(&mut flight, 16);
        assert_eq!(watched(&flight), 14.0);
        begin(&mut flight, 99);
        assert_eq!((watched(&flight), flight.from()), (22.0, Some(1)));
    }

    #[test]
    fn less_than_before_is_another_transfer() {
        let after = |seconds: f32, bits: f32| {
            let mut flight = Flight::new(PaceTuning::DEFAULT);
            begin(&mut flight, 0);
            flight.observe(2.0, 4e6);
            flight.observe(seconds, bits);
            (watched(&flight), flight.seconds, flight.bits)
        };
        assert_eq!(after(5.0, 6e6), (5.0, 5.0, 6e6));
        assert_eq!(after(2.5, 4e6), (2.5, 2.5, 4e6), "half a second without a bit");
        assert_eq!(after(2.0, 6e6), (2.0, 2.0, 6e6), "at the same moment");
        assert_eq!(after(1.0, 6e6), (3.0, 1.0, 6e6));
        assert_eq!(after(5.0, 3e6), (7.0, 5.0, 3e6));
    }
}
