//! Backward induction over a Markov decision process: its state is the buffer level, the rung shown last and the state
//! of the link, its actions are the rungs, and each stage is a segment.
//!
//! [`column`] has the operations on whole columns of buffer levels. No allocation after [`Values::new`].

mod column;

use column::{Abandonment, Arrival, Axis, Column, POINTS, Place, larger, mix, smaller};

/// Most rungs planned with.
pub const RUNGS: usize = 12;
/// Rates around the present one that the link may have.
pub const LEVELS: usize = 7;
/// States of the link: those, and the higher rate that it may rise to.
pub const STATES: usize = LEVELS + 1;
/// Maximum probability of a recovery during one transfer.
const MOST_LIKELY_RECOVERY: f32 = 0.3;
/// Maximum probability of an outage during one transfer.
const MOST_LIKELY_OUTAGE: f32 = 0.3;
/// Most segments planned one by one.
pub const STAGES: usize = 10;

/// Rates that the tail may meet: deviations of the logarithm, in units of `tail_sigma`, and their weights.
const TAIL: [(f32, f32); 3] = [(-1.22, 0.333), (0.0, 0.334), (1.22, 0.333)];

/// `[state of the link][rung]`.
type Table = [[Column; RUNGS]; STATES];

/// The decision process: ladder, link and prices, in seconds of playback, bits and units of quality.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Number of rungs in use.
    pub rungs: usize,
    /// Segments planned one by one, the next one included.
    pub stages: usize,
    /// Duration of a segment.
    pub segment: f32,
    /// Buffer cap: the highest buffer level, in seconds, at which a segment is requested.
    pub buffer_cap: f32,
    /// Time to first byte.
    pub ttfb: f32,
    /// Abandon delay: seconds after which a transfer that goes badly is given up.
    pub abandon_delay: f32,
    /// Value lost by a second without picture.
    pub stall: f32,
    /// Stall penalty: the fixed price of a stall event, in seconds of stall.
    pub stall_penalty: f32,
    /// Value of a unit of quality.
    pub quality_price: f32,
    /// Value lost per unit of quality gained, and lost, from one segment to the next; the first may be negative.
    pub rise: f32,
    /// Value lost per unit of quality lost from one segment to the next.
    pub fall: f32,
    /// Value lost by any change of rung.
    pub change: f32,
    /// Size of each segment at each rung.
    pub sizes: [[f32; RUNGS]; STAGES],
    /// Quality of each segment at each rung.
    pub quality: [[f32; RUNGS]; STAGES],
    /// Bits per second in each state of the link: ascending, then the rate after a rise.
    pub rates: [f32; STATES],
    /// Outages that begin in a second, and the seconds by which one delays a transfer.
    pub outage_rate: f32,
    /// Mean seconds by which an outage delays a transfer.
    pub outage_length: f32,
    /// Recovery rate: rises to the last state in a second; 0 if that state is not reached.
    pub recovery_rate: f32,
    /// Initial distribution: the probability of each state that the next segment meets.
    pub initial: [f32; STATES],
    /// Transition matrix: the probability of the state that a segment meets, given that of the one before, as
    /// `[before][then]`.
    pub transitions: [[f32; STATES]; STATES],
    /// Segments after the last stage for which the buffer left over is valued; 0 at the end of the film.
    pub tail: f32,
    /// Bits per second that they meet, by the state at the last stage.
    pub tail_link_rates: [f32; STATES],
    /// Deviation of the logarithm of that.
    pub tail_sigma: f32,
    /// Quality of each rung as estimated from its rate.
    pub tail_quality: [f32; RUNGS],
    /// Declared rate of each rung.
    pub tail_rates: [f32; RUNGS],
}

impl Problem {
    /// A problem with one rung and nothing known.
    pub const fn new() -> Self {
        Self {
            rungs: 1,
            stages: 1,
            segment: 1.0,
            buffer_cap: 1.0,
            ttfb: 0.0,
            abandon_delay: 1.0,
            stall: 1.0,
            stall_penalty: 0.0,
            quality_price: 1.0,
            rise: 1.0,
            fall: 1.0,
            change: 0.0,
            sizes: [[0.0; RUNGS]; STAGES],
            quality: [[0.0; RUNGS]; STAGES],
            rates: [1.0; STATES],
            outage_rate: 0.0,
            outage_length: 0.0,
            recovery_rate: 0.0,
            initial: [0.0; STATES],
            transitions: [[0.0; STATES]; STATES],
            tail: 0.0,
            tail_link_rates: [1.0; STATES],
            tail_sigma: 0.0,
            tail_quality: [0.0; RUNGS],
            tail_rates: [1.0; RUNGS],
        }
    }

