//! Films play from the beginning to the end.

use player_core::sim::{Film, Outcome};
use player_core::{Event, State};

use crate::support::{BOTH, HOUR, assert_played, count, events, fast, millis, play, world};

#[test]
fn an_hour_plays_to_the_end_without_a_stall() {
    for protocol in BOTH {
        let film = Film::new(protocol, HOUR);
        let mut world = world(&film, fast(), Vec::new());
        assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?}");
        let stats = world.stats();
        assert_eq!(stats.stalls, []);
        assert_played(&world, HOUR);
        assert_eq!(stats.frames.presented, 3600 * 24, "{protocol:?}");
        assert_eq!(stats.frames.dropped, 0);
        assert_eq!(world.snapshot().state, State::Ended);
        assert_eq!(world.snapshot().duration, Some(HOUR));
        assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 0);
        assert!(stats.bitrate_shown.unwrap() > 4_000_000.0, "{:?}", stats.bitrate_shown);
    }
}

#[test]
fn starting_takes_a_few_round_trips_and_every_phase_is_told() {
    for protocol in BOTH {
        let film = Film::new(protocol, HOUR);
        let mut world = world(&film, fast(), Vec::new());
        play(&mut world);
        let stats = world.stats();
        assert!(stats.startup.unwrap() < millis(700), "{:?}", stats.startup_phases);
        for phase in ["manifest", "init", "first_media", "first_frame"] {
            assert!(stats.startup_phases.contains_key(phase), "{phase} is missing");
        }
        assert!(stats.moving.unwrap() >= stats.startup.unwrap());
        let first = events(&world, |event| matches!(event, Event::FirstFrame { .. }));
        assert_eq!(first.len(), 1);
    }
}
