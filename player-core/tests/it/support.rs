//! Helpers of all scenarios: films, links and questions about the log.

use std::time::Duration;

use abr::link::Trace;
use player_core::engine::io::{FetchRequest, Output};
use player_core::model::Protocol;
use player_core::sim::{Fault, Film, Outcome, TimedEvent, World};
use player_core::{Event, PlayerConfig};

pub const HOUR: Duration = Duration::from_secs(3600);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const BOTH: [Protocol; 2] = [Protocol::Hls, Protocol::Dash];

pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// 20 Mbit/s, 30 ms.
pub fn fast() -> Trace {
    Trace::constant(20_000, millis(30))
}

/// A world with one host, `edge`.
pub fn world(film: &Film, trace: Trace, faults: Vec<Fault>) -> World {
    World::new(PlayerConfig::default(), film, &["edge"], trace, faults).unwrap()
}

/// A world with two hosts, `one` and `two`.
pub fn two_hosts(film: &Film, trace: Trace, faults: Vec<Fault>) -> World {
    World::new(PlayerConfig::default(), film, &["one", "two"], trace, faults).unwrap()
}

/// Loads and runs to the end of a film, with a generous limit.
pub fn play(world: &mut World) -> Outcome {
    world.load();
    world.run_until_end(HOUR * 4)
}

/// The events for which something holds.
pub fn events<'a>(world: &'a World, holds: impl Fn(&Event) -> bool + 'a) -> Vec<&'a TimedEvent> {
    world.events().iter().filter(|entry| holds(&entry.event)).collect()
}

/// The requests of a session that was recorded, in order.
pub fn requests(world: &World) -> impl Iterator<Item = &FetchRequest> {
    let (_, outputs) = world.recorded().unwrap();
    outputs.iter().filter_map(|output| match output {
        Output::Fetch(request) => Some(request.as_ref()),
        _ => None,
    })
}

/// The number of events for which something holds.
pub fn count(world: &World, holds: impl Fn(&Event) -> bool) -> usize {
    world.events().iter().filter(|entry| holds(&entry.event)).count()
}

/// Played time is what it should be within a tenth of a second.
#[track_caller]
pub fn assert_played(world: &World, expected: Duration) {
    let played = world.stats().played;
    assert!(played.abs_diff(expected) <= millis(100), "played {played:?}, not {expected:?}");
}

/// Audits the session only if more cases than usual were asked for, as `./test --nightly` does: sessions that are drawn anew
/// on each run must not fail by a tolerance of the auditor that was not measured on them.
pub fn audit_in_long_runs(world: &mut World) {
    if std::env::var_os("PROPTEST_CASES").is_none() {
        world.stop_audit();
    }
}
