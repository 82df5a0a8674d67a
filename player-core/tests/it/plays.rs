//! Films play from the beginning to the end.

use std::collections::BTreeSet;

use player_core::command::LoadRequest;
use player_core::engine::io::Output;
use player_core::sim::{Film, Outcome};
use player_core::{Command, Event, MediaTime, State};

use crate::support::{BOTH, HOUR, MINUTE, assert_played, count, events, fast, millis, play, world};

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

#[test]
fn an_undisturbed_session_asks_for_each_file_once_and_calls_nothing_back() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE);
        for start in [None, Some(MediaTime::from_millis(42_500))] {
            let mut world = world(&film, fast(), Vec::new());
            world.record();
            let request = world.request();
            world.command(Command::Load(LoadRequest { start, ..request }));
            assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
            let (_, outputs) = world.recorded().unwrap();
            let mut asked = BTreeSet::new();
            for output in outputs {
                match output {
                    Output::Fetch(request) => {
                        let file = (request.url.path().to_owned(), request.range.map(|range| range.offset));
                        assert!(asked.insert(file.clone()), "{protocol:?} {start:?}: {file:?} once more");
                    }
                    Output::Cancel(id) => panic!("{protocol:?} {start:?}: {id:?} is called back"),
                    Output::Render(_) | Output::Event(_) => {}
                }
            }
        }
    }
}
