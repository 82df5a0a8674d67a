//! Odd services in mid-live: delta updates, gaps, networks that are away, silent encoders, pauses.

use player_core::model::Protocol;
use player_core::sim::live::{LiveFilm, MpdAddressing, Resumption};
use player_core::sim::{Effect, Fault};
use player_core::{Command, Event};

use super::*;
use crate::support::{BOTH, count};

fn recoveries(world: &World) -> usize {
    count(world, |event| matches!(event, Event::LiveRecovered { .. }))
}

fn films() -> Vec<LiveFilm> {
    let mut timeline = plain(Protocol::Dash);
    timeline.dash.addressing = MpdAddressing::Time;
    let kinds = BOTH.into_iter().flat_map(|protocol| [plain(protocol), low_latency(protocol)]);
    kinds.chain([timeline]).collect()
}

fn hls() -> LiveFilm {
    plain(Protocol::Hls)
}

#[test]
fn delta_updates_are_asked_for_and_merged() {
    let mut film = LiveFilm { window: Some(seconds(600)), ..low_latency(Protocol::Hls) };
    film.hls.date_range_every = Some(seconds(10));
    let mut world = start(&film);
    play_on(&mut world, seconds(30));
    let reloads = asked(&world, "index.m3u8");
    let skipping =
        reloads.iter().filter(|request| request.url.query().is_some_and(|it| it.contains("_HLS_skip"))).count();
    assert!(skipping * 10 > reloads.len() * 8, "{skipping} of {}", reloads.len());
    let window = live(&world).window;
    assert!(window.end.since(window.start) > seconds(590), "{window:?}");
}

#[test]
fn gaps_are_passed_over() {
    for film in [hls(), low_latency(Protocol::Hls)] {
        let mut world = start(&LiveFilm { gaps: vec![(seconds(20), seconds(24))], ..film });
        go_on(&mut world, seconds(50));
        assert_plays(&mut world);
        assert!(world.stats().stalls.iter().map(|stall| stall.duration).sum::<Duration>() < seconds(5));
    }
}

#[test]
fn a_network_that_is_away_for_a_minute_is_waited_for() {
    for film in films() {
        for effect in [Effect::NoRoute, Effect::Silence, Effect::Unresolved] {
            let away = Fault::new("", effect).from(seconds(20)).until(seconds(80));
            let mut world = World::live(PlayerConfig::default(), &film, &["edge"], fast(), vec![away]).unwrap();
            world.load();
            go_on(&mut world, seconds(120));
            assert_plays(&mut world);
            assert_latency(&world, 1000, 9000);
        }
    }
}

#[test]
fn a_pause_of_an_hour_ends_at_the_edge() {
    for film in films() {
        let mut world = start(&film);
        play_on(&mut world, seconds(10));
        world.command(Command::Pause);
        go_on(&mut world, seconds(3600));
        world.command(Command::Play);
        go_on(&mut world, seconds(10));
        assert_plays(&mut world);
        assert_latency(&world, 1000, 9000);
        assert!(recoveries(&world) >= 1);
    }
}

#[test]
fn a_silent_encoder_is_waited_for() {
    for way in [Resumption::Discontinuity, Resumption::Skipped] {
        for film in films() {
            let mut film = film;
            film.troubles.silences.push((seconds(20), seconds(34), way));
            let mut world = start(&film);
            go_on(&mut world, seconds(75));
            assert_plays(&mut world);
            assert_latency(&world, 1000, 9000);
            let stalled: Duration = world.stats().stalls.iter().map(|stall| stall.duration).sum();
            assert!(stalled < seconds(18), "{way:?} {:?}: {:?}", film.protocol, world.stats().stalls);
        }
    }
}