    /// Time from the request to the last byte of a segment of `stage`.
    fn time(&self, stage: usize, rung: usize, state: usize) -> f32 {
        (self.ttfb + self.sizes[stage][rung] / self.rates[state]).min(1e4)
    }

    /// Probability that an outage begins from a request with `buffer` until the next one, if the transfer takes `time`.
    fn outage_probability(&self, buffer: f32, time: f32) -> f32 {
        let wait = (buffer + self.segment - time - self.buffer_cap).max(0.0);
        (self.outage_rate * (time + wait)).min(MOST_LIKELY_OUTAGE)
    }

    /// Probability that the link has risen when a transfer that takes `time` ends, if it met `state`.
    fn recovery_probability(&self, state: usize, time: f32) -> f32 {
        if state < LEVELS { (self.recovery_rate * time).min(MOST_LIKELY_RECOVERY) } else { 0.0 }
    }

    /// Returns true if a transfer takes longer than one at the lowest rung by more than the abandon delay, so that
    /// giving it up may pay.
    fn may_fail(&self, stage: usize, rung: usize, state: usize) -> bool {
        (self.sizes[stage][rung] - self.sizes[stage][0]) > self.abandon_delay * self.rates[state]
    }

    /// The highest rung of which that is true.
    fn last_to_fail(&self, stage: usize, state: usize) -> Option<usize> {
        (1..self.rungs).rev().find(|&rung| self.may_fail(stage, rung, state))
    }

    /// Returns true if a segment of `stage` may meet `state`.
    fn can_meet(&self, stage: usize, state: usize) -> bool {
        self.stages > stage && (state < LEVELS || self.recovery_rate > 0.0)
    }

    /// States that a segment of `stage` may meet.
    fn states(&self, stage: usize) -> impl Iterator<Item = usize> {
        (0..STATES).filter(move |&state| self.can_meet(stage, state))
    }

    /// Returns the row of the transition matrix for `before` without its zeros and the states that a segment of `stage`
    /// cannot meet.
    fn transitions_from(&self, stage: usize, before: usize) -> ([(usize, f32); STATES], usize) {
        let mut moves = [(0, 0.0); STATES];
        let mut count = 0;
        for (state, &probability) in self.transitions[before].iter().enumerate() {
            if probability > 0.0 && self.can_meet(stage, state) {
                moves[count] = (state, probability);
                count += 1;
            }
        }
        (moves, count)
    }

    fn step(&self) -> f32 {
        self.buffer_cap / (POINTS - 1) as f32
    }

    /// Value lost by going from quality `old` to `new`.
    pub fn change_of_quality(&self, old: f32, new: f32) -> f32 {
        if new > old { self.rise * (new - old) } else { self.fall * (old - new) }
    }

    /// Value lost by showing the next segment at `to` after one at `from`.
    pub fn change_of_rung(&self, from: usize, to: usize) -> f32 {
        let price = self.change_of_quality(self.tail_quality[from], self.quality[0][to]);
        if from == to { price } else { price + self.change }
    }

    /// Adds the quality that a steady `rate` carries, times `weight`: between two rungs a mixture, below the lowest one the
    /// rest is stalls. By the point, where the rate is that of the lowest times `1 + ahead * point`.
    fn add_steady_quality(&self, quality: &mut Column, rate: f32, ahead: f32, weight: f32) {
        let lowest = self.tail_rates[0];
        let stalls = weight * self.stall * self.segment / self.quality_price;
        let mut rates = Column::new(0.0);
        for (point, (at, quality)) in rates.0.iter_mut().zip(&mut quality.0).enumerate() {
            *at = rate * (1.0 + ahead * point as f32);
            let short = larger(smaller(*at, lowest), lowest * 0.02);
            *quality += weight * self.tail_quality[0] - stalls * (lowest / short - 1.0);
        }
        for above in 1..self.rungs {
            let low = self.tail_rates[above - 1];
            let width = (self.tail_rates[above] - low).max(1e-3);
            let slope = weight * (self.tail_quality[above] - self.tail_quality[above - 1]) / width;
            for (quality, rate) in quality.0.iter_mut().zip(&rates.0) {
                *quality += slope * larger(smaller(rate - low, width), 0.0);
            }
        }
    }
}

