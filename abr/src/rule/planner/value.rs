//! Backward induction: the value of each buffer level, rung shown last and state of the link, one segment after the next.
//!
//! The buffer axis is even, so a transfer shifts all its points by the same amount and one interpolation weight serves a
//! whole column; every inner loop runs over a column. No allocation after [`Values::new`].

/// Most rungs planned with.
pub const RUNGS: usize = 12;
/// Rates around the present one that the link may have.
pub const LEVELS: usize = 7;
/// States of the link: those, and the higher rate that it may rise to.
pub const STATES: usize = LEVELS + 1;
/// Most likely that a rise during one transfer can be.
const MOST_RISES: f32 = 0.3;
/// Most likely that an outage in one transfer can be.
const MOST_OUTAGES: f32 = 0.3;
/// Points of the buffer axis.
const POINTS: usize = 48;
/// Most segments planned one by one.
pub const STAGES: usize = 10;

/// Rates that the tail may meet: deviations of the logarithm, in units of `tail_sigma`, and their weights.
const TAIL: [(f32, f32); 3] = [(-1.22, 0.333), (0.0, 0.334), (1.22, 0.333)];

/// Lengths of an outage, in units of the mean one, and their weights: an exponential distribution.
const LENGTHS: [(f32, f32); 3] = [(0.4158, 0.7111), (2.2943, 0.2785), (6.29, 0.0104)];

/// One value for each point of the buffer axis.
type Column = [f32; POINTS];
/// `[rung][state of the link]`.
type Table = [[Column; STATES]; RUNGS];

/// What is planned, in seconds of playback, bits and units of quality.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Rungs in use.
    pub rungs: usize,
    /// Segments planned one by one, the next one included.
    pub stages: usize,
    /// Duration of a segment.
    pub segment: f32,
    /// Highest buffer level at which a segment is asked for.
    pub room: f32,
    /// Time to first byte.
    pub ttfb: f32,
    /// Time after which a transfer that goes badly is given up.
    pub notice: f32,
    /// Value lost by a second without picture.
    pub stall: f32,
    /// Value of a unit of quality.
    pub quality_price: f32,
    /// Value lost per unit of quality gained, and lost, from one segment to the next; the first may be negative.
    pub rise: f32,
    /// See `rise`.
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
    pub outages: f32,
    /// See `outages`.
    pub delay: f32,
    /// Rises to the last state in a second; 0 if that state is not reached.
    pub rises: f32,
    /// Probability of the state that the next segment meets.
    pub first: [f32; STATES],
    /// Probability of the state that a segment meets, given that of the one before: `[before][then]`.
    pub moves: [[f32; STATES]; STATES],
    /// Segments after the last stage for which the buffer left over is valued; 0 at the end of the film.
    pub tail: f32,
    /// Bits per second that they meet, by the state at the last stage.
    pub tail_link: [f32; STATES],
    /// Deviation of the logarithm of that.
    pub tail_sigma: f32,
    /// Quality of each rung as far as its rate tells.
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
            room: 1.0,
            ttfb: 0.0,
            notice: 1.0,
            stall: 1.0,
            quality_price: 1.0,
            rise: 1.0,
            fall: 1.0,
            change: 0.0,
            sizes: [[0.0; RUNGS]; STAGES],
            quality: [[0.0; RUNGS]; STAGES],
            rates: [1.0; STATES],
            outages: 0.0,
            delay: 0.0,
            rises: 0.0,
            first: [0.0; STATES],
            moves: [[0.0; STATES]; STATES],
            tail: 0.0,
            tail_link: [1.0; STATES],
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
    fn outage(&self, buffer: f32, time: f32) -> f32 {
        let wait = (buffer + self.segment - time - self.room).max(0.0);
        (self.outages * (time + wait)).min(MOST_OUTAGES)
    }

    /// Probability that the link has risen when a transfer that takes `time` ends, if it met `state`.
    fn risen(&self, state: usize, time: f32) -> f32 {
        if state < LEVELS { (self.rises * time).min(MOST_RISES) } else { 0.0 }
    }

    fn step(&self) -> f32 {
        self.room / (POINTS - 1) as f32
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

    /// Quality that a steady rate carries: between two rungs a mixture, below the lowest one the rest is stalls.
    fn cruise(&self, rate: f32) -> f32 {
        let lowest = self.tail_rates[0];
        if rate <= lowest {
            let rate = rate.max(lowest * 0.02);
            return self.tail_quality[0] - self.stall * self.segment * (lowest / rate - 1.0) / self.quality_price;
        }
        for above in 1..self.rungs {
            let (low, high) = (self.tail_rates[above - 1], self.tail_rates[above]);
            if rate <= high {
                let part = (rate - low) / (high - low).max(1e-3);
                return self.tail_quality[above - 1] + (self.tail_quality[above] - self.tail_quality[above - 1]) * part;
            }
        }
        self.tail_quality[self.rungs - 1]
    }
}

