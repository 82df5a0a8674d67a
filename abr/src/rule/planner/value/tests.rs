//! The plan against one that is made point by point, with and without the two shortcuts that change what it is worth.

use super::*;

/// Values by state, rung and point.
type Plain = Vec<Vec<Vec<f32>>>;

/// A plain plan: the problem and the distance of two points.
struct Reference<'a> {
    problem: &'a Problem,
    step: f32,
    /// Every rung has its own outages, and every transfer may be given up: no shortcuts.
    whole: bool,
}

impl Reference<'_> {
    /// Interpolates cubically between points; `column` gives each, also beyond the axis.
    fn between(x: f32, column: impl Fn(i32) -> f32) -> f32 {
        let low = x.floor();
        let [a, b, c, d] = [-1, 0, 1, 2].map(|step| column(low as i32 + step));
        let t = x - low;
        b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
    }

    /// The value of a column at a point, or at its nearer end.
    fn held(column: &[f32], point: i32) -> f32 {
        column[point.clamp(0, POINTS as i32 - 1) as usize]
    }

    /// The value with `x` points, if what is below the duration of a segment has stalled.
    fn stall_cost(&self, column: &[f32], x: f32) -> f32 {
        let full = self.problem.segment / self.step;
        let at_full = Self::between(full, |point| Self::held(column, point));
        let own = Self::between(x.clamp(0.0, (POINTS - 1) as f32), |point| Self::held(column, point));
        own.min(at_full - self.problem.stall * self.step * (full - x))
    }

    /// Returns the value that an outage adds at a point.
    fn lost(&self, column: &[f32], point: i32) -> f32 {
        // The integral over lengths of an exponential density, of a function that is linear between the points.
        let mean = f64::from(self.problem.outage_length.max(0.01) / self.step);
        let stays = (-1.0 / mean).exp();
        let value = |length: i32| f64::from(self.stall_cost(column, (point - length) as f32));
        let nearer = 1.0 - (1.0 - stays) * mean;
        let farther = (1.0 - stays) * mean - stays;
        let mut late = 0.0;
        for length in 0..1000 {
            let weight = stays.powi(length);
            if weight < 1e-12 {
                break;
            }
            late += weight * (value(length) * nearer + value(length + 1) * farther);
        }
        (late - f64::from(self.stall_cost(column, point as f32))) as f32
    }

    /// Value of a transfer from `point`.
    fn arrive(&self, after: &[f32], lost: &[f32], (quality, time): (f32, f32), point: usize) -> f32 {
        let problem = self.problem;
        let likely = |wait: f32| (problem.outage_rate * (time + wait.max(0.0))).min(MOST_LIKELY_OUTAGE);
        let x = (point as f32 + (problem.segment - time) / self.step).max(-(POINTS as f32));
        let value = |at: i32| {
            let wait = (at - POINTS as i32 + 1) as f32 * self.step;
            Self::held(after, at) + lost[at.max(0) as usize] * likely(wait)
        };
        let full = Self::between(problem.segment / self.step, |point| Self::held(after, point));
        let lag = problem.stall * problem.outage_length.max(0.01) * likely(0.0);
        let dry = full - problem.stall * (time - point as f32 * self.step) - lag;
        quality + Self::between(x, value).min(dry)
    }

    fn terminal(&self, state: usize, rung: usize, point: usize) -> f32 {
        let problem = self.problem;
        if problem.tail <= 0.0 {
            return 0.0;
        }
        let mut quality = 0.0;
        for (deviation, weight) in TAIL {
            let ahead = point as f32 * self.step / (problem.tail * problem.segment);
            let rate = problem.tail_link_rates[state] * (deviation * problem.tail_sigma).exp() * (1.0 + ahead);
            let rates = &problem.tail_rates[..problem.rungs];
            quality += weight
                * match rates.iter().rposition(|&carried| carried < rate) {
                    None => {
                        let short = rates[0] / rate.max(rates[0] * 0.02) - 1.0;
                        problem.tail_quality[0] - problem.stall * problem.segment * short / problem.quality_price
                    }
                    Some(low) if low + 1 == problem.rungs => problem.tail_quality[low],
                    Some(low) => {
                        let part = (rate - rates[low]) / (rates[low + 1] - rates[low]);
                        problem.tail_quality[low] + part * (problem.tail_quality[low + 1] - problem.tail_quality[low])
                    }
                };
        }
        let change = problem.change_of_quality(problem.tail_quality[rung], quality);
        problem.quality_price * quality * problem.tail - change
    }

    /// Raises each rung to what giving it up for the best lower one brings.
    fn rescue(&self, stage: usize, state: usize, gains: &mut [Vec<f32>]) {
        let problem = self.problem;
        let shift = problem.abandon_delay / self.step;
        if shift >= (POINTS - 1) as f32 {
            return;
        }
        let mut best = gains[0].clone();
        for (rung, gain) in gains.iter_mut().enumerate().skip(1) {
            let lost = problem.fall * (problem.quality[stage][rung] - problem.quality[stage][rung - 1]).max(0.0);
            let below = best.clone();
            for point in 0..POINTS {
                let late = Self::between(point as f32 - shift, |at| {
                    Self::held(&below, at) + problem.stall * self.step * at.min(0) as f32
                });
                let own = gain[point];
                if self.whole || problem.may_fail(stage, rung, state) {
                    gain[point] = own.max(late - lost);
                }
                best[point] = own.max(below[point] - lost);
            }
        }
    }

    /// Value of `left` seconds when a segment arrives, by the buffer with it; `column` is what follows.
    fn value_on_arrival(&self, column: &[f32], left: f32) -> f32 {
        let problem = self.problem;
        let with = (left.max(0.0) + problem.segment).min(problem.buffer_cap) / self.step;
        let stalled = if left < 0.0 { problem.stall * (problem.stall_penalty - left) } else { 0.0 };
        Self::between(with, |point| Self::held(column, point)) - stalled
    }

    /// Value of fetching each rung with `buffer` seconds ahead: its own, or that of a lower one that it is given up for.
    fn of_requests(&self, after: &Plain, buffer: f32) -> Vec<f32> {
        let problem = self.problem;
        let mut values = vec![0.0; problem.rungs];
        for state in problem.states(0) {
            let lost: Vec<f32> = (0..POINTS as i32).map(|at| self.lost(&after[state][problem.rungs / 2], at)).collect();
            let own = |rung: usize, wait: f32| {
                let time = problem.time(0, rung, state);
                let longer = (buffer + problem.segment - time - problem.buffer_cap).max(0.0);
                let outage = (problem.outage_rate * (time + longer)).min(MOST_LIKELY_OUTAGE);
                let risen = problem.recovery_probability(state, time);
                let left = buffer - time - wait;
                let (own, high) = (&after[state][rung], &after[LEVELS][rung]);
                let clear =
                    self.value_on_arrival(own, left) * (1.0 - risen) + self.value_on_arrival(high, left) * risen;
                let at = ((left.max(0.0) + problem.segment) / self.step).min((POINTS - 1) as f32);
                let loss = outage * Self::between(at, |point| Self::held(&lost, point));
                problem.quality_price * problem.quality[0][rung] + clear + loss
            };
            let falls = |from: usize, to: usize| -> f32 {
                let pairs = problem.quality[0][to..=from].windows(2);
                pairs.map(|pair| problem.fall * (pair[1] - pair[0]).max(0.0)).sum()
            };
            // Only below the highest rung whose transfer may go that badly.
            let slow = |rung: &usize| {
                problem.sizes[0][*rung] - problem.sizes[0][0] > problem.abandon_delay * problem.rates[state]
            };
            let last = (0..problem.rungs).rfind(slow).unwrap_or(0);
            for (rung, value) in values.iter_mut().enumerate() {
                let given_up = (0..rung.min(last)).map(|lower| own(lower, problem.abandon_delay) - falls(rung, lower));
                *value += problem.initial[state] * given_up.fold(own(rung, 0.0), f32::max);
            }
        }
        values
    }

    fn solve(&self) -> Plain {
        let problem = self.problem;
        let each = |value: &dyn Fn(usize, usize, usize) -> f32| -> Plain {
            let column = |state, rung| (0..POINTS).map(|point| value(state, rung, point)).collect();
            (0..STATES).map(|state| (0..problem.rungs).map(|rung| column(state, rung)).collect()).collect()
        };
        let mut after = each(&|state, rung, point| self.terminal(state, rung, point));
        for stage in (1..problem.stages).rev() {
            let column = |state: usize, rung: usize| -> Vec<f32> {
                (0..2 * POINTS as i32).map(|at| self.lost(&after[state][rung], at)).collect()
            };
            // Of one rung for all of them, or of each.
            let of = if self.whole { 0..problem.rungs } else { problem.rungs / 2..problem.rungs / 2 + 1 };
            let lost: Vec<Vec<Vec<f32>>> =
                (0..STATES).map(|state| of.clone().map(|rung| column(state, rung)).collect()).collect();
            let mut gain = each(&|state, rung, point| {
                let time = problem.time(stage, rung, state);
                let risen = problem.recovery_probability(state, time);
                let mixed: Vec<f32> = after[state][rung]
                    .iter()
                    .zip(&after[LEVELS][rung])
                    .map(|(own, high)| own * (1.0 - risen) + high * risen)
                    .collect();
                let quality = problem.quality_price * problem.quality[stage][rung];
                self.arrive(&mixed, &lost[state][rung.min(lost[state].len() - 1)], (quality, time), point)
            });
            for (state, gains) in gain.iter_mut().enumerate() {
                self.rescue(stage, state, gains);
            }
            after = each(&|state, from, point| {
                let (moves, count) = problem.transitions_from(stage, state);
                let worth = |to: usize| {
                    let expected: f32 =
                        moves[..count].iter().map(|&(then, weight)| weight * gain[then][to][point]).sum();
                    let price = problem.change_of_quality(problem.quality[stage - 1][from], problem.quality[stage][to]);
                    expected - price - if from == to { 0.0 } else { problem.change }
                };
                (0..problem.rungs).map(worth).fold(f32::NEG_INFINITY, f32::max)
            });
        }
        after
    }
}