/// The value function, found by backward induction.
#[derive(Debug, Clone)]
pub struct Values {
    /// Value of everything after a segment at `rung` that met `state`, by the buffer level with it.
    state_values: Box<Table>,
    /// Value that an outage before a segment arrives adds to that, in each state; it is negative.
    outage_loss: [Column; STATES],
    /// Scratch: the action values, which are those of fetching each rung in each state, by the buffer level at the
    /// request.
    action_values: Box<Table>,
    axis: Axis,
    abandonment: Abandonment,
    step: f32,
    segment: f32,
    stall: f32,
    stall_penalty: f32,
    buffer_cap: f32,
}

impl Values {
    /// Returns a value function with nothing planned.
    pub fn new() -> Self {
        let empty = || Box::new([[Column::new(0.0); RUNGS]; STATES]);
        Self {
            state_values: empty(),
            outage_loss: [const { Column::new(0.0) }; STATES],
            action_values: empty(),
            axis: Axis::new(),
            abandonment: Abandonment::new(),
            step: 1.0,
            segment: 1.0,
            stall: 1.0,
            stall_penalty: 0.0,
            buffer_cap: 1.0,
        }
    }

    /// Plans backward from the last stage to the one after the next segment.
    pub fn solve(&mut self, problem: &Problem) {
        self.step = problem.step();
        self.segment = problem.segment;
        self.stall = problem.stall;
        self.stall_penalty = problem.stall_penalty;
        self.buffer_cap = problem.buffer_cap;
        self.axis.set(self.step, problem.stall, problem.segment);
        if problem.outage_rate > 0.0 {
            self.axis.set_outages(problem.outage_rate, problem.outage_length, MOST_LIKELY_OUTAGE);
        } else {
            self.outage_loss.fill(Column::new(0.0));
        }
        let notice = problem.abandon_delay / self.step;
        let rescues = (0.0..(POINTS - 1) as f32).contains(&notice);
        if rescues {
            self.abandonment.set(notice);
        }
        self.set_terminal(problem);
        self.update_outage_losses(problem, problem.stages - 1);
        for stage in (1..problem.stages).rev() {
            for state in problem.states(stage) {
                self.value_requests(problem, stage, state);
                if rescues {
                    self.add_abandonment(problem, stage, state);
                }
            }
            self.maximise(problem, stage);
            self.update_outage_losses(problem, stage - 1);
        }
    }

    /// Computes the loss by outages for one rung only: it hardly differs between rungs, at most by the price of a
    /// change.
    fn update_outage_losses(&mut self, problem: &Problem, stage: usize) {
        if problem.outage_rate > 0.0 {
            for state in problem.states(stage) {
                self.outage_loss[state] = self.axis.lost(&self.state_values[state][problem.rungs / 2]);
            }
        }
    }

    /// Value of everything after the next segment, if it arrives with `left` seconds still in the buffer at `rung` in
    /// `state`; a negative `left` is a stall before the arrival.
    pub fn value_on_arrival(&self, rung: usize, state: usize, left: f32) -> f32 {
        let buffer = (left.max(0.0) + self.segment).min(self.buffer_cap);
        Place::new(buffer / self.step).of(&self.state_values[state][rung]) - self.stall_cost(left)
    }

    /// Value lost if a segment arrives with `left` seconds in the buffer: nothing, or the stall and that it is one.
    fn stall_cost(&self, left: f32) -> f32 {
        if left < 0.0 { self.stall * (self.stall_penalty - left) } else { 0.0 }
    }

    /// Value of fetching the next segment at each rung with `buffer` seconds ahead, changes of rung not counted.
    pub fn of_requests(&self, problem: &Problem, buffer: f32) -> [f32; RUNGS] {
        let mut values = [0.0; RUNGS];
        for state in problem.states(0).filter(|&state| problem.initial[state] > 0.0) {
            let last = problem.last_to_fail(0, state);
            let mut rescued = f32::NEG_INFINITY;
            for (rung, value) in values.iter_mut().enumerate().take(problem.rungs) {
                let quality = problem.quality_price * problem.quality[0][rung];
                if rung > 0 {
                    rescued -= problem.fall * (problem.quality[0][rung] - problem.quality[0][rung - 1]).max(0.0);
                }
                let time = problem.time(0, rung, state);
                let outage = problem.outage_probability(buffer, time);
                let risen = problem.recovery_probability(state, time);
                let own = |left: f32| {
                    let with = (larger(left, 0.0) + self.segment) / self.step;
                    let place = Place::new(with);
                    let mut clear = place.of(&self.state_values[state][rung]);
                    if risen > 0.0 {
                        clear += (place.of(&self.state_values[LEVELS][rung]) - clear) * risen;
                    }
                    quality + clear + place.of(&self.outage_loss[state]) * outage - self.stall_cost(left)
                };
                *value += problem.initial[state] * larger(own(buffer - time), rescued);
                if last.is_some_and(|last| rung < last) {
                    rescued = larger(rescued, own(buffer - time - problem.abandon_delay));
                }
            }
        }
        values
    }