/// The solution: what each situation is worth once the next segment has been chosen.
#[derive(Debug, Clone)]
pub struct Values {
    /// Value of everything after a segment at `rung` that met `state`, by the buffer level with it.
    after: Box<Table>,
    /// Scratch: value of fetching each rung in each state, by the buffer level at the request.
    gain: Box<Table>,
    step: f32,
    segment: f32,
    stall: f32,
    room: f32,
}

impl Values {
    /// Room for a solution.
    pub fn new() -> Self {
        let empty = || Box::new([[[0.0; POINTS]; STATES]; RUNGS]);
        Self { after: empty(), gain: empty(), step: 1.0, segment: 1.0, stall: 1.0, room: 1.0 }
    }

    /// Plans backward from the last stage to the one after the next segment.
    pub fn solve(&mut self, problem: &Problem) {
        self.step = problem.step();
        self.segment = problem.segment;
        self.stall = problem.stall;
        self.room = problem.room;
        self.terminal(problem);
        for stage in (1..problem.stages).rev() {
            self.fetch(problem, stage);
            self.rescue(problem, stage);
            self.choose(problem, stage);
        }
    }

    /// Value of everything after the next segment, if it arrives with `left` seconds still in the buffer at `rung` in
    /// `state`; a negative `left` is a stall that came first.
    pub fn landed(&self, rung: usize, state: usize, left: f32) -> f32 {
        let buffer = (left.max(0.0) + self.segment).min(self.room);
        at(&self.after[rung][state], buffer / self.step) - self.stall * (-left).max(0.0)
    }

    /// Value of fetching the next segment at each rung with `buffer` seconds ahead, changes of rung not counted.
    pub fn next(&self, problem: &Problem, buffer: f32) -> [f32; RUNGS] {
        let mut values = [0.0; RUNGS];
        for state in 0..STATES {
            let mut rescued = f32::NEG_INFINITY;
            for (rung, value) in values.iter_mut().enumerate().take(problem.rungs) {
                let quality = problem.quality_price * problem.quality[0][rung];
                if rung > 0 {
                    rescued -= problem.fall * (problem.quality[0][rung] - problem.quality[0][rung - 1]).max(0.0);
                }
                let time = problem.time(0, rung, state);
                let outage = problem.outage(buffer, time);
                let risen = problem.risen(state, time);
                let own = |left: f32| {
                    let clear = self.landed(rung, state, left);
                    let clear = clear + (self.landed(rung, LEVELS, left) - clear) * risen;
                    let late = LENGTHS
                        .iter()
                        .map(|&(length, weight)| weight * self.landed(rung, state, left - length * problem.delay))
                        .sum::<f32>();
                    quality + clear + (late - clear) * outage
                };
                *value += problem.first[state] * larger(own(buffer - time), rescued);
                rescued = larger(rescued, own(buffer - time - problem.notice));
            }
        }
        values
    }

    /// What the buffer is worth after the last stage: it is spent evenly on the segments of the tail.
    fn terminal(&mut self, problem: &Problem) {
        for state in 0..STATES {
            let rates = TAIL
                .map(|(deviation, weight)| (problem.tail_link[state] * (deviation * problem.tail_sigma).exp(), weight));
            for point in 0..POINTS {
                let mut quality = 0.0;
                if problem.tail > 0.0 {
                    let ahead = point as f32 * self.step / (problem.tail * problem.segment);
                    for (rate, weight) in rates {
                        quality += weight * problem.cruise(rate * (1.0 + ahead));
                    }
                }
                for rung in 0..problem.rungs {
                    self.after[rung][state][point] = if problem.tail > 0.0 {
                        let change = problem.change_of_quality(problem.tail_quality[rung], quality);
                        problem.quality_price * quality * problem.tail - change
                    } else {
                        0.0
                    };
                }
            }
        }
    }

    /// Value of fetching each rung in each state of the link.
    fn fetch(&mut self, problem: &Problem, stage: usize) {
        let mut lates = [0.0; POINTS];
        // Outages last exponentially long: what is left of one is as long as the whole.
        let ends = 1.0 - (-self.step / problem.delay.max(0.01)).exp();
        for rung in 0..problem.rungs {
            let quality = problem.quality_price * problem.quality[stage][rung];
            for state in 0..STATES {
                let time = problem.time(stage, rung, state);
                let risen = problem.risen(state, time);
                let mut source = self.after[rung][state];
                if risen > 0.0 {
                    for (value, high) in source.iter_mut().zip(&self.after[rung][LEVELS]) {
                        *value += (high - *value) * risen;
                    }
                }
                let target = &mut self.gain[rung][state];
                arrive(problem, &source, target, quality, time);
                if problem.outages > 0.0 {
                    let mut late = target[0] - problem.stall * (problem.delay - self.step).max(0.0);
                    for (value, lates) in target.iter().zip(&mut lates) {
                        late += (*value - late) * ends;
                        *lates = late;
                    }
                    for (point, (value, late)) in target.iter_mut().zip(&lates).enumerate() {
                        *value += (late - *value) * problem.outage(point as f32 * self.step, time);
                    }
                }
            }
        }
    }

