//! Makes the decision process from a context and a forecast. No decision is made here.

use super::{
    Tuning,
    value::{LEVELS, Problem, RUNGS, STATES},
};
use crate::{
    Context, Objective,
    estimator::{Outages, Outlook, Sizes},
};

/// Minimum probability of a transition: a smaller one is not worth its time and counts as 0.
const NEGLIGIBLE: f32 = 2e-3;

/// The rungs that a plan chooses among: all that are permitted, or an even selection of them if there are many.
#[derive(Debug, Clone, Copy, Default)]
pub struct CandidateRungs {
    rungs: [usize; RUNGS],
    count: usize,
}

impl CandidateRungs {
    /// The choice that `context` leaves; never empty.
    pub fn new(context: &Context<'_>) -> Self {
        let permitted = || (0..context.rungs.len()).filter(|&rung| context.caps.permits(&context.rungs[rung]));
        let all = permitted().count();
        let mut choice = Self::default();
        for (at, rung) in permitted().enumerate() {
            let wanted = if all <= RUNGS { at } else { choice.count * (all - 1) / (RUNGS - 1) };
            if at == wanted && choice.count < RUNGS {
                choice.rungs[choice.count] = rung;
                choice.count += 1;
            }
        }
        if choice.count == 0 {
            choice.rungs[0] = context.clamp(0);
            choice.count = 1;
        }
        choice
    }

    /// Returns the number of rungs.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Index in the ladder of entry `at`; the last one if there is no such entry.
    pub fn rung(&self, at: usize) -> usize {
        self.rungs[at.min(self.count.max(1) - 1)]
    }

    /// The entry that is `rung`, or the nearest one below it, or the first.
    pub fn nearest(&self, rung: usize) -> usize {
        self.rungs[..self.count].iter().rposition(|&entry| entry <= rung).unwrap_or(0)
    }
}

/// Terms of the objective.
struct Prices {
    /// Value of a unit of quality.
    quality: f32,
    /// Value lost per unit of quality gained or lost between segments.
    rise: f32,
    fall: f32,
    /// Value lost per second without picture.
    stall: f32,
    /// Value lost per segment for each second of latency beyond the target.
    latency: f32,
}

impl Prices {
    fn new(context: &Context<'_>) -> Self {
        let (low, top) = ends(context);
        match context.objective {
            Objective::Linear => {
                let latency = if context.latency.is_some() { 0.05 * top / 1e6 } else { 0.0 };
                Self { quality: 1.0, rise: 1.0, fall: 1.0, stall: top / 1e6, latency }
            }
            Objective::Logarithmic => {
                let stall = (top / low).ln().max(0.1);
                Self { quality: 1.0, rise: 1.0, fall: 1.0, stall, latency: 0.0 }
            }
            Objective::Perceptual => Self { quality: 0.8469, rise: -0.2979, fall: 1.061, stall: 28.7959, latency: 0.0 },
        }
    }
}

/// Lowest and highest rate of the ladder in bits per second.
fn ends(context: &Context<'_>) -> (f32, f32) {
    let rate = |rung: Option<&crate::Rung>| rung.map_or(1.0, |rung| rung.bitrate_bps.max(1) as f32);
    (rate(context.rungs.first()), rate(context.rungs.last()))
}

/// Quality of a rung of which only the rate is known.
fn nominal_quality(objective: Objective, rate: f32, lowest: f32) -> f32 {
    match objective {
        Objective::Linear => rate / 1e6,
        Objective::Logarithmic => (rate / lowest).ln().max(0.0),
        Objective::Perceptual => 100.0 * (1.0 - (-1.35 * (rate / 1.5e6).powf(0.62)).exp()),
    }
}

