//! Scenarios that the engine does not pass yet.

use player_core::model::Protocol;
use player_core::sim::live::{Emsg, LiveFilm, MpdAddressing, Patching, Resumption};
use player_core::sim::{Effect, Fault};
use player_core::{Command, Event};
use proptest::prelude::*;

use super::dash::{ALL, dash};
use super::steering::{hosts, two};
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
fn a_process_that_was_not_scheduled_goes_on() {
    for film in films() {
        let mut world = start(&film);
        play_on(&mut world, seconds(15));
        world.freeze(seconds(60));
        go_on(&mut world, seconds(30));
        assert_plays(&mut world);
        assert_latency(&world, 1000, 9000);
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
fn an_origin_that_begins_anew_is_followed() {
    for film in films() {
        let mut film = film;
        film.troubles.restarts.push((seconds(20), 5));
        let mut world = start(&film);
        go_on(&mut world, seconds(60));
        assert_plays(&mut world);
        assert_latency(&world, 1000, 9000);
    }
}

#[test]
fn sleep_ends_at_the_edge() {
    for film in films() {
        let mut world = start(&film);
        play_on(&mut world, seconds(15));
        world.suspend(seconds(1800));
        go_on(&mut world, seconds(20));
        assert_plays(&mut world);
        assert_latency(&world, 1000, 9000);
        play_on(&mut world, seconds(10));
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
fn a_pathway_that_dies_costs_no_stall() {
    for protocol in BOTH {
        for status in [Some(503), Some(404), None] {
            for film in [plain(protocol), low_latency(protocol)] {
                let mut film = two(film);
                film.pathways[0].dies_at = Some((seconds(20), status));
                let mut world = World::live(PlayerConfig::default(), &film, &["two"], fast(), Vec::new()).unwrap();
                world.record();
                world.load();
                go_on(&mut world, seconds(50));
                assert_eq!(world.stats().stalls, [], "{protocol:?} {status:?}: {}", last_events(&world));
                assert_plays(&mut world);
                let before = requests(&world).count();
                go_on(&mut world, seconds(5));
                assert!(hosts(&world, before).iter().all(|host| host == "two"), "{:?}", hosts(&world, before));
            }
        }
    }
}

fn drawn() -> impl Strategy<Value = LiveFilm> {
    let shape = (any::<bool>(), any::<bool>(), 0..3_u8, prop::option::of(3..8_u64), any::<bool>(), 0..400_u64);
    let times = (1..5_u64, 12..60_u64, prop::option::of(20..40_u64));
    (shape, times).prop_map(|((is_hls, is_low, addressing, chapter, from_zero, shift), (segment, window, ends))| {
        let protocol = if is_hls { Protocol::Hls } else { Protocol::Dash };
        let base = if is_low { low_latency(protocol) } else { plain(protocol) };
        let segment = seconds(segment);
        let mut film = LiveFilm {
            segment,
            window: Some(segment * 4 + seconds(window)),
            age: segment * 900,
            chapter,
            from_zero,
            audio_shift: millis(shift),
            ends_at: ends.map(seconds),
            ..base
        };
        film.dash.addressing =
            [MpdAddressing::Number, MpdAddressing::Time, MpdAddressing::TimelineNumber][usize::from(addressing)];
        film
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn drawn_services_are_played(film in drawn(), kbps in 4_000..40_000_u64, latency in 5..120_u64) {
        let trace = Trace::constant(kbps, millis(latency));
        let mut world = start_with(&film, PlayerConfig::default(), trace);
        let mut stalls = 0;
        let outcome = world.run_until(seconds(60), |world| {
            let stats = world.stats();
            if stats.stalls.len() > stalls {
                stalls = stats.stalls.len();
                let snapshot = world.snapshot();
                let ahead = snapshot.buffered.around(snapshot.position).map(|range| range.end.since(snapshot.position));
                assert!(ahead.is_none_or(|ahead| ahead < millis(300)), "a stall with {ahead:?} ahead: {film:?}");
            }
            false
        });
        match outcome {
            Outcome::TimeUp => agree(&world, "at the end"),
            Outcome::Ended => prop_assert!(film.ends_at.is_some()),
            other => prop_assert!(false, "{other:?}: {}", last_events(&world)),
        }
    }
}
