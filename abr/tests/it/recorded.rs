//! Sessions decision by decision: the record in `tests/recorded` holds the answers of every rule, and the weights that
//! the default rule gave to each rung.
//!
//! `KINORA_RECORD=1` writes the record anew, to be read as a diff. Words must be equal; numbers may differ by rounding.

use std::{fmt::Write, fs, path::Path, sync::LazyLock, time::Duration};

use abr::{
    Context, Decision, Explanation, History, InFlight, Live, Objective, Rule, Rung, Transfer, Verdict,
    simulator::{
        link::{Link, Row, Trace},
        plot, qoe,
        record::Recorder,
        session::{self, Settings, Watch},
        video::Video,
    },
};

/// Relative and absolute difference that rounding explains: the plan is made of `f32` and of the platform's `exp`.
const ROUNDING: (f64, f64) = (2e-4, 2e-4);

const MS: fn(u64) -> Duration = Duration::from_millis;
const LADDER: &[u64] = &[300, 750, 1200, 1850, 2850, 4300];
/// More rungs than a plan holds.
const LONG: &[u64] =
    &[200, 300, 400, 500, 650, 800, 1000, 1250, 1500, 1900, 2400, 3000, 3800, 4800, 6000, 8000, 11_000];

/// One session: the film, the link and the player.
struct Scene {
    name: &'static str,
    /// Seconds, kilobits a second and latency in milliseconds.
    rows: &'static [(u64, u64, u64)],
    /// Ladder in kilobits per second.
    ladder: &'static [u64],
    segment: Duration,
    segments: usize,
    settings: Settings,
    /// Puts into a context what the simulator does not know.
    change: fn(&mut Context<'_>),
    /// Time at which a seek is reported.
    seek: Option<Duration>,
    history: Option<History>,
}

const STEPS: &[(u64, u64, u64)] =
    &[(20, 5200, 50), (9, 900, 80), (12, 2600, 50), (6, 60, 120), (15, 7000, 40), (5, 400, 60), (11, 3300, 50)];
const NOISE: &[(u64, u64, u64)] = &[
    (1, 2500, 40),
    (1, 900, 50),
    (2, 4600, 40),
    (1, 1600, 200),
    (1, 3000, 40),
    (2, 400, 90),
    (1, 1300, 40),
    (3, 2200, 60),
];

impl Scene {
    fn plain(name: &'static str, rows: &'static [(u64, u64, u64)]) -> Self {
        Self {
            name,
            rows,
            ladder: LADDER,
            segment: MS(4000),
            segments: 36,
            settings: Settings::default(),
            change: |_| (),
            seek: None,
            history: None,
        }
    }

    fn link(&self) -> Link {
        let row = |&(seconds, kbps, latency): &(u64, u64, u64)| Row {
            duration: MS(seconds * 1000),
            bandwidth_bps: kbps * 1000,
            latency: MS(latency),
        };
        Link::new(Trace::from_rows(self.rows.iter().map(row).collect()).expect("the trace is well formed"))
    }

