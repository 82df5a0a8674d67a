//! Measures a whole session in virtual time: an hour of film, from the load to the end, with all that the driver does with
//! the engine: it takes a snapshot that is news, and another once the last is 250 ms old.
//!
//! `cargo bench -p player-core --no-default-features --features sim --bench session` measures time. With
//! `KINORA_BENCH_ONCE=NAME` and `KINORA_BENCH_TIMES=N` one case runs so often and nothing is measured, for
//! `cargo xtask instructions session`; the last line of its output has the numbers of snapshots and of pieces of news.

use std::hint::black_box;
use std::time::Duration;

use abr::link::Trace;
use player_core::PlayerConfig;
use player_core::model::Protocol;
use player_core::sim::{Film, Outcome, World};

const HOUR: Duration = Duration::from_secs(3600);

const CASES: [(&str, Protocol); 2] = [("session_hls_hour", Protocol::Hls), ("session_dash_hour", Protocol::Dash)];

/// Maximum age of a published snapshot.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// Plays an hour over 20 Mbit/s with 30 ms of latency. Returns the numbers of snapshots and of pieces of news.
fn session(protocol: Protocol) -> (u64, u64) {
    let film = Film::new(protocol, HOUR);
    let trace = Trace::constant(20_000, Duration::from_millis(30));
    let mut world =
        World::new(PlayerConfig::default(), &film, &["edge"], trace, Vec::new()).expect("the default configuration");
    world.stop_audit();
    world.load();
    let (mut version, mut taken_at) = (world.snapshot_version(), world.now());
    let (mut snapshots, mut news) = (0, 0);
    let outcome = world.run_until(HOUR * 2, |world| {
        let newest = world.snapshot_version();
        let is_news = std::mem::replace(&mut version, newest) != newest;
        if is_news || world.now() >= taken_at + HEARTBEAT {
            (snapshots, news) = (snapshots + 1, news + u64::from(is_news));
            taken_at = world.now();
            black_box(world.snapshot());
        }
        false
    });
    assert_eq!(outcome, Outcome::Ended, "the film plays to its end");
    (snapshots, news)
}

#[divan::bench(args = CASES.map(|(name, _)| name))]
fn hour(bencher: divan::Bencher<'_, '_>, name: &str) {
    let protocol = protocol_of(name);
    bencher.bench_local(|| session(protocol));
}

fn protocol_of(name: &str) -> Protocol {
    CASES.iter().find(|(known, _)| *known == name).expect("a case of this bench").1
}

fn main() {
    match std::env::var("KINORA_BENCH_ONCE") {
        Ok(name) => {
            let times: u32 = std::env::var("KINORA_BENCH_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
            let counts = (0..times).map(|_| session(protocol_of(&name)));
            let (snapshots, news) = counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
            println!("{snapshots} snapshots, {news} news");
        }
        Err(_) => divan::main(),
    }
}