/// Fills `problem` for the segment that `context` asks about.
pub fn fill(
    problem: &mut Problem,
    context: &Context<'_>,
    choice: &CandidateRungs,
    outlook: &Outlook,
    outages: Outages,
    sizes: &Sizes,
    tuning: &Tuning,
) {
    let speed = context.playback_rate() as f32;
    let segment = context.segment_duration.as_secs_f32().clamp(0.05, 60.0);
    let left = context.segments_left.map_or(f32::MAX, |left| left.max(1) as f32);
    let prices = Prices::new(context);
    let capacity = match context.latency {
        Some(live) => live.latency.max(live.target),
        None => context.buffer_goal,
    };
    problem.rungs = choice.len();
    problem.stages = tuning.stages.clamp(1, problem.sizes.len()).min(left.min(1e3) as usize);
    problem.segment = segment;
    problem.buffer_cap = (capacity.as_secs_f32() - segment).clamp(2.0 * segment, tuning.buffer_cap.max(2.0) * segment);
    problem.ttfb = outlook.ttfb as f32 * speed;
    problem.abandon_delay = tuning.abandon_delay * speed;
    problem.stall_penalty = tuning.stall_penalty;
    problem.rise = prices.rise;
    problem.fall = prices.fall;
    problem.change = tuning.change * prices.stall;
    let stays = (tuning.latency_stays / segment).min(left);
    // Per second of media: at twice the speed a segment is watched for half as long and is worth half as much.
    problem.stall = prices.stall + prices.latency * stays;
    problem.tail = (left - problem.stages as f32).clamp(0.0, tuning.tail);
    qualities(problem, context, choice, sizes, &prices);
    let mut outlook = *outlook;
    if !context.has_sizes() {
        // A segment that is larger than expected takes as long as one on a slower link.
        let variance = f64::from(sizes.variance());
        outlook.down = outlook.down.hypot(variance.sqrt());
        outlook.up = outlook.up.hypot(variance.sqrt());
    }
    let outlook = &outlook;
    link(problem, context, outlook, outages, tuning, speed);
}

fn qualities(problem: &mut Problem, context: &Context<'_>, choice: &CandidateRungs, sizes: &Sizes, prices: &Prices) {
    let (lowest, _) = ends(context);
    problem.quality_price = prices.quality;
    for at in 0..problem.rungs {
        let rung = choice.rung(at);
        let rate = context.rungs.get(rung).map_or(1.0, |rung| rung.bitrate_bps.max(1) as f32);
        problem.tail_rates[at] = rate;
        problem.tail_quality[at] = nominal_quality(context.objective, rate, lowest);
        for stage in 0..problem.stages {
            let ratio = if context.has_sizes_ahead(stage) { 1.0 } else { sizes.ratio(stage) };
            problem.sizes[stage][at] = context.bytes_ahead(stage, rung) as f32 * 8.0 * ratio;
            let known = context.quality_ahead(stage, rung).filter(|_| context.objective == Objective::Perceptual);
            let known = known.filter(|quality| quality.is_finite()).map(|quality| quality.clamp(0.0, 100.0));
            problem.quality[stage][at] = known.unwrap_or(problem.tail_quality[at]);
        }
    }
}