/// Numbers from 0 to 1 that look random.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.throw()
    }

    fn problem(&mut self) -> Problem {
        let mut problem = Problem::new();
        problem.rungs = 1 + (self.throw() * RUNGS as f32) as usize;
        problem.stages = 1 + (self.throw() * STAGES as f32) as usize;
        problem.segment = self.between(0.5, 8.0);
        problem.buffer_cap = problem.segment * self.between(2.0, 40.0);
        problem.ttfb = self.between(0.0, 0.3);
        problem.abandon_delay = self.between(0.3, 2.0);
        problem.stall = self.between(2.0, 10.0);
        problem.quality_price = self.between(0.5, 1.5);
        problem.fall = self.between(0.5, 1.5);
        problem.rise = self.between(-0.3, 1.5).min(problem.fall);
        problem.change = 0.02 * problem.stall;
        problem.stall_penalty = self.between(0.0, 1.0);
        let mut rate = self.between(1e5, 1e6);
        for rung in 0..problem.rungs {
            rate *= self.between(1.2, 2.0);
            problem.tail_rates[rung] = rate;
            problem.tail_quality[rung] = rate / 1e6;
            for stage in 0..STAGES {
                problem.sizes[stage][rung] = rate * problem.segment * (0.7 + 0.1 * stage as f32);
                problem.quality[stage][rung] = rate / 1e6;
            }
        }
        let mut link = problem.tail_rates[0] * self.between(0.3, 2.0);
        for state in 0..STATES {
            link *= self.between(1.1, 1.6);
            problem.rates[state] = link;
            problem.tail_link_rates[state] = link * self.between(0.9, 1.1);
            for then in 0..LEVELS {
                let distance = then as f32 - state as f32;
                problem.transitions[state][then] = (-0.3 * distance * distance).exp();
            }
            let total: f32 = problem.transitions[state].iter().sum();
            problem.transitions[state] = problem.transitions[state].map(|weight| weight / total);
            problem.transitions[state] =
                problem.transitions[state].map(|weight| if weight < 2e-3 { 0.0 } else { weight });
        }
        problem.transitions[LEVELS] = std::array::from_fn(|state| if state == LEVELS { 1.0 } else { 0.0 });
        problem.initial = problem.transitions[LEVELS / 2];
        problem.outage_rate = if self.throw() < 0.3 { 0.0 } else { self.between(0.001, 0.02) };
        problem.outage_length = self.between(0.3, 8.0);
        problem.recovery_rate = if self.throw() < 0.5 { 0.0 } else { self.between(0.001, 0.05) };
        problem.tail = if self.throw() < 0.3 { 0.0 } else { 10.0 };
        problem.tail_sigma = self.between(0.0, 0.8);
        problem
    }
}

