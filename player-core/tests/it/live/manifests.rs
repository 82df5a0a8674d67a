//! Live DASH manifests: their next addresses, patches, announcements by events, and periods.

use player_core::Event;
use player_core::model::Protocol;
use player_core::sim::live::{Emsg, LiveFilm, MpdAddressing, Patching};

use super::dash::{ALL, dash};
use super::*;
use crate::support::count;

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
fn events_announce_a_new_manifest() {
    let mut film = LiveFilm { emsg: Emsg::Updates, chapter: Some(10), ..dash(MpdAddressing::Number) };
    film.dash.minimum_update_period = Some(Duration::ZERO);
    let mut world = start(&film);
    play_on(&mut world, seconds(70));
    let count = asked(&world, "manifest.mpd").len();
    assert!((3..=20).contains(&count), "{count} for three periods");
}

#[test]
fn periods_come_and_go() {
    for (chapter, base) in [(5, plain(Protocol::Dash)), (3, plain(Protocol::Dash)), (5, low_latency(Protocol::Dash))] {
        for addressing in ALL {
            for (from_zero, early) in [(false, None), (true, None), (false, Some(seconds(6))), (true, Some(seconds(6)))]
            {
                let window = Some(seconds(24));
                let mut film = LiveFilm { chapter: Some(chapter), from_zero, window, ..base.clone() };
                film.dash.addressing = addressing;
                film.dash.early_period = early;
                film.dash.is_continuous = !from_zero;
                let mut world = start(&film);
                play_on(&mut world, seconds(35));
                let recovered = count(&world, |event| matches!(event, Event::LiveRecovered { .. }));
                assert_eq!(recovered, 0, "{addressing:?} {chapter}: it joins where it stays");
            }
        }
    }
}

#[test]
fn a_period_that_is_announced_late_costs_no_stall() {
    let mut film = LiveFilm {
        segment: seconds(3),
        window: Some(seconds(38)),
        age: seconds(2700),
        chapter: Some(3),
        audio_shift: Duration::ZERO,
        ..plain(Protocol::Dash)
    };
    film.dash.addressing = MpdAddressing::Time;
    film.dash.minimum_update_period = Some(seconds(2));
    for (kbps, latency) in [(9448, 27), (20_000, 27), (9448, 100)] {
        let mut world = start_with(&film, PlayerConfig::default(), Trace::constant(kbps, millis(latency)));
        play_on(&mut world, seconds(60));
    }
}