/// Sets the states of the link, the initial distribution and the transition matrix.
fn link(
    problem: &mut Problem,
    context: &Context<'_>,
    outlook: &Outlook,
    outages: Outages,
    tuning: &Tuning,
    speed: f32,
) {
    problem.outage_rate = outages.per_second * tuning.outage_share / speed;
    problem.outage_length = outages.length * speed;
    let (down, up) = (outlook.down as f32, outlook.up as f32);
    let spacing = (down.max(up) * tuning.spacing).clamp(0.05, 0.6);
    let offset = |state: usize| (state as f32 + 1.0 - tuning.below) * spacing;
    let level = outlook.level as f32;
    let home = outlook.home as f32 - level;
    // The reserved rate of other streams is not for this ladder, but a tenth of the link always is.
    let reserved = context.reserved_bps as f32;
    let rate = |offset: f32| {
        let rate = (level + offset).exp();
        (rate - reserved).max(rate * 0.1) / speed
    };
    let transition_row = |mean: f32| {
        let mut row = [0.0; STATES];
        for (state, probability) in row.iter_mut().enumerate().take(LEVELS) {
            let distance = offset(state) - mean;
            let deviation = if distance < 0.0 { down } else { up };
            *probability = (-0.5 * (distance / deviation.max(spacing * 0.5)).powi(2)).exp();
        }
        // Far below the lowest state every density is nought; it is then as good as there.
        row[0] += 1e-9;
        let total: f32 = row.iter().sum();
        for probability in &mut row {
            *probability /= total;
            if *probability < NEGLIGIBLE {
                *probability = 0.0;
            }
        }
        row
    };
    problem.tail_sigma = tuning.tail_spread * 0.5 * (down + up);
    let persistence = 1.0 - (1.0 - tuning.persistence) * outlook.settled as f32;
    problem.initial = transition_row(0.0);
    for state in 0..LEVELS {
        let offset = offset(state);
        problem.rates[state] = rate(offset);
        problem.transitions[state] = transition_row(home + (offset - home) * persistence);
        problem.tail_link_rates[state] = rate(home * tuning.tail_home + offset * (1.0 - tuning.tail_home));
    }
    // After a rise the link stays where it is.
    let rise = (outlook.rise.to - outlook.level) as f32;
    let reached = rise >= tuning.rise;
    problem.recovery_rate = if reached { outlook.rise.per_second as f32 / speed } else { 0.0 };
    let rise = if reached { rise } else { 0.0 };
    problem.rates[LEVELS] = rate(rise);
    problem.transitions[LEVELS] = std::array::from_fn(|state| if state == LEVELS { 1.0 } else { 0.0 });
    problem.tail_link_rates[LEVELS] = rate(home * tuning.tail_home + rise * (1.0 - tuning.tail_home));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Caps, Rung, estimator::Rise};
    use std::time::Duration;

    #[test]
    fn a_long_ladder_keeps_its_ends_and_a_capped_one_its_caps() {
        let ladder: Vec<Rung> = (1..=40).map(|step| Rung::new(step * 100_000)).collect();
        let context = Context::new(&ladder, Duration::from_secs(4));
        let choice = CandidateRungs::new(&context);
        assert_eq!((choice.len(), choice.rung(0), choice.rung(RUNGS - 1)), (RUNGS, 0, 39));
        assert!((1..RUNGS).all(|at| choice.rung(at) > choice.rung(at - 1)));
        let capped = Context { caps: Caps { max_height: None, max_bitrate_bps: Some(350_000) }, ..context };
        let choice = CandidateRungs::new(&capped);
        assert_eq!((choice.len(), choice.rung(9), choice.nearest(39), choice.nearest(1)), (3, 2, 2, 1));
        let none = Context { caps: Caps { max_height: None, max_bitrate_bps: Some(1) }, ..capped };
        assert_eq!((CandidateRungs::new(&none).len(), CandidateRungs::new(&none).rung(0)), (1, 0));
    }

    #[test]
    fn probabilities_add_up_to_one_or_nearly() {
        let ladder = [Rung::new(500_000), Rung::new(2_000_000)];
        let context = Context::new(&ladder, Duration::from_secs(4));
        let mut problem = Problem::new();
        for (down, up, home) in [(0.01, 0.01, 14.0), (0.4, 0.1, 10.0), (3.0, 3.0, 18.0)] {
            let outlook = Outlook { level: 14.0, home, down, up, ttfb: 0.05, settled: 1.0, rise: Rise::default() };
            let outages = Outages { per_second: 0.01, length: 5.0 };
            fill(
                &mut problem,
                &context,
                &CandidateRungs::new(&context),
                &outlook,
                outages,
                &Sizes::new(),
                &Tuning::DEFAULT,
            );
            for row in problem.transitions.iter().chain([&problem.initial]) {
                let total: f32 = row.iter().sum();
                assert!((0.98..=1.001).contains(&total), "{total} in {row:?}");
            }
        }
    }

    #[test]
    fn playback_at_another_rate_sees_the_link_in_media_time() {
        let ladder = [Rung::new(500_000), Rung::new(2_000_000)];
        let context = Context::new(&ladder, Duration::from_secs(4));
        let rise = Rise { to: 15.0, per_second: 0.1 };
        let outlook = Outlook { level: 14.0, home: 13.0, down: 0.2, up: 0.2, ttfb: 0.05, settled: 0.5, rise };
        let outages = Outages { per_second: 0.01, length: 5.0 };
        let at = |speed: f32| {
            let mut problem = Problem::new();
            link(&mut problem, &context, &outlook, outages, &Tuning::DEFAULT, speed);
            problem
        };
        let (plain, fast) = (at(1.0), at(2.0));
        // A wall-clock second holds two seconds of media: rates per second halve, and lengths double.
        let halves = [
            (plain.outage_rate, fast.outage_rate),
            (plain.recovery_rate, fast.recovery_rate),
            (plain.rates[0], fast.rates[0]),
            (plain.rates[LEVELS], fast.rates[LEVELS]),
            (plain.tail_link_rates[0], fast.tail_link_rates[0]),
            (plain.tail_link_rates[LEVELS], fast.tail_link_rates[LEVELS]),
            (fast.outage_length, plain.outage_length),
        ];
        for (number, (whole, half)) in halves.into_iter().enumerate() {
            assert!(whole > 0.0 && (whole - 2.0 * half).abs() < whole * 1e-5, "{number}: {whole} {half}");
        }
        assert_eq!((plain.initial, plain.transitions), (fast.initial, fast.transitions));
    }
}