/// The largest difference between the plan and a plain one, as a share of a segment's stall and the value.
fn worst(values: &mut Values, problem: &Problem, whole: bool) -> f32 {
    values.solve(problem);
    let plain = Reference { problem, step: problem.step(), whole }.solve();
    let mut worst = 0.0_f32;
    for state in problem.states(0) {
        for (got, wanted) in values.state_values[state].iter().zip(&plain[state]) {
            for (&got, &wanted) in got.0.iter().zip(wanted) {
                let scale = problem.stall * problem.segment + wanted.abs();
                worst = worst.max((got - wanted).abs() / scale);
            }
        }
    }
    worst
}

#[test]
fn a_plan_is_worth_what_a_plain_one_is() {
    let mut values = Values::new();
    let mut exact = 0;
    for seed in 0..24 {
        let worst = worst(&mut values, &Dice(seed).problem(), false);
        assert!(worst < 3e-3, "seed {seed}: {worst}");
        exact += usize::from(worst < 3e-4);
    }
    assert!(exact >= 23, "only {exact} of 24 are exact");
}

#[test]
fn the_shortcuts_cost_little() {
    let mut values = Values::new();
    let mut all: Vec<f32> = (0..6).map(|seed| worst(&mut values, &Dice(seed).problem(), true)).collect();
    all.sort_by(f32::total_cmp);
    assert!(all[3] < 1e-3 && all[5] < 2e-2, "{all:?}");
}

