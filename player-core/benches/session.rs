//! Measures a whole session in virtual time: an hour of film, from the load to the end, with all that a host does with the
//! engine: it takes a snapshot whenever a new one may differ, as the driver does.
//!
//! `cargo bench -p player-core --no-default-features --features sim --bench session` measures time. With
//! `KINORA_BENCH_ONCE=NAME` and `KINORA_BENCH_TIMES=N` one case runs so often and nothing is measured, for
//! `cargo xtask instructions session`; the last line of its output has the number of snapshots.

use std::hint::black_box;
use std::time::Duration;

use abr::link::Trace;
use player_core::PlayerConfig;
use player_core::model::Protocol;
use player_core::sim::{Film, Outcome, World};

const HOUR: Duration = Duration::from_secs(3600);

const CASES: [(&str, Protocol); 2] = [("session_hls_hour", Protocol::Hls), ("session_dash_hour", Protocol::Dash)];

/// Plays an hour over 20 Mbit/s with 30 ms of latency. Returns the number of snapshots that a host takes.
fn session(protocol: Protocol) -> u64 {
    let film = Film::new(protocol, HOUR);
    let trace = Trace::constant(20_000, Duration::from_millis(30));
    let mut world =
        World::new(PlayerConfig::default(), &film, &["edge"], trace, Vec::new()).expect("the default configuration");
    world.stop_audit();
    world.load();
    let (mut version, mut snapshots) = (world.snapshot_version(), 0);
    let outcome = world.run_until(HOUR * 2, |world| {
        let now = world.snapshot_version();
        if std::mem::replace(&mut version, now) != now {
            snapshots += 1;
            black_box(world.snapshot());
        }
        false
    });
    assert_eq!(outcome, Outcome::Ended, "the film plays to its end");
    snapshots
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
            let snapshots: u64 = (0..times).map(|_| session(protocol_of(&name))).sum();
            println!("{snapshots} snapshots");
        }
        Err(_) => divan::main(),
    }
}
