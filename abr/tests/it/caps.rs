//! Bounds that change while a session plays: whatever the link does, every rule stays within what holds at that moment.

use std::time::Duration;

use abr::{
    Caps, Context, Decision, Hdcp, InFlight, Reason, Rule, Rung, Transfer, Verdict,
    frames::{DroppedFrames, FrameReport},
    simulator::{
        link::{Link, Row, Trace},
        session::{self, Settings},
        video::Video,
    },
};
use proptest::prelude::*;

const NAMES: [&str; 10] =
    ["default", "dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput", "lowest", "highest", "fixed:3"];
/// Heights do not ascend with rates, and one rung in the middle needs more of the output than its neighbours.
const LADDER: [Rung; 6] = [
    Rung::new(300_000).with_height(240),
    Rung::new(750_000).with_height(480),
    Rung::new(1_200_000).with_height(360),
    Rung::new(1_850_000).with_height(720).protected_by(Hdcp::Type1),
    Rung::new(2_850_000).with_height(720).protected_by(Hdcp::Type0),
    Rung::new(4_300_000).with_height(1080).protected_by(Hdcp::Type1),
];

/// Bounds that hold from a moment on.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    caps: Caps,
    output: Hdcp,
}

/// Puts the bounds of the moment into every context, and checks every answer.
struct Guarded {
    rule: Box<dyn Rule>,
    /// Each holds for ten seconds, the last one to the end.
    bounds: Vec<Bounds>,
    faults: Vec<String>,
}

impl Guarded {
    fn bounded<'a>(&self, context: &Context<'a>, ladder: &'a mut [Rung; 6]) -> Context<'a> {
        let at = (context.now.as_secs() / 10) as usize;
        let Bounds { caps, output } = self.bounds[at.min(self.bounds.len() - 1)];
        *ladder = LADDER.map(|rung| rung.shown_on(output));
        Context { rungs: ladder, caps, ..context.clone() }
    }

    fn check(&mut self, context: &Context<'_>, rung: usize) {
        let permitted = context.rungs.iter().position(|rung| context.caps.permits(rung));
        let right = match permitted {
            Some(_) => context.caps.permits(&context.rungs[rung]),
            None => rung == 0,
        };
        if !right {
            self.faults.push(format!("{:?}: rung {rung} under {:?}", context.now, context.caps));
        }
    }
}

impl Rule for Guarded {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        let mut ladder = LADDER;
        let context = self.bounded(context, &mut ladder);
        let decision = self.rule.select(&context);
        self.check(&context, decision.representation);
        decision
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.rule.on_transfer(transfer);
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        let mut ladder = LADDER;
        let context = self.bounded(context, &mut ladder);
        let verdict = self.rule.on_progress(in_flight, &context);
        if let Verdict::AbandonTo(rung) = verdict {
            self.check(&context, rung);
        }
        verdict
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.rule.estimate_bps()
    }
}

fn guarded(name: &str, bounds: Vec<Bounds>) -> Guarded {
    Guarded { rule: abr::rule(name).expect("the name is in the table"), bounds, faults: Vec::new() }
}

fn film() -> Video {
    Video::constant(LADDER.to_vec(), Duration::from_secs(2), 40).expect("the film is well formed")
}

fn link(rows: &[(u64, u64)]) -> Link {
    let row = |&(seconds, kbps): &(u64, u64)| Row {
        duration: Duration::from_secs(seconds),
        bandwidth_bps: kbps * 1000,
        latency: Duration::from_millis(40),
    };
    Link::new(Trace::from_rows(rows.iter().map(row).collect()).expect("the trace is well formed"))
}

/// A second of a link that carries `kbps`.
fn transfer(second: u64, kbps: u64) -> Transfer {
    Transfer {
        at: Duration::from_secs(second),
        bytes: kbps * 125,
        ttfb: Duration::from_millis(40),
        duration: Duration::from_secs(1),
        cached: false,
        concurrent: 1,
        others: 0,
    }
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let height = prop::option::of(prop_oneof![Just(200_u32), Just(360), Just(480), Just(720), Just(1080)]);
    let rate = prop::option::of(100_000_u64..6_000_000);
    let output = prop_oneof![Just(Hdcp::None), Just(Hdcp::Type0), Just(Hdcp::Type1)];
    (height, rate, output)
        .prop_map(|(max_height, max_bitrate_bps, output)| Bounds { caps: Caps { max_height, max_bitrate_bps }, output })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    #[test]
    fn no_rule_ever_leaves_the_bounds_of_the_moment(
        rows in prop::collection::vec((3_u64..25, prop_oneof![100_u64..900, 900_u64..9000]), 2..8), bounds in prop::collection::vec(bounds(), 1..10),
        sizes_known in any::<bool>(),
    ) {
        for name in NAMES {
            let mut rule = guarded(name, bounds.clone());
            let settings = Settings { sizes_known, ..Settings::default() };
            let _ = session::play(&film(), &link(&rows), &mut rule, settings);
            prop_assert!(rule.faults.is_empty(), "{name}: {:?}", rule.faults);
        }
    }
}

