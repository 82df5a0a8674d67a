//! Live sessions against virtual services: what is shown about them is compared with what the service knows.

mod clock;
mod dash;
mod hls;
mod manifests;
mod open;
mod phases;
mod recovery;
mod silence;
mod steering;

use std::time::Duration;

use abr::link::Trace;
use player_core::PlayerConfig;
use player_core::engine::io::FetchRequest;
use player_core::model::Protocol;
use player_core::sim::live::LiveFilm;
use player_core::sim::{Outcome, World};
use player_core::snapshot::{LiveState, State};
use player_core::time::Now;

use crate::support::{fast, millis, requests, seconds};

/// Longest time for which a stall may last that nothing could prevent.
pub(super) const TARGET: Duration = Duration::from_secs(2);

pub(super) fn plain(protocol: Protocol) -> LiveFilm {
    LiveFilm::new(protocol)
}

pub(super) fn low_latency(protocol: Protocol) -> LiveFilm {
    plain(protocol).low_latency(millis(500))
}

/// Returns a world in which a service is loaded.
pub(super) fn start(film: &LiveFilm) -> World {
    start_with(film, PlayerConfig::default(), fast())
}

pub(super) fn start_with(film: &LiveFilm, config: PlayerConfig, trace: Trace) -> World {
    let mut world = World::live(config, film, &["edge"], trace, Vec::new()).unwrap();
    world.record();
    world.load();
    world
}

/// Returns what the snapshot shows about live playback.
#[track_caller]
pub(super) fn live(world: &World) -> LiveState {
    world.snapshot().live.unwrap_or_else(|| panic!("nothing is live: {}", last_events(world)))
}

pub(super) fn last_events(world: &World) -> String {
    let lines = world.event_lines();
    let lines: Vec<&str> = lines.lines().rev().take(12).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Plays on for a time, which must neither fail nor end.
#[track_caller]
pub(super) fn go_on(world: &mut World, span: Duration) {
    let outcome = world.run_until_end(span);
    assert_eq!(outcome, Outcome::TimeUp, "at {:?}: {}", world.now(), last_events(world));
}

/// Plays on for a time without a stall. At each second the latency that is shown is the true one, within 50 ms or the error
/// of the clock.
#[track_caller]
pub(super) fn play_on(world: &mut World, span: Duration) {
    let stalls = world.stats().stalls.len();
    for second in 0..span.as_secs() {
        go_on(world, seconds(1));
        agree(world, &format!("{second} s later"));
    }
    assert_eq!(world.stats().stalls.len(), stalls, "{:?}\n{}", world.stats().stalls, last_events(world));
}

/// The latency that is shown is the true one.
#[track_caller]
pub(super) fn agree(world: &World, place: &str) {
    let shown = live(world);
    let truth = world.live_latency().unwrap_or_else(|| panic!("nothing is presented: {}", last_events(world)));
    let error = shown.latency_nanos.abs_diff(truth.as_nanos() as i64);
    let slack = millis(50) + shown.clock_error.unwrap_or_default();
    assert!(u128::from(error) < slack.as_nanos(), "{place}: {truth:?}, not {:?}", shown);
}

/// The true latency lies between two numbers of milliseconds.
#[track_caller]
pub(super) fn assert_latency(world: &World, least: u64, most: u64) {
    let truth = world.live_latency().unwrap();
    assert!((millis(least)..=millis(most)).contains(&truth), "{truth:?}: {:?}\n{}", live(world), last_events(world));
}

/// It plays, and neither failed nor stands still.
#[track_caller]
pub(super) fn assert_plays(world: &mut World) {
    let before = world.snapshot().position;
    go_on(world, seconds(2));
    let after = world.snapshot();
    let moved = after.position.since(before);
    assert_eq!(after.state, State::Ready, "{}", last_events(world));
    assert!(moved > millis(1800) && moved < millis(2200), "moved by {moved:?}: {}", last_events(world));
}

/// Returns the requests whose path ends so, with the times of the session at which they were made.
pub(super) fn asked<'a>(world: &'a World, ending: &'a str) -> Vec<&'a FetchRequest> {
    requests(world).filter(|request| request.url.path().ends_with(ending)).collect()
}

pub(super) fn at(now: Now) -> Duration {
    now.as_duration()
}
