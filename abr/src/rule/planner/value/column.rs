//! Columns: one value for each point of the buffer axis, and the operations on whole columns.
//!
//! The axis is even, so a transfer shifts all points by the same amount and one set of interpolation weights serves a whole
//! column. Every loop here has a fixed length and no branch, for the compiler to turn into vector instructions.
//! Between points values are interpolated with the cubic of Catmull and Rom: a linear interpolation at every stage would
//! smear the column out, and twice as many points would be needed.

#![expect(clippy::needless_range_loop, reason = "loops over several arrays of one length are plainest by index")]

/// Points of the buffer axis.
pub const POINTS: usize = 24;
/// Points below the axis that a shifted column may reach, and above it.
const BELOW: usize = POINTS + 4;
const ABOVE: usize = POINTS / 2 + 4;
/// The axis with those.
const WIDE: usize = BELOW + POINTS + ABOVE;
/// Points that one register of four numbers holds.
const LANES: usize = 4;

/// One value for each point of the buffer axis.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub struct Column(pub [f32; POINTS]);

/// A column with the points below and above the axis that shifted ones reach.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub struct Wide([f32; WIDE]);

/// The smaller of two numbers of which neither is NaN: one instruction, where `f32::min` needs several.
#[inline]
pub fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The larger of two numbers of which neither is NaN: see [`smaller`].
#[inline]
pub fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Weights of the four points around one that lies `part` of a step above the second of them.
#[inline]
fn weights(part: f32) -> [f32; 4] {
    let rest = 1.0 - part;
    let both = -0.5 * part * rest;
    let (before, after) = (both * rest, both * part);
    [before, rest - 2.0 * before + after, part + before - 2.0 * after, after]
}

/// A place on the axis, between its points.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    first: usize,
    weights: [f32; 4],
}

impl Place {
    /// Point `x` of the axis, or its nearer end.
    pub fn new(x: f32) -> Self {
        let x = larger(smaller(x, (POINTS - 1) as f32), 0.0);
        let point = (x as i32 as usize).min(POINTS - 2);
        let [before, low, high, after] = weights(x - point as f32);
        // Beyond the ends everything is as good as at them.
        match point {
            0 => Self { first: 0, weights: [before + low, high, after, 0.0] },
            point if point == POINTS - 2 => Self { first: POINTS - 4, weights: [0.0, before, low, high + after] },
            _ => Self { first: point - 1, weights: [before, low, high, after] },
        }
    }

    /// Interpolated value of a column.
    pub fn of(&self, column: &Column) -> f32 {
        let points: &[f32; 4] = column.0[self.first.min(POINTS - 4)..].first_chunk().expect("it is that long");
        let [a, b, c, d] = self.weights;
        points[0] * a + points[1] * b + (points[2] * c + points[3] * d)
    }
}

impl Column {
    /// All points at `value`.
    pub const fn new(value: f32) -> Self {
        Self([value; POINTS])
    }

    /// Becomes the larger of itself and `source + offset`.
    #[inline]
    pub fn raise(&mut self, source: &Self, offset: f32) {
        for point in 0..POINTS {
            self.0[point] = larger(self.0[point], source.0[point] + offset);
        }
    }
}

/// Each column of `targets` becomes the sum of the columns of `sources` at the same place, weighted.
///
/// Sources are `(index, weight)`, weights above 0; the columns of one source follow each other in `from`.
pub fn mix<const RUNGS: usize>(targets: &mut [Column], from: &[[Column; RUNGS]], sources: &[(usize, f32)]) {
    match *sources {
        [] => targets.fill(Column::new(0.0)),
        [a] => blend(targets, from, [a]),
        [a, b] => blend(targets, from, [a, b]),
        [a, b, c] => blend(targets, from, [a, b, c]),
        [a, b, c, d] => blend(targets, from, [a, b, c, d]),
        [a, b, c, d, e] => blend(targets, from, [a, b, c, d, e]),
        [a, b, c, d, e, f] => blend(targets, from, [a, b, c, d, e, f]),
        [a, b, c, d, e, f, g] => blend(targets, from, [a, b, c, d, e, f, g]),
        [a, b, c, d, e, f, g, h, ..] => blend(targets, from, [a, b, c, d, e, f, g, h]),
    }
}

/// [`mix`] with a fixed number of sources.
#[inline(never)]
fn blend<const RUNGS: usize, const N: usize>(
    targets: &mut [Column],
    from: &[[Column; RUNGS]],
    sources: [(usize, f32); N],
) {
    // Each sum is scaled to the weight of what is added next: one multiplication with a register, one addition from memory.
    let mut scales = sources.map(|(_, weight)| weight);
    for source in 0..N - 1 {
        scales[source] /= scales[source + 1];
    }
    let columns = sources.map(|(index, _)| &from[index]);
    for (rung, target) in targets.iter_mut().enumerate().take(RUNGS) {
        let columns = columns.map(|columns| &columns[rung].0);
        for point in 0..POINTS {
            let mut sum = columns[0][point] * scales[0];
            for source in 1..N {
                sum = (sum + columns[source][point]) * scales[source];
            }
            target.0[point] = sum;
        }
    }
}

