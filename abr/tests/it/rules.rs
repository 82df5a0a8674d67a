//! Properties of every rule in every situation: indices in range, caps obeyed, no panic, more bandwidth never worse.

use std::time::Duration;

use abr::{Caps, Context, Hdcp, History, InFlight, Live, Phase, Protection, Reason, Rule, Rung, Transfer, Verdict};
use proptest::prelude::*;

const NAMES: [&str; 11] = [
    "default",
    "dynamic",
    "robust-mpc",
    "bola-e",
    "bba",
    "throughput",
    "bola",
    "lowest",
    "highest",
    "fixed:1",
    "fixed:99",
];

fn made(name: &str) -> Box<dyn Rule> {
    abr::rule(name).expect("the name is in the table")
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        (0_u64..60_000).prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_nanos),
        Just(Duration::MAX),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1_u64..20_000_000, any::<u64>()]
}

fn level() -> impl Strategy<Value = Hdcp> {
    prop_oneof![Just(Hdcp::None), Just(Hdcp::Type0), Just(Hdcp::Type1)]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![Just(Phase::StartUp), Just(Phase::Steady), Just(Phase::Rebuffering), Just(Phase::AfterSeek)]
}

/// Situations of the grid in which the default rule may take a lower rung on a faster link.
const MOST_LOWER: u32 = 276;

prop_compose! {
    fn transfers()(list in prop::collection::vec((time(), number(), time(), time(), any::<bool>(), any::<u32>(), number()), 0..12))
        -> Vec<Transfer> {
        let one = |(at, bytes, ttfb, duration, cached, concurrent, others)| {
            Transfer { at, bytes, ttfb, duration, cached, concurrent, others }
        };
        list.into_iter().map(one).collect()
    }
}

/// The parts of a context that own their data.
#[derive(Debug, Clone)]
struct Situation {
    rungs: Vec<Rung>,
    sizes: Option<Vec<u64>>,
    times: [Duration; 4],
    last: Option<usize>,
    phase: Phase,
    rate: f32,
    live: Option<Live>,
    reserved_bps: u64,
    caps: Caps,
}

impl Situation {
    fn context(&self) -> Context<'_> {
        Context {
            now: self.times[0],
            last: self.last,
            phase: self.phase,
            buffer: self.times[1],
            buffer_goal: self.times[2],
            next_sizes: self.sizes.as_deref(),
            segments_left: None,
            rate: self.rate,
            latency: self.live,
            reserved_bps: self.reserved_bps,
            caps: self.caps,
            ..Context::new(&self.rungs, self.times[3])
        }
    }
}

prop_compose! {
    fn situation()(
        mut rungs in prop::collection::vec((number(), prop::option::of(0_u32..4000), level(), level()), 0..9),
        sizes in prop::option::of(prop::collection::vec(number(), 0..9)),
        times in [time(), time(), time(), time()],
        last in prop::option::of(0_usize..12),
        phase in phase(),
        rate in any::<f32>(),
        live in prop::option::of((time(), time())),
        reserved_bps in number(),
        max_height in prop::option::of(0_u32..4000),
        max_bitrate_bps in prop::option::of(number()),
    ) -> Situation {
        rungs.sort_unstable();
        let one = |(bitrate_bps, height, needed, present)| {
            Rung { bitrate_bps, height, protection: Protection { needed, present } }
        };
        let rungs = rungs.into_iter().map(one).collect();
        let live = live.map(|(latency, target)| Live { latency, target });
        Situation { rungs, sizes, times, last, phase, rate, live, reserved_bps, caps: Caps { max_height, max_bitrate_bps } }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 8 / 5))]

    #[test]
    fn any_situation_gets_a_permitted_rung(
        situation in situation(), transfers in transfers(), remembered in prop::option::of((number(), time())),
        size in prop::option::of(number()), received in number(), rung in 0_usize..12, elapsed in time(),
    ) {
        for name in NAMES {
            let mut rule = made(name);
            if let Some((bandwidth_bps, ttfb)) = remembered {
                rule.seed(&History { bandwidth_bps, ttfb });
            }
            let context = situation.context();
            for transfer in &transfers {
                rule.on_transfer(transfer);
                let decision = rule.select(&context);
                check(name, &context, decision.representation)?;
            }
            let in_flight = InFlight {
                now: context.now, rung, size, received, elapsed, ttfb: None,
                buffer: context.buffer, segment_duration: context.segment_duration, others: size.unwrap_or(received),
            };
            if let Verdict::AbandonTo(lower) = rule.on_progress(&in_flight, &context) {
                prop_assert!(lower < rung || (!context.has_sizes() && lower > rung), "{name}: {lower} in place of {rung}");
                check(name, &context, lower)?;
                let next = rule.select(&context);
                check(name, &context, next.representation)?;
            }
            rule.on_seek();
            let decision = rule.select(&context);
            check(name, &context, decision.representation)?;
            if context.rungs.len() == 1 {
                prop_assert_eq!((decision.representation, decision.reason), (0, Reason::Only), "{}", name);
            }
        }
    }

    #[test]
    fn more_bandwidth_never_gives_a_lower_rung(
        kbps in 50_u64..60_000, more in 1_u64..60_000, buffer in 0_u64..40_000, last in prop::option::of(0_usize..5),
        phase in phase(), count in 1_u32..10, known in any::<bool>(),
    ) {
        let rungs = [300, 750, 1200, 2400, 6000].map(|kbps| Rung::new(kbps * 1000));
        let sizes = rungs.map(|rung| rung.bitrate_bps / 2);
        let context = Context {
            last, phase, buffer: Duration::from_millis(buffer), next_sizes: known.then_some(&sizes[..]),
            ..Context::new(&rungs, Duration::from_secs(4))
        };
        // RobustMPC is left out for good: its plan ends after five segments and knows nothing of what comes then, so on a
        // faster link a plan may win whose first rung is lower. That is the published rule. Of 40,000 such situations 12
        // show it, for instance 1749 against 2957 kbit/s with 18 s ahead.
        // The default rule plans likewise; `the_default_rule_seldom_takes_a_lower_rung_on_a_faster_link` counts how often.
        for name in NAMES.iter().filter(|name| !["robust-mpc", "default"].contains(name)) {
            let choose = |kbps: u64| {
                let mut rule = made(name);
                for _ in 0..count {
                    rule.on_transfer(&transfer(kbps));
                }
                rule.select(&context).representation
            };
            prop_assert!(choose(kbps) <= choose(kbps + more), "{name}");
        }
    }
}

