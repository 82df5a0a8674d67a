//! Equal inputs give equal outputs, byte for byte.

use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Recorded, World, replay};
use player_core::{Command, MediaTime, PlayerConfig, SeekMode};

use crate::support::{MINUTE, fast, seconds, two_hosts};

fn eventful() -> World {
    let film = Film::new(Protocol::Hls, MINUTE * 2).voices(&["en", "de"]);
    let faults = vec![
        Fault::new("http://one", Effect::Refuse).from(seconds(20)),
        Fault::new("/9.m4s", Effect::Truncate(500)).times(2),
        Fault::new("/12.m4s", Effect::Status(404)),
    ];
    let mut world = two_hosts(&film, fast(), faults);
    world.record();
    world.at(seconds(15), Command::SetRate(1.5));
    world.at(seconds(30), Command::Seek { to: MediaTime::from_millis(70_500), mode: SeekMode::Exact });
    world.load();
    world.run_until_end(MINUTE * 5);
    world
}

#[test]
fn two_runs_give_the_same_log() {
    let (first, second) = (eventful(), eventful());
    assert!(first.events().len() > 50);
    assert_eq!(first.event_lines(), second.event_lines());
}

#[test]
fn a_recorded_session_replays_to_the_same_outputs() {
    let world = eventful();
    let (inputs, outputs) = world.recorded().unwrap();
    let again = replay(PlayerConfig::default(), inputs).unwrap();
    assert_eq!(again.len(), outputs.len());
    for (index, (replayed, recorded)) in again.iter().zip(outputs).enumerate() {
        assert_eq!(replayed, recorded, "output {index} differs");
    }
}

#[test]
fn a_recording_survives_being_written_down() {
    let world = eventful();
    let (inputs, outputs) = world.recorded().unwrap();
    let text: Vec<String> = inputs.iter().map(|input| serde_json::to_string(input).unwrap()).collect();
    assert!(text.iter().map(String::len).sum::<usize>() < 60_000_000, "a recording holds descriptors, not the film");
    let read: Vec<Recorded> = text.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let again = replay(PlayerConfig::default(), &read).unwrap();
    let lines = |outputs: &[player_core::engine::io::Output]| {
        outputs.iter().map(|output| serde_json::to_string(output).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&again), lines(outputs));
}