    /// A transfer that goes badly will be given up for the best lower rung: that is what a high one is worth at least.
    fn rescue(&mut self, problem: &Problem, stage: usize) {
        let shift = problem.notice / self.step;
        if !(0.0..(POINTS - 1) as f32).contains(&shift) {
            return;
        }
        let whole = shift as usize;
        let part = shift - whole as f32;
        for state in 0..STATES {
            let mut best = self.gain[0][state];
            let mut late = [0.0; POINTS];
            for rung in 1..problem.rungs {
                let lost = problem.fall * (problem.quality[stage][rung] - problem.quality[stage][rung - 1]).max(0.0);
                for (point, value) in late[..=whole].iter_mut().enumerate() {
                    *value = best[0] - problem.stall * self.step * (shift - point as f32);
                }
                for ((value, low), high) in late[whole + 1..].iter_mut().zip(&best).zip(&best[1..]) {
                    *value = high + (low - high) * part;
                }
                for ((best, late), value) in best.iter_mut().zip(&late).zip(&mut self.gain[rung][state]) {
                    let own = *value;
                    *value = larger(own, late - lost);
                    *best = larger(own, *best - lost);
                }
            }
        }
    }

    /// Expectation over what the link does next, then the best rung after each previous one.
    ///
    /// Prices of changes are proportional to the distance, so running maxima find the best rung below and above.
    fn choose(&mut self, problem: &Problem, stage: usize) {
        let (old, new) = (&problem.quality[stage - 1], &problem.quality[stage]);
        let mut expected = [[0.0; POINTS]; RUNGS];
        for state in 0..STATES {
            for (expected, gains) in expected.iter_mut().zip(self.gain.iter()).take(problem.rungs) {
                expected.fill(0.0);
                for (gain, &probability) in gains.iter().zip(&problem.moves[state]) {
                    if probability > 0.0 {
                        add(expected, gain, probability);
                    }
                }
            }
            let mut running = [f32::NEG_INFINITY; POINTS];
            for from in 0..problem.rungs {
                let best = &mut self.after[from][state];
                let stay = problem.change_of_quality(old[from], new[from]);
                let change = problem.fall * old[from] + problem.change;
                for ((best, running), expected) in best.iter_mut().zip(&running).zip(&expected[from]) {
                    *best = larger(expected - stay, running - change);
                }
                raise(&mut running, &expected[from], problem.fall * new[from]);
            }
            running.fill(f32::NEG_INFINITY);
            for from in (0..problem.rungs).rev() {
                raise(&mut self.after[from][state], &running, problem.rise * old[from] - problem.change);
                raise(&mut running, &expected[from], -problem.rise * new[from]);
            }
        }
    }
}

/// Value of a segment of `quality` that arrives `time` after its request, by the buffer at the request, if `source` is the
/// value of what follows by the buffer with it.
fn arrive(problem: &Problem, source: &Column, target: &mut Column, quality: f32, time: f32) {
    let step = problem.step();
    // A request at point `i` ends at `i + shift`, unless the buffer runs dry or is full before.
    let shift = (problem.segment - time) / step;
    let dry = ((time / step) as usize + 1).min(POINTS);
    let full = (((POINTS - 1) as f32 - shift).max(0.0) as usize + 1).clamp(dry, POINTS);
    let empty = quality + at(source, problem.segment / step);
    for (point, value) in target[..dry].iter_mut().enumerate() {
        *value = empty - problem.stall * (time - point as f32 * step).max(0.0);
    }
    let first = (dry as f32 + shift).max(0.0);
    let whole = (first as usize).min(POINTS - 1);
    let part = (first - whole as f32).clamp(0.0, 1.0);
    let count = (full - dry).min(POINTS - 1 - whole);
    let (low, high) = (&source[whole..whole + count], &source[whole + 1..whole + 1 + count]);
    for ((value, low), high) in target[dry..dry + count].iter_mut().zip(low).zip(high) {
        *value = quality + low + (high - low) * part;
    }
    target[dry + count..].fill(quality + source[POINTS - 1]);
}

/// The larger of two numbers of which neither is NaN: one instruction, where `f32::max` needs several.
#[inline]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// `target` becomes the larger of itself and `source + offset`, point by point.
#[inline]
fn raise(target: &mut Column, source: &Column, offset: f32) {
    for (target, source) in target.iter_mut().zip(source) {
        *target = larger(*target, source + offset);
    }
}

#[inline]
fn add(target: &mut Column, source: &Column, weight: f32) {
    for (target, source) in target.iter_mut().zip(source) {
        *target += source * weight;
    }
}

/// Interpolated value at point `x` of the buffer axis, or at its nearer end.
fn at(column: &Column, x: f32) -> f32 {
    let x = x.clamp(0.0, (POINTS - 1) as f32);
    let point = (x as usize).min(POINTS - 2);
    column[point] + (column[point + 1] - column[point]) * (x - point as f32)
}
