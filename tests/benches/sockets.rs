//! The adaptive rule over real sockets: fourteen shaped links, the engine with its HTTP and an edge on one side, the
//! simulator of `abr` on the other, and how far their quality of experience is apart.
//!
//! `cargo build --workspace --all-targets`, then `cargo test --workspace --bench sockets -- --bench`: two minutes of real
//! time, with an error at the end when a session is more than five per cent away. Sockets, timers and headers make a link
//! about a per cent slower than its trace; on some links that alone changes what the rule does. So the simulator also
//! plays each link a little slower and later; where its own scores then differ by more than five per cent, sockets may lie
//! anywhere among them and five per cent beside. At least ten links must not be of that kind. The engine plays pictures
//! only, counts whole segments and decodes nothing, as in the scenario test `agreement` of `player-core`, which asks for
//! equality in virtual time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use abr::Reason;
use abr::link::{Link, Trace};
use abr::simulator::session::{self, Played, Session, Settings, Watch};
use abr::simulator::video::Video;
use abr::simulator::{qoe, qoe::Score};
use anyhow::{Context as _, bail, ensure};
use kinora_media as media;
use player_core::player::Player;
use player_core::render::null::NullRenderer;
use player_core::{Event, LoadRequest, PlayerConfig};

#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "what the end-to-end tests share, of which this bench needs a part")]
mod support;

use support::servers;

const SEGMENT: Duration = Duration::from_secs(2);
const SEGMENTS: usize = 60;
const GOAL: Duration = Duration::from_secs(20);
/// How far two sessions may be apart.
const LIMIT: f64 = 0.05;
/// So many links must be ones on which trifles change nothing.
const STURDY: usize = 10;
/// Trifles: the share of the bandwidth that is left, milliseconds of latency that are added, and milliseconds that the
/// session begins later.
const TRIFLES: [(f64, u64, u64); 5] = [(0.995, 0, 0), (0.99, 0, 0), (1.0, 8, 0), (0.99, 15, 0), (1.0, 0, 15)];
/// More than this and a session hangs.
const PATIENCE: Duration = Duration::from_secs(600);

/// Seconds, kilobits a second and milliseconds.
type Row = (u64, u64, u64);

/// Links by name.
fn links() -> Vec<(String, Vec<Row>)> {
    let fixed: [(&str, &[Row]); 6] = [
        ("steady", &[(60, 900, 40)]),
        ("ample", &[(60, 6000, 20)]),
        ("step down", &[(45, 1500, 40), (300, 450, 40)]),
        ("step up", &[(40, 500, 60), (300, 3000, 30)]),
        ("two steps", &[(30, 1800, 40), (30, 500, 80)]),
        ("outages", &[(25, 900, 40), (7, 0, 40)]),
    ];
    let mut links: Vec<_> = fixed.map(|(name, rows)| (name.to_owned(), rows.to_vec())).into();
    let walks = [(200, 1200), (300, 1600), (150, 700), (100, 2000), (250, 1000), (400, 1200), (500, 2500), (300, 900)];
    for (index, (least, spread)) in walks.into_iter().enumerate() {
        let mut state = index as u64 + 1;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let walk = (0..60).map(|_| (1 + next(5), least + next(spread), 20 + next(60))).collect();
        links.push((format!("walk {}", index + 1), walk));
    }
    links
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::from("duration_ms,bandwidth_kbps,latency_ms\n");
    for (seconds, kbps, millis) in rows {
        let _ = writeln!(text, "{},{kbps},{millis}", seconds * 1000);
    }
    text
}

/// The beginning of the long demo film, pictures only, with the sizes of its segments.
struct Film {
    manifest: String,
    names: Vec<String>,
    video: Video,
}