/// A transfer of the top rung that slows down, judged in many states: what replaces it is within the bounds of that
/// moment, also when they were others when it was chosen.
#[test]
fn what_replaces_a_slow_transfer_is_within_the_bounds() {
    let segment = Duration::from_secs(4);
    let mut protected = LADDER;
    protected[1] = protected[1].protected_by(Hdcp::Type1);
    protected[2] = protected[2].protected_by(Hdcp::Type0);
    for name in ["default", "dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput"] {
        let mut given_up_for = [[0_u32; 6]; 3];
        for (at, output) in [Hdcp::Type1, Hdcp::Type0, Hdcp::None].into_iter().enumerate() {
            let ladder = protected.map(|rung| rung.shown_on(output));
            for (buffer, kbps) in (2..24).flat_map(|buffer| [100, 300, 600, 900, 1300, 2000].map(|kbps| (buffer, kbps)))
            {
                let mut rule = abr::rule(name).expect("the name is in the table");
                for second in 0..6 {
                    rule.on_transfer(&transfer(second, 30_000));
                }
                let now = Duration::from_secs(6);
                let buffer = Duration::from_secs(buffer);
                let before = protected.map(|rung| rung.shown_on(Hdcp::Type1));
                let context = Context { now, last: Some(5), buffer, ..Context::new(&before, segment) };
                let _ = rule.select(&context);
                let verdict = (1..60_u64).map(|step| {
                    let elapsed = Duration::from_millis(40 + step * 250);
                    let in_flight = InFlight {
                        now: now + elapsed,
                        rung: 5,
                        size: Some(2_150_000),
                        received: kbps * step * 250 / 8,
                        elapsed,
                        ttfb: Some(Duration::from_millis(40)),
                        buffer: buffer.saturating_sub(elapsed),
                        segment_duration: segment,
                        others: 0,
                    };
                    let context =
                        Context { now: in_flight.now, buffer: in_flight.buffer, rungs: &ladder, ..context.clone() };
                    rule.on_progress(&in_flight, &context)
                });
                if let Some(Verdict::AbandonTo(rung)) =
                    verdict.into_iter().find(|verdict| *verdict != Verdict::Continue)
                {
                    given_up_for[at][rung] += 1;
                }
            }
        }
        let [all, some, none] = given_up_for;
        assert!(all[1] > 0 && all[2] > 0, "{name}: the test would not notice: {all:?}");
        assert_eq!((some[1], some[3]), (0, 0), "{name}: {some:?}");
        assert!(none[0] > 0 && none[1..].iter().all(|count| *count == 0), "{name}: {none:?}");
    }
}

/// A bound is a bound and nothing else: on a link that carries everything, each rule that looks at the network settles on
/// the best rung that is left.
#[test]
fn the_best_rung_within_the_bounds_is_used() {
    let cases = [
        (Caps::default(), Hdcp::Type1, 5),
        (Caps::default(), Hdcp::Type0, 4),
        (Caps::default(), Hdcp::None, 2),
        (Caps { max_height: Some(720), ..Caps::default() }, Hdcp::Type1, 4),
        (Caps { max_height: Some(360), ..Caps::default() }, Hdcp::Type1, 2),
        (Caps::data_saver(2_000_000, 128_000), Hdcp::Type1, 3),
        (Caps::data_saver(2_000_000, 128_000), Hdcp::Type0, 2),
        (Caps { max_height: Some(480), ..Caps::default() }.and(Caps::data_saver(1_000_000, 0)), Hdcp::Type1, 1),
        (Caps { max_height: Some(100), ..Caps::default() }, Hdcp::Type1, 0),
    ];
    for name in ["default", "dynamic", "robust-mpc", "bola-e", "bola", "throughput", "highest"] {
        for (caps, output, best) in cases {
            let mut rule = guarded(name, vec![Bounds { caps, output }]);
            let session = session::play(&film(), &link(&[(10, 40_000)]), &mut rule, Settings::default());
            let settled = session.segments.iter().skip(10).filter(|segment| segment.rung == best).count();
            assert_eq!(settled, 30, "{name}: {caps:?} on {output:?}");
        }
    }
}

/// A device that decodes rung 4 and not rung 5, on a link that carries both: the policy and the rule settle below, and
/// the trials become rare.
#[test]
fn a_slow_decoder_is_left_alone_after_some_trials() {
    let ladder = LADDER.map(|rung| rung.shown_on(Hdcp::Type1));
    let mut frames = DroppedFrames::new();
    let mut rule = abr::default_rule();
    let segment = Duration::from_secs(2);
    let (mut last, mut trials, mut too_much) = (None, 0, 0_u32);
    for number in 0..1800_u32 {
        let now = segment * number;
        let context = Context {
            now,
            last,
            buffer: Duration::from_secs(12),
            caps: frames.caps(now),
            ..Context::new(&ladder, segment)
        };
        let rung = rule.select(&context).representation;
        trials += u32::from(rung == 5 && last != Some(5));
        too_much += u32::from(rung == 5);
        last = Some(rung);
        rule.on_transfer(&Transfer {
            at: now,
            bytes: context.nominal_bytes(rung),
            ttfb: Duration::from_millis(30),
            duration: Duration::from_millis(300),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        for half in 1..=4 {
            let dropped = if rung == 5 { 10 } else { 0 };
            let at = now + segment / 4 * half;
            frames.observe(&FrameReport { at, rung: ladder[rung], presented: 25 - dropped, dropped });
        }
    }
    // 60, 120, 240, 480, 960 and 1800 seconds between trials: an hour has room for six.
    assert_eq!(trials, 6);
    assert!(too_much <= trials * 4, "{too_much} of 1800 segments");
}

#[test]
fn a_cap_is_the_reason_that_is_given() {
    let context = Context {
        last: Some(2),
        buffer: Duration::from_secs(15),
        caps: Caps { max_bitrate_bps: Some(1_500_000), ..Caps::default() },
        ..Context::new(&LADDER, Duration::from_secs(2))
    };
    for name in ["default", "dynamic", "bola", "bola-e", "throughput", "highest"] {
        let mut rule = abr::rule(name).expect("the name is in the table");
        for second in 0..4 {
            rule.on_transfer(&transfer(second, 40_000));
        }
        let decision = rule.select(&context);
        assert_eq!((decision.representation, decision.reason), (2, Reason::Capped), "{name}");
    }
}