fn check(name: &str, context: &Context<'_>, chosen: usize) -> Result<(), TestCaseError> {
    prop_assert!(chosen < context.rungs.len().max(1), "{name}: {chosen} of {}", context.rungs.len());
    let allowed: Vec<usize> =
        (0..context.rungs.len()).filter(|&rung| context.caps.permits(&context.rungs[rung])).collect();
    if allowed.is_empty() {
        let lowest = context.rungs.iter().position(|rung| rung.protection.suffices()).unwrap_or(0);
        prop_assert_eq!(chosen, lowest, "{}: nothing is permitted, so the lowest that may be shown", name);
    } else if context.rungs.len() > 1 {
        prop_assert!(allowed.contains(&chosen), "{name}: {chosen} not in {allowed:?}");
    }
    Ok(())
}

/// One second of a link that carries `kbps`.
fn transfer(kbps: u64) -> Transfer {
    Transfer {
        at: Duration::from_secs(1),
        bytes: kbps * 125,
        ttfb: Duration::from_millis(40),
        duration: Duration::from_secs(1),
        cached: false,
        concurrent: 1,
        others: 0,
    }
}

/// Found at random once: an endless segment of an absurd ladder, on a network that is remembered as dead.
#[test]
fn an_endless_segment_overflows_nothing() {
    let rungs = [Rung::new(0), Rung::new(18_446_744_074)];
    let times = Context { buffer_goal: Duration::ZERO, rate: -0.0, ..Context::new(&rungs, Duration::MAX) };
    let context = Context { phase: Phase::StartUp, ..times };
    for name in NAMES {
        let mut rule = made(name);
        rule.seed(&History { bandwidth_bps: 1, ttfb: Duration::ZERO });
        assert!(rule.select(&context).representation < 2, "{name}");
    }
}

#[test]
fn unknown_names_are_refused() {
    for name in ["", "Default", "fixed:", "fixed:-1", "fixed:x", "bola2"] {
        assert!(abr::rule(name).is_none(), "{name}");
    }
    for name in NAMES {
        assert!(name.starts_with(made(name).name()), "{name}");
    }
}

#[test]
fn reserved_bandwidth_and_playback_rate_lower_the_choice() {
    let rungs = [300, 750, 1200, 2400, 6000].map(|kbps| Rung::new(kbps * 1000));
    let plain = Context { buffer: Duration::from_secs(20), ..Context::new(&rungs, Duration::from_secs(2)) };
    let choose = |context: &Context<'_>| {
        let mut rule = abr::default_rule();
        for _ in 0..5 {
            rule.on_transfer(&transfer(3000));
        }
        rule.select(context).representation
    };
    // What 3 Mbit/s carries, or more for a while: twenty seconds ahead may be spent.
    assert!(choose(&plain) >= 3);
    // Half of 3 Mbit/s carries 1.2 Mbit/s.
    let lower = 2..choose(&plain);
    assert!(lower.contains(&choose(&Context { reserved_bps: 1_500_000, ..plain.clone() })));
    assert!(lower.contains(&choose(&Context { rate: 2.0, ..plain.clone() })));
    // With eight seconds ahead the plan keeps more in reserve, because the outage that may come empties a buffer of media
    // sooner when less of the link is left or playback is faster: how much lower is not a promise.
    let short = Context { buffer: Duration::from_secs(8), ..plain.clone() };
    assert_eq!(choose(&short), 3);
    assert!(choose(&Context { reserved_bps: 1_500_000, ..short.clone() }) <= 2);
    assert!(choose(&Context { rate: 2.0, ..short.clone() }) <= 2);
}

