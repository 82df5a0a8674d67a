//! Media that is missing is jumped over, and said so.

use std::time::Duration;

use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Missing, Outcome, World};
use player_core::{Command, ErrorCode, Event, MediaTime, PlayerConfig, SeekMode};
use proptest::prelude::*;

use crate::support::{
    BOTH, MINUTE, assert_played, audit_in_long_runs, count, events, fast, millis, play, requests, seconds, world,
};

fn gaps(world: &World) -> Vec<(f64, f64)> {
    let skipped = world.events().iter().filter_map(|entry| match entry.event {
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
        let (begin, end) = film.span_of("v", 7);
        assert!((gaps[0].0 - begin as f64).abs() < 0.2 && (gaps[0].1 - end as f64).abs() < 0.1, "{gaps:?}");
        assert_played(&world, MINUTE);
        assert_eq!(world.stats().stalls, []);
        let frames = world.stats().frames.presented;
        let left = (60 - (end - begin)) * 24;
        assert!((left - 3..=left).contains(&frames), "{frames} of {left}");
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
    world.run_for(seconds(3));
    world.command(Command::Seek { to: MediaTime::from_millis(30_000), mode: SeekMode::Exact });
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
    let gaps = gaps(&world);
    assert!(gaps.len() == 1 && (gaps[0].0 - 56.0).abs() < 0.1 && gaps[0].1 == 60.0, "{gaps:?}");
    assert_played(&world, MINUTE);
}

/// A film of one quality, in as many periods as segments when it is DASH.
fn film(protocol: Protocol, missing: Vec<Missing>) -> Film {
    let mut film = Film::new(protocol, MINUTE);
    film.ladder.truncate(1);
    film.periods = 15;
    film.missing = missing;
    film
}

const fn pictures(from: u64, until: u64) -> Missing {
    Missing { pictures: true, from: millis(from), until: millis(until) }
}

const fn sound(from: u64, until: u64) -> Missing {
    Missing { pictures: false, from: millis(from), until: millis(until) }
}

/// Frames that a film has.
fn frames(missing: &[Missing]) -> u64 {
    let at = |frame: u64| Duration::from_nanos(frame * 1_000_000_000 / 24);
    let gone = |frame: &u64| {
        let mut spans = missing.iter().filter(|missing| missing.pictures);
        spans.any(|missing| missing.from <= at(*frame) && at(*frame / 48 * 48) < missing.until)
    };
    24 * 60 - (0..24 * 60).filter(gone).count() as u64
}

/// Every frame that there is comes, nothing is waited for, and all of it counts as played.
#[track_caller]
fn plays_through(protocol: Protocol, missing: Vec<Missing>, jumps: &[(f64, f64)]) {
    let mut world = world(&film(protocol, missing.clone()), fast(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?} {missing:?}");
    let found = gaps(&world);
    let near = |a: f64, b: f64| (a - b).abs() < 0.06;
    let as_told = found.len() == jumps.len()
        && found.iter().zip(jumps).all(|(found, told)| near(found.0, told.0) && near(found.1, told.1));
    assert!(as_told, "{protocol:?} {missing:?}: jumped {found:?}, not {jumps:?}");
    assert_eq!(world.stats().stalls, [], "{protocol:?} {missing:?}");
    assert_eq!(world.stats().frames.presented, frames(&missing), "{protocol:?} {missing:?}");
    assert_played(&world, MINUTE);
}

#[test]
fn what_one_track_lacks_at_a_boundary_is_bridged() {
    for protocol in BOTH {
        for span in [20, 90, 300, 700, 1900] {
            plays_through(protocol, vec![sound(20_000 - span, 20_000)], &[]);
            plays_through(protocol, vec![sound(20_000, 20_000 + span)], &[]);
            plays_through(protocol, vec![sound(20_000 - span, 20_000 + span)], &[]);
            plays_through(protocol, vec![pictures(20_000 - span, 20_000)], &[]);
            plays_through(protocol, vec![pictures(20_000, 20_000 + span)], &[]);
            plays_through(protocol, vec![pictures(20_000 - span, 20_000), sound(20_000, 20_000 + span)], &[]);
            plays_through(protocol, vec![sound(20_000 - span, 20_000), pictures(20_000, 20_000 + span)], &[]);
        }
    }
}

#[test]
fn what_both_tracks_lack_is_jumped_over_when_it_is_long_enough_to_be_seen() {
    for protocol in BOTH {
        plays_through(protocol, vec![pictures(19_900, 20_000), sound(19_900, 20_000)], &[]);
        plays_through(protocol, vec![pictures(18_500, 20_000), sound(18_500, 20_000)], &[(18.5, 20.0)]);
        plays_through(protocol, vec![pictures(18_500, 20_000), sound(19_000, 20_500)], &[(19.02, 20.0)]);
        plays_through(protocol, vec![pictures(20_000, 21_900), sound(20_000, 21_000)], &[(20.0, 21.0)]);
        plays_through(protocol, vec![pictures(18_500, 21_900), sound(19_000, 21_000)], &[(19.02, 21.0)]);
    }
}

#[test]
fn a_gap_longer_than_the_buffer_is_jumped_over() {
    let mut film = film(Protocol::Hls, Vec::new());
    film.gaps = (2..13).flat_map(|number| [("240p".to_owned(), number), ("en".to_owned(), number)]).collect();
    let config = PlayerConfig { buffer_goal: seconds(5), ..PlayerConfig::default() };
    let mut world = World::new(config, &film, &["edge"], fast(), Vec::new()).unwrap();
    assert_eq!(play(&mut world), Outcome::Ended);
    let gaps = gaps(&world);
    assert!(gaps.len() == 1 && (gaps[0].0 - 8.0).abs() < 0.06 && (gaps[0].1 - 52.0).abs() < 0.06, "{gaps:?}");
    assert_eq!(world.stats().frames.presented, 16 * 24);
    assert_played(&world, MINUTE);
}

#[test]
fn a_seek_into_what_one_track_lacks_plays_on_from_there() {
    for missing in [pictures(18_500, 21_900), sound(18_500, 21_500)] {
        for at in [18_400, 18_500, 19_000, 20_000, 21_000, 21_500, 22_000] {
            let mut world = world(&film(Protocol::Dash, vec![missing]), fast(), Vec::new());
            world.load();
            world.run_for(seconds(2));
            world.command(Command::Seek { to: MediaTime::from_millis(at), mode: SeekMode::Exact });
            world.run_for(millis(700));
            let position = world.snapshot().position;
            assert!(
                position > MediaTime::from_millis(at) && position < MediaTime::from_millis(at + 701),
                "{at} {position:?}"
            );
            assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
            assert_eq!(gaps(&world), []);
            assert_eq!(world.stats().stalls, []);
        }
    }
}

#[test]
fn media_goes_on_at_other_rates_too() {
    for rate in [0.5, 2.0, 4.0] {
        let missing =
            vec![pictures(19_000, 21_900), sound(18_500, 20_500), sound(41_000, 43_500), pictures(42_000, 43_000)];
        let mut world = world(&film(Protocol::Dash, missing.clone()), fast(), Vec::new());
        world.command(Command::SetRate(rate));
        assert_eq!(play(&mut world), Outcome::Ended);
        assert_eq!(world.stats().frames.presented, frames(&missing), "at {rate}");
        assert_played(&world, MINUTE);
    }
}

fn missing() -> impl Strategy<Value = Missing> {
    (any::<bool>(), 1..15_u64, 0..1900_u64, 0..1900_u64).prop_map(|(pictures, boundary, before, after)| Missing {
        pictures,
        from: millis(boundary * 4000 - before),
        until: millis(boundary * 4000 + after),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 3 / 8))]

    #[test]
    fn whatever_is_missing_the_rest_is_played(
        hls in any::<bool>(),
        missing in prop::collection::vec(missing(), 0..8),
        lost in prop::collection::vec((any::<bool>(), 0..15_u32), 0..3),
        seek in prop::option::of(0..60_000_i64),
    ) {
        let protocol = if hls { Protocol::Hls } else { Protocol::Dash };
        let faults = lost.iter().map(|(pictures, number)| {
            let folder = if *pictures { "/v/240p" } else { "/a/en" };
            Fault::new(&format!("{folder}/{number}.m4s"), Effect::Status(404)).of(FetchKind::Segment)
        });
        let mut world = world(&film(protocol, missing.clone()), fast(), faults.collect());
        audit_in_long_runs(&mut world);
        world.load();
        let mut last = MediaTime::ZERO;
        if let Some(to) = seek {
            world.run_for(seconds(2));
            world.command(Command::Seek { to: MediaTime::from_millis(to), mode: SeekMode::Exact });
            last = MediaTime::from_millis(to - 100).max(MediaTime::ZERO);
        }
        let goes_back = |world: &World| {
            let before = std::mem::replace(&mut last, world.snapshot().position);
            last + millis(60) < before
        };
        let outcome = world.run_until(MINUTE * 3, goes_back);
        prop_assert_eq!(outcome, Outcome::Ended, "at {:?}, {:?}", last, world.now());
        prop_assert_eq!(last, MediaTime::from_millis(60_000));
        if seek.is_none() {
            assert_played(&world, MINUTE);
            if lost.is_empty() {
                prop_assert_eq!(world.stats().frames.presented, frames(&missing));
                prop_assert!(world.stats().stalls.is_empty());
            }
        }
    }
}

#[test]
fn a_seek_into_missing_pictures_fetches_the_segment_before_them() {
    for protocol in BOTH {
        let mut film = Film::plain(protocol, MINUTE);
        film.ladder.truncate(1);
        film.missing = vec![Missing { pictures: true, from: seconds(52), until: seconds(53) }];
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        world.load();
        world.run_for(seconds(1));
        let before = requests(&world).count();
        world.command(Command::Seek { to: MediaTime::from_millis(52_500), mode: SeekMode::Exact });
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        let file = |place| format!("/film/v/240p/{}.m4s", film.file_of("v", place));
        let asked = |place| {
            let path = file(place);
            requests(&world).skip(before).filter(|request| request.url.path() == path).count()
        };
        assert_eq!((asked(11), asked(12), asked(14)), (0, 1, 1), "{protocol:?}");
        assert!(asked(13) >= 1, "{protocol:?}");
        assert_eq!(count(&world, |event| matches!(event, Event::SeekCompleted { .. })), 1, "{protocol:?}");
    }
}

#[test]
fn what_a_quality_lacks_comes_from_the_next_lower_one_that_has_it() {
    for (lack, gives) in [(&["1080p"][..], "720p"), (&["1080p", "720p"], "480p")] {
        let gaps = lack.iter().map(|rung| ((*rung).to_owned(), 7)).collect();
        let film = Film { gaps, ..Film::new(Protocol::Hls, MINUTE) };
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended);
        let file = format!("/{}.m4s", film.file_of("v", 7));
        let paths = requests(&world).map(|request| request.url.path());
        let taken: Vec<&str> = paths.filter(|path| path.contains("/v/") && path.ends_with(&file)).collect();
        assert_eq!(taken, [format!("/film/v/{gives}{file}")], "{lack:?}: once, and never given up for what lacks it");
        let before = format!("/film/v/1080p/{}.m4s", film.file_of("v", 6));
        assert!(requests(&world).any(|request| request.url.path() == before), "the highest quality is played");
        assert_eq!(world.stats().frames.presented, 60 * 24);
    }
}
