//! The byte budget: how much is held, what makes room, and what stays behind the playhead.

use std::time::Duration;

use abr::link::Trace;
use player_core::model::Protocol;
use player_core::sim::{Captions, Content, Film, Outcome, Rung, World};
use player_core::text::Cue;
use player_core::{Command, MediaTime, PlayerConfig, QualityChoice, SeekMode};

use crate::support::{BOTH, HOUR, MINUTE, assert_played, millis, requests, seconds};

/// Default budget in bytes.
const BUDGET: u64 = 25_000_000;

/// A film whose best quality has 20 Mbit/s: 10 MB a segment, of which the budget holds two and a half.
fn film(protocol: Protocol, minutes: u32) -> Film {
    let mut film = Film::plain(protocol, MINUTE * minutes);
    film.ladder.push(Rung { id: "2160p".to_owned(), bitrate: 20_000_000, size: (3840, 2160) });
    film
}

fn world(film: &Film, kbps: u64) -> World {
    let link = Trace::constant(kbps, millis(30));
    let mut world = World::new(PlayerConfig::default(), film, &["edge"], link, Vec::new()).unwrap();
    world.record();
    world
}

/// Size of the largest file of media that a session asked for.
fn largest(world: &World, film: &Film) -> u64 {
    let size = |path: &str| match film.content(path) {
        Some(Content::Media { size, .. }) => size,
        _ => 0,
    };
    requests(world).map(|request| size(request.url.path())).max().unwrap()
}

/// Media that is buffered behind the playhead and ahead of it.
fn around(world: &World) -> (Duration, Duration) {
    let snapshot = world.snapshot();
    let position = snapshot.position;
    let range = snapshot.buffered.iter().find(|range| range.start <= position && position <= range.end);
    range.map_or_else(Default::default, |range| (position.since(range.start), range.end.since(position)))
}

#[test]
fn a_large_film_plays_within_the_budget_and_one_segment() {
    for protocol in BOTH {
        let film = film(protocol, 3);
        let mut world = world(&film, 60_000);
        world.load();
        let (mut behind, mut ahead) = (Vec::new(), Vec::new());
        let outcome = world.run_until(HOUR, |world| {
            let position = world.snapshot().position;
            if (MediaTime::from_millis(30_000)..MediaTime::from_millis(160_000)).contains(&position) {
                let (before, after) = around(world);
                behind.push(before);
                ahead.push(after);
            }
            position > MediaTime::from_millis(178_000)
        });
        assert_eq!(outcome, Outcome::Reached);
        assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
        assert_played(&world, MINUTE * 3);
        let (stats, segment) = (world.stats(), largest(&world, &film));
        assert_eq!(stats.stalls, []);
        assert!(segment > 9_000_000, "the best quality was fetched: {segment}");
        assert!(stats.bitrate_shown.unwrap() > 17_000_000.0, "and shown: {:?}", stats.bitrate_shown);
        assert!(stats.memory.total_peak <= BUDGET + segment, "{:?}", stats.memory);
        assert!(stats.memory.media_peak > BUDGET / 2, "{:?}", stats.memory);
        let (least, most) = (behind.iter().min().unwrap(), behind.iter().max().unwrap());
        assert!(*least >= millis(1900), "some of what was played stays: {least:?}");
        assert!(*most <= seconds(10), "and no more than a segment and that: {most:?}");
        assert!(*ahead.iter().min().unwrap() >= seconds(3), "{:?}", ahead.iter().min());
    }
}