#[test]
fn the_next_segment_is_worth_what_a_plain_calculation_says() {
    let mut values = Values::new();
    for seed in 30..42 {
        let mut dice = Dice(seed);
        let problem = dice.problem();
        values.solve(&problem);
        let plain: Plain =
            values.state_values.map(|rungs| rungs.iter().map(|column| column.0.to_vec()).collect()).to_vec();
        let reference = Reference { problem: &problem, step: problem.step(), whole: false };
        for part in [0.0, 0.1, 0.3, 0.6, 1.0] {
            let buffer = problem.buffer_cap * part;
            let got = values.of_requests(&problem, buffer);
            for (rung, wanted) in reference.of_requests(&plain, buffer).into_iter().enumerate() {
                let scale = problem.stall * problem.segment + wanted.abs();
                let error = (got[rung] - wanted).abs() / scale;
                assert!(error < 1e-4, "seed {seed}, rung {rung} with {buffer} s: {} is not {wanted}", got[rung]);
            }
            assert!(got[problem.rungs..].iter().all(|value| *value == 0.0));
            for (state, left) in [(0, buffer), (3, buffer - problem.segment), (LEVELS - 1, -buffer)] {
                let (got, wanted) =
                    (values.value_on_arrival(0, state, left), reference.value_on_arrival(&plain[state][0], left));
                assert!((got - wanted).abs() < 1e-4 * (1.0 + wanted.abs()), "{got} is not {wanted}");
            }
        }
    }
}

