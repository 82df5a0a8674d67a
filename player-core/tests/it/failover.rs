//! A location that fails is replaced by another.

use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Outcome, World};
use player_core::{ErrorCode, Event, MediaTime};

use crate::support::{BOTH, MINUTE, assert_played, count, fast, millis, play, requests, seconds, two_hosts};

#[test]
fn a_location_that_dies_costs_no_stall_and_is_reported_once() {
    for protocol in BOTH {
        for effect in [Effect::Refuse, Effect::Silence, Effect::Status(503), Effect::Stall(300)] {
            let film = Film::new(protocol, MINUTE * 3).voices(&["en", "de"]);
            let dead = Fault::new("http://one", effect.clone()).from(seconds(25));
            let mut world = two_hosts(&film, fast(), vec![dead]);
            assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?} {effect:?}");
            let stats = world.stats();
            assert!(!world.faults_fired().is_empty());
            assert_eq!(stats.stalls, [], "{protocol:?} {effect:?}");
            assert_eq!(stats.failovers.len(), 1, "{:?}", stats.failovers);
            assert_eq!(
                (stats.failovers[0].from.as_str(), stats.failovers[0].to.as_str()),
                ("http://one", "http://two")
            );
            assert_eq!(count(&world, |event| matches!(event, Event::Failover { .. })), 1);
            assert_played(&world, MINUTE * 3);
            assert_eq!(stats.frames.presented, 180 * 24);
        }
    }
}

#[test]
fn a_dead_first_location_is_passed_at_the_start() {
    for effect in [Effect::Refuse, Effect::Status(500), Effect::Html, Effect::Status(404)] {
        let film = Film::new(Protocol::Hls, MINUTE);
        let mut world = two_hosts(&film, fast(), vec![Fault::new("http://one", effect.clone())]);
        assert_eq!(play(&mut world), Outcome::Ended, "{effect:?}");
        assert!(world.stats().startup.unwrap() < seconds(1));
        let failovers = count(&world, |event| matches!(event, Event::Failover { .. }));
        let warnings = count(&world, |event| matches!(event, Event::Warning { .. }));
        assert_eq!(failovers + warnings, 1, "{effect:?} is reported once");
    }
}

#[test]
fn a_location_may_die_in_the_middle_of_a_segment() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let cut = Fault::new("http://one", Effect::Truncate(400)).from(seconds(5)).times(2);
    let dead = Fault::new("http://one", Effect::Refuse).from(seconds(5));
    let mut world = two_hosts(&film, fast(), vec![cut, dead]);
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().stalls, []);
    assert_eq!(world.stats().failovers.len(), 1);
    assert_eq!(world.stats().frames.presented, 60 * 24, "no picture twice, none missing");
}

#[test]
fn when_every_location_is_dead_playback_ends_with_one_typed_error_after_the_buffer() {
    let film = Film::new(Protocol::Hls, MINUTE * 3);
    let mut world = two_hosts(&film, fast(), vec![Fault::new("http://", Effect::Refuse).from(seconds(20))]);
    let Outcome::Failed(error) = play(&mut world) else { panic!("it must fail") };
    assert_eq!(error.code, ErrorCode::NetworkUnreachable);
    assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 1);
    let position = world.snapshot().position;
    assert!(position > MediaTime::from_secs_f64(40.0), "what was buffered is played first: {position:?}");
}

#[test]
fn a_single_location_that_comes_back_in_time_is_waited_for() {
    let film = Film::new(Protocol::Dash, MINUTE * 2);
    let away = Fault::new("http://edge", Effect::Refuse).from(seconds(10)).until(seconds(30));
    let mut world = crate::support::world(&film, fast(), vec![away]);
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().stalls, []);
    assert_eq!(world.stats().failovers, []);
    assert!(world.stats().retries > 2);
}

