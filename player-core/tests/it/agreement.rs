//! The simulator of `abr` and the engine in its virtual world decide alike over the same link: what a rule scores in
//! one is what it does in the other.
//!
//! The film has pictures only, its segments bring their own initialisation data and count when they are complete, as
//! in the simulator; playback starts and goes on with a whole segment. The simulator shows the rule what is on its way
//! at the times at which the engine does.

use std::time::Duration;

use abr::link::{Link, Row, Trace};
use abr::simulator::session::{self, Settings, Watch};
use abr::simulator::video::Video;
use player_core::model::Protocol;
use player_core::sim::{Film, Outcome, World};
use player_core::{Event, PlayerConfig};

use crate::support::{HOUR, MINUTE, millis, requests, seconds};

const SEGMENT: Duration = Duration::from_secs(4);
const GOAL: Duration = Duration::from_secs(30);

fn film() -> Film {
    let mut film = Film::plain(Protocol::Dash, MINUTE * 6).voices(&[]);
    film.at_once = true;
    film
}

fn config(rule: &str) -> PlayerConfig {
    PlayerConfig {
        abr_rule: rule.to_owned(),
        buffer_goal: GOAL - SEGMENT,
        buffer_bytes: u64::MAX,
        start_threshold: SEGMENT,
        resume_threshold: SEGMENT,
        // The simulator waits for ever.
        first_byte_timeout: MINUTE,
        stall_timeout: MINUTE,
        retry_deadline: HOUR,
        ..PlayerConfig::default()
    }
}

/// Result of a session: the rung of each segment, and the time without picture after the start.
#[derive(Debug)]
struct Session {
    rungs: Vec<usize>,
    stalled: Duration,
}

/// In the engine; also when its first segment was asked for.
fn engine(rule: &str, trace: &Trace) -> (Session, Duration) {
    let film = film();
    let mut world = World::new(config(rule), &film, &["edge"], trace.clone(), Vec::new()).unwrap();
    world.watch_closely();
    world.record();
    world.load();
    assert_eq!(world.run_until_end(HOUR * 4), Outcome::Ended);
    let mut rungs = Vec::new();
    for request in requests(&world) {
        let path: Vec<&str> = request.url.path().split('/').collect();
        let ["", "film", "v", id, file] = path[..] else { continue };
        let number: usize = file.strip_suffix(".m4s").unwrap().parse().unwrap();
        let rung = film.ladder.iter().position(|rung| rung.id == id).unwrap();
        assert!(number <= rungs.len(), "segments come in order");
        rungs.truncate(number);
        rungs.push(rung);
    }
    let begin = world.events().iter().find(|entry| matches!(entry.event, Event::Loaded { .. })).unwrap().at;
    let stalled = world.stats().stalls.iter().map(|stall| stall.duration).sum();
    (Session { rungs, stalled }, begin.as_duration())
}

/// In the simulator, from the same moment of the link on.
fn simulator(rule: &str, trace: &Trace, start: Duration) -> Session {
    let rungs: Vec<abr::Rung> = film()
        .ladder
        .iter()
        .map(|rung| abr::Rung { height: Some(u32::from(rung.size.1)), ..abr::Rung::new(rung.bitrate) })
        .collect();
    let sizes = (0..90).map(|number| {
        let size = |rung: &player_core::sim::Rung| match film().content(&format!("/film/v/{}/{number}.m4s", rung.id)) {
            Some(player_core::sim::Content::Media { size, .. }) => size,
            _ => panic!("a segment of the film"),
        };
        film().ladder.iter().map(size).collect()
    });
    let video = Video::new(rungs, SEGMENT, sizes.collect()).unwrap();
    let settings = Settings {
        buffer_goal: GOAL,
        sizes_known: false,
        watch: Watch::Timer(millis(250)),
        start,
        progressive: false,
        reserve: millis(80),
    };
    let mut rule = abr::rule(rule).unwrap();
    let played = session::play(&video, &Link::new(trace.clone()), rule.as_mut(), settings);
    Session {
        rungs: played.segments.iter().map(|segment| segment.rung).collect(),
        stalled: played.segments.iter().map(|segment| segment.stall).sum(),
    }
}

/// Rows of seconds, kilobits a second and milliseconds.
fn trace(rows: &[(u64, u64, u64)]) -> Trace {
    let row = |&(length, kbps, latency): &(u64, u64, u64)| Row {
        duration: seconds(length),
        bandwidth_bps: kbps * 1000,
        latency: millis(latency),
    };
    Trace::from_rows(rows.iter().map(row).collect()).unwrap()
}

fn links() -> Vec<(&'static str, Trace)> {
    // A walk that a small generator takes.
    let mut state = 1u64;
    let walk: Vec<(u64, u64, u64)> = (0..200)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (1 + (state >> 62), 300 + (state >> 33) % 7000, 20 + (state >> 50) % 80)
        })
        .collect();
    vec![
        ("fast", Trace::constant(20_000, millis(30))),
        ("steady", Trace::constant(2_500, millis(50))),
        ("slow", Trace::constant(600, millis(100))),
        ("steps", trace(&[(40, 5000, 40), (40, 900, 40), (30, 2000, 80)])),
        ("outages", trace(&[(50, 4000, 40), (12, 0, 40), (30, 1500, 40)])),
        ("walk", trace(&walk)),
    ]
}

#[test]
fn every_rule_decides_alike_in_both() {
    let mut differ = Vec::new();
    for rule in ["default", "dynamic", "bba", "bola", "bola-e", "robust-mpc", "throughput", "lowest", "highest"] {
        for (link, trace) in links() {
            let (engine, begin) = engine(rule, &trace);
            let simulator = simulator(rule, &trace, begin);
            let apart = engine.stalled.abs_diff(simulator.stalled);
            if engine.rungs != simulator.rungs || apart > millis(1) {
                differ.push(format!("{rule} over {link}:\n{engine:?}\n{simulator:?}"));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
