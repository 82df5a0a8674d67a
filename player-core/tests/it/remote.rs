//! Parts of a manifest that lie in other files are fetched before playback begins; the film goes on without those that
//! cannot be had.

use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Outcome, World};
use player_core::{Event, State};

use crate::support::{MINUTE, assert_played, count, fast, play, requests, seconds, two_hosts, world};

fn film() -> Film {
    let mut film = Film::new(Protocol::Dash, MINUTE);
    film.periods = 3;
    film.remote_period = true;
    film
}

#[test]
fn a_remote_period_is_played_like_any_other() {
    let mut world = world(&film(), fast(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_played(&world, MINUTE);
    assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 0);
    assert_eq!(count(&world, |event| matches!(event, Event::Loaded { .. })), 1);
}

#[test]
fn a_remote_period_that_is_missing_is_left_out_with_a_warning() {
    let mut world = world(&film(), fast(), vec![Fault::new("/film/period.xml", Effect::Status(404))]);
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_played(&world, seconds(40));
    assert!(count(&world, |event| matches!(event, Event::Warning { .. })) >= 1);
    assert_eq!(world.snapshot().state, State::Ended);
}

#[test]
fn a_manifest_with_a_remote_period_from_the_second_location_uses_both() {
    let manifest = Fault::new("http://one", Effect::Refuse).of(FetchKind::Manifest);
    let dead = Fault::new("http://two", Effect::Refuse).from(seconds(10));
    let mut world = two_hosts(&film(), fast(), vec![manifest, dead]);
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_played(&world, MINUTE);
    let segments = requests(&world).filter(|request| request.kind == FetchKind::Segment);
    let hosts: Vec<_> = segments.filter_map(|request| request.url.host_str()).collect();
    assert_eq!((hosts.first(), hosts.last()), (Some(&"two"), Some(&"one")), "the same paths exist at both");
    let stats = world.stats();
    let last = stats.failovers.last().unwrap();
    assert_eq!((last.from.as_str(), last.to.as_str()), ("http://two", "http://one"));
}

#[test]
fn a_refresh_goes_on_without_a_part_that_cannot_be_had() {
    let gone = Fault::new("/film/period.xml", Effect::Status(404)).from(seconds(5));
    let mut world = world(&film(), fast(), vec![gone]);
    world.load();
    world.run_for(seconds(10));
    let changes = |world: &World| count(world, |event| matches!(event, Event::TimelineChanged));
    let (before, known) = (changes(&world), world.snapshot().duration);
    world.refresh();
    world.run_for(seconds(5));
    assert_eq!(changes(&world), before + 1);
    assert_ne!(world.snapshot().duration, known, "the manifest was read again without the part");
    assert!(count(&world, |event| matches!(event, Event::Warning { .. })) >= 1);
    assert!(matches!(world.run_until_end(MINUTE * 2), Outcome::Ended));
}
