//! Odd services in mid-live: addresses that move, patches, events, gaps, networks that are away, pauses.

use player_core::model::Protocol;
use player_core::sim::live::{Emsg, LiveFilm, MpdAddressing, Patching, Resumption};
use player_core::sim::{Effect, Fault};
use player_core::{Command, Event};

use super::dash::{ALL, dash};

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
fn a_location_is_used_from_then_on() {
    let mut film = dash(MpdAddressing::Time);
    film.dash.location = Some("moved/manifest.mpd".to_owned());
    let mut world = start(&film);
    play_on(&mut world, seconds(20));
    assert_eq!(asked(&world, "/live/manifest.mpd").len(), 1);
    assert!(asked(&world, "/live/moved/manifest.mpd").len() > 5);
}

#[test]
fn events_announce_a_new_manifest() {
    let mut film = LiveFilm { emsg: Emsg::Updates, chapter: Some(10), ..dash(MpdAddressing::Number) };
    film.dash.minimum_update_period = Some(Duration::ZERO);
    let mut world = start(&film);
    play_on(&mut world, seconds(70));
    let count = asked(&world, "manifest.mpd").len();
    assert!((3..=20).contains(&count), "{count} for three periods");
}

#[test]
fn patches_take_the_place_of_manifests_or_manifests_that_of_patches() {
    for (patching, is_served) in [(Patching::Serves(seconds(60)), true), (Patching::Gone, false)] {
        let mut film = dash(MpdAddressing::Time);
        film.dash.patching = patching;
        let mut world = start(&film);
        play_on(&mut world, seconds(40));
        let (patches, manifests) = (asked(&world, "patch.mpp").len(), asked(&world, "manifest.mpd").len());
        assert!(patches > 0, "{patching:?}");
        assert_eq!(patches > manifests, is_served, "{patches} patches, {manifests} manifests");
    }
}

#[test]
fn periods_come_and_go() {
    for addressing in ALL {
        for from_zero in [false, true] {
            for early in [None, Some(seconds(6))] {
                let window = Some(seconds(24));
                let mut film = LiveFilm { chapter: Some(5), from_zero, window, ..dash(addressing) };
                film.dash.early_period = early;
                film.dash.is_continuous = !from_zero;
                let mut world = start(&film);
                play_on(&mut world, seconds(45));
            }
        }
    }
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