    /// A film whose segments are of 60 to 150 percent of the declared size, in scenes of three.
    fn film(&self) -> Video {
        let mut state = 11_u64;
        let mut below = move |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let millis = u64::try_from(self.segment.as_millis()).expect("a segment is short");
        let mut scene = 100;
        let mut row = |index: usize| {
            if index.is_multiple_of(3) {
                scene = 60 + below(80);
            }
            let percent = scene + below(11);
            self.ladder.iter().map(|kbps| kbps * millis / 8 * percent / 100 + below(500)).collect()
        };
        let sizes = (0..self.segments).map(&mut row).collect();
        let rungs = self.ladder.iter().map(|kbps| Rung::new(kbps * 1000)).collect();
        Video::new(rungs, self.segment, sizes).expect("the film is well formed")
    }
}

fn scenes() -> Vec<Scene> {
    let hidden = Settings { sizes_known: false, watch: Watch::Timer(MS(100)), ..Settings::default() };
    vec![
        Scene::plain("steps", STEPS),
        Scene { segment: MS(2000), segments: 44, settings: hidden, ..Scene::plain("hidden", STEPS) },
        Scene { change: |context| context.objective = Objective::Logarithmic, ..Scene::plain("logarithmic", NOISE) },
        Scene { change: perceptual, segments: 30, ..Scene::plain("perceptual", STEPS) },
        Scene {
            change: |context| context.objective = Objective::Perceptual,
            settings: Settings { sizes_known: false, ..Settings::default() },
            segments: 24,
            ..Scene::plain("perceptual-hidden", NOISE)
        },
        Scene {
            segment: MS(1000),
            segments: 50,
            settings: Settings {
                buffer_goal: MS(4000),
                progressive: true,
                reserve: MS(60),
                watch: Watch::Timer(MS(50)),
                ..Settings::default()
            },
            change: live,
            ..Scene::plain("live", NOISE)
        },
        Scene {
            change: |context| {
                context.rate = 1.5;
                context.reserved_bps = 192_000;
            },
            seek: Some(MS(30_000)),
            history: Some(History { bandwidth_bps: 3_000_000, ttfb: MS(70) }),
            ..Scene::plain("fast", STEPS)
        },
        Scene {
            segment: MS(3000),
            segments: 60,
            settings: Settings { buffer_goal: MS(20_000), start: MS(7000), ..Settings::default() },
            ..Scene::plain("regimes", &[(35, 500, 60), (45, 6500, 60)])
        },
        Scene { ladder: LONG, change: capped, ..Scene::plain("long", STEPS) },
        Scene {
            segment: MS(2000),
            segments: 60,
            settings: Settings { buffer_goal: MS(60_000), ..Settings::default() },
            ..Scene::plain("outages", &[(17, 4000, 50), (5, 0, 50), (8, 3000, 50), (3, 20, 50)])
        },
        Scene {
            ladder: &[500, 1500, 4500],
            settings: Settings { progressive: true, reserve: MS(200), ..Settings::default() },
            segments: 20,
            ..Scene::plain("slow", &[(12, 450, 100), (7, 1300, 100)])
        },
    ]
}

/// VMAF of each segment at each of the six rungs.
static QUALITY: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let of = |segment: u8, rung: u8| 40.0 + 11.0 * f32::from(rung) - f32::from((segment + rung) % 7);
    (0..36).flat_map(|segment| (0..6).map(move |rung| of(segment, rung))).collect()
});

fn perceptual(context: &mut Context<'_>) {
    context.objective = Objective::Perceptual;
    let left = context.segments_left.map_or(0, |left| left as usize);
    let from = (36 - left) * context.rungs.len();
    // The qualities of five segments are known, the sizes of ten.
    context.next_quality = QUALITY.get(from..(from + 5 * context.rungs.len()).min(QUALITY.len()));
}

fn live(context: &mut Context<'_>) {
    let latency = MS(4000) + (context.now / 40).min(MS(2500));
    context.latency = Some(Live { latency, target: MS(4000) });
    context.segments_left = None;
}

fn capped(context: &mut Context<'_>) {
    context.caps.max_bitrate_bps = match context.now.as_secs() {
        0..40 => None,
        40..80 => Some(2_000_000),
        _ => Some(4_000_000),
    };
}

/// A rule in a [`Scene`]: it sees changed contexts, and its estimates are kept.
struct Situated<'a> {
    rule: &'a mut dyn Rule,
    change: fn(&mut Context<'_>),
    seek: Option<Duration>,
    estimates: Vec<Option<u64>>,
}

impl Situated<'_> {
    fn changed<'a>(&self, context: &Context<'a>) -> Context<'a> {
        let mut context = context.clone();
        (self.change)(&mut context);
        context
    }
}

impl Rule for Situated<'_> {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        if self.seek.take_if(|at| *at <= context.now).is_some() {
            self.rule.on_seek();
        }
        self.rule.select(&self.changed(context))
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.rule.on_transfer(transfer);
        self.estimates.push(self.rule.estimate_bps());
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        self.rule.on_progress(in_flight, &self.changed(context))
    }

    fn estimate_bps(&self) -> Option<u64> {
        self.rule.estimate_bps()
    }
}