fn film() -> anyhow::Result<Film> {
    let folder = support::films().join(media::demo::LONG_TITLE);
    let titles = media::titles(support::demo())?;
    let title = titles.into_iter().find(|title| title.id == media::demo::LONG_TITLE).context("the long film")?;
    let mut manifest = format!(
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT{}S\"><Period>\
         <AdaptationSet contentType=\"video\" mimeType=\"video/mp4\"><SegmentTemplate timescale=\"1\" \
         duration=\"{}\" initialization=\"video/$RepresentationID$/init.mp4\" \
         media=\"video/$RepresentationID$/seg-$Number%05d$.m4s\"/>",
        SEGMENTS as u64 * SEGMENT.as_secs(),
        SEGMENT.as_secs()
    );
    let (mut names, mut rungs) = (Vec::new(), Vec::new());
    for rung in &title.rungs {
        let _ = write!(
            manifest,
            "<Representation id=\"{}\" bandwidth=\"{}\" codecs=\"{}\" width=\"{}\" height=\"{}\"/>",
            rung.name, rung.peak_bps, rung.codec, rung.width, rung.height
        );
        names.push(rung.name.clone());
        rungs.push(abr::Rung { height: Some(rung.height), ..abr::Rung::new(rung.peak_bps) });
    }
    manifest.push_str("</AdaptationSet></Period></MPD>");
    let size = |name: &String, number: usize| -> anyhow::Result<u64> {
        Ok(fs::metadata(folder.join(format!("video/{name}/seg-{:05}.m4s", number + 1)))?.len())
    };
    let row = |number| names.iter().map(|name| size(name, number)).collect();
    let sizes: anyhow::Result<Vec<Vec<u64>>> = (0..SEGMENTS).map(row).collect();
    Ok(Film { video: Video::new(rungs, SEGMENT, sizes?)?, manifest, names })
}

/// What was played, as the edge and the player tell, and when on the link's clock the first segment was asked for.
fn real(film: &Film, folder: &Path, rows: &[Row]) -> anyhow::Result<(Session, Duration)> {
    let (trace, log) = (folder.join("trace.csv"), folder.join("edge.log"));
    fs::write(&trace, csv(rows))?;
    fs::write(folder.join("film.mpd"), &film.manifest)?;
    std::os::unix::fs::symlink(support::films().join(media::demo::LONG_TITLE).join("video"), folder.join("video"))?;
    let origin = servers::python(folder);
    let arguments = ["--trace", trace.to_str().context("a path")?, "--log", log.to_str().context("a path")?];
    let edge = servers::edge(&origin.url, &arguments);
    let config = PlayerConfig {
        buffer_goal: GOAL - SEGMENT,
        start_threshold: SEGMENT,
        resume_threshold: SEGMENT,
        first_byte_timeout: PATIENCE,
        stall_timeout: PATIENCE,
        ..PlayerConfig::default()
    };
    let player = Player::new(config, Box::new(NullRenderer::new()))?;
    let begin = Instant::now();
    player.send(player_core::Command::Load(LoadRequest::new(edge.url.join("film.mpd")?)))?;
    let (mut loaded, mut shown) = (Duration::ZERO, Duration::ZERO);
    loop {
        ensure!(begin.elapsed() < PATIENCE, "the session hangs");
        match player.wait_event(Duration::from_millis(100)) {
            Some(Event::Loaded { .. }) => loaded = begin.elapsed(),
            Some(Event::FirstFrame { .. }) => shown = begin.elapsed(),
            Some(Event::Failed { error }) => bail!("the session failed: {error}"),
            Some(Event::Ended) => break,
            _ => {}
        }
    }
    let stalled = player.snapshot().stats.stalls.iter().map(|stall| stall.duration).sum();
    let segments = requested(film, &fs::read_to_string(&log)?, stalled)?;
    Ok((Session { segments, startup: shown.saturating_sub(loaded), ..Session::default() }, loaded))
}

/// The rung that was asked for last of each segment. Where the stalls were makes no difference to the score.
fn requested(film: &Film, log: &str, stalled: Duration) -> anyhow::Result<Vec<Played>> {
    let mut rungs: BTreeMap<usize, (i64, usize)> = BTreeMap::new();
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        let path = record["path"].as_str().unwrap_or_default();
        let Some((name, file)) = path.split_once("video/").and_then(|(_, rest)| rest.split_once('/')) else { continue };
        let Some(number) = file.strip_prefix("seg-").and_then(|rest| rest.strip_suffix(".m4s")) else { continue };
        let (number, time): (usize, i64) = (number.parse()?, record["time_ms"].as_i64().unwrap_or(0));
        let rung = film.names.iter().position(|known| known == name).context("a rung of the film")?;
        let last = rungs.entry(number).or_insert((time, rung));
        *last = (time, rung).max((last.0, last.1));
    }
    ensure!(rungs.len() == SEGMENTS, "{} segments were asked for", rungs.len());
    let played = |(at, (_, rung)): (usize, (i64, usize))| Played {
        rung,
        reason: Reason::Only,
        requested: Duration::ZERO,
        arrived: Duration::ZERO,
        stall: if at == 0 { stalled } else { Duration::ZERO },
        buffer: Duration::ZERO,
    };
    Ok(rungs.into_values().enumerate().map(played).collect())
}