/// Least and most media behind the playhead, and least media ahead of it, from one minute to two of a film of 6 Mbit/s.
fn steady(goal: Duration) -> (Duration, Duration, Duration) {
    let film = Film::plain(Protocol::Hls, MINUTE * 3);
    let config = PlayerConfig { buffer_goal: goal, ..PlayerConfig::default() };
    let mut world = World::new(config, &film, &["edge"], Trace::constant(40_000, millis(30)), Vec::new()).unwrap();
    world.record();
    world.load();
    world.run_until(HOUR, |world| world.snapshot().position >= MediaTime::from_millis(60_000));
    let mut spans = Vec::new();
    let outcome = world.run_until(HOUR, |world| {
        spans.push(around(world));
        world.snapshot().position >= MediaTime::from_millis(120_000)
    });
    assert_eq!((outcome, world.stats().stalls), (Outcome::Reached, Vec::new()));
    assert!(world.stats().memory.total_peak <= BUDGET + largest(&world, &film), "{:?}", world.stats().memory);
    let behind = || spans.iter().map(|(behind, _)| *behind);
    let ahead = spans.iter().map(|(_, ahead)| *ahead).min().unwrap();
    (behind().min().unwrap(), behind().max().unwrap(), ahead)
}

#[test]
fn the_back_buffer_shrinks_by_what_is_missing() {
    // The budget holds 32 s of such media.
    let (least, most, ahead) = steady(seconds(30));
    assert!(least >= millis(1900) && most <= seconds(8), "the last seconds stay: {least:?} {most:?}");
    assert!(ahead >= seconds(20), "the media ahead has the rest: {ahead:?}");
    let (least, _, ahead) = steady(seconds(20));
    assert!(least >= millis(4500) && ahead >= seconds(19), "no more goes than must: {least:?} {ahead:?}");
    let (least, _, ahead) = steady(seconds(10));
    assert!(least >= seconds(10) && ahead >= seconds(9), "and nothing if all fits: {least:?} {ahead:?}");
}

#[test]
fn two_large_streams_exceed_the_budget_by_one_segment() {
    let mut film = Film::plain(Protocol::Dash, MINUTE * 2);
    film.ladder = vec![Rung { id: "2160p".to_owned(), bitrate: 8_000_000, size: (3840, 2160) }];
    film.voices[0].bitrate = 8_000_000;
    let mut world = world(&film, 60_000);
    world.load();
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    let (memory, segment) = (world.stats().memory, largest(&world, &film));
    assert_eq!(world.stats().stalls, []);
    assert!(memory.media_peak <= BUDGET + segment, "{memory:?} and {segment}");
    assert!(memory.media_peak > BUDGET, "{memory:?}");
}

#[test]
fn a_short_step_back_fetches_nothing_though_the_budget_is_used_up() {
    let film = film(Protocol::Dash, 2);
    let mut world = world(&film, 60_000);
    world.command(Command::SelectQuality(QualityChoice::Representation("2160p".to_owned())));
    world.load();
    world.run_until(HOUR, |world| world.snapshot().position >= MediaTime::from_millis(53_000));
    world.command(Command::Pause);
    world.run_for(seconds(10));
    let before = requests(&world).count();
    world.command(Command::SeekBy { millis: -1_500, mode: SeekMode::Exact });
    world.run_for(seconds(5));
    assert_eq!(requests(&world).count(), before);
    let seeks = &world.stats().seeks;
    assert_eq!((seeks.len(), seeks[0].error_nanos.is_some()), (1, true), "{seeks:?}");
}

#[test]
fn captions_behind_the_playhead_stay_where_pictures_make_room() {
    let mut film = film(Protocol::Hls, 2);
    film.captions = Captions::Announced("en".into());
    let mut world = world(&film, 60_000);
    let mut request = world.request();
    request.text_languages = vec!["en".to_owned()];
    world.command(Command::Load(request));
    world.run_until(HOUR, |world| world.snapshot().position >= MediaTime::from_millis(60_500));
    let (behind, _) = around(&world);
    assert!(behind < seconds(8), "pictures went: {behind:?}");
    let first = world.snapshot().position - behind;
    assert!(first > MediaTime::from_millis(53_500), "{first:?}");
    // One caption a segment, from half a second on, with the number of the segment.
    let shown = |time| world.snapshot().cues_at(MediaTime::from_millis(time)).iter().map(Cue::plain_text).collect();
    let texts: [Vec<String>; 3] = [53_000, 57_000, 60_500].map(shown);
    assert_eq!(texts, [["13"], ["14"], ["15"]], "of the last ten seconds");
}