#[test]
fn a_remembered_network_starts_higher() {
    let rungs = [300, 750, 1200, 2400, 6000].map(|kbps| Rung::new(kbps * 1000));
    let context = Context { phase: Phase::StartUp, ..Context::new(&rungs, Duration::from_secs(4)) };
    let mut rule = abr::default_rule();
    assert_eq!(rule.select(&context).representation, 0);
    assert_eq!(rule.estimate_bps(), None);
    rule.seed(&History { bandwidth_bps: 30_000_000, ttfb: Duration::from_millis(30) });
    // What may be relied upon is one deviation below what is remembered; of a network that is only remembered it is 16 %.
    assert!(rule.estimate_bps().is_some_and(|bps| (24_000_000..=30_000_000).contains(&bps)));
    // 24 Mbit at 30 Mbit/s and 30 ms arrive in 0.83 s.
    assert_eq!(rule.select(&context).representation, 4);
}

#[test]
fn the_segment_after_abandoning_is_fetched_at_the_advised_rung() {
    let rungs = [500, 2000, 8000].map(|kbps| Rung::new(kbps * 1000));
    let mut rule = abr::default_rule();
    for _ in 0..6 {
        rule.on_transfer(&transfer(20_000));
    }
    let now = Duration::from_secs(30);
    let context =
        Context { now, last: Some(2), buffer: Duration::from_secs(4), ..Context::new(&rungs, Duration::from_secs(4)) };
    assert_eq!(rule.select(&context).representation, 2);
    // The link falls to 1 Mbit/s as the transfer begins, and the buffer drains.
    let judged = (1..40_u64).find_map(|step| {
        let elapsed = Duration::from_millis(50 + step * 250);
        let in_flight = InFlight {
            now,
            rung: 2,
            size: Some(4_000_000),
            received: step * 31_250,
            elapsed,
            ttfb: Some(Duration::from_millis(50)),
            buffer: context.buffer.saturating_sub(elapsed),
            segment_duration: Duration::from_secs(4),
            others: 0,
        };
        match rule.on_progress(&in_flight, &context) {
            Verdict::AbandonTo(rung) => Some((step, rung)),
            Verdict::Continue => None,
        }
    });
    let Some((step, rung)) = judged else { panic!("the link collapsed") };
    // Four seconds are ahead, so the buffer is gone at step 16. A rule that looks at the present rate alone (DYNAMIC)
    // gives up at step 1. The default takes a sudden fall for an outage first, which it expects to pass, so it comes
    // late here and stalls for what the lowest rung takes: the limit proves only that it does not wait for the buffer
    // to run dry.
    assert!((2..=15).contains(&step), "not at the first sign, and before the buffer is gone: {step}");
    let decision = rule.select(&context);
    assert_eq!((decision.representation, decision.reason), (rung, Reason::Abandoned));
    let decision = rule.select(&context);
    assert_ne!(decision.reason, Reason::Abandoned, "advice is for one question");
}

/// Counts, over a grid of situations, those in which the default rule takes a lower rung than on a slower link. It plans as
/// RobustMPC does, and shares its gap: a plan may win whose first rung is lower.
#[test]
fn the_default_rule_seldom_takes_a_lower_rung_on_a_faster_link() {
    let rungs = [300, 750, 1200, 2400, 6000].map(|kbps| Rung::new(kbps * 1000));
    let sizes = rungs.map(|rung| rung.bitrate_bps / 2);
    let (mut lower, mut all) = (0, 0);
    for (buffer, last, phase, known) in grid() {
        let context = Context {
            last,
            phase,
            buffer: Duration::from_millis(buffer),
            next_sizes: known.then_some(&sizes[..]),
            ..Context::new(&rungs, Duration::from_secs(4))
        };
        let mut most = 0;
        for kbps in (50..60_000).step_by(1_000) {
            let mut rule = made("default");
            rule.on_transfer(&transfer(kbps));
            let chosen = rule.select(&context).representation;
            all += 1;
            lower += u32::from(chosen < most);
            most = most.max(chosen);
        }
    }
    assert_eq!(all, 86_400);
    // 0 would be right; a change of the rule may lower this figure and is not to raise it.
    assert!(lower <= MOST_LOWER, "{lower} of {all}");
}

/// Situations of the grid: buffer in milliseconds, last rung, phase, whether sizes are known.
fn grid() -> impl Iterator<Item = (u64, Option<usize>, Phase, bool)> {
    let phases = [Phase::StartUp, Phase::AfterSeek, Phase::Steady];
    let lasts = [None, Some(0), Some(1), Some(2), Some(3), Some(4)];
    (128..40_000).step_by(997).flat_map(move |buffer| {
        lasts.into_iter().flat_map(move |last| {
            phases
                .into_iter()
                .flat_map(move |phase| [false, true].into_iter().map(move |known| (buffer, last, phase, known)))
        })
    })
}
