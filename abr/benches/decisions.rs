//! Measures the cost of decisions: `select` and `on_progress` of each rule, on short and long ladders, with and without
//! sizes.
//!
//! `cargo bench -p abr` measures time. With `KINORA_BENCH_ONCE=NAME` (`select/default/6/known`) and `KINORA_BENCH_TIMES=N`
//! the first `N` of a case's decisions are taken, one for each of [`MOMENTS`], and nothing is measured, for
//! `cargo xtask instructions`: the difference between `N` and `N - 1` is one decision.

use std::hint::black_box;
use std::time::Duration;

use abr::{Context, InFlight, Phase, Rule, Rung, Transfer};

const RULES: [&str; 7] = ["default", "dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput"];
/// The decisions of each case. The goal of the buffer is 30 seconds.
const MOMENTS: [Moment; 5] = [
    Moment { buffer: 0, starts: true, received: 150_000 },
    Moment { buffer: 4, starts: false, received: 150_000 },
    Moment { buffer: 10, starts: false, received: 2_000_000 },
    Moment { buffer: 18, starts: false, received: 2_000_000 },
    Moment { buffer: 28, starts: false, received: 2_000_000 },
];
const SEGMENT: Duration = Duration::from_secs(4);
/// Segments whose sizes are known, where they are.
const LOOKAHEAD: usize = 10;

/// State of a session at the decision.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// Buffered media ahead of the playhead, in seconds.
    buffer: u64,
    /// True if it is the first segment.
    starts: bool,
    /// Bytes received in two seconds of the top rung's segment of about 4 MB: enough, or far too few.
    received: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    Select,
    OnProgress,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
struct Case {
    call: Call,
    rule: &'static str,
    rungs: usize,
    sizes_known: bool,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let call = if self.call == Call::Select { "select" } else { "on_progress" };
        write!(f, "{call}/{}/{}/{}", self.rule, self.rungs, if self.sizes_known { "known" } else { "hidden" })
    }
}

fn cases() -> impl Iterator<Item = Case> {
    [Call::Select, Call::OnProgress].into_iter().flat_map(|call| {
        RULES.into_iter().flat_map(move |rule| {
            [3, 6, 10].into_iter().flat_map(move |rungs| {
                [true, false].into_iter().map(move |sizes_known| Case { call, rule, rungs, sizes_known })
            })
        })
    })
}

/// A ladder from 300 kbit/s to 8 Mbit/s in even ratios.
fn ladder(rungs: usize) -> Vec<Rung> {
    let step = (8_000_f64 / 300.0).powf(1.0 / (rungs - 1) as f64);
    (0..rungs).map(|rung| Rung::new((300_000.0 * step.powi(rung as i32)) as u64)).collect()
}

/// Sizes of the coming segments, 70 to 130 % of what the ladder declares.
fn sizes(ladder: &[Rung]) -> Vec<u64> {
    let percents = (0..LOOKAHEAD as u64).map(|segment| 70 + segment * 37 % 61);
    percents.flat_map(|percent| ladder.iter().map(move |rung| rung.bitrate_bps / 2 * percent / 100)).collect()
}

/// A rule in the middle of a session, and the question it is about to be asked.
struct Situation {
    rule: Box<dyn Rule>,
    call: Call,
    ladder: Vec<Rung>,
    sizes: Option<Vec<u64>>,
    moment: Moment,
}

const NOW: Duration = Duration::from_secs(100);

impl Situation {
    fn new(case: Case, moment: Moment) -> Self {
        let ladder = ladder(case.rungs);
        let sizes = case.sizes_known.then(|| sizes(&ladder));
        let mut rule = abr::rule(case.rule).expect("the rule is in the table");
        // A link around 2.5 Mbit/s that is never quite the same.
        for (second, kbps) in [2500, 3100, 1900, 2600, 900, 2200, 4000, 2700, 2400, 3300].into_iter().enumerate() {
            rule.on_transfer(&Transfer {
                at: Duration::from_secs(60 + second as u64 * 4),
                bytes: kbps * 125 * 2,
                ttfb: Duration::from_millis(50),
                duration: Duration::from_secs(2),
                cached: false,
                concurrent: 1,
                others: 0,
            });
        }
        let mut situation = Self { rule, call: case.call, ladder, sizes, moment };
        if situation.call == Call::OnProgress {
            situation.select();
        }
        situation
    }

    fn select(&mut self) {
        let context = Context {
            now: NOW,
            last: (!self.moment.starts).then_some(self.ladder.len() / 2),
            phase: if self.moment.starts { Phase::StartUp } else { Phase::Steady },
            buffer: Duration::from_secs(self.moment.buffer),
            next_sizes: self.sizes.as_deref(),
            segments_left: Some(200),
            ..Context::new(&self.ladder, SEGMENT)
        };
        black_box(self.rule.select(black_box(&context)));
    }

    /// The top rung after two seconds: slow, so that giving it up is a real question, or as fast as it may be.
    fn on_progress(&mut self) {
        let top = self.ladder.len() - 1;
        let elapsed = Duration::from_secs(2);
        let context = Context {
            now: NOW + elapsed,
            last: Some(top),
            buffer: Duration::from_secs(self.moment.buffer).saturating_sub(elapsed),
            next_sizes: self.sizes.as_deref(),
            segments_left: Some(200),
            ..Context::new(&self.ladder, SEGMENT)
        };
        let in_flight = InFlight {
            now: context.now,
            rung: top,
            size: self.sizes.as_ref().map(|sizes| sizes[top]),
            received: self.moment.received,
            elapsed,
            ttfb: Some(Duration::from_millis(50)),
            buffer: context.buffer,
            segment_duration: SEGMENT,
            others: 0,
        };
        black_box(self.rule.on_progress(black_box(&in_flight), black_box(&context)));
    }

    fn decide(&mut self) {
        match self.call {
            Call::Select => self.select(),
            Call::OnProgress => self.on_progress(),
        }
    }
}

fn situations(case: Case) -> Vec<Situation> {
    MOMENTS.map(|moment| Situation::new(case, moment)).into()
}

/// All of a case's decisions, once.
#[divan::bench(args = cases())]
fn decide(bencher: divan::Bencher<'_, '_>, case: Case) {
    let count = divan::counter::ItemsCount::new(MOMENTS.len());
    bencher.counter(count).with_inputs(|| situations(case)).bench_local_refs(|situations| {
        situations.iter_mut().for_each(Situation::decide);
    });
}

fn main() {
    match std::env::var("KINORA_BENCH_ONCE") {
        Ok(name) => {
            let case = cases().find(|case| case.to_string() == name).expect("a case of this bench");
            let times = std::env::var("KINORA_BENCH_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
            situations(case).iter_mut().take(times).for_each(Situation::decide);
        }
        Err(_) => divan::main(),
    }
}