/// The session as text: a line for each decision and each transfer that was given up, then its totals.
fn played(name: &str, scene: &Scene) -> String {
    let mut rule = abr::rule(name).expect("the rule exists");
    if let Some(history) = &scene.history {
        rule.seed(history);
    }
    let mut recorder = Recorder::new(rule.as_mut());
    let mut situated = Situated { rule: &mut recorder, change: scene.change, seek: scene.seek, estimates: Vec::new() };
    let film = scene.film();
    let session = session::play(&film, &scene.link(), &mut situated, scene.settings);
    let estimates = situated.estimates;
    let mut text = format!("{name} in {}\n", scene.name);
    for entry in recorder.entries() {
        let why = entry.decision.map_or("given-up-for", |decision| decision.reason.as_str()).replace(' ', "-");
        let _ = write!(text, "{} {} {why} {}", entry.now.as_millis(), entry.buffer.as_millis(), entry.rung);
        if let Some(explanation) = &entry.explanation {
            weighed(&mut text, explanation);
        }
        text.push('\n');
    }
    let kbps = |bps: &Option<u64>| bps.map_or_else(|| "none".to_owned(), |bps| format!("{:.1}", bps as f64 / 1e3));
    let _ = writeln!(text, "estimates {}", estimates.iter().map(kbps).collect::<Vec<_>>().join(" "));
    let score = qoe::score(&film, &session).expect("something was played");
    let _ = writeln!(
        text,
        "startup {} received {} wasted {} abandoned {} linear {:.5} logarithmic {:.5} stalled {:.5}",
        session.startup.as_millis(),
        session.received,
        session.wasted,
        session.abandoned,
        score.linear,
        score.logarithmic,
        score.rebuffer_ratio
    );
    text
}

fn weighed(text: &mut String, explanation: &Explanation) {
    let Explanation { likely_bps, home_bps, down, up, outages_per_minute, outage_seconds, rungs } = explanation;
    let (likely, home) = (likely_bps / 1e3, home_bps / 1e3);
    let _ = write!(text, " {likely:.1} {home:.1} {down:.5} {up:.5} {outages_per_minute:.5} {outage_seconds:.4}");
    for (rung, worth) in rungs.iter().flatten() {
        let _ = write!(text, " {rung}: {worth:.4}");
    }
}

/// Returns true if the two are the same word, or numbers between which there is only rounding.
fn is_same(got: &str, wanted: &str) -> bool {
    let (relative, absolute) = ROUNDING;
    got == wanted
        || match (got.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(got), Ok(wanted)) => {
                wanted.fract() != 0.0 && (got - wanted).abs() <= absolute + relative * wanted.abs()
            }
            _ => false,
        }
}

/// Compares with the record, or writes it if that is asked for.
pub fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(format!("{name}.txt"));
    if std::env::var_os("KINORA_RECORD").is_some() {
        fs::write(&path, text).expect("the record can be written");
    }
    let record = fs::read_to_string(&path).expect("the record is committed");
    let mut lines = text.lines();
    for (number, wanted) in record.lines().enumerate() {
        let got = lines.next().unwrap_or("nothing");
        let words = |line: &str| line.replace(':', ": ").split(' ').map(str::to_owned).collect::<Vec<_>>();
        let pairs = || words(got).into_iter().zip(words(wanted));
        let same = words(got).len() == words(wanted).len() && pairs().all(|(got, wanted)| is_same(&got, &wanted));
        assert!(same, "{name}.txt, line {}:\n{got}\nis not what is on record:\n{wanted}", number + 1);
    }
    assert_eq!(lines.next(), None, "{name}.txt ends too early");
}

#[test]
fn the_default_rule_decides_and_weighs_as_on_record() {
    let text: Vec<String> = scenes().iter().map(|scene| played("default", scene)).collect();
    check("default", &text.join("\n"));
}

#[test]
fn other_rules_decide_as_on_record() {
    let scenes = scenes();
    let some = ["steps", "hidden", "live", "fast", "long", "slow"];
    for name in ["dynamic", "robust-mpc", "bola-e", "bola", "bba", "throughput"] {
        let scenes = scenes.iter().filter(|scene| some.contains(&scene.name));
        let text: Vec<String> = scenes.map(|scene| played(name, scene)).collect();
        check(name, &text.join("\n"));
    }
}

#[test]
fn sessions_are_drawn_as_on_record() {
    // Two rungs whose labels would cover each other, a stall, and transfers that were given up.
    let scene = Scene {
        ladder: &[500, 1400, 1500, 4500],
        segments: 12,
        ..Scene::plain("drawn", &[(9, 2600, 100), (12, 300, 100), (40, 6000, 100)])
    };
    let (film, link) = (scene.film(), scene.link());
    let draw = |name: &str| {
        let mut rule = abr::rule(name).expect("the rule exists");
        let session = session::play(&film, &link, rule.as_mut(), scene.settings);
        assert!(name != "throughput" || session.segments.iter().any(|segment| !segment.stall.is_zero()));
        assert!(name != "default" || session.abandoned > 0);
        plot::svg(name, &film, &link, &session)
    };
    let empty = plot::svg("empty", &film, &link, &session::Session::default());
    check("drawn", &plot::html("two <rules>", &[draw("default"), draw("throughput"), empty]));
}
