//! The end of a film, and what may follow it.

use player_core::model::Protocol;
use player_core::sim::{Film, Outcome};
use player_core::{Command, Event, MediaTime, SeekMode, State};

use crate::support::{BOTH, MINUTE, assert_played, count, fast, millis, play, seconds, world};

#[test]
fn sound_that_ends_before_the_pictures_does_not_stall() {
    for protocol in BOTH {
        for short in [millis(150), millis(900), seconds(3)] {
            let mut film = Film::new(protocol, MINUTE);
            film.audio_short = short;
            let mut world = world(&film, fast(), Vec::new());
            assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?} {short:?}");
            assert_eq!(world.stats().stalls, [], "{protocol:?} {short:?}");
            assert_eq!(world.stats().frames.presented, 60 * 24);
            assert_played(&world, MINUTE);
        }
    }
}

#[test]
fn after_the_end_it_plays_again_and_seeks() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.snapshot().position, MediaTime::from_millis(60_000));
    world.command(Command::Play);
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_played(&world, MINUTE * 2);
    world.command(Command::Seek { to: MediaTime::from_millis(50_000), mode: SeekMode::Exact });
    assert_ne!(world.snapshot().state, State::Ended);
    assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
    assert_played(&world, MINUTE * 2 + seconds(10));
    assert_eq!(count(&world, |event| matches!(event, Event::Ended)), 3);
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn periods_play_through_without_a_seam() {
    let mut film = Film::new(Protocol::Dash, MINUTE * 2);
    film.periods = 5;
    let mut world = world(&film, fast(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().stalls, []);
    assert_eq!(count(&world, |event| matches!(event, Event::GapSkipped { .. })), 0);
    assert_eq!(world.stats().frames.presented, 120 * 24);
    assert_played(&world, MINUTE * 2);
}

#[test]
fn media_whose_clock_began_elsewhere_plays_from_zero() {
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.media_offset = seconds(1000);
    let mut world = world(&film, fast(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().frames.presented, 60 * 24);
    assert_played(&world, MINUTE);
    assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 0);
}

#[test]
fn rates_change_how_long_it_takes_and_not_what_is_shown() {
    for (rate, expected) in [(2.0, seconds(30)), (0.5, seconds(120)), (4.0, seconds(15))] {
        let film = Film::new(Protocol::Dash, MINUTE);
        let mut world = world(&film, fast(), Vec::new());
        world.command(Command::SetRate(rate));
        assert_eq!(play(&mut world), Outcome::Ended);
        let stats = world.stats();
        assert!(
            stats.played_wall.abs_diff(expected) < millis(200),
            "{rate}: {:?} {:?} {:?} {:?}",
            stats.played_wall,
            stats.stalls,
            stats.switches,
            stats.startup
        );
        assert_played(&world, MINUTE);
        assert_eq!(stats.frames.presented, 60 * 24);
    }
}

#[test]
fn films_without_sound_and_without_pictures_play() {
    let mut silent = Film::new(Protocol::Dash, MINUTE);
    silent.voices.clear();
    let mut world_a = world(&silent, fast(), Vec::new());
    assert_eq!(play(&mut world_a), Outcome::Ended);
    assert_eq!(world_a.stats().frames.presented, 60 * 24);
    let mut radio = Film::new(Protocol::Dash, MINUTE);
    radio.ladder.clear();
    let mut world_b = world(&radio, fast(), Vec::new());
    let outcome = play(&mut world_b);
    assert_eq!(outcome, Outcome::Ended, "{:?}", world_b.events());
    assert_eq!(world_b.stats().frames.presented, 0);
    assert_played(&world_b, MINUTE);
}
