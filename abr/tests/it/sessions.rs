//! Whole sessions on synthetic links: what a viewer would see, as a table.

use std::time::Duration;

use abr::{
    Rung,
    simulator::{
        link::{Link, Row, Trace},
        qoe::{self, Score},
        session::{self, Session, Settings},
        video::Video,
    },
};

const LADDER: [u64; 6] = [300, 750, 1200, 1850, 2850, 4300];

fn film() -> Video {
    let rungs = LADDER.map(|kbps| Rung::new(kbps * 1000)).to_vec();
    Video::constant(rungs, Duration::from_secs(4), 60).expect("the film is well formed")
}

/// Rows of `unit`s and kilobits a second.
fn link(rows: &[(u64, u64)], unit: Duration) -> Link {
    let row = |&(units, kbps): &(u64, u64)| Row {
        duration: unit * u32::try_from(units).expect("a step is short"),
        bandwidth_bps: kbps * 1000,
        latency: Duration::from_millis(50),
    };
    Link::new(Trace::from_rows(rows.iter().map(row).collect()).expect("the trace is well formed"))
}

fn play_on(rule: &str, link: &Link) -> Session {
    let mut rule = abr::rule(rule).expect("the rule exists");
    session::play(&film(), link, rule.as_mut(), Settings::default())
}

/// Rows of seconds and kilobits a second.
fn play(rule: &str, rows: &[(u64, u64)]) -> Session {
    play_on(rule, &link(rows, Duration::from_secs(1)))
}

fn stall(session: &Session) -> Duration {
    session.segments.iter().map(|segment| segment.stall).sum()
}

/// A link, and what the default rule must make of it.
struct Case {
    name: &'static str,
    rows: &'static [(u64, u64)],
    most_stall_ms: u64,
    /// Mean rate in kbit/s.
    least_rate: f64,
    most_switches: f64,
    /// Share of the bytes received.
    most_wasted: f64,
}

#[test]
fn the_default_rule_on_synthetic_links() {
    let cases = [
        Case {
            name: "ample",
            rows: &[(10, 20_000)],
            most_stall_ms: 0,
            least_rate: 4200.0,
            most_switches: 1.0,
            most_wasted: 0.02,
        },
        Case {
            name: "between two rungs",
            rows: &[(10, 2300)],
            most_stall_ms: 0,
            least_rate: 2100.0,
            most_switches: 8.0,
            most_wasted: 0.02,
        },
        // The one change is at the end of the film, where what was saved is spent on a better picture.
        Case {
            name: "barely the lowest",
            rows: &[(10, 340)],
            most_stall_ms: 0,
            least_rate: 320.0,
            most_switches: 1.0,
            most_wasted: 0.02,
        },
        Case {
            name: "a fall to a quarter",
            rows: &[(60, 6000), (3600, 1500)],
            // The last segment arrives as late as a request takes: the price of a rung more at the end.
            most_stall_ms: 60,
            least_rate: 2400.0,
            most_switches: 12.0,
            most_wasted: 0.02,
        },
        // DYNAMIC reaches 3080: a minute at 800 kbit/s has become the level that the default expects the link to return
        // to, so it climbs some segments later.
        Case {
            name: "a rise",
            rows: &[(60, 800), (3600, 8000)],
            most_stall_ms: 0,
            least_rate: 2900.0,
            most_switches: 6.0,
            most_wasted: 0.02,
        },
        Case {
            name: "outages of eight seconds",
            rows: &[(40, 5000), (8, 0)],
            // Less than a picture.
            most_stall_ms: 40,
            least_rate: 3600.0,
            most_switches: 14.0,
            // Each outage costs what it cuts short.
            most_wasted: 0.02,
        },
        // Two seconds are the third segment, asked for when the only sample had promised 6 Mbit/s: whoever believes it
        // (RobustMPC, BOLA and throughput do) meets the first fall. The rest, 0.3 s, is three segments before the end,
        // where what was saved is being spent. No other rule scores higher on this link.
        Case {
            name: "a saw",
            rows: &[(5, 6000), (5, 1000)],
            most_stall_ms: 2500,
            least_rate: 3100.0,
            most_switches: 16.0,
            // A fall every ten seconds, and each may cut a transfer short.
            most_wasted: 0.03,
        },
    ];
    for case in cases {
        let session = play("default", case.rows);
        let score = qoe::score(&film(), &session).expect("something was played");
        let name = case.name;
        assert!(stall(&session) <= Duration::from_millis(case.most_stall_ms), "{name}: stalled {:?}", stall(&session));
        assert!(score.kbps >= case.least_rate, "{name}: {} kbit/s", score.kbps);
        assert!(score.switches <= case.most_switches, "{name}: {} switches", score.switches);
        assert!(score.startup_s < 4.0, "{name}: {} s to start", score.startup_s);
        assert!(score.wasted_share < case.most_wasted, "{name}: {} wasted", score.wasted_share);
    }
}

/// Links of 4 to 11 periods of 2 to 26 seconds, each around its own level, all from one seed.
fn varied_links() -> Vec<Vec<(u64, u64)>> {
    let mut state = 7_u64;
    // A linear congruential generator with Knuth's constants; the high bits are good enough.
    let mut below = move |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut link = || {
        let (level, periods) = (600 + below(5000), 4 + below(8));
        (0..periods).map(|_| (2 + below(25), 100 + level * (20 + below(180)) / 100)).collect()
    };
    (0..24).map(|_| link()).collect()
}