#[test]
fn a_film_whose_manifest_is_from_the_second_location_uses_both() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE * 3);
        let manifest = Fault::new("http://one", Effect::Refuse).of(FetchKind::Manifest);
        let dead = Fault::new("http://two", Effect::Refuse).from(seconds(20));
        let mut world = two_hosts(&film, fast(), vec![manifest, dead]);
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?}");
        let stats = world.stats();
        assert_eq!(stats.stalls, [], "{protocol:?}");
        assert_eq!(stats.frames.presented, 180 * 24, "{protocol:?}");
        let hosts: Vec<String> = segments(&world).into_iter().map(|(host, _)| host).collect();
        assert_eq!(hosts[0], "two", "{protocol:?}: that is where the manifest came from");
        assert_eq!(hosts.last().map(String::as_str), Some("one"), "{protocol:?}: the same paths exist there");
        let last = stats.failovers.last().unwrap();
        assert_eq!((last.from.as_str(), last.to.as_str()), ("http://two", "http://one"));
    }
}

#[test]
fn locations_that_fail_both_are_asked_in_turns_until_one_comes_back() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE * 2);
        let first = Fault::new("http://one", Effect::Refuse).from(seconds(20)).until(seconds(40));
        let second = Fault::new("http://two", Effect::Refuse).from(seconds(30));
        let mut world = two_hosts(&film, fast(), vec![first, second]);
        assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?}");
        assert_eq!(world.stats().stalls, [], "{protocol:?}");
    }
}

#[test]
fn a_location_whose_exclusion_is_over_takes_over_again() {
    let film = Film::new(Protocol::Dash, MINUTE * 5);
    let first = Fault::new("http://one", Effect::Refuse).from(seconds(20)).until(seconds(40));
    let second = Fault::new("http://two", Effect::Refuse).from(seconds(150));
    let mut world = two_hosts(&film, fast(), vec![first, second]);
    assert_eq!(play(&mut world), Outcome::Ended);
    let stats = world.stats();
    let moves: Vec<(&str, &str)> = stats.failovers.iter().map(|all| (all.from.as_str(), all.to.as_str())).collect();
    assert_eq!(moves, [("http://one", "http://two"), ("http://two", "http://one")]);
    assert_eq!(stats.stalls, []);
    assert_eq!(stats.frames.presented, 300 * 24);
}

#[test]
fn a_single_server_that_says_when_to_ask_again_is_asked_then() {
    for (status, wait) in [(503, 7), (429, 11)] {
        let film = Film::new(Protocol::Dash, MINUTE);
        let busy = Fault::new("/v/240p/0.m4s", Effect::Busy(status, seconds(wait)));
        let mut world = crate::support::world(&film, fast(), vec![busy.times(1)]);
        world.record();
        world.load();
        world.run_for(seconds(wait) - millis(100));
        let asked = |world: &World| segments(world).iter().filter(|(_, path)| path.starts_with("/film/v/")).count();
        assert_eq!(asked(&world), 1, "{status}: not before");
        world.run_for(millis(400));
        assert!(asked(&world) > 1, "{status}: and then at once");
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        assert_eq!(world.faults_fired().len(), 1);
    }
}

#[test]
fn a_busy_server_is_left_for_another_for_as_long_as_it_says() {
    let film = Film::new(Protocol::Hls, MINUTE * 5);
    let busy = Fault::new("http://one", Effect::Busy(503, seconds(120))).from(seconds(20)).until(seconds(40));
    let dead = Fault::new("http://two", Effect::Refuse).from(seconds(100));
    let mut world = two_hosts(&film, fast(), vec![busy, dead]);
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().frames.presented, 300 * 24);
    assert!(segments(&world).iter().any(|(host, _)| host == "two"));
}

/// Hosts and paths of the segments that were requested, in order.
fn segments(world: &World) -> Vec<(String, String)> {
    let segments = requests(world).filter(|request| request.kind == FetchKind::Segment);
    segments.map(|request| (request.url.host_str().unwrap().to_owned(), request.url.path().to_owned())).collect()
}