/// The buffer axis of a problem, and the effect of an outage along it.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Seconds between two points.
    step: f32,
    /// Value of each point on a slope where every second more is one of stall less; from [`LANES`] points below the
    /// axis.
    rising: [f32; LANES + POINTS],
    /// Value of a second and of a point on such a slope.
    slope: f32,
    /// Duration of a segment in points, and where a column is interpolated there.
    segment: f32,
    full: Place,
    /// Loss of a point on such a slope if an outage begins.
    lag: f32,
    /// Weights of a point and the next one below it: the share of outages that end between the two.
    ends: [f32; 2],
    /// Weights of that and of the same one to three points below, and of the result four points below.
    taps: [f32; LANES + 1],
    /// Above the axis: the rest of the loss at its end, and the probability of an outage during the wait.
    above: [[f32; ABOVE]; 2],
    /// Most likely that an outage may be.
    most: f32,
    /// Scratch: the column that is shifted.
    wide: Wide,
}

/// A transfer that is valued along the axis.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Value of the segment itself.
    pub quality: f32,
    /// Seconds that it takes.
    pub time: f32,
    /// Probability of an outage in that time, without the wait before the next request.
    pub outage: f32,
}

impl Axis {
    /// An axis of one-second steps.
    pub const fn new() -> Self {
        Self {
            step: 1.0,
            rising: [0.0; LANES + POINTS],
            slope: 0.0,
            segment: 0.0,
            full: Place { first: 0, weights: [0.0; 4] },
            lag: 0.0,
            ends: [0.0; 2],
            taps: [0.0; LANES + 1],
            above: [[0.0; ABOVE]; 2],
            most: 0.0,
            wide: Wide([0.0; WIDE]),
        }
    }

    /// Points `step` seconds apart, where a second of stall costs `stall` and a segment lasts `segment` seconds.
    pub fn set(&mut self, step: f32, stall: f32, segment: f32) {
        self.step = step;
        self.slope = stall * step;
        for (point, value) in self.rising.iter_mut().enumerate() {
            *value = self.slope * (point as f32 - LANES as f32);
        }
        self.segment = segment / step;
        self.full = Place::new(self.segment);
        self.above = [[0.0; ABOVE]; 2];
        self.most = 0.0;
    }

    /// In a second `outages` begin, but in no transfer more than `most`; they last `delay` seconds in the mean.
    pub fn set_outages(&mut self, outages: f32, delay: f32, most: f32) {
        // They last exponentially long: what is left of one is as long as the whole. From point to point some end, and
        // what that is worth is linear between the points.
        let mean = delay.max(0.01) / self.step;
        let stays = (-1.0 / mean).exp();
        let between = (1.0 - stays) * mean;
        self.lag = self.slope * mean;
        self.ends = [1.0 - between, between - stays];
        let mut left = 1.0;
        for tap in &mut self.taps {
            *tap = left;
            left *= stays;
        }
        left = 1.0;
        for point in 0..ABOVE {
            left *= stays;
            self.above[0][point] = left;
            self.above[1][point] = outages * self.step * (point + 1) as f32;
        }
        self.most = most;
    }

    /// Value of a transfer by the buffer at its request, if `after` is the value of the stages that follow by the
    /// buffer with it, and `lost` the part that an outage adds to that.
    ///
    /// A transfer that ends after the buffer stalls, one that ends with it full makes the next request wait, and one that
    /// meets an outage ends as much later as that lasts.
    pub fn arrive(&mut self, after: &Column, lost: &Column, target: &mut Column, arrival: Arrival) {
        let Arrival { quality, time, outage } = arrival;
        let outage = smaller(outage, self.most);
        let wide: &mut [f32; POINTS] = self.wide.0[BELOW..].first_chunk_mut().expect("the axis is in it");
        for point in 0..POINTS {
            wide[point] = after.0[point] + lost.0[point] * outage;
        }
        let lowest = wide[0];
        let (top, loss) = (after.0[POINTS - 1], lost.0[POINTS - 1]);
        self.wide.0[..BELOW].fill(lowest);
        let above: &mut [f32; ABOVE] = self.wide.0.last_chunk_mut().expect("it ends with them");
        for point in 0..ABOVE {
            above[point] = top + loss * self.above[0][point] * smaller(outage + self.above[1][point], self.most);
        }
        // Below the duration of a segment the value falls by a second of stall for each second less.
        let time = time / self.step;
        let dry = quality + self.full.of(after) - self.slope * time - outage * self.lag;
        let shift = larger(self.segment - time, -(POINTS as f32));
        let (first, [a, b, c, d]) = Wide::window(shift);
        let window = self.wide.from(first);
        let rising: &[f32; POINTS] = self.rising.last_chunk().expect("the axis is in it");
        for point in 0..POINTS {
            let value = window[point] * a + window[point + 1] * b + (window[point + 2] * c + window[point + 3] * d);
            target.0[point] = smaller(value + quality, rising[point] + dry);
        }
    }