#[test]
fn the_default_rule_beats_every_other_on_average() {
    let links = varied_links();
    let mean = |rule: &str| {
        let scores = links.iter().map(|rows| qoe::score(&film(), &play(rule, rows)).expect("something was played"));
        qoe::mean(&scores.collect::<Vec<_>>()).expect("there are links")
    };
    let ours = mean("default");
    assert!(ours.rebuffer_ratio < 1e-3, "{ours:?}");
    assert!(ours.wasted_share < 0.02, "{ours:?}");
    for other in ["dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput", "lowest", "highest"] {
        let theirs = mean(other);
        assert!(ours.linear > theirs.linear, "{other}: {ours:?} against {theirs:?}");
    }
}

/// Links that repeat themselves: steps of one length, as of a vehicle that passes the same places, or of a link that is
/// shared by turns. Seconds and kilobits a second.
const REGULAR: [&[(u64, u64)]; 8] = [
    &[(12, 5200), (12, 900), (12, 2600), (12, 300), (12, 7000)],
    &[(25, 6500), (25, 2800), (25, 5200), (25, 1900)],
    &[(12, 4000), (12, 400)],
    &[(3, 4000), (3, 1000)],
    &[(10, 5000), (10, 800)],
    &[(30, 6000), (30, 600)],
    &[(8, 3000), (8, 1500), (8, 500)],
    &[(60, 2500), (60, 1000)],
];

/// The mean over seven lengths of the steps: on a single link of this kind it is an accident which rule meets the falls
/// well, and a step that is a tenth longer turns the order around.
fn mean_of_lengths(rule: &str, rows: &[(u64, u64)]) -> Score {
    let scores = [70, 80, 90, 100, 112, 125, 140].map(|percent| {
        let link = link(rows, Duration::from_millis(10) * percent);
        qoe::score(&film(), &play_on(rule, &link)).expect("something was played")
    });
    qoe::mean(&scores).expect("there are lengths")
}

#[test]
fn regular_links_are_no_trap() {
    let scores = |rule: &str| REGULAR.map(|rows| mean_of_lengths(rule, rows));
    let all = |scores: &[Score]| qoe::mean(scores).expect("there are links");
    let ours = scores("default");
    assert!(all(&ours).rebuffer_ratio < 3e-3, "{ours:?}");
    for other in ["dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput", "lowest", "highest"] {
        let theirs = scores(other);
        assert!(all(&ours).linear > all(&theirs).linear * 1.08, "{other}: {ours:?} against {theirs:?}");
        for ((rows, ours), theirs) in REGULAR.iter().zip(&ours).zip(&theirs) {
            // BBA, which waits for a full buffer and then hardly changes, is a quarter ahead on one of them.
            assert!(ours.linear > theirs.linear * 0.77, "{other} on {rows:?}: {ours:?} against {theirs:?}");
        }
    }
}

/// One link that no rule was made for. It has no outage, so what is saved against one is lost: DYNAMIC and BOLA, which save
/// nothing, are slightly ahead. The limits keep the price of that caution.
#[test]
fn caution_costs_little_on_a_link_that_does_not_need_it() {
    let rows = [(12, 5200), (9, 900), (20, 2600), (4, 300), (15, 7000)];
    // One fall to 300 kbit/s meets a transfer with 3.3 s of buffer; the lowest segment alone then takes four.
    let session = play("default", &rows);
    assert!(stall(&session) < Duration::from_millis(800), "{:?}", stall(&session));
    let linear = |rule| qoe::score(&film(), &play(rule, &rows)).expect("something was played").linear;
    for other in ["throughput", "bola-e", "robust-mpc", "lowest", "highest", "bola", "bba", "dynamic"] {
        let least = if ["bola", "bba", "dynamic"].contains(&other) { 0.91 } else { 1.0 };
        assert!(linear("default") > linear(other) * least, "{other}");
    }
    let ours = mean_of_lengths("default", &rows);
    assert!(ours.rebuffer_ratio < 4e-3, "{ours:?}");
    for other in ["throughput", "bola-e", "robust-mpc", "bba", "dynamic", "bola", "lowest", "highest"] {
        let theirs = mean_of_lengths(other, &rows);
        let least = if ["dynamic", "bola"].contains(&other) { 0.96 } else { 1.0 };
        assert!(ours.linear > theirs.linear * least, "{ours:?} against {theirs:?} of {other}");
    }
}

#[test]
fn a_session_is_the_same_each_time() {
    let rows = [(3, 5200), (2, 900), (7, 2600)];
    for rule in ["default", "dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput", "lowest", "highest"] {
        assert_eq!(play(rule, &rows), play(rule, &rows), "{rule}");
    }
}

#[test]
fn abandoning_saves_a_stall_and_counts_its_bytes() {
    // The link collapses to a tenth just after a minute.
    let session = play("default", &[(61, 6000), (3600, 450)]);
    assert!(session.abandoned >= 1);
    assert!(session.wasted > 0 && session.wasted < session.received / 10);
    assert_eq!(stall(&session), Duration::ZERO);
}

#[test]
fn fixed_rungs_stall_as_arithmetic_says() {
    // 4300 kbit/s over 4000: each four-second segment takes 4.3 s and 50 ms. The first is start-up, the other 59 lack
    // 0.35 s each, and nothing is ever ahead.
    let session = play("highest", &[(10, 4000)]);
    assert_eq!(session.startup, Duration::from_millis(4350));
    assert_eq!(stall(&session), Duration::from_millis(350) * 59);
    assert!(session.segments.iter().all(|segment| segment.rung == 5));
}