fn simulated(film: &Film, rows: &[Row], start: Duration) -> anyhow::Result<Session> {
    let settings = Settings {
        buffer_goal: GOAL,
        sizes_known: false,
        watch: Watch::Timer(Duration::from_millis(250)),
        start,
        progressive: true,
        reserve: Duration::from_millis(80),
    };
    let mut rule = abr::rule("default").context("the default rule")?;
    Ok(session::play(&film.video, &Link::new(Trace::parse(&csv(rows))?), rule.as_mut(), settings))
}

/// One link in both worlds.
struct Pair {
    real: Score,
    simulated: Score,
    /// Lowest and highest score in the simulator, trifles included.
    range: (f64, f64),
}

impl Pair {
    /// How far sockets are from the simulator.
    fn apart(&self) -> f64 {
        (self.real.linear - self.simulated.linear) / self.scale()
    }

    /// How far the simulator is from itself.
    fn spread(&self) -> f64 {
        (self.range.1 - self.range.0) / self.scale()
    }

    fn scale(&self) -> f64 {
        self.simulated.linear.abs().max(1e-9)
    }

    fn is_sturdy(&self) -> bool {
        self.spread() <= LIMIT
    }

    /// Where trifles decide, the scores that they lead to are what sockets are held against.
    fn agrees(&self) -> bool {
        let (least, most) = if self.is_sturdy() { (self.simulated.linear, self.simulated.linear) } else { self.range };
        let margin = LIMIT * self.scale();
        (least - margin..=most + margin).contains(&self.real.linear)
    }
}

fn compare(film: &Film, rows: &[Row]) -> anyhow::Result<Pair> {
    let folder = tempfile::tempdir()?;
    let (real, start) = real(film, folder.path(), rows)?;
    let score = |session: &Session| qoe::score(&film.video, session).context("something was played");
    let simulated = score(&simulated(film, rows, start)?)?;
    let mut range = (simulated.linear, simulated.linear);
    for (share, later, begin) in TRIFLES {
        let start = start + Duration::from_millis(begin);
        let changed = |&(seconds, kbps, millis): &Row| (seconds, (kbps as f64 * share) as u64, millis + later);
        let rows: Vec<Row> = rows.iter().map(changed).collect();
        let linear = score(&self::simulated(film, &rows, start)?)?.linear;
        range = (range.0.min(linear), range.1.max(linear));
    }
    Ok(Pair { real: score(&real)?, simulated, range })
}

fn run() -> anyhow::Result<bool> {
    let film = film()?;
    let links = links();
    let pairs: Vec<anyhow::Result<Pair>> = std::thread::scope(|scope| {
        let film = &film;
        let sessions: Vec<_> = links.iter().map(|(_, rows)| scope.spawn(move || compare(film, rows))).collect();
        sessions.into_iter().map(|session| session.join().unwrap_or_else(|_| bail!("a session panicked"))).collect()
    });
    println!("link            sockets: QoE  kbit/s  stalled  simulator: QoE  kbit/s  stalled  apart  trifles");
    let (mut agreed, mut sturdy) = (true, 0);
    for ((name, _), pair) in links.iter().zip(pairs) {
        let pair = pair.with_context(|| name.clone())?;
        let Pair { real, simulated, .. } = &pair;
        agreed &= pair.agrees();
        sturdy += usize::from(pair.is_sturdy());
        println!(
            "{name:<16}{:>12.3}{:>8.0}{:>8.2}%{:>16.3}{:>8.0}{:>8.2}%{:>+6.1}%{:>8.1}%",
            real.linear,
            real.kbps,
            real.rebuffer_ratio * 100.0,
            simulated.linear,
            simulated.kbps,
            simulated.rebuffer_ratio * 100.0,
            pair.apart() * 100.0,
            pair.spread() * 100.0
        );
    }
    println!("{sturdy} of {} links are not changed by trifles", links.len());
    Ok(agreed && sturdy >= STURDY)
}

fn main() -> ExitCode {
    // `cargo test` builds benches and runs them to see that they start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("more than {} % apart, or too few links on which trifles change nothing", LIMIT * 100.0);
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
