//! Nothing is allocated after a rule was made, and one configuration serves on demand and live.

#![expect(unsafe_code, reason = "a counting allocator is a global allocator")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::Duration,
};

use abr::{
    Caps, Context, Hdcp, History, InFlight, Live, Phase, Rule, Rung, Transfer,
    frames::{DroppedFrames, FrameReport},
    joint::{Chooser, Situation},
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches a thread-local cell only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on; `System` allocated `pointer`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NAMES: [&str; 8] = ["default", "dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput", "lowest"];

/// A minute of decisions, transfers and judgements; the rungs that were chosen.
fn session(rule: &mut dyn Rule, context: &Context<'_>) -> [usize; 60] {
    let mut chosen = [0; 60];
    let mut last = None;
    for (round, slot) in chosen.iter_mut().enumerate() {
        let now = Duration::from_secs(round as u64);
        let phase = if round == 0 { Phase::StartUp } else { Phase::Steady };
        let context = Context { now, last, phase, ..context.clone() };
        let rung = rule.select(&context).representation;
        let bytes = context.next_bytes(rung);
        let rate = [900, 2500, 300, 6000][round % 4] * 125;
        let in_flight = InFlight {
            now,
            rung,
            size: Some(bytes),
            received: bytes / 3,
            elapsed: Duration::from_millis(700),
            ttfb: Some(Duration::from_millis(50)),
            buffer: context.buffer,
            segment_duration: context.segment_duration,
            others: 0,
        };
        let _ = rule.on_progress(&in_flight, &context);
        rule.on_transfer(&Transfer {
            at: now,
            bytes,
            ttfb: Duration::from_millis(50),
            duration: Duration::from_secs_f64(bytes as f64 / f64::from(rate)),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        last = Some(rung);
        *slot = rung;
    }
    chosen
}

#[test]
fn deciding_allocates_nothing() {
    let mut ladder = [300, 750, 1200, 1850, 2850, 4300].map(|kbps| Rung::new(kbps * 1000));
    ladder[3] = ladder[3].protected_by(Hdcp::Type1);
    let sizes = [150_000, 400_000, 590_000, 900_000, 1_500_000, 2_000_000].repeat(10);
    let caps = Caps { max_height: Some(1080), ..Caps::default() };
    let context = Context { buffer: Duration::from_secs(9), caps, ..Context::new(&ladder, Duration::from_secs(4)) };
    for name in NAMES {
        for next_sizes in [None, Some(&sizes[..])] {
            let mut rule = abr::rule(name).expect("the name is in the table");
            let context = Context { next_sizes, ..context.clone() };
            let before = ALLOCATIONS.get();
            rule.seed(&History { bandwidth_bps: 2_000_000, ttfb: Duration::from_millis(40) });
            let _ = session(rule.as_mut(), &context);
            rule.on_seek();
            let _ = session(rule.as_mut(), &context);
            let _ = (rule.explain(), rule.estimate_bps());
            assert_eq!(ALLOCATIONS.get() - before, 0, "{name}");
        }
    }
}

#[test]
fn watching_frames_allocates_nothing() {
    let before = ALLOCATIONS.get();
    let mut frames = DroppedFrames::new();
    for tick in 0..600_u64 {
        let rung = Rung::new(1_000_000 * (1 + tick / 40));
        let at = Duration::from_millis(tick * 500);
        frames.observe(&FrameReport { at, rung, presented: 15, dropped: 10 });
        assert_eq!(frames.caps(at).and(Caps::data_saver(9_000_000, 0)).max_height, None);
    }
    assert_ne!(frames.caps(Duration::from_secs(300)), Caps::default());
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

#[test]
fn choosing_sound_allocates_nothing() {
    let pictures = [400, 800, 1500, 3000].map(|kbps| Rung::new(kbps * 1000));
    let sound = [64, 128, 256].map(|kbps| Rung::new(kbps * 1000));
    let pairs = [0b011, 0b011, 0b111, 0b110];
    let before = ALLOCATIONS.get();
    let mut chooser = Chooser::new();
    let (mut sound_now, mut changes) = (None, 0);
    for second in 0..600_u64 {
        let choice = chooser.choose(&Situation {
            now: Duration::from_secs(second),
            pairs: Some(&pairs),
            sound_now,
            pictures_now: Some(second as usize % 4),
            estimate_bps: Some([9_000_000, 700_000, 500_000][second as usize / 60 % 3]),
            buffer: Duration::from_secs(12),
            phase: Phase::Steady,
            ..Situation::new(&pictures, &sound)
        });
        changes += usize::from(sound_now != Some(choice.sound));
        sound_now = Some(choice.sound);
    }
    assert_eq!(changes, 7, "down and up with each round of the link, and once at the start");
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

/// There is one table of constants, and the kind of session is an input: the same rule value plays a film, then a live
/// session, and decides in each what a fresh rule with the same past decides.
#[test]
fn one_configuration_serves_on_demand_and_live() {
    let ladder = [300, 700, 1500, 3000, 5000, 8000].map(|kbps| Rung::new(kbps * 1000));
    let film = Context { buffer: Duration::from_secs(20), ..Context::new(&ladder, Duration::from_secs(4)) };
    let target = Duration::from_secs(4);
    let live = Context {
        buffer: Duration::from_millis(2500),
        latency: Some(Live { latency: Duration::from_millis(4200), target }),
        ..Context::new(&ladder, Duration::from_secs(1))
    };
    let mut one = abr::default_rule();
    let on_demand = session(one.as_mut(), &film);
    let at_the_edge = session(one.as_mut(), &live);
    assert!(on_demand.iter().any(|&rung| rung > 0), "{on_demand:?}");
    assert!(at_the_edge.iter().any(|&rung| rung > 0), "{at_the_edge:?}");
    let mut other = abr::default_rule();
    assert_eq!(session(other.as_mut(), &film), on_demand);
    assert_eq!(session(other.as_mut(), &live), at_the_edge);
    assert_eq!(abr::rule::Planner::new().explain(), None, "nothing is explained before anything was decided");
}
