//! Media that is missing is jumped over, and said so.

use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Outcome};
use player_core::{ErrorCode, Event, MediaTime};

use crate::support::{BOTH, MINUTE, assert_played, count, events, fast, play, world};

fn gaps(world: &player_core::sim::World) -> Vec<(f64, f64)> {
    let skipped = world.log().iter().filter_map(|entry| match entry.event {
        Event::GapSkipped { from, to } => Some((from.as_secs_f64(), to.as_secs_f64())),
        _ => None,
    });
    skipped.collect()
}

#[test]
fn a_segment_that_nobody_has_is_jumped_over_and_counts_as_played() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE);
        let missing = Fault::new("/7.m4s", Effect::Status(404)).of(FetchKind::Segment);
        let mut world = world(&film, fast(), vec![missing]);
        assert_eq!(play(&mut world), Outcome::Ended);
        let gaps = gaps(&world);
        assert_eq!(gaps.len(), 1, "{protocol:?} {gaps:?}");
        assert!((gaps[0].0 - 28.0).abs() < 0.2 && (gaps[0].1 - 32.0).abs() < 0.1, "{gaps:?}");
        assert_played(&world, MINUTE);
        assert_eq!(world.stats().stalls, []);
        let frames = world.stats().frames.presented;
        assert!((56 * 24 - 3..=56 * 24).contains(&frames), "{frames}");
        let warned =
            events(&world, |event| matches!(event, Event::Warning { error } if error.code == ErrorCode::HttpStatus));
        assert!(!warned.is_empty());
    }
}

#[test]
fn a_film_whose_first_segment_is_missing_begins_with_the_second() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(
        &film,
        fast(),
        vec![
            Fault::new("/v/240p/0.m4s", Effect::Status(404)),
            Fault::new("/0.m4s", Effect::Status(404)).of(FetchKind::Segment),
        ],
    );
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(gaps(&world).len(), 1);
    assert_eq!(gaps(&world)[0].0, 0.0);
}

#[test]
fn a_seek_into_a_hole_goes_on_after_it() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), vec![Fault::new("/7.m4s", Effect::Status(404)).of(FetchKind::Segment)]);
    world.load();
    world.run_for(crate::support::seconds(3));
    world
        .command(player_core::Command::Seek { to: MediaTime::from_millis(30_000), mode: player_core::SeekMode::Exact });
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_eq!(count(&world, |event| matches!(event, Event::SeekCompleted { .. })), 1);
    assert_eq!(gaps(&world).len(), 1);
}

#[test]
fn a_last_segment_that_is_missing_ends_the_film_early() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), vec![Fault::new("/14.m4s", Effect::Status(404)).of(FetchKind::Segment)]);
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().stalls, []);
}