    /// Returns the value that an outage before the arrival adds to `after`, the value by the buffer with a segment; it
    /// is negative.
    pub fn lost(&self, after: &Column) -> Column {
        let dry = self.full.of(after) - self.slope * self.segment;
        let mut own = [0.0; LANES + POINTS];
        let mut late = [0.0; LANES + POINTS];
        let mut lost = Column::new(0.0);
        for point in 0..LANES {
            own[point] = self.rising[point] + dry;
            late[point] = own[point] - self.lag;
        }
        // The value of a stall is known without its point on the axis: the lower of two lines.
        for point in 0..POINTS {
            own[LANES + point] = smaller(after.0[point], self.rising[LANES + point] + dry);
        }
        let [here, below] = self.ends;
        let mut ended = [0.0; LANES + POINTS];
        for point in 1..LANES + POINTS {
            ended[point] = own[point] * here + own[point - 1] * below;
        }
        let [a, b, c, d, before] = self.taps;
        for point in LANES..LANES + POINTS {
            late[point] = ended[point] * a + ended[point - 1] * b + (ended[point - 2] * c + ended[point - 3] * d);
        }
        for point in LANES..LANES + POINTS {
            late[point] += late[point - LANES] * before;
            lost.0[point - LANES] = late[point] - own[point];
        }
        lost
    }
}

impl Wide {
    /// The first of the points from which a column shifted by `shift` is interpolated, and the weights.
    #[inline]
    fn window(shift: f32) -> (usize, [f32; 4]) {
        // Never negative, so that cutting off the fraction rounds down.
        let from = shift + (BELOW - 1) as f32;
        let whole = from as i32;
        (whole as usize, weights(from - whole as f32))
    }

    /// Returns the points that a shifted column is interpolated from.
    #[inline]
    fn from(&self, first: usize) -> &[f32; POINTS + 3] {
        self.0[first.min(WIDE - POINTS - 3)..].first_chunk().expect("it is that long")
    }
}

/// Value of the best lower rung if it is requested after the abandon delay.
#[derive(Debug, Clone)]
pub struct Abandonment {
    best: Wide,
    /// Points by which that is shifted, and what it is interpolated from.
    shift: f32,
    first: usize,
    weights: [f32; 4],
}

impl Abandonment {
    pub const fn new() -> Self {
        Self { best: Wide([0.0; WIDE]), shift: 0.0, first: 0, weights: [0.0; 4] }
    }

    /// Rungs are given up after `shift` points, which do not reach beyond the axis.
    pub fn set(&mut self, shift: f32) {
        self.shift = shift;
        (self.first, self.weights) = Wide::window(-shift);
    }

    /// `gain` is the lowest rung's.
    pub fn begin(&mut self, gain: &Column) {
        self.best.0[BELOW..BELOW + POINTS].copy_from_slice(&gain.0);
    }

    /// One rung higher, at which the next lower one is worth `lost` less than there.
    pub fn pass(&mut self, gain: &Column, lost: f32) {
        let best: &mut [f32; POINTS] = self.best.0[BELOW..].first_chunk_mut().expect("the axis is in it");
        for point in 0..POINTS {
            best[point] = larger(gain.0[point], best[point] - lost);
        }
    }

    /// As [`pass`](Self::pass), and `gain` becomes at least the value of giving up.
    pub fn save(&mut self, gain: &mut Column, lost: f32, axis: &Axis) {
        let lowest = self.best.0[BELOW];
        let highest = self.best.0[BELOW + POINTS - 1];
        // Only as many of the points below as are reached.
        if self.shift < (LANES - 1) as f32 {
            self.below::<LANES>(lowest, axis);
        } else {
            self.below::<BELOW>(lowest, axis);
        }
        self.best.0[BELOW + POINTS..BELOW + POINTS + LANES].fill(highest);
        let window = self.best.from(self.first);
        let [a, b, c, d] = self.weights;
        let mut late = [0.0; POINTS];
        for point in 0..POINTS {
            late[point] = window[point] * a + window[point + 1] * b + (window[point + 2] * c + window[point + 3] * d);
        }
        let best: &mut [f32; POINTS] = self.best.0[BELOW..].first_chunk_mut().expect("the axis is in it");
        for point in 0..POINTS {
            let own = gain.0[point];
            gain.0[point] = larger(own, late[point] - lost);
            best[point] = larger(own, best[point] - lost);
        }
    }

    /// Fills the highest `COUNT` points below the axis.
    #[inline]
    fn below<const COUNT: usize>(&mut self, lowest: f32, axis: &Axis) {
        for (point, value) in self.best.0[BELOW - COUNT..BELOW].iter_mut().enumerate() {
            *value = lowest - axis.slope * (COUNT - point) as f32;
        }
    }
}