    /// Sets the value of the buffer after the last stage: it is spent evenly on the segments of the tail.
    fn set_terminal(&mut self, problem: &Problem) {
        for (state, after) in self.state_values.iter_mut().enumerate() {
            if problem.tail <= 0.0 {
                after.fill(Column::new(0.0));
                continue;
            }
            let ahead = self.step / (problem.tail * problem.segment);
            let mut quality = Column::new(0.0);
            for (deviation, weight) in TAIL {
                let rate = problem.tail_link_rates[state] * (deviation * problem.tail_sigma).exp();
                problem.add_steady_quality(&mut quality, rate, ahead, weight);
            }
            let worth = problem.quality_price * problem.tail;
            for (after, &old) in after.iter_mut().zip(&problem.tail_quality).take(problem.rungs) {
                for (after, &new) in after.0.iter_mut().zip(&quality.0) {
                    let rise = problem.rise * larger(new - old, 0.0);
                    *after = worth * new - (rise + problem.fall * larger(old - new, 0.0));
                }
            }
        }
    }

    /// Sets the action values of a state of the link.
    fn value_requests(&mut self, problem: &Problem, stage: usize, state: usize) {
        for rung in 0..problem.rungs {
            let time = problem.time(stage, rung, state);
            let arrival = Arrival {
                quality: problem.quality_price * problem.quality[stage][rung],
                time,
                outage: problem.outage_rate * time,
            };
            let risen = problem.recovery_probability(state, time);
            let target = &mut self.action_values[state][rung];
            if risen > 0.0 {
                let mut source = self.state_values[state][rung];
                for (value, high) in source.0.iter_mut().zip(&self.state_values[LEVELS][rung].0) {
                    *value += (high - *value) * risen;
                }
                self.axis.arrive(&source, &self.outage_loss[state], target, arrival);
            } else {
                self.axis.arrive(&self.state_values[state][rung], &self.outage_loss[state], target, arrival);
            }
        }
    }

    /// Raises the action values to that of giving up: a transfer that goes badly is abandoned for the best lower rung
    /// after the abandon delay, so a high rung is worth at least that.
    fn add_abandonment(&mut self, problem: &Problem, stage: usize, state: usize) {
        // Where no transfer takes that much longer than one at a lower rung, none is given up.
        let Some(last) = problem.last_to_fail(stage, state) else { return };
        let gains = &mut self.action_values[state];
        self.abandonment.begin(&gains[0]);
        for (rung, gain) in gains.iter_mut().enumerate().take(last + 1).skip(1) {
            let lost = problem.fall * (problem.quality[stage][rung] - problem.quality[stage][rung - 1]).max(0.0);
            if problem.may_fail(stage, rung, state) {
                self.abandonment.save(gain, lost, &self.axis);
            } else {
                self.abandonment.pass(gain, lost);
            }
        }
    }

    /// Takes the expectation over the next state of the link, then the best rung after each previous one.
    ///
    /// Prices of changes are proportional to the distance, so running maxima find the best rung below and above.
    fn maximise(&mut self, problem: &Problem, stage: usize) {
        let (old, new) = (&problem.quality[stage - 1], &problem.quality[stage]);
        let mut expected = [const { Column::new(0.0) }; RUNGS];
        for state in problem.states(stage - 1) {
            let (sources, count) = problem.transitions_from(stage, state);
            mix(&mut expected[..problem.rungs], &self.action_values[..], &sources[..count]);
            let after = &mut self.state_values[state];
            let mut running = Column::new(f32::NEG_INFINITY);
            for from in 0..problem.rungs {
                let stay = problem.change_of_quality(old[from], new[from]);
                let change = problem.fall * old[from] + problem.change;
                let below = problem.fall * new[from];
                let (best, expected) = (&mut after[from].0, &expected[from].0);
                for point in 0..POINTS {
                    let (own, lower) = (expected[point], running.0[point]);
                    best[point] = larger(own - stay, lower - change);
                    running.0[point] = larger(lower, own + below);
                }
            }
            running = Column::new(f32::NEG_INFINITY);
            for from in (0..problem.rungs).rev() {
                after[from].raise(&running, problem.rise * old[from] - problem.change);
                running.raise(&expected[from], -problem.rise * new[from]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
