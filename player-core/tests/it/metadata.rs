//! Timed metadata is announced when the playhead passes it: once for each pass, and rightly after seeks.

use player_core::model::{MetadataSource, Protocol};
use player_core::sim::{Film, Outcome, World};
use player_core::{Command, Event, MediaTime, SeekMode};

use crate::support::{HOUR, MINUTE, fast, millis, play, seconds, world};

/// Returns the announced metadata, as `+id` and `-id` with the distance of the playhead from the announced time in
/// milliseconds.
fn passages(world: &World) -> Vec<(String, i64)> {
    let passage = |event: &Event, position: MediaTime| match event {
        Event::MetadataStarted { metadata } => {
            Some((format!("+{}", metadata.id), position.nanos_from(metadata.start) / 1_000_000))
        }
        Event::MetadataEnded { metadata } => {
            let end = metadata.end().expect("only what has a length ends");
            Some((format!("-{}", metadata.id), position.nanos_from(end) / 1_000_000))
        }
        _ => None,
    };
    world.events().iter().filter_map(|entry| passage(&entry.event, entry.position)).collect()
}

fn words(world: &World) -> String {
    passages(world).into_iter().map(|(word, _)| word).collect::<Vec<_>>().join(" ")
}

fn film() -> Film {
    let mut film = Film::new(Protocol::Dash, MINUTE);
    film.events = vec![
        (seconds(0), seconds(5)),
        (millis(7300), millis(200)),
        (seconds(20), millis(0)),
        (seconds(30), seconds(10)),
        (seconds(58), seconds(30)),
    ];
    film
}

#[test]
fn events_of_the_manifest_are_announced_on_time_and_once() {
    let mut world = world(&film(), fast(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(words(&world), "+0 -0 +1 -1 +2 +3 -3 +4 -4");
    for (word, late) in passages(&world) {
        assert!((0..=60).contains(&late), "{word} came {late} ms late");
    }
    let list = world.snapshot().metadata;
    assert_eq!(list.len(), 5);
    assert!(list.iter().all(|known| known.source == MetadataSource::EventStream && known.value == "1"));
    assert_eq!(list[4].duration, Some(seconds(2)), "an event ends with its period");
    assert_eq!(world.snapshot().metadata_at(MediaTime::from_millis(7400)), [list[1].clone()]);
}

#[test]
fn a_seek_leaves_what_it_leaves_and_enters_what_it_enters() {
    let mut world = world(&film(), fast(), Vec::new());
    let seek = |to: i64| Command::Seek { to: MediaTime::from_millis(to), mode: SeekMode::Exact };
    world.load();
    world.run_for(seconds(3));
    assert_eq!(words(&world), "+0");
    world.command(seek(35_000));
    world.run_for(seconds(2));
    assert_eq!(words(&world), "+0 -0 +3", "what lies between is not passed");
    world.command(seek(36_000));
    world.run_for(seconds(1));
    assert_eq!(words(&world), "+0 -0 +3", "it was never left");
    world.command(seek(1_000));
    world.run_for(seconds(2));
    assert_eq!(words(&world), "+0 -0 +3 +0 -3");
    world.command(seek(19_900));
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    assert_eq!(words(&world), "+0 -0 +3 +0 -3 -0 +2 +3 -3 +4 -4");
}

#[test]
fn event_messages_in_the_media_are_placed_with_it() {
    for offset in [millis(0), seconds(100)] {
        let mut film = Film::plain(Protocol::Hls, seconds(20));
        film.real_bytes = true;
        film.event_messages = true;
        film.media_offset = offset;
        let mut world = world(&film, fast(), Vec::new());
        assert_eq!(play(&mut world), Outcome::Ended);
        assert_eq!(words(&world), "+0 -0 +1 -1 +2 -2 +3 -3 +4 -4");
        let begins: Vec<i64> =
            world.snapshot().metadata.iter().map(|known| known.start.as_nanos() / 1_000_000).collect();
        assert_eq!(begins, [1000, 5000, 9000, 13_000, 17_000], "media {offset:?} ahead");
    }
}
