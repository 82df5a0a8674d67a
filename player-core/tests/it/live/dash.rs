//! Live DASH: refreshes, chunks, descriptions, and refusals at the edge.

use player_core::model::Protocol;
use player_core::sim::live::{LiveFilm, MpdAddressing, ServiceDescribed};
use player_core::telemetry::LiveDelivery;
use player_core::{Command, PlayerConfig};

use super::*;

pub(super) const ALL: [MpdAddressing; 3] = [MpdAddressing::Number, MpdAddressing::Time, MpdAddressing::TimelineNumber];

pub(super) fn dash(addressing: MpdAddressing) -> LiveFilm {
    let mut film = plain(Protocol::Dash);
    film.dash.addressing = addressing;
    film
}

#[test]
fn a_manifest_is_refreshed_as_often_as_it_asks() {
    for (period, least, most) in [(seconds(2), 8, 30), (seconds(500), 1, 3)] {
        let mut film = dash(MpdAddressing::Number);
        film.dash.minimum_update_period = Some(period);
        let mut world = start(&film);
        play_on(&mut world, seconds(40));
        let count = asked(&world, "manifest.mpd").len();
        assert!((least..=most).contains(&count), "{count} with {period:?}");
    }
}

#[test]
fn chunks_are_read_while_they_are_written() {
    for addressing in ALL {
        for bytes in [false, true] {
            let low = LiveFilm { real_bytes: bytes, prft: bytes, ..low_latency(Protocol::Dash) };
            let mut film = low;
            film.dash.addressing = addressing;
            let mut world = start(&film);
            play_on(&mut world, seconds(25));
            assert_eq!(live(&world).delivery, LiveDelivery::Chunks);
            assert_latency(&world, 1300, 2200);
        }
    }
}

#[test]
fn the_latency_that_is_asked_for_is_held() {
    let description = |target, in_period| {
        let mut film = low_latency(Protocol::Dash);
        let latency = kinora_manifests::dash::Latency { target: Some(target), ..Default::default() };
        film.dash.description = Some(ServiceDescribed { in_period, latency, playback_rate: None });
        film
    };
    for in_period in [false, true] {
        let mut world = start(&description(millis(3000), in_period));
        play_on(&mut world, seconds(30));
        assert_latency(&world, 2900, 3150);
    }
    let mut config = PlayerConfig::default();
    config.live.latency = Some(seconds(4));
    let mut world = start_with(&description(millis(3000), false), config, fast());
    play_on(&mut world, seconds(30));
    assert_latency(&world, 3900, 4150);
    world.command(Command::SetLiveLatency(Some(millis(2500))));
    go_on(&mut world, seconds(60));
    assert_latency(&world, 2400, 2650);
    world.command(Command::SetLiveLatency(None));
    go_on(&mut world, seconds(40));
    assert_latency(&world, 2900, 3150);
    let mut film = dash(MpdAddressing::Number);
    film.dash.suggested_delay = Some(seconds(9));
    let mut world = start(&film);
    play_on(&mut world, seconds(20));
    assert_latency(&world, 8700, 9300);
}

#[test]
fn refusals_at_the_edge_are_answered_by_the_clock() {
    for (early, late) in [(404, 404), (425, 410)] {
        for film in [dash(MpdAddressing::Number), dash(MpdAddressing::Time), low_latency(Protocol::Dash)] {
            let mut film = film;
            (film.troubles.too_early, film.troubles.too_late, film.troubles.late_files) = (early, late, millis(700));
            let mut world = start(&film);
            go_on(&mut world, seconds(30));
            assert_plays(&mut world);
            let stalled: Duration = world.stats().stalls.iter().map(|stall| stall.duration).sum();
            assert!(stalled < seconds(2), "{early}: {:?}", world.stats().stalls);
        }
    }
}

#[test]
fn a_delay_of_one_segment_is_held_as_near_as_can_be() {
    for addressing in ALL {
        let mut film = dash(addressing);
        film.dash.suggested_delay = Some(TARGET);
        let mut world = start(&film);
        go_on(&mut world, seconds(60));
        assert_latency(&world, 2000, 6000);
        assert!(world.stats().stalls.len() <= 2, "{:?}", world.stats().stalls);
    }
}