#[test]
fn a_segment_that_arrives_as_the_buffer_ends_does_not_stall() {
    let mut values = Values::new();
    let mut problem = Problem::new();
    (problem.buffer_cap, problem.stall, problem.stall_penalty) = (10.0, 3.0, 0.5);
    values.solve(&problem);
    assert_eq!([0.0, 5.0, -2.0].map(|left| values.value_on_arrival(0, 0, left)), [0.0, 0.0, -7.5]);
}

#[test]
fn conditions_of_a_problem_hold_to_their_borders() {
    let mut problem = Problem::new();
    (problem.rungs, problem.stages, problem.segment, problem.buffer_cap) = (3, 2, 2.0, 8.0);
    (problem.ttfb, problem.abandon_delay, problem.outage_rate, problem.recovery_rate) = (0.5, 1.0, 0.02, 0.04);
    (problem.rise, problem.fall, problem.change) = (0.5, 2.0, 0.125);
    problem.rates = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
    problem.sizes[0][..3].copy_from_slice(&[4.0, 6.0, 10.0]);
    problem.tail_quality[..3].copy_from_slice(&[1.0, 2.0, 4.0]);
    problem.quality[0][..3].copy_from_slice(&[1.0, 2.5, 3.0]);
    assert_eq!([problem.time(0, 0, 0), problem.time(0, 2, 2)], [4.5, 3.0]);
    problem.sizes[1][0] = 1e9;
    assert_eq!(problem.time(1, 0, 0), 1e4);
    // Below the room there is no wait, above it the next request waits for what is too much.
    assert_eq!(
        [
            problem.outage_probability(7.0, 1.0),
            problem.outage_probability(8.0, 1.0),
            problem.outage_probability(9.0, 2.0)
        ],
        [0.02, 0.04, 0.06]
    );
    assert_eq!(problem.outage_probability(0.0, 100.0), MOST_LIKELY_OUTAGE);
    assert_eq!(
        [
            problem.recovery_probability(0, 2.0),
            problem.recovery_probability(LEVELS - 1, 2.0),
            problem.recovery_probability(LEVELS, 2.0)
        ],
        [0.08, 0.08, 0.0]
    );
    assert_eq!(problem.recovery_probability(0, 100.0), MOST_LIKELY_RECOVERY);
    // Two bits more take as long as the notice at two bits a second, and no longer.
    assert_eq!([0, 1].map(|state| problem.may_fail(0, 1, state)), [true, false]);
    assert_eq!([0, 1, 2, 3].map(|state| problem.last_to_fail(0, state)), [Some(2), Some(2), Some(2), None]);
    assert_eq!([0, LEVELS - 1, LEVELS].map(|state| problem.can_meet(1, state)), [true; 3]);
    assert_eq!([0, LEVELS].map(|state| problem.can_meet(2, state)), [false; 2]);
    problem.transitions[3] = [0.0, 0.25, 0.0, 0.5, 0.0, 0.0, 0.0, 0.25];
    let moves = |problem: &Problem| {
        let (moves, count) = problem.transitions_from(1, 3);
        moves[..count].to_vec()
    };
    assert_eq!(moves(&problem), [(1, 0.25), (3, 0.5), (LEVELS, 0.25)]);
    assert_eq!(problem.states(1).count(), STATES);
    problem.recovery_rate = 0.0;
    assert_eq!(moves(&problem), [(1, 0.25), (3, 0.5)]);
    assert_eq!(problem.states(1).count(), LEVELS);
    assert_eq!(
        [(1.0, 3.0), (3.0, 1.0), (2.0, 2.0)].map(|(old, new)| problem.change_of_quality(old, new)),
        [1.0, 4.0, 0.0]
    );
    let changes = [(0, 0), (1, 1), (0, 1), (2, 0)].map(|(from, to)| problem.change_of_rung(from, to));
    assert_eq!(changes, [0.0, 0.25, 0.875, 6.125]);
    assert_eq!(problem.step(), 8.0 / 23.0);
}
